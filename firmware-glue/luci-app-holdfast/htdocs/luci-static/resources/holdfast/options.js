'use strict';
'require baseclass';
'require form';
'require request';
'require uci';
'require ui';
'require holdfast.show as show';
'require holdfast.words as words';

/* Forms from options.json. Views choose order and widgets. */

return baseclass.extend({
	load() {
		return request.get(L.resource('holdfast/options.json'), { cache: true }).then((reply) => reply.json());
	},

	/* Does the agent accept the value? True, or a sentence. Empty is for others to judge. */
	judge(facts, value) {
		if (value == null || value === '' || !facts.pattern)
			return true;
		const pattern = new RegExp(facts.pattern, 'u');
		return [value].flat().every((one) => pattern.test(one)) || _('Expected: %s').format(_(facts.allowed ?? facts.title));
	},

	describe(facts) {
		const standard = facts.type == 'array' ? facts['default'] ?? [] : [];
		return [
			facts.description ? _(facts.description) : '',
			facts.unit == 'seconds' ? _('In seconds.') : '',
			standard.length ? _('If empty: %s.').format(standard.join(', ')) : ''
		].filter((one) => one).join(' ');
	},

	/* Adds one option. `how`: widget, tab, and what else LuCI lets one set. */
	add(section, schema, name, how) {
		const { widget, tab, labels, description, ...rest } = how ?? {};
		const facts = schema.options[name];
		const { type, 'default': standard } = facts;
		const label = (value) => labels?.[value] ?? (facts.labels?.[value] ? _(facts.labels[value]) : value);
		const optional = !schema.required.includes(name);
		const fitting = type == 'boolean' ? form.Flag : type == 'array' ? form.DynamicList : facts['enum'] ? form.ListValue : form.Value;
		const head = [widget ?? fitting, name, _(facts.title), description ?? this.describe(facts)];
		const option = tab ? section.taboption(tab, ...head) : section.option(...head);
		for (const value of facts['enum'] ?? [])
			option.value(value, label(value));
		if (type != 'boolean' && !rest.providers)
			option.textvalue = function(sid) {
				return show.h('span', L.toArray(this.cfgvalue(sid) ?? standard).map(label).join(', '));
			};
		if (type == 'integer')
			option.datatype = 'range(%d,%d)'.format(facts.minimum, facts.maximum);
		/* A default that is filled in would be saved as a choice. */
		if (type == 'boolean')
			option['default'] = String(+standard);
		else if (standard != null && type != 'array')
			option.placeholder = facts['enum'] ? _('Default (%s)').format(label(standard)) : String(standard);
		return Object.assign(option, {
			facts, optional, rmempty: optional, modalonly: true, password: facts.secret && type != 'array',
			validate: (sid, value) => this.judge(facts, value)
		}, rest);
	},

	/* The options that a view did not place. */
	addRest(section, schema, how) {
		for (const name of Object.keys(schema.options))
			if (!section.children.some((one) => one.option == name))
				this.add(section, schema, name, how);
	},

	grid(map, kind, title, add) {
		const section = map.section(form.GridSection, kind);
		section.handleAdd = function(ev) {
			const taken = uci.sections('holdfast').map((one) => one['.name']);
			return form.GridSection.prototype.handleAdd.call(this, ev, words.freeName('my ' + kind, taken));
		};
		section.handleRemove = function(sid, ev) {
			const users = uci.sections('holdfast').filter((one) => one['.name'] != sid && [one.account, one.standby, one.target].flat().includes(sid));
			return users.length
				? ui.addNotification(null, show.h('p', _('%s is still in use: %s. Change that first.').format(sid, users.map((one) => one.hostname).join(', '))), 'warning')
				: form.GridSection.prototype.handleRemove.call(this, sid, ev);
		};
		return Object.assign(section, { addremove: true, anonymous: true, sectiontitle: String, nodescriptions: true, modaltitle: () => title, addbtntitle: add });
	},

	/* What is not there any more is offered too, or saving would put another one in its place. */
	sections(option, kind) {
		const known = Object.fromEntries(uci.sections('holdfast', kind).filter((one) => !one['.anonymous']).map((one) => [one['.name'], one.hostname]));
		for (const name of new Set([...Object.keys(known), ...uci.sections('holdfast').flatMap((one) => one[option.option] ?? [])]))
			option.value(name, words.plain(known[name] ? '%s (%s)'.format(known[name], name) : name));
		return option;
	},

	/* A picker of several whose order counts. LuCI's own forgets it, and drops what it does not offer. */
	ordered(option) {
		const orders = {};
		const { renderWidget, formvalue } = option;
		return Object.assign(option, {
			multiple: true,
			renderWidget(sid, index, cfgvalue) {
				const node = renderWidget.call(this, sid, index, cfgvalue);
				const line = show.h('div.cbi-value-description', { 'data-role': 'order' });
				const set = (order) => {
					orders[sid] = order;
					line.replaceChildren(order.length < 2 ? '' : words.plain(_('In this order: %s. To change it, take names out and add them again.').format(order.join(', '))));
				};
				node.addEventListener('cbi-dropdown-change', (ev) => set(words.keepOrder(orders[sid],
					(ev.detail.values ?? []).map((one) => one.value),
					Array.from(node.querySelectorAll('li[data-value]'), (one) => one.getAttribute('data-value')))));
				set(L.toArray(cfgvalue));
				return E([], [node, line]);
			},
			formvalue(sid) {
				return formvalue.call(this, sid) == null ? null : orders[sid];
			}
		});
	}
});
