# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# What killed.bats and failing.bats share: a runtime that is struck at its Nth system call by the program
# `strike`, and what must hold afterwards.

STRIDE=${CLI_STRIDE:-13}
KILL=9 TERM=15
POINTS=0 # how often it was struck

# With a filter, masks, a device rule and a hook: every stage has something to do. The program writes
# down what it runs in. Without a cgroup namespace, so that it sees where it is.
bundle_for_strikes() {
	namespace_remove cgroup
	config '.mounts |= map(select(.type != "cgroup")) |
		.linux.resources = { devices: [ { allow: false, access: "rwm" } ] } |
		.linux.sysctl = { "net.ipv4.ip_forward": "1" } | .process.noNewPrivileges = true |
		.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "getppid" ], action: "SCMP_ACT_ERRNO" } ] } |
		.hooks = { createRuntime: [ { path: "/bin/true" } ] }'
	payload sh -c 'cat /proc/self/cgroup /proc/self/status > /mark.new; mv /mark.new /mark; exec sleep 1000'
}

points() { echo "# $POINTS points" >&3; }

mounts_now() { mapfile -t MOUNTS < /proc/self/mountinfo; }

# Orphans that were not there before: bats itself is one.
newcomers() {
	local pid
	orphans
	NEWCOMERS=()
	for pid in "${ORPHANS[@]}"; do
		[[ $'\n'$CAGE_BEFORE == *$'\n'$pid$'\n'* ]] || NEWCOMERS+=("$pid")
	done
}

# No process but those of the container's cgroup: those that are on their way out may take a moment.
confined() {
	local pid line lines
	newcomers
	for pid in "${NEWCOMERS[@]}"; do
		# Not by $(<): what is gone by now would fail in a subshell, where bats takes it for the test.
		{ mapfile -t lines < "/proc/$pid/cgroup"; } 2> /dev/null || continue
		[[ ${#lines[@]} -gt 0 ]] || continue
		line=${lines[-1]}
		[[ $line == *0::$CAGE_CGROUP/$ID || $line == *0::$CAGE_CGROUP/$ID/* ]] || return 1
	done
}

# Only a program that is confined has run.
mark_is_good() {
	local mark=$BUNDLE/rootfs/mark
	[[ -e $mark ]] || return 0
	grep -qx "0::$CAGE_CGROUP/$ID" "$mark"
	grep -qxP 'Seccomp:\t2' "$mark"
	grep -qxP 'NoNewPrivs:\t1' "$mark"
	grep -qxP 'NSpid:\t[0-9]+' "$mark"
	same "$CAPABILITIES" "$(awk '$1 == "CapEff:" { print $2 }' "$mark")"
	rm "$mark"
}

# What the container has where nobody is killed.
learn_capabilities() {
	start
	wait_for test -e "$BUNDLE/rootfs/mark"
	CAPABILITIES=$(awk '$1 == "CapEff:" { print $2 }' "$BUNDLE/rootfs/mark")
	[[ $CAPABILITIES =~ ^0{8}[0-9a-f]{8}$ && $CAPABILITIES != 0000000000000000 ]]
	rm "$BUNDLE/rootfs/mark"
	ok delete --force "$ID"
}

nothing_is_left() {
	newcomers
	[[ ${#NEWCOMERS[@]} -eq 0 && ! -e $ROOT/$ID && ! -d $CG ]] || return 1
	mounts_now
	[[ ${#MOUNTS[@]} -le $MOUNTS_BEFORE ]]
}

strike() { # process, N, signal, arguments of the runtime
	status=0
	timeout --kill-after=5 "$LIMIT" "$CLI_BIN/strike" "$T/strikes" "$1" "$2" "$3" "$RUNTIME" --root "$ROOT" "${@:4}" \
		> "$T/strike.out" 2> "$T/strike.err" < /dev/null 3>&- || status=$?
	[[ $status -ne 124 ]] || fail "it hung, struck at system call $2 of process $1: $(tail -n 1 "$T/strikes")"
}

# Each STRIDEth system call of a process: process, signal, check, arguments of the runtime.
sweep() {
	local process=$1 signal=$2 check=$3 n
	mounts_now
	MOUNTS_BEFORE=${#MOUNTS[@]}
	for ((n = 1 + (process + signal) % STRIDE; ; n += STRIDE)); do
		strike "$process" "$n" "$signal" "${@:4}"
		[[ $status -ne 100 ]] || break
		POINTS=$((POINTS + 1))
		"$check" || fail "struck at system call $n of process $process (status $status):
$(tail -n 1 "$T/strikes")
$(cat "$T/strike.err")"
	done
	# Far enough to have been in the middle of something.
	[[ $n -gt ${FEWEST:-30} ]] || fail "only $n system calls in process $process"
	"$RUNTIME" --root "$ROOT" delete --force "$ID"
	wait_for nothing_is_left
	rm -f "$BUNDLE/rootfs/mark"
}

# A process that dies with the one that was killed may hold the container's lock for a moment.
deleted() {
	"$RUNTIME" --root "$ROOT" delete --force "$ID" 2> "$T/delete.err" && return
	grep -q "right now" "$T/delete.err" || fail "$(cat "$T/delete.err")"
	return 1
}

after_kill() {
	wait_for confined
	mark_is_good
	wait_for deleted
	wait_for nothing_is_left
}
