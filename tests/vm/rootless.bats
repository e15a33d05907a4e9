#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# needs: systemd
# length: long
# Containers of an ordinary user, by himself: without an engine that made a user namespace before.

load lib

setup() {
	BUNDLE=$BATS_TEST_TMPDIR/bundle
	bundle_make "$BUNDLE"
	(cd "$BUNDLE" && rm config.json && strake spec --rootless)
	bundle_set '.process.terminal = false | .root.readonly = false | del(.linux.resources) |
		.linux.uidMappings = [ { containerID: 0, hostID: 1000, size: 1 } ] | .linux.gidMappings = .linux.uidMappings'
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_SUITE_TMPDIR" 2>/dev/null || true
	chown -R user:user "$BUNDLE"
	user_session
	START=$(sed -n 's/^user:\([0-9]*\):.*/\1/p' /etc/subuid)
	[ -n "$START" ]
}

payload() { bundle_set '.process.args = [ "sh", "-c", $s ]' --arg s "$1"; chown user "$BUNDLE/config.json"; }
map() { # the first of the host's ids, how many
	bundle_set '(.linux.uidMappings, .linux.gidMappings) = [ { containerID: 0, hostID: 1000, size: 1 },
		{ containerID: 1, hostID: $from, size: $n } ]' --argjson from "$1" --argjson n "$2"
}
strake_run() { as_user strake --cgroup-manager=disabled run --bundle "$BUNDLE" c; }

@test "a user's own id needs no help" {
	payload 'id -u; cat /proc/self/uid_map | tr -s " "'
	run strake_run
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '0\n 0 1000 1')" ]
}

@test "the ids that /etc/subuid gives are mapped by newuidmap and newgidmap" {
	map "$START" 65536
	bundle_set '.process.capabilities |= map_values(. + [ "CAP_CHOWN" ])'
	payload 'touch /tmp/x && chown 5:7 /tmp/x && stat -c %u:%g /tmp/x; cat /proc/self/setgroups'
	run strake_run
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '5:7\nallow')" ]
	[ "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/x")" = "$((START + 4)):$((START + 6))" ]
}

@test "other ids are refused, in the helper's words and with what to do" {
	map 300000 65536
	payload true
	run strake_run
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"newgidmap: "* ]]
	[[ $output == *"/etc/subgid"* ]]
}

@test "without the helpers the error names them" {
	map "$START" 65536
	payload true
	run as_user env PATH=/nowhere /opt/strake/bin/strake --cgroup-manager=disabled run --bundle "$BUNDLE" c
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"need newgidmap, which is not in PATH"* ]]
	run as_user strake --cgroup-manager=disabled list -q
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}
