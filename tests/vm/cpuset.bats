# SPDX-License-Identifier: Apache-2.0
# A container's processors, with both managers.
# needs: systemd smp cpuset strake

load managers

setup() {
	managers_setup
}

teardown() {
	managers_teardown
}

teardown_file() {
	managers_end
}

affinity() {
	taskset -cp "$(strake_ state "$ID" | jq .pid)" | sed 's/.*: //'
}

both "cpuset.cpus and .mems are what a process is bound to" bound
bound() {
	limited '{ cpu: { cpus: "1", mems: "0" } }'
	run strake_ exec "$ID" grep -E '^(Cpus|Mems)_allowed_list' /proc/self/status
	[ "$output" = $'Cpus_allowed_list:\t1\nMems_allowed_list:\t0' ]
	run strake_ exec "$ID" nproc
	[ "$output" = 1 ]
	[ "$(affinity)" = 1 ]
}

both "update moves a running container to another processor" moves
moves() {
	limited '{ cpu: { cpus: "1" } }'
	strake_ update --cpuset-cpus 0 "$ID"
	[ "$(affinity)" = 0 ]
	strake_ update --cpuset-cpus 0-1 "$ID"
	[ "$(affinity)" = 0,1 ]
}

both "a processor that is not there is refused" refused
refused() {
	bundle_set '.linux.resources.cpu = { cpus: "77" }'
	run strake_ run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *cpuset* ]]
}
