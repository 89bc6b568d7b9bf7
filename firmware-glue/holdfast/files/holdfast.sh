#!/bin/sh
# Runs the agent with the runtime that is installed. Two words are for the scripts beside it:
# `--runtime` prints which runtime that is, `--wake` tells a started service to look again.
LIB=/usr/lib/holdfast
STATE=/var/run/holdfast

# $1: where procd wrote the process of the service, resident or started by events.
wake() {
	# Without the file the service is not started, and this is not the place to start it.
	[ -r "$1" ] && read -r pid <"$1" || return 0
	if grep -qs holdfast "/proc/$pid/cmdline"; then
		# Not when its status is the older one: a process that just starts would die of the signal, and
		# looks at everything by itself. The shell compares whole seconds, and many start within one.
		[ ! -f $STATE/status.json ] || [ "$1" -nt $STATE/status.json ] || kill -USR2 "$pid"
	else
		# Started by events, and nothing is running now. Whoever calls waits for this to end.
		/etc/init.d/holdfast start >/dev/null 2>&1 </dev/null &
	fi
	return 0
}

if [ "$1" = --wake ]; then
	wake $STATE.run.pid
	wake $STATE.once.pid
	exit 0
fi

# Which file the agent will read, and whether it will send a test message.
config=/etc/config/holdfast
before=
told=
for word; do
	case "$before" in --config | -c) config=$word ;; esac
	case "$word" in
	--config=*) config=${word#*=} ;;
	notify-test) told=1 ;;
	esac
	before=$word
done

# $1: the sentence for whoever asked.
refuse() {
	echo "holdfast: $1" >&2
	# Nobody sees what a service says: the log is where people look.
	[ "$asked" = --runtime ] && logger -t holdfast -p daemon.err "$1"
	exit 127
}

# `option runtime` of that file. By the shell alone: the agent's jail has no other program.
wanted() {
	local kind name value
	[ -r "$config" ] || return 0
	while read -r kind name value || [ -n "$kind" ]; do
		case "$kind $name" in
		"option runtime" | "option 'runtime'" | 'option "runtime"')
			case "$value" in
			node | \'node\'* | \"node\"*) echo node ;;
			quickjs | \'quickjs\'* | \"quickjs\"*) echo quickjs ;;
			esac
			;;
		esac
	done <"$config"
}

with_node() {
	[ -f $LIB/holdfast.cjs ] && runtime=$(command -v node) || return 1
	# Without the first three Node's memory doubles over 1,000 updates. The next three make it 10 MB smaller, and quicker:
	# an agent that works for milliseconds and sleeps again has no use for compiled code. The last two make it 4 MB smaller:
	# V8 collects garbage sooner, and the agent asks it to before it rests.
	flags="--max-semi-space-size=1 --max-old-space-size=16 --v8-pool-size=1 --no-turbofan --no-sparkplug --no-lazy-feedback-allocation --optimize-for-size --expose-gc $LIB/holdfast.cjs"
	export UV_THREADPOOL_SIZE=2
}

with_quickjs() {
	[ -f $LIB/holdfast.mjs ] && runtime=$(command -v qjs) || return 1
	local version
	version=$("$runtime" --help 2>/dev/null)
	case "$version" in
	"QuickJS version 202"[0-4]*) refuse 'This QuickJS is too old. Install the package quickjs of OpenWrt 25.12 or later.' ;;
	"QuickJS version "*) version=${version#QuickJS version } version=${version%%[!0-9-]*} ;;
	*) refuse 'qjs is not the QuickJS of Fabrice Bellard: QuickJS-ng never sleeps while it waits for another program. Install the package quickjs.' ;;
	esac
	# Without the source and what only debuggers need: the stack of a defect has names, and no lines.
	flags=-s
	# Until then a promise that was rejected a moment before somebody looked at it was the end.
	case "$version" in 2025-0[1-8]-*) flags="$flags --no-unhandled-rejection" ;; esac
	flags="$flags $LIB/holdfast.mjs"
	# Where the C library is glibc, it would hold back 0.3 MB of freed blocks: in a store of small ones, at the end of
	# the heap until that has 128 KB, and as much again ahead of need. OpenWrt's musl does not look at this.
	GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.trim_threshold=65536:glibc.malloc.top_pad=4096
	export HOLDFAST_RUNTIME="quickjs $version" GLIBC_TUNABLES
}

asked=$1
needed='The agent needs a JavaScript runtime'
remedy='Install the package node, or the packages quickjs and curl.'
[ -f $LIB/holdfast.mjs ] || remedy='Install the package node.'
[ -f $LIB/holdfast.cjs ] || remedy='Install the packages quickjs and curl.'
case "$(wanted)" in
node) with_node || refuse "$needed, and option runtime asks for node, which is not installed. Set it to auto, or install node." ;;
quickjs) with_quickjs || refuse "$needed, and option runtime asks for quickjs, which is not installed. Set it to auto, or install quickjs and curl." ;;
*) with_node || with_quickjs || refuse "$needed, and none is installed. $remedy" ;;
esac

if [ "$asked" = --runtime ]; then
	echo "$runtime"
	exit 0
fi

# A message starts programs of the owner's: by the service's user, as when it counts. That one may not read the
# file itself; the copy is where root alone writes, and the service clears away what is left there.
if [ -n "$told" ] && [ -r "$config" ] && [ "$(id -u)" = 0 ]; then
	copy=/var/etc/holdfast/notify-test.$$
	mkdir -p "${copy%/*}"
	trap 'rm -f "$copy"' EXIT
	trap 'exit 130' HUP INT TERM
	(umask 077 && cp "$config" "$copy" && chown holdfast:holdfast "$copy") ||
		refuse "The user holdfast cannot be given $copy. Is there space in memory, and does the user exist?"
	cd /
	# The file of a process, which is not there, keeps it from looking for the agent and finding it running.
	# shellcheck disable=SC2086 # several words
	start-stop-daemon -S -q -c holdfast:holdfast -p "$copy.pid" -x "$runtime" -- $flags "$@" --config "$copy"
	exit
fi
# shellcheck disable=SC2086 # several words
exec "$runtime" $flags "$@"
