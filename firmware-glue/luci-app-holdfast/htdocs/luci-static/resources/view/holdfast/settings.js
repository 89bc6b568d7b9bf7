'use strict';
'require view';
'require form';
'require uci';
'require holdfast.options as options';
'require holdfast.show as show';

const TABS = {
	general: ['enabled', 'mode', 'runtime', 'log_level', 'contact'],
	notify: ['notify', 'notify_script'],
	checks: ['verify', 'resolver', 'public_resolver', 'doh_url', 'control_server']
};

return view.extend({
	load() {
		return Promise.all([options.load(), uci.load('holdfast')]);
	},

	render([{ agent: schema }]) {
		show.style();
		if (!uci.sections('holdfast', 'agent').length)
			uci.add('holdfast', 'agent', 'agent');
		const map = new form.Map('holdfast', _('Settings'), _('The agent as a whole. What stands here is right for most routers.'));
		const section = map.section(form.TypedSection, 'agent');
		section.anonymous = true;
		section.tab('general', _('General'));
		section.tab('notify', _('Notifications'));
		section.tab('checks', _('Checks'));
		section.tab('advanced', _('Advanced'));
		for (const [tab, names] of Object.entries(TABS))
			for (const name of names)
				if (schema.options[name])
					options.add(section, schema, name, { tab });
		options.addRest(section, schema, { tab: 'advanced' });
		return map.render();
	}
});
