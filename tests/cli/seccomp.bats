#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Seccomp filters in the kernel: actions, arguments, 32-bit calls, listeners. getppid (110, as i386
# 64) is the guinea pig: no start of a program needs it.

load helpers

setup_file() {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
}

# A filter that allows all but the rules that are given, as jq.
filter() { config ".linux.seccomp = { defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [ $1 ] }"; }
on() { echo "{ names: [ \"$1\" ], action: \"$2\"${3:+, $3} }"; }

@test "a filter is on, in mode 2, and gone without one" {
	payload grep -E '^Seccomp(_filters)?:' /proc/self/status
	filter "$(on getppid SCMP_ACT_ERRNO)"
	run_ok
	same $'Seccomp:\t2\nSeccomp_filters:\t1' "$output"
	config 'del(.linux.seccomp)'
	run_ok
	same $'Seccomp:\t0\nSeccomp_filters:\t0' "$output"
}

@test "ERRNO gives EPERM, or the errno that is asked for" {
	payload probe syscall getppid
	filter "$(on getppid SCMP_ACT_ERRNO)"
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
	filter "$(on getppid SCMP_ACT_ERRNO 'errnoRet: 38')"
	exits 1 run --bundle "$BUNDLE" "$ID"
	same ENOSYS "$output"
	filter "$(on getppid SCMP_ACT_ERRNO 'errnoRet: 0')"
	run_ok
	same 0 "$output"
}

@test "KILL_PROCESS, KILL_THREAD and KILL end the program by SIGSYS" {
	local action
	payload probe syscall getppid
	for action in SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_KILL; do
		filter "$(on getppid $action)"
		exits $((128 + 31)) run --bundle "$BUNDLE" "$ID"
		same "" "$output"
	done
}

@test "TRAP sends a SIGSYS that can be caught, and kills where it is not" {
	filter "$(on getppid SCMP_ACT_TRAP)"
	payload probe trapped
	run_ok
	same 110 "$output"
	payload probe syscall getppid
	exits $((128 + 31)) run --bundle "$BUNDLE" "$ID"
}

@test "unknown names are skipped, or refused where run.oci.seccomp_fail_unknown_syscall says so" {
	payload true
	filter "$(on getppid SCMP_ACT_ERRNO), $(on get_of_tomorrow SCMP_ACT_ERRNO)"
	run_ok
	config '.annotations = { "run.oci.seccomp_fail_unknown_syscall": "0" }'
	run_ok
	config '.annotations = { "run.oci.seccomp_fail_unknown_syscall": "1" }'
	run_refused 'linux.seccomp.syscalls[1].names[0]: "get_of_tomorrow" is no system call of Linux up to'
	filter "$(on getppid SCMP_ACT_ERRNO)"
	run_ok
}

@test "LOG and ALLOW let the call through" {
	local action
	payload probe syscall getppid
	for action in SCMP_ACT_LOG SCMP_ACT_ALLOW; do
		filter "$(on getppid $action)"
		run_ok
		same 0 "$output"
	done
}

@test "TRACE without a tracer is ENOSYS" {
	payload probe syscall getppid
	filter "$(on getppid SCMP_ACT_TRACE 'errnoRet: 7')"
	exits 1 run --bundle "$BUNDLE" "$ID"
	same ENOSYS "$output"
}

@test "only what is listed runs where the default denies, and the start itself needs nothing more" {
	# The calls of this static program between execve and its end; execve is the runtime's last.
	strace -f -o "$T/trace" "$CLI_BIN/probe" syscall getppid
	config --argjson names "$(sed -E 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/; /^[0-9]/d' "$T/trace" | sort -u | jq -Rn '[ inputs ]')" \
		'.linux.seccomp = { defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls: [ { names: $names, action: "SCMP_ACT_ALLOW" } ] }'
	config '.process.args = [ "/bin/probe", "syscall", "getppid" ]'
	run_ok
	same 0 "$output"
	# Without execve it cannot even begin.
	config '.linux.seccomp.syscalls[0].names -= [ "execve" ]'
	rt run --bundle "$BUNDLE" "$ID"
	[[ $status -ne 0 ]]
	same "" "$output"
	# And what is not listed is denied.
	config '.linux.seccomp.syscalls[0].names += [ "execve" ] | .process.args = [ "/bin/probe", "syscall", "39" ]'
	exits 159 run --bundle "$BUNDLE" "$ID"
}

@test "the strictest filter works with and without no_new_privs, for root and others, and in exec" {
	local nnp uid
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 13, syscalls: [ { action: "SCMP_ACT_ALLOW",
		names: [ "execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64",
			"readlink", "readlinkat", "getrandom", "mprotect", "write", "exit_group", "fstat", "newfstatat",
			"uname", "ioctl", "nanosleep", "clock_nanosleep", "getuid", "geteuid", "getgid", "getegid", "mmap",
			"munmap", "rt_sigaction", "rt_sigprocmask", "getpid", "getppid", "sigaltstack", "openat", "open",
			"close", "read", "lseek", "poll", "access" ] } ] }'
	for nnp in true false; do
		for uid in 0 1000; do
			config --argjson n $nnp --argjson u $uid '.process.noNewPrivileges = $n | .process.user.uid = $u |
				.process.args = [ "/bin/sleep", "1000" ]'
			start
			ok exec "$ID" /bin/probe syscall getppid
			same 0 "$output"
			exits 1 exec "$ID" /bin/probe syscall 63 # uname is let through, but with a bad pointer
			same EFAULT "$output"
			exits 1 exec "$ID" /bin/probe syscall mount
			same EACCES "$output"
			ok delete -f "$ID"
		done
	done
}

@test "arguments are compared by every operator" {
	local op value other call wanted
	# personality (135) of 0xffffffff asks only: a harmless call with one argument.
	# op, value, second value, argument, matches
	while read -r op value other call wanted; do
		filter "$(on getppid SCMP_ACT_ALLOW), { names: [ \"lseek\" ], action: \"SCMP_ACT_ERRNO\", errnoRet: 40, args: [
			{ index: 1, value: $value, valueTwo: $other, op: \"$op\" } ] }"
		payload probe syscall lseek -1 "$call" 0 # lseek of a closed file: EBADF
		rt run --bundle "$BUNDLE" "$ID"
		same "$op $value $other $call $([[ $wanted == yes ]] && echo ELOOP || echo EBADF)" \
			"$op $value $other $call $output"
	done << 'EOF'
SCMP_CMP_EQ 5 0 5 yes
SCMP_CMP_EQ 5 0 6 no
SCMP_CMP_EQ 5 0 4294967301 no
SCMP_CMP_NE 5 0 6 yes
SCMP_CMP_NE 5 0 5 no
SCMP_CMP_LT 5 0 4 yes
SCMP_CMP_LT 5 0 5 no
SCMP_CMP_LE 5 0 5 yes
SCMP_CMP_LE 5 0 6 no
SCMP_CMP_GT 5 0 6 yes
SCMP_CMP_GT 5 0 5 no
SCMP_CMP_GE 5 0 5 yes
SCMP_CMP_GE 5 0 4 no
SCMP_CMP_MASKED_EQ 255 5 261 yes
SCMP_CMP_MASKED_EQ 255 5 6 no
SCMP_CMP_GT 4294967296 0 4294967297 yes
SCMP_CMP_GT 4294967296 0 4294967295 no
SCMP_CMP_LT 4294967296 0 -1 no
EOF
}

@test "of several conditions all must hold; of several rules the strictest counts" {
	filter '{ names: [ "lseek" ], action: "SCMP_ACT_ERRNO", errnoRet: 40, args: [
			{ index: 1, value: 5, op: "SCMP_CMP_EQ" }, { index: 2, value: 1, op: "SCMP_CMP_EQ" } ] },
		{ names: [ "lseek" ], action: "SCMP_ACT_ERRNO", errnoRet: 39, args: [ { index: 1, value: 9, op: "SCMP_CMP_EQ" } ] }'
	script 'probe syscall lseek -1 5 1; probe syscall lseek -1 5 0; probe syscall lseek -1 9 0; probe syscall lseek -1 1 1; true'
	config '.process.args[1] = "-c"'
	run_ok
	same "ELOOP
EBADF
ENOTEMPTY
EBADF" "$output"
}

@test "two conditions on one argument are both needed: a range" {
	filter '{ names: [ "lseek" ], action: "SCMP_ACT_ERRNO", errnoRet: 40, args: [
		{ index: 1, value: 38, op: "SCMP_CMP_NE" }, { index: 1, value: 40, op: "SCMP_CMP_NE" } ] }'
	script 'probe syscall lseek -1 38 0; probe syscall lseek -1 39 0; probe syscall lseek -1 40 0; true'
	config '.process.args[1] = "-c"'
	run_ok
	same "EBADF
ELOOP
EBADF" "$output"
}

@test "calls newer than the profile are ENOSYS, older ones the default" {
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", architectures: [ "SCMP_ARCH_X86_64" ], syscalls: [
		{ names: [ "getppid" ], action: "SCMP_ACT_ERRNO" } ] }'
	payload probe syscall 9999
	rt run --bundle "$BUNDLE" "$ID"
	same ENOSYS "$output"
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1, syscalls: [ { action: "SCMP_ACT_ALLOW",
		names: [ "execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "readlink",
			"readlinkat", "getrandom", "mprotect", "write", "exit_group", "fstat", "newfstatat" ] } ] }'
	payload /bin/probe syscall 9999
	rt run --bundle "$BUNDLE" "$ID"
	same ENOSYS "$output"
	payload /bin/probe syscall mount
	rt run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
}

thirty_two_bit() {
	[[ $("$CLI_BIN/probe" syscall32 20 2> /dev/null) -gt 0 ]] || skip "this kernel runs no 32-bit calls"
}

@test "32-bit calls are under the same rules where their architecture is listed" {
	thirty_two_bit
	filter "$(on getppid SCMP_ACT_ERRNO 'errnoRet: 40')"
	config '.linux.seccomp.architectures = [ "SCMP_ARCH_X86_64", "SCMP_ARCH_X86" ]'
	script "probe syscall getppid; probe syscall32 64; probe syscall32 20; true"
	config '.process.args[1] = "-c"'
	run_ok
	same "ELOOP
ELOOP" "$(head -n 2 <<< "$output")"
	[[ $(tail -n 1 <<< "$output") -gt 0 ]]
}

@test "a rule is not evaded by a 32-bit call where only the native architecture is listed" {
	thirty_two_bit
	filter "$(on getppid SCMP_ACT_ERRNO 'errnoRet: 40')"
	config '.linux.seccomp.architectures = [ "SCMP_ARCH_X86_64" ]'
	script "probe syscall32 64; echo \$?"
	config '.process.args[1] = "-c"'
	run_ok
	# Killed or refused, but never the answer.
	[[ $(tail -n 1 <<< "$output") -ne 0 ]]
	lacks "$output" $'\n0\n'
}

@test "x32 numbers are not a way around either" {
	filter "$(on getppid SCMP_ACT_ERRNO 'errnoRet: 40')"
	config '.linux.seccomp.architectures = [ "SCMP_ARCH_X86_64" ]'
	script "probe syscall $((110 | 0x40000000)); echo \$?"
	config '.process.args[1] = "-c"'
	run_ok
	[[ $(tail -n 1 <<< "$output") -ne 0 ]]
}

@test "socket families are seen through the 32-bit multiplexer" {
	thirty_two_bit
	filter '{ names: [ "socket" ], action: "SCMP_ACT_ERRNO", errnoRet: 40, args: [
		{ index: 0, value: 16, op: "SCMP_CMP_EQ" } ] }'
	config '.linux.seccomp.architectures = [ "SCMP_ARCH_X86_64", "SCMP_ARCH_X86" ]'
	# socket(AF_NETLINK): 64-bit 41, 32-bit 359, socketcall 102 with SYS_SOCKET 1 (arguments in memory).
	script 'probe syscall 41 16 3 0; probe syscall32 359 16 3 0; probe syscall32 102 1 0; true'
	config '.process.args[1] = "-c"'
	run_ok
	same "ELOOP
ELOOP" "$(head -n 2 <<< "$output")"
	# What cannot be looked into is not let through.
	[[ $(tail -n 1 <<< "$output") != [0-9]* && $(tail -n 1 <<< "$output") != EFAULT ]]
}

@test "an unknown name in a profile is skipped, an unknown action, operator, architecture or flag refused" {
	payload true
	filter "$(on sail_away SCMP_ACT_ERRNO)"
	run_ok
	filter "$(on getppid SCMP_ACT_SAIL)"
	run_refused 'linux.seccomp.syscalls[0].action'
	contains "$errors" '"SCMP_ACT_SAIL"'
	filter '{ names: [ "lseek" ], action: "SCMP_ACT_ERRNO", args: [ { index: 0, value: 0, op: "SCMP_CMP_SAIL" } ] }'
	run_refused '"SCMP_CMP_SAIL"'
	filter '{ names: [ "lseek" ], action: "SCMP_ACT_ERRNO", args: [ { index: 6, value: 0, op: "SCMP_CMP_EQ" } ] }'
	run_refused 'args[0].index: 6 is out of range: 0 to 5'
	filter "$(on getppid SCMP_ACT_ERRNO)"
	config '.linux.seccomp.architectures = [ "SCMP_ARCH_SAIL" ]'
	run_refused '"SCMP_ARCH_SAIL"'
	config 'del(.linux.seccomp.architectures) | .linux.seccomp.flags = [ "SECCOMP_FILTER_FLAG_SAIL" ]'
	run_refused '"SECCOMP_FILTER_FLAG_SAIL"'
}

@test "an errno for an action that takes none is refused" {
	filter "$(on getppid SCMP_ACT_KILL 'errnoRet: 1')"
	run_refused 'linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_KILL'
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 1 }'
	run_refused 'linux.seccomp.defaultErrnoRet'
}

@test "the flags LOG, SPEC_ALLOW and TSYNC are taken" {
	payload grep Seccomp: /proc/self/status
	filter "$(on getppid SCMP_ACT_ERRNO)"
	config '.linux.seccomp.flags = [ "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
		"SECCOMP_FILTER_FLAG_TSYNC" ]'
	run_ok
	same $'Seccomp:\t2' "$output"
}

@test "without SPEC_ALLOW the speculation mitigation stays on" {
	payload grep Speculation_Store_Bypass /proc/self/status
	run_ok
	local before=$output
	filter "$(on getppid SCMP_ACT_ERRNO)"
	run_ok
	# A kernel that mitigates for seccomp says so; others do not change their answer.
	[[ $output == "$before" || $output == *"force mitigated"* || $output == *"thread"* ]]
}

@test "a compiled filter is cached for root alone, and used again" {
	payload probe syscall getppid
	filter "$(on getppid SCMP_ACT_ERRNO)"
	rt run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
	same 700 "$(stat -c %a "$ROOT/.seccomp")"
	same 1 "$(find "$ROOT/.seccomp" -type f | wc -l)"
	same 600 "$(find "$ROOT/.seccomp" -type f -printf '%m')"
	local before
	before=$(find "$ROOT/.seccomp" -type f -printf '%i %T@')
	rt run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
	same "$before" "$(find "$ROOT/.seccomp" -type f -printf '%i %T@')"
}

@test "a cached filter that was altered, cut or is another's is not used" {
	local file tamper
	payload probe syscall getppid
	filter "$(on getppid SCMP_ACT_ERRNO)"
	rt run --bundle "$BUNDLE" "$ID"
	file=$(find "$ROOT/.seccomp" -type f)
	cp "$file" "$T/good"
	for tamper in 'printf "\1" | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 8)) conv=notrunc status=none' \
		'truncate -s -8 "$file"' 'truncate -s 0 "$file"' 'chmod 666 "$file"' 'chown 1000 "$file"' \
		'rm "$file"; ln -s "$T/good" "$file"' 'rm "$file"; mkfifo -m 600 "$file"'; do
		rm -f "$file"
		cp "$T/good" "$file"
		chmod 600 "$file"
		eval "$tamper"
		rt run --bundle "$BUNDLE" "$ID"
		same "$tamper EPERM" "$tamper $output"
	done
}

# --- listeners ---

# An agent at $T/a.sock that answers with an errno.
agent() {
	mkdir "$T/agent"
	background "$CLI_BIN/agent" "$T/a.sock" "$T/agent" "$1"
	wait_for test -S "$T/a.sock"
	config --arg p "$T/a.sock" '.linux.seccomp.listenerPath = $p'
}

@test "NOTIFY asks the agent, and its answer is the call's" {
	filter "$(on getppid SCMP_ACT_NOTIFY)"
	agent 40
	payload probe syscall getppid
	exits 1 run --bundle "$BUNDLE" "$ID"
	same ELOOP "$output"
	same 110 "$(awk '{ print $1 }' "$T/agent/1.calls")"
}

@test "the agent's answer may be that the call goes on" {
	filter "$(on getppid SCMP_ACT_NOTIFY)"
	agent 0
	payload probe syscall getppid
	run_ok
	same 0 "$output"
}

@test "the agent gets one document: version, descriptor, pid, metadata and state" {
	filter "$(on getppid SCMP_ACT_NOTIFY)"
	agent 0
	config '.linux.seccomp.listenerMetadata = "cargo \"list\"" | .annotations = { a: "b" }'
	payload sleep 1000
	start
	wait_for file_has "$T/agent/1.json"
	jq -e --arg id "$ID" --arg b "$BUNDLE" --argjson pid "$(pid_of)" '.ociVersion == "1.3.0" and
		.fds == [ "seccompFd" ] and .pid == $pid and .metadata == "cargo \"list\"" and
		.state.id == $id and .state.pid == $pid and .state.bundle == $b and .state.status == "creating" and
		.state.annotations == { a: "b" }' "$T/agent/1.json"
	ok exec "$ID" probe syscall getppid
	wait_for file_has "$T/agent/2.json"
	jq -e '.state.status == "running" and .pid != .state.pid' "$T/agent/2.json"
	same 110 "$(awk '{ print $1 }' "$T/agent/2.calls")"
}

@test "calls that the runtime itself would need may be asked about: write, sendmsg, fcntl, execve, exit_group" {
	filter '{ names: [ "write", "sendmsg", "sendto", "fcntl", "close", "close_range", "execve", "exit_group",
		"prctl", "recvfrom", "recvmsg", "mmap", "brk" ], action: "SCMP_ACT_NOTIFY" }'
	agent 0
	payload echo through
	run_ok
	same through "$output"
	same 59 "$(head -n 1 "$T/agent/1.calls" | awk '{ print $1 }')"
	# And by create and start, with and without no_new_privs.
	config '.process.noNewPrivileges = true'
	start
	wait_for file_has "$T/create.out"
	same through "$(cat "$T/create.out")"
}

@test "NOTIFY may be the default action" {
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_NOTIFY" }'
	agent 0
	payload echo through
	run_ok
	same through "$output"
}

@test "NOTIFY without a path is refused, and metadata without a path too" {
	filter "$(on getppid SCMP_ACT_NOTIFY)"
	run_refused "linux.seccomp.listenerPath: is missing"
	filter "$(on getppid SCMP_ACT_ERRNO)"
	config '.linux.seccomp.listenerMetadata = "x"'
	run_refused "linux.seccomp.listenerMetadata: must not be set without listenerPath"
}

@test "a path without a NOTIFY rule is not used" {
	filter "$(on getppid SCMP_ACT_ERRNO)"
	config '.linux.seccomp.listenerPath = "/nowhere/at/all"'
	payload true
	run_ok
}

@test "without an agent the container does not start, and says who was missing" {
	filter "$(on getppid SCMP_ACT_NOTIFY)"
	config '.linux.seccomp.listenerPath = "/nowhere/agent.sock"'
	run_refused "/nowhere/agent.sock"
	contains "$errors" "linux.seccomp.listenerPath"
	payload sleep 1000
	create
	refused "/nowhere/agent.sock" start "$ID"
	same stopped "$(state_of .status)"
}

@test "an agent that goes away leaves its calls with ENOSYS, and no hang" {
	filter "$(on getppid SCMP_ACT_NOTIFY)"
	agent 0
	payload sh -c 'until test -e /gone; do sleep 0.02; done; exec probe syscall getppid'
	start
	wait_for file_has "$T/agent/1.calls"
	# shellcheck disable=SC2046 # the agent has one child for each connection
	kill -KILL "$background" $(pgrep -P "$background")
	touch "$BUNDLE/rootfs/gone"
	wait_for file_has "$T/create.out"
	same ENOSYS "$(cat "$T/create.out")"
}

@test "the WAIT_KILLABLE_RECV flag is taken with a listener, and means nothing without" {
	filter "$(on getppid SCMP_ACT_NOTIFY)"
	config '.linux.seccomp.flags = [ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" ]'
	agent 40
	payload probe syscall getppid
	exits 1 run --bundle "$BUNDLE" "$ID"
	same ELOOP "$output"
	filter "$(on getppid SCMP_ACT_ERRNO)"
	config '.linux.seccomp.flags = [ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" ]'
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
}
