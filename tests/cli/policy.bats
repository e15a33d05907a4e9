#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Node policies: what a container may have at most, whoever asks. P1, P2 ... number the cases.

load helpers

# A policy of one rule that holds for everything; GLOBAL names it: RULE as jq [more of the policy].
policy() {
	jq -n "{ schema: \"strake/node-policy/1\", name: \"edge\", generation: 3,
		rules: [ { name: \"floor\" } + $1 ] } ${2:+* $2}" > "$T/policy.json"
	globally --policy "$T/policy.json"
}

status_lines() { payload grep -E "$1" /proc/self/status; }
record() { jq -r "$1" "$ROOT/$ID/policy.json"; }
explain() { rt policy explain --bundle "$BUNDLE" --id "$ID" --json; }

@test "P1: a ceiling cuts all five sets of capabilities, also of root" {
	config '.process.capabilities |= map_values(["CAP_KILL", "CAP_CHOWN", "CAP_SYS_ADMIN"]) |
		.process.capabilities.inheritable = .process.capabilities.bounding |
		.process.capabilities.ambient = .process.capabilities.bounding'
	status_lines '^Cap(Inh|Prm|Eff|Bnd|Amb)'
	policy '{ process: { capabilities: { ceiling: [ "CAP_KILL" ] } } }'
	run_ok
	same $'CapInh:\t0000000000000020\nCapPrm:\t0000000000000020\nCapEff:\t0000000000000020\nCapBnd:\t0000000000000020\nCapAmb:\t0000000000000020' "$output"
	policy '{ process: { capabilities: { inheritable: "clear", ambient: "clear" } } }'
	run_ok
	contains "$output" $'CapInh:\t0000000000000000'
	contains "$output" $'CapAmb:\t0000000000000000'
	contains "$output" $'CapBnd:\t0000000000200021'
}

@test "P2: no capabilities stay none under a ceiling that allows some" {
	config 'del(.process.capabilities)'
	status_lines '^CapBnd'
	policy '{ process: { capabilities: { ceiling: [ "CAP_KILL" ] } } }'
	run_ok
	same $'CapBnd:\t0000000000000000' "$output"
}

@test "P3: no_new_privs is on, for run and for exec" {
	config '.process.noNewPrivileges = false'
	policy '{ process: { noNewPrivileges: true } }'
	status_lines '^NoNewPrivs'
	run_ok
	same $'NoNewPrivs:\t1' "$output"
	start_sleeper
	ok exec "$ID" grep NoNewPrivs /proc/self/status
	same $'NoNewPrivs:\t1' "$output"
}

@test "P4: a spec without a filter gets the node's, and exec has it too" {
	cp "$HERE/../../policies/seccomp/default.json" "$T/profile.json"
	policy '{ seccomp: { default: "profile.json", required: true } }'
	status_lines '^Seccomp:'
	run_ok
	same $'Seccomp:\t2' "$output"
	start_sleeper
	ok exec "$ID" grep Seccomp: /proc/self/status
	same $'Seccomp:\t2' "$output"
	# Also when the policy has gone since.
	globally
	ok exec "$ID" grep Seccomp: /proc/self/status
	same $'Seccomp:\t2' "$output"
	policy '{ seccomp: { required: true } }'
	run_refused "linux.seccomp: a seccomp profile is required"
}

@test "P5: calls that the node denies fail under a profile that allows everything, and the rest works" {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	policy '{ seccomp: { deny: [ { names: [ "getppid" ], errno: "ENOSYS" } ] } }'
	payload probe syscall getppid
	exits 1 run --bundle "$BUNDLE" "$ID"
	same ENOSYS "$output"
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW" }'
	exits 1 run --bundle "$BUNDLE" "$ID"
	same ENOSYS "$output"
	payload echo fine
	run_ok
	same fine "$output"
}

@test "P6: of two refusals the smaller errno counts, and a spec that kills still kills" {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	policy '{ seccomp: { deny: [ { names: [ "getppid" ], errno: "EPERM" } ] } }'
	payload probe syscall getppid
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{ names: [ "getppid" ], action: "SCMP_ACT_ERRNO", errnoRet: 13 } ] }'
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EPERM "$output"
	config '.linux.seccomp.syscalls[0] |= (.action = "SCMP_ACT_KILL_PROCESS" | del(.errnoRet))'
	exits $((128 + 31)) run --bundle "$BUNDLE" "$ID"
	# Also where it does so by default; what it allows is denied all the same.
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls: [ { names: [ "close", "exit_group" ], action: "SCMP_ACT_ALLOW" } ] }'
	ok policy --bundle "$BUNDLE" simulate --syscall getppid
	contains "$output" ': the process is killed'
	config '.linux.seccomp.syscalls[0].names += [ "getppid" ]'
	ok policy --bundle "$BUNDLE" simulate --syscall getppid
	contains "$output" ': EPERM (node policy "edge", rule "floor")'
}

@test "a ceiling cuts any profile, the default's and none, call by call and argument by argument" {
	cat > "$T/ceiling.json" <<- 'EOF'
		{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		  { "names": [ "mkdir", "mkdirat" ], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 },
		  { "names": [ "socket" ], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "args": [ { "index": 0, "value": 2, "op": "SCMP_CMP_EQ" } ] } ] }
	EOF
	cp "$HERE/../../policies/seccomp/default.json" "$T/default.json"
	policy '{ seccomp: { ceiling: [ "ceiling.json" ] } }'
	script 'mkdir /tmp/x 2>&1 || true; grep Seccomp: /proc/self/status'
	config 'del(.linux.seccomp)'
	run_ok
	[[ $output == *"Operation not permitted"*"Seccomp:	2" ]]
	simulated() { rt policy --bundle "$BUNDLE" simulate --syscall "$@"; echo "$output"; }
	[[ $(simulated socket 2 1 0) == *'EAFNOSUPPORT (node policy "edge", rule "floor"); as it was asked for: allowed' ]]
	[[ $(simulated socket 1 1 0) == *': allowed' ]]
	# The spec's own words stay where they are stricter.
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [ { names: [ "socket" ], action: "SCMP_ACT_KILL_PROCESS" }, { names: [ "mkdir" ], action: "SCMP_ACT_ERRNO", errnoRet: 13 } ] }'
	[[ $(simulated socket 2 1 0) == *'killed'* ]]
	[[ $(simulated mkdir 0) == *'EPERM (node policy "edge", rule "floor"); as it was asked for: EACCES' ]]
	# Two ceilings, one of which is the shipped profile: what both allow.
	policy '{ seccomp: { ceiling: [ "default.json", "ceiling.json" ], required: true } }'
	config 'del(.linux.seccomp)'
	[[ $(simulated mkdir 0) == *'EPERM'* ]]
	[[ $(simulated mount 0) == *'EPERM (node policy "edge", rule "floor")'* ]]
	[[ $(simulated read 0) == *': allowed' ]]
	run_ok
	explain
	same "at most default.json, at most ceiling.json" "$(jq -r '[ .changes[] | select(.field == "linux.seccomp") | .effective ] | join(", ")' <<< "$output")"
	jq '.defaultAction = "SCMP_ACT_NOTIFY"' "$T/ceiling.json" > "$T/agent.json"
	policy '{ seccomp: { ceiling: [ "agent.json" ] } }'
	run_refused "asks an agent"
	policy '{ seccomp: { ceiling: [ "no.json" ] } }'
	run_refused "open the seccomp profile no.json"
}

@test "P8: AF_ALG is denied by every way to socket(2), and 32-bit calls have none where they are off" {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	local deny='{ names: [ "socket" ], errno: "EAFNOSUPPORT", args: [ { index: 0, value: 38, op: "SCMP_CMP_EQ" } ] }'
	policy "{ seccomp: { deny: [ $deny ], abis: [ \"native\" ] } }"
	payload probe syscall 41 38 5 0
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EAFNOSUPPORT "$output"
	# What the kernel does not look at does not hide it.
	payload probe syscall 41 0x100000026 5 0
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EAFNOSUPPORT "$output"
	local call
	for call in "359 38 5 0" "102 1 0"; do
		# shellcheck disable=SC2086
		payload probe syscall32 $call
		exits $((128 + 31)) run --bundle "$BUNDLE" "$ID"
	done
	payload probe syscall $((41 + 0x40000000)) 38 5 0
	exits $((128 + 31)) run --bundle "$BUNDLE" "$ID"
	# With 32-bit calls on, the door that hides its arguments is closed.
	policy "{ seccomp: { deny: [ $deny ], abis: [ \"SCMP_ARCH_X86\" ] } }"
	payload probe syscall32 359 38 5 0
	rt run --bundle "$BUNDLE" "$ID"
	[[ $status -ne 139 ]] || skip "this kernel runs no 32-bit calls"
	same EAFNOSUPPORT "$output"
	payload probe syscall32 102 1 0
	exits 1 run --bundle "$BUNDLE" "$ID"
	same EAFNOSUPPORT "$output"
}

@test "P9: numbers that no profile can know get ENOSYS: above all, a hole, -1" {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	cp "$HERE/../../policies/seccomp/default.json" "$T/profile.json"
	policy '{ seccomp: { default: "profile.json" } }'
	local number
	for number in 999 400 -1; do
		payload probe syscall "$number"
		exits 1 run --bundle "$BUNDLE" "$ID"
		same ENOSYS "$output"
	done
}

@test "P10: rules that are hard to compile mean what they say" {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	# Wide values, all comparisons, six arguments, and a hundred rules for one call.
	policy '{ seccomp: { deny: ( [ range(100) | { names: [ "lseek" ], errno: "EACCES", args: [
		{ index: 0, value: ., op: "SCMP_CMP_EQ" }, { index: 1, value: (4294967296 * . + 1000), op: "SCMP_CMP_GE" } ] } ] + [
		{ names: [ "keyctl" ], errno: "ELOOP", args: [ { index: 1, value: 9007199254740992, op: "SCMP_CMP_EQ" } ] },
		{ names: [ "keyctl" ], errno: "EDOM", args: [ range(5) | { index: ., value: 7, op: "SCMP_CMP_GT" } ] },
		{ names: [ "keyctl" ], errno: "EMLINK", args: [ { index: 4, value: 255, valueTwo: 5, op: "SCMP_CMP_MASKED_EQ" } ] } ] ) } }'
	local case
	for case in "lseek 7 30064772072:EACCES" "lseek 7 30064772071:-" "lseek 107 900000000000:-" "lseek 0 1000:EACCES" \
		"keyctl 99 9007199254740992 0 0 0:ELOOP" "keyctl 99 9007199254740993 0 0 0:-" \
		"keyctl 8 8 8 8 8:EDOM" "keyctl 8 8 8 8 7:-" "keyctl 99 0 0 0 0x105:EMLINK"; do
		# shellcheck disable=SC2086
		payload probe syscall ${case%:*}
		rt run --bundle "$BUNDLE" "$ID"
		[[ $output =~ ^(EACCES|ELOOP|EDOM|EMLINK)$ ]] || output=-
		same "$case" "${case%:*}:$output"
	done
}

@test "P12: denials that make too big a filter are refused, with the calls that cost most" {
	policy '{ seccomp: { deny: [ range(2000) as $n | { names: [ "mmap" ], args: [
		{ index: 0, value: ($n * 2 + 1), op: "SCMP_CMP_MASKED_EQ", valueTwo: ($n * 2 + 1) }, { index: 1, value: $n, op: "SCMP_CMP_NE" } ] } ] } }'
	run_refused "instructions"
	contains "$errors" mmap
}

@test "P13: what is no call, no condition or no errno is refused when the policy is read" {
	policy '{ seccomp: { deny: [ { names: [ "socket" ], args: [ { index: 6, value: 1, op: "SCMP_CMP_EQ" } ] } ] } }'
	refused "0 to 5" policy check
	policy '{ seccomp: { deny: [ { names: [ "socket" ], args: [ { index: 0, value: 1, op: "EQ" } ] } ] } }'
	refused 'rules[0].seccomp.deny[0].args[0].op' policy check
	policy '{ seccomp: { deny: [ { names: [ "socket" ], errno: "EWHAT" } ] } }'
	refused "is no errno" policy check
	policy '{ seccomp: { deny: [ { names: [] } ] } }'
	refused "names no call" policy check
	policy '{ seccomp: { abis: [ "SCMP_ARCH_PDP11" ] } }'
	refused 'rules[0].seccomp.abis[0]' policy check
}

@test "P14: neither the names of files nor the order of rules has a part in the result" {
	mkdir "$T/a" "$T/b"
	local one='{ name: "one", resources: { pids: { max: 30 }, memory: { default: "64M" } }, process: { capabilities: { ceiling: [ "CAP_KILL", "CAP_CHOWN" ] } } }'
	local two='{ name: "two", resources: { pids: { max: 20 }, memory: { default: "128M" } }, process: { capabilities: { ceiling: [ "CAP_KILL", "CAP_SETUID" ] } } }'
	local head='schema: "strake/node-policy/1"'
	jq -n "{ $head, name: \"x\", rules: [ $one, $two ] }" > "$T/a/1.json"
	jq -n "{ $head, name: \"y\", rules: [ $two ] }" > "$T/a/2.json"
	jq -n "{ $head, name: \"x\", rules: [ $two, $one ] }" > "$T/b/9.json"
	jq -n "{ $head, name: \"y\", rules: [ $two ] }" > "$T/b/3.json"
	globally --policy "$T/a"
	explain
	local first
	first=$(jq -c .changes <<< "$output")
	globally --policy "$T/b"
	explain
	same "$first" "$(jq -c .changes <<< "$output")"
	contains "$first" CAP_KILL
}

@test "P16: a container's author cannot choose which rules hold for him" {
	policy '{ except: [ { annotations: { trusted: "yes" } } ], process: { noNewPrivileges: true } }'
	run_refused "which the container's author chooses"
	policy '{ match: { annotations: { trusted: "yes" } }, process: { noNewPrivileges: true } }'
	run_refused "which the container's author chooses"
	policy '{ except: [ { annotations: { trusted: "yes" } } ], process: { user: { root: "never" } } }' '{ allowAuthorKeys: true }'
	run_refused "root is not allowed"
	config '.annotations.trusted = "yes"'
	run_ok
}

@test "P16: rules hold for who keeps state in a folder of the node's, and not for who only says so" {
	policy '{ match: { stateFolders: [ "'"$ROOT"'" ] }, process: { user: { root: "never" } } }'
	run_refused "root is not allowed"
	policy '{ except: [ { stateFolders: [ "'"$ROOT"'" ] } ], process: { user: { root: "never" } } }'
	run_ok
	policy '{ match: { stateFolders: [ "'"$ROOT"'x", "/run/other" ] }, process: { user: { root: "never" } } }'
	run_ok
	# Only the shim hears of namespaces; annotations by the same names are anybody's.
	config '.annotations = { "io.kubernetes.cri.sandbox-namespace": "trusted", "io.kubernetes.cri.container-type": "container" }'
	policy '{ except: [ { kubernetesNamespaces: [ "trusted" ] }, { containerdNamespaces: [ "k8s.io", "" ] } ], process: { user: { root: "never" } } }'
	run_refused "root is not allowed"
	policy '{ match: { runtimeHandlers: [ "x" ] } }'
	refused "rules[0].match.runtimeHandlers" policy check
}

@test "P17, P18: the node's masks are there, and no second procfs shows what they hide" {
	config 'del(.linux.maskedPaths, .linux.readonlyPaths)'
	policy '{ paths: { masked: [ "/proc/version", "/proc/no-such-file" ], readonly: [ "/proc/sys" ] } }'
	script 'cat /proc/version; echo x 2> /dev/null > /proc/sys/kernel/ostype || echo denied'
	run_ok
	same denied "$output"
	mount_add /mnt/proc proc proc
	run_refused "a second procfs"
	policy '{ paths: { masked: [ "/proc/version/" ] } }'
	run_refused "must be an absolute path without"
}

@test "P19: a root that must be read-only has room where the spec mounts some" {
	policy '{ root: { readonly: true } }'
	mount_add /scratch tmpfs tmpfs
	script 'echo x > /scratch/x; echo x 2> /dev/null > /x || echo denied'
	run_ok
	same denied "$output"
}

@test "P20: namespaces that must be the container's own are neither left out nor the host's" {
	policy '{ namespaces: { require: [ "network", "pid" ] } }'
	run_ok
	namespace_join network /proc/self/ns/net
	run_refused "linux.namespaces[network]"
	contains "$errors" "is the host's own"
	namespace_remove network
	run_refused "linux.namespaces[network]: must not be the host's"
	policy '{ namespaces: { require: [ "network" ] }, except: [ { userNamespace: false } ] }'
	run_ok
}

@test "P20: default.json: no container shares the host's mounts, by leaving the namespace out or by its path" {
	globally --policy "$HERE/../../policies/default.json"
	payload true
	run_ok
	namespace_join mount "/proc/$$/ns/mnt"
	run_refused "linux.namespaces[mount]"
	contains "$errors" "is the host's own"
	namespace_remove mount
	run_refused "linux.namespaces[mount]: must not be the host's: list it"
	contains "$errors" 'rule "mounts"'
	no grep -q " $ROOT" /proc/self/mountinfo
}

@test "P20: who has the host's network reaches no abstract socket of the host, in run and exec" {
	background "$CLI_BIN/probe" listen "strake-$$-$ID" > "$T/listening"
	wait_for file_has "$T/listening"
	namespace_remove network
	payload probe connect "strake-$$-$ID"
	run_ok
	policy '{ landlock: { scoped: [ "abstract-unix" ] } }'
	exits 1 run --bundle "$BUNDLE" "$ID"
	[[ $errors != *Landlock* ]] || skip "this kernel has no Landlock scopes"
	same EPERM "$output"
	start_sleeper
	exits 1 exec "$ID" probe connect "strake-$$-$ID"
	same EPERM "$output"
}

@test "landlock: signals reach nobody outside, with and without no_new_privs" {
	background sleep 1000
	namespace_remove pid
	config '.process.capabilities |= map_values([ "CAP_KILL" ])'
	script "kill -0 $background && echo reached"
	run_ok
	same reached "$output"
	policy '{ landlock: { scoped: [ "signal" ] } }'
	local nnp
	for nnp in true false; do
		config --argjson n $nnp '.process.noNewPrivileges = $n'
		script "sleep 9 & kill \$! && echo own; kill -0 $background || echo denied; grep CapEff /proc/self/status"
		run_ok
		[[ $errors != *Landlock* ]] || skip "this kernel has no Landlock scopes"
		same $'own\ndenied\nCapEff:\t0000000000000020' "$output"
	done
}

@test "landlock: files are written below the listed folders alone, whatever the image makes of them" {
	policy '{ landlock: { write: [ "/tmp", "/var/data", "/no/such", "/home" ] } }'
	mkdir -p "$BUNDLE/rootfs/var/data"
	mv "$BUNDLE/rootfs/home" "$BUNDLE/rootfs/real"
	ln -s / "$BUNDLE/rootfs/home"
	config '.root.readonly = false'
	script 'for f in /tmp/x /var/data/x /var/x /x /etc/passwd /root/x /real/x; do { echo x >> $f; } 2> /dev/null && echo "$f"; done
		mkdir /etc/d 2> /dev/null || mv /tmp/x /etc/x 2> /dev/null || rm /etc/group 2> /dev/null || cat /etc/group > /dev/null && echo > /dev/null'
	run_ok
	[[ $errors != *Landlock* ]] || skip "this kernel has no Landlock"
	same $'/tmp/x\n/var/data/x' "$output"
	[[ ! -e $BUNDLE/rootfs/etc/d && ! -e $BUNDLE/rootfs/etc/x && -e $BUNDLE/rootfs/etc/group ]]
	explain
	same "written below /dev /tmp /var/data /no/such /home alone" "$(jq -r '.changes[] | select(.field == "landlock") | .effective' <<< "$output")"
	# Two rules: both hold.
	jq '.rules += [ .rules[0] | .name = "more" | .landlock.write = [ "/tmp" ] ]' "$T/policy.json" > "$T/two.json"
	globally --policy "$T/two.json"
	run_ok
	same /tmp/x "$output"
}

@test "P21: root only in a user namespace, and not mapped to the host's ids" {
	policy '{ process: { user: { root: "userns-only" } }, userNamespace: { hostIdMin: 100000, maxSize: 65536 } }'
	run_refused "root is only allowed in a user namespace"
	userns_add
	run_ok
	config '.linux.uidMappings[0].hostID = 0'
	run_refused "linux.uidMappings[0]"
	config '.linux.uidMappings[0] |= (.hostID = 200000 | .size = 100000)'
	run_refused "at most 65536 ids"
	policy '{ process: { user: { minUid: 1000 } } }'
	run_refused "must be at least 1000"
}

@test "P22, P23: memory, swap, pids and CPU have the node's maximum, and its default where none is asked for" {
	policy '{ resources: { memory: { max: "8G", default: "512M" }, swap: { max: "0" },
		pids: { max: 100, default: 50 }, cpu: { max: "150%" } } }'
	effective() { explain; jq -r --arg f "linux.resources.$1" '[ .changes[] | select(.field == $f) | .effective ] | last // "as asked"' <<< "$output"; }
	same 536870912 "$(effective memory.limit)"
	same 536870912 "$(effective memory.swap)"
	same 50 "$(effective pids.limit)"
	same 150000 "$(effective cpu.quota)"
	config '.linux.resources = { memory: { limit: 68719476736 }, pids: { limit: -1 }, cpu: { quota: 500000, period: 50000 } }'
	same 8589934592 "$(effective memory.limit)"
	same 100 "$(effective pids.limit)"
	same 75000 "$(effective cpu.quota)"
	config '.linux.resources = { memory: { limit: 104857600, swap: 104857600 }, pids: { limit: 0 }, cpu: { quota: 20000 } }'
	same "as asked" "$(effective memory.limit)"
	same "as asked" "$(effective memory.swap)"
	same "as asked" "$(effective pids.limit)"
	same "as asked" "$(effective cpu.quota)"
	config '.linux.resources = { memory: { limit: 104857600, swap: 0 } }'
	same "as asked" "$(effective memory.swap)"
	config '.linux.resources = { memory: { limit: -1 }, unified: { "memory.max": "max", "memory.swap.max": "1000000", "pids.max": "1000", "cpu.max": "max 100000" } }'
	same 8589934592 "$(effective memory.limit)"
	same 8589934592 "$(effective 'unified[memory.max]')"
	same 0 "$(effective 'unified[memory.swap.max]')"
	same 100 "$(effective 'unified[pids.max]')"
	same "150000 100000" "$(effective 'unified[cpu.max]')"
	config '.linux.resources = { unified: { "memory.max": "64G" } }'
	explain
	same 1 "$status"
}

@test "P25: a cgroup that lies outside of the node's is refused, whatever its path looks like" {
	policy '{ cgroup: { parents: [ "/pods" ] } }'
	local path
	for path in ../../x / /podsx /pods /pods/../x /a/pods/x; do
		config --arg p "$path" '.linux.cgroupsPath = $p'
		explain
		same 1 "$status"
	done
	config '.linux.cgroupsPath = "/pods/a/./b"'
	explain
	same 0 "$status"
	globally --policy "$T/policy.json" --systemd-cgroup
	config '.linux.cgroupsPath = "system.slice:a:b"'
	explain
	same 1 "$status"
	policy '{ cgroup: { parents: [ "/pods.slice" ] } }'
	globally --policy "$T/policy.json" --systemd-cgroup
	config '.linux.cgroupsPath = "pods-x.slice:a:b"'
	explain
	same 0 "$status"
}

@test "P26: a device that the spec allows and the node does not is neither made nor opened" {
	policy '{ devices: { allow: [ "c 1:3 rwm", "c 1:7 rw" ] } }'
	config '.linux.devices = [ { path: "/dev/kmsg", type: "c", major: 1, minor: 11 }, { path: "/dev/full2", type: "c", major: 1, minor: 7 } ] |
		.linux.resources.devices = [ { allow: false, access: "rwm" }, { allow: true, type: "c", major: 1, access: "rwm" } ]'
	script 'test ! -e /dev/kmsg; test -c /dev/full2; mknod /kmsg c 1 11; cat /kmsg 2> /dev/null || echo denied'
	run_ok
	same denied "$output"
	explain
	same "c 1:3 rwm, c 1:7 rw" "$(jq -r '.changes[] | select(.field == "linux.resources.devices") | .effective | sub("not .*?, "; "")' <<< "$output")"
}

@test "P27: hooks run that the node lists by path, contents and stage, and no others" {
	printf '#!/bin/sh\ncat > /dev/null\n' > "$T/hook"
	chmod 755 "$T/hook"
	local sum
	sum=$(sha256sum "$T/hook" | cut -d' ' -f1)
	config --arg p "$T/hook" '.hooks.createRuntime = [ { path: $p } ]'
	policy "{ hooks: { allow: [ { path: \"$T/hook\", sha256: \"$sum\", stages: [ \"createRuntime\" ] } ] } }"
	run_ok
	policy "{ hooks: { allow: [ { path: \"$T/hook\", stages: [ \"poststop\" ] } ] } }"
	run_refused "hooks.createRuntime[0].path"
	policy "{ hooks: { allow: [ { path: \"$T/hook\", sha256: \"${sum//[0-8]/9}\" } ] } }"
	run_refused "hooks.createRuntime[0].path"
	policy '{ hooks: { allow: [] } }'
	run_refused "hooks.createRuntime[0].path"
}

@test "P27: a listed hook gets the arguments and variables of the list, so no variable chooses its code" {
	printf '#!/bin/sh\ncat > /dev/null\n' > "$T/hook"
	chmod 755 "$T/hook"
	config --arg p "$T/hook" '.hooks.createRuntime = [ { path: $p, args: [ "hook", "one" ], env: [ "LD_PRELOAD=/x.so" ] } ]'
	policy "{ hooks: { allow: [ { path: \"$T/hook\" } ] } }"
	run_refused "arguments and variables"
	policy "{ hooks: { allow: [ { path: \"$T/hook\", env: [ \"LD_PRELOAD\" ] } ] } }"
	run_ok
	policy "{ hooks: { allow: [ { path: \"$T/hook\", env: [ \"LD_PRELOAD\" ], args: [ \"hook\", \"one\" ] } ] } }"
	run_ok
	policy "{ hooks: { allow: [ { path: \"$T/hook\", env: [ \"LD_PRELOAD\" ], args: [ \"hook\" ] } ] } }"
	run_refused "arguments and variables"
}

@test "P28: annotations of the listed kinds are stripped" {
	policy '{ annotations: { strip: [ "run.oci.", "org.systemd.property." ] } }'
	config '.annotations = { "org.systemd.property.ExecStartPre": "x", "run.oci.hooks.stdout": "/tmp/x", plain: "stays" }'
	start_sleeper
	same '{"plain":"stays"}' "$(state_of '.annotations | tostring')"
	same 2 "$(record '[ .changes[] | select(.field == "annotations") ] | length')"
}

@test "P29: a bind mount of what the node keeps to itself is refused, by whatever name" {
	victim_new 755
	policy "{ mounts: { denySources: [ \"$VICTIM\" ] } }"
	ln -s "$VICTIM" "$T/link"
	mkdir "$T/alias"
	mount --bind "$VICTIM" "$T/alias"
	config --arg src x '.mounts += [ { destination: "/mnt/x", type: "bind", source: $src, options: [ "rbind" ] } ]'
	local src
	for src in "$VICTIM" "$VICTIM/sub" "$T" / "$VICTIM/../victim/sub" "$T/link" "$T/link/sub" "/proc/self/root$VICTIM" "$T/alias"; do
		config --arg src "$src" '.mounts[-1].source = $src'
		run_refused "mounts["
		contains "$errors" "reaches $VICTIM of the host"
	done
	umount "$T/alias"
	mkdir "$T/open"
	echo open > "$T/open/file"
	config --arg src "$T/open" '.mounts[-1].source = $src'
	payload cat /mnt/x/file
	run_ok
	same open "$output"
	victim_is_whole
}

@test "types, flags and propagation of mounts are held to the node's" {
	policy '{ mounts: { types: [ "bind", "proc", "tmpfs", "devpts", "mqueue", "sysfs", "cgroup" ], bindFlags: [ "nosuid", "nodev" ], propagation: "slave" } }'
	mkdir "$T/open"
	bind_add /mnt/x "$T/open"
	payload grep ' /mnt/x ' /proc/self/mountinfo
	run_ok
	contains "$output" nosuid
	contains "$output" nodev
	config '.mounts[-1].options += [ "rshared" ]'
	run_refused "at most slave is allowed"
	config '.mounts[-1] |= (.type = "overlay" | .options = [ "lowerdir=/" ])'
	run_refused "is not in the list of file systems"
}

# What a policy and a spec come to, without a container: TEXT of a refusal, or what a field became.
explained_refused() {
	local told
	explain
	same 1 "$status"
	told=$(jq -r '.changes[] | select(.action == "refuse") | "\(.field): \(.requested): \(.reason)"' <<< "$output")
	[[ $told == *"$1"* ]] || { fail "expected: $1, told: $told"; return 1; }
}

changed_to() { # FIELD
	explain
	jq -r --arg f "$1" '[ .changes[] | select(.field == $f) | .effective ] | last // "as asked"' <<< "$output"
}

@test "P29: neither the folders of an overlay, nor a disk, nor the root itself is a way to what is denied" {
	policy '{ mounts: { denySources: [ "/etc", "/dev/null" ] } }'
	ln -s /etc "$T/link"
	config --arg l "lowerdir=$T:$T/link" '.mounts += [ { destination: "/mnt", type: "overlay", source: "overlay", options: [ $l ] } ]'
	explained_refused "options: $T/link: reaches /etc of the host"
	config '.mounts[-1].options = [ "lowerdir=/tmp:etc" ]'
	explained_refused "must be absolute"
	config '.mounts[-1] = { destination: "/mnt", type: "ext4", source: "/dev/null" }'
	explained_refused "reaches /dev/null of the host"
	config '.mounts[-1] = { destination: "/mnt", type: "tmpfs", source: "tmpfs" }'
	run_ok
	config '.root.path = "/"'
	explained_refused 'root.path: /: reaches /etc of the host'
	config --arg r "$T/link/alternatives" '.root.path = $r'
	explained_refused "root.path"
}

@test "mounts with ids of their own are the container's, or none" {
	userns_add
	mkdir "$T/volume"
	config --arg s "$T/volume" '.mounts += [ { destination: "/mnt", type: "bind", source: $s, options: [ "bind", "idmap" ] } ]'
	policy '{ mounts: { idmap: "own" } }'
	explain
	same 0 "$status"
	config '.mounts[-1] |= (.options = [ "bind" ] | .uidMappings = [ { containerID: 0, hostID: 4711, size: 1 } ] | .gidMappings = .uidMappings)'
	explained_refused "must be the container's own mappings"
	config '.mounts[-1].uidMappings = .linux.uidMappings | .mounts[-1].gidMappings = .linux.gidMappings'
	explain
	same 0 "$status"
	policy '{ mounts: { idmap: "none" } }'
	explained_refused "no mount may be id-mapped"
}

@test "network devices and classes of a shared cache are those of the node's lists" {
	config '.linux.netDevices = { veth0: {}, eth0: {} }'
	policy '{ netDevices: { allow: [ "veth*" ] } }'
	explained_refused 'linux.netDevices: eth0'
	config 'del(.linux.netDevices.eth0)'
	explain
	same 0 "$status"
	config 'del(.linux.netDevices) | .linux.intelRdt = { closID: "lead" }'
	policy '{ intelRdt: { allow: [ "gold" ] } }'
	explained_refused 'linux.intelRdt.closID: lead'
	policy '{ intelRdt: { allow: [ "gold", "lead" ] } }'
	explain
	same 0 "$status"
}

@test "groups, nice values and types of labels have the node's bounds" {
	policy '{ process: { user: { minGid: 100 } } }'
	config '.process.user = { uid: 1000, gid: 1000, additionalGids: [ 200, 6 ] }'
	explained_refused 'process.user.additionalGids[1]: 6: must be at least 100'
	config '.process.user.additionalGids = []'
	run_ok
	policy '{ process: { nice: { min: 0 } } }'
	config '.process.scheduler = { policy: "SCHED_OTHER", nice: -5 }'
	same 0 "$(changed_to process.scheduler.nice)"
	config 'del(.process.scheduler)'
	policy '{ process: { selinux: { allow: [ "container_t", "unconfined" ] } } }'
	explain
	same 0 "$status"
	config '.process.selinuxLabel = "system_u:system_r:spc_t:s0"'
	explained_refused "process.selinuxLabel"
	config '.process.selinuxLabel = "system_u:system_r:container_t:s0:c1,c2"'
	explain
	same 0 "$status"
}

@test "disks, huge pages, RDMA and weights have the node's maximum, and its default where none is asked for" {
	policy '{ resources: { cpu: { shares: { max: 512 } }, io: { weight: { max: 100 }, disks: { "*": { wbps: { max: "2M", default: "1M" } }, "8:77": { riops: { max: 10 } } } },
		hugetlb: { max: "4M", default: "0" }, rdma: { hcaHandles: { max: 3 } } } }'
	config '.linux.resources = {}'
	same 512 "$(changed_to linux.resources.cpu.shares)"
	local disk
	[[ ! -d /sys/kernel/mm/hugepages/hugepages-2048kB ]] || same 0 "$(changed_to 'linux.resources.hugepageLimits[2MB]')"
	for disk in /sys/block/*; do
		[[ -e $disk && $(< "$disk/size") != 0 ]] || continue
		same 1048576 "$(changed_to "linux.resources.blockIO.throttleWriteBpsDevice[$(< "$disk/dev")]")"
		break
	done
	config '.linux.resources = { cpu: { shares: 100 }, hugepageLimits: [ { pageSize: "64KB", limit: 8388608 } ], rdma: { mlx0: { hcaHandles: 7, hcaObjects: 7 } },
		blockIO: { weight: 500, throttleWriteBpsDevice: [ { major: 8, minor: 77, rate: 4194304 } ], throttleReadIOPSDevice: [ { major: 8, minor: 77, rate: 0 } ] } }'
	same "as asked" "$(changed_to linux.resources.cpu.shares)"
	same 4194304 "$(changed_to 'linux.resources.hugepageLimits[64KB]')"
	same 3 "$(changed_to 'linux.resources.rdma[mlx0].hcaHandles')"
	same 100 "$(changed_to linux.resources.blockIO.weight)"
	same 2097152 "$(changed_to 'linux.resources.blockIO.throttleWriteBpsDevice[8:77]')"
	same 10 "$(changed_to 'linux.resources.blockIO.throttleReadIOPSDevice[8:77]')"
	local file
	for file in cpu.weight io.bfq.weight io.max hugetlb.2MB.max hugetlb.2MB.rsvd.max rdma.max; do
		config --arg f "$file" '.linux.resources = { unified: { ($f): "1" } }'
		explained_refused "linux.resources.unified[$file]"
	done
}

@test "agents listen at the node's sockets, and no filter turns a mitigation off" {
	policy '{ seccomp: { listeners: [ "/run/agents" ], specAllow: false } }'
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/agents/../docker.sock", flags: [ "SECCOMP_FILTER_FLAG_SPEC_ALLOW" ] }'
	explained_refused "linux.seccomp.listenerPath"
	config '.linux.seccomp.listenerPath = "/run/agentsx"'
	explained_refused "linux.seccomp.listenerPath"
	config '.linux.seccomp.listenerPath = "/run/agents/a"'
	same "not this" "$(changed_to linux.seccomp.flags)"
}

@test "P30: exec gets no more than its container, whatever is asked for" {
	policy '{ process: { capabilities: { ceiling: [ "CAP_KILL", "CAP_CHOWN" ] } }, exec: { sameAsContainer: true } }'
	config '.process.user.uid = 1000 | .process.noNewPrivileges = true'
	start_sleeper
	ok exec --cap CAP_SYS_ADMIN --cap CAP_CHOWN "$ID" grep CapBnd /proc/self/status
	same $'CapBnd:\t0000000000000021' "$output"
	refused "the container is not root" exec --user 0 "$ID" true
	# The words it was made under hold, also when the node has others by now.
	globally
	ok exec --cap CAP_SYS_ADMIN "$ID" grep CapBnd /proc/self/status
	same $'CapBnd:\t0000000000000021' "$output"
}

@test "P31: a policy that cannot be trusted or understood refuses every container, and says why" {
	policy '{ process: { noNewPrivileges: true } }'
	run_ok
	chmod 666 "$T/policy.json"
	run_refused "may be written by others (mode 0666)"
	chmod 644 "$T/policy.json"
	chown 1000 "$T/policy.json"
	run_refused "belongs to user 1000, not to root"
	chown 0 "$T/policy.json"
	mv "$T/policy.json" "$T/real.json"
	ln -s real.json "$T/policy.json"
	run_refused "is a symlink"
	rm "$T/policy.json"
	mkfifo "$T/policy.json"
	run_refused "is no regular file"
	rm "$T/policy.json"
	run_refused "open: No such file"
	head -c 60 "$T/real.json" > "$T/policy.json"
	run_refused "policy.json:"
	{ cat "$T/real.json"; head -c $((2 << 20)) /dev/zero | tr '\0' ' '; } > "$T/policy.json"
	run_refused "larger than 1048576 bytes"
	policy '{ process: { noNewPrivilege: true } }'
	run_refused "rules[0].process.noNewPrivilege: no policy of schema"
	policy '{ process: { noNewPrivileges: "yes" } }'
	run_refused "rules[0].process.noNewPrivileges must be true or false"
	policy '{ process: null }'
	run_refused "null says nothing"
	policy '{}' '{ schema: "strake/node-policy/2" }'
	run_refused '"strake/node-policy/2" is not known'
	printf '{ "schema": "strake/node-policy/1", "name": "x", "rules": [ { "name": "a", "name": "b" } ] }' > "$T/policy.json"
	run_refused "the field is given twice"
}

@test "P31: in a user namespace that lacks the host's root, who is nobody there, his policies are believed" {
	local place=$BATS_TMPDIR/place.$ID
	mkdir -m 755 "$place"
	cp "$RUNTIME" "$place/strake" # the tree may lie where only root may go
	echo '{ "schema": "strake/node-policy/1", "name": "mine", "rules": [] }' > "$place/policy.json"
	chmod 644 "$place/policy.json"
	check_in_userns() { setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user "$@" \
		"$place/strake" --policy "$place/policy.json" policy check 2>&1; }
	contains "$(check_in_userns)" "mine"
	contains "$(check_in_userns --mount)" "mine"
	chmod 646 "$place/policy.json"
	contains "$(check_in_userns)" "may be written by others (mode 0646)"
	# Where the host's root is somebody, nobody is not him.
	chmod 644 "$place/policy.json"
	chown 65534 "$place/policy.json"
	contains "$(unshare --user --map-root-user "$place/strake" --policy "$place/policy.json" policy check 2>&1)" \
		"belongs to user 65534, not to root"
	rm -r "$place"
}

@test "P31: a folder of policies that others may write refuses, and one without policies changes nothing" {
	mkdir "$T/d"
	globally --policy "$T/d"
	run_ok
	echo '{}' > "$T/d/readme.txt"
	run_ok
	echo '{}' > "$T/d/a.json"
	run_refused "a.json:1: schema is missing"
	rm "$T/d/a.json"
	chmod 777 "$T/d"
	run_refused "may be written by others (mode 0777)"
	globally --policy "$T/none"
	run_refused "No such file"
}

# /etc/strake of the cage alone, with a key in it; its secret half is $T/secret.
keys() {
	mkdir -p /etc/strake
	mount -t tmpfs -o mode=755 none /etc/strake
	ok policy key "$T/secret"
	echo "$output the owner's" > /etc/strake/policy.keys
}

@test "P32: where the node has a key, what is not signed by it is refused, and says why" {
	keys
	same 600 "$(stat -c %a "$T/secret")"
	cp "$HERE/../../policies/seccomp/default.json" "$T/profile.json"
	policy '{ seccomp: { default: "profile.json" }, process: { noNewPrivileges: true } }'
	run_refused "$T/policy.json is not signed: open $T/policy.json.sig: No such file"
	ok policy --key "$T/secret" sign "$T/policy.json"
	run_refused "profile.json is not signed"
	ok policy --key "$T/secret" sign "$T/profile.json"
	payload true
	run_ok
	ok policy verify "$T/policy.json" "$T/profile.json"
	# Other bytes, no line, another key, a signature of something else, one that others may write.
	cp "$T/policy.json" "$T/kept"
	echo " " >> "$T/policy.json"
	run_refused "its signature does not hold: it is of other bytes"
	refused "it is of other bytes" policy verify "$T/policy.json"
	cp "$T/kept" "$T/policy.json"
	run_ok
	cp "$T/policy.json.sig" "$T/sig"
	cp "$T/profile.json.sig" "$T/policy.json.sig"
	run_refused "it is of other bytes"
	: > "$T/policy.json.sig"
	run_refused "the file is empty"
	tr '0-9' '1-90' < "$T/sig" > "$T/policy.json.sig"
	run_refused "its signature does not hold"
	cp "$T/sig" "$T/policy.json.sig"
	chmod 666 "$T/policy.json.sig"
	run_refused "may be written by others"
	chmod 644 "$T/policy.json.sig"
	rm "$T/policy.json.sig"
	ln -s sig "$T/policy.json.sig"
	run_refused "is not signed"
	rm "$T/policy.json.sig"
	ok policy key "$T/other"
	ok policy --key "$T/other" sign "$T/policy.json"
	run_refused "it is by a key that this node does not have"
	# Two keys, so that one can follow the other.
	ok policy key "$T/third"
	echo "$output" >> /etc/strake/policy.keys
	ok policy --key "$T/third" sign "$T/policy.json"
	run_ok
	# And keys that cannot be read are no reason to do without.
	echo "ed25519 nonsense" > /etc/strake/policy.keys
	run_refused "/etc/strake/policy.keys: a line is no key"
	: > /etc/strake/policy.keys
	run_refused "it is by a key that this node does not have"
	chmod 666 /etc/strake/policy.keys
	run_refused "may be written by others"
	rm /etc/strake/policy.keys
	run_ok
	umount /etc/strake
}

@test "P32: a secret key is its owner's alone, and never overwritten" {
	ok policy key "$T/secret"
	refused "File exists" policy key "$T/secret"
	chmod 640 "$T/secret"
	echo '{}' > "$T/x.json"
	refused "is not yours alone" policy --key "$T/secret" sign "$T/x.json"
	refused "names no file" policy sign "$T/x.json"
	echo rubbish > "$T/key"
	chmod 600 "$T/key"
	refused "this is no secret key of ours" policy --key "$T/key" sign "$T/x.json"
	refused "there are no keys" policy verify "$T/x.json"
}

unhex() { tr a-f A-F | basenc --base16 --decode; }

@test "P32: what openssl signs and verifies is the same" {
	command -v openssl > /dev/null || skip "there is no openssl here"
	ok policy key "$T/secret"
	local public=$output
	echo '{ "a": 1 }' > "$T/x.json"
	ok policy --key "$T/secret" sign "$T/x.json"
	# The key in the form that openssl reads: a fixed head, and 32 bytes.
	{ printf '302a300506032b6570032100'; cut -d' ' -f2 <<< "$public"; } | tr -d '\n' | unhex > "$T/public.der"
	cut -d' ' -f4 "$T/x.json.sig" | tr -d '\n' | unhex > "$T/x.sig"
	openssl pkeyutl -verify -pubin -keyform DER -inkey "$T/public.der" -rawin -in "$T/x.json" -sigfile "$T/x.sig"
}

@test "P33: a rule in audit mode changes nothing, and tells what it would do" {
	policy '{ mode: "audit", process: { capabilities: { ceiling: [] }, user: { root: "never" } } }'
	status_lines '^CapBnd'
	run_ok
	lacks "$output" $'CapBnd:\t0000000000000000'
	start_sleeper
	same 'process.user.uid audit refuse' "$(record '.changes[] | select(.action == "refuse") | [ .field, .mode, .action ] | join(" ")')"
	same none "$(record '.changes[] | select(.field == "process.capabilities.bounding") | .effective')"
}

@test "P36: while policies change, each container is made under one of them, whole" {
	local i pids=() one two
	policy '{ process: { oomScoreAdj: { min: 100 }, rlimits: { RLIMIT_NOFILE: { max: 111 } } } }' '{ generation: 1 }'
	cp "$T/policy.json" "$T/one"
	policy '{ process: { oomScoreAdj: { min: 200 }, rlimits: { RLIMIT_NOFILE: { max: 222 } } } }' '{ generation: 2 }'
	cp "$T/policy.json" "$T/two"
	one=$(sha256sum < "$T/one" | cut -d' ' -f1) two=$(sha256sum < "$T/two" | cut -d' ' -f1)
	payload sleep 1000
	for ((i = 0; i < 50; i++)); do
		cp "$T/$( ((i % 2)) && echo one || echo two)" "$T/next"
		mv "$T/next" "$T/policy.json"
		"$RUNTIME" --root "$ROOT" "${GLOBAL[@]}" create --bundle "$BUNDLE" "$ID-$i" > /dev/null 2>&1 < /dev/null 3>&- &
		pids+=($!)
		((i % 4)) || wait "${pids[-1]}"
	done
	wait "${pids[@]}"
	for ((i = 0; i < 50; i++)); do
		case $(jq -r '[ .policies[0].sha256, .policies[0].generation, ([ .changes[] | .effective ] | join(",")) ] | join(" ")' \
			"$ROOT/$ID-$i/policy.json") in
		"$one 1 111:111,100" | "$two 2 222:222,200") ;;
		*) fail "container $i: $(cat "$ROOT/$ID-$i/policy.json")" ;;
		esac
		ok delete --force "$ID-$i"
	done
}

@test "P37: sysctls that the node does not list are refused, in either spelling" {
	policy '{ sysctl: { allow: [ "net.ipv4.ip_unprivileged_port_start" ] } }'
	config '.linux.sysctl = { "net/ipv4/ip_unprivileged_port_start": "0" }'
	run_ok
	config '.linux.sysctl = { "net.ipv4.ip_forward": "1" }'
	run_refused "is not in the list of sysctls"
	config '.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "0\nx" }'
	run_refused control
}

@test "P39: what the default policy adds to a second start is found, not made again" {
	cp -r "$HERE/../../policies/seccomp" "$T/seccomp"
	cp "$HERE/../../policies/default.json" "$T/policy.json"
	globally --policy "$T/policy.json"
	config 'del(.linux.seccomp)'
	run_ok
	local cache
	cache=$(find "$ROOT" -path '*/.seccomp/*' -type f -printf '%i %T@ %p\n')
	same 2 "$(wc -l <<< "$cache")" # what the profile says, and the filter
	run_ok
	same "$cache" "$(find "$ROOT" -path '*/.seccomp/*' -type f -printf '%i %T@ %p\n')"
}

@test "what is known of a profile is of these capabilities, this text and these files alone" {
	local how where file
	profile() { # a call that is denied, to whom has, or has not, CAP_KILL
		jq -n "{ defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [ { names: ([ \"$1\" ] + [ range(99) | \"no_such_call_\(.)\" ]),
			action: \"SCMP_ACT_ERRNO\", $2: { caps: [ \"CAP_KILL\" ] } } ] }" > "$T/profile.json"
	}
	getppid_is() { # with capabilities: what comes of it
		config --argjson caps "$1" 'del(.linux.seccomp) | .process.capabilities |= map_values($caps)'
		rt run --bundle "$BUNDLE" "$ID"
		same "$1: $2" "$1: $output"
	}
	payload probe syscall getppid
	policy '{ seccomp: { default: "profile.json" } }'
	profile getppid includes
	getppid_is '[ "CAP_KILL" ]' EPERM
	getppid_is '[]' 0
	getppid_is '[ "CAP_KILL" ]' EPERM
	profile lseek includes
	getppid_is '[ "CAP_KILL" ]' 0
	profile getppid excludes
	getppid_is '[ "CAP_KILL" ]' 0
	getppid_is '[]' EPERM
	cp -rp "$ROOT/.seccomp" "$T/good"
	for how in altered short turned writable foreign shared; do
		rm -r "$ROOT/.seccomp"
		cp -rp "$T/good" "$ROOT/.seccomp"
		where=("$ROOT"/.seccomp/*)
		for file in "${where[@]}"; do
			case $how in
			altered) printf x | dd of="$file" bs=1 seek=300 conv=notrunc status=none ;;
			short) truncate -s -1 "$file" ;;
			turned) cp "$(find "$T/good" -type f -size +2 -not -name "${file##*/}" | sort | head -n 1)" "$file" ;;
			writable) chmod 620 "$file" ;;
			foreign) chown 1000 "$file" ;;
			shared) chmod 770 "$ROOT/.seccomp" ;;
			esac
		done
		getppid_is '[]' EPERM
		getppid_is '[ "CAP_KILL" ]' 0
	done
}

@test "P40: explain on a bundle is what is recorded when it starts" {
	policy '{ process: { noNewPrivileges: true, capabilities: { ceiling: [ "CAP_KILL" ] },
			rlimits: { RLIMIT_NOFILE: { max: 100 } }, oomScoreAdj: { min: 100 } },
		paths: { masked: [ "/proc/version" ] }, root: { readonly: true } }'
	explain
	same 0 "$status"
	echo "$output" > "$T/explained"
	start_sleeper
	cmp "$T/explained" "$ROOT/$ID/policy.json"
	same 100:100 "$(record '.changes[] | select(.field | startswith("process.rlimits")) | .effective')"
	same 100 "$(cat "/proc/$(pid_of)/oom_score_adj")"
	contains "$(cat "/proc/$(pid_of)/limits" | tr -s ' ')" "Max open files 100 100"
}

@test "an update gets no more than the node's maximum" {
	policy '{ resources: { pids: { max: 20 } } }'
	grep -qw pids /sys/fs/cgroup/cgroup.controllers || skip "cgroup version 2 has no controller pids here"
	start_sleeper
	same 20 "$(cat "$CG/pids.max")"
	ok update --pids-limit 100 "$ID"
	same 20 "$(cat "$CG/pids.max")"
	ok update --pids-limit 10 "$ID"
	same 10 "$(cat "$CG/pids.max")"
}

@test "the node's own folder holds without any option" {
	mkdir -p /etc/strake
	mount -t tmpfs -o mode=755 none /etc/strake
	mkdir /etc/strake/policy.d
	policy '{ process: { user: { root: "never" } } }'
	cp "$T/policy.json" /etc/strake/policy.d/10-edge.json
	globally
	run_refused "root is not allowed (node policy \"edge\", rule \"floor\")"
	umount /etc/strake
	run_ok
}

@test "policy check lists what holds, policy diff what two do not share" {
	policy '{ process: { noNewPrivileges: true } }'
	ok policy check
	contains "$output" 'policy "edge", generation 3, 1 rule'
	cp "$T/policy.json" "$T/other.json"
	ok policy diff "$T/policy.json" "$T/other.json"
	same "" "$output"
	jq '.rules[0].root = { readonly: true }' "$T/policy.json" > "$T/other.json"
	exits 1 policy diff "$T/policy.json" "$T/other.json"
	contains "$output" "- edge/floor"
	contains "$output" "+ edge/floor"
	globally
	ok policy check
	same "no node policies" "$output"
}

@test "policy score is lower under a policy, lowest under the strictest, and names what is open" {
	local none default restricted
	score() { ok policy --bundle "$BUNDLE" --json score; jq -e '.items | length > 10' <<< "$output" > /dev/null; jq "$1" <<< "$output"; }
	none=$(score '.score * 10')
	ok policy --bundle "$BUNDLE" score
	contains "$output" "no system call filter"
	contains "$output" " of 10, where 0 is closed"
	globally --policy "$HERE/../../policies/default.json"
	default=$(score '.score * 10')
	ok policy --bundle "$BUNDLE" score
	lacks "$output" "no system call filter"
	globally --policy "$HERE/../../policies/restricted.json"
	config '.process.user.uid = 1000'
	restricted=$(score '.score * 10')
	[[ ${none%.*} -gt ${default%.*} && ${default%.*} -gt ${restricted%.*} ]] || fail "$none, $default, $restricted"
	# Everything that a privileged container is given.
	globally
	config '.process.user.uid = 0 | .process.capabilities.bounding = [ "CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_NET_ADMIN", "CAP_MKNOD" ] | del(.linux.maskedPaths, .linux.readonlyPaths)'
	namespace_remove pid
	[[ $(score '.score * 10 | floor') -gt ${none%.*} ]]
}

@test "policy simulate says what becomes of a call, and by which rule" {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	policy '{ seccomp: { deny: [ { names: [ "socket" ], errno: "EAFNOSUPPORT", args: [ { index: 0, value: 38, op: "SCMP_CMP_EQ" } ] } ],
		abis: [ "native" ] } }'
	ok policy --bundle "$BUNDLE" simulate --syscall socket 38 5 0
	same 'socket(38, 5, 0) of x86_64: EAFNOSUPPORT (node policy "edge", rule "floor"); as it was asked for: allowed' "$output"
	ok policy --bundle "$BUNDLE" simulate --syscall socket 2 5 0
	same 'socket(2, 5, 0) of x86_64: allowed' "$output"
	ok policy --bundle "$BUNDLE" simulate --syscall socket 2 5 0 --abi i386
	contains "$output" 'of i386: the thread is killed (node policy "edge", rule "floor")'
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 13, syscalls: [ { names: [ "read", "close" ], action: "SCMP_ACT_ALLOW" } ] }'
	ok policy --bundle "$BUNDLE" --json simulate --syscall write 1
	same "write 1 x86_64 EACCES EACCES null" "$(jq -r '"\(.name) \(.nr) \(.abi) \(.requested) \(.effective) \(.rule)"' <<< "$output")"
	refused 'has no call "wryte"' policy --bundle "$BUNDLE" simulate --syscall wryte
	refused 'cannot run calls of aarch64' policy --bundle "$BUNDLE" simulate --syscall read --abi aarch64
	refused "no call is given" policy --bundle "$BUNDLE" simulate
}

# --- the shipped ones ------------------------------------------------------------------------------

shipped() { globally --policy "$HERE/../../policies/$1.json"; }
user_and_caps() { config '.process.user = { uid: 1000, gid: 1000 } | .process.noNewPrivileges = false'; }

@test "default.json: an ordinary container runs, with a filter that its client forgot, and without io_uring" {
	shipped default
	config '.process.capabilities.inheritable = [ "CAP_KILL" ]'
	script 'grep -E "^(Seccomp|CapInh):" /proc/self/status; echo x > /tmp/x'
	run_ok
	same $'CapInh:\t0000000000000000\nSeccomp:\t2' "$output"
	# A client's own profile stays, and the node's denials come on top.
	[[ $(uname -m) == x86_64 ]] || return 0
	config '.linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW" }'
	payload probe syscall 425
	rt run --bundle "$BUNDLE" "$ID"
	same ENOSYS "$output"
}

@test "baseline.json: an ordinary container runs, and privileges, the host's namespaces and its files are refused" {
	shipped baseline
	config '.process.capabilities |= map_values(. + [ "CAP_SYS_ADMIN", "CAP_NET_RAW" ])'
	script 'grep CapBnd /proc/self/status | cut -f2; echo x > /tmp/x; id -u'
	run_ok
	lacks "$output" 3fffffffff
	same 0 "$(( 0x$(head -n1 <<< "$output") & (1 << 21 | 1 << 13) ))"
	bind_add /mnt/host /
	run_refused "of the host"
	config 'del(.mounts[-1])'
	namespace_remove network
	run_refused "linux.namespaces[network]"
}

@test "restricted.json: a user's container runs, with all of it on; root is refused but for a user namespace" {
	shipped restricted
	run_refused "root is only allowed in a user namespace"
	user_and_caps
	script 'grep -E "^(NoNewPrivs|Seccomp|CapEff):" /proc/self/status; sh -c "echo fine"'
	run_ok
	same $'CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nfine' "$output"
	config '.process.user = { uid: 0, gid: 0 }'
	userns_add
	run_ok
	contains "$output" fine
}

# nginx, redis and PostgreSQL as Debian packs them, below the bundle's own busybox; as a user, on a root that is
# read-only.
IMAGE=$HERE/../../build/images/servers

servers() {
	local dir
	[[ -x $IMAGE/usr/sbin/nginx ]] || skip "nginx, redis and PostgreSQL are not unpacked here: hack/debian image own build/images/servers nginx-light redis-server postgresql"
	for dir in usr lib lib64 etc/nginx etc/postgresql-common; do
		mkdir -p "$BUNDLE/rootfs/$(dirname "$dir")"
		if [[ -L $IMAGE/$dir ]]; then
			cp -P "$IMAGE/$dir" "$BUNDLE/rootfs/$dir"
		elif [[ -d $IMAGE/$dir ]]; then
			mkdir -p "$BUNDLE/rootfs/$dir"
			bind_add "/$dir" "$IMAGE/$dir" rbind ro
		fi
	done
	mkdir -p "$BUNDLE/rootfs/srv"
	mount_add /srv tmpfs tmpfs mode=1777
	mount_add /tmp tmpfs tmpfs mode=1777
	config '.process.user = { uid: 1000, gid: 1000 } | .process.env = [ "PATH=/bin:/usr/sbin:/usr/bin" ] | .root.readonly = true'
}

serves() { # policy, wanted
	servers
	cp -r "$HERE/../../policies/seccomp" "$T/seccomp"
	# The rule of database.json is for containers below a cgroup; the cage's own is elsewhere.
	jq 'del(.rules[].match)' "$HERE/../../policies/$1.json" > "$T/$1.json"
	globally --policy "$T/$1.json" --policy-report "$T/report"
	run_ok
	same "$2" "$output"
}

nginx_script() {
	script 'echo "hello of nginx" > /srv/index.html; mkdir -p /tmp/n
		cat > /tmp/nginx.conf <<-END
			daemon off; pid /tmp/n/pid; error_log stderr warn; worker_processes 2;
			events { worker_connections 64; }
			http { access_log off; client_body_temp_path /tmp/n/b; proxy_temp_path /tmp/n/p; fastcgi_temp_path /tmp/n/f;
				uwsgi_temp_path /tmp/n/u; scgi_temp_path /tmp/n/s; sendfile on; aio threads;
				server { listen 127.0.0.1:8080; root /srv; } }
		END
		nginx -e stderr -c /tmp/nginx.conf &
		n=0; until wget -qO- http://127.0.0.1:8080/index.html 2> /dev/null; do n=$((n + 1)); test $n -lt 200 || exit 1; sleep 0.05; done
		kill -QUIT $!; wait $!; grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status'
}

redis_script() {
	script 'redis-server --port 0 --unixsocket /tmp/r.sock --dir /srv --appendonly yes > /tmp/log 2>&1 &
		n=0; until redis-cli -s /tmp/r.sock set ship strake 2> /dev/null; do n=$((n + 1)); test $n -lt 200 || { cat /tmp/log; exit 1; }; sleep 0.05; done
		redis-cli -s /tmp/r.sock get ship; redis-cli -s /tmp/r.sock save; redis-cli -s /tmp/r.sock shutdown nosave
		wait $!; grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status'
}

postgres_script() {
	script 'export PATH=$(echo /usr/lib/postgresql/*/bin):/bin LC_ALL=C PGHOST=/tmp
		initdb -D /srv/pg -A trust -U sailor > /tmp/log 2>&1 || { cat /tmp/log; exit 1; }
		pg_ctl -D /srv/pg -o "-k /tmp -h \"\"" -w -l /tmp/log start > /dev/null || { cat /tmp/log; exit 1; }
		psql -U sailor -d postgres -Atc "select 6 * 7"
		pg_ctl -D /srv/pg -m fast -w stop > /dev/null
		grep -E "^(NoNewPrivs|Seccomp|CapBnd):" /proc/self/status; touch /x 2> /dev/null || echo read-only'
	mount_add /dev/shm tmpfs tmpfs mode=1777
}

@test "default.json: nginx serves a page" { nginx_script; serves default $'hello of nginx\nNoNewPrivs:\t0\nSeccomp:\t2'; }
@test "restricted.json: nginx serves a page" { nginx_script; serves restricted $'hello of nginx\nNoNewPrivs:\t1\nSeccomp:\t2'; }
@test "restricted.json: redis keeps a value" { redis_script; serves restricted $'OK\nstrake\nOK\nNoNewPrivs:\t1\nSeccomp:\t2'; }
@test "database.json: redis keeps a value" { redis_script; serves database $'OK\nstrake\nOK\nNoNewPrivs:\t1\nSeccomp:\t2'; }
@test "database.json: PostgreSQL makes a cluster and answers, as a user, on a root that is read-only" {
	postgres_script
	serves database $'42\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nread-only'
}
