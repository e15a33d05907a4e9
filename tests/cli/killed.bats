#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each process of the runtime is killed before each of its system calls. Whatever has been made by
# then, `delete --force` removes all of it; no process runs outside of the container's cgroup, and no
# program of a container runs before everything that confines it is there. TERM ends create, which
# then has cleaned up by itself.
#
# CLI_STRIDE=N    every Nth system call [13]; 1 is all of them, minutes

load helpers
load strikes

@test "create killed at any system call leaves nothing that delete --force does not remove" {
	bundle_for_strikes
	learn_capabilities
	sweep 0 "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
	[[ ! -e $BUNDLE/rootfs/mark ]]
	points
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
	points
}

@test "run killed at any system call: its program has run confined or not at all" {
	bundle_for_strikes
	learn_capabilities
	# Up to where the program runs: then run waits, and there is nothing to be struck any more.
	payload sh -c 'cat /proc/self/cgroup /proc/self/status > /mark.new; mv /mark.new /mark'
	sweep 0 "$KILL" after_kill run --bundle "$BUNDLE" "$ID"
	sweep 1 "$KILL" after_kill run --bundle "$BUNDLE" "$ID"
	points
}

@test "with a new user namespace, killed at any system call" {
	userns_add
	config '.linux.devices = [ { path: "/dev/deck", type: "c", major: 1, minor: 5, fileMode: 384, uid: 5 } ]'
	payload sleep 1000
	sweep 0 "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
	sweep 1 "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
	points
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
	points
}

# Its mounts would stay in the table that all share: over root.path for hooks, else in the container's folder.
@test "in the mount namespace of the runtime, killed at any system call, nothing stays mounted" {
	bundle_for_strikes
	namespace_remove mount
	learn_capabilities
	sweep 0 "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
	sweep 1 "$KILL" after_kill create --bundle "$BUNDLE" "$ID"
	config 'del(.hooks)'
	payload sh -c 'cat /proc/self/cgroup /proc/self/status > /mark.new; mv /mark.new /mark'
	sweep 0 "$KILL" after_kill run --bundle "$BUNDLE" "$ID"
	sweep 1 "$KILL" after_kill run --bundle "$BUNDLE" "$ID"
	payload sleep 1000
	after() {
		after_kill
		start
	}
	start
	FEWEST=15 sweep 0 "$KILL" after delete --force "$ID"
	points
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
	points
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
	points
}

@test "kill --all killed at any system call leaves nobody frozen" {
	local n
	payload sh -c 'trap "" USR1; sleep 1000'
	start
	thawed() { grep -qx 'frozen 0' "$CG/cgroup.events" && grep -qx 0 "$CG/cgroup.freeze"; }
	for ((n = 1; ; n += STRIDE > 3 ? 3 : STRIDE)); do
		strike 0 "$n" "$KILL" kill --all "$ID" USR1
		[[ $status -ne 100 ]] || break
		wait_for thawed || fail "frozen, struck at system call $n: $(tail -n 1 "$T/strikes")"
	done
	[[ $n -gt 30 ]]
	wait_for confined
	same running "$(state_of .status)"
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
	points
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
