'use strict';
'require baseclass';
'require form';
'require ui';
'require dom';
'require holdfast.show as show';
'require holdfast.words as words';

/* The field that finds a provider, and what that one wants. */

const { h } = show;

/* A combobox of ARIA: the keyboard stays in the field. */
const Picker = ui.AbstractElement.extend({
	__init__(value, providers, options) {
		/* Not the title is judged, but the id. */
		Object.assign(this, { value, providers, options: { ...options, validate: () => options.validate?.(this.value) ?? true } });
	},

	render() {
		const id = this.options.inputId ?? 'widget.' + this.options.id;
		this.input = h('input.cbi-input-text', {
			id, type: 'text', role: 'combobox', autocomplete: 'off', disabled: this.options.disabled ? '' : null,
			'aria-expanded': 'false', 'aria-controls': id + '-list', 'aria-autocomplete': 'list',
			placeholder: _('Type a name, for example No-IP'),
			input: () => this.offer(this.input.value), focus: () => this.input.select(), click: () => this.offer(''),
			keydown: (ev) => this.key(ev), blur: () => this.leave()
		});
		this.list = h('ul.hf-list', { id: id + '-list', role: 'listbox', hidden: '' });
		this.about = h('div');
		this.node = h('div.hf-picker', { id: this.options.id }, this.input, this.list, this.about);
		this.setUpdateEvents(this.input, 'hf-chosen', 'blur');
		this.setChangeEvents(this.input, 'hf-chosen');
		this.setValue(this.value);
		dom.bindClassInstance(this.node, this);
		return this.node;
	},

	entry() {
		return this.providers.find((one) => one.id == this.value);
	},

	getValue() {
		return this.value;
	},

	setValue(value) {
		this.value = value ?? '';
		this.input.value = words.plain(this.entry()?.title ?? this.value);
		this.about.replaceChildren(...this.explain(this.entry()));
	},

	explain(entry) {
		if (!entry)
			return this.value ? [h('p', _('The installed catalogue does not know this provider.'))] : [];
		if (entry.dead)
			return [h('p.hf-duty', _('This service has ended (%s).').format(entry.dead.since), ' ', entry.dead.instead)];
		const key = show.link(entry.credentialUrl, _('Make the key or password here'));
		const notes = [...(entry.notes ?? []), entry.noDnsCheck, entry.unconfirmed
			? _('The provider documents nothing of this; it comes from other programs and was not tried.') : null].filter((one) => one);
		key?.setAttribute('id', 'hf-key-link');
		return [
			h('p', key, key ? ' · ' : null, show.link(entry.homepage, _('Web site'))),
			notes.length ? h('details', h('summary', _('Good to know')), h('ul', notes.map((one) => h('li', one)))) : ''
		];
	},

	offer(word) {
		const found = words.findProviders(this.providers, word);
		this.at = -1;
		this.list.replaceChildren(...found.map(({ id, title, dead }, index) => h('li', {
			id: this.list.id + '-' + index, role: 'option', 'data-value': id, 'aria-selected': String(id == this.value),
			mousedown: (ev) => {
				ev.preventDefault();
				this.choose(id);
			}
		}, title, ' ', h('small', id, dead ? [' · ', _('ended')] : null))),
			found.length ? '' : h('li', _('Nothing found. The entries dyndns2 and custom-url serve many that are not listed.')));
		this.open(true);
	},

	open(is) {
		this.list.hidden = !is;
		this.input.setAttribute('aria-expanded', String(is));
		this.input.removeAttribute('aria-activedescendant');
	},

	key(ev) {
		const items = Array.from(this.list.querySelectorAll('[role=option]'));
		const step = { ArrowDown: 1, ArrowUp: -1 }[ev.key];
		if (step && this.list.hidden) {
			this.offer('');
		}
		else if (step && items.length) {
			ev.preventDefault();
			this.at = Math.max(0, Math.min(items.length - 1, this.at + step));
			items.forEach((one, index) => one.classList.toggle('hf-active', index == this.at));
			items[this.at].scrollIntoView({ block: 'nearest' });
			this.input.setAttribute('aria-activedescendant', items[this.at].id);
		}
		else if (ev.key == 'Enter' && !this.list.hidden) {
			ev.preventDefault();
			const item = items[this.at] ?? (items.length == 1 ? items[0] : null);
			if (item)
				this.choose(item.dataset.value);
		}
		else if (ev.key == 'Escape' && !this.list.hidden) {
			ev.stopPropagation();
			this.leave();
		}
	},

	choose(id) {
		this.open(false);
		this.setValue(id);
		this.node.setAttribute('data-changed', 'true');
		this.input.dispatchEvent(new CustomEvent('hf-chosen', { bubbles: true }));
	},

	leave() {
		const typed = this.input.value.trim().toLowerCase();
		const entry = this.providers.find((one) => [one.id, one.title.toLowerCase()].includes(typed));
		this.open(false);
		if (entry && entry.id != this.value)
			this.choose(entry.id);
		else
			this.setValue(this.value);
	}
});

const ProviderValue = form.Value.extend({
	__name__: 'CBI.ProviderValue',

	renderWidget(sid, index, cfgvalue) {
		return new Picker(cfgvalue, this.providers, {
			id: this.cbid(sid), validate: this.getValidator(sid), disabled: this.map.readonly
		}).render();
	},

	textvalue(sid) {
		const id = this.cfgvalue(sid);
		return h('span', this.providers.find((one) => one.id == id)?.title ?? id);
	}
});

return baseclass.extend({ Picker, ProviderValue, help: _('Where the name lives. Type a part of its name, or of your domain.') });
