'use strict';
'require view';
'require holdfast.calls as calls';
'require holdfast.show as show';
'require holdfast.words as words';

/* From ddns-scripts to Holdfast: look, apply, and back if wanted. */

const { h } = show;

return view.extend({
	handleSave: null,
	handleSaveApply: null,
	handleReset: null,

	load() {
		return calls.status().then((status) => status.ddns
			? calls.importDdns(false, false).then((reply) => ({ status, reply })) : { status });
	},

	render(found) {
		show.style();
		this.place = h('div');
		this.outcome = h('div', { id: 'holdfast-import-outcome', 'aria-live': 'polite' });
		this.draw(found);
		return h('div.hf-page',
			h('h2', _('Take over from ddns-scripts')),
			h('p', _('What is in /etc/config/ddns can move to Holdfast. Nothing is changed before you apply it, and one button goes back.')),
			this.outcome, this.place);
	},

	draw({ status, reply }) {
		const report = reply?.report;
		/* What is taken over would be refused now. */
		const sections = status.undo ? [] : report?.sections ?? [];
		const titles = [_('Section'), _('Hostname'), _('Result'), _('What changes, and why')];
		const verdicts = { taken: ['ok', _('Taken over')], changed: ['warning', _('Taken over with changes')], refused: ['failed', _('Not taken over')] };
		this.place.replaceChildren(
			status.ddns ? '' : h('p', _('There is nothing of ddns-scripts on this router.')),
			reply && !report ? h('p.alert-message error', calls.reason(reply)) : '',
			...(report?.problems ?? []).map((one) => h('p.alert-message warning', _('Line %d: %s').format(one.line, one.sentence))),
			sections.length ? h('table.table', { id: 'holdfast-import' },
				h('tr.tr table-titles', titles.map((one) => h('th.th', one))),
				sections.map((one) => h('tr.tr', { 'data-section': one.section, 'data-verdict': one.verdict }, [
					one.section, one.hostname ?? '–', show.mark(...(verdicts[one.verdict] ?? ['unknown', one.verdict])),
					one.remarks?.length ? h('ul', one.remarks.map((text) => h('li', words.say(text)))) : '–'
				].map((cell, index) => h('td.td', { 'data-title': titles[index] }, cell))))) : '',
			report?.configuration && !status.undo ? h('details', h('summary', _('What will be added to /etc/config/holdfast')), h('pre', report.configuration.split('\n').map((one) => h('div', one)))) : '',
			h('div.hf-actions',
				sections.some((one) => one.verdict != 'refused') ? show.button('apply', _('Take over'), () => this.act('apply'), 'cbi-button-positive important') : null,
				status.undo ? show.button('undo', _('Undo the import'), () => this.act('undo'), 'cbi-button-negative') : null));
	},

	act(action) {
		return calls.importDdns(action == 'apply', action == 'undo').then((reply) => {
			this.outcome.replaceChildren(h('div.alert-message ' + (reply.ok ? 'success' : 'error'),
				(reply.report?.remarks?.map((one) => words.say(one)) ?? [calls.reason(reply)]).map((one) => h('p', one))));
			return this.load();
		}).then((found) => this.draw(found));
	}
});
