'use strict';
'require view';
'require form';
'require uci';
'require holdfast.calls as calls';
'require holdfast.options as options';
'require holdfast.picker as picker';
'require holdfast.show as show';

/* Credentials at providers. The chosen provider says what the fields mean and which of them there are. */

const EVERYWHERE = ['provider', 'password_file', 'ca_file'];
const NOT_PLAIN = /[^a-z0-9]/g;

/* Shows an option only for the providers that have the field, and under the name that they give it. */
const asFieldOf = (option, providers) => {
	const { option: name, title, description, checkDepends } = option;
	const without = providers.filter((one) => !one.fields?.[name]).map((one) => one.id.replace(NOT_PLAIN, '\\$&'));
	option.depends('provider', new RegExp('^(?!(?:' + without.join('|') + ')$).'));
	option.checkDepends = function(sid) {
		const id = this.section.formvalue(sid, 'provider');
		const field = providers.find((one) => one.id == id)?.fields?.[name];
		const frame = this.map.findElement('data-field', this.cbid(sid));
		const words = field ? [field.required ? field.title : '%s %s'.format(field.title, _('(optional)')), field.help] : [title, description];
		['.cbi-value-title', '.cbi-value-description'].forEach((place, index) =>
			frame?.querySelector(place)?.replaceChildren(show.h('span', words[index])));
		return checkDepends.call(this, sid);
	};
};

return view.extend({
	load() {
		return Promise.all([options.load(), calls.providers().catch(() => null), uci.load('holdfast')]);
	},

	render([{ account: schema }, reply]) {
		show.style();
		const providers = reply?.providers ?? [];
		const map = new form.Map('holdfast', _('Accounts'), _('Your accounts at providers. A password shows as dots and is never part of a status or a log.'));
		const section = options.grid(map, 'account', _('Account'), _('Add an account'));
		options.add(section, schema, 'provider', {
			widget: picker.ProviderValue, providers, modalonly: null, description: _('Where the name lives. Type a part of its name, or of your domain.')
		});
		options.add(section, schema, 'username', { modalonly: null });
		options.addRest(section, schema);
		for (const option of section.children)
			if (!EVERYWHERE.includes(option.option))
				asFieldOf(option, providers);
		return map.render();
	}
});
