# SPDX-License-Identifier: Apache-2.0
# The peers run in this guest, so what they show here can be compared with.
# needs: systemd memory pids userns

load lib

setup_file() {
	crun --version | sed -n '1s/^/# /p' >&3
	runc --version | sed -n '1s/^/# /p' >&3
	podman --version | sed 's/^/# /' >&3
	containerd --version | sed 's/^/# /' >&3
}

setup() {
	bundle_make "$BATS_TEST_TMPDIR/b"
}

teardown() {
	eventually 5 cgroups_none
}

@test "crun runs a container under systemd" {
	bundle_set '.process.args = ["sleep", "60"] | .linux.cgroupsPath = "system.slice:crun:one"'
	crun --systemd-cgroup run -d -b "$BUNDLE" one
	[ "$(systemctl is-active crun-one.scope)" = active ]
	crun delete -f one
}

@test "runc runs a container under systemd" {
	bundle_set '.process.args = ["echo", "hello"] | .linux.cgroupsPath = "system.slice:runc:two"'
	run runc --systemd-cgroup run -b "$BUNDLE" two
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
}

@test "crun holds a memory limit with cgroupfs" {
	bundle_set '.process.args = ["sh", "-c", "head -c 64M /dev/zero | tail -c 64M | wc -c"]
		| .linux.resources.memory = { limit: 16777216, swap: 16777216 }'
	run crun --cgroup-manager=cgroupfs run -b "$BUNDLE" three
	echo "$output"
	[[ "$output" != *67108864* ]]
}

@test "podman runs a container" {
	run podman run --rm --rootfs --network none "$BUNDLE/rootfs" echo hello
	[ "$status" -eq 0 ]
	[[ "$output" == *hello* ]]
}

@test "podman runs a container of an ordinary user" {
	user_session
	cp -r "$BUNDLE/rootfs" /home/user/rootfs
	chown -R user: /home/user/rootfs
	run as_user podman run --rm --rootfs --network none /home/user/rootfs echo hello
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *hello* ]]
}

@test "containerd runs a container" {
	systemctl start containerd
	jq --arg r "$BUNDLE/rootfs" '.root.path = $r | .process.args = ["echo", "hello"]' \
		"$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/config.json"
	run ctr run --rm --config "$BATS_TEST_TMPDIR/config.json" four
	systemctl stop containerd
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
}
