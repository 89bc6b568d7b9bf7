'use strict';
'require baseclass';
'require request';
'require rpc';
'require holdfast.words as words';

/* The ubus object of the agent. Only `status` is polled; it never waits for the DNS or a provider. */

const raw = (method, params) => rpc.declare({ object: 'holdfast', method, params, reject: true });
/* What rejects has no `ok` either, and `reason` says why. */
const declare = (method, params) => (...args) => raw(method, params)(...args).catch((error) => error);
const status = raw('status');
const learnt = request.get(L.resource('holdfast/sentences.json'), { cache: true }).then((reply) => words.learn(reply.json())).catch(() => {});
const dump = rpc.declare({ object: 'network.interface', method: 'dump', expect: { 'interface': [] } });

return baseclass.extend({
	providers: declare('providers'),
	update: declare('update', ['hostname']),
	check: declare('check', ['hostname']),
	service: declare('service', ['action']),
	test: declare('test', ['config']),
	testSteps: declare('test_steps', ['id']),
	importDdns: declare('import', ['apply', 'undo']),

	/* Never rejects: an object that is not there, or that may not be asked, is a state too. */
	status() {
		return learnt.then(status).then((reply) => !L.isObject(reply) ? { state: 'missing' } :
			reply.status && !(reply.status.version == 1 && reply.status.agent && Array.isArray(reply.status.hostnames))
				? { state: 'unreadable' } : reply, ({ message }) => ({
			state: /-32000|ubus code/.test(message) ? 'missing' : message.includes('-32002') ? 'denied' : 'unreachable'
		}));
	},

	/* Without the loopback; none where they cannot be learned. */
	networks() {
		return dump().then((found) => found.filter((one) => one.interface != 'loopback'), () => []);
	},

	reason(reply) {
		return words.say(reply?.sentence) ?? reply?.message?.split('\n')[0] ?? _('The router gave no answer.');
	}
});
