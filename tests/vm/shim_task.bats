# SPDX-License-Identifier: Apache-2.0
# What a task's client may ask of the shim beyond running it: terminals, signals, the order of events; and
# who may ask.
# length: long
# containerd: 1.6 1.7 2.1 2.3 2.4
# needs: systemd memory pids strake
# deadline: 300

load shim_suite

teardown() {
	[ -z "${EVENTS:-}" ] || kill "$EVENTS" 2>/dev/null || true
	tidy
}

sleeper() { # id [OPTION...]
	local id=$1
	shift
	timeout 20 ctr run -d "${RUNTIME[@]}" "$@" "$IMAGE" "$id" sleep 1000
}

# events_begin: from here on they are in $BATS_TEST_TMPDIR/events, a line each.
events_begin() {
	ctr events >"$BATS_TEST_TMPDIR/events" &
	EVENTS=$!
	# It hears of what happens only when it is subscribed.
	eventually 10 events_heard
}

events_heard() {
	ctr namespace create "n$BASHPID" && ctr namespace remove "n$BASHPID"
	grep -q /namespaces/ "$BATS_TEST_TMPDIR/events"
}

events_have() { # PATTERN COUNT
	[ "$(grep -c -- "$1" "$BATS_TEST_TMPDIR/events")" -eq "$2" ]
}

# events_order: the topics of tasks.
events_order() {
	grep -oE '/tasks/[a-z-]+' "$BATS_TEST_TMPDIR/events" | xargs
}

@test "an exec has a terminal of its own, of the client's size" {
	sleeper c
	run timeout 20 script -qec \
		"stty rows 31 cols 97; ctr task exec -t --exec-id e c sh -c 'tty; i=0; until [ \"\$(stty size)\" = \"31 97\" ]; do i=\$((i + 1)); [ \$i -lt 500 ] || exit 9; usleep 10000; done; stty size'" \
		/dev/null </dev/null
	[[ "$output" == */dev/* ]]
	[[ "$output" == *"31 97"* ]]
}

@test "the end of an exec's stdin is its end" {
	sleeper c
	# The reader says when it is there; only then does its input end.
	mkfifo "$BATS_TEST_TMPDIR/in"
	timeout 20 ctr task exec --exec-id e c sh -c 'echo ready; cat; echo ended' \
		<"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" &
	local exec=$!
	exec 8>"$BATS_TEST_TMPDIR/in"
	eventually 10 grep -q ready "$BATS_TEST_TMPDIR/out"
	echo words >&8
	eventually 10 grep -q words "$BATS_TEST_TMPDIR/out"
	exec 8>&-
	wait "$exec"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = $'ready\nwords\nended' ]
}

@test "a signal to all reaches every process" {
	sleeper c
	timeout 20 ctr task exec -d --exec-id e1 c sleep 1000
	timeout 20 ctr task exec -d --exec-id e2 c sleep 1000
	[ "$(ctr task ps c | wc -l)" -eq 4 ]
	ctr task kill -a -s KILL c
	eventually 10 is c STOPPED
}

@test "a container that shares our processes leaves none of its own" {
	timeout 20 ctr run -d --with-ns pid:/proc/1/ns/pid "${RUNTIME[@]}" "$IMAGE" c \
		sh -c 'sleep 4711 & exec sleep 1000'
	eventually 10 pgrep -f 'sleep 4711'
	kill -KILL "$(ctr task ls | awk '$1 == "c" { print $2 }')"
	eventually 10 is c STOPPED
	run pgrep -f 'sleep 4711'
	[ "$status" -ne 0 ]
}

@test "events come in order, and one exit for each process" {
	events_begin
	sleeper c
	timeout 20 ctr task exec --exec-id e1 c true
	timeout 20 ctr task exec --exec-id e2 c false || [ $? -eq 1 ]
	ctr task kill -s KILL c
	eventually 10 is c STOPPED
	ctr task rm c || true
	eventually 10 events_have /tasks/delete 1
	events_order
	[ "$(events_order)" = "/tasks/create /tasks/start /tasks/exec-added /tasks/exec-started \
/tasks/exit /tasks/exec-added /tasks/exec-started /tasks/exit /tasks/exit /tasks/delete" ]
}

@test "the exit of an exec comes before that of its container" {
	events_begin
	sleeper c
	timeout 20 ctr task exec -d --exec-id e c sleep 1000
	ctr task kill -s KILL c
	eventually 10 is c STOPPED
	eventually 10 events_have /tasks/exit 2
	[ "$(grep /tasks/exit "$BATS_TEST_TMPDIR/events" | head -1 | grep -c '"id":"e"')" -eq 1 ]
	[ "$(grep /tasks/exit "$BATS_TEST_TMPDIR/events" | tail -1 | grep -c '"id":"c"')" -eq 1 ]
}

@test "a checkpoint is refused, and the task goes on" {
	sleeper c
	run timeout 20 ctr task checkpoint c
	[ "$status" -ne 0 ]
	[[ "$output" == *checkpoint* ]]
	is c RUNNING
}

@test "A18: no abstract socket leads to the shim, and a container in the host's network finds none" {
	timeout 20 ctr run -d --net-host "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	run timeout 20 ctr task exec --exec-id e c grep -E '@.*(containerd-shim|strake)' /proc/net/unix
	[ "$status" -ne 0 ]
	[ -S "$(sed 's,unix://,,' "$BUNDLES/c/address")" ]
}

@test "A21: nobody but root gets at the bundle, the state or the socket" {
	sleeper c
	local path
	for path in "$BUNDLES/c/config.json" /run/containerd/strake/default/c \
		"$(sed 's,unix://,,' "$BUNDLES/c/address")"; do
		[ -e "$path" ]
		run setpriv --reuid 65534 --regid 65534 --clear-groups ls "$path"
		[ "$status" -ne 0 ]
	done
}

@test "A22: a program as log that the node does not name is refused, and nothing is executed" {
	printf '#!/bin/sh\ntouch %s/executed\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/logger"
	chmod +x "$BATS_TEST_TMPDIR/logger"
	run timeout 20 ctr run -d --log-uri "binary://$BATS_TEST_TMPDIR/logger" "${RUNTIME[@]}" "$IMAGE" c true
	[ "$status" -ne 0 ]
	[[ "$output" == *"does not allow the log program"* ]]
	[ ! -e "$BATS_TEST_TMPDIR/executed" ]
}

# behind RUNTIME: the same life, with that program doing the work.
behind() {
	local out
	printf 'BinaryName = "%s"\n' "$1" >"$BATS_TEST_TMPDIR/options.toml"
	local with=(--runtime-config-path "$BATS_TEST_TMPDIR/options.toml" "${RUNTIME[@]}")
	out=$(timeout 20 ctr run --rm "${with[@]}" "$IMAGE" short sh -c 'echo words; exit 7') || [ $? -eq 7 ]
	[ "$out" = words ]
	timeout 20 ctr run -d --memory-limit 67108864 "${with[@]}" "$IMAGE" c sleep 1000
	is c RUNNING
	[ ! -e /run/containerd/strake/default/c ]
	[ -e /run/containerd/runc/default/c ]
	out=$(timeout 20 ctr task exec --exec-id e c sh -c 'echo inside; exit 3') || [ $? -eq 3 ]
	[ "$out" = inside ]
	ctr task metrics c | grep -q 67108864
	ctr task pause c
	is c PAUSED
	ctr task resume c
	timeout 20 ctr task exec -d --exec-id e2 c sleep 1000
	ctr task ps c | grep -q e2
	ctr task kill -a -s KILL c
	eventually 10 is c STOPPED
	run ctr task rm c
	[[ "$output" == *137* ]]
	[ ! -e /run/containerd/runc/default/c ]
}

@test "crun does the work where the options name it" {
	behind crun
}

@test "runc does the work where the options name it" {
	behind runc
}
