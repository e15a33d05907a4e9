# SPDX-License-Identifier: Apache-2.0
# The labels of SELinux, by a policy of our own that is enforced: on the container's process, where it holds,
# and on the mounts that are made for it.
# needs: systemd strake
# append: security=selinux
# length: long

load lib

LABEL=system_u:system_r:container_t:s0:c1,c2
FILES=system_u:object_r:container_file_t:s0:c1,c2

setup_file() {
	secilc -o /tmp/policy -f /dev/null selinux.cil
	# The kernel takes it in one write.
	python3 -c 'import os, sys
with open("/tmp/policy", "rb") as f:
    os.write(os.open("/sys/fs/selinux/load", os.O_WRONLY), f.read())'
	echo 1 >/sys/fs/selinux/enforce
}

teardown_file() {
	echo 0 >/sys/fs/selinux/enforce
}

setup() {
	bundle_make "$BATS_TEST_TMPDIR/b"
	echo open >"$BUNDLE/rootfs/open"
	echo closed >"$BUNDLE/rootfs/secret"
	setfattr -n security.selinux -v system_u:object_r:secret_t:s0 "$BUNDLE/rootfs/secret"
	ID=s-$BATS_TEST_NUMBER
}

teardown() {
	strake delete -f "$ID" 2>/dev/null || true
}

# labels RUNTIME: that of the process, and of each mount that is the container's own.
labels() {
	local runtime=$1 pid where
	"$runtime" run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$("$runtime" state "$ID" | jq .pid)
	echo "process $(tr -d '\0' <"/proc/$pid/attr/current")"
	for where in / /proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup /made /masked; do
		echo "$where $(getfattr --only-values --absolute-names -n security.selinux "/proc/$pid/root$where" | tr -d '\0')"
	done
	"$runtime" delete -f "$ID"
}

@test "SELinux is enforced in this guest" {
	[ "$(cat /sys/fs/selinux/enforce)" -eq 1 ]
	[ "$(tr -d '\0' </proc/self/attr/current)" = system_u:system_r:host_t:s0-s0:c0.c3 ]
}

@test "the label is on the container's process, and denies" {
	bundle_set '.process.selinuxLabel = $l | .process.args = ["sh", "-c",
		"cat /proc/self/attr/current; echo; cat /open; cat /secret"]' --arg l "$LABEL"
	run strake run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "${lines[0]}" == "$LABEL"* ]]
	[ "${lines[1]}" = open ]
	[[ "${lines[2]}" == *"/secret"*"Permission denied"* ]]
}

@test "no label, no change of it" {
	bundle_set '.process.args = ["sh", "-c", "cat /proc/self/attr/current; echo; cat /secret"]'
	run strake run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[[ "${lines[0]}" == *:host_t:* ]]
	[ "${lines[1]}" = closed ]
}

@test "exec takes the container's label, or the one it is told" {
	bundle_set '.process.selinuxLabel = $l | .process.args = ["sleep", "600"]' --arg l "$LABEL"
	strake run -d -b "$BUNDLE" "$ID"
	run strake exec "$ID" cat /proc/self/attr/current
	[[ "$output" == "$LABEL"* ]]
	run strake exec "$ID" cat /secret
	[[ "$output" == *"Permission denied"* ]]
	run strake exec --process-label "${LABEL%c1,c2}c3" "$ID" cat /proc/self/attr/current
	[[ "$output" == "${LABEL%c1,c2}c3"* ]]
}

@test "mountLabel is on what is mounted for the container, as with other runtimes" {
	bundle_set '.process.args = ["sleep", "600"] | .process.selinuxLabel = $l | .linux.mountLabel = $f
		| .mounts += [ { destination: "/made", type: "tmpfs", source: "tmpfs" } ]
		| .linux.maskedPaths += ["/masked"]' --arg l "$LABEL" --arg f "$FILES"
	mkdir "$BUNDLE/rootfs/masked"
	labels strake >"$BATS_TEST_TMPDIR/ours"
	cat "$BATS_TEST_TMPDIR/ours"
	for where in /dev /dev/pts /dev/shm /made /masked; do
		grep -qx "$where $FILES" "$BATS_TEST_TMPDIR/ours"
	done
	labels crun >"$BATS_TEST_TMPDIR/crun"
	diff "$BATS_TEST_TMPDIR/crun" "$BATS_TEST_TMPDIR/ours"
}

@test "a label that the policy does not know is an error that names it, and nothing is left" {
	bundle_set '.process.selinuxLabel = "system_u:system_r:nobody_t:s0"'
	run strake run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *process.selinuxLabel*nobody_t* ]]
	bundle_set 'del(.process.selinuxLabel) | .linux.mountLabel = "system_u:object_r:nothing_t:s0"'
	run strake run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *mountLabel* ]]
	[ -z "$(strake list -q)" ]
}
