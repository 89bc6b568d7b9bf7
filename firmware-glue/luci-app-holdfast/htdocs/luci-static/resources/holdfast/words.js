'use strict';
'require baseclass';

/* What needs no page: words, times, addresses. */

const MAX_TEXT = 1000;
/* Control characters, and those that turn the direction of a text. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;
const HTTPS = /^https:\/\/[a-z0-9.\[\]:-]+([\/?#][!-~]*)?$/i;
const HEX_GROUP = /^[0-9a-f]{1,4}$/i;
const UNITS = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
const GAP = /\{(\w+)\}/g;

return baseclass.extend({
	states: {},
	sentences: [],
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
		const [verdict, sentence, ...actions] = this.states[state] ?? this.states.unknown ?? ['unknown', ''];
		return { verdict, sentence: _(sentence), actions };
	},

	/* From sentences.json: the states of the service, and what the agent says, with gaps: {one} word, or {Any}. */
	learn({ states, sentences }) {
		this.states = states;
		this.sentences = sentences.map((whole) => [whole, ...whole.split(GAP)]);
	},

	/* What the agent says, for the reader; what is not known stays as it is. */
	say(text) {
		return text && this.pieces(text).map((one) => this.fill(one, 4)).join(' ');
	},

	pieces(text) {
		return text.replace(/\. /g, '.\n').split('\n');
	},

	fill(text, depth) {
		for (const [whole, head, ...rest] of depth ? this.sentences : []) {
			const gaps = {};
			let at = text.startsWith(head) ? head.length : -1;
			for (let n = 0; at >= 0 && n < rest.length; n += 2) {
				const next = rest[n + 1];
				const end = n + 2 == rest.length ? text.length - next.length : text.indexOf(next, at + 1);
				const gap = gaps[rest[n]] = text.slice(at, end);
				at = gap && (rest[n] < 'a' || !gap.includes(' ')) && text.startsWith(next, end) ? end + next.length : -1;
			}
			if (at == text.length)
				return _(whole).replace(GAP, (gap, name) => this.fill(gaps[name], depth - 1));
		}
		return text;
	},

	/* The same, or in general by its code where not every sentence is known. */
	said({ code, sentence }) {
		const found = code && _(code);
		const isKnown = sentence && this.pieces(sentence).every((one) => this.fill(one, 4) != one);
		return found == code || isKnown ? this.say(sentence) : found;
	},

	action(name) {
		return { start: _('Start'), stop: _('Stop'), restart: _('Restart'), enable: _('Switch on and start') }[name];
	},

	/* Text from elsewhere, without these and not endless. */
	plain(value) {
		const text = String(value ?? '').replace(UNSEEN, ' ');
		return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) + '…' : text;
	},

	link(value) {
		return typeof(value) == 'string' && value.length <= 500 && HTTPS.test(value) ? value : null;
	},

	/* The language may be pt_BR. */
	ago(at, nowMs, language) {
		const sec = (Date.parse(at) - nowMs) / 1000;
		if (!(Math.abs(sec) >= 5))
			return isNaN(sec) ? '' : _('just now');
		const [unit, length] = UNITS.find((one) => Math.abs(sec) >= one[1]);
		return new Intl.RelativeTimeFormat(language.replace('_', '-')).format(Math.trunc(sec / length), unit);
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

	/* Names that lead here now, with standbys and aliases. */
	workingNames(status, host) {
		const names = [host, ...(status.hostnames ?? []).filter((one) => host.standby?.includes(one.id))].filter((one) => one.works == 'yes');
		const aliases = (status.aliases ?? []).filter((one) => one.target == host.id && one.verdict == 'ok');
		return [...names, ...aliases].map((one) => one.hostname);
	},

	/* Events, newest first, by day; equal ones in a row are one with a count. */
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

	/* 128 bits as text, or null for what is no IPv6 address (RFC 4291 section 2.2). */
	bits(text) {
		const [head, tail, ...more] = String(text).split('::').map((half) => half ? half.split(':') : []);
		const gap = 8 - head.length - (tail?.length ?? 0);
		const all = [...head, ...new Array(tail && gap > 0 ? gap : 0).fill('0'), ...(tail ?? [])];
		return all.length == 8 && (!tail || gap > 0) && !more.length && all.every((group) => HEX_GROUP.test(group))
			? all.map((group) => parseInt(group, 16).toString(2).padStart(16, '0')).join('') : null;
	},

	/* A host part in a delegated prefix such as 2001:db8:1::/56: `{ address }` or `{ problem }`. */
	joinSuffix(prefix, suffix) {
		const host = this.bits(suffix);
		if (!host?.includes('1'))
			return { problem: _('Write the host part as IPv6 text, for example ::abcd.') };
		const [base, length] = String(prefix ?? '').split('/');
		const network = this.bits(base);
		if (!network || !(length > 0 && length < 128))
			return { problem: _('There is no delegated prefix now; the address follows as soon as there is one.') };
		if (host.slice(0, length).includes('1'))
			return { problem: _('The host part reaches into the prefix, of which /%d belongs to the provider.').format(length) };
		const groups = (network.slice(0, length) + host.slice(length)).match(/.{16}/g).map((one) => parseInt(one, 2).toString(16));
		return { address: new URL('http://[' + groups.join(':') + ']').hostname.slice(1, -1) };
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
		const base = text.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_|_$/g, '').slice(0, 40) || 'name';
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
