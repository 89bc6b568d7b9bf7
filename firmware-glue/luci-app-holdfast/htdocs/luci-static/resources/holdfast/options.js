'use strict';
'require baseclass';
'require form';
'require request';
'require uci';
'require holdfast.show as show';
'require holdfast.words as words';

/* Forms from options.json, which is made from the schema. Views choose order and widgets. */

const asUci = (value) => Array.isArray(value) ? value.map(String) : String(typeof(value) == 'boolean' ? +value : value);

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
		const standard = facts.type == 'array' && !facts.minItems ? facts['default'] ?? [] : [];
		return [
			facts.description ? _(facts.description) : '',
			facts.unit == 'seconds' ? _('In seconds.') : '',
			standard.length ? _('If empty: %s.').format(standard.join(', ')) : ''
		].filter((one) => one).join(' ');
	},

	/* Adds one option. `how`: widget, tab, labels (words for the values), and what else LuCI lets one set. */
	add(section, schema, name, how) {
		const { widget, tab, labels, description, ...rest } = how ?? {};
		const facts = schema.options[name];
		const { type, 'default': standard } = facts;
		const optional = !schema.required.includes(name);
		const fitting = type == 'boolean' ? form.Flag : type == 'array' ? form.DynamicList : facts['enum'] ? form.ListValue : form.Value;
		const head = [widget ?? fitting, name, _(facts.title), description ?? this.describe(facts)];
		const option = tab ? section.taboption(tab, ...head) : section.option(...head);
		for (const value of facts['enum'] ?? [])
			option.value(value, labels?.[value] ?? value);
		if (type != 'boolean' && !rest.providers)
			option.textvalue = function(sid) {
				return show.h('span', L.toArray(this.cfgvalue(sid) ?? standard).map((one) => labels?.[one] ?? one).join(', '));
			};
		if (type == 'integer')
			option.datatype = 'range(%d,%d)'.format(facts.minimum, facts.maximum);
		if (type == 'boolean' || (standard != null && (facts['enum'] || facts.minItems)))
			option['default'] = asUci(standard);
		else if (standard != null && type != 'array')
			option.placeholder = asUci(standard);
		return Object.assign(option, {
			facts, optional, rmempty: optional, modalonly: true, password: facts.secret && type != 'array',
			validate: (sid, value) => this.judge(facts, value)
		}, rest);
	},

	/* The options that a view did not place, such as those of a newer schema. */
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
		return Object.assign(section, { addremove: true, anonymous: true, sectiontitle: String, nodescriptions: true, modaltitle: () => title, addbtntitle: add });
	},

	sections(option, kind) {
		for (const one of uci.sections('holdfast', kind))
			if (!one['.anonymous'])
				option.value(one['.name'], words.plain(one.hostname ? '%s (%s)'.format(one.hostname, one['.name']) : one['.name']));
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
				set(L.toArray(cfgvalue ?? this['default']));
				return E([], [node, line]);
			},
			formvalue(sid) {
				return formvalue.call(this, sid) == null ? null : orders[sid];
			}
		});
	}
});
