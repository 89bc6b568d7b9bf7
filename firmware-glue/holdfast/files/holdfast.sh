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
		# Only when its status is the younger one: a process that just starts would die of the signal,
		# and looks at everything by itself.
		[ $STATE/status.json -nt "$1" ] && kill -USR2 "$pid"
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

if [ -f $LIB/holdfast.cjs ] && runtime=$(command -v node); then
	# Without these flags Node's memory doubles over 1,000 updates.
	flags="--max-semi-space-size=1 --max-old-space-size=16 --v8-pool-size=1 $LIB/holdfast.cjs"
	export UV_THREADPOOL_SIZE=2
elif [ -f $LIB/holdfast.mjs ] && runtime=$(command -v qjs); then
	flags=$LIB/holdfast.mjs
else
	sentence='The agent needs a JavaScript runtime, and none is installed. Install the package node.'
	echo "holdfast: $sentence" >&2
	# Nobody sees what a service says: the log is where people look.
	[ "$1" = --runtime ] && logger -t holdfast -p daemon.err "$sentence"
	exit 127
fi

if [ "$1" = --runtime ]; then
	echo "$runtime"
	exit 0
fi
# shellcheck disable=SC2086 # several words
exec "$runtime" $flags "$@"
