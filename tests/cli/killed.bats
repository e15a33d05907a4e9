#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each process of the runtime is killed before each of its system calls. Whatever has been made by
# then, `delete --force` removes all of it; no process runs outside of the container's cgroup, and no
# program of a container runs before everything that confines it is there. TERM ends create, which
# then has cleaned up by itself.
#
# CLI_STRIDE=N    every Nth system call [13]; 1 is all of them, minutes

load helpers

STRIDE=${CLI_STRIDE:-13}
KILL=9 TERM=15

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

@test "create killed at any system call leaves nothing that delete --force does not remove" {
	bundle_for_strikes
	learn_capabilities
	sweep 0 "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
	[[ ! -e $BUNDLE/rootfs/mark ]]
}

@test "the container's process killed at any system call before its program: the same, and create says so" {
	bundle_for_strikes
	learn_capabilities
	after() {
		[[ $status -ne 0 || -d $ROOT/$ID ]]
		# create itself has lived on: it has cleaned up where it failed.
		[[ $status -eq 0 ]] || wait_for nothing_is_left
		[[ $status -eq 0 || -s $T/strike.err ]]
		after_kill
	}
	sweep 1 "$KILL" after create --bundle "$BUNDLE" "$ID"
}

@test "run killed at any system call: its program has run confined or not at all" {
	bundle_for_strikes
	learn_capabilities
	# Up to where the program runs: then run waits, and there is nothing to be struck any more.
	payload sh -c 'cat /proc/self/cgroup /proc/self/status > /mark.new; mv /mark.new /mark'
	sweep 0 "$KILL" after_kill run --bundle "$BUNDLE" "$ID"
	sweep 1 "$KILL" after_kill run --bundle "$BUNDLE" "$ID"
}

@test "with a new user namespace, killed at any system call" {
	userns_add
	payload sleep 1000
	sweep 0 "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
	sweep 1 "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
}

@test "with a user namespace that is joined, by a process between, killed at any system call" {
	local process
	userns_add
	payload sleep 1000
	ok create --bundle "$BUNDLE" harbour
	namespace_join user "/proc/$(pid_of harbour)/ns/user"
	# It belongs to that user namespace.
	namespace_remove network
	CAGE_BEFORE=$(cage_look)
	for process in 0 1 2; do
		FEWEST=3 sweep "$process" "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
	done
	ok delete --force harbour
	CAGE_BEFORE=$(cage_look)
}

@test "start killed at any system call: the program runs confined or the container can be deleted" {
	bundle_for_strikes
	learn_capabilities
	after() {
		after_kill
		create
	}
	create
	sweep 0 "$KILL" after start "$ID"
}

@test "exec killed at any system call leaves no process, and the container as it was" {
	local pid
	start_sleeper
	pid=$(pid_of)
	alone() { [[ $(cat "$CG/cgroup.procs") == "$pid" ]]; }
	after() { wait_for alone; wait_for confined; }
	CAPABILITIES=
	# Not the container, which is there before and after.
	nothing_is_left() { ! [[ -e $ROOT/$ID ]]; }
	sweep_of_exec() { # process, options of exec
		local n
		for ((n = 1 + $1; ; n += STRIDE)); do
			strike "$1" "$n" "$KILL" exec "${@:2}" "$ID" true
			[[ $status -ne 100 ]] || break
			after || fail "struck at system call $n of process $1: $(tail -n 1 "$T/strikes")"
		done
		[[ $n -gt ${FEWEST:-30} ]]
	}
	sweep_of_exec 0
	sweep_of_exec 1
	# Made by a process between.
	sweep_of_exec 0 --cap CAP_SYS_PTRACE
	sweep_of_exec 1 --cap CAP_SYS_PTRACE
	FEWEST=5 sweep_of_exec 2 --cap CAP_SYS_PTRACE
	same running "$(state_of .status)"
	ok exec "$ID" echo alive
	same alive "$output"
}

@test "delete --force killed at any system call is finished by the next one" {
	bundle_for_strikes
	learn_capabilities
	after() {
		after_kill
		start
	}
	start
	sweep 0 "$KILL" after delete --force "$ID"
}

# --- TERM -----------------------------------------------------------------------------------------

# It failed and has left nothing, or it came too late and the container is whole.
after_term() {
	if [[ $status -eq 0 ]]; then
		rt state "$ID"
		[[ $(jq -r .status <<< "$output") == created ]]
		LATE=$((LATE + 1))
		after_kill
		return
	fi
	[[ $status -eq 143 || -s $T/strike.err ]]
	wait_for nothing_is_left
}

@test "A40: create that gets TERM at any system call fails and has cleaned up, or is done" {
	LATE=0
	bundle_for_strikes
	sweep 0 "$TERM" after_term create --bundle "$BUNDLE" "$ID"
	# Most of the way it is not too late.
	[[ $LATE -lt $(($(wc -l < "$T/strikes") / 2)) ]] || fail "$LATE of $(wc -l < "$T/strikes") were too late"
}

@test "A40: TERM ends a create that waits: for a hook, for a file system, for a listener's agent" {
	payload true
	config '.hooks = { createRuntime: [ { path: "/bin/sleep", args: [ "sleep", "1000" ] } ] }'
	background "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" > "$T/term.out" 2>&1 < /dev/null
	waits_for_hook() { [[ $(pgrep -P "$background" | wc -l) -eq 2 ]]; }
	wait_for waits_for_hook
	kill -TERM "$background"
	status=0
	wait "$background" || status=$?
	same 1 "$status"
	[[ ! -e $ROOT/$ID && ! -d $CG ]]
	newcomers
	same 0 "${#NEWCOMERS[@]}"
	# A hook of the container's own, in the child.
	config '.hooks = { createContainer: [ { path: "/bin/sleep", args: [ "sleep", "1000" ] } ] }'
	background "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" > "$T/term.out" 2>&1 < /dev/null
	waits_for_child() { [[ $(cat "$CG/cgroup.procs" 2> /dev/null | wc -l) -eq 2 ]]; }
	wait_for waits_for_child
	kill -TERM "$background"
	status=0
	wait "$background" || status=$?
	same 1 "$status"
	contains "$(cat "$T/term.out")" canceled
	[[ ! -e $ROOT/$ID && ! -d $CG ]]
}
