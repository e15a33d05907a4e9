# SPDX-License-Identifier: Apache-2.0
# The ground for what needs two processors.
# needs: systemd smp cpuset

load lib

@test "two processors are there" {
	[ "$(nproc)" -ge 2 ]
}

@test "cpuset binds to one of them" {
	run systemd-run --wait --pipe -q -p AllowedCPUs=1 -- grep Cpus_allowed_list /proc/self/status
	[ "$output" = $'Cpus_allowed_list:\t1' ]
}
