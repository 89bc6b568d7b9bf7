'use strict';
'require view';
'require form';
'require uci';
'require holdfast.calls as calls';
'require holdfast.options as options';
'require holdfast.picker as picker';
'require holdfast.show as show';
'require holdfast.words as words';

/* Credentials. The provider says which fields there are, and what they mean. */

const EVERYWHERE = ['provider', 'password_file', 'ca_file'];

/* Shows an option for the providers that have the field, under their name for it. What is hidden was set by hand,
 * and is kept as long as the provider is. */
const asFieldOf = (option, providers) => {
	const { option: name, title, description, parse } = option;
	option.checkDepends = function(sid) {
		const id = this.section.formvalue(sid, 'provider');
		const entry = providers.find((one) => one.id == id);
		const field = entry?.fields?.[name];
		const frame = this.map.findElement('data-field', this.cbid(sid));
		const texts = field ? [words.fieldTitle(field), field.help] : [title, description];
		['.cbi-value-title', '.cbi-value-description'].forEach((place, index) =>
			frame?.querySelector(place)?.replaceChildren(show.h('span', texts[index])));
		return !entry || !!field;
	};
	option.parse = function(sid) {
		this.retain = this.section.formvalue(sid, 'provider') == this.section.cfgvalue(sid, 'provider');
		return parse.call(this, sid);
	};
};

return view.extend({
	load() {
		return Promise.all([options.load(), calls.providers(), uci.load('holdfast')]);
	},

	render([{ account: schema }, reply]) {
		show.style();
		const providers = reply.providers ?? [];
		const map = new form.Map('holdfast', _('Accounts'), _('Your accounts at providers. A password shows as dots and is never part of a status or a log.'));
		const section = options.grid(map, 'account', _('Account'), _('Add an account'));
		options.add(section, schema, 'provider', {
			widget: picker.ProviderValue, providers, modalonly: null, description: picker.help
		});
		options.add(section, schema, 'username', { modalonly: null });
		options.addRest(section, schema);
		for (const option of section.children)
			if (!EVERYWHERE.includes(option.option))
				asFieldOf(option, providers);
		return map.render();
	}
});
