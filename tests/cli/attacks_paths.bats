#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Attacks by paths: symlinks, mounts and races of a hostile image or volume. A decoy tree outside of
# the root file system must never be reached: an attack is refused, or it changes and shows nothing.
# The numbers are those of tests/cli/README.md. All run against other runtimes, too (OCI_RUNTIME).

load helpers

# How often a race is run; five thousand times find what is left to find.
RACES=${CLI_RACES:-60}

# The attacked run: whatever it says, the victim is whole and nothing of it is shown.
# shellcheck disable=SC2120
attack() {
	rt run --bundle "$BUNDLE" "$@" "$ID"
	victim_is_whole
	lacks "$output$errors" "the hold of the ship"
}

without_dev() { config 'del(.mounts[] | select(.destination | startswith("/dev")))'; }

# --- A3: directories that the caller left open ---

# Files 3 to 30 of the runtime are the victim. In a subshell: bats itself needs some of them.
with_victim_open() {
	output=$(
		for fd in {3..30}; do
			eval "exec $fd< '$VICTIM'"
		done
		"$RUNTIME" --root "$ROOT" "$@" 2>&1 < /dev/null
	) || true
	lacks "$output" "the hold of the ship"
	lacks "$output" "$VICTIM"
}

@test "A3: the caller's open folder is no working directory, by any number" {
	local fd
	victim_new
	payload sh -c 'probe getcwd; cat secret ../victim/secret ./*'
	for fd in 3 4 5 6 7 8 9 10 11 12 13 14 20 29 30; do
		config --arg c "/proc/self/fd/$fd" '.process.cwd = $c'
		with_victim_open run --bundle "$BUNDLE" "$ID$fd"
		config --arg c "/proc/self/fd/$fd/sub/.." '.process.cwd = $c'
		with_victim_open run --bundle "$BUNDLE" "$ID$fd"
	done
}

@test "A3: neither is it through a symlink of the image, nor from there upward" {
	local cwd
	victim_new
	ln -s /proc/self/fd/9 "$BUNDLE/rootfs/nine"
	ln -s /proc/self/fd "$BUNDLE/rootfs/fds"
	payload sh -c 'probe getcwd; cat secret ../victim/secret ./*'
	for cwd in /nine /nine/.. /nine/../victim /fds/9 /fds/20/../.. /proc/1/fd/9 /proc/thread-self/fd/9; do
		config --arg c "$cwd" '.process.cwd = $c'
		with_victim_open run --bundle "$BUNDLE" "$ID"
		rt delete --force "$ID"
	done
}

@test "A3: exec --cwd does not reach it either" {
	local fd
	victim_new
	start_sleeper
	for fd in 3 5 7 9 11 20 30; do
		with_victim_open exec --cwd "/proc/self/fd/$fd" "$ID" sh -c 'probe getcwd; cat secret ./*'
	done
}

@test "A3: a program of the host is not run through an open file" {
	local fd
	victim_new
	cat > "$VICTIM/program" << 'EOF'
#!/bin/sh
echo the hold of the ship
EOF
	chmod 755 "$VICTIM/program"
	for fd in 3 5 7 8 9 10 12 20; do
		config --arg p "/proc/self/fd/$fd" '.process.args = [ $p ]'
		output=$(eval "\"\$RUNTIME\" --root \"\$ROOT\" run --bundle \"\$BUNDLE\" \"\$ID$fd\" $fd< '$VICTIM/program'" 2>&1) || true
		lacks "$output" "the hold of the ship"
	done
}

# --- A4: fake procfs ---

@test "A4: nothing is mounted over the parts of procfs that a runtime writes to" {
	local where
	mkdir "$T/fake"
	echo fake > "$T/fake/exec"
	payload true
	for where in /proc/self/attr /proc/1 /proc/sys /proc/self/fd /proc/self /proc/thread-self/attr \
		/proc/sys/kernel /proc//self/./attr /proc/../proc/self/attr; do
		config 'del(.mounts[7:])'
		mount_add "$where" tmpfs tmpfs
		refused "" run --bundle "$BUNDLE" "$ID"
		config 'del(.mounts[7:])'
		bind_add "$where" "$T/fake"
		refused "" run --bundle "$BUNDLE" "$ID"
	done
}

@test "A4: /proc itself is a procfs" {
	mkdir -p "$T/fake/self/attr"
	payload true
	config '.mounts[0] |= { destination: "/proc", type: "tmpfs", source: "tmpfs" }'
	refused "" run --bundle "$BUNDLE" "$ID"
	config --arg s "$T/fake" '.mounts[0] |= { destination: "/proc", type: "bind", source: $s, options: [ "bind" ] }'
	refused "" run --bundle "$BUNDLE" "$ID"
}

@test "the host's procfs may be bound where the container has the host's processes" {
	namespace_remove pid
	config '.mounts[0] |= { destination: "/proc", type: "bind", source: "/proc", options: [ "rbind" ] }'
	payload sh -c 'test -e /proc/self/status && echo procfs'
	run_ok
	same procfs "$output"
	# A part of one is none.
	config '.mounts[0].source = "/proc/self"'
	refused "the source is no procfs" run --bundle "$BUNDLE" "$ID"
}

@test "A4: a symlink of the image leads no mount into procfs" {
	ln -s /proc/self/attr "$BUNDLE/rootfs/attr"
	ln -s /proc "$BUNDLE/rootfs/p"
	payload true
	mount_add /attr tmpfs tmpfs
	refused "" run --bundle "$BUNDLE" "$ID"
	config '.mounts[7].destination = "/p/sys"'
	refused "" run --bundle "$BUNDLE" "$ID"
}

@test "the files of procfs that monitoring covers may be covered" {
	echo "MemTotal: 1 kB" > "$T/meminfo"
	bind_add /proc/meminfo "$T/meminfo" ro
	payload cat /proc/meminfo
	run_ok
	same "MemTotal: 1 kB" "$output"
}

# --- A5, A11: races on a shared volume ---

# A volume whose "side" is at one moment a folder and at the next a symlink to the victim.
volume_new() {
	victim_new 755
	mkdir -p "$T/volume/side/sub"
	touch "$T/volume/side/file"
	ln -s "$1" "$T/volume/other"
	bind_add /volume "$T/volume"
	background "$CLI_BIN/exchange" "$T/volume/side" "$T/volume/other"
}

race() {
	local i host
	host=$(cat /proc/self/mountinfo)
	payload sh -c 'cat /proc/self/mountinfo; cat /volume/side/sub/secret /volume/side/secret 2> /dev/null || true'
	for ((i = 0; i < RACES; i++)); do
		rt run --bundle "$BUNDLE" "$ID"
		lacks "$output" "the hold of the ship"
		# The symlink may well lead to a place of that name inside the image, but not to ours.
		same "" "$(awk '$4 ~ "victim"' <<< "$output")"
	done
	kill -0 "$background"
	same "$host" "$(cat /proc/self/mountinfo)"
	victim_is_whole
}

@test "A5: a mount target that becomes a symlink while it is mounted leads nowhere" {
	volume_new "$T/victim"
	mount_add /volume/side/sub tmpfs tmpfs
	race
}

@test "A5: neither do relative symlinks, nor a later mount that takes it for its source" {
	volume_new ../../../../../../../../../../../../"$T/victim"
	mount_add /volume/side/sub tmpfs tmpfs
	bind_add /volume/side/file /etc/hostname
	race
}

@test "A11: a mount target that is made while its parent becomes a symlink is made nowhere else" {
	volume_new "$T/victim"
	mount_add /volume/side/new/folder tmpfs tmpfs
	bind_add /volume/side/fresh/file /etc/hostname
	race
}

# --- A9: cgroups ---

@test "A9: the cgroup tree is read-only, with and without a cgroup namespace, mounted or bound with /sys" {
	local namespace way
	for namespace in with without; do
		for way in cgroup rbind; do
			config_new
			[[ $namespace == with ]] || namespace_remove cgroup
			if [[ $way == rbind ]]; then
				config 'del(.mounts[5:]) | del(.linux.maskedPaths)'
				mount_add /sys none /sys rbind ro
			fi
			script 'grep " /sys/fs/cgroup" /proc/self/mountinfo
				for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do probe open $f w || true; done'
			rt run --bundle "$BUNDLE" "$ID"
			[[ $status -eq 0 ]] || continue # refused is safe
			same "$namespace $way " "$namespace $way $(awk '$5 ~ "^/sys/fs/cgroup" && $6 !~ "^ro"' <<< "$output")"
			no grep -qx open <<< "$output"
		done
	done
}

# --- A10: /proc and /sys of the image ---

@test "A10: /proc and /sys as symlinks of the image are refused, or stay inside it" {
	local name target
	victim_new
	mkdir "$BUNDLE/rootfs/bad"
	payload true
	for name in proc sys; do
		rmdir "$BUNDLE/rootfs/$name"
		for target in /bad "$T/victim" "../../../../../../..$T/victim"; do
			ln -s "$target" "$BUNDLE/rootfs/$name"
			refused "the target is not a real directory in the image" run --bundle "$BUNDLE" "$ID"
			victim_is_whole
			same "" "$(ls "$BUNDLE/rootfs/bad")"
			rm "$BUNDLE/rootfs/$name"
		done
		mkdir "$BUNDLE/rootfs/$name"
	done
}

@test "A10: nor does a symlink on the way to a second procfs move it" {
	victim_new
	mkdir "$BUNDLE/rootfs/real"
	ln -s real "$BUNDLE/rootfs/way"
	mount_add /way/proc proc proc
	payload sh -c 'grep -c " - proc " /proc/self/mountinfo'
	refused "the target is not a real directory in the image" run --bundle "$BUNDLE" "$ID"
	victim_is_whole
}

# --- A12, A13: devices as symlinks ---

@test "A12: a masked file is not what the image's /dev/null leads to" {
	mkdir "$T/dev"
	ln -s /proc/sys/kernel/core_pattern "$T/dev/null"
	without_dev
	bind_add /dev "$T/dev"
	config '.linux.maskedPaths = [ "/proc/version" ]'
	payload cat /proc/version
	rt run --bundle "$BUNDLE" "$ID"
	lacks "$output" "$(cat /proc/sys/kernel/core_pattern)"
	# And where it runs, the mask is a mask.
	[[ $status -ne 0 ]] || same "" "$output"
}

@test "A12: nor when it is masked after the host is out of reach" {
	mkdir "$T/dev"
	ln -s /proc/sys/kernel/core_pattern "$T/dev/null"
	without_dev
	echo secret > "$BUNDLE/rootfs/secret"
	bind_add /dev "$T/dev"
	config '.mounts |= map(select(.destination == "/dev")) + map(select(.destination != "/dev")) |
		.linux.maskedPaths = [ "/proc/version", "/secret" ]'
	payload cat /proc/version /secret
	rt run --bundle "$BUNDLE" "$ID"
	lacks "$output" "$(cat /proc/sys/kernel/core_pattern)"
	lacks "$output" secret
	[[ $status -ne 0 ]] || same "" "$output"
}

@test "A12: a masked path that is a symlink does not unmask or mask something else" {
	victim_new
	ln -s /proc/version "$BUNDLE/rootfs/link"
	config '.linux.maskedPaths = [ "/link" ]'
	payload sh -c 'wc -c < /link; wc -c < /proc/version'
	rt run --bundle "$BUNDLE" "$ID"
	[[ $status -ne 0 ]] || same "0
0" "$output"
	victim_is_whole
}

@test "A13: the terminal is no file that an image or volume puts in its place" {
	local i
	mkdir "$T/pts"
	for i in ptmx {0..9}; do
		ln -s /proc/sys/kernel/core_pattern "$T/pts/$i"
	done
	config 'del(.mounts[] | select(.destination == "/dev/pts")) | .process.terminal = true'
	bind_add /dev/pts "$T/pts"
	payload sh -c 'cat /dev/console < /dev/null'
	rt run --bundle "$BUNDLE" "$ID"
	lacks "$output" "$(cat /proc/sys/kernel/core_pattern)"
	[[ $status -ne 0 ]]
}

@test "A13: /dev/console as a symlink of the image leads nowhere" {
	local target
	victim_new
	for target in "$T/victim/secret" /proc/sys/kernel/core_pattern ../../../../../../.."$T/victim/new"; do
		mkdir -p "$T/dev/pts"
		rm -f "$T/dev/console"
		ln -s "$target" "$T/dev/console"
		config_new
		config '.process.terminal = true | .mounts[1] |= { destination: "/dev", type: "bind", options: [ "bind" ] }'
		config --arg d "$T/dev" '.mounts[1].source = $d | del(.mounts[3,4])'
		payload true
		attack
	done
}

# --- A14: what is written through procfs ---

@test "A14: sysctls are written on a procfs of the runtime's own, never by a path" {
	[[ ! $FOREIGN ]] || skip "looks into the system calls of strake"
	config '.linux.sysctl = { "net.ipv4.ip_forward": "1" } | .process.oomScoreAdj = 500'
	payload cat /proc/sys/net/ipv4/ip_forward
	strace -f -qq -e trace=open,openat,openat2,fsmount,write -o "$T/trace" \
		"$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" > "$T/out" < /dev/null
	same 1 "$(cat "$T/out")"
	grep -q 'openat2(.*"sys/net/ipv4/ip_forward".*O_WRONLY.*RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH' "$T/trace"
	no grep -E 'open(at2?)?\(.*"/proc/(sys|self/attr|thread-self)[^"]*", [^)]*O_(WRONLY|RDWR)' "$T/trace"
}

# --- A15: /dev of the image ---

@test "A15: /dev as a symlink of the image gets no devices anywhere else" {
	local target
	victim_new
	rmdir "$BUNDLE/rootfs/dev"
	mkdir "$BUNDLE/rootfs/d1"
	ln -s "$T/victim" "$BUNDLE/rootfs/d1/two"
	without_dev
	payload true
	for target in "$T/victim" "../../../../../../../..$T/victim" d1/two /d1/two; do
		ln -s "$target" "$BUNDLE/rootfs/dev"
		attack
		same "secret sub" "$(ls "$VICTIM" | paste -sd ' ')"
		rm "$BUNDLE/rootfs/dev"
	done
}

@test "A15: mounts on and below such a /dev stay in the image, too" {
	victim_new
	rmdir "$BUNDLE/rootfs/dev"
	ln -s "$T/victim" "$BUNDLE/rootfs/dev"
	payload true
	attack
	rm -r "$BUNDLE/rootfs${T:?}" 2> /dev/null || true
	without_dev
	mount_add /dev/shm tmpfs tmpfs
	attack
	config '.linux.devices = [ { path: "/dev/sub/null", type: "c", major: 1, minor: 3 } ]'
	attack
}

@test "A15: a device below a symlink of the image is made inside it" {
	victim_new
	ln -s "$T/victim" "$BUNDLE/rootfs/place"
	config '.linux.devices = [ { path: "/place/node", type: "c", major: 1, minor: 3 } ]'
	payload true
	attack
}

# --- A17, A28: files of the image that are read or covered ---

@test "A17: a bind mount onto a symlink of the image covers what is inside, never the host's file" {
	local target
	victim_new
	for target in "$T/victim/secret" "../../../../../../../..$T/victim/secret" "$T/victim/not-there-yet"; do
		rm -f "$BUNDLE/rootfs/etc/hosts"
		ln -s "$target" "$BUNDLE/rootfs/etc/hosts"
		config_new
		bind_add /etc/hosts /etc/hostname
		payload sh -c 'echo over > /etc/hosts'
		config '.mounts[-1].options += [ "ro" ]'
		attack
	done
}

@test "A28: a passwd that is a pipe, a device, a folder or a giant costs no time and shows nothing" {
	local kind
	victim_new
	echo "sailor:x:1000:1000:the hold of the ship:/leak:/bin/sh" > "$T/victim-passwd"
	config '.process.user = { uid: 1000, gid: 1000 }'
	payload sh -c 'echo $HOME'
	for kind in 'mkfifo passwd' 'ln -s /dev/zero passwd' 'mknod passwd c 1 5' 'mkdir passwd' 'truncate -s 2G passwd' \
		"ln -s $T/victim-passwd passwd" 'ln -s passwd passwd'; do
		rm -rf "$BUNDLE/rootfs/etc/passwd"
		(cd "$BUNDLE/rootfs/etc" && eval "$kind")
		rt run --bundle "$BUNDLE" "$ID"
		lacks "$output" leak
		[[ $FOREIGN || $output == / ]]
	done
}
