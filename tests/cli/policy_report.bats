#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Denied calls that a node policy wants told. P7, P33, P34 ... number the cases.

load helpers

setup_file() {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
}

# A policy of one rule that denies keyctl(2), which no shell calls, and tells of it; GLOBAL names it.
policy() {
	jq -n '{ schema: "strake/node-policy/1", name: "edge", rules: [ { name: "floor", seccomp: { report: true,
		deny: [ { names: [ "keyctl" ], errno: "EACCES" } ] } } ] }' > "$T/policy.json"
	globally --policy "$T/policy.json" --policy-report "$T/report"
}

reported() { jq -rs "$1" "$T/report"; }

# A container whose second denied call waits until /tmp/ready is removed, in the background: $run, its $reporter.
between_two_calls() {
	policy
	script 'probe syscall keyctl || echo ready > /tmp/ready; while [ -e /tmp/ready ]; do sleep 0.05; done; probe syscall keyctl || true'
	"$RUNTIME" --root "$ROOT" "${GLOBAL[@]}" run --bundle "$BUNDLE" "$ID" > "$T/out" 2> "$T/err" 3>&- &
	run=$!
	BACKGROUND+=("$run")
	wait_for test -e "$BUNDLE/rootfs/tmp/ready"
	reporter=$(grep -lx strake-report /proc/[0-9]*/comm | cut -d/ -f3)
}

@test "a denied call is told with its name, arguments, process and rule, and its answer stays" {
	policy
	payload probe syscall keyctl 7 8 9 10 11 12
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EACCES "$output"
	same "seccomp $ID keyctl 250 x86_64 EACCES edge floor 1 probe" \
		"$(reported '.[] | [ .kind, .container, .name, .nr, .abi, .errno, .policy, .rule, .count, .comm ] | join(" ")')"
	same '[7,8,9,10,11,12]' "$(reported '.[0].args | tostring')"
	same 600 "$(stat -c %a "$T/report")"
}

# As many as are told one by one; each is a process that is gone as soon as it has its answer.
@test "who ends with the answer is told by name, too" {
	policy
	jq '.rules[0].seccomp.deny[0].names = [ "mkdir" ]' "$T/policy.json" > "$T/mkdir.json"
	globally --policy "$T/mkdir.json" --policy-report "$T/report"
	script 'i=0; while [ $i -lt 60 ]; do i=$((i + 1)); (mkdir /x; :) & done 2>/dev/null; wait'
	run_ok
	same 60 "$(reported 'map(.count) | add')"
	same "" "$(reported '.[] | select(.comm == "") | .pid')"
}

@test "without a file people are told on stderr" {
	policy
	globally --policy "$T/policy.json"
	payload probe syscall keyctl 7 8 9
	exits 1 run --bundle "$BUNDLE" "$ID"
	contains "$errors" "container \"$ID\": keyctl(7, 8, 9) of process "
	contains "$errors" '(probe) denied: EACCES (node policy "edge", rule "floor")'
}

@test "what the container's own profile denies is told as well, its default action too" {
	policy
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{ names: [ "lseek" ], action: "SCMP_ACT_ERRNO", errnoRet: 13 } ] }'
	payload probe syscall lseek
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EACCES "$output"
	same "lseek null null" "$(reported '.[] | "\(.name) \(.policy) \(.rule)"')"
	rm "$T/report"
	cp "$HERE/../../policies/seccomp/default.json" "$T/profile.json"
	jq '.rules[0].seccomp = { report: true, default: "profile.json" }' "$T/policy.json" > "$T/other.json"
	globally --policy "$T/other.json" --policy-report "$T/report"
	config 'del(.linux.seccomp)'
	payload probe syscall keyctl
	exits 1 run --bundle "$BUNDLE" "$ID"
	same "keyctl floor" "$(reported '.[] | "\(.name) \(.rule)"')"
}

@test "calls of other ABIs are named by their own numbers" {
	policy
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", architectures: [ "SCMP_ARCH_X86_64", "SCMP_ARCH_X86" ] }'
	payload probe syscall32 288
	rt run --bundle "$BUNDLE" "$ID"
	[[ $status -ne 139 ]] || skip "this kernel runs no 32-bit calls"
	same EACCES "$output"
	same "keyctl i386 288" "$(reported '.[] | "\(.name) \(.abi) \(.nr)"')"
}

@test "P33: every denied call is in the counts, as strace counts them" {
	policy
	script 'probe repeat 50 keyctl || probe syscall keyctl || true'
	run_ok
	same 51 "$(reported 'map(.count) | add')"
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW" }'
	rm "$T/report"
	payload probe repeat 20 keyctl
	strace -f -e trace=keyctl -e status=failed -o "$T/trace" "$RUNTIME" --root "$ROOT" "${GLOBAL[@]}" \
		run --bundle "$BUNDLE" "$ID" > "$T/out" || true
	same "$(grep -c EACCES "$T/trace")" "$(reported 'map(.count) | add')"
}

@test "P35: of 10,000 denied calls each is told or counted, and no more lines come than the bucket holds" {
	policy
	payload probe repeat 10000 keyctl
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EACCES "$output"
	same 10000 "$(reported 'map(.count) | add')"
	# A call of its own each: the bucket, and what came in by the second.
	local lines seconds
	lines=$(reported 'map(select(.pid)) | length')
	seconds=$(reported '(.[-1].time[11:19] | split(":") | map(tonumber) | .[0] * 3600 + .[1] * 60 + .[2]) -
		(.[0].time[11:19] | split(":") | map(tonumber) | .[0] * 3600 + .[1] * 60 + .[2]) | if . < 0 then . + 86400 else . end')
	[[ $lines -le $((200 + 100 * (seconds + 2))) ]] || fail "$lines lines in $seconds s"
	[[ $lines -ge 200 ]] || fail "only $lines lines"
}

@test "a call that was counted alone is told with its own arguments" {
	policy
	jq '.rules[0].seccomp.deny[0].names += [ "add_key" ]' "$T/policy.json" > "$T/both.json"
	globally --policy "$T/both.json" --policy-report "$T/report"
	# The bucket is empty all the while, and between the two the counts are told.
	script 'probe repeat 1000 keyctl || true; probe syscall 248 1 || true
		probe repeat 400000 keyctl || true; probe syscall 248 2 || true'
	run_ok
	same 2 "$(reported 'map(select(.name == "add_key").count) | add')"
	same '[1] [2]' "$(reported 'map(select(.name == "add_key") | .args[:1] | tostring) | join(" ")')"
}

@test "calls of many processes at once lose none" {
	policy
	script 'for i in 1 2 3 4 5 6 7 8; do probe repeat 500 keyctl & done; wait; true'
	run_ok
	same 4000 "$(reported 'map(.count) | add')"
}

@test "P34: without its reporter a denied call gets ENOSYS, nothing hangs, and the loss is told" {
	local run reporter
	between_two_calls
	kill -KILL "$reporter"
	wait_for is_gone "$reporter"
	rm "$BUNDLE/rootfs/tmp/ready"
	wait "$run"
	same $'EACCES\nENOSYS' "$(cat "$T/out")"
	contains "$(cat "$T/err")" "the reporter of denied calls was lost before the container ended"
}

@test "the reporter goes on where run itself is killed, and ends with the container" {
	local run reporter
	between_two_calls
	kill -KILL "$run"
	wait "$run" || true
	rm "$BUNDLE/rootfs/tmp/ready"
	wait_for is_gone "$reporter"
	same $'EACCES\nEACCES' "$(cat "$T/out")"
	same 2 "$(reported 'map(.count) | add')"
}

@test "P7: an agent of the container's own profile keeps the listener, and the node's denials hold beside it" {
	policy
	mkdir "$T/agent"
	background "$CLI_BIN/agent" "$T/a.sock" "$T/agent" 40
	wait_for test -S "$T/a.sock"
	config --arg path "$T/a.sock" '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", listenerPath: $path, syscalls: [
		{ names: [ "lseek", "keyctl" ], action: "SCMP_ACT_NOTIFY" } ] }'
	script 'probe syscall lseek || probe syscall keyctl || true'
	run_ok
	same $'ELOOP\nEACCES' "$output"
	# What the node denies never reaches the agent.
	lacks "$(awk '{ print $1 }' "$T/agent/1.calls")" 250
	[[ ! -e $T/report ]]
}

# The same policy with a file of its own, so that nobody who starts anything has to name one.
policy_with_file() {
	policy
	jq --arg f "$T/report" '.rules[0].seccomp.reportFile = $f' "$T/policy.json" > "$T/policy.new"
	mv "$T/policy.new" "$T/policy.json"
	globally --policy "$T/policy.json"
}

reporters() { grep -lsx strake-report /proc/[0-9]*/comm | cut -d/ -f3; }
reporters_are() { [[ $(reporters | wc -l) -eq $1 ]]; }

@test "denied calls of a container made by create and start are told, and of what is executed in it" {
	policy_with_file
	script 'probe syscall keyctl 1 || exec sleep 1000'
	create
	reporters_are 0
	# Whoever starts it may be anywhere, and is gone when it runs.
	cd /
	ok start "$ID"
	wait_for file_has "$T/report"
	reporters_are 1
	rt exec "$ID" probe syscall keyctl 2
	same EACCES "$output"
	wait_for reporters_are 1
	same $'1 EACCES edge floor\n2 EACCES edge floor' "$(reported '.[] | "\(.args[0]) \(.errno) \(.policy) \(.rule)"')"
	local reporter
	reporter=$(reporters)
	same / "$(readlink "/proc/$reporter/cwd")"
	# Of what it was started with it holds nothing but the listener and the report.
	same 2 "$(find "/proc/$reporter/fd" -type l -lname '*seccomp*' -o -type l -lname "$T/report" | wc -l)"
	ok delete --force "$ID"
	wait_for is_gone "$reporter"
}

@test "an exec's reporter ends with the exec, and each answer stays when it is killed" {
	policy_with_file
	payload sleep 1000
	start
	local first second
	first=$(reporters)
	"$RUNTIME" --root "$ROOT" "${GLOBAL[@]}" exec "$ID" sh -c 'probe syscall keyctl; echo x > /tmp/ready; while [ -e /tmp/ready ]; do sleep 0.05; done; probe syscall keyctl' > "$T/out" 2>&1 3>&- &
	local exec=$!
	BACKGROUND+=("$exec")
	wait_for test -e "$BUNDLE/rootfs/tmp/ready"
	second=$(reporters | grep -vx "$first")
	kill -KILL "$second"
	wait_for is_gone "$second"
	rm "$BUNDLE/rootfs/tmp/ready"
	wait "$exec" || true
	same $'EACCES\nENOSYS' "$(cat "$T/out")"
	is_gone "$first" && fail "the container's own reporter has gone along"
	rt exec "$ID" probe syscall keyctl
	same EACCES "$output"
	ok delete --force "$ID"
	wait_for is_gone "$first"
}

@test "a report that cannot be written refuses what is created, not what was started" {
	policy_with_file
	jq --arg f "$T/none/report" '.rules[0].seccomp.reportFile = $f' "$T/policy.json" > "$T/p2.json"
	globally --policy "$T/p2.json"
	refused "open $T/none/report for denied calls" create --bundle "$BUNDLE" "$ID"
	jq '.rules[0].seccomp.reportFile = "report"' "$T/policy.json" > "$T/p3.json"
	globally --policy "$T/p3.json"
	refused "must be an absolute path" create --bundle "$BUNDLE" "$ID"
}

@test "of several files the first by name gets the report, and run in the foreground tells there, too" {
	policy_with_file
	jq --arg f "$T/a" '.rules += [ { name: "other", seccomp: { reportFile: $f } } ]' "$T/policy.json" > "$T/p2.json"
	globally --policy "$T/p2.json"
	payload probe syscall keyctl
	exits 1 run --bundle "$BUNDLE" "$ID"
	same keyctl "$(jq -r .name "$T/a")"
	[[ ! -e $T/report ]]
	lacks "$errors" keyctl
}

@test "run that leaves its container has a reporter only where a file is named" {
	policy
	script 'probe syscall keyctl || sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	wait_for file_has "$T/report"
	same keyctl "$(reported '.[0].name')"
	ok delete --force "$ID"
	globally --policy "$T/policy.json"
	ok run --detach --bundle "$BUNDLE" "$ID"
	no grep -lx strake-report /proc/[0-9]*/comm
}

@test "a report that cannot be written refuses the container" {
	policy
	globally --policy "$T/policy.json" --policy-report "$T/none/report"
	run_refused "open $T/none/report for denied calls"
}

@test "the policy of the README does what the README shows" {
	sed -n '/^# cat edge.json$/,/^# /{ /^# /d; p }' "$HERE/../../README.md" > "$T/edge.json"
	globally --policy "$T/edge.json"
	ok policy --bundle "$BUNDLE" check
	config '.process.capabilities |= map_values([ "CAP_KILL", "CAP_CHOWN" ])'
	ok policy --bundle "$BUNDLE" explain
	contains "$output" "CAP_KILL (edge/floor)"
	contains "$output" "syslog EPERM (edge/floor)"
	payload dmesg
	rt run --bundle "$BUNDLE" "$ID"
	contains "$errors" "container \"$ID\": syslog(10, 0, 0) of process "
	contains "$errors" '(dmesg) denied: EPERM (node policy "edge", rule "floor")'
}

@test "policy record writes a profile under which the same container runs, and no other" {
	local first
	payload sh -c 'cat /etc/passwd > /dev/null; echo fine'
	ok policy --bundle "$BUNDLE" --output "$T/profile" record
	same fine "$output"
	contains "$errors" "which capabilities were used cannot be told"
	jq -e '.defaultAction == "SCMP_ACT_ERRNO" and (.syscalls[0].names | index("execve") and index("write") and (index("mkdir") | not))' "$T/profile"
	config --slurpfile p "$T/profile" '.linux.seccomp = $p[0]'
	run_ok
	same fine "$output"
	payload sh -c 'mkdir /tmp/d || echo denied'
	run_ok
	same denied "$output"
	# A second run adds to the first.
	config 'del(.linux.seccomp)'
	first=$(jq -c '.syscalls[0].names' "$T/profile")
	payload mkdir /tmp/d
	ok policy --bundle "$BUNDLE" --output "$T/profile" record
	jq -e --argjson first "$first" '.syscalls[0].names | index("mkdir") and ($first - . == [])' "$T/profile"
}

@test "policy record denies what the container's own filter denies, and keeps away from files that are others'" {
	policy
	payload probe syscall keyctl
	exits 1 policy --bundle "$BUNDLE" --output "$T/profile" record
	same EACCES "$output"
	echo '{ "syscalls": [] }' > "$T/other"
	rt policy --bundle "$BUNDLE" --output "$T/other" record
	same '{ "syscalls": [] }' "$(cat "$T/other")"
	contains "$errors" "was lost before the container ended"
	refused "names no file" policy --bundle "$BUNDLE" record
}

@test "policy metrics adds up reports as counters" {
	policy
	payload probe repeat 700 keyctl
	exits 1 run --bundle "$BUNDLE" "$ID"
	payload probe repeat 3 keyctl
	exits 1 run --bundle "$BUNDLE" "$ID"
	cp "$T/report" "$T/second"
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "lseek" ], action: "SCMP_ACT_ERRNO", errnoRet: 13 } ] }'
	payload probe syscall lseek
	exits 1 run --bundle "$BUNDLE" "$ID"
	# What is being written has no end yet.
	printf '{"count":' >> "$T/report"
	ok policy metrics "$T/report"
	contains "$output" 'strake_policy_violations_total{kind="seccomp",policy="edge",rule="floor",name="keyctl",errno="EACCES"} 703'
	contains "$output" 'strake_policy_violations_total{kind="seccomp",policy="",rule="",name="lseek",errno="EACCES"} 1'
	ok policy --output "$T/strake.prom" metrics "$T/report" "$T/second"
	same "" "$output"
	contains "$(cat "$T/strake.prom")" 'name="keyctl",errno="EACCES"} 1406'
	contains "$(cat "$T/strake.prom")" '# TYPE strake_policy_violations_total counter'
	echo rubbish > "$T/rubbish"
	refused rubbish policy metrics "$T/rubbish"
}
