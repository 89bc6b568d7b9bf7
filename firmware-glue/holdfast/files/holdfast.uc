// The ubus object `holdfast`, for LuCI and for scripts; rpcd loads it. The status is read from the file
// that the agent writes, so it is there without the agent too. Everything else is the command line, run
// by rpcd's own `file.exec`: from a list of words, without a shell, and without holding up rpcd.
'use strict';

import { lstat, open } from 'fs';
import { connect } from 'ubus';

const PROGRAM = '/usr/bin/holdfast';
const STATUS_FILE = '/var/run/holdfast/status.json';
// Some 1 KiB for each hostname; far more than any router has.
const MAX_STATUS_BYTES = 1024 * 1024;
const MODES = { run: 'resident', once: 'event' };

const bus = connect();

// Which instance procd has, if any: `{ mode, running }`.
function service() {
	const instances = bus?.call('service', 'list', { name: 'holdfast' })?.holdfast?.instances ?? {};
	for (let name, instance in instances)
		if (exists(MODES, name))
			return { mode: MODES[name], running: instance.running == true };
	return { mode: null, running: false };
}

// The agent's user owns the folder: what it could put there in place of the file is not followed.
function last_status() {
	const facts = lstat(STATUS_FILE);
	if (facts?.type != 'file' || facts.size > MAX_STATUS_BYTES)
		return null;
	const file = open(STATUS_FILE, 'r');
	const text = file?.read(MAX_STATUS_BYTES);
	file?.close();
	try {
		const status = json(text);
		return type(status) == 'object' ? status : null;
	} catch (e) {
		return null;
	}
}

function sentence_of(state, status) {
	if (state.running)
		return null;
	if (state.mode == 'event')
		return 'Holdfast is started by events, and nothing is to be done now.';
	const since = status?.writtenAt ? ` What is shown is from ${status.writtenAt}.` : '';
	return `Holdfast is not running.${since} Enable a hostname, then start it with /etc/init.d/holdfast start.`;
}

function refused(code, sentence) {
	return { ok: false, code, sentence };
}

// A section or a host name as one word that cannot be taken for an option.
function is_hostname(word) {
	return type(word) == 'string' && length(word) <= 253 && !!match(word, /^[^-[:space:][:cntrl:]][^[:space:][:cntrl:]]*$/);
}

const NOT_A_HOSTNAME = refused('rpc/HOSTNAME', 'The argument hostname must be a hostname or the name of its section.');

// Every line of the output is one JSON document; null when one is not.
function documents(text) {
	try {
		return map(filter(split(text ?? '', '\n'), (line) => length(line) > 0), (line) => json(line));
	} catch (e) {
		return null;
	}
}

// Runs a command and answers the request with what `answer` makes of its documents.
function run(request, words, answer) {
	const params = [ ...words, '--json' ];
	return bus.defer('file', 'exec', { command: PROGRAM, params }, (code, reply) => {
		const found = code == 0 ? documents(reply?.stdout) : null;
		if (code == 7)
			request.reply(refused('rpc/TIMEOUT', 'This takes longer than rpcd waits. Look at the status in a minute.'));
		else if (code != 0)
			request.reply(refused('rpc/EXEC', 'The command could not be run. Install rpcd-mod-file, and see whether /usr/bin/holdfast is there.'));
		else if (!found || length(found) == 0)
			request.reply(refused('rpc/FAILED', trim(substr(reply?.stderr ?? '', 0, 500)) || 'The command gave no answer.'));
		else
			request.reply({ ok: reply.code == 0, ...answer(found) });
	});
}

return {
	holdfast: {
		status: {
			call: function() {
				const state = service();
				const status = last_status();
				return { ...state, sentence: sentence_of(state, status), status };
			}
		},

		events: {
			call: function() {
				return { ...service(), events: last_status()?.events ?? [] };
			}
		},

		providers: {
			call: function(request) {
				return run(request, [ 'providers' ], (found) => ({ providers: found[0] }));
			}
		},

		// Sends now, all hostnames or one; lifts a block.
		update: {
			args: { hostname: '' },
			call: function(request) {
				const hostname = request.args?.hostname;
				if (hostname != null && !is_hostname(hostname))
					return NOT_A_HOSTNAME;
				return run(request, [ 'update', ...(hostname == null ? [] : [ hostname ]) ], (results) => ({ results }));
			}
		},

		// What is wrong in the configuration, of one hostname or of all, and how the name stands. Sends nothing.
		check: {
			args: { hostname: '' },
			call: function(request) {
				const hostname = request.args?.hostname;
				if (hostname != null && !is_hostname(hostname))
					return NOT_A_HOSTNAME;
				const is_meant = (one) => hostname == null || one.id == hostname || one.hostname == hostname;
				const hosts = filter(last_status()?.hostnames ?? [], is_meant);
				return run(request, [ 'check-config' ], (found) => ({ ...found[0], hosts }));
			}
		},

		// One attempt, step by step.
		trace: {
			args: { hostname: '' },
			call: function(request) {
				const hostname = request.args?.hostname;
				if (!is_hostname(hostname))
					return NOT_A_HOSTNAME;
				return run(request, [ 'trace', hostname ], (found) => found[0]);
			}
		},

		// Shows what would be taken over from ddns-scripts; with `apply`, does it.
		import: {
			args: { apply: true },
			call: function(request) {
				const apply = request.args?.apply == true ? [ '--apply' ] : [];
				return run(request, [ 'import-ddns', ...apply ], (found) => ({ report: found[0] }));
			}
		}
	}
};
