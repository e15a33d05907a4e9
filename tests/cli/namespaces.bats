#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Namespaces: new, joined by path, kept; user namespaces and their maps; offsets of time.

load helpers

kinds=(pid net ipc uts mnt cgroup)

ns_in_container() {
	payload sh -c 'for ns; do echo $ns $(readlink /proc/self/ns/$ns); done' sh "$@"
	run_ok
}

ns_here() {
	local ns
	for ns; do
		echo "$ns $(readlink "/proc/self/ns/$ns")"
	done
}

@test "each namespace that is listed is a new one" {
	local ns
	ns_in_container "${kinds[@]}"
	for ns in "${kinds[@]}"; do
		[[ $(grep "^$ns " <<< "$output") != "$(ns_here "$ns")" ]] || fail "$ns is the caller's"
	done
}

@test "each namespace that is not listed is the caller's" {
	local ns
	for ns in network ipc cgroup mount; do
		namespace_remove $ns
	done
	namespace_remove uts
	config 'del(.hostname)'
	# Without a network namespace sysfs shows the caller's devices, no more.
	ns_in_container net ipc cgroup uts mnt
	same "$(ns_here net ipc cgroup uts mnt)" "$output"
	namespace_remove pid
	ns_in_container pid
	same "$(ns_here pid)" "$output"
}

@test "a namespace with a path is joined" {
	local kind ns
	payload sleep 1000
	ID=other start
	for kind in network:net ipc:ipc uts:uts pid:pid cgroup:cgroup; do
		ns=${kind#*:}
		namespace_join "${kind%:*}" "/proc/$(pid_of other)/ns/$ns"
	done
	config 'del(.hostname)'
	ns_in_container net ipc uts pid cgroup
	same "$(for ns in net ipc uts pid cgroup; do
		echo "$ns $(readlink "/proc/$(pid_of other)/ns/$ns")"
	done)" "$output"
}

@test "a namespace path that is missing, no namespace or of another kind is refused" {
	namespace_join network /proc/self/ns/nowhere
	run_refused "open the network namespace /proc/self/ns/nowhere: No such file or directory"
	namespace_join network /etc/passwd
	run_refused "/etc/passwd is not a namespace"
	namespace_join network /proc/self/ns/ipc
	run_refused "/proc/self/ns/ipc is not a network namespace"
	namespace_join network net
	run_refused 'the path "net" of the network namespace is not absolute'
	mkfifo "$T/fifo"
	namespace_join network "$T/fifo"
	run_refused "is not a namespace"
}

@test "two containers share a pid namespace and see each other" {
	start_sleeper
	namespace_join pid "/proc/$(pid_of)/ns/pid"
	payload ps -o args
	ok run --bundle "$BUNDLE" second
	contains "$output" "sleep 1000"
	same running "$(state_of .status)"
}

@test "a namespace listed twice is refused" {
	config '.linux.namespaces += [ { type: "pid" } ]'
	run_refused 'linux.namespaces[6]: the pid namespace is listed twice'
}

@test "hostname without a uts namespace is refused" {
	namespace_remove uts
	run_refused "hostname: would change the host's name"
}

@test "without a pid namespace the container runs with the host's numbers" {
	namespace_remove pid
	payload sh -c 'echo $$'
	background "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" > "$T/number" < /dev/null
	wait "$background"
	[[ $(cat "$T/number") -gt 1 ]]
}

@test "the cgroup namespace shows the container's cgroup as the root" {
	payload cat /proc/self/cgroup
	run_ok
	same 0::/ "$(grep ^0:: <<< "$output")"
	namespace_remove cgroup
	run_ok
	same "0::$CAGE_CGROUP/$ID" "$(grep ^0:: <<< "$output")"
}

@test "a time namespace has its offsets" {
	config '.linux.namespaces += [ { type: "time" } ] |
		.linux.timeOffsets = { monotonic: { secs: 1000000 }, boottime: { secs: 7654321, nanosecs: 5 } }'
	payload sh -c 'cat /proc/self/timens_offsets; cut -d. -f 1 /proc/uptime'
	local up
	up=$(cut -d. -f 1 /proc/uptime)
	run_ok
	same "1000000 0" "$(awk '$1 == "monotonic" { print $2, $3 }' <<< "$output")"
	same "7654321 5" "$(awk '$1 == "boottime" { print $2, $3 }' <<< "$output")"
	[[ $(tail -n 1 <<< "$output") -ge $((up + 7654321)) ]]
}

@test "exec shares the time namespace of the container" {
	config '.linux.namespaces += [ { type: "time" } ] | .linux.timeOffsets = { boottime: { secs: 7654321 } }'
	start_sleeper
	ok exec "$ID" cut -d. -f 1 /proc/uptime
	[[ $output -ge 7654321 ]]
}

@test "timeOffsets without a new time namespace are refused" {
	config '.linux.timeOffsets = { monotonic: { secs: 1 } }'
	run_refused "linux.timeOffsets.monotonic: is for a new time namespace"
}

# --- user namespaces ---

@test "a user namespace maps ids both ways" {
	userns_add
	script 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; id -u; touch /mine; chown 1000:1000 /mine; stat -c "%u %g" /mine'
	run_ok
	same " 0 200000 65536
 0 200000 65536
0
1000 1000" "$output"
	same "201000 201000" "$(stat -c '%u %g' "$BUNDLE/rootfs/mine")"
}

@test "several maps are written whole, with the user's own id" {
	config '.linux.namespaces += [ { type: "user" } ] |
		.linux.uidMappings = [ range(250) | { containerID: (. * 10), hostID: (300000 + . * 20), size: 10 } ] |
		.linux.gidMappings = [ { containerID: 0, hostID: 500000, size: 5000 } ] |
		.process.user = { uid: 1234, gid: 77, additionalGids: [ 78 ] }'
	chown -R 300000:500000 "$BUNDLE/rootfs"
	payload sh -c 'wc -l < /proc/self/uid_map; id -u; id -G'
	run_ok
	same "250
1234
77 78" "$output"
}

@test "more mappings than the kernel takes are refused with the reason" {
	userns_add
	config '.linux.uidMappings = [ range(341) | { containerID: ., hostID: (300000 + .), size: 1 } ]'
	run_refused "linux.uidMappings: 341 mappings are too many for the kernel, at most 340"
	config '.linux.uidMappings |= .[:340]'
	run_refused "the uid_map of 340 mappings has more than 4095 bytes"
}

@test "in a user namespace devices, masks, console and sysctls are there as without" {
	userns_add
	config '.linux.sysctl = { "net.ipv4.ip_forward": "1" }'
	script 'for d in null zero tty; do ls -l /dev/$d; done | awk "{ print \$1, \$5, \$6 }"
		echo x > /dev/null; head -c 4 /dev/zero | od -An -tx1
		cat /proc/sys/net/ipv4/ip_forward; cat /proc/kcore | wc -c; ls /sys/firmware | wc -l'
	run_ok
	same "crw-rw-rw- 1, 3
crw-rw-rw- 1, 5
crw-rw-rw- 5, 0
 00 00 00 00
1
0
0" "$output"
}

@test "in a user namespace a bind mount of a folder that only root may enter works" {
	mkdir -p "$T/locked/inner"
	echo cargo > "$T/locked/inner/file"
	chmod 700 "$T/locked"
	userns_add
	bind_add /data "$T/locked/inner"
	payload cat /data/file
	run_ok
	same cargo "$output"
}

@test "a user namespace without id 0 runs a program as another user" {
	config '.linux.namespaces += [ { type: "user" } ] |
		.linux.uidMappings = [ { containerID: 1000, hostID: 201000, size: 10 } ] |
		.linux.gidMappings = .linux.uidMappings | .process.user = { uid: 1000, gid: 1000 }'
	chown -R 201000:201000 "$BUNDLE/rootfs"
	payload id -u
	run_ok
	same 1000 "$output"
}

@test "a user namespace of another container is joined by path" {
	userns_add
	payload sleep 1000
	ID=other start
	local pid
	pid=$(pid_of other)
	namespace_join user "/proc/$pid/ns/user"
	namespace_join network "/proc/$pid/ns/net"
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	payload sh -c 'id -u; readlink /proc/self/ns/user'
	run_ok
	same "0
$(readlink "/proc/$pid/ns/user")" "$output"
}

# An ordinary user with all powers over a user namespace of his own, where nothing else is new: mounts, process
# numbers and the network belong to the one above; and no cgroup is his. Who he is in there; what he runs before: a
# shell script, whose $1 is the bundle; how he is to get there.
in_his_own() {
	BUNDLE=$BATS_TMPDIR/bundle.$ID
	bundle_new "$BUNDLE"
	cp "$RUNTIME" "$BUNDLE/strake" # the tree may lie where only root may go
	config --argjson he "$1" 'del(.linux.namespaces[] | select(.type == "network" or .type == "cgroup")) | .mounts = [] |
		.linux.namespaces += [ { type: "user" } ] | .linux.uidMappings = [ { containerID: 0, hostID: $he, size: 1 } ] |
		.linux.gidMappings = .linux.uidMappings | del(.linux.maskedPaths, .linux.readonlyPaths, .linux.cgroupsPath)'
	payload sh -c 'echo "$$ $(id -u)"'
	chown -R 1000:1000 "$BUNDLE"
	output=$(setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user "${@:3}" sh -ec "$2
		\"\$1/strake\" --root \"\$1/state\" run --bundle \"\$1\" $ID" \
		sh "$BUNDLE" 2>&1) || fail "$output"
	rm -r --one-file-system "$BUNDLE"
}

@test "an ordinary user makes a container with a user namespace below his own, as root there and as himself" {
	in_his_own 0 '' --map-root-user
	same "1 0" "$output"
	in_his_own 1000 '' --map-current-user --keep-caps
	same "1 0" "$output"
	in_his_own 0 '' --map-root-user --mount
	same "1 0" "$output"
}

# Who has joined another pid namespace there has no way back to the one above.
@test "so he does in a pid namespace of his that is joined by path" {
	join='unshare --pid --fork --kill-child sh -c "echo > $1/there; exec sleep 1000" &
		trap "kill -KILL $!" EXIT
		until [ -e "$1/there" ]; do sleep 0.01; done
		jq --arg path "/proc/$!/ns/pid_for_children" \
			".linux.namespaces |= map(if .type == \"pid\" then .path = \$path else . end)" \
			<"$1/config.json" >"$1/joined.json"
		mv "$1/joined.json" "$1/config.json"'
	in_his_own 0 "$join" --map-root-user
	[[ $output =~ ^([0-9]+)\ 0$ && ${BASH_REMATCH[1]} -gt 1 ]] || fail "$output"
	in_his_own 1000 "$join" --map-current-user --keep-caps
	[[ $output =~ ^([0-9]+)\ 0$ && ${BASH_REMATCH[1]} -gt 1 ]] || fail "$output"
}

@test "ids without a mapping are refused by name" {
	userns_add
	config '.process.user.uid = 70000'
	run_refused "process.user.uid: 70000 has no mapping in linux.uidMappings"
}

@test "a user namespace without mappings, and mappings without one, are refused" {
	config '.linux.namespaces += [ { type: "user" } ]'
	run_refused "is missing: nobody would exist in the user namespace"
	config 'del(.linux.namespaces[-1]) | .linux.uidMappings = [ { containerID: 0, hostID: 1, size: 1 } ]'
	run_refused "linux.uidMappings: is for a user namespace"
}

lo_flags() {
	payload cat /sys/class/net/lo/flags
	run_ok
}

# IFF_UP | IFF_LOOPBACK, as with other runtimes: a server on localhost answers.
@test "a new network namespace has its loopback up, also in a user namespace" {
	lo_flags
	same 0x9 "$output"
	userns_add
	lo_flags
	same 0x9 "$output"
}

# --- linux.netDevices -------------------------------------------------------------------------------

# A network of the test's own, which the runtime runs in: with a pair of devices, "line" with addresses.
harbour() {
	touch "$T/net"
	unshare --net="$T/net" true
	harbour_ip link add line type veth peer name end || skip "this kernel has no veth"
	harbour_ip link set line mtu 1300 address 02:00:00:00:00:07
	harbour_ip addr add 10.9.0.2/24 dev line
	harbour_ip addr add fd00:9::2/64 dev line nodad
	harbour_ip addr add 10.9.1.2/24 dev line valid_lft 1000 preferred_lft 1000
	printf '#!/bin/sh\nexec nsenter --net="%s" "%s" "$@"\n' "$T/net" "$RUNTIME" > "$T/runtime"
	chmod 755 "$T/runtime"
	RUNTIME=$T/runtime
}
harbour_ip() { nsenter --net="$T/net" ip "$@"; }
harbour_away() { umount "$T/net"; }

@test "a network device goes into the container, up, with its own addresses, MTU and hardware address" {
	harbour
	config '.linux.netDevices = { line: {} }'
	payload ip addr show line
	run_ok
	contains "$output" "UP"
	contains "$output" "mtu 1300"
	contains "$output" "02:00:00:00:00:07"
	contains "$output" "10.9.0.2/24"
	contains "$output" "fd00:9::2/64"
	lacks "$output" "10.9.1.2"
	refused_ip link show line
	harbour_away
}
refused_ip() { ! harbour_ip "$@" > /dev/null 2>&1; }

@test "a network device has another name in the container, also one that the kernel numbers" {
	harbour
	config '.linux.netDevices = { line: { name: "rope" }, end: { name: "knot%d" } }'
	script 'ip link show rope; ip link show knot0'
	run_ok
	contains "$output" "rope@"
	harbour_away
}

@test "a network device goes into a network namespace that is joined, and into one of a user namespace" {
	harbour
	cp "$BUNDLE/config.json" "$T/plain.json"
	config '.linux.netDevices = { line: {} }'
	touch "$T/other"
	unshare --net="$T/other" true
	namespace_join network "$T/other"
	payload ip addr show line
	run_ok
	contains "$output" "10.9.0.2/24"
	contains "$(nsenter --net="$T/other" ip addr show line)" "10.9.0.2/24"
	cp "$T/plain.json" "$BUNDLE/config.json"
	config '.linux.netDevices = { end: {} }'
	userns_add
	payload ip -o link show end
	run_ok
	contains "$output" "UP"
	umount "$T/other"
	harbour_away
}

@test "hooks see the network device in its place" {
	harbour
	config --arg out "$T/seen" '.linux.netDevices = { line: {} } | .hooks.createRuntime = [ {
		path: "/bin/sh", args: [ "sh", "-c",
			"pid=$(jq .pid); nsenter -t $pid -n ip -br link > \($out)" ], env: [ "PATH=/bin:/sbin:/usr/bin:/usr/sbin" ] } ]'
	run_ok
	contains "$(< "$T/seen")" "line"
	harbour_away
}

@test "a network device that is missing, or whose name is taken, is refused by name" {
	harbour
	config '.linux.netDevices = { anchor: {} }'
	run_refused 'linux.netDevices["anchor"]: find it: No such device'
	config '.linux.netDevices = { line: { name: "lo" } }'
	run_refused 'linux.netDevices["line"]: the container has a device lo already'
	config '.linux.netDevices = { lo: { name: "lo9" } }'
	run_refused 'linux.netDevices["lo"]: move it into the container as lo9'
	harbour_away
}
