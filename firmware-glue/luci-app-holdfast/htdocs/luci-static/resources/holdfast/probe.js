'use strict';
'require baseclass';
'require uci';
'require ui';
'require holdfast.calls as calls';
'require holdfast.show as show';
'require holdfast.words as words';

/* One attempt with values that need not be saved, step by step. */

const ASK_AGAIN_MS = 1000;
const VERDICT = /^(ok|pending|warning|failed|unknown|off): /;

const { h } = show;

const optionsOf = (section) => Object.fromEntries(Object.entries(section ?? {})
	.filter(([name, value]) => name.charAt(0) != '.' && value != null && value !== '')
	.map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)]));

const stepNode = ({ step, text, evidence }) => {
	const verdict = VERDICT.exec(text)?.[1];
	return h('li', { 'data-step': step, 'data-verdict': verdict },
		h('strong', words.step(step)), ' ', verdict ? show.mark(verdict) : null,
		h('div', words.say(verdict ? text.slice(verdict.length + 2) : text)),
		show.evidence(evidence));
};

return baseclass.extend({
	config(account, hostname) {
		return {
			agent: optionsOf(uci.sections('holdfast', 'agent')[0]),
			account: account ? optionsOf(uci.get('holdfast', account)) : {},
			hostname: optionsOf(hostname)
		};
	},

	/* The same for a name of the status: a section, or @HOSTNAME. */
	configOf(id) {
		return uci.load('holdfast').then(() => {
			const section = uci.sections('holdfast', 'hostname').find((one) =>
				one['.name'] == id || (one['.anonymous'] && '@' + one.hostname == id));
			return this.config(section?.account, section);
		});
	},

	run(place, config) {
		const outcome = h('p', { role: 'status' }, _('The test sends a real update, and saves nothing.'));
		const list = h('ol.hf-steps');
		const node = h('div.hf-probe', { id: 'holdfast-probe', 'data-state': 'running' }, outcome, list);
		const end = (ok, sentence) => {
			node.setAttribute('data-state', ok ? 'ok' : 'failed');
			outcome.replaceChildren(show.mark(ok ? 'ok' : 'failed', ok ? _('It works.') : _('It did not work.')), h('span', ' ', words.say(sentence)));
		};
		const ask = (id) => calls.testSteps(id).then((reply) => {
			(reply.steps ?? []).slice(list.children.length).forEach((step) => list.appendChild(stepNode(step)));
			if (reply.done || !reply.ok)
				return end(reply.ok, reply.result?.axes?.update?.sentence ?? (reply.ok ? '' : calls.reason(reply)));
			return new Promise((resolve) => window.setTimeout(resolve, ASK_AGAIN_MS)).then(() => ask(id));
		});

		place.replaceChildren(node);
		return calls.test(config).then((reply) => reply.ok ? ask(reply.id) : end(false, calls.reason(reply)));
	},

	open(title, config) {
		const place = h('div', h('p', _('Each test sends a real update. Some providers block an account that sends the same address too often.')),
			show.button('start', _('Start'), () => this.run(place, config)));
		ui.showModal(null, [h('h4', title), place, h('div.right', show.button('close', _('Close'), ui.hideModal))]);
		return { ok: true };
	}
});
