#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# doctor: whether containers can run here, and what stands in the way of a bundle's.

load helpers

# It says that the bundle's container would fail, and so it does.
sick() { # text
	exits 1 doctor --bundle "$BUNDLE"
	grep -E '^fails ' <<< "$output" | grep -qF -- "$1" || fail "wanted: $1
found: $output"
	rt run --bundle "$BUNDLE" "$ID"
	[[ $status -ne 0 ]] || fail "doctor said that it fails, and it ran"
}

@test "where containers run, doctor says so, and of the bundle, too" {
	ok doctor
	contains "$output" "fine   cgroup version 2 at /sys/fs/cgroup"
	contains "$output" "fine   user namespaces"
	lacks "$output" "fails"
	payload /bin/true
	ok doctor --bundle "$BUNDLE"
	contains "$output" "fine   $BUNDLE/config.json"
	run_ok
}

@test "doctor --json is an array of verdicts" {
	ok doctor --bundle "$BUNDLE" --json
	jq -e 'length > 5 and all(.[]; (.verdict | IN("fine", "lacks", "fails")) and (.what | length > 0))' <<< "$output"
}

@test "without cgroup version 2 doctor fails, and says what to do; without a cgroup it need not" {
	status=0
	unshare --mount sh -c 'umount -R /sys/fs/cgroup; "$0" doctor' "$RUNTIME" > "$T/out" || status=$?
	same 1 "$status"
	grep -q "^fails  no cgroup2 file system is mounted at /sys/fs/cgroup" "$T/out"
	grep -q "cgroup-manager=disabled" "$T/out"
	unshare --mount sh -c 'umount -R /sys/fs/cgroup; "$0" --cgroup-manager=disabled doctor' "$RUNTIME"
}

@test "what a bundle names and is not there: sources, program, root, hooks, devices, namespaces" {
	local filter text
	payload /bin/true
	cp "$BUNDLE/config.json" "$T/before.json"
	while IFS='@' read -r filter text; do
		cp "$T/before.json" "$BUNDLE/config.json"
		config "$filter"
		sick "$text"
	done << 'EOF'
.mounts += [ { destination: "/x", source: "/nowhere/at/all", options: [ "bind" ] } ]@/x: the source /nowhere/at/all of the bind mount: No such file
.process.args = [ "/bin/sail" ]@process.args[0]: /bin/sail in
.root.path = "nowhere"@root file system
.hooks.createRuntime = [ { path: "/nowhere/hook" } ]@hooks.createRuntime[0]: /nowhere/hook: No such file
.linux.netDevices = { nowhere0: {} }@linux.netDevices: there is no device nowhere0
.linux.namespaces |= map(if .type == "network" then .path = "/nowhere/net" else . end)@open the network namespace /nowhere/net
.process.args = []@process.args: is empty
EOF
}

@test "what the machine has not for a bundle: id maps, profiles, controllers" {
	payload /bin/true
	cp "$BUNDLE/config.json" "$T/before.json"
	bind_add /goods /proc/sys
	config '.mounts[-1] |= (. + { uidMappings: [ { containerID: 0, hostID: 7, size: 1 } ],
		gidMappings: [ { containerID: 0, hostID: 7, size: 1 } ] })'
	sick "idmap: map the ids of /proc/sys"
	cp "$T/before.json" "$BUNDLE/config.json"
	if [[ ! -d /sys/kernel/security/apparmor ]]; then
		config '.process.apparmorProfile = "sail"'
		sick 'process.apparmorProfile is "sail", but AppArmor is not active'
	fi
	cp "$T/before.json" "$BUNDLE/config.json"
	if ! grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
		config '.linux.resources.memory = { limit: 10000000 }'
		sick "linux.resources.memory.limit needs the controller memory, which is not there"
	fi
}

@test "an id map that works is tried, and leaves nothing" {
	payload /bin/true
	mkdir "$T/goods"
	bind_add /goods "$T/goods"
	config '.mounts[-1] |= (. + { uidMappings: [ { containerID: 0, hostID: 7, size: 1 } ],
		gidMappings: [ { containerID: 0, hostID: 7, size: 1 } ] })'
	ok doctor --bundle "$BUNDLE"
	contains "$output" "fine   the ids of $T/goods can be mapped"
	run_ok
}

@test "the node's policy is asked, too" {
	mkdir -m 755 "$T/policy.d"
	payload /bin/true
	cp "$HERE/../../policies/restricted.json" "$T/policy.d/"
	chmod 644 "$T/policy.d/restricted.json"
	globally --policy "$T/policy.d"
	exits 1 doctor --bundle "$BUNDLE"
	contains "$output" "fails"
}

@test "a user hears of ids and of his own manager" {
	# The tree may lie where only root may go.
	cp "$RUNTIME" "$T/strake"
	status=0
	setpriv --reuid 54321 --regid 54321 --clear-groups "$T/strake" doctor > "$T/out" || status=$?
	grep -q "/etc/subuid has no range for user 54321" "$T/out"
	grep -q "newuidmap" "$T/out"
}
