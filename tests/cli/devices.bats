#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Device nodes, their filter, masked and read-only paths.

load helpers

@test "the default devices and links are in /dev, and work" {
	script 'cd /dev; for d in null zero full random urandom tty; do stat -c "%n %a %t:%T %u:%g" $d; done
		for l in fd stdin stdout stderr core ptmx; do echo $l $(readlink $l); done
		echo x > null; head -c 2 zero | od -An -tx1; head -c 5 urandom | wc -c'
	run_ok
	same "null 666 1:3 0:0
zero 666 1:5 0:0
full 666 1:7 0:0
random 666 1:8 0:0
urandom 666 1:9 0:0
tty 666 5:0 0:0
fd /proc/self/fd
stdin /proc/self/fd/0
stdout /proc/self/fd/1
stderr /proc/self/fd/2
core$([ ! -e /proc/kcore ] || echo " /proc/kcore")
ptmx pts/ptmx
 00 00
5" "$output"
}

@test "listed devices are made with their mode and owner, block, character and pipe" {
	config '.linux.devices = [
		{ path: "/dev/deck", type: "c", major: 1, minor: 5, fileMode: 384, uid: 1000, gid: 1001 },
		{ path: "/dev/sub/hold", type: "b", major: 7, minor: 0 },
		{ path: "/dev/pipe", type: "p", fileMode: 420 },
		{ path: "/elsewhere/null", type: "u", major: 1, minor: 3 } ]'
	script 'stat -c "%n %F %a %t:%T %u:%g" /dev/deck /dev/sub/hold /dev/pipe /elsewhere/null'
	run_ok
	same "/dev/deck character special file 600 1:5 1000:1001
/dev/sub/hold block special file 666 7:0 0:0
/dev/pipe fifo 644 0:0 0:0
/elsewhere/null character special file 666 1:3 0:0" "$output"
}

@test "in a user namespace listed devices have their mode and owner, too, and are none of the host's" {
	config '.linux.devices = [
		{ path: "/dev/deck", type: "c", major: 1, minor: 5, fileMode: 384, uid: 1000, gid: 1001 },
		{ path: "/dev/sub/hold", type: "b", major: 7, minor: 0, fileMode: 432 },
		{ path: "/dev/null", type: "c", major: 1, minor: 3, gid: 5 },
		{ path: "/dev/pipe", type: "p", fileMode: 420, uid: 3 },
		{ path: "/elsewhere/null", type: "c", major: 1, minor: 3 } ]'
	userns_add
	script 'stat -c "%n %F %a %t:%T %u:%g" /dev/deck /dev/sub/hold /dev/null /dev/pipe /elsewhere/null
		head -c 2 /dev/deck | od -An -tx1; echo x > /elsewhere/null && chmod 611 /dev/null && stat -c %a /dev/null
		grep -c " - tmpfs devices .*" /proc/self/mountinfo; grep " /dev/deck " /proc/self/mountinfo | cut -d " " -f 6'
	(umask 077; run_ok; same "/dev/deck character special file 600 1:5 1000:1001
/dev/sub/hold block special file 660 7:0 0:0
/dev/null character special file 666 1:3 0:5
/dev/pipe fifo 644 0:0 3:0
/elsewhere/null character special file 666 1:3 0:0
 00 00
611
4
rw,nosuid,noexec,relatime" "$output")
	same 666 "$(stat -c %a /dev/null)"
}

@test "in a user namespace the host's node serves for a device whose owner has no name there" {
	config '.linux.devices = [ { path: "/dev/full", type: "c", major: 1, minor: 7, uid: 70000, fileMode: 384 } ]'
	userns_add
	payload stat -c '%a %t:%T %u:%g' /dev/full
	run_ok
	same "666 1:7 65534:65534" "$output"
	config '.linux.devices[0].path = "/dev/not-there"'
	run_refused "/dev/not-there"
}

@test "a listed device takes the place of a default one" {
	config '.linux.devices = [ { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 384, uid: 1000 } ]'
	payload stat -c '%a %u' /dev/null
	run_ok
	same "600 1000" "$output"
}

@test "a device of the image's own is kept where it is the right one, else replaced" {
	config 'del(.mounts[] | select(.destination | startswith("/dev")))'
	mknod "$BUNDLE/rootfs/dev/null" c 1 3
	chmod 600 "$BUNDLE/rootfs/dev/null"
	mknod "$BUNDLE/rootfs/dev/zero" c 1 3
	echo file > "$BUNDLE/rootfs/dev/full"
	script 'stat -c "%t:%T" /dev/zero /dev/full'
	run_ok
	same "1:5
1:7" "$output"
}

@test "with /dev bound from outside nothing is made in it" {
	mkdir "$T/dev"
	mknod "$T/dev/null" c 1 3
	config 'del(.mounts[] | select(.destination | startswith("/dev")))'
	bind_add /dev "$T/dev"
	script 'ls /dev'
	run_ok
	same null "$output"
	same null "$(ls "$T/dev")"
}

@test "devices that no rule allows can be made but not opened, and the default ones can" {
	# Making one is allowed to all, as other runtimes do: opening it is what counts.
	config '.linux.resources.devices = [ { allow: false, access: "rwm" } ]'
	script 'mknod /dev/kmsg c 1 11; probe open /dev/kmsg r || true; probe open /dev/kmsg w || true
		mknod /tmp/disk b 7 0; probe open /tmp/disk r || true
		probe open /dev/null w; probe open /dev/full r'
	run_ok
	same "EPERM
EPERM
EPERM
open
open" "$output"
}

@test "rules allow by type, number, wildcard and access, and later ones win" {
	config '.linux.resources.devices = [
		{ allow: false, access: "rwm" },
		{ allow: true, type: "c", major: 1, access: "r" },
		{ allow: false, type: "c", major: 1, minor: 4, access: "rwm" } ]'
	# No driver has these numbers: what the filter lets through is ENXIO.
	script 'mknod /dev/a c 1 77; probe open /dev/a r || true; probe open /dev/a w || true
		mknod /dev/b c 1 4; probe open /dev/b r || true
		mknod /dev/c c 203 77; probe open /dev/c r || true
		mknod /dev/d b 1 77; probe open /dev/d r || true'
	run_ok
	same "ENXIO
EPERM
EPERM
EPERM
EPERM" "$output"
}

@test "exec is under the same device filter" {
	config '.linux.resources.devices = [ { allow: false, access: "rwm" } ]'
	start_sleeper
	ok exec "$ID" sh -c 'mknod /dev/kmsg c 1 11; probe open /dev/kmsg r || true; probe open /dev/null w'
	same "EPERM
open" "$output"
}

@test "without rules only the default devices can be opened" {
	script 'mknod /dev/kmsg c 1 11; probe open /dev/kmsg r || true; probe open /dev/random r; probe open /dev/ptmx r'
	run_ok
	same "EPERM
open
open" "$output"
}

@test "devices out of range are refused" {
	config '.linux.devices = [ { path: "/dev/x", type: "c", major: 5000, minor: 0 } ]'
	run_refused "linux.devices[0].major: 5000 is out of range"
	config '.linux.devices = [ { path: "/dev/x", type: "q", major: 5, minor: 0 } ]'
	run_refused "linux.devices[0].type"
	config '.linux.devices = [ { path: "dev/x", type: "c", major: 5, minor: 0 } ]'
	run_refused "linux.devices[0].path"
}

# --- masks ---

@test "masked files are empty, masked folders too, and neither takes writes" {
	echo secret > "$BUNDLE/rootfs/etc/secret"
	mkdir "$BUNDLE/rootfs/hidden"
	echo x > "$BUNDLE/rootfs/hidden/x"
	config '.linux.maskedPaths += [ "/etc/secret", "/hidden", "/not/there" ]'
	script 'cat /etc/secret | wc -c; ls /hidden | wc -l; touch /hidden/y 2>&1 || true; cat /proc/kcore | wc -c
		ls /not 2> /dev/null || echo not made'
	run_ok
	same "0
0
touch: /hidden/y: Read-only file system
0
not made" "$output"
	same secret "$(cat "$BUNDLE/rootfs/etc/secret")"
}

@test "read-only paths refuse writes, with what is mounted below them" {
	mkdir -p "$BUNDLE/rootfs/chart/sub"
	echo x > "$BUNDLE/rootfs/etc/fixed"
	mount_add /chart/sub tmpfs tmpfs
	config '.linux.readonlyPaths += [ "/chart", "/etc/fixed", "/not/there" ]'
	script 'for f in /chart/a /chart/sub/b /etc/fixed /proc/sys/kernel/hostname; do
			(echo x > $f) 2> /dev/null && echo "wrote $f" || true; done; cat /etc/fixed; touch /tmp/free'
	run_ok
	same x "$output"
}

@test "masks hold against the container's root, in a user namespace of its own, and in exec" {
	config '.linux.maskedPaths = [ "/proc/version" ] | .process.capabilities |= map_values(. + [ "CAP_SETFCAP" ])'
	script 'umount /proc/version 2>&1 || true; wc -c < /proc/version
		unshare -U -r -m sh -c "umount /proc/version; wc -c < /proc/version" 2>&1
		exec sleep 1000'
	start
	four() { [[ $(wc -l < "$T/create.out") -eq 4 ]]; }
	wait_for four
	same "umount: can't unmount /proc/version: Operation not permitted
0
umount: can't unmount /proc/version: Invalid argument
0" "$(cat "$T/create.out")"
	ok exec "$ID" sh -c 'wc -c < /proc/version; echo x > /proc/sys/kernel/hostname' || true
	same 0 "$output"
	contains "$errors" "Read-only file system"
}

@test "a mask with a slash behind a file's name is an error, not skipped" {
	config '.linux.maskedPaths += [ "/proc/keys/" ]'
	run_refused "linux.maskedPaths[9] (/proc/keys/)"
	config '.linux.maskedPaths[-1] = "proc/keys"'
	run_refused "linux.maskedPaths[9]"
}

@test "a device that is bound in a user namespace is nosuid and noexec" {
	payload sh -c 'grep " /dev/null " /proc/self/mountinfo'
	userns_add
	run_ok
	[[ " $output" == *" rw,nosuid,noexec"* || " $output" == *",nosuid,"*noexec* ]] || fail "$output"
}
