# SPDX-License-Identifier: Apache-2.0
# A container's processors.
# needs: systemd smp cpuset strake

load lib

setup() {
	bundle_make "$BATS_TEST_TMPDIR/b"
	bundle_set '.linux.cgroupsPath = "/strake-cpuset" | .process.args = ["sleep", "600"]'
}

teardown() {
	strake delete -f c 2>/dev/null || true
	[ ! -e /sys/fs/cgroup/strake-cpuset ]
}

@test "cpuset.cpus and .mems are what a process is bound to" {
	bundle_set '.linux.resources.cpu = { cpus: "1", mems: "0" }'
	strake run -d -b "$BUNDLE" c
	run strake exec c grep Cpus_allowed_list /proc/self/status
	[ "$output" = $'Cpus_allowed_list:\t1' ]
	run strake exec c nproc
	[ "$output" = 1 ]
}

@test "update moves a running container to another processor" {
	bundle_set '.linux.resources.cpu = { cpus: "1" }'
	strake run -d -b "$BUNDLE" c
	strake update --cpuset-cpus 0 c
	local pid
	pid=$(strake state c | jq .pid)
	[ "$(taskset -cp "$pid" | sed 's/.*: //')" = 0 ]
	strake update --cpuset-cpus 0-1 c
	[ "$(taskset -cp "$pid" | sed 's/.*: //')" = 0,1 ]
}

@test "a processor that is not there is refused" {
	bundle_set '.linux.resources.cpu = { cpus: "77" }'
	run strake run -b "$BUNDLE" c
	[ "$status" -ne 0 ]
	[[ "$output" == *cpuset* ]]
}
