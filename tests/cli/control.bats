#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kill, pause, resume, ps, list, features.

load helpers

@test "kill sends TERM unless a signal is named, by name, SIGname or number" {
	script 'for s in TERM HUP USR1 USR2; do trap "echo $s" $s; done
		trap "exit 0" ALRM; echo ready; while :; do sleep 0.02; done'
	start
	wait_for grep -q ready "$T/create.out"
	ok kill "$ID"
	wait_for grep -qx TERM "$T/create.out"
	ok kill "$ID" SIGHUP
	wait_for grep -qx HUP "$T/create.out"
	ok kill "$ID" USR1
	wait_for grep -qx USR1 "$T/create.out"
	ok kill "$ID" 12
	wait_for grep -qx USR2 "$T/create.out"
	ok kill "$ID" ALRM
	wait_for is_status stopped
}

@test "kill refuses what is no signal" {
	start_sleeper
	refused 'unknown signal "SAIL"' kill "$ID" SAIL
	refused 'unknown signal "0x9"' kill "$ID" 0x9
	refused 'unknown signal "65"' kill "$ID" 65
	same running "$(state_of .status)"
}

@test "kill of a stopped container says that it is not running" {
	payload true
	start
	wait_for is_status stopped
	refused "container not running" kill "$ID" KILL
	refused 'container "nobody" does not exist' kill nobody
}

@test "kill --all reaches every process, and each of them alone is not enough" {
	namespace_remove pid
	script 'setsid sleep 1000 & setsid sleep 1000 & wait'
	start
	three() { [[ $(wc -l < "$CG/cgroup.procs") -eq 3 ]]; }
	wait_for three
	ok kill --all "$ID" TERM
	empty() { [[ -z $(cat "$CG/cgroup.procs") ]]; }
	wait_for empty
	wait_for is_status stopped
}

@test "without a pid namespace KILL reaches every process, as it would with one" {
	namespace_remove pid
	script 'setsid sleep 1000 & setsid sleep 1000 & wait'
	start
	three() { [[ $(wc -l < "$CG/cgroup.procs") -eq 3 ]]; }
	wait_for three
	ok kill "$ID" KILL
	empty() { [[ -z $(cat "$CG/cgroup.procs") ]]; }
	wait_for empty
}

@test "what the first process leaves behind without a pid namespace can still be killed" {
	namespace_remove pid
	script 'setsid sleep 1000 &'
	start
	wait_for is_status stopped
	[[ -n $(cat "$CG/cgroup.procs") ]]
	ok kill --all "$ID" KILL
	empty() { [[ -z $(cat "$CG/cgroup.procs") ]]; }
	wait_for empty
}

@test "kill ends a container that was only created" {
	payload true
	create
	ok kill "$ID" KILL
	wait_for is_status stopped
	ok delete "$ID"
}

@test "pause freezes all processes, resume lets them go on" {
	script 'while :; do echo tick; sleep 0.02; done'
	start
	wait_for file_has "$T/create.out"
	ok pause "$ID"
	same paused "$(state_of .status)"
	grep -qx 'frozen 1' "$CG/cgroup.events"
	local before
	before=$(wc -c < "$T/create.out")
	sleep 0.2
	same "$before" "$(wc -c < "$T/create.out")"
	ok resume "$ID"
	same running "$(state_of .status)"
	more() { [[ $(wc -c < "$T/create.out") -gt $before ]]; }
	wait_for more
}

@test "pause of a paused and resume of a running container are refused" {
	start_sleeper
	refused "cannot resume container \"$ID\": it is running" resume "$ID"
	ok pause "$ID"
	refused "cannot pause container \"$ID\": it is paused" pause "$ID"
}

@test "pause of a stopped container is refused" {
	payload true
	start
	wait_for is_status stopped
	refused "cannot pause container \"$ID\": it is stopped" pause "$ID"
}

@test "a paused container is killed by KILL and deleted by force" {
	start_sleeper
	ok pause "$ID"
	ok kill "$ID" KILL
	wait_for is_status stopped
	ok delete "$ID"

	start_sleeper
	ok pause "$ID"
	ok delete --force "$ID"
}

@test "without a cgroup, pause and ps say what is missing" {
	globally --cgroup-manager=disabled
	start_sleeper
	refused "container \"$ID\" has no cgroup" pause "$ID"
	refused "container \"$ID\" has no cgroup" ps "$ID"
}

@test "ps --format json lists the pids of the container, as the host counts them" {
	script 'sleep 1000 & wait'
	start
	two() { [[ $(wc -l < "$CG/cgroup.procs") -eq 2 ]]; }
	wait_for two
	ok ps --format json "$ID"
	same "$(sort -n "$CG/cgroup.procs" | jq -cs .)" "$output"
}

@test "ps prints the lines of ps(1) that are the container's" {
	start_sleeper
	ok ps "$ID"
	same 2 "$(wc -l <<< "$output")"
	contains "$output" "sleep 1000"
	contains "${output%%$'\n'*}" PID
	ok ps "$ID" -o pid,comm -e
	same "$(pid_of) sleep" "$(tail -n 1 <<< "$output" | awk '{ print $1, $2 }')"
	refused 'ps(1) printed no PID column' ps "$ID" -o comm -e
	refused '--format is table or json, not "xml"' ps --format xml "$ID"
}

@test "list prints a table, ids alone, and JSON" {
	payload sleep 1000
	create
	ID=second start
	ok list
	same "ID PID STATUS BUNDLE CREATED OWNER" "$(head -n 1 <<< "$output" | tr -s ' ' | sed 's/ $//')"
	same 3 "$(wc -l <<< "$output")"
	grep -q "^$ID .* created .*$BUNDLE" <<< "$output"
	ok list --quiet
	same "$(printf '%s\n' "$ID" second | sort)" "$(sort <<< "$output")"
	ok list --format json
	same "created running" "$(jq -r 'sort_by(.status) | map(.status) | join(" ")' <<< "$output")"
	refused '--format is table or json, not "xml"' list --format xml
}

@test "list of an empty or missing root is empty, and valid JSON" {
	ok list --format json
	same "[]" "$(jq -c . <<< "$output")"
	ok list -q
	same "" "$output"
	[[ ! -e $ROOT ]]
}

@test "list skips a container that cannot be read, and says so" {
	start_sleeper
	mkdir "$ROOT/broken"
	echo '{ "version": 1' > "$ROOT/broken/state.json"
	ok list --format json
	same "$ID" "$(jq -r '.[].id' <<< "$output")"
	contains "$errors" 'container "broken"'
	rm -r "$ROOT/broken"
}

@test "features tells versions, hooks, mount options, namespaces and seccomp as JSON" {
	ok features
	jq -e '.ociVersionMin == "1.0.0" and .ociVersionMax == "1.3.0"' <<< "$output"
	jq -e '.hooks | sort == ([ "createContainer", "createRuntime", "poststart", "poststop", "prestart",
		"startContainer" ])' <<< "$output"
	jq -e '.mountOptions | contains([ "rro", "rbind", "nosymfollow", "relatime", "shared" ])' <<< "$output"
	jq -e '.linux.namespaces | sort == ([ "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts" ])' \
		<<< "$output"
	jq -e '.linux.capabilities | contains([ "CAP_CHOWN", "CAP_SYS_ADMIN" ])' <<< "$output"
	jq -e '.linux.cgroup | .v2 and (.v1 | not)' <<< "$output"
	jq -e '.linux | .mountExtensions.idmap.enabled and .netDevices.enabled and (.intelRdt | .enabled and .schemata
		and .monitoring) and (.memoryPolicy | (.modes | contains([ "MPOL_BIND" ])) and (.flags |
		contains([ "MPOL_F_STATIC_NODES" ])))' <<< "$output"
	jq -e '.linux.seccomp.enabled and (.linux.seccomp.actions | contains([ "SCMP_ACT_NOTIFY" ])) and
		(.linux.seccomp.operators | contains([ "SCMP_CMP_MASKED_EQ" ])) and
		(.linux.seccomp.archs | contains([ "SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64" ]))' <<< "$output"
}

@test "what features lists as a mount option is taken by mounts" {
	local option
	ok features
	for option in $(jq -r '.mountOptions[]' <<< "$output"); do
		case $option in
		remount) continue ;; # changes a mount that is there
		idmap | ridmap) continue ;; # need mappings: mounts.bats
		esac
		printf '{ "destination": "/opt/%s", "type": "tmpfs", "source": "tmpfs", "options": [ "%s" ] }\n' \
			"$option" "$option" | sed '/"r*bind"/s/tmpfs/none/; /"r*bind"/s/"source": "tmpfs"/"source": "\/tmp"/'
	done > "$T/mounts"
	config --slurpfile m "$T/mounts" '.mounts += $m'
	payload true
	run_ok
}

@test "kill --regex and delete --regex act on the containers whose ids match, and on no others" {
	local id
	payload sleep 1000
	for id in port-1 port-2 starboard-1; do
		ok run --detach --bundle "$BUNDLE" "$id"
	done
	refused "cannot delete container \"port-" delete --regex '^port-[0-9]$'
	ok kill --regex '^port-' KILL
	wait_for is_status stopped port-1
	wait_for is_status stopped port-2
	same running "$(state_of .status starboard-1)"
	ok delete --regex '^port-'
	same starboard-1 "$("$RUNTIME" --root "$ROOT" list --quiet)"
	refused '--regex: "(": ' delete --regex '('
	ok delete --regex nobody
	ok delete --force --regex 'board'
	same "" "$("$RUNTIME" --root "$ROOT" list --quiet)"
}
