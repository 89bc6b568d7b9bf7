'use strict';
'require view';
'require ui';
'require uci';
'require holdfast.calls as calls';
'require holdfast.options as options';
'require holdfast.picker as picker';
'require holdfast.probe as probe';
'require holdfast.show as show';
'require holdfast.words as words';

/* Provider, name, network: everything else has a default. */

const { h } = show;
const byId = (id) => document.getElementById(id);

return view.extend({
	handleReset: null,
	handleSaveApply: null,

	load() {
		return Promise.all([options.load(), calls.providers(), calls.networks(), uci.load('holdfast')]);
	},

	render([schemas, reply, networks]) {
		show.style();
		Object.assign(this, { schemas, typed: {}, made: {}, fields: [], disabled: L.hasViewPermission() ? null : '' });
		const wan = words.wanOf(networks);
		const names = networks.map((one) => one.interface);
		const accounts = uci.sections('holdfast', 'account');

		this.picker = new picker.Picker('', reply.providers ?? [], { inputId: 'hf-provider', disabled: this.disabled != null });
		const chooser = this.picker.render();
		chooser.addEventListener('hf-chosen', () => this.choose());
		this.account = this.select('hf-account', [['', _('A new one')], ...accounts.map((one) => [one['.name'], '%s (%s)'.format(one['.name'], one.provider)])]);
		this.account.addEventListener('change', () => this.choose());
		this.credentials = h('div');
		this.providerRow = this.row('hf-provider', _('Provider'), chooser, picker.help);
		this.result = h('div');

		return h('div.cbi-map hf-page',
			h('h2', _('Add a hostname')),
			h('div.cbi-map-descr', _('Three things are needed: your account at a provider, the name, and the network whose address it follows.')),
			reply.providers ? null : h('p.alert-message warning', calls.reason(reply)),
			h('div.cbi-section',
				accounts.length ? this.row('hf-account', _('Account'), this.account, _('Use one that you have, or make a new one.')) : null,
				this.providerRow, this.credentials,
				this.row('hf-hostname', _('Hostname'), this.input('hf-hostname', { placeholder: 'home.example.org' }), _('The full name, as it is registered at the provider.')),
				this.row('hf-network', _('Network'), this.select('hf-network', (names.includes(wan) ? names : [wan, ...names]).map((name) => [name, name]), wan), _('The connection to the Internet.')),
				h('details', h('summary', _('More')), this.row('hf-family', _('Address family'),
					this.select('hf-family', Object.entries(words.families)), _('Which address is published.')))),
			h('div.hf-actions', show.button('test', _('Test before saving'), () => this.test()),
				show.button('apply', _('Save and apply'), () => this.apply(), 'cbi-button-positive important')),
			this.result);
	},

	input(id, attributes) {
		return h('input.cbi-input-text', { id, type: 'text', autocomplete: 'off', autocapitalize: 'none', disabled: this.disabled,
			'aria-describedby': '%s-error %s-help'.format(id, id), input: () => this.tell(id, true), ...attributes });
	},

	select(id, choices, chosen) {
		return h('select.cbi-input-select', { id, disabled: this.disabled }, choices.map(([value, label]) =>
			h('option', { value, selected: value == chosen ? '' : null }, label)));
	},

	row(id, title, field, help) {
		return h('div.cbi-value', { 'data-row': id },
			h('label.cbi-value-title', { 'for': id }, title),
			h('div.cbi-value-field', field, h('div.hf-error', { id: id + '-error', role: 'alert' }),
				h('div.cbi-value-description', { id: id + '-help' }, help)));
	},

	/* Shows a mistake at its field, or that there is none; answers which. */
	tell(id, verdict) {
		byId(id)?.setAttribute('aria-invalid', String(verdict !== true));
		byId(id + '-error')?.replaceChildren(verdict === true ? '' : verdict);
		return verdict === true;
	},

	choose() {
		const entry = this.account.value ? null : this.picker.entry();
		this.providerRow.hidden = !!this.account.value;
		this.tell('hf-provider', true);
		this.fields = (entry?.dead ? [] : words.providerFields(entry)).filter(({ option }) => this.schemas.account.options[option]);
		const row = (one) => {
			const { option, help } = one;
			const facts = this.schemas.account.options[option];
			const id = 'hf-field-' + option;
			const field = facts['enum'] ? this.select(id, ['', ...facts['enum']].map((one) => [one, one]), this.typed[option])
				: this.input(id, { type: facts.secret && option != 'url' ? 'password' : 'text', value: this.typed[option] });
			field.addEventListener('change', () => {
				this.typed[option] = field.value;
			});
			return this.row(id, words.fieldTitle(one), field, help);
		};
		const others = this.fields.filter((one) => !one.required).map(row);
		this.credentials.replaceChildren(...this.fields.filter((one) => one.required).map(row),
			entry?.wantsContact && !uci.sections('holdfast', 'agent')[0]?.contact ? this.row('hf-contact', _('Your e-mail address'),
				this.input('hf-contact', { type: 'email' }), _('This provider wants to know who asks; it is sent with each update.')) : '',
			others.length ? h('details', h('summary', _('More of this provider')), others) : '');
		if (entry && !entry.dead)
			byId('hf-family').value = words.familyFor(entry);
	},

	/* The fields as UCI options; null when something is wrong, which then stands at its field. */
	collect() {
		const wrong = [];
		const value = (id) => byId(id)?.value.trim() ?? '';
		const judge = (id, facts, required) => {
			const verdict = value(id) == '' ? !required || _('This is needed.') : options.judge(facts, value(id));
			if (!this.tell(id, verdict))
				wrong.push(id);
		};
		const account = {};
		if (!this.account.value) {
			const entry = this.picker.entry();
			if (!this.tell('hf-provider', !entry ? _('Choose a provider from the list.') : !entry.dead || _('This service has ended. Choose another one.')))
				wrong.push('hf-provider');
			account.provider = entry?.id;
			for (const { option, required } of this.fields) {
				const facts = this.schemas.account.options[option];
				const typed = value('hf-field-' + option);
				judge('hf-field-' + option, facts, required);
				if (typed)
					account[option] = facts.type == 'array' ? typed.split(/ +/) : typed;
			}
		}
		judge('hf-hostname', this.schemas.hostname.options.hostname, true);
		if (uci.sections('holdfast', 'hostname').some((one) => one['.name'] != this.made.hostname && one.account == this.account.value && one.hostname == value('hf-hostname')))
			wrong.push(this.tell('hf-hostname', _('This account has this name already. Change it under Names.')) || 'hf-hostname');
		if (byId('hf-contact'))
			judge('hf-contact', this.schemas.agent.options.contact, true);
		byId(wrong[0])?.focus();
		return wrong.length ? null : {
			account, contact: value('hf-contact'),
			hostname: { hostname: value('hf-hostname'), network: [value('hf-network')], family: value('hf-family') }
		};
	},

	test() {
		const found = this.collect();
		if (!found)
			return;
		const config = probe.config(this.account.value, found.hostname);
		if (!this.account.value)
			config.account = found.account;
		if (found.contact)
			config.agent.contact = found.contact;
		return probe.run(this.result, config);
	},

	/* Into the configuration of the session; saving twice does not make two. Answers whether it did. */
	handleSave() {
		const found = this.collect();
		if (!found)
			return Promise.resolve(false);
		const taken = uci.sections('holdfast').map((one) => one['.name']);
		const put = (kind, name, values) => {
			const section = this.made[kind] ??= uci.add('holdfast', kind, words.freeName(name, taken));
			Object.entries(values).forEach(([option, value]) => uci.set('holdfast', section, option, value));
			return section;
		};
		const account = this.account.value || put('account', found.account.provider, found.account);
		put('hostname', found.hostname.hostname.split('.')[0] + '_name', { enabled: '1', account, ...found.hostname });
		if (found.contact) {
			this.made.agent ??= uci.sections('holdfast', 'agent')[0]?.['.name'];
			put('agent', 'agent', { contact: found.contact });
		}
		return uci.save().then(() => true);
	},

	apply() {
		return this.handleSave().then((saved) => {
			if (!saved)
				return;
			/* After applying LuCI loads this page again; better is the first page that one may see. */
			document.addEventListener('uci-applied', () => window.setTimeout(() => {
				window.location = L.url('admin/services/holdfast');
			}, 500), { once: true });
			ui.changes.apply(true);
		});
	}
});
