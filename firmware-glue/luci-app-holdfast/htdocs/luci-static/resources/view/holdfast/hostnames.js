'use strict';
'require view';
'require form';
'require dom';
'require uci';
'require tools.widgets as widgets';
'require holdfast.calls as calls';
'require holdfast.options as options';
'require holdfast.probe as probe';
'require holdfast.show as show';
'require holdfast.words as words';

const { h } = show;
/* LuCI makes markup of names; these are all that UCI allows. */
const PLAIN_NAME = /^[A-Za-z0-9_.@-]+$/;

return view.extend({
	load() {
		return Promise.all([options.load(), calls.networks(), uci.load('holdfast')]);
	},

	render([schemas, networks]) {
		show.style();
		const schema = schemas.hostname;
		const map = new form.Map('holdfast', _('Names'), _('Names that follow the address of this router.'));
		const section = options.grid(map, 'hostname', _('Hostname'), _('Add a hostname'));
		section.sortable = true;
		section.tab('name', _('Name'));
		section.tab('source', _('Address'));
		section.tab('standby', _('Standby'));
		const add = (tab, name, how) => options.add(section, schema, name, { tab, ...how });
		const filter = (sid, name) => PLAIN_NAME.test(name);

		add('name', 'enabled', { modalonly: null, editable: true });
		add('name', 'hostname', { modalonly: null });
		options.sections(add('name', 'account', { modalonly: null, widget: form.ListValue }), 'account');
		add('name', 'family', { labels: words.families });
		this.addTest(section);

		add('source', 'source');
		options.ordered(add('source', 'network', { modalonly: null, widget: widgets.NetworkSelect, nocreate: true, filter }))
			.depends({ source: 'device', '!reverse': true });
		options.ordered(add('source', 'device', { widget: widgets.DeviceSelect, nocreate: true, noaliases: true, filter }))
			.depends({ source: 'network', '!reverse': true });
		for (const [name, source] of [['echo_url', 'web'], ['stun_server', 'stun'], ['script', 'script'], ['script_arg', 'script']])
			add('source', name).depends('source', source);
		add('source', 'allow_private');
		this.addSuffix(add('source', 'ipv6_suffix'), words.prefixOf(networks));

		const standby = options.ordered(options.sections(add('standby', 'standby', { widget: form.MultiValue }), 'hostname'));
		standby.validate = (sid, value) => [value].flat().includes(sid)
			? _('A name cannot stand by for itself.') : options.judge(standby.facts, value);
		options.addRest(section, schema, { tab: 'standby' });
		return map.render();
	},

	/* Under the field the address that it makes with the prefix of now. */
	addSuffix(option, prefix) {
		const { renderWidget } = option;
		option.depends('family', 'ipv6');
		option.depends('family', 'dual');
		option.renderWidget = function(sid, index, cfgvalue) {
			const node = renderWidget.call(this, sid, index, cfgvalue);
			const line = h('div.cbi-value-description', { 'data-role': 'suffix-preview', 'aria-live': 'polite' });
			const tell = (value) => {
				const { address, problem } = value ? words.joinSuffix(prefix, value) : {};
				line.textContent = address ? _('Would be published now: %s').format(address) : problem ?? '';
			};
			node.addEventListener('input', (ev) => tell(ev.target.value.trim()));
			tell(cfgvalue);
			return E([], [node, line]);
		};
		option.validate = (sid, value) => !value || words.bits(value)
			? options.judge(option.facts, value) : words.joinSuffix('', value).problem;
	},

	addTest(section) {
		const test = section.taboption('name', form.DummyValue, '_test', _('Test before saving'));
		test.modalonly = true;
		test.renderWidget = (sid) => {
			const place = h('div');
			return h('div', show.button('test', _('Test'), () => {
				const values = {};
				section.getActiveModalMap().querySelectorAll('[data-field]').forEach((field) => {
					const option = dom.findClassInstance(field);
					if (option.facts && option.isActive(sid))
						values[option.option] = option.formvalue(sid);
				});
				const { account, ...hostname } = values;
				return probe.run(place, probe.config(account, hostname));
			}), place);
		};
	}
});
