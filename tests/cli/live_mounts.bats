#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Mounts of a container that runs: added all or not at all, removed, and held to what holds at create.

load helpers

data_make() {
	mkdir "$T/data"
	echo "of the host" > "$T/data/file"
}

mounts() { # add|remove, the mounts as jq, [arguments of jq...]
	local verb=$1 what=$2
	shift 2
	jq -n "$@" "$what" > "$T/mounts.json"
	ok mounts "$verb" "$ID" "$T/mounts.json"
}

mounts_refused() { # words, add|remove, the mounts as jq, [arguments of jq...]
	local words=$1 verb=$2 what=$3
	shift 3
	jq -n "$@" "$what" > "$T/mounts.json"
	refused "$words" mounts "$verb" "$ID" "$T/mounts.json"
}

inside() { ok exec "$ID" sh -c "$1"; }
table() { inside 'cut -d" " -f 5- /proc/self/mountinfo'; }

@test "mounts are added to a running container, and removed from it" {
	data_make
	local before
	start_sleeper
	table; before=$output
	mounts add '[ { destination: "/in/data", type: "bind", source: $s, options: [ "rbind", "ro" ] },
		{ destination: "/in/tmp", type: "tmpfs", source: "tmpfs", options: [ "nosuid", "size=64k" ] },
		{ destination: "/in/file", source: ($s + "/file"), options: [ "bind" ] } ]' --arg s "$T/data"
	inside 'cat /in/data/file /in/file; touch /in/data/x 2> /dev/null || echo kept; grep -c " /in/tmp .*nosuid.*size=64k" /proc/self/mountinfo'
	same $'of the host\nof the host\nkept\n1' "$output"
	mounts remove '{ mounts: [ { destination: "/in/data" }, { destination: "/in/tmp" }, { destination: "/in/file" } ] }'
	table
	same "$before" "$output"
	ok delete -f "$ID"
	lacks "$(cat /proc/self/mountinfo)" "$BUNDLE/rootfs/in"
}

@test "all mounts are added, or none" {
	local before
	start_sleeper
	table; before=$output
	mounts_refused 'mounts[2] (/in/c): open the source /nowhere' add '[ { destination: "/in/a", type: "tmpfs" },
		{ destination: "/in/b", type: "tmpfs" }, { destination: "/in/c", type: "bind", source: "/nowhere" } ]'
	mounts_refused 'mounts[1] (/in/b)' add '[ { destination: "/in/a", type: "tmpfs" },
		{ destination: "/in/b", type: "tmpfs", options: [ "size=many" ] } ]'
	table
	same "$before" "$output"
}

@test "the container's own links lead nowhere but into it" {
	data_make
	start_sleeper
	inside "ln -s '$T/data' /out; ln -s /proc/1 /tmp/proc; mkdir /real; ln -s /real /link"
	mounts add '[ { destination: "/out/there", type: "tmpfs" }, { destination: "/link", type: "tmpfs" } ]'
	[[ ! -e $T/data/there ]]
	mounts_refused 'leads into /proc' add '[ { destination: "/tmp/proc/fd", type: "tmpfs" } ]'
	mounts_refused 'symbolic link' remove '[ { destination: "/link" } ]'
	mounts remove '[ { destination: "/real" } ]'
}

@test "what keeps the container from a masked path is not removed, nor what is no mount" {
	config '.linux.maskedPaths = [ "/proc/kcore" ] | .linux.readonlyPaths = [ "/proc/sys" ]'
	start_sleeper
	mounts_refused 'masked' remove '[ { destination: "/proc/kcore" } ]'
	mounts_refused 'masked' remove '[ { destination: "/proc/./sys/" } ]'
	mounts_refused 'nothing is mounted there' remove '[ { destination: "/tmp" } ]'
	mounts_refused 'mounts[0] (/nothing): open it' remove '[ { destination: "/nothing" } ]'
	mounts_refused 'the root itself' remove '[ { destination: "/" } ]'
}

@test "a mount that would show our own namespaces is refused" {
	start_sleeper
	mounts_refused 'gets no new proc' add '[ { destination: "/p", type: "proc" } ]'
	mounts_refused 'gets no new cgroup2' add '[ { destination: "/c", type: "cgroup2" } ]'
}

@test "a container in a user namespace gets mounts of its own ids" {
	data_make
	userns_add
	start_sleeper
	mounts add '[ { destination: "/in/tmp", type: "tmpfs" }, { destination: "/in/data", type: "bind", source: $s } ]' --arg s "$T/data"
	inside 'stat -c %u /in/tmp /in/data; cat /in/data/file'
	same $'0\n65534\nof the host' "$output"
}

@test "node policies hold for mounts that are added" {
	data_make
	start_sleeper
	jq -n --arg d "$T/data" '{ schema: "strake/node-policy/1", name: "p",
		rules: [ { name: "r", mounts: { denySources: [ $d ], bindFlags: [ "nosuid" ] } } ] }' > "$T/policy.json"
	mkdir "$T/open"
	jq -n --arg s "$T/data" '[ { destination: "/d", type: "bind", source: $s } ]' > "$T/mounts.json"
	refused 'mounts[' --policy "$T/policy.json" mounts add "$ID" "$T/mounts.json"
	jq -n --arg s "$T/open" '[ { destination: "/d", type: "bind", source: $s } ]' > "$T/mounts.json"
	ok --policy "$T/policy.json" mounts add "$ID" "$T/mounts.json"
	inside 'grep " /d " /proc/self/mountinfo'
	contains "$output" nosuid
}

@test "who is asked wrongly says so" {
	start_sleeper
	echo '[ { "destination": "/x", "type": 5 } ]' > "$T/mounts.json"
	refused "$T/mounts.json:1: mounts[0].type" mounts add "$ID" "$T/mounts.json"
	echo '{}' > "$T/mounts.json"
	refused 'there are no mounts in it' mounts add "$ID" "$T/mounts.json"
	refused 'neither add nor remove' mounts mend "$ID" "$T/mounts.json"
	refused "$T/none" mounts add "$ID" "$T/none"
	echo '[ { "destination": "/x", "type": "tmpfs" } ]' > "$T/mounts.json"
	refused 'does not exist' mounts add nobody "$T/mounts.json"
	ok kill "$ID" KILL
	rt wait "$ID"
	refused 'it is stopped' mounts add "$ID" "$T/mounts.json"
}
