#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Many containers, at once and in a row, and big ones: nothing is left, and the work grows with the
# number of things and no faster. Work is counted in system calls; nothing here is timed.
#
# CLI_MANY=N      containers in a row [1000]

load helpers

# Everything that a runtime could leave outside of the container's own folder.
surroundings() {
	cage_look
	find /run -printf '%p %y %m\n' | sort
	find "$BUNDLE" -printf '%p %y %m %s %T@\n' | sort
	ls -A "$TMPDIR"
}

unchanged() { # before
	same "" "$(new_since "$1" "$(surroundings)")"
	same "" "$(find "$ROOT" -mindepth 1 -not -path "$ROOT/.seccomp*")"
}

filtered() {
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "getppid" ], action: "SCMP_ACT_ERRNO" } ] }'
}

@test "16 containers are made, started, entered and removed at once, and nothing is left" {
	local before i
	local pids=()
	filtered
	payload sh -c 'hostname > /dev/null; exec sleep 1000'
	config '.root.readonly = true'
	each() { # verb and options with %s for the id
		local pid
		pids=()
		for i in {1..16}; do
			"$RUNTIME" --root "$ROOT" "${@//%s/many$i}" < /dev/null > "$T/each.$i" 2>&1 3>&- &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do
			wait "$pid" || fail "$* failed: $(cat "$T"/each.*)"
		done
	}
	config 'del(.linux.cgroupsPath)'
	before=$(surroundings)
	each create --bundle "$BUNDLE" %s
	ok list --format json
	same 16 "$(jq '[ .[] | select(.status == "created") ] | length' <<< "$output")"
	each start %s
	each exec %s sh -c 'test "$(cat /proc/1/comm)" = sleep'
	ok list --format json
	same 16 "$(jq '[ .[] | select(.status == "running") | .pid ] | unique | length' <<< "$output")"
	each delete --force %s
	unchanged "$before"
	# And in one go: each has its own exit status.
	payload sh -c 'exit 3'
	before=$(surroundings)
	pids=()
	for i in {1..16}; do
		"$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "many$i" < /dev/null > "$T/each.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		status=0
		wait "$i" || status=$?
		same 3 "$status"
	done
	unchanged "$before"
}

@test "a thousand containers in a row leave nothing" {
	local before i
	filtered
	payload true
	run_ok
	before=$(surroundings)
	for ((i = 0; i < ${CLI_MANY:-1000}; i++)); do
		"$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" < /dev/null || fail "the ${i}th failed"
	done
	unchanged "$before"
	same 1 "$(find "$ROOT/.seccomp" -type f | wc -l)"
}

@test "the same id is created, killed, deleted and created again, and again" {
	local before i
	payload sleep 1000
	before=$(surroundings)
	for i in {1..25}; do
		start
		ok kill "$ID" KILL
		wait_for is_status stopped
		ok delete "$ID"
		start
		ok delete --force "$ID"
	done
	unchanged "$before"
}

@test "before create exits it has closed all that it opened" {
	needs_own_files
	local pid tracer
	filtered
	payload sleep 1000
	echo '#include <sys/syscall.h>' | cpp -dM > "$T/numbers"
	background strace -qq -o "$T/trace" -e trace=exit_group -e inject=exit_group:delay_enter=30s \
		"$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" < /dev/null > "$T/create.out" 2>&1
	tracer=$background
	wait_for is_status created
	pid=$(pgrep -P "$tracer")
	at_its_end() { [[ $(cut -d ' ' -f 1 "/proc/$pid/syscall") == "$(awk '/__NR_exit_group / { print $3 }' "$T/numbers")" ]]; }
	wait_for at_its_end
	# Of what is its caller's, nothing but what bats and the tracer left open.
	find "/proc/$pid/fd" -type l -printf '%f %l\n' | sort -n > "$T/fds"
	kill -KILL "$pid"
	wait "$tracer" || true
	same "" "$(grep -vE '^[0-9]+ (/dev/null|pipe:.*|anon_inode:\[(signalfd|pidfd)\]|/.*/(create\.out|trace|bats[^/]*))$' "$T/fds")"
	[[ $(grep -c anon_inode "$T/fds") -le 2 ]]
}

# --- growth -------------------------------------------------------------------------------------

calls_of_run() {
	strace -f -qq -o "$T/trace" "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" > "$T/out" 2>&1 < /dev/null ||
		fail "$(cat "$T/out")"
	grep -cE '^[0-9]+ +[a-z0-9_]+\(' "$T/trace"
}

# Three equal distances must cost the same, give or take what luck decides: growth by the square would make
# the second one twice the first.
linear() { # calls at three numbers at equal distances
	local first=$(($2 - $1)) second=$(($3 - $2))
	echo "system calls: $*" >&2
	[[ $first -gt 0 && $((second - first)) -le $((first / 5 + 40)) ]] || fail "not linear: $*"
}

@test "300 mounts are made, and work grows linearly with their number" {
	local n calls=()
	for n in 100 200 300; do
		config_new
		config --argjson n "$n" '.mounts += [ range($n) | { destination: "/m/\(.)", type: "tmpfs", source: "m", options: [ "size=4k" ] } ]'
		payload sh -c 'grep -c " /m/" /proc/self/mountinfo'
		calls+=("$(calls_of_run)")
		same "$n" "$(cat "$T/out")"
	done
	linear "${calls[@]}"
}

@test "300 bind mounts of files, too" {
	local n calls=()
	mkdir "$T/files"
	for n in {0..299}; do echo "$n" > "$T/files/$n"; done
	for n in 100 200 300; do
		config_new
		config --argjson n "$n" --arg d "$T/files" \
			'.mounts += [ range($n) | { destination: "/f/\(.)", type: "bind", source: "\($d)/\(.)", options: [ "bind", "ro" ] } ]'
		payload sh -c 'cat /f/* | wc -l'
		calls+=("$(calls_of_run)")
		same "$n" "$(cat "$T/out")"
	done
	linear "${calls[@]}"
}

@test "A40: 1000 masked paths hide what they name, on one file system, and work grows linearly" {
	local n calls=()
	mkdir "$BUNDLE/rootfs/m"
	for n in {0..499}; do
		mkdir "$BUNDLE/rootfs/m/d$n"
		echo secret > "$BUNDLE/rootfs/m/d$n/file"
		echo secret > "$BUNDLE/rootfs/m/f$n"
	done
	for n in 100 300 500; do
		config_new
		config --argjson n "$n" '.linux.maskedPaths = [ range($n) | "/m/d\(.)", "/m/f\(.)" ]'
		payload sh -c 'cat /m/f* /m/d*/file 2> /dev/null | grep -c secret; grep " /m/d" /proc/self/mountinfo | cut -d " " -f 3 | uniq | wc -l'
		calls+=("$(calls_of_run)")
		same "$((1000 - 2 * n)) 1" "$(paste -sd ' ' "$T/out")"
	done
	linear "${calls[@]}"
}

# --- size -----------------------------------------------------------------------------------------

@test "an environment of a mebibyte reaches the program whole" {
	config '.process.env += [ range(8192) | "VARIABLE_\(. + 10000)=" + ("x" * 112) ]'
	payload sh -c 'env | grep ^VARIABLE_ | wc -c; env | grep -c ^VARIABLE_'
	run_ok
	same "1048576 8192" "$(paste -sd ' ' <<< "$output")"
	start_sleeper
	ok exec "$ID" sh -c 'env | grep ^VARIABLE_ | wc -c'
	same 1048576 "$output"
}

@test "a config.json of five mebibytes works, in every command" {
	config '.annotations = ([ range(50) | { key: "org.example.\(.)", value: ("x" * 104000) } ] | from_entries)'
	[[ $(stat -c %s "$BUNDLE/config.json") -gt 5000000 ]]
	start_sleeper
	ok exec "$ID" true
	same "50 104000" "$(state_of '.annotations | "\(length) \(.["org.example.49"] | length)"')"
	ok list --format json
	ok delete --force "$ID"
	config 'del(.annotations) | .padding = [ range(60000) | { "a number": ., text: "which nobody asked for, but which has to be read", more: [ 1, 2, 3 ] } ]'
	[[ $(stat -c %s "$BUNDLE/config.json") -gt 5242880 ]]
	payload echo read
	run_ok
	same read "$output"
}

@test "what is too big is refused with the limit" {
	payload true
	config '.annotations = ([ range(170) | { key: "org.example.\(.)", value: ("x" * 104000) } ] | from_entries)'
	run_refused "config.json"
	contains "$errors" 16777216
	config '.annotations = {} | .process.env += [ "BIG=" + ("x" * 131068) ]'
	run_refused "exec /bin/true: Argument list too long"
	contains "$errors" "hint: one of process.args or env may have 128 KiB"
	config '.process.env[-1] = "BIG=" + ("x" * 131067)'
	run_ok
	config '.process.env += [ range(90) | "B\(.)=" + ("x" * 131000) ]'
	run_refused "Argument list too long"
	same 2 "$(wc -l <<< "$errors")"
}
