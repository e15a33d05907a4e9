#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Mounts: options, propagation, binds, recursive attributes, targets; the root file system itself.

load helpers

# The per-mount options of a mount point in the container: [mount point]
options_of() { awk -v p="$1" '$5 == p { print $6 }' "$T/mountinfo" | tail -n 1; }

look() {
	payload cat /proc/self/mountinfo
	run_ok
	echo "$output" > "$T/mountinfo"
}

@test "each option that sets or clears a flag does so" {
	local option
	for option in ro nosuid nodev noexec noatime nodiratime relatime nosymfollow; do
		mount_add "/m/$option" tmpfs tmpfs "$option"
	done
	mount_add /m/plain tmpfs tmpfs
	mount_add /m/strict tmpfs tmpfs strictatime
	mount_add /m/last-wins tmpfs tmpfs ro rw noexec exec
	look
	for option in ro nosuid nodev noexec noatime nodiratime relatime nosymfollow; do
		[[ ,$(options_of /m/$option), == *",$option,"* ]] || fail "$option: $(options_of /m/$option)"
	done
	same rw,relatime "$(options_of /m/plain)"
	same rw "$(options_of /m/strict)"
	same rw,relatime "$(options_of /m/last-wins)"
}

@test "flags hold: nosuid, nodev, noexec, ro and nosymfollow are felt" {
	mount_add /ro tmpfs tmpfs ro
	mount_add /noexec tmpfs tmpfs noexec
	mount_add /nosymfollow tmpfs tmpfs nosymfollow
	script 'touch /ro/x 2>&1 || true
		cp /bin/busybox /noexec/; /noexec/busybox true 2>&1 || true
		echo a > /nosymfollow/a; ln -s a /nosymfollow/b; cat /nosymfollow/b 2>&1 || true'
	run_ok
	contains "$output" "Read-only file system"
	contains "$output" "noexec/busybox: Permission denied"
	contains "$output" "Too many levels of symbolic links"
}

@test "options of the file system itself reach it" {
	mount_add /t tmpfs tmpfs size=1m mode=1750 uid=1000 gid=1001 nr_inodes=10
	script 'stat -c "%a %u %g" /t; stat -f -c "%b %c" /t; stat -f -c %S /t'
	run_ok
	same "1750 1000 1001
256 10
4096" "$output"
}

@test "an option that a file system does not know is named, with the mount" {
	mount_add /t tmpfs tmpfs size=lots
	run_refused 'mounts[7] (/t)'
	contains "$errors" 'option "size=lots"'
	config '.mounts[7].options = [ "sail" ]'
	run_refused 'option "sail"'
	config '.mounts[7] |= { destination: "/t", type: "sailfs", source: "none" }'
	run_refused 'no file system of type "sailfs"'
}

@test "a read-only tmpfs may hold what is mounted into it, and devices, and is read-only" {
	config '(.mounts[] | select(.destination == "/dev")).options += [ "ro" ]'
	mount_add /t tmpfs tmpfs ro
	mount_add /t/below tmpfs tmpfs
	script 'for f in /dev/x /t/x /t/below/x; do touch $f 2>/dev/null && echo $f; done
		echo text > /dev/null; test -c /dev/pts/ptmx && echo pts'
	run_ok
	same "/t/below/x
pts" "$output"
}

@test "tmpcopyup fills a tmpfs with what the image has in its place, and the image stays as it was" {
	local image=$BUNDLE/rootfs/data
	mkdir -p "$image/sub/deep"
	echo text > "$image/sub/deep/file"
	chmod 4751 "$image/sub/deep/file"
	chown 12:34 "$image/sub/deep/file"
	touch -d @1000000000 "$image/sub/deep/file"
	chmod 4751 "$image/sub/deep/file"
	ln -s /etc/passwd "$image/link"
	mkfifo -m 640 "$image/fifo"
	mknod -m 600 "$image/null" c 1 3
	chmod 1731 "$image"
	mount_add /data tmpfs tmpfs tmpcopyup size=1m
	mount_add /ro tmpfs tmpfs tmpcopyup ro mode=700
	mkdir "$BUNDLE/rootfs/ro"
	echo kept > "$BUNDLE/rootfs/ro/file"
	script 'cd /data; cat sub/deep/file; stat -c "%a %u %g %Y" sub/deep/file; readlink link
		stat -c "%a %F" . fifo null; echo new > sub/deep/file; rm link
		cat /ro/file; stat -c %a /ro; touch /ro/x 2>/dev/null || echo read-only'
	run_ok
	same "text
4751 12 34 1000000000
/etc/passwd
1731 directory
640 fifo
600 character special file
kept
700
read-only" "$output"
	same text "$(cat "$image/sub/deep/file")"
	[[ -L $image/link ]]
}

@test "tmpcopyup of more than the tmpfs holds is refused, and names the file" {
	mkdir "$BUNDLE/rootfs/data"
	head -c 100000 /dev/zero > "$BUNDLE/rootfs/data/large"
	mount_add /data tmpfs tmpfs tmpcopyup size=16k
	payload true
	run_refused "(/data): tmpcopyup: large: copy it"
}

@test "a bind mount shows the source, read-write unless it says ro" {
	mkdir "$T/data"
	echo cargo > "$T/data/file"
	bind_add /rw "$T/data"
	bind_add /ro "$T/data" ro
	script 'cat /rw/file /ro/file; echo more > /rw/new; cat /ro/new; touch /ro/x 2>&1 || echo refused'
	run_ok
	same "cargo
cargo
more
touch: /ro/x: Read-only file system
refused" "$output"
	same more "$(cat "$T/data/new")"
}

@test "a file is bound onto a file, which is made with its folders" {
	echo cargo > "$T/file"
	bind_add /deep/down/file "$T/file" ro
	payload cat /deep/down/file
	run_ok
	same cargo "$output"
	[[ -f $BUNDLE/rootfs/deep/down/file && ! -s $BUNDLE/rootfs/deep/down/file ]]
}

@test "devices, sockets and pipes are bound onto files" {
	mkfifo "$T/pipe"
	bind_add /dev/extra /dev/zero
	bind_add /tmp/pipe "$T/pipe"
	payload sh -c 'test -c /dev/extra && test -p /tmp/pipe && echo both'
	run_ok
	same both "$output"
}

@test "a folder onto a file, and a file onto a folder, are refused by name" {
	mkdir "$T/folder"
	echo x > "$T/file"
	bind_add /etc/passwd "$T/folder"
	run_refused 'mounts[7] (/etc/passwd)'
	contains "$errors" "directory"
	config 'del(.mounts[7])'
	bind_add /etc "$T/file"
	run_refused 'mounts[7] (/etc)'
}

@test "a relative source starts in the bundle" {
	mkdir "$BUNDLE/data"
	echo cargo > "$BUNDLE/data/file"
	bind_add /data data
	payload cat /data/file
	cd /
	run_ok
	same cargo "$output"
}

@test "a missing source is refused with its path and the mount" {
	bind_add /data /nowhere/data
	run_refused "mounts[7] (/data): open the source /nowhere/data: No such file or directory"
}

@test "bind takes one mount, rbind what is mounted below, too" {
	mkdir -p "$T/data/sub"
	mount -t tmpfs inner "$T/data/sub"
	echo inner > "$T/data/sub/file"
	bind_add /one "$T/data"
	mount_add /all none "$T/data" rbind
	script 'ls /one/sub | wc -l; cat /all/sub/file'
	run_ok
	umount "$T/data/sub"
	same "0
inner" "$output"
}

@test "ro of an rbind is for the top alone, rro for all of it" {
	mkdir -p "$T/data/sub"
	mount -t tmpfs inner "$T/data/sub"
	mount_add /top none "$T/data" rbind ro
	mount_add /all none "$T/data" rbind rro
	script 'touch /top/x 2> /dev/null || echo top ro; touch /top/sub/x && echo below rw
		touch /all/x 2> /dev/null || echo all ro; touch /all/sub/y 2> /dev/null || echo all of it'
	run_ok
	umount "$T/data/sub"
	same "top ro
below rw
all ro
all of it" "$output"
}

@test "recursive attributes reach the mounts below" {
	local option
	mkdir -p "$T/data/sub"
	mount -t tmpfs inner "$T/data/sub"
	for option in nosuid nodev noexec noatime nodiratime nosymfollow; do
		mount_add "/m/$option" none "$T/data" rbind "r$option"
	done
	mount_add /m/undone none "$T/data" rbind rnoexec rexec
	look
	umount "$T/data/sub"
	for option in nosuid nodev noexec noatime nodiratime nosymfollow; do
		[[ ,$(options_of /m/$option/sub), == *",$option,"* ]] || fail "$option: $(options_of /m/$option/sub)"
	done
	lacks "$(options_of /m/undone/sub)" noexec
}

@test "remount changes the flags of a mount that is there" {
	mount_add /t tmpfs tmpfs
	mount_add /t "" "" remount ro noexec
	config '.mounts[-1] |= del(.type, .source)'
	look
	same ro,noexec,relatime "$(options_of /t)"
}

@test "mounts are made in order: later ones lie on and in earlier ones" {
	mkdir "$T/data"
	echo below > "$T/data/file"
	mount_add /t tmpfs tmpfs
	bind_add /t/in/side "$T/data"
	mount_add /t/in/side tmpfs tmpfs
	script 'ls /t; ls /t/in/side | wc -l'
	run_ok
	same "in
0" "$output"
}

@test "a mount may cover what the image has" {
	mount_add /etc tmpfs tmpfs
	script 'ls /etc | wc -l'
	run_ok
	same 0 "$output"
}

@test "mounts are made in their order, also the same one twice" {
	mount_add /data tmpfs tmpfs
	mount_add /data tmpfs tmpfs
	mount_add /data tmpfs last
	script 'grep " /data " /proc/self/mountinfo | grep -o "tmpfs [a-z]*"'
	run_ok
	same $'tmpfs tmpfs\ntmpfs tmpfs\ntmpfs last' "$output"
}

@test "a relative destination starts at the root, and .. does not leave it" {
	mount_add data tmpfs tmpfs
	mount_add /../../../t/../u tmpfs tmpfs
	mount_add ../../v tmpfs tmpfs
	payload sh -c 'grep -cE " /(data|u|v) " /proc/self/mountinfo'
	run_ok
	same 3 "$output"
}

@test "symlinks of the image in a destination are followed inside it" {
	mkdir "$BUNDLE/rootfs/real"
	ln -s /real "$BUNDLE/rootfs/absolute"
	ln -s ../../../../real "$BUNDLE/rootfs/climbing"
	mount_add /absolute/a tmpfs tmpfs
	mount_add /climbing/b tmpfs tmpfs
	payload sh -c 'grep -E " /real/[ab] " /proc/self/mountinfo | wc -l'
	run_ok
	same 2 "$output"
	[[ ! -e /real ]]
}

@test "propagation of a mount is as given" {
	local kind
	mkdir "$T/shared"
	mount --bind "$T/shared" "$T/shared"
	mount --make-shared "$T/shared"
	for kind in shared slave private unbindable; do
		bind_add "/p/$kind" "$T/shared" "$kind"
	done
	look
	umount "$T/shared"
	grep -q ' /p/shared .* shared:[0-9]* ' "$T/mountinfo"
	grep -q ' /p/slave .* master:[0-9]* ' "$T/mountinfo"
	grep -q ' /p/unbindable .* unbindable ' "$T/mountinfo"
	no grep -qE ' /p/private .* (shared|master|unbindable)' "$T/mountinfo"
}

@test "a shared mount passes mounts of the host on while the container runs" {
	mkdir -p "$T/shared"
	mount --bind "$T/shared" "$T/shared"
	mount --make-shared "$T/shared"
	mkdir "$T/shared/late"
	mount_add /follow none "$T/shared" rbind rslave
	mount_add /apart none "$T/shared" rbind rprivate
	start_sleeper
	mount -t tmpfs late "$T/shared/late"
	ok exec "$ID" sh -c 'grep -c " /follow/late " /proc/self/mountinfo; grep -c " /apart/late " /proc/self/mountinfo || true'
	same "1
0" "$output"
	ok delete -f "$ID"
	umount "$T/shared/late" "$T/shared"
}

@test "so does what lies on the host's root file system, where that is shared" {
	[ "$(stat -c %m "$T")" = / ] || skip "the tests' folder is not on the root file system"
	mkdir -p "$T/host/late"
	mount --make-shared /
	mount_add /follow none "$T/host" rbind rslave
	mount_add /apart none "$T/host" rbind rprivate
	start_sleeper
	mount -t tmpfs late "$T/host/late"
	ok exec "$ID" sh -c 'mount -t tmpfs in /follow 2>/dev/null
		grep -c " /follow/late " /proc/self/mountinfo; grep -c " /apart/late " /proc/self/mountinfo || true'
	umount "$T/host/late"
	mount --make-private /
	same "1
0" "$output"
	ok delete -f "$ID"
}

@test "mounts of the container never show on the host" {
	mkdir "$T/shared"
	mount --bind "$T/shared" "$T/shared"
	mount --make-shared "$T/shared"
	mkdir "$T/shared/in"
	local before
	mount_add /data none "$T/shared" rbind
	mount_add /data/in tmpfs tmpfs
	before=$(cat /proc/self/mountinfo)
	start_sleeper
	same "$before" "$(cat /proc/self/mountinfo)"
	ok delete -f "$ID"
	umount "$T/shared"
}

@test "rootfsPropagation is set on the root mount" {
	local kind
	for kind in shared slave private unbindable; do
		config --arg k $kind '.linux.rootfsPropagation = $k'
		look
		case $kind in
		shared) grep -qE '^[0-9]+ [0-9]+ [^ ]+ [^ ]+ / .* shared:' "$T/mountinfo" ;;
		unbindable) grep -qE '^[0-9]+ [0-9]+ [^ ]+ [^ ]+ / .* unbindable' "$T/mountinfo" ;;
		private) no grep -qE '^[0-9]+ [0-9]+ [^ ]+ [^ ]+ / .* (shared:|master:)' "$T/mountinfo" ;;
		slave) no grep -qE '^[0-9]+ [0-9]+ [^ ]+ [^ ]+ / .* shared:' "$T/mountinfo" ;;
		esac
	done
}

@test "the host keeps its mounts where they are shared with the container" {
	local kind before
	mkdir "$T/shared"
	mount -t tmpfs shared "$T/shared"
	mount --make-shared "$T/shared"
	mkdir "$T/shared/inner"
	mount -t tmpfs inner "$T/shared/inner"
	before=$(cat /proc/self/mountinfo)
	for kind in shared rshared slave rslave; do
		config --arg k $kind '.linux.rootfsPropagation = $k'
		payload true
		run_ok
		same "$before" "$(cat /proc/self/mountinfo)"
	done
	umount -R "$T/shared"
}

@test "a read-only root refuses writes, but its mounts do not" {
	config '.root.readonly = true'
	mount_add /tmp tmpfs tmpfs
	script 'touch /x 2>&1 || true; touch /tmp/x && echo tmp; touch /dev/shm/x && echo shm'
	run_ok
	same "touch: /x: Read-only file system
tmp
shm" "$output"
	[[ ! -e $BUNDLE/rootfs/x ]]
}

@test "a rootfs on a mount of its own keeps its flags" {
	mkdir "$T/image"
	mount -t tmpfs image "$T/image" -o nosuid
	cp -a "$BUNDLE/rootfs/." "$T/image/"
	config --arg p "$T/image" '.root.path = $p'
	look
	umount "$T/image"
	contains "$(options_of /)" nosuid
}

@test "proc, sysfs, devpts, mqueue and shm are the container's own" {
	script 'ls /proc | grep -cE "^[0-9]+$"; ls /sys/class/net; ls /dev/pts; ls /dev/mqueue | wc -l'
	run_ok
	same "2
lo
ptmx
0" "$(sed 's/^3$/2/' <<< "$output")"
}

@test "the cgroup mount shows the container's own cgroup, read-only" {
	start_sleeper
	ok exec "$ID" sh -c 'cat /sys/fs/cgroup/cgroup.procs | head -n 1; mkdir /sys/fs/cgroup/x 2>&1 || true'
	contains "$output" "1"
	contains "$output" "Read-only file system"
	namespace_remove cgroup
	payload sh -c 'cat /sys/fs/cgroup/cgroup.procs | wc -l; mkdir /sys/fs/cgroup/x 2>&1 || true'
	ok run --bundle "$BUNDLE" second
	contains "$output" "Read-only file system"
	lacks "$output" "No such file"
}

@test "nothing but the container's own mounts is seen" {
	look
	same "/ /dev /dev/mqueue /dev/pts /dev/shm /proc /sys /sys/fs/cgroup" \
		"$(awk '{ print $5 }' "$T/mountinfo" | sort -u |
			grep -vE '^/(proc|sys)/(acpi|asound|kcore|keys|latency_stats|timer_list|scsi|bus|fs$|irq|sys|sysrq|firmware|devices)' | paste -sd ' ')"
}

@test "an unknown file system type, no type and no bind are refused" {
	config '.mounts += [ { destination: "/t", source: "x" } ]'
	run_refused 'mounts[7].type: is missing, and no option says "bind" or "rbind"'
}

# --- id-mapped mounts -------------------------------------------------------------------------------

# A file of user 5 and group 6 in $T/goods, with a tmpfs below that has the same.
goods() {
	mkdir -p "$T/goods/deep"
	mount -t tmpfs tmpfs "$T/goods"
	mkdir "$T/goods/deep"
	mount -t tmpfs tmpfs "$T/goods/deep"
	touch "$T/goods/crate" "$T/goods/deep/crate"
	chown 5:6 "$T/goods/crate" "$T/goods/deep/crate"
}
goods_away() { umount -R "$T/goods"; }

maps() { # uid on disk, uid seen, gid on disk, gid seen
	config --argjson a "$1" --argjson b "$2" --argjson c "$3" --argjson d "$4" '.mounts[-1] |= (. +
		{ uidMappings: [ { containerID: $a, hostID: $b, size: 1 } ],
		  gidMappings: [ { containerID: $c, hostID: $d, size: 1 } ] })'
}

@test "uidMappings and gidMappings of a bind mount show other owners, and new files get those on disk" {
	goods
	config '.process.user = { uid: 7, gid: 8 }'
	bind_add /goods "$T/goods"
	maps 5 7 6 8
	script 'stat -c "%u %g" /goods/crate; cd /goods; echo new > crate; stat -c "%u %g" crate'
	run_ok
	same "7 8
7 8" "$output"
	same "5 6" "$(stat -c "%u %g" "$T/goods/crate")"
	goods_away
}

@test "an id-mapped mount shows ids without a mapping as nobody's" {
	goods
	bind_add /goods "$T/goods"
	maps 50 7 60 8
	payload stat -c "%u %g" /goods/crate
	run_ok
	same "65534 65534" "$output"
	goods_away
}

@test "idmap maps one mount, ridmap those below, too" {
	goods
	mount_add /goods bind "$T/goods" rbind idmap
	maps 5 7 6 8
	payload stat -c "%u %g" /goods/crate /goods/deep/crate
	run_ok
	same "7 8
5 6" "$output"
	config '.mounts[-1].options = [ "rbind", "ridmap" ]'
	run_ok
	same "7 8
7 8" "$output"
	goods_away
}

@test "in a user namespace idmap takes its mappings: files of the image's owner are the container's" {
	goods
	userns_add
	mount_add /goods bind "$T/goods" bind idmap
	script 'stat -c "%u %g" /goods/crate; touch /goods/new; stat -c "%u %g" /goods/new'
	run_ok
	same "5 6
0 0" "$output"
	same "0 0" "$(stat -c "%u %g" "$T/goods/new")"
	goods_away
}

@test "in a user namespace that is joined idmap takes that one's mappings" {
	goods
	userns_add
	start_sleeper
	local pid
	pid=$(pid_of)
	namespace_join user "/proc/$pid/ns/user"
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	mount_add /goods bind "$T/goods" bind idmap
	payload stat -c "%u %g" /goods/crate
	ok run --bundle "$BUNDLE" "$ID-joins"
	same "5 6" "$output"
	goods_away
}

@test "mappings in the option, as engines write them, of the host's ids or with @ of the container's" {
	goods
	mount_add /goods bind "$T/goods" bind "idmap=uids=5-7-1#9-10-2;gids=6-8-1"
	payload stat -c "%u %g" /goods/crate
	run_ok
	same "7 8" "$output"
	userns_add
	config '.mounts[-1].options = [ "bind", "idmap=uids=@5-77-1;gids=@6-88-1" ]'
	run_ok
	same "77 88" "$output"
	config '.mounts[-1].options = [ "bind", "idmap=uids=@5-70000-1;gids=@6-88-1" ]'
	run_refused "the ids from 70000 on, 1 of them, are not mapped"
	config '.mounts[-1].options = [ "bind", "idmap=uids=5" ]'
	run_refused '"idmap=uids=5" is no mapping like idmap=uids=0-1000-1;gids=0-1000-1'
	goods_away
}

@test "an id map of what takes none, and of a new file system, is refused by name" {
	bind_add /goods /proc/sys
	maps 0 7 0 8
	run_refused "mounts[7] (/goods): idmap: map the ids of /proc/sys"
	contains "$errors" "takes no id maps"
	config '.mounts[-1] = { destination: "/x", type: "tmpfs", options: [ "idmap" ] } |
		.linux.namespaces += [ { type: "user" } ] |
		.linux.uidMappings = [ { containerID: 0, hostID: 200000, size: 65536 } ] |
		.linux.gidMappings = .linux.uidMappings'
	run_refused "mounts[7].options: an id map is for bind mounts only"
}
