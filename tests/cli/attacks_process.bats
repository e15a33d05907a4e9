#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Attacks by processes: on the runtime's executable, its descriptors, the terminal, keyrings, procfs
# and system calls. The numbers are those of tests/cli/README.md. All run against other runtimes, too
# (OCI_RUNTIME), but for what asks for strake's own profile.

load helpers

# How often a race is run.
RACES=${CLI_RACES:-30}

all_capabilities() {
	config --argjson last "$(cat /proc/sys/kernel/cap_last_cap)" '
		[ "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
		"LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
		"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
		"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP" ] as $all |
		.process.capabilities = ([ "bounding", "permitted", "effective" ] | map({ (.): ($all | map("CAP_" + .)) }) | add)'
}

# --- A1: the runtime's own executable ---

# A copy that may be spoiled.
runtime_copy() {
	cp "$RUNTIME" "$T/runtime"
	RUNTIME=$T/runtime
	RUNTIME_BEFORE=$(sha256sum "$T/runtime")
}

@test "A1: the executable cannot be written while it is the container's program" {
	runtime_copy
	all_capabilities
	# As its own first process it waits for somebody to read its log.
	mkfifo "$BUNDLE/rootfs/fifo"
	payload /proc/self/exe --log /fifo features
	create
	ok start "$ID" || true
	rt exec "$ID" sh -c 'for i in 1 2 3; do probe open /proc/1/exe w; done; (sleep 1; touch /stop) & probe overwrite /proc/1/exe'
	no grep -qxE 'open|overwritten' <<< "$output"
	same "$RUNTIME_BEFORE" "$(sha256sum "$T/runtime")"
	rt kill "$ID" KILL
	rt exec "$ID" true
	same "$RUNTIME_BEFORE" "$(sha256sum "$T/runtime")"
}

@test "A1: nor through a script whose interpreter is /proc/self/exe" {
	runtime_copy
	all_capabilities
	printf '#!/proc/self/exe\n' > "$BUNDLE/rootfs/entry"
	chmod 755 "$BUNDLE/rootfs/entry"
	payload /entry
	rt run --bundle "$BUNDLE" "$ID"
	same "$RUNTIME_BEFORE" "$(sha256sum "$T/runtime")"
}

@test "A1: nor while a created container waits, nor in the moment of an exec" {
	local i
	runtime_copy
	all_capabilities
	payload sleep 1000
	create
	rt exec "$ID" probe open /proc/1/exe w
	no grep -qx open <<< "$output"
	ok start "$ID"
	# Inside, one tries the executable of every newcomer, for writing, as long as it holds it.
	ok exec --detach "$ID" sh -c 'while ! test -e /stop; do for p in /proc/[0-9]*/exe; do
		(probe overwrite $p & sleep 0.1; kill -9 $!) 2> /dev/null; done; done > /tried 2>&1'
	for ((i = 0; i < RACES; i++)); do
		rt exec "$ID" true
	done
	touch "$BUNDLE/rootfs/stop"
	no grep -q overwritten "$BUNDLE/rootfs/tried"
	same "$RUNTIME_BEFORE" "$(sha256sum "$T/runtime")"
}

# --- A2: descriptors of a process that joins ---

# What is the container's own, files that its caller gave it, a socket that cannot be opened, and the sealed executable.
HARMLESS='^(fd (/dev/null|/seen|/.*/create\.(out|err)|(pipe|socket):.*|/proc/.*|/)|cwd /|root /|exe (/|/bin/.*))$'

@test "A2: a container that may trace sees nothing of the host in processes that join it" {
	local i
	all_capabilities
	cp "$CLI_BIN/watch" "$BUNDLE/rootfs/bin/lookout" # busybox has a "watch"
	payload sh -c 'lookout > /seen'
	"$RUNTIME" --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID" < /dev/null > /dev/null 2>&1
	for ((i = 0; i < RACES; i++)); do
		"$RUNTIME" --root "$ROOT" exec "$ID" true < /dev/null > /dev/null 2>&1
	done
	touch "$BUNDLE/rootfs/stop"
	wait_for file_has "$BUNDLE/rootfs/seen"
	# It did see the programs themselves, so it would have seen more.
	grep -q '^exe /bin/' "$BUNDLE/rootfs/seen"
	same "" "$(grep -vE "$HARMLESS" "$BUNDLE/rootfs/seen")"
}

@test "A2: nor where only a process that was executed before may trace" {
	local i
	cp "$CLI_BIN/watch" "$BUNDLE/rootfs/bin/lookout"
	start_sleeper
	ok exec --cap CAP_SYS_PTRACE --detach "$ID" sh -c 'lookout > /seen'
	wait_for file_has "$BUNDLE/rootfs/seen"
	for ((i = 0; i < RACES; i++)); do
		"$RUNTIME" --root "$ROOT" exec "$ID" true < /dev/null > /dev/null 2>&1
	done
	touch "$BUNDLE/rootfs/stop"
	grep -q '^exe /bin/' "$BUNDLE/rootfs/seen"
	same "" "$(grep -vE "$HARMLESS" "$BUNDLE/rootfs/seen")"
}

# --- A7: inheritable capabilities ---

@test "A7: nothing is inheritable where the config does not say so, in run and exec, with --cap too" {
	payload sleep 1000
	config '.process.user.uid = 0'
	start
	ok exec "$ID" grep -E '^Cap(Inh|Amb)' /proc/1/status
	same 0000000000000000 "$(awk '{ print $2 }' <<< "$output" | uniq)"
	ok exec --cap CAP_NET_RAW "$ID" grep -E '^Cap(Inh|Amb)' /proc/self/status
	same 0000000000000000 "$(awk '{ print $2 }' <<< "$output" | uniq)"
	ok exec --user 1000 --cap CAP_NET_RAW "$ID" grep -E '^Cap(Inh|Amb|Eff|Prm)' /proc/self/status
	same 0000000000000000 "$(awk '{ print $2 }' <<< "$output" | uniq)"
}

@test "A7: nothing of the caller's is inherited either" {
	payload grep -E '^Cap(Inh|Amb)' /proc/self/status
	output=$(setpriv --inh-caps +kill,+chown --ambient-caps +kill,+chown "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID")
	same 0000000000000000 "$(awk '{ print $2 }' <<< "$output" | uniq)"
}

# --- A31: the terminal ---

@test "A31: characters cannot be pushed into the caller's terminal" {
	payload probe push 'echo pushed into the shell
'
	output=$(command script -qec "$RUNTIME --root $ROOT run --bundle $BUNDLE $ID" /dev/null < /dev/null) || true
	lacks "$output" pushed
	# EPERM: it is not the controlling terminal of the container. EIO: the kernel has it switched off.
	[[ $output == *EPERM* || $output == *EIO* ]] || fail "$output"
}

@test "A31: exec does not give the caller's terminal away either" {
	start_sleeper
	output=$(command script -qec "$RUNTIME --root $ROOT exec $ID probe push x" /dev/null < /dev/null) || true
	lacks "$output" pushed
	[[ $output == *EPERM* || $output == *EIO* ]] || fail "$output"
}

# --- A32: keys ---

@test "A32: the caller's keys are not the container's, in run and exec" {
	payload probe key treasure
	# It is there to be found where the keyring is passed on.
	output=$("$CLI_BIN/probe" with-key treasure "$RUNTIME" --root "$ROOT" run --no-new-keyring --bundle "$BUNDLE" "$ID")
	[[ $output =~ ^[0-9]+$ ]] || fail "$output"
	output=$("$CLI_BIN/probe" with-key treasure "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID") || true
	same ENOKEY "$output"
	start_sleeper
	output=$("$CLI_BIN/probe" with-key treasure "$RUNTIME" --root "$ROOT" exec "$ID" probe key treasure) || true
	same ENOKEY "$output"
}

@test "A32: /proc/keys shows nothing" {
	payload sh -c 'wc -c < /proc/keys'
	output=$("$CLI_BIN/probe" with-key treasure "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID")
	same 0 "$output"
}

# --- A33: what the kernel tells ---

# Each default mask that this kernel has: empty, and for root too unchangeable.
masks_hold() { # shell to get there
	$1 'for p in /proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/scsi \
		/sys/firmware /sys/devices/virtual/powercap; do
		test -e $p || continue
		if test -d $p; then test "$(ls $p | wc -l)" = 0 || echo "$p is not empty"
			touch $p/x 2> /dev/null && echo "$p takes files"
		else test "$(wc -c < $p)" = 0 || echo "$p is not empty"; fi
		umount $p 2> /dev/null && echo "$p is gone"
		echo "$p"
	done
	for p in /proc/bus /proc/fs /proc/irq /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do
		test -d $p && { touch $p/x 2> /dev/null && echo "$p takes files"; }
		test -f $p && { probe open $p w | grep -qx EROFS || echo "$p can be written"; }
		umount $p 2> /dev/null && echo "$p is gone"
	done; true'
}
inside_run() { script "$1"; run_ok; }
inside_exec() { ok exec "$ID" sh -ec "$1"; }

@test "A33: masks are empty and read-only paths are, and neither can be taken off, in run and exec" {
	masks_hold inside_run
	no grep -E 'is not empty|takes|can be|is gone' <<< "$output"
	grep -q /proc/keys <<< "$output"
	start_sleeper
	masks_hold inside_exec
	no grep -E 'is not empty|takes|can be|is gone' <<< "$output"
	grep -q /proc/keys <<< "$output"
}

@test "A33: a second procfs does not show what the first one hides" {
	# As an ordinary root, and as root of a user namespace of one's own.
	config '.process.capabilities |= map_values(. + [ "CAP_SETFCAP" ])'
	script 'mkdir /p; mount -t proc proc /p 2>&1; unshare -U -r -m -p -f mount -t proc proc /p 2>&1; ls /p'
	config '.process.args[1] = "-c"'
	run_ok
	same 2 "$(grep -ci 'permission denied\|operation not permitted' <<< "$output")"
	lacks "$output" kcore
}

# --- A34: cgroup v1 and new mounts ---

@test "A34: no cgroup hierarchy can be mounted from inside, with and without a user namespace" {
	config '.process.capabilities |= map_values(. + [ "CAP_SETFCAP" ])'
	script 'mkdir /c
		mount -t cgroup -o memory cgroup /c && echo mounted 1
		mount -t cgroup2 cgroup2 /c && echo mounted 2
		unshare -U -r -m sh -c "mount -t cgroup -o memory cgroup /c && echo mounted 3"
		unshare -U -r -m -C sh -c "mount -t cgroup -o rdma cgroup /c && echo mounted 4"
		find / -name release_agent 2> /dev/null; true'
	config '.process.args[1] = "-c"'
	run_ok
	lacks "$output" mounted
	lacks "$output" release_agent
	userns_add
	run_ok
	lacks "$output" mounted
	lacks "$output" release_agent
}

# --- A37: system calls of the default profile ---

# i386 has its own numbers: name, x86_64, i386 (- where it has none), expected
floor='kexec_load 246 283
kexec_file_load 320 -
init_module 175 128
finit_module 313 350
delete_module 176 129
bpf 321 357
perf_event_open 298 336
open_by_handle_at 304 342
acct 163 51
swapon 167 87
swapoff 168 115
reboot 169 88
iopl 172 110
ioperm 173 101
add_key 248 286
request_key 249 287
keyctl 250 288
userfaultfd 323 374
io_uring_setup 425 425
io_uring_enter 426 426
io_uring_register 427 427
settimeofday 164 79
clock_settime 227 264
syslog 103 103
mount 165 21
umount2 166 52
pivot_root 155 217
open_tree 428 428
move_mount 429 429
fsopen 430 430
fsmount 432 432
mount_setattr 442 442
setns 308 346
unshare 272 310
quotactl 179 131
lookup_dcookie 212 253
move_pages 279 317'

default_profile() {
	[[ $(uname -m) == x86_64 ]] || skip "the numbers of the system calls are those of x86_64"
	[[ ! $FOREIGN ]] || skip "the default profile is strake's"
	ok spec --bundle "$BUNDLE" --seccomp "$HERE/../../policies/seccomp/default.json"
	jq -e .linux.seccomp "$BUNDLE/config.json" > /dev/null
}

@test "A37: the default profile denies what no container needs, to 64-bit and 32-bit programs" {
	local name n64 n32
	default_profile
	: > "$T/calls"
	while read -r name n64 n32; do
		# With -1 everywhere: even what is let through could do no harm.
		echo "echo $name 64 \$(probe syscall $n64 -1 -1 -1 -1 -1)" >> "$T/calls"
		[[ $n32 == - ]] || echo "r=\$(probe syscall32 $n32 -1 -1 -1 -1 -1); echo $name 32 \$r \$?" >> "$T/calls"
	done <<< "$floor"
	payload sh -c "$(cat "$T/calls")"
	run_ok
	# A 32-bit program is killed (128 and SIGSYS) at its first call: that architecture is not listed.
	same "" "$(grep -vE ' 64 (EPERM|ENOSYS)$| 32 159$| 32 (EPERM|ENOSYS) 1$' <<< "$output")"
	same "$(wc -l < "$T/calls")" "$(wc -l <<< "$output")"
}

@test "A37: without io_uring, clone3 and calls from the future programs get ENOSYS and can fall back" {
	default_profile
	script 'for n in 425 426 427 435 9999; do probe syscall $n -1 -1 || true; done'
	run_ok
	same ENOSYS "$(grep -vx EPERM <<< "$output" | sort -u)"
	same 2 "$(grep -cx ENOSYS <<< "$(tail -n 2 <<< "$output")")"
}

@test "A37: sockets of families that reach the kernel's depths are denied: AF_ALG, AF_VSOCK" {
	default_profile
	# And with bits set that the kernel does not look at.
	script 'for f in 38 40 4294967334 4294967336; do echo $f $(probe syscall 41 $f 5 0); done
		echo inet $(probe syscall 41 2 1 0)'
	run_ok
	same "" "$(grep -E '^(38|40|429).* [0-9]+$' <<< "$output")"
	[[ $(tail -n 1 <<< "$output") =~ ^inet\ [0-9]+$ ]]
}

@test "A37: neither namespaces by clone nor odd personalities pass the default profile" {
	default_profile
	# clone(CLONE_NEWUSER|SIGCHLD); personality(READ_IMPLIES_EXEC)
	script 'echo clone $(probe syscall 56 0x10000011 0 0 0 0); echo personality $(probe syscall 135 0x0400000)'
	run_ok
	same "" "$(grep -vE '^(clone|personality) (EPERM|ENOSYS)$' <<< "$output")"
	same 2 "$(wc -l <<< "$output")"
}

@test "the default profile lets an ordinary shell and its tools work" {
	default_profile
	script 'ls / > /dev/null; echo a | cat | grep -q a; (sleep 0.01 & wait); mkdir /tmp/d; touch /tmp/d/f; mv /tmp/d/f /tmp/d/g
		chmod 600 /tmp/d/g; chown 1 /tmp/d/g; ln -s g /tmp/d/l; rm -r /tmp/d; ps > /dev/null; id > /dev/null; date > /dev/null
		dd if=/dev/zero of=/tmp/z bs=1k count=1 2> /dev/null; tar c /tmp/z 2> /dev/null | tar t > /dev/null; busybox ip link > /dev/null; echo fine'
	run_ok
	same fine "$output"
}
