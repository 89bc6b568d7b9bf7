'use strict';
'require view';
'require form';
'require uci';
'require holdfast.options as options';
'require holdfast.show as show';

/* Names in a zone of one's own that point at the first hostname that works. */

return view.extend({
	load() {
		return Promise.all([options.load(), uci.load('holdfast')]);
	},

	render([{ alias: schema }]) {
		show.style();
		const map = new form.Map('holdfast', _('Aliases'),
			_('An alias is a CNAME in a zone of your own. It points at the first of its targets that works, and moves when that one fails.'));
		const section = options.grid(map, 'alias', _('Alias'), _('Add an alias'));
		options.add(section, schema, 'enabled', { modalonly: null, editable: true });
		options.add(section, schema, 'hostname', { modalonly: null });
		options.sections(options.add(section, schema, 'account', { modalonly: null, widget: form.ListValue }), 'account');
		options.ordered(options.sections(options.add(section, schema, 'target', { modalonly: null, widget: form.MultiValue }), 'hostname'));
		options.addRest(section, schema);
		return map.render();
	}
});
