'use strict';
'require baseclass';
'require holdfast.calls as calls';
'require holdfast.show as show';
'require holdfast.words as words';

/* The box on LuCI's status page: name, address, and whether it works. */

const { h } = show;

return baseclass.extend({
	title: _('Dynamic DNS'),

	load() {
		return calls.status();
	},

	render({ state, status }) {
		const hosts = status?.hostnames ?? [];
		if (['missing', 'denied'].includes(state) || (state == 'empty' && !hosts.length))
			return null;
		show.style();
		const { verdict, sentence } = words.service(state);
		const open = words.incidents(status).filter((one) => !one.closedAt).length;
		return h('div.hf-page', { id: 'holdfast-box' },
			['running', 'idle'].includes(state) ? null : h('p', show.mark(verdict, sentence)),
			h('table.table', hosts.map((host) => h('tr.tr', { 'data-host': host.id, 'data-verdict': host.verdict }, [
				host.hostname, words.addresses(host).map((one) => one.address ? h('div', one.address) : null), show.mark(host.verdict, words.nameVerdict(host))
			].map((cell) => h('td.td left', cell))))),
			open ? h('p', show.mark('warning', N_(open, '%d incident is open.', '%d incidents are open.').format(open))) : null,
			h('p', h('a', { href: L.url('admin/services/holdfast/overview') }, _('Show everything'))));
	}
});
