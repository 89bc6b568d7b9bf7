'use strict';
'require baseclass';
'require ui';
'require holdfast.words as words';

/* A status as nodes. `h('tag.class', { attributes }, ...children)` makes text of all that is no node, never markup. */

const h = (name, ...rest) => {
	const [tag, style] = name.split('.');
	const given = rest[0]?.constructor == Object ? rest.shift() : {};
	return E(tag, style ? { 'class': style, ...given } : given, rest.flat(2).filter((one) => one != null && one !== '').map((one) =>
		one instanceof Node ? one : document.createTextNode(words.plain(one))));
};

/* A moment as a distance from now; `refreshTimes` keeps it right. */
const ago = (at) => words.ago(at, Date.now(), document.documentElement.lang || 'en');
const time = (at) => h('time', { datetime: at, title: new Date(at).toLocaleString() }, ago(at));

/* A sentence whose `%s` is a moment, in small print; nothing where that cannot be right. */
const moment = (sentence, at, ...more) => {
	const [before, after] = sentence.split('%s');
	return words.isPlausible(at) ? h('span.hf-hint', before, time(at), after, ...more) : null;
};

/* What one can fold or press. */
const nameOf = (node) => [node.closest('[data-host]')?.dataset.host, node.closest('[data-key]')?.dataset.key, node.dataset.action].join();

return baseclass.extend({
	h,
	moment,

	style() {
		if (!document.getElementById('holdfast-style'))
			document.head.appendChild(h('link', { id: 'holdfast-style', rel: 'stylesheet', href: L.resource('holdfast/holdfast.css') }));
	},

	/* Colour is never the only sign: a mark and a word go with it. */
	mark(verdict, label) {
		const { mark, label: word } = words.verdict(verdict);
		return h('span.hf-mark', { 'data-verdict': verdict }, h('span.hf-sign', { 'aria-hidden': 'true' }, mark), ' ', label ?? word);
	},

	/* Out of reach for those who may only read; busy until `run` has ended. */
	button(action, label, run, style) {
		return h('button.btn cbi-button ' + (style ?? 'cbi-button-neutral'), {
			'data-action': action, disabled: L.hasViewPermission() ? null : '', click: ui.createHandlerFn(this, run)
		}, label);
	},

	refreshTimes(root) {
		for (const node of root.querySelectorAll('time'))
			node.textContent = ago(node.dateTime);
	},

	link(address, label) {
		const href = words.link(address);
		return href ? h('a', { href, target: '_blank', rel: 'noreferrer' }, label) : null;
	},

	duty(mustAct) {
		return mustAct == null ? null : h('p.hf-duty', mustAct ? _('You need to do something here.') : _('You need not do anything.'));
	},

	evidence(lines) {
		return lines?.length ? h('ul.hf-evidence', lines.map((one) => h('li', words.say(one)))) : null;
	},

	/* A sentence of the agent; below a general one its own words, which name more. */
	said(one) {
		const said = words.said(one);
		return [h('p', said), said == words.say(one.sentence) ? null : h('p.hf-hint', { lang: 'en' }, one.sentence)];
	},

	axis(name, one) {
		const { verdict, mustAct, evidence, since, checkedAt } = one;
		const { title, question } = words.axis(name);
		return h('details.hf-axis', { 'data-axis': name, 'data-verdict': verdict, 'data-key': name },
			h('summary', h('span.hf-title', title), ' ', this.mark(verdict)),
			h('p.hf-hint', question),
			this.said(one),
			['warning', 'failed'].includes(verdict) ? this.duty(mustAct) : null,
			this.evidence(evidence),
			h('p', moment(_('So since: %s'), since)),
			h('p', moment(_('Asked: %s'), checkedAt)));
	},

	address({ family, address, since, next, network, device, missing }, said) {
		const wan = [network, device].filter((name) => name).join(' / ');
		return h('div.hf-address', { 'data-role': 'address' },
			h('span.hf-hint', words.families[family]), ' ',
			address ? h('code', address) : h('em', _('nothing published')), ' ',
			address ? moment(_('published %s'), since) : null,
			wan ? h('span.hf-hint', ' · ', _('from %s').format(wan)) : null,
			next ? h('div', _('To be published: %s').format(next)) : null,
			missing != said ? h('div', words.say(missing)) : null);
	},

	next(next) {
		return next ? h('p', { 'data-role': 'next' }, moment(_('Next: %s'), next.at, ' · ', words.say(next.sentence))) : null;
	},

	head(title, mark) {
		return h('div.hf-head', h('h3', { 'data-role': 'hostname' }, title), h('span', { 'data-role': 'verdict' }, mark));
	},

	card(status, host, stale, note, buttons) {
		const working = words.workingNames(status, host);
		const standby = (host.standby ?? []).map((id) => status.hostnames.find((one) => one.id == id)).filter((one) => one);
		return h('section.cbi-section hf-card' + (stale ? ' hf-stale' : ''), { 'data-host': host.id, 'data-verdict': host.verdict },
			this.head(host.hostname, this.mark(host.verdict, (stale ? _('Last seen: %s') : '%s').format(words.nameVerdict(host)))),
			words.addresses(host).map((one) => this.address(one, host.sentence)),
			h('p', { 'data-role': 'sentence' }, words.said(Object.values(host.axes ?? {}).find((one) => one.sentence == host.sentence) ?? host)),
			host.block ? h('p.hf-duty', words.say(host.block.howToLift)) : null,
			this.next(host.next),
			h('div.hf-axes', words.axes.map((name) => host.axes?.[name] ? this.axis(name, host.axes[name]) : null)),
			standby.length ? h('p', { 'data-role': 'standby' }, _('Kept ready beside it: %s').format(
				standby.map((one) => '%s (%s)'.format(one.hostname, words.works(one.works))).join(', '))) : null,
			standby.length || host.works == 'no' ? h('p', working.length
				? _('Names that work now: %s').format(working.join(', ')) : _('None of its names is known to work now.')) : null,
			h('p.hf-hint', _('Provider: %s').format(host.provider)),
			note ? h('p.hf-duty', { 'data-role': 'outcome' }, note) : null,
			h('div.hf-actions', buttons));
	},

	alias(status, alias) {
		const target = status.hostnames.find((one) => one.id == alias.target);
		return h('section.cbi-section hf-card', { 'data-alias': alias.id, 'data-verdict': alias.verdict },
			this.head(alias.hostname, this.mark(alias.verdict)),
			h('p', target ? _('Points at %s').format(target.hostname) : _('Points at no name yet.'), ' ', target ? moment(_('So since: %s'), alias.since) : null),
			h('p', { 'data-role': 'sentence' }, words.say(alias.sentence)),
			this.next(alias.next),
			h('ol.hf-evidence', (alias.targets ?? []).map((one) => h('li', one.hostname, ': ', words.works(one.works)))));
	},

	incident(one) {
		const { id, subject, title = subject, evidence, mustAct, openedAt, closedAt } = one;
		return h('div.hf-incident' + (closedAt ? '' : ' alert-message warning'), { 'data-incident': id, 'data-open': String(!closedAt) },
			h('p', h('strong', (closedAt ? _('Over: %s') : _('Incident: %s')).format(title)), ' ',
				closedAt ? moment(_('ended %s'), closedAt) : moment(_('began %s'), openedAt)),
			this.said(one),
			closedAt ? null : this.duty(mustAct),
			evidence?.length ? h('details', { 'data-key': 'incident-' + id }, h('summary', _('Evidence')), this.evidence(evidence)) : null);
	},

	timeline(events) {
		const days = words.timeline(events);
		return days.length ? days.flatMap(({ day, rows }) => [
			h('h4', day),
			h('ul.hf-events', rows.map((row) => h('li', { 'data-event': row.code, 'data-weight': row.weight, 'data-incident': row.incident },
				h('span.hf-hint', words.isPlausible(row.at) ? new Date(row.at).toLocaleTimeString() : '–'), ' ',
				{ opened: h('strong', _('Incident:'), ' '), closed: h('strong', _('All clear:'), ' '), trouble: h('span', { 'aria-hidden': 'true' }, '▲ ') }[row.weight],
				words.say(row.sentence),
				row.count > 1 ? ' (×%d)'.format(row.count) : null)))
		]) : [h('p', _('Nothing has happened yet.'))];
	},

	/* Puts new nodes into a place; what was unfolded, and the keyboard, stay so. */
	renew(place, nodes) {
		const active = place.contains(document.activeElement) ? nameOf(document.activeElement) : null;
		const opened = Array.from(place.querySelectorAll('[open]'), nameOf);
		place.replaceChildren(...nodes);
		place.querySelectorAll('[data-key], [data-action]').forEach((one) => {
			one.open = opened.includes(nameOf(one));
			if (nameOf(one) == active)
				(one.querySelector('summary') ?? one).focus();
		});
	}
});
