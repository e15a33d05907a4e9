#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: one more process in a running container.

load helpers

within() { ok exec "$@"; }

@test "exec runs a command in the container and prints what it prints" {
	start_sleeper
	within "$ID" sh -c 'hostname; cat /proc/1/cmdline | tr "\0" " "'
	same "hull
sleep 1000 " "$output"
}

@test "exec exits with the command's status, and 128 and the signal where it is killed" {
	start_sleeper
	exits 7 exec "$ID" sh -c 'exit 7'
	exits 137 exec "$ID" sh -c 'kill -KILL $$'
	exits 0 exec "$ID" true
}

@test "exec exits with 255 where the command cannot be run, and says why" {
	start_sleeper
	exits 255 exec "$ID" nowhere
	contains "$errors" 'exec: "nowhere": executable file not found in $PATH'
	exits 255 exec "$ID" /etc/passwd
	contains "$errors" 'exec: "/etc/passwd": permission denied'
	exits 255 exec "$ID"
	contains "$errors" 'no command is given'
}

@test "exec passes stdin on and reads all of it" {
	start_sleeper
	seq 100000 > "$T/input"
	INPUT=$T/input within "$ID" sha256sum
	same "$(sha256sum < "$T/input")" "$output"
}

@test "exec and create start with default signal actions and no blocked signals" {
	payload sh -c 'grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; exec sleep 1000'
	(
		trap '' INT QUIT PIPE USR1
		create
		ok start "$ID"
		wait_for grep -q SigCgt "$T/create.out"
		same 0000000000000000 "$(sort -u "$T/create.out" | awk '{ print $2 }' | uniq)"
		within "$ID" grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
		same 0000000000000000 "$(sort -u <<< "$output" | awk '{ print $2 }' | uniq)"
	)
}

@test "exec joins every namespace and the cgroup of the container" {
	start_sleeper
	local pid ns
	pid=$(pid_of)
	within "$ID" sh -c 'for ns in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$ns; done'
	same "$(for ns in pid net ipc uts mnt cgroup; do readlink "/proc/$pid/ns/$ns"; done)" "$output"
	within "$ID" cat /proc/self/cgroup
	same "0::/" "$(grep ^0:: <<< "$output")"
	ok exec --detach --pid-file "$T/pid" "$ID" sleep 1000
	grep -qx "$(cat "$T/pid")" "$CG/cgroup.procs"
}

@test "exec has the container's environment, folder, user and limits unless told otherwise" {
	config '.process.env += [ "CARGO=grain" ] | .process.cwd = "/tmp" |
		.process.user = { uid: 1000, gid: 1000, additionalGids: [ 4, 24 ] } |
		.process.rlimits = [ { type: "RLIMIT_NOFILE", soft: 77, hard: 88 } ]'
	start_sleeper
	within "$ID" sh -c 'echo $CARGO; pwd; id -u; id -G; ulimit -n; ulimit -Hn'
	same "grain
/tmp
1000
1000 4 24
77
88" "$output"
}

@test "exec --env adds to the environment and replaces what was there" {
	config '.process.env += [ "CARGO=grain" ]'
	start_sleeper
	within --env CARGO=wool -e "EMPTY=" --env 'LINES=two
lines' "$ID" sh -c 'echo "$CARGO|${EMPTY-unset}|$LINES|$PATH"'
	same "wool||two
lines|/bin" "$output"
}

@test "exec --cwd chooses the folder, which is made where it is missing" {
	start_sleeper
	within --cwd /home/sailor "$ID" pwd
	same /home/sailor "$output"
	within --cwd /new/folder "$ID" pwd
	same /new/folder "$output"
}

@test "exec --user takes a uid, and a uid and gid" {
	start_sleeper
	within --user 1000 "$ID" sh -c 'id -u; id -g; id -G'
	same "1000
0
0" "$output"
	within -u 1000:1234 "$ID" sh -c 'id -u; id -g; id -G'
	same "1000
1234
1234" "$output"
	within --user 4294967294:4294967294 "$ID" id -u
	same 4294967294 "$output"
}

@test "exec --additional-gids adds groups, by repetition and by commas" {
	start_sleeper
	within --user 1000:1000 --additional-gids 5,6 --additional-gids 7 "$ID" id -G
	same "1000 5 6 7" "$output"
	refused '--additional-gids: "x" is no group number' exec -g 1,x "$ID" true
}

@test "exec --cap adds to bounding, permitted and effective, never to inheritable" {
	local before
	start_sleeper
	within "$ID" grep ^Cap /proc/self/status
	before=$output
	within --cap CAP_SYS_TIME "$ID" grep ^Cap /proc/self/status
	same "$(awk '/Inh|Amb/' <<< "$before")" "$(awk '/Inh|Amb/' <<< "$output")"
	for set in CapPrm CapEff CapBnd; do
		local old new
		old=$(awk -v s=$set: '$1 == s { print $2 }' <<< "$before")
		new=$(awk -v s=$set: '$1 == s { print $2 }' <<< "$output")
		same "$((0x$old | 1 << 25))" "$((0x$new))"
	done
	refused 'exec --cap CAP_SAIL: no such capability' exec --cap CAP_SAIL "$ID" true
}

@test "exec --no-new-privs sets what the container does not have" {
	start_sleeper
	within "$ID" grep NoNewPrivs /proc/self/status
	same 0 "${output##*$'\t'}"
	within --no-new-privs "$ID" grep NoNewPrivs /proc/self/status
	same 1 "${output##*$'\t'}"
}

@test "exec --process reads the whole process from a file" {
	start_sleeper
	jq -n '{ args: [ "sh", "-c", "echo $A; pwd; id -u; grep CapEff /proc/self/status" ],
		env: [ "PATH=/bin", "A=b" ], cwd: "/tmp", user: { uid: 1000, gid: 1000 } }' > "$T/process.json"
	within --process "$T/process.json" "$ID"
	same "b
/tmp
1000
CapEff:	0000000000000000" "$output"
}

@test "exec --process names the file, line and field of a mistake" {
	start_sleeper
	echo '{ "args": [ "true" ],' > "$T/process.json"
	refused "$T/process.json:2:" exec --process "$T/process.json" "$ID"
	echo '{ "args": [ 1 ], "cwd": "/" }' > "$T/process.json"
	refused "args[0]" exec --process "$T/process.json" "$ID"
	echo '{ "args": [ "true" ], "cwd": "x" }' > "$T/process.json"
	refused "process.cwd" exec --process "$T/process.json" "$ID"
	refused "No such file or directory" exec --process "$T/nowhere.json" "$ID"
}

@test "exec --detach returns at once, with the pid in --pid-file" {
	start_sleeper
	within --detach --pid-file "$T/pid" "$ID" sleep 1001
	same "sleep 1001 " "$(tr '\0' ' ' < "/proc/$(cat "$T/pid")/cmdline")"
	ok ps --format json "$ID"
	jq -e --argjson p "$(cat "$T/pid")" 'index($p)' <<< "$output"
}

@test "exec --preserve-fds hands on exactly as many files" {
	start_sleeper
	exec 4< /etc/hostname 5< /etc/passwd 6< /etc/group
	status=0
	output=$("$RUNTIME" --root "$ROOT" exec --preserve-fds 2 "$ID" probe fds 3< /etc/os-release) || status=$?
	exec 4<&- 5<&- 6<&-
	same 0 "$status"
	same "0 1 2 3 4" "$(awk '{ printf "%s%s", sep, $1; sep = " " }' <<< "$output")"
	contains "$output" "4 /etc/hostname"
}

@test "exec without --preserve-fds hands on none" {
	start_sleeper
	exec 4< /etc/hostname
	output=$("$RUNTIME" --root "$ROOT" exec "$ID" probe fds)
	exec 4<&-
	same "0 1 2" "$(awk '{ printf "%s%s", sep, $1; sep = " " }' <<< "$output")"
}

@test "exec --cgroup puts the process into a sub-cgroup" {
	start_sleeper
	mkdir "$CG/deck"
	within --detach --pid-file "$T/pid" --cgroup deck "$ID" sleep 1000
	same "$(cat "$T/pid")" "$(cat "$CG/deck/cgroup.procs")"
	refused "nowhere" exec --cgroup nowhere "$ID" true
	refused '"../tests": `..` components are not allowed' exec --cgroup ../tests "$ID" true
	refused '"deck/..": `..` components are not allowed' exec --cgroup deck/.. "$ID" true
}

@test "exec in a paused container is refused, and waits with --ignore-paused" {
	start_sleeper
	ok pause "$ID"
	refused "cannot exec in container \"$ID\": it is paused" exec "$ID" true
	background "$RUNTIME" --root "$ROOT" exec --ignore-paused "$ID" sh -c 'exit 5' > "$T/e.out" 2>&1 < /dev/null
	ok resume "$ID"
	status=0
	wait "$background" || status=$?
	same 5 "$status"
}

@test "exec in a container that was only created is possible" {
	payload sleep 1000
	create
	within "$ID" hostname
	same hull "$output"
	same created "$(state_of .status)"
}

@test "exec in a stopped or missing container is refused" {
	payload true
	start
	wait_for is_status stopped
	refused "cannot exec in container \"$ID\": it is stopped" exec "$ID" true
	refused 'container "nobody" does not exist' exec nobody true
}

@test "exec --apparmor and --process-label are refused where they cannot be kept" {
	start_sleeper
	# With that LSM there is no such profile or label, without it there is none at all.
	refused 'process.apparmorProfile' exec --apparmor harbour-of-nowhere "$ID" true
	refused 'process.selinuxLabel' exec --process-label 'no label' "$ID" true
	[[ -e /sys/module/apparmor ]] || contains "$(refused AppArmor exec --apparmor x "$ID" true; echo "$errors")" "AppArmor is not active"
}

@test "signals to exec go to its command, not to the container" {
	start_sleeper
	background "$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.02; done' \
		> "$T/exec.out" < /dev/null
	wait_for grep -q ready "$T/exec.out"
	kill -TERM "$background"
	status=0
	wait "$background" || status=$?
	same 9 "$status"
	same running "$(state_of .status)"
}

@test "options behind the command belong to the command" {
	start_sleeper
	within "$ID" echo --user 1 -d
	same "--user 1 -d" "$output"
}

@test "exec in a container with a user namespace maps ids and owns its files" {
	userns_add
	start_sleeper
	within "$ID" sh -c 'id -u; readlink /proc/self/ns/user; touch /made; stat -c %u /made'
	same "0
$(readlink "/proc/$(pid_of)/ns/user")
0" "$output"
	same 200000 "$(stat -c %u "$BUNDLE/rootfs/made")"
	within --user 1000 "$ID" id -u
	same 1000 "$output"
}

# Its process is on record early, so that it is found if `run` is killed.
@test "exec does not enter a container that run is still making" {
	local n init stop=19
	payload sleep 1000
	for n in 15 40 65; do
		background "$CLI_BIN/strike" "$T/strikes" 1 "$n" "$stop" "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" < /dev/null
		wait_for is_status creating
		init=$(pid_of)
		wait_for grep -q '^State:.[tT]' "/proc/$init/status"
		same creating "$(state_of .status)"
		refused "it is creating" exec "$ID" true
		kill -CONT "$init"
		wait_for is_status running
		ok exec "$ID" true
		ok delete --force "$ID"
		wait "$background" || true
	done
}
