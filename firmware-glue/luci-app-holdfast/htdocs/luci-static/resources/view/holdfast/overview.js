'use strict';
'require view';
'require poll';
'require ui';
'require holdfast.calls as calls';
'require holdfast.probe as probe';
'require holdfast.show as show';
'require holdfast.words as words';

/* How every name stands: one call a poll. */

const { h } = show;
const AFTERMATH_MS = 86400000;

return view.extend({
	handleSave: null,
	handleSaveApply: null,
	handleReset: null,

	load() {
		return calls.status();
	},

	render(reply) {
		show.style();
		Object.assign(this, { notes: {}, busy: {}, shown: {} });
		this.parts = Object.fromEntries(['head', 'problems', 'incidents', 'hosts', 'aliases', 'timeline'].map((name) =>
			[name, h('div', { id: 'holdfast-' + name })]));
		this.live = h('div.hf-unseen', { id: 'holdfast-live', 'aria-live': 'polite' });
		this.page = h('div.hf-page', h('h2', _('Dynamic DNS')), this.live, Object.values(this.parts));
		this.update(reply);
		poll.add(() => this.refresh());
		return this.page;
	},

	refresh() {
		return calls.status().then((reply) => this.update(reply));
	},

	update(reply) {
		const status = 'status' in reply ? reply.status : this.last;
		const hosts = status?.hostnames ?? [];
		const incidents = words.incidents(status).filter((one) => !one.closedAt || Date.now() - Date.parse(one.closedAt) < AFTERMATH_MS);
		this.announce(hosts);
		this.last = status;
		this.stale = !['running', 'starting', 'idle'].includes(reply.state);
		this.part('head', [reply.state, reply.running || status?.writtenAt], () => [this.service(reply, status)]);
		this.part('problems', [status?.problems, status?.agent.limits], () => [
			...status?.problems ?? [], ...status?.agent.limits ?? []].map((one) => this.problem(one)));
		this.part('incidents', incidents, () => incidents.map((one) => show.incident(one)));
		this.part('hosts', [reply.state, reply.ddns, hosts, status?.aliases, this.notes, this.busy], () => hosts.length
			? hosts.map((host) => this.card(status, host)) : reply.running && status?.problems?.length ? [] : this.empty(reply));
		this.part('aliases', [status?.aliases, hosts], () => status?.aliases?.length
			? [h('h3', _('Aliases')), ...status.aliases.map((one) => show.alias(status, one))] : []);
		this.part('timeline', [status?.events, status?.notifications], () => status ? [h('h3', _('What happened')),
			status.notifications?.lastProblem ? h('p', _('The last notification failed: %s').format(words.say(status.notifications.lastProblem))) : '',
			...show.timeline(status.events)] : []);
		show.refreshTimes(this.page);
	},

	/* Draws a part again only when its facts have changed. */
	part(name, facts, draw) {
		const key = JSON.stringify(facts);
		if (this.shown[name] !== key)
			show.renew(this.parts[name], draw());
		this.shown[name] = key;
	},

	announce(hosts) {
		const changed = hosts.filter((one) => (this.last?.hostnames ?? []).some((old) => old.id == one.id && old.verdict != one.verdict));
		if (changed.length)
			this.live.textContent = changed.map((one) => '%s: %s'.format(words.plain(one.hostname), words.nameVerdict(one))).join(' · ');
	},

	service({ state, running }, status) {
		const { verdict, sentence, actions } = words.service(state);
		return h('div.cbi-section hf-service', { id: 'holdfast-service', 'data-state': state, 'data-verdict': verdict },
			h('div', show.mark(verdict, sentence), ' ',
				!status ? null : running ? h('span.hf-hint', _('Version %s').format(status.agent.version))
					: show.moment(_('What is shown is from %s.'), status.writtenAt)),
			h('div.hf-actions', actions.map((action) => show.button(action, words.action(action), () => this.act(action),
				['start', 'enable'].includes(action) && state != 'idle' ? 'cbi-button-positive important' : null))));
	},

	act(action) {
		return calls.service(action).then((reply) => {
			if (!reply.ok)
				ui.addNotification(null, h('p', calls.reason(reply)), 'warning');
			return this.refresh();
		});
	},

	problem(one) {
		const place = [one.section, one.option].filter((word) => word).join(', ');
		return h('p.alert-message ' + (one.severity ?? 'notice'), { 'data-problem': one.code }, place ? h('strong', place, ': ') : null, words.say(one.sentence));
	},

	empty({ state, ddns }) {
		return ['missing', 'denied', 'unreachable', 'noruntime', 'starting', 'unreadable'].includes(state) ? [] : [h('div.cbi-section', { id: 'holdfast-empty' },
			h('p', _('Three things are enough for the first name: provider, name and network.')),
			h('div.hf-actions',
				h('a.btn cbi-button cbi-button-add important', { href: L.url('admin/services/holdfast/add') }, _('Add a hostname')),
				ddns ? h('a.btn cbi-button', { href: L.url('admin/services/holdfast/import') }, _('Take over from ddns-scripts')) : null))];
	},

	card(status, host) {
		const ask = (action, label, call) => {
			const key = action + ' ' + host.id;
			const node = show.button(action, label, () => this.run(host.id, key, call));
			if (this.busy[key])
				node.classList.add('spinning');
			node.disabled ||= !!this.busy[key] || (this.stale && action != 'test');
			return node;
		};
		return show.card(status, host, this.stale, this.notes[host.id], [
			ask('update', _('Update now'), calls.update),
			ask('check', _('Check now'), calls.check),
			ask('test', _('Test'), (id) => probe.configOf(id).then((config) => probe.open(_('Test of %s').format(host.hostname), config)))
		]);
	},

	/* Says on the card what became of a request; success shows on its axes. */
	run(id, key, call) {
		delete this.notes[id];
		this.busy[key] = true;
		return call(id).catch((error) => error).then((reply) => {
			if (!reply.ok)
				this.notes[id] = calls.reason(reply.results?.[0] ?? reply);
			delete this.busy[key];
			return this.refresh();
		});
	}
});
