#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Attacks by what is written in config.json and on the command line: sizes, numbers, names, paths of
# cgroups, hooks. The numbers are those of tests/cli/README.md. All run against other runtimes, too
# (OCI_RUNTIME), but for what looks into strake's own files.

load helpers

# A value where the shell has none: x given times.
times() { head -c "$2" /dev/zero | tr '\0' "$1"; }

# --- A6: sizes ---

@test "A6: five megabytes of environment, mounts, sysctls or maps end in a container or a refusal, whole" {
	local filter
	payload true
	victim_new
	for filter in \
		'.process.env += [ range(5) | "BIG\(.)=" + ("x" * 1000000) ]' \
		'.process.env += [ range(40000) | "V\(.)=" + ("x" * 100) ]' \
		'.process.args += [ range(50) | "x" * 100000 ]' \
		'.mounts += [ range(1000) | { destination: "/m/\(.)", type: "tmpfs", source: ("x" * 4000) } ]' \
		'.linux.sysctl = ([ range(40000) | { key: "net.ipv4.x\(.)", value: ("x" * 100) } ] | from_entries)' \
		'.linux.uidMappings = [ range(100000) | { containerID: (. * 2), hostID: (. * 2), size: 1 } ]' \
		'.annotations = ([ range(5) | { key: "a\(.)", value: ("x" * 1000000) } ] | from_entries)' \
		'.hostname = "x" * 5000000' \
		'.process.cwd = "/" + "x" * 5000000' \
		'.linux.maskedPaths = [ "/" + "x" * 5000000 ]'; do
		config_new
		config "$filter"
		status=0
		timeout 30 "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" > "$T/out" 2>&1 < /dev/null || status=$?
		# Neither killed nor hung: it said what it thinks of it, in few words.
		[[ $status -lt 124 ]] || fail "status $status: $filter"
		[[ $(wc -c < "$T/out") -lt 65536 ]] || fail "$(wc -c < "$T/out") bytes of answer: $filter"
		victim_is_whole
		[[ ! -e $ROOT/$ID ]] || "$RUNTIME" --root "$ROOT" delete --force "$ID"
	done
}

# --- A8: sysctls ---

@test "A8: one sysctl smuggles no other, leaves its folder or reaches the host" {
	local key value before
	before=$(cat /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/swappiness)
	payload true
	while IFS='|' read -r key value; do
		config --arg k "$key" --argjson v "\"$value\"" '.linux.sysctl = { ($k): $v }'
		refused "linux.sysctl" run --bundle "$BUNDLE" "$ID"
	done << 'END'
kernel.shm_rmid_forced|1+kernel.core_pattern=|/bin/sh
kernel.shm_rmid_forced+kernel.core_pattern|1
kernel.shm_rmid_forced|1\nkernel.core_pattern=x
kernel/../kernel/core_pattern|x
net.ipv4./../../../kernel/core_pattern|x
net/ipv4/../../kernel/core_pattern|x
net..core_pattern|x
../kernel/core_pattern|x
/proc/sys/kernel/core_pattern|x
kernel.core_pattern|x
vm.swappiness|1
fs.file-max|1
user.max_user_namespaces|1
kernel.hostname|mine
|1
END
	config '.linux.sysctl = { "kernel.shm_rmid_forced": "1\u0000x" }'
	refused "a string may not hold \\u0000" run --bundle "$BUNDLE" "$ID"
	# Those of a network that is the host's are the host's.
	namespace_remove network
	config '.linux.sysctl = { "net.ipv4.ip_forward": "1" }'
	refused "linux.sysctl" run --bundle "$BUNDLE" "$ID"
	same "$before" "$(cat /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/swappiness)"
}

# --- A16, A26: ids ---

@test "A16: exec --user takes numbers and nothing that looks like one" {
	local user
	start_sleeper
	for user in '-1' '4294967295' '4294967296' '18446744073709551616' ' 1' '1 ' '0x1' '1a' '1:' ':1' '1:2:3' '1:-1' '+1' \
		'1e3' '1:4294967295' $'1\n'; do
		rt exec --user="$user" "$ID" id -u
		[[ $status -ne 0 ]] || fail "\"$user\" ran as $output"
	done
	ok exec --user 1:2 "$ID" sh -c 'echo $(id -u) $(id -g)'
	same "1 2" "$output"
	ok exec --user 1 "$ID" id -u
	same 1 "$output"
}

@test "A26: no id wraps to root's: not below zero, not above 32 bits, none with a fraction" {
	local id
	payload id -u
	config '.process.capabilities = {}'
	for id in 2147483647 2147483648 4294967294; do
		config --argjson i "$id" '.process.user.uid = $i'
		rt run --bundle "$BUNDLE" "$ID"
		same "$id" "$output"
	done
	# jq would round them.
	for id in 4294967295 4294967296 18446744073709551616 -1 1.5 '"0"' true 1e99; do
		config '.process.user.uid = "UID"'
		sed -i "s/\"UID\"/$id/" "$BUNDLE/config.json"
		rt run --bundle "$BUNDLE" "$ID"
		[[ $status -ne 0 || $FOREIGN ]] || fail "$id ran as $output"
		[[ $output != 0 || $id == '"0"' ]] || fail "$id became root"
		[[ $FOREIGN ]] || contains "$errors" process.user.uid
	done
}

@test "A26: nor does a group or an additional one" {
	local id
	payload id -G
	for id in 4294967295 4294967296 -1; do
		config_new
		payload id -G
		config '.process.user = { uid: 1000, gid: "GID" }'
		sed -i "s/\"GID\"/$id/" "$BUNDLE/config.json"
		refused "process.user.gid" run --bundle "$BUNDLE" "$ID"
		config '.process.user = { uid: 1000, gid: 1000, additionalGids: [ 7, "GID" ] }'
		sed -i "s/\"GID\"/$id/" "$BUNDLE/config.json"
		refused "process.user.additionalGids" run --bundle "$BUNDLE" "$ID"
	done
}

# --- A27: what is written into files of the image ---

@test "A27: a newline in HOME or a user's name writes no line into the image's passwd" {
	local before
	before=$(cd "$BUNDLE/rootfs/etc" && sha256sum passwd group)
	payload true
	config '.process.env += [ "HOME=/x\nroot2::0:0::/:/bin/sh", "USER=a\nb::0:0:::" ] | .process.user = { uid: 4242, gid: 4242, username: "a\nb" }'
	rt run --bundle "$BUNDLE" "$ID"
	same "$before" "$(cd "$BUNDLE/rootfs/etc" && sha256sum passwd group)"
	same "passwd group" "$(cd "$BUNDLE/rootfs/etc" && echo p* g*)"
}

# --- A30: groups ---

@test "A30: the process has the groups that are given and no others, in run and exec" {
	echo secret > "$BUNDLE/rootfs/negative"
	chown 0:4711 "$BUNDLE/rootfs/negative"
	chmod 604 "$BUNDLE/rootfs/negative"
	# Group 4711 may not read what everybody else may.
	config '.process.user = { uid: 1000, gid: 1000, additionalGids: [ 4711 ] } | .process.capabilities = {}'
	payload sh -c 'id -G; cat /negative'
	rt run --bundle "$BUNDLE" "$ID"
	same "1000 4711" "$output"
	config '.process.user = { uid: 1000, gid: 4711 }'
	rt run --bundle "$BUNDLE" "$ID"
	same 4711 "$output"
	# None of the caller's.
	config '.process.user = { uid: 1000, gid: 1000 }'
	output=$(setpriv --groups 4712,4713 "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID")
	same "1000
secret" "$output"
	config '.process.user = { uid: 1000, gid: 1000, additionalGids: [ 4711 ] }'
	start_sleeper
	rt exec "$ID" sh -c 'id -G; cat /negative'
	same "1000 4711" "$output"
}

# --- A35: paths of cgroups ---

# Every cgroup of that name, wherever it is, but not in our cage.
strays() { find /sys/fs/cgroup -type d -name "stray$$*" -not -path "/sys/fs/cgroup$CAGE_CGROUP/*" 2> /dev/null; }

@test "A35: a relative cgroupsPath stays beside the caller's own cgroup, however it climbs" {
	local path
	payload sleep 1000
	for path in "../../stray$$" "../../../../../../stray$$" "a/../../../stray$$" "./../stray$$" "a/./../..//../stray$$"; do
		config --arg p "$path" '.linux.cgroupsPath = $p'
		rt create --bundle "$BUNDLE" "$ID"
		same "$path: " "$path: $(strays)"
		rt delete --force "$ID"
	done
}

@test "A35: an absolute one goes nowhere else by dots, and names that are none are refused" {
	local path
	payload sleep 1000
	config --arg p "/.//$CAGE_CGROUP//./$ID" '.linux.cgroupsPath = $p'
	create
	[[ $FOREIGN || -d $CG ]]
	rt delete --force "$ID"
	config --arg p "$CAGE_CGROUP/../../../stray$$" '.linux.cgroupsPath = $p'
	rt create --bundle "$BUNDLE" "$ID"
	same "" "$(strays)"
	rt delete --force "$ID"
	for path in / // /.. /../.. . "/$(times x 300)" "/$(times / 100)$(times y/ 3000)z" "$CAGE_CGROUP/new\nline"; do
		config --argjson p "\"$path\"" '.linux.cgroupsPath = $p'
		refused "cgroupsPath" create --bundle "$BUNDLE" "$ID"
	done
}

@test "A35: unified names files of the container's own cgroup and nothing above it" {
	local key
	payload true
	for key in ../cgroup.procs ../../cgroup.subtree_control /proc/sys/kernel/core_pattern a/b . .. '' cgroup.procs cgroup.type \
		cgroup.subtree_control cgroup.freeze cgroup.kill "$(times x 300)"; do
		config --arg k "$key" '.linux.resources = { unified: { ($k): "1" } }'
		refused "linux.resources.unified" run --bundle "$BUNDLE" "$ID"
	done
}

@test "A35: exec --cgroup does not leave the container's cgroup" {
	local sub
	start_sleeper
	for sub in .. ../.. ../tests /../tests a/../../tests "../$ID/../tests"; do
		rt exec --cgroup "$sub" "$ID" cat /proc/self/cgroup
		[[ $status -ne 0 ]] || lacks "$output" /tests
	done
}

# --- A36: ids of containers ---

@test "A36: an id is a name, in every command" {
	local id verb
	victim_new
	mkdir -p "$ROOT"
	cp -r "$VICTIM" "$ROOT.beside" # ROOT/../root.beside
	payload true
	for id in . .. ../victim ../root.beside a/b "$VICTIM" '' 'a b' $'a\nb' 'ä' 'a;b' '%s' '*' '~' 'a:b' '@x' "$(times x 1025)" \
		../bundle '.seccomp' .hidden; do
		refused "" create --bundle "$BUNDLE" -- "$id"
		for verb in state start kill delete; do
			refused "" "$verb" -- "$id"
		done
		rt delete --force -- "$id"
		refused "" exec -- "$id" true
		victim_is_whole
		[[ -e $ROOT.beside/secret && -e $BUNDLE/config.json ]]
	done
	for id in a A9 a.b a_b a-b a+b _a +a "$(times x 200)"; do
		ok create --bundle "$BUNDLE" "$id"
		ok delete --force "$id"
	done
	rm -r "$ROOT.beside"
}

# --- A38: what is absent or unknown ---

@test "A38: no capabilities object is no capability: init and exec, root and others, with no_new_privs and without" {
	local uid privs
	for uid in 0 1000; do
		for privs in true false; do
			config_new
			config --argjson u "$uid" --argjson n "$privs" \
				'del(.process.capabilities) | .process.user.uid = $u | .process.noNewPrivileges = $n'
			start_sleeper
			ok exec "$ID" grep -hE '^Cap' /proc/1/status /proc/self/status
			same 0000000000000000 "$(awk '{ print $2 }' <<< "$output" | sort -u)"
			ok delete --force "$ID"
		done
	done
}

@test "A38: what a config asks for and cannot be is refused, not left out" {
	local filter
	payload true
	while read -r filter; do
		config_new
		payload true
		config "$filter"
		rt run --bundle "$BUNDLE" "$ID"
		[[ $status -ne 0 ]] || fail "ran: $filter"
	done << 'END'
.process.capabilities.bounding += [ "CAP_SAIL" ]
.process.capabilities = []
.process.noNewPrivileges = "true"
.process.user.uid = "1000"
.process.rlimits = [ { type: "RLIMIT_SAIL", soft: 1, hard: 1 } ]
.root.readonly = "yes"
.linux.maskedPaths = "/proc/keys"
.linux.namespaces += [ { type: "sail" } ]
.linux.namespaces = "all"
.mounts[0].options = "ro"
.mounts += [ { destination: "/x", type: "tmpfs", source: "x", options: [ "sail" ] } ]
.linux.seccomp = { syscalls: [] }
.linux.seccomp = { defaultAction: "SCMP_ACT_SAIL" }
.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", architectures: [ "SCMP_ARCH_SAIL" ] }
.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", flags: [ "SECCOMP_FILTER_FLAG_SAIL" ] }
.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [], action: "SCMP_ACT_KILL" } ] }
.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "mount" ], action: "SCMP_ACT_KILL", errnoRet: 1 } ] }
.linux.seccomp = { defaultAction: "SCMP_ACT_KILL", defaultErrnoRet: 1 }
.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "mount" ], action: "SCMP_ACT_ERRNO", args: [ { index: 6, value: 1, op: "SCMP_CMP_EQ" } ] } ] }
.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "mount" ], action: "SCMP_ACT_ERRNO", args: [ { index: 0, value: 1, op: "SCMP_CMP_SAIL" } ] } ] }
END
}

@test "A38: two conditions on one argument are both needed, and a call from the future is ENOSYS" {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	# NE 38 or NE 40 would be true for every family.
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "lseek" ], action: "SCMP_ACT_ERRNO",
		args: [ { index: 0, value: 38, op: "SCMP_CMP_NE" }, { index: 0, value: 40, op: "SCMP_CMP_NE" } ] } ] }'
	payload sh -c 'probe syscall lseek 38 0 0; probe syscall lseek 40 0 0; probe syscall lseek 39 0 0; true'
	run_ok
	same "EBADF EBADF EPERM" "$(paste -sd ' ' <<< "$output")"
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1, syscalls: [ { names: (
		[ "read", "write", "open", "openat", "close", "execve", "execveat", "brk", "mmap", "munmap", "mprotect", "exit",
		"exit_group", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "readlink", "prlimit64", "getrandom",
		"newfstatat", "fstat", "rt_sigaction", "rt_sigprocmask", "getuid", "ioctl", "writev" ]), action: "SCMP_ACT_ALLOW" } ] }'
	payload probe syscall 999
	rt run --bundle "$BUNDLE" "$ID"
	same ENOSYS "$output"
}

# --- A39: the cache of compiled filters ---

@test "A39: profiles that differ in one field are compiled apart, the same one once" {
	[[ ! $FOREIGN ]] || skip "looks into the cache of strake"
	local base filter n=0
	payload probe syscall getppid
	base='{ defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "getppid", "lseek" ], action: "SCMP_ACT_ERRNO",
		errnoRet: 7, args: [ { index: 1, value: 5, valueTwo: 0, op: "SCMP_CMP_GT" } ] } ] }'
	while read -r filter; do
		config ".linux.seccomp = $base | .linux.seccomp |= ($filter)"
		rt run --bundle "$BUNDLE" "$ID"
		n=$((n + 1))
		same "$filter: $n" "$filter: $(find "$ROOT/.seccomp" -type f | wc -l)"
	done << 'END'
.
.syscalls[0].errnoRet = 8
.syscalls[0].action = "SCMP_ACT_TRAP" | del(.syscalls[0].errnoRet)
.syscalls[0].args[0].index = 2
.syscalls[0].args[0].value = 6
.syscalls[0].args[0].op = "SCMP_CMP_GE"
.syscalls[0].args[0] |= (.op = "SCMP_CMP_MASKED_EQ" | .valueTwo = 1)
.syscalls[0].args = []
.syscalls[0].names = [ "getppid" ]
.defaultAction = "SCMP_ACT_LOG"
.architectures = [ "SCMP_ARCH_X86_64", "SCMP_ARCH_X86" ]
END
	# What stands beside the profile is none of its words.
	config ".linux.seccomp = $base | .hostname = \"another\""
	rt run --bundle "$BUNDLE" "$ID"
	same "$n" "$(find "$ROOT/.seccomp" -type f | wc -l)"
}

@test "A39: a filter in another one's place in the cache is not taken for it" {
	[[ ! $FOREIGN ]] || skip "looks into the cache of strake"
	local strict loose
	payload probe syscall getppid
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "getppid" ], action: "SCMP_ACT_ERRNO" } ] }'
	rt run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
	strict=$(find "$ROOT/.seccomp" -type f)
	config '.linux.seccomp.syscalls[0].names = [ "lseek" ]'
	rt run --bundle "$BUNDLE" "$ID"
	same 0 "$output"
	loose=$(find "$ROOT/.seccomp" -type f -not -path "$strict")
	cp -p "$loose" "$strict"
	config '.linux.seccomp.syscalls[0].names = [ "getppid" ]'
	rt run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
}

@test "A39: a profile of config.json is found by its text, and not used where its file was touched" {
	[[ ! $FOREIGN ]] || skip "looks into the cache of strake"
	local file strict
	payload probe syscall getppid
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ {
		names: ([ "lseek" ] + [ range(99) | "no_such_call_\(.)" ]), action: "SCMP_ACT_ERRNO" } ] }'
	rt run --bundle "$BUNDLE" "$ID"
	same 0 "$output"
	mv "$ROOT/.seccomp" "$T/loose"
	config '.linux.seccomp.syscalls[0].names[0] = "getppid"'
	rt run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
	same 2 "$(find "$ROOT/.seccomp" -type f -perm 600 | wc -l)"
	strict=$(find "$ROOT/.seccomp" -type f -size +2)
	cp -rp "$ROOT/.seccomp" "$T/good"
	# The loose one in the strict one's place; of another's; cut; a link; open to others.
	for file in 'cp -p "$(find "$T/loose" -type f -size +2)" "$strict"' 'chown 1000 "$strict"' 'truncate -s -8 "$strict"' \
		'rm "$strict"; ln -s "$(find "$T/loose" -type f -size +2)" "$strict"' 'chmod 666 "$strict"' \
		'rm -r "$ROOT/.seccomp"; cp -rp "$T/loose" "$ROOT/.seccomp"; chmod 777 "$ROOT/.seccomp"'; do
		eval "$file"
		rt run --bundle "$BUNDLE" "$ID"
		same "$file: EPERM" "$file: $output"
		rm -r "$ROOT/.seccomp"
		cp -rp "$T/good" "$ROOT/.seccomp"
	done
}

# --- A41: maps of user namespaces ---

@test "A41: maps that overlap, wrap around, map nothing or are too many are refused" {
	local filter
	while read -r filter; do
		config_new
		payload true
		config '.linux.namespaces += [ { type: "user" } ] | .linux.uidMappings = [ { containerID: 0, hostID: 200000, size: 65536 } ] |
			.linux.gidMappings = .linux.uidMappings'
		config "$filter"
		rt run --bundle "$BUNDLE" "$ID"
		[[ $status -ne 0 ]] || fail "ran: $filter"
		[[ $FOREIGN || $errors == *Mappings* ]] || fail "$errors"
	done << 'END'
.linux.uidMappings += [ { containerID: 100, hostID: 900000, size: 10 } ]
.linux.gidMappings += [ { containerID: 900000, hostID: 200100, size: 10 } ]
.linux.uidMappings[0].size = 4294967295
.linux.uidMappings = [ { containerID: 0, hostID: 4294967295, size: 2 } ]
.linux.gidMappings = [ { containerID: 4294967295, hostID: 200000, size: 2 } ]
.linux.uidMappings[0].size = 0
.linux.uidMappings[0].hostID = -1
.linux.uidMappings[0].hostID = 4294967296
.linux.uidMappings[0].size = 4294967296
.linux.uidMappings = [ range(341) | { containerID: (. * 2), hostID: (200000 + . * 2), size: 1 } ]
.linux.uidMappings = []
del(.linux.gidMappings)
END
}

@test "A41: a user without privileges maps groups only where setgroups is denied" {
	[[ ! $FOREIGN ]] || skip "others need helpers for this"
	# A place that this user may reach.
	BUNDLE=$BATS_TMPDIR/bundle.$ID
	bundle_new "$BUNDLE"
	config 'del(.linux.namespaces[] | select(.type == "network" or .type == "cgroup")) | del(.mounts[5:]) |
		.linux.namespaces += [ { type: "user" } ] | .linux.uidMappings = [ { containerID: 0, hostID: 1000, size: 1 } ] |
		.linux.gidMappings = .linux.uidMappings | del(.linux.maskedPaths, .linux.readonlyPaths)'
	payload sh -c 'cat /proc/self/setgroups; id -G'
	chmod -R go+rX "$BUNDLE"
	chown -R 1000:1000 "$BUNDLE"
	output=$(setpriv --reuid 1000 --regid 1000 --clear-groups "$RUNTIME" --root "$BUNDLE/state" \
		--cgroup-manager=disabled run --bundle "$BUNDLE" "$ID" 2>&1) || fail "$output"
	rm -r --one-file-system "$BUNDLE"
	same "deny
0" "$output"
}

# --- A42: hooks ---

@test "A42: a hook that takes too long ends with its whole group, and the container with it" {
	local kind
	payload true
	for kind in prestart createRuntime createContainer; do
		config_new
		payload true
		config --arg k "$kind" --arg t "$T" '.hooks[$k] = [ { path: "/bin/sh", timeout: 1, env: [ "PATH=/usr/bin:/bin" ],
			args: [ "sh", "-c", "sleep 1000 & echo $! > \($t)/grandchild; sleep 1000" ] } ]'
		refused "" run --bundle "$BUNDLE" "$ID"
		wait_for is_gone "$(cat "$T/grandchild")"
	done
}

@test "A42: hooks of an unknown kind, a relative path or a wrong form never run" {
	local hook
	payload true
	printf '#!/bin/sh\n: > %s/ran\n' "$T" > "$BUNDLE/hook"
	chmod 755 "$BUNDLE/hook"
	for hook in '{ createSail: [ { path: $p } ] }' '{ prestart: [ { path: "hook" } ] }' '{ prestart: [ { path: "./hook" } ] }' \
		'{ prestart: { path: $p } }' '{ prestart: [ $p ] }' '{ prestart: [ { path: $p, timeout: "1" } ] }' \
		'{ prestart: [ { path: $p, timeout: -1 } ] }' '{ prestart: [ { path: $p, args: "x" } ] }'; do
		config_new
		payload true
		config --arg p "$BUNDLE/hook" ".hooks = $hook"
		rt run --bundle "$BUNDLE" "$ID"
		[[ ! -e $T/ran ]] || fail "ran: $hook"
	done
	# It would have run.
	config --arg p "$BUNDLE/hook" '.hooks = { prestart: [ { path: $p } ] }'
	run_ok
	[[ -e $T/ran ]]
}
