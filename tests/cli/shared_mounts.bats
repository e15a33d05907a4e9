#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Containers in the mount namespace of the runtime: all that such a one mounts lies below one mount of its own, and when
# it is gone the host's mount table is what it was, line by line: mounts, their numbers, flags and propagation.

load helpers

table() { cat /proc/self/mountinfo; }
table_is_as_before() { same "$TABLE" "$(table)"; }

# The table is what it was before the test's first container, after each that it says so of.
begin() {
	namespace_remove mount
	TABLE=$(table)
}

mounted() { awk '{ print $5 }' /proc/self/mountinfo | grep -xF "$1" > /dev/null; }
grant() { config --arg c "$1" '.process.capabilities[] += [ $c ]'; }

@test "the mount namespace is the runtime's, and nothing of the container's mounts stays" {
	begin
	payload readlink /proc/self/ns/mnt
	run_ok
	same "$(readlink /proc/self/ns/mnt)" "$output"
	table_is_as_before
	start_sleeper
	same "$(readlink /proc/self/ns/mnt)" "$(readlink "/proc/$(pid_of)/ns/mnt")"
	mounted "$ROOT/$ID/rootfs/dev/pts"
	ok delete --force "$ID"
	table_is_as_before
}

@test "all of them are its mounts: what it sees is what it would see in a namespace of its own" {
	script 'cut -d " " -f 4-6 /proc/self/mountinfo | grep -v " / "; ls -la /dev; ls /; cat /proc/mounts | wc -l; pwd'
	run_ok
	local own=$output
	begin
	run_ok
	same "${own//[0-9][0-9]:[0-9][0-9]/}" "${output//[0-9][0-9]:[0-9][0-9]/}"
	table_is_as_before
}

@test "masked and read-only paths and a read-only root hold" {
	begin
	config '.root.readonly = true'
	script 'cat /proc/keys | wc -c; ls /sys/firmware | wc -l; touch /x || echo root
		echo 1 > /proc/sys/kernel/sysrq || echo sys; touch /sys/x || echo sysfs; touch /dev/shm/x && echo shm'
	run_ok
	same $'0\n0\nroot\nsys\nsysfs\nshm' "$output"
	table_is_as_before
	touch "$BUNDLE/rootfs/written"
	config 'del(.root.readonly)'
	script 'rm /written; touch /mine'
	run_ok
	[[ -e $BUNDLE/rootfs/mine && ! -e $BUNDLE/rootfs/written ]]
	table_is_as_before
}

@test "the life of it: created, started, paused, killed, deleted, each in its order" {
	begin
	start_sleeper
	same running "$(state_of .status)"
	ok pause "$ID"
	same paused "$(state_of .status)"
	ok resume "$ID"
	ok ps "$ID"
	contains "$output" "sleep 1000"
	ok exec "$ID" sh -c 'pwd; cat /etc/passwd | head -n 1; ls /proc/1/root/bin/busybox; readlink /proc/self/ns/mnt'
	same "/
root:x:0:0:root:/root:/bin/sh
/proc/1/root/bin/busybox
$(readlink /proc/self/ns/mnt)" "$output"
	ok kill "$ID" KILL
	wait_for is_status stopped
	# Until it is deleted it is there.
	mounted "$ROOT/$ID/rootfs"
	ok delete "$ID"
	table_is_as_before
}

@test "the program of a created container is of its root, too" {
	begin
	payload sh -c 'echo in > /mark; exec sleep 1000'
	create
	ok start "$ID"
	wait_for test -e "$BUNDLE/rootfs/mark"
	same "$(stat -c %d:%i "$BUNDLE/rootfs")" "$(stat -c %d:%i "/proc/$(pid_of)/root/.")"
	ok delete --force "$ID"
	table_is_as_before
}

@test "with a terminal" {
	begin
	config '.process.terminal = true'
	payload sh -c 'tty; ls -l /dev/console | cut -c 1'
	run_ok
	same $'/dev/pts/0\nc' "$(tr -d '\r' <<< "$output")"
	table_is_as_before
}

@test "a create that fails leaves nothing: no program, no source, a hook that fails, a bad destination" {
	begin
	payload /none
	run_refused "/none"
	table_is_as_before
	payload true
	bind_add /data "$T/none"
	run_refused "$T/none"
	table_is_as_before
	config 'del(.mounts[-1])'
	ln -s /proc "$BUNDLE/rootfs/link"
	mount_add /link/sub tmpfs tmpfs
	run_refused "/link"
	table_is_as_before
	config 'del(.mounts[-1])'
	local stage
	for stage in prestart createRuntime createContainer startContainer poststart; do
		config --arg s "$stage" '.hooks = { ($s): [ { path: "/bin/false" } ] }'
		run_refused "hooks.${stage}[0]"
		table_is_as_before
	done
	config 'del(.hooks) | .root.path = "none"'
	run_refused root.path
	table_is_as_before
}

@test "a runtime that is killed while the container runs: delete finds it all" {
	begin
	payload sleep 1000
	background "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" < /dev/null > "$T/run.out" 2>&1
	wait_for is_status running
	kill -KILL "$background"
	wait_for mounted "$ROOT/$ID/rootfs"
	ok delete --force "$ID"
	table_is_as_before
}

@test "host's own mounts on the root file system are in the container, and stay" {
	local hooks
	mount --bind "$BUNDLE/rootfs" "$BUNDLE/rootfs"
	mount -t tmpfs -o mode=755 hold "$BUNDLE/rootfs/var"
	echo cargo > "$BUNDLE/rootfs/var/file"
	begin
	payload cat /var/file
	for hooks in '{}' '{ createRuntime: [ { path: "/bin/true" } ] }'; do
		config ".hooks = $hooks"
		run_ok
		same cargo "$output"
		table_is_as_before
	done
	same cargo "$(cat "$BUNDLE/rootfs/var/file")"
	umount "$BUNDLE/rootfs/var" "$BUNDLE/rootfs"
}

# Its mounts are at root.path for them, and theirs are the container's.
@test "hooks find the root file system where they look for it, and what they mount is the container's" {
	begin
	config --arg out "$T/seen" --arg root "$BUNDLE/rootfs" '.hooks = { createRuntime: [ { path: "/bin/sh", args: [ "sh", "-ec",
		"ls \($root)/proc/1/status >> \($out); mount -t tmpfs hook \($root)/var; echo from > \($root)/var/hook" ] } ],
		createContainer: [ { path: "/bin/sh", args: [ "sh", "-ec", "cat \($root)/var/hook >> \($out)" ] } ] } |
		.hooks[][].env = [ "PATH=/bin:/sbin:/usr/bin:/usr/sbin" ]'
	payload cat /var/hook
	run_ok
	same from "$output"
	same "$BUNDLE/rootfs/proc/1/status
from" "$(cat "$T/seen")"
	table_is_as_before
	[[ ! -e $BUNDLE/rootfs/var/hook && ! -e $BUNDLE/rootfs/proc/1 ]]
}

@test "with hooks, what the host has mounted over it in the meantime is the host's" {
	begin
	config '.hooks = { createRuntime: [ { path: "/bin/true" } ] }'
	start_sleeper
	mount -t tmpfs mine "$BUNDLE/rootfs"
	ok delete --force "$ID"
	mounted "$BUNDLE/rootfs"
	same tmpfs "$(stat -f -c %T "$BUNDLE/rootfs")"
	umount "$BUNDLE/rootfs"
	# What lay below the user's mount was held by it.
	umount -l "$BUNDLE/rootfs"
	table_is_as_before
}

@test "poststop hooks come when the mounts are gone" {
	begin
	config --arg out "$T/seen" '.hooks = { poststop: [ { path: "/bin/sh", args: [ "sh", "-c",
		"grep -c rootfs /proc/self/mountinfo > \($out)" ], env: [ "PATH=/bin:/usr/bin" ] } ] }'
	payload true
	local before
	before=$(grep -c rootfs /proc/self/mountinfo) || true
	run_ok
	same "$before" "$(cat "$T/seen")"
	table_is_as_before
}

# --- nothing reaches the host ---------------------------------------------------------------------

# As on most hosts: all that is mounted is shared with others.
sea() {
	mkdir -p "$T/sea/inner" "$T/sea/goods"
	mount -t tmpfs sea "$T/sea"
	mount --make-shared "$T/sea"
	mkdir -p "$T/sea/inner" "$T/sea/goods" "$T/sea/root"
}
drain() { umount "$T/sea"; }

apart() { [[ $(readlink /proc/self/ns/mnt) != "$(readlink "/proc/$1/ns/mnt")" ]]; } # pid

@test "what is mounted in a folder of the host is the container's alone, whatever its options say" {
	local options
	sea
	begin
	for options in '"rbind"' '"bind"' '"rbind","rshared"' '"bind","shared"' '"rbind","rslave"' '"bind","private"'; do
		config --arg s "$T/sea" ".mounts = (.mounts | map(select(.destination | startswith(\"/sea\") | not))) + [
			{ destination: \"/sea\", type: \"bind\", source: \$s, options: [ $options ] },
			{ destination: \"/sea/inner\", type: \"tmpfs\", source: \"tmpfs\" } ]"
		payload sh -c 'touch /sea/inner/there; exec sleep 1000'
		start
		wait_for test -e "$ROOT/$ID/rootfs/sea/inner/there"
		[[ ! -e $T/sea/inner/there ]]
		no mounted "$T/sea/inner"
		ok delete --force "$ID"
		table_is_as_before
	done
	drain
}

@test "a container that may mount does not reach the host through masks, devices and binds" {
	sea
	# As it is on most hosts, and what covers a masked file is a node of it.
	mount --make-shared /dev
	begin
	grant CAP_SYS_ADMIN
	bind_add /sea "$T/sea"
	script 'mount -t tmpfs in /sea/inner; mount --bind /etc/passwd /proc/keys; mount --bind /etc/passwd /dev/null
		mount --make-rshared /; mount -t tmpfs in /tmp; touch /dev/shm/done; exec sleep 1000'
	start
	wait_for test -e "$ROOT/$ID/rootfs/dev/shm/done"
	[[ -c /dev/null ]]
	same "$TABLE" "$(grep -vF " $ROOT/$ID/" /proc/self/mountinfo)"
	ok delete --force "$ID"
	table_is_as_before
	mount --make-private /dev
	drain
}

@test "a root that the container has covered itself goes, too" {
	begin
	grant CAP_SYS_ADMIN
	payload sh -c 'for i in 1 2 3; do mount -t tmpfs over /; mount --bind / /; done; touch /dev/shm/done; exec sleep 1000'
	start
	wait_for test -e "/proc/$(pid_of)/root/dev/shm/done"
	ok exec "$ID" cat /etc/group
	contains "$output" sailor
	ok delete --force "$ID"
	table_is_as_before
}

@test "other mount namespaces have nothing left, be the container's folder on a mount they share or not" {
	local holder there
	sea
	ROOT=$T/sea/root
	mount -t tmpfs hold "$BUNDLE/rootfs/var"
	mount_add /var/deep tmpfs tmpfs
	begin
	background unshare --mount --propagation unchanged sleep 1000
	holder=$background
	wait_for apart "$holder"
	wait_for grep -q " $T/sea " "/proc/$holder/mountinfo"
	there=$(cat "/proc/$holder/mountinfo")
	payload true
	run_ok
	same "$there" "$(cat "/proc/$holder/mountinfo")"
	start_sleeper
	# None of what it mounts.
	mounted "$ROOT/$ID/rootfs/var/deep"
	no grep -qE "/rootfs/(proc|var/deep) " "/proc/$holder/mountinfo"
	ok delete --force "$ID"
	same "$there" "$(cat "/proc/$holder/mountinfo")"
	table_is_as_before
	# As if it had no part in the mounts of where it was made.
	start_sleeper
	ok exec "$ID" true
	nsenter --mount="/proc/$holder/ns/mnt" "$RUNTIME" --root "$ROOT" exec "$ID" cat /etc/group > "$T/group"
	contains "$(cat "$T/group")" sailor
	nsenter --mount="/proc/$holder/ns/mnt" "$RUNTIME" --root "$ROOT" delete --force "$ID"
	same "$there" "$(cat "/proc/$holder/mountinfo")"
	table_is_as_before
	# The same of a root that lies where hooks look for it.
	umount "$BUNDLE/rootfs/var"
	cp -a "$BUNDLE" "$T/sea/bundle"
	BUNDLE=$T/sea/bundle
	config '.hooks = { createRuntime: [ { path: "/bin/true" } ] }'
	TABLE=$(table)
	there=$(cat "/proc/$holder/mountinfo")
	start_sleeper
	mounted "$BUNDLE/rootfs/var/deep"
	no grep -qE "/rootfs/(proc|var/deep) " "/proc/$holder/mountinfo"
	ok exec "$ID" true
	ok delete --force "$ID"
	same "$there" "$(cat "/proc/$holder/mountinfo")"
	table_is_as_before
	kill "$holder"
	wait_for is_gone "$holder"
	rm -r "$ROOT"
	drain
}

@test "two containers of one bundle live and go in any order" {
	begin
	start_sleeper
	ok create --bundle "$BUNDLE" second
	ok start second
	ok delete --force "$ID"
	ok exec second cat /etc/group
	contains "$output" sailor
	ok delete --force second
	table_is_as_before
}

@test "the host's own root as the container's: below it, without a hook" {
	begin
	config '.root.path = "/" | .root.readonly = true | .mounts = [ .mounts[0] ]'
	payload sh -c 'grep -c . /etc/passwd; readlink /proc/self/ns/mnt'
	run_ok
	same "$(grep -c . /etc/passwd)
$(readlink /proc/self/ns/mnt)" "$output"
	table_is_as_before
	config '.hooks = { createRuntime: [ { path: "/bin/true" } ] }'
	run_refused "root.path: / is the root of the mount namespace that the container shares"
	table_is_as_before
}

# --- mounts of other kinds ------------------------------------------------------------------------

@test "mounts are added to it and removed while it runs" {
	begin
	mkdir "$T/data"
	echo cargo > "$T/data/file"
	start_sleeper
	jq -n --arg s "$T/data" '[ { destination: "/data", type: "bind", source: $s, options: [ "rbind", "ro" ] } ]' > "$T/mounts.json"
	ok mounts add "$ID" "$T/mounts.json"
	ok exec "$ID" sh -c 'cat /data/file; touch /data/x || echo kept'
	same $'cargo\nkept' "$output"
	[[ ! -e /data/file ]]
	ok mounts remove "$ID" "$T/mounts.json"
	ok exec "$ID" ls /data
	same "" "$output"
	ok delete --force "$ID"
	table_is_as_before
}

@test "an id-mapped mount is one" {
	begin
	mkdir "$T/goods"
	touch "$T/goods/a"
	chown 5:6 "$T/goods/a"
	mount_add /goods bind "$T/goods" bind "idmap=uids=5-77-1#0-0-1;gids=6-88-1#0-0-1"
	payload stat -c '%u %g' /goods/a
	rt run --bundle "$BUNDLE" "$ID"
	[[ $status -eq 0 || $errors != *"takes no id maps"* ]] || skip "this file system takes no id maps"
	same "77 88" "$output"
	table_is_as_before
}

# --- what cannot be ---------------------------------------------------------------------------------

@test "a user namespace, rootfsPropagation and a checkpoint are refused by name" {
	begin
	cp "$BUNDLE/config.json" "$T/plain.json"
	userns_add
	run_refused "linux.namespaces: a container with a user namespace can mount nothing in the mount namespace of the runtime"
	contains "$errors" 'list "mount", too, or leave "user" out'
	cp "$T/plain.json" "$BUNDLE/config.json"
	config '.linux.rootfsPropagation = "rslave"'
	run_refused "linux.rootfsPropagation: is for a mount namespace, which linux.namespaces lacks"
	cp "$T/plain.json" "$BUNDLE/config.json"
	chown -R 0:0 "$BUNDLE/rootfs"
	start_sleeper
	refused "linux.namespaces: CRIU would save the mounts of the host" checkpoint --image-path "$T/image" "$ID"
	ok delete --force "$ID"
	table_is_as_before
}

@test "the runtime's own mount namespace is not joined by path" {
	TABLE=$(table)
	payload true
	namespace_join mount "/proc/$$/ns/mnt"
	run_refused "/proc/$$/ns/mnt is the runtime's own mount namespace"
	contains "$errors" 'leave "mount" out'
	table_is_as_before
}
