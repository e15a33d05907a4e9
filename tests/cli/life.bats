#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# create, start, state, kill, delete.

load helpers

@test "a container is created, started, killed and deleted, and its state says so" {
	payload sleep 1000
	create
	same created "$(state_of .status)"
	ok start "$ID"
	same running "$(state_of .status)"
	ok kill "$ID" KILL
	wait_for is_status stopped
	ok delete "$ID"
	refused "container \"$ID\" does not exist" state "$ID"
}

@test "a created container waits: its program has not run" {
	script 'echo sailing > /mark'
	create
	[[ ! -e $BUNDLE/rootfs/mark ]]
	ok start "$ID"
	wait_for file_has "$BUNDLE/rootfs/mark"
}

@test "state prints version, id, pid, status, bundle, rootfs, creation time and owner" {
	config '.annotations = { "org.example.cargo": "grain \"quoted\"\n" }'
	start_sleeper
	ok state "$ID"
	local keys
	keys=$(jq -r 'keys | join(" ")' <<< "$output")
	same "annotations bundle created id ociVersion owner pid rootfs status" "$keys"
	same 1.3.0 "$(state_of .ociVersion)"
	same "$ID" "$(state_of .id)"
	same "$BUNDLE" "$(state_of .bundle)"
	same "$BUNDLE/rootfs" "$(state_of .rootfs)"
	same "$(id -un)" "$(state_of .owner)"
	same '{"org.example.cargo":"grain \"quoted\"\n"}' "$(state_of '.annotations | tojson')"
	[[ $(state_of .created) =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z$ ]]
	same "sleep 1000 " "$(tr '\0' ' ' < "/proc/$(pid_of)/cmdline")"
}

@test "an owner without a name in /etc/passwd is a number" {
	start_sleeper
	: > "$T/passwd"
	same 0 "$(unshare --mount sh -c 'mount --bind "$1" /etc/passwd && shift && "$@"' - "$T/passwd" \
		"$RUNTIME" --root "$ROOT" list --format json | jq -r '.[0].owner')"
}

@test "a stopped container has pid 0 and cannot be started again" {
	payload true
	start
	wait_for is_status stopped
	same 0 "$(pid_of)"
	refused "cannot start container \"$ID\": it is stopped, not created" start "$ID"
}

@test "a running container cannot be started a second time" {
	start_sleeper
	refused "cannot start container \"$ID\": it is running, not created" start "$ID"
	same running "$(state_of .status)"
}

@test "a running container is not deleted without force" {
	start_sleeper
	refused "cannot delete container \"$ID\": it is running, not stopped" delete "$ID"
	same running "$(state_of .status)"
}

@test "a container that was never started is deleted without force" {
	payload true
	create
	ok delete "$ID"
	refused "container \"$ID\" does not exist" state "$ID"
}

@test "delete --force ends a running container and all its processes" {
	script 'sleep 1000 & sleep 1000 & wait'
	start
	local pids
	three_processes() { pids=$(cat "$CG/cgroup.procs") && [[ $(wc -w <<< "$pids") -eq 3 ]]; }
	wait_for three_processes
	ok delete --force "$ID"
	for pid in $pids; do
		is_gone "$pid"
	done
	[[ ! -d $CG && ! -e $ROOT/$ID ]]
}

@test "delete --force ends a container that was only created" {
	payload true
	create
	ok delete -f "$ID"
	[[ ! -e $ROOT/$ID ]]
}

@test "delete --force of a missing container is a success, delete is an error" {
	ok delete --force nobody
	refused 'container "nobody" does not exist' delete nobody
}

@test "an id is used once, and is free again after delete" {
	payload true
	create
	refused "container id \"$ID\" is in use" create --bundle "$BUNDLE" "$ID"
	same created "$(state_of .status)"
	ok delete --force "$ID"
	create
}

@test "a container that is being made or deleted is busy for others" {
	config --arg p "$T/go" '.hooks.createRuntime = [ { path: "/bin/sh",
		args: [ "sh", "-c", "until test -e \"$0\"; do sleep 0.05; done", $p ], env: [ "PATH=/bin:/usr/bin" ] } ]'
	background "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" > "$T/b.out" 2>&1 < /dev/null
	wait_for test -d "$ROOT/$ID"
	wait_for is_status creating
	refused "is being created, started or deleted right now" delete --force "$ID"
	touch "$T/go"
	wait "$background"
	same created "$(state_of .status)"
}

@test "start waits for who is still creating" {
	payload sh -c 'echo started > /mark'
	config --arg p "$T/go" '.root.readonly = false | .hooks.createRuntime = [ { path: "/bin/sh",
		args: [ "sh", "-c", "until test -e \"$0\"; do sleep 0.05; done", $p ], env: [ "PATH=/bin:/usr/bin" ] } ]'
	background "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" > "$T/b.out" 2>&1 < /dev/null
	wait_for is_status creating
	"$RUNTIME" --root "$ROOT" start "$ID" 2> "$T/start.err" < /dev/null &
	# It is there, and waits in a child of its own.
	wait_for pgrep -P $! > /dev/null
	[[ ! -e $BUNDLE/rootfs/mark ]]
	touch "$T/go"
	wait $! || fail "$(cat "$T/start.err")"
	wait_for test -e "$BUNDLE/rootfs/mark"
}

@test "delete --force waits for a process that was killed and still holds the lock" {
	start_sleeper
	background flock "$ROOT/$ID" sleep 0.5
	locked() { ! flock -n "$ROOT/$ID" true; }
	wait_for locked
	ok delete --force "$ID"
	[[ ! -e $ROOT/$ID ]]
	wait "$background"
}

@test "--root keeps containers apart" {
	start_sleeper
	ROOT=$T/elsewhere
	refused "container \"$ID\" does not exist" state "$ID"
	ok list -q
	same "" "$output"
	ROOT=$T/root
	same running "$(state_of .status)"
}

@test "without --root the state is in /run/strake" {
	payload sleep 1000
	"$RUNTIME" create --bundle "$BUNDLE" "$ID" > "$T/out" 2>&1 < /dev/null 3>&-
	[[ -d /run/strake/$ID ]]
	"$RUNTIME" delete --force "$ID"
	[[ ! -e /run/strake/$ID ]]
}

@test "the state folders are for root alone" {
	start_sleeper
	same 700 "$(stat -c %a "$ROOT")"
	same 700 "$(stat -c %a "$ROOT/$ID")"
	same "" "$(find "$ROOT/$ID" -type f -perm /077)"
}

@test "the bundle is the current folder unless --bundle names it" {
	payload sh -c 'echo here'
	cd "$BUNDLE"
	ok run "$ID"
	same here "$output"
}

@test "--config names another config.json" {
	payload echo other
	mv "$BUNDLE/config.json" "$T/other.json"
	ok run --bundle "$BUNDLE" --config "$T/other.json" "$ID"
	same other "$output"
}

@test "--pid-file holds the number of the first process, and nothing else" {
	payload sleep 1000
	start --pid-file "$T/pid"
	pid_of > "$T/wanted"
	truncate -s -1 "$T/wanted" # jq's newline
	cmp "$T/pid" "$T/wanted"
}

@test "the bundle and the config may be gone when the container is started and deleted" {
	payload sleep 1000
	create
	mv "$BUNDLE/config.json" "$T/config.json"
	ok start "$ID"
	same running "$(state_of .status)"
	ok delete --force "$ID"
}

@test "start ends a container whose program cannot be executed, and says why" {
	# Exists when it is created, and is gone when it is started.
	printf '#!/bin/sh\n' > "$BUNDLE/rootfs/program"
	chmod 755 "$BUNDLE/rootfs/program"
	payload /program
	create
	rm "$BUNDLE/rootfs/program"
	refused "exec /program: No such file or directory" start "$ID"
	same stopped "$(state_of .status)"
}
