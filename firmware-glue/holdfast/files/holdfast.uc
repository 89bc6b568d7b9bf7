// The ubus object `holdfast`, for LuCI and for scripts; rpcd loads it. The status is read from the file
// that the agent writes, so it is there without the agent too, and asking for it never waits. Everything
// else is the command line, run by rpcd's own `file.exec`: from a list of words, without a shell, and
// without holding up rpcd.
'use strict';

import { access, lsdir, lstat, mkdir, open, unlink } from 'fs';
import { connect } from 'ubus';

const PROGRAM = '/usr/bin/holdfast';
const INIT = '/etc/init.d/holdfast';
const LIB = '/usr/lib/holdfast';
const STATE = '/var/run/holdfast';
const STATUS_FILE = `${STATE}/status.json`;
// Some 2 KiB for each hostname; far more than any router has.
const MAX_STATUS_BYTES = 1024 * 1024;
const CATALOGUE = `${LIB}/catalogue.json`;
const OWN_PROVIDERS = '/etc/holdfast/providers.d';
const MAX_CATALOGUE_BYTES = 4 * 1024 * 1024;
const MAX_OWN_PROVIDERS = 100;
// What a form needs of a catalogue entry.
const SHOWN = [ 'id', 'title', 'homepage', 'credentialUrl', 'fields', 'families', 'zones', 'notes', 'dead',
	'unconfirmed', 'wantsContact', 'groups', 'pseudoHosts', 'noDnsCheck', 'protocol' ];
const MODES = { run: 'resident', once: 'event' };
const ACTIONS = [ 'start', 'stop', 'restart', 'enable', 'disable' ];
const THEIR_FILE = '/etc/config/ddns';
const OUR_FILE = '/etc/config/holdfast';
const UNDO_FILE = '/etc/config/.holdfast.import-undo.json';
// Root's own folder in memory: nobody else can plant a link in it.
const TESTS = '/var/run/holdfast-test';
const MAX_TESTS = 4;
const MAX_DRAFT_BYTES = 16384;
// A test runs as root: it runs no program that the form names.
const PROGRAM_OPTIONS = [ 'script', 'script_arg', 'notify_script' ];
// For the same reason it reads only where such files belong; the first line of a password file is sent away.
const FILE_OPTIONS = { password_file: [ '/etc/holdfast' ], ca_file: [ '/etc/holdfast', '/etc/ssl/certs' ] };
// Of the agent's section, what changes the outcome of a test.
const AGENT_OPTIONS = [ 'contact', 'verify', 'resolver', 'public_resolver', 'control_server', 'doh_url', 'dns_port' ];

const bus = connect();
const tests = {};

// Which instance procd has, if any: `{ mode, running }`.
function service() {
	const instances = bus?.call('service', 'list', { name: 'holdfast' })?.holdfast?.instances ?? {};
	for (let name, instance in instances)
		if (exists(MODES, name))
			return { mode: MODES[name], running: instance.running == true };
	return { mode: null, running: false };
}

// Other users own some of the folders: what they could put there in place of the file is not followed.
function read_file(path, most) {
	const facts = lstat(path);
	if (facts?.type != 'file' || facts.size > most)
		return null;
	const file = open(path, 'r');
	const text = file?.read(most);
	file?.close();
	return text;
}

function read_object(path, most) {
	try {
		const value = json(read_file(path, most));
		return type(value) == 'object' ? value : null;
	} catch (e) {
		return null;
	}
}

function last_status() {
	return read_object(STATUS_FILE, MAX_STATUS_BYTES);
}

// An agent that has just been started has not written anything yet; what is there is from the one before.
function is_starting(mode) {
	const started = lstat(`${STATE}.${mode == 'event' ? 'once' : 'run'}.pid`)?.mtime ?? 0;
	const written = lstat(STATUS_FILE)?.mtime;
	return written == null || written < started;
}

function uci() {
	try {
		return require('uci').cursor();
	} catch (e) {
		return null;
	}
}

function sections(cursor, kind) {
	const found = [];
	cursor?.foreach('holdfast', kind, (section) => push(found, section));
	return found;
}

function is_off(section) {
	return index([ '0', 'off', 'no', 'false', 'disabled' ], section.enabled) >= 0;
}

function starts_at_boot() {
	return length(filter(lsdir('/etc/rc.d') ?? [], (name) => match(name, /^S[0-9]+holdfast$/))) > 0;
}

function has_runtime() {
	return (access(`${LIB}/holdfast.cjs`) && access('/usr/bin/node')) ||
		(access(`${LIB}/holdfast.mjs`) && access('/usr/bin/qjs'));
}

// What the page has to say and to offer first.
function state_of(now) {
	if (now.running)
		return is_starting(now.mode) ? 'starting' : 'running';
	if (now.mode == 'event')
		return 'idle';
	if (!has_runtime())
		return 'noruntime';
	const cursor = uci();
	if (!starts_at_boot() || length(filter(sections(cursor, 'agent'), is_off)) > 0)
		return 'disabled';
	if (cursor && length(filter(sections(cursor, 'hostname'), (one) => !is_off(one))) == 0)
		return 'empty';
	return 'stopped';
}

function sentence_of(now, status) {
	if (now.running)
		return null;
	if (now.mode == 'event')
		return 'Holdfast is started by events and once an hour, and is not running now.';
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
const NOT_RUN = 'The command could not be run. Install rpcd-mod-file, and see whether /usr/bin/holdfast is there.';

// What a program complained of, without its name.
function said(reply) {
	return trim(replace(substr(reply?.stderr ?? '', 0, 1000), /(^|\n)holdfast: /g, '$1'));
}

// Every line of the output is one JSON document; null when one is not.
function documents(text) {
	try {
		return map(filter(split(text ?? '', '\n'), (line) => length(line) > 0), (line) => json(line));
	} catch (e) {
		return null;
	}
}

// What has become of a command, or why not.
function outcome(code, reply, answer) {
	const found = code == 0 ? documents(reply?.stdout) : null;
	if (code == 7)
		return refused('rpc/TIMEOUT', 'This takes longer than rpcd waits. Look at the status in a minute.');
	if (code != 0)
		return refused('rpc/EXEC', NOT_RUN);
	if (!found || length(found) == 0)
		return refused('rpc/FAILED', said(reply) || 'The command gave no answer.');
	return { ok: reply.code == 0, ...answer(found) };
}

// Runs a command and answers the request with what `answer` makes of its documents.
function run(request, words, answer) {
	const params = [ ...words, '--json' ];
	return bus.defer('file', 'exec', { command: PROGRAM, params },
		(code, reply) => request.reply(outcome(code, reply, answer)));
}

// Runs actions of the service one after the other.
function run_actions(request, actions) {
	return bus.defer('file', 'exec', { command: INIT, params: [ actions[0] ] }, (code, reply) => {
		if (code != 0 || reply?.code != 0)
			request.reply(refused('rpc/SERVICE', said(reply) ||
				`/etc/init.d/holdfast ${actions[0]} did not work; see the system log.`));
		else if (length(actions) > 1)
			run_actions(request, slice(actions, 1));
		else
			request.reply({ ok: true });
	});
}

// The switch in the configuration goes before the one at boot.
function switch_on() {
	const cursor = uci();
	const off = filter(sections(cursor, 'agent'), is_off);
	for (let section in off)
		cursor.set('holdfast', section['.name'], 'enabled', '1');
	if (length(off) > 0)
		cursor.commit('holdfast');
}

// Entries as forms need them: without the templates, which are most of a catalogue.
function shown_provider(entry, own) {
	const shown = own ? { own: true } : {};
	for (let name in SHOWN)
		if (entry[name] != null)
			shown[name] = entry[name];
	return shown;
}

function all_providers() {
	const known = read_object(CATALOGUE, MAX_CATALOGUE_BYTES)?.providers;
	if (type(known) != 'array')
		return null;
	const found = {};
	for (let entry in known)
		if (type(entry?.id) == 'string')
			found[entry.id] = shown_provider(entry, false);
	const names = filter(lsdir(OWN_PROVIDERS) ?? [], (name) => match(name, /^[^.].*\.json$/));
	for (let name in slice(names, 0, MAX_OWN_PROVIDERS)) {
		const entry = read_object(`${OWN_PROVIDERS}/${name}`, MAX_STATUS_BYTES);
		if (type(entry?.id) == 'string' && type(entry.title) == 'string' && `${entry.id}.json` == name)
			found[entry.id] = shown_provider(entry, true);
	}
	return values(found);
}

// One line of UCI; null for what is no option of a form.
function option_lines(name, value) {
	if (!match(name, /^[a-z0-9_]{1,32}$/))
		return null;
	const list = type(value) == 'array';
	const lines = map(list ? value : [ value ], (one) =>
		type(one) == 'string' && length(one) <= 1024 && !match(one, /[[:cntrl:]]/)
			? `\t${list ? 'list' : 'option'} ${name} '${replace(one, /'/g, "'\\''")}'\n` : null);
	return index(lines, null) >= 0 ? null : join('', lines);
}

// With every value as it is saved, a test does nothing that the agent does not do.
function is_saved(account) {
	return length(filter(sections(uci(), 'account'), (saved) =>
		length(filter(keys(account), (name) => `${account[name]}` != `${saved[name]}`)) == 0)) > 0;
}

// A file of one of these folders itself: no way out of them by a link or by `..`.
function is_file_in(folders, path) {
	const parts = split(path, '/');
	pop(parts);
	return index(folders, join('/', parts)) >= 0 && lstat(path)?.type == 'file';
}

// The draft of a form as a file of UCI, or a refusal. Section names are unique in a file.
function draft_text(config) {
	let text = '';
	for (let kind, id in { agent: 'agent', account: 'draft_account', hostname: 'draft' }) {
		text += `config ${kind} '${id}'\n`;
		const given = config?.[kind] ?? {};
		if (type(given) != 'object')
			return refused('rpc/DRAFT', `The values of ${kind} cannot be tested: they must be options with their values.`);
		const values = { ...given };
		if (kind == 'hostname')
			values.account = 'draft_account';
		for (let name, value in values) {
			if (index(PROGRAM_OPTIONS, name) >= 0)
				return refused('rpc/SCRIPT', 'What runs a program of your own cannot be tested before it is saved. Save it, then look at the overview.');
			const folders = FILE_OPTIONS[name];
			if (folders && (type(value) != 'string' || !is_file_in(folders, value)) && !is_saved(given))
				return refused('rpc/FILE', `Before it is saved, ${name} can be tested only with a file in ${join(' or ', folders)}. Put the file there, or save and apply the account first.`);
			if (kind == 'agent' && index(AGENT_OPTIONS, name) < 0)
				continue;
			const lines = option_lines(name, value);
			if (lines == null)
				return refused('rpc/DRAFT', `The value of ${name} cannot be tested: it has characters or a length that no option may have.`);
			text += lines;
		}
	}
	return length(text) > MAX_DRAFT_BYTES ? refused('rpc/DRAFT', 'These values are too long to be tested.') : text;
}

function random_word() {
	const source = open('/dev/urandom', 'r');
	const word = hexenc(source.read(12));
	source.close();
	return word;
}

function forget(id) {
	unlink(`${TESTS}/${id}.draft`);
	unlink(`${TESTS}/${id}.steps`);
}

// The values are in a file of root's own in memory until the test has ended, and never in argv.
function start_test(draft) {
	const running = filter(keys(tests), (id) => !tests[id].done);
	if (length(running) >= MAX_TESTS)
		return refused('rpc/BUSY', 'Other tests are still running. Wait until they have ended.');
	for (let id in keys(tests))
		if (tests[id].done && length(tests) >= MAX_TESTS)
			delete tests[id];
	mkdir(TESTS, 0700);
	const facts = lstat(TESTS);
	const id = random_word();
	const file = facts?.type == 'directory' && facts.uid == 0 ? open(`${TESTS}/${id}.draft`, 'wx', 0600) : null;
	if (!file)
		return refused('rpc/EXEC', `Nothing can be written to ${TESTS}. Is the memory full?`);
	file.write(draft);
	file.close();
	const params = [ 'trace', 'draft', '--json', '--config', `${TESTS}/${id}.draft`, '--progress', `${TESTS}/${id}.steps` ];
	tests[id] = { done: false };
	tests[id].pending = bus.defer('file', 'exec', { command: PROGRAM, params }, (code, reply) => {
		forget(id);
		tests[id] = { done: true, reply: outcome(code, reply, (found) => found[0]) };
	});
	return { ok: true, id };
}

return {
	holdfast: {
		status: {
			call: function() {
				const now = service();
				const status = last_status();
				return {
					...now,
					state: state_of(now),
					sentence: sentence_of(now, status),
					ddns: !!match(read_file(THEIR_FILE, 262144) ?? '', /(^|\n)[[:space:]]*config[[:space:]]+['"]?service/),
					undo: access(UNDO_FILE) == true,
					status
				};
			}
		},

		events: {
			call: function() {
				return { ...service(), events: last_status()?.events ?? [] };
			}
		},

		providers: {
			call: function(request) {
				const providers = all_providers();
				return providers ? { ok: true, providers } : run(request, [ 'providers' ], (found) => ({ providers: found[0] }));
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

		// Asks the DNS now, about all hostnames or one. Sends nothing to a provider.
		check: {
			args: { hostname: '' },
			call: function(request) {
				const hostname = request.args?.hostname;
				if (hostname != null && !is_hostname(hostname))
					return NOT_A_HOSTNAME;
				return run(request, [ 'check', ...(hostname == null ? [] : [ hostname ]) ], (results) => ({ results }));
			}
		},

		// What is wrong in the configuration.
		check_config: {
			call: function(request) {
				return run(request, [ 'check-config' ], (found) => found[0]);
			}
		},

		// One attempt with what is saved, step by step; answers when it has ended. With `force` what is confirmed
		// already is sent once more.
		trace: {
			args: { hostname: '', force: true },
			call: function(request) {
				const hostname = request.args?.hostname;
				if (!is_hostname(hostname))
					return NOT_A_HOSTNAME;
				// As root, a program that some section names would be started.
				if (match(read_file(OUR_FILE, MAX_STATUS_BYTES) ?? '', /(^|\n)[[:space:]]*(option|list)[[:space:]]+['"]?script/))
					return refused('rpc/SCRIPT', 'A section of the configuration names a program of your own, which only the agent runs. Use "Update now", then look at the overview.');
				const how = request.args?.force == true ? [ '--force' ] : [];
				return run(request, [ 'trace', hostname, ...how ], (found) => found[0]);
			}
		},

		// One attempt with values that are not saved; answers at once with the id to ask for its steps.
		test: {
			args: { config: {} },
			call: function(request) {
				const draft = draft_text(request.args?.config);
				return type(draft) == 'string' ? start_test(draft) : draft;
			}
		},

		test_steps: {
			args: { id: '' },
			call: function(request) {
				const id = request.args?.id;
				if (type(id) != 'string' || !exists(tests, id))
					return refused('rpc/TEST', 'This test is not known any more. Start it again.');
				if (tests[id].done)
					return { steps: [], ...tests[id].reply, done: true };
				const steps = read_object(`${TESTS}/${id}.steps`, MAX_STATUS_BYTES)?.steps ?? [];
				return { ok: true, done: false, steps };
			}
		},

		// Starts or stops the service, now or at boot.
		service: {
			args: { action: '' },
			call: function(request) {
				const action = request.args?.action;
				if (index(ACTIONS, action) < 0)
					return refused('rpc/ACTION', `The argument action must be one of ${join(', ', ACTIONS)}.`);
				if (action == 'enable')
					switch_on();
				return run_actions(request, action == 'enable' ? [ 'enable', 'start' ] : [ action ]);
			}
		},

		// Shows what would be taken over from ddns-scripts; with `apply`, does it; with `undo`, goes back.
		import: {
			args: { apply: true, undo: true },
			call: function(request) {
				const how = request.args?.undo == true ? [ '--undo' ] : request.args?.apply == true ? [ '--apply' ] : [];
				return run(request, [ 'import-ddns', ...how ], (found) => ({ report: found[0] }));
			}
		}
	}
};
