'use strict';
'require baseclass';

/* What needs no page: words, times, addresses. */

const MAX_TEXT = 1000;
/* Control characters, and those that turn the direction of the text around them. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;
const HTTPS = /^https:\/\/[a-z0-9.\[\]:-]+([\/?#][!-~]*)?$/i;
const HEX_GROUP = /^[0-9a-f]{1,4}$/i;
const NOT_IN_NAMES = /[^a-z0-9]+/g;
const EDGES = /^_+|_+$/g;

return baseclass.extend({
	axes: ['update', 'delegation', 'authority', 'publicView'],
	families: { ipv4: 'IPv4', ipv6: 'IPv6', dual: _('IPv4 and IPv6') },

	verdict(name) {
		const [mark, label] = {
			ok: ['✔', _('OK')],
			pending: ['…', _('In progress')],
			warning: ['▲', _('Attention')],
			failed: ['✖', _('Failed')],
			off: ['–', _('Not checked')]
		}[name] ?? ['?', _('Not known yet')];
		return { mark, label };
	},

	nameVerdict({ verdict, works }) {
		return {
			ok: _('Works'),
			pending: _('Being updated'),
			warning: _('Needs attention'),
			failed: works == 'yes' ? _('Needs attention') : _('Does not work'),
			off: _('Switched off')
		}[verdict] ?? _('Not known yet');
	},

	axis(name) {
		const [title, question] = {
			update: [_('Update accepted'), _('Does the provider take the address?')],
			delegation: [_('Delegation'), _('Does the zone above still point at the provider’s name servers?')],
			authority: [_('Authoritative answers'), _('Do these name servers answer with your address?')],
			publicView: [_('Public view'), _('Do the resolvers that people use see it?')]
		}[name] ?? [name, ''];
		return { title, question };
	},

	step(name) {
		return { source: _('Address'), request: _('Request'), reply: _('Answer') }[name] ?? this.axis(name).title;
	},

	works(answer) {
		return { yes: _('works'), no: _('does not work') }[answer] ?? _('not known yet');
	},

	service(state) {
		const [verdict, sentence, ...actions] = {
			running: ['ok', _('Holdfast is running.'), 'restart', 'stop'],
			starting: ['pending', _('Holdfast is starting. This page fills in a moment.')],
			idle: ['ok', _('Holdfast waits: it starts when an interface changes, and once an hour.'), 'start', 'stop'],
			stopped: ['warning', _('Holdfast is stopped: a new address will not be reported.'), 'start'],
			disabled: ['warning', _('Holdfast is switched off and does not start with the router.'), 'enable'],
			empty: ['off', _('Holdfast has nothing to do yet: no hostname is switched on.')],
			noruntime: ['failed', _('Holdfast needs the package node (OpenWrt 24.10) or quickjs (OpenWrt 25.12). Install it.')],
			missing: ['failed', _('Holdfast is not installed. Install the package holdfast, then load this page again.')],
			denied: ['warning', _('You may not see this. Ask the administrator for the right to read Holdfast.')],
			unreachable: ['unknown', _('The router does not answer at the moment. What is shown may be old.')]
		}[state] ?? ['unknown', _('The state of Holdfast is not known.')];
		return { verdict, sentence, actions };
	},

	/* A sentence of the agent for the reader: found by its code, for most have names in them, or by itself. */
	said({ code, sentence }) {
		const found = _(code ?? sentence);
		return found == code ? sentence : found;
	},

	action(name) {
		return { start: _('Start'), stop: _('Stop'), restart: _('Restart'), enable: _('Switch on and start') }[name];
	},

	/* Text from elsewhere without characters that hide or turn others, not endless. */
	plain(value) {
		const text = String(value ?? '').replace(UNSEEN, ' ');
		return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) + '…' : text;
	},

	link(value) {
		return typeof(value) == 'string' && value.length <= 500 && HTTPS.test(value) ? value : null;
	},

	span(sec) {
		const unit = [86400, 3600, 60].find((one) => sec >= one) ?? 1;
		const n = Math.max(1, Math.floor(sec / unit));
		return (unit == 86400 ? N_(n, '%d day', '%d days')
			: unit == 3600 ? N_(n, '%d hour', '%d hours')
			: unit == 60 ? N_(n, '%d minute', '%d minutes')
			: N_(n, '%d second', '%d seconds')).format(n);
	},

	ago(at, nowMs) {
		const sec = (nowMs - Date.parse(at)) / 1000;
		return isNaN(sec) ? '' : Math.abs(sec) < 5 ? _('just now')
			: (sec > 0 ? _('%s ago') : _('in %s')).format(this.span(Math.abs(sec)));
	},

	/* A router without a clock begins in 1970: such a time says nothing. */
	isPlausible(at) {
		return Date.parse(at ?? '') > Date.UTC(2020, 0, 1);
	},

	addresses(host) {
		return ['ipv4', 'ipv6'].filter((family) => host.confirmed?.[family] ?? host.desired?.[family]).map((family) => {
			const { address, since } = host.confirmed?.[family] ?? {};
			const desired = host.desired?.[family] ?? {};
			return {
				family, address, since, network: desired.network, device: desired.device,
				next: desired.address != address ? desired.address : null,
				missing: desired.address ? null : desired.sentence
			};
		});
	},

	/* Names that lead here now: the name, those kept ready beside it, and aliases that point at it. */
	workingNames(status, host) {
		const names = [host, ...(status.hostnames ?? []).filter((one) => host.standby?.includes(one.id))].filter((one) => one.works == 'yes');
		const aliases = (status.aliases ?? []).filter((one) => one.target == host.id && one.verdict == 'ok');
		return [...names, ...aliases].map((one) => one.hostname);
	},

	/* Events, newest first, by day of the reader's clock; equal ones in a row are one with a count. */
	timeline(events) {
		const days = [];
		for (const event of (events ?? []).slice().reverse()) {
			const day = this.isPlausible(event.at) ? new Date(event.at).toLocaleDateString() : _('Before the clock was set');
			if (days.at(-1)?.day != day)
				days.push({ day, rows: [] });
			const { rows } = days.at(-1);
			const last = rows.at(-1);
			if (last?.code == event.code && last.sentence == event.sentence)
				last.count++;
			else
				rows.push({ ...event, count: 1, weight: { 'incident/OPENED': 'opened', 'incident/CLOSED': 'closed' }[event.code] ??
					(['error', 'warning'].includes(event.level) ? 'trouble' : 'plain') });
		}
		return days;
	},

	incidents(status) {
		return (status?.incidents ?? []).slice().sort((a, b) =>
			!!a.closedAt - !!b.closedAt || Date.parse(b.openedAt) - Date.parse(a.openedAt));
	},

	/* Eight groups of 16 bits, or null for what is no IPv6 address (RFC 4291 section 2.2). */
	groups(text) {
		const halves = String(text).split('::').map((half) => half == '' ? [] : half.split(':'));
		const given = halves.flat();
		const gap = 8 - given.length;
		if (halves.length > 2 || (halves.length == 2 ? gap < 1 : gap != 0) || !given.every((group) => HEX_GROUP.test(group)))
			return null;
		return [...halves[0], ...new Array(gap).fill('0'), ...(halves[1] ?? [])].map((group) => parseInt(group, 16));
	},

	/* A host part in a delegated prefix such as 2001:db8:1::/56: `{ address }` or `{ problem }`. */
	joinSuffix(prefix, suffix) {
		const host = this.groups(suffix);
		if (!host?.some((group) => group))
			return { problem: _('Write the host part as IPv6 text, for example ::abcd.') };
		const [base, length] = String(prefix ?? '').split('/');
		const network = this.groups(base);
		if (!network || !(length > 0 && length < 128))
			return { problem: _('There is no delegated prefix now; the address follows as soon as there is one.') };
		const masks = network.map((group, index) => (0xffff << (16 - Math.min(16, Math.max(0, length - 16 * index)))) & 0xffff);
		if (masks.some((mask, index) => host[index] & mask))
			return { problem: _('The host part reaches into the prefix, of which /%d belongs to the provider.').format(length) };
		const joined = network.map((group, index) => ((group & masks[index]) | host[index]).toString(16)).join(':');
		return { address: new URL('http://[' + joined + ']').hostname.slice(1, -1) };
	},

	/* Entries that a word finds: those that begin with it first, ended services last. */
	findProviders(providers, word) {
		const wanted = word.trim().toLowerCase();
		const rank = ({ title, id, zones, dead }) => {
			const at = (title + ' ' + id).toLowerCase().indexOf(wanted);
			const served = (zones ?? []).some((one) => one.includes(wanted) || wanted.endsWith('.' + one));
			return (dead ? 4 : 0) + (at == 0 ? 0 : at > 0 ? 1 : served ? 2 : NaN);
		};
		return providers.filter((one) => !isNaN(rank(one)))
			.sort((a, b) => rank(a) - rank(b) || a.title.localeCompare(b.title));
	},

	providerFields(entry) {
		return Object.entries(entry?.fields ?? {}).map(([option, field]) => ({ option, ...field }))
			.sort((a, b) => !!b.required - !!a.required);
	},

	fieldTitle({ title, required }) {
		return required ? title : '%s %s'.format(title, _('(optional)'));
	},

	familyFor(entry) {
		return entry.families?.single.includes('ipv4') ?? true ? 'ipv4' : 'ipv6';
	},

	wanOf(networks) {
		const leads = (one, target) => (one.route ?? []).some((route) => route.target == target && route.mask == 0);
		return (networks.find((one) => leads(one, '0.0.0.0')) ?? networks.find((one) => leads(one, '::')))?.interface ?? 'wan';
	},

	prefixOf(networks) {
		const found = networks.flatMap((one) => one['ipv6-prefix'] ?? [])[0];
		return found ? found.address + '/' + found.mask : null;
	},

	freeName(text, taken) {
		const base = text.toLowerCase().replace(NOT_IN_NAMES, '_').replace(EDGES, '').slice(0, 40) || 'name';
		let name = base;
		for (let n = 2; taken.includes(name); n++)
			name = base + '_' + n;
		return name;
	},

	/* The order that a picker forgets: what is gone leaves, what is new comes last. */
	keepOrder(before, picked, offered) {
		const kept = before.filter((one) => picked.includes(one) || !offered.includes(one));
		return [...kept, ...picked.filter((one) => !kept.includes(one))];
	}
});
