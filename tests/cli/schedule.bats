#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How the payload is run: scheduler, I/O priority, processors, personality.

load helpers

@test "the scheduler's policy and nice value are as given" {
	config '.process.scheduler = { policy: "SCHED_BATCH", nice: 5 }'
	script 'cut -d" " -f19,41 /proc/self/stat'
	run_ok
	same "5 3" "$output"
}

@test "a scheduler that the kernel refuses is an error that names the field" {
	config '.process.scheduler = { policy: "SCHED_FIFO", priority: 1000 }'
	payload true
	run_refused "process.scheduler"
}

@test "the I/O priority is as given" {
	config '.process.ioPriority = { class: "IOPRIO_CLASS_IDLE", priority: 0 }'
	payload ionice
	run_ok
	contains "$output" idle
}

@test "execCPUAffinity.final is where an exec runs" {
	start_sleeper
	config '.process.execCPUAffinity = { final: "0" }'
	jq '.process | .args = [ "grep", "Cpus_allowed_list", "/proc/self/status" ]' \
		"$BUNDLE/config.json" > "$T/process.json"
	ok exec --process "$T/process.json" "$ID"
	same "Cpus_allowed_list:	0" "$output"
}

@test "a processor that is not there is refused by its field" {
	config '.process.execCPUAffinity = { final: "4000" }'
	payload true
	run_refused "process.execCPUAffinity.final"
}

@test "linux.personality makes a 32-bit machine of it" {
	[[ $(uname -m) == x86_64 ]] || skip "needs an x86_64 machine"
	config '.linux.personality = { domain: "LINUX32" }'
	payload uname -m
	run_ok
	same i686 "$output"
}
