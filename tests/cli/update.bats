#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits at create and by update, as far as the machine's controllers go.

load helpers

has() { grep -qw "$1" /sys/fs/cgroup/cgroup.controllers || skip "cgroup version 2 has no controller $1 here"; }
limit() { cat "$CG/$1"; }

@test "update without anything to change is a success" {
	start_sleeper
	ok update "$ID"
}

@test "huge pages are limited at create and by update" {
	has hugetlb
	[[ -e /sys/kernel/mm/hugepages/hugepages-2048kB ]] || skip "this machine has no huge pages of 2 MiB"
	config '.linux.resources.hugepageLimits = [ { pageSize: "2MB", limit: 8388608 } ]'
	start_sleeper
	same 8388608 "$(limit hugetlb.2MB.max)"
	echo '{ "hugepageLimits": [ { "pageSize": "2MB", "limit": 4194304 } ] }' > "$T/r.json"
	ok update --resources "$T/r.json" "$ID"
	same 4194304 "$(limit hugetlb.2MB.max)"
	INPUT=$T/r2.json
	echo '{ "unified": { "hugetlb.2MB.max": "2097152" } }' > "$INPUT"
	ok update --resources - "$ID"
	same 2097152 "$(limit hugetlb.2MB.max)"
}

@test "what cgroup version 2 has nothing for is ignored, and that is said, at create and by update" {
	config '.linux.resources = { memory: { swappiness: 60, kernelTCP: 1048576 }, network: { classID: 1 } }'
	start_sleeper
	same 3 "$(grep -c "is ignored: cgroup version 2 has no such limit" <<< "$(cat "$T/create.err")")"
	contains "$(cat "$T/create.err")" "memory.swappiness is ignored"
	echo '{ "memory": { "kernelTCP": 1 } }' > "$T/r.json"
	ok update --resources "$T/r.json" "$ID"
	contains "$errors" "memory.kernelTCP is ignored"
}

@test "unified writes any file of the cgroup, by name" {
	config '.linux.resources.unified = { "cgroup.max.depth": "5" }'
	start_sleeper
	same 5 "$(limit cgroup.max.depth)"
	config '.linux.resources.unified = { "cgroup.sail": "5" }'
	ID=second
	run_refused 'linux.resources.unified["cgroup.sail"]'
	config '.linux.resources.unified = { "../escape": "5" }'
	run_refused 'linux.resources.unified["../escape"]'
}

@test "memory, swap and reservation are limited" {
	has memory
	config '.linux.resources.memory = { limit: 67108864, reservation: 33554432, swap: 100663296 }'
	start_sleeper
	same 67108864 "$(limit memory.max)"
	same 33554432 "$(limit memory.low)"
	# What is limited together stays so: memory gets what swap had.
	ok update --memory 80m "$ID"
	same 83886080 "$(limit memory.max)"
	same 16777216 "$(limit memory.swap.max)"
	refused 'together are limited to 100663296' update --memory 128m "$ID"
	same 83886080 "$(limit memory.max)"
	ok update --memory -1 --memory-swap -1 "$ID"
	same max "$(limit memory.max)"
}

@test "processes are limited, and the limit is felt" {
	has pids
	config '.linux.resources.pids = { limit: 4 }'
	script 'for i in 1 2 3 4 5 6; do sleep 5 & done; wait'
	rt run --bundle "$BUNDLE" "$ID"
	contains "$errors" "Resource temporarily unavailable"
}

@test "CPU shares, quota and period are set and updated" {
	has cpu
	config '.linux.resources.cpu = { shares: 1024, quota: 50000, period: 100000 }'
	start_sleeper
	same 100 "$(limit cpu.weight)"
	same "50000 100000" "$(limit cpu.max)"
	ok update --cpu-quota 25000 --cpu-share 2048 "$ID"
	same "25000 100000" "$(limit cpu.max)"
}

# Each limit with the controller that it needs, as jq for linux.resources.
limits='memory|memory.limit|{ memory: { limit: 67108864 } }
pids|pids.limit|{ pids: { limit: 40 } }
cpu|cpu.shares|{ cpu: { shares: 512 } }
cpuset|cpu.cpus|{ cpu: { cpus: "0" } }
io|blockIO.weight|{ blockIO: { weight: 100 } }'

@test "a limit is set, or refused by the name of the controller that is missing, at create and by update" {
	local controller field json
	payload true
	while IFS='|' read -r controller field json; do
		config ".linux.resources = $json"
		if grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers; then
			run_ok
		else
			run_refused "linux.resources.$field"
			contains "$errors" "$controller"
			contains "$errors" "hint: "
			[[ ! -e $ROOT/$ID && ! -d $CG ]]
		fi
	done <<< "$limits"
	config 'del(.linux.resources)'
	start_sleeper
	while IFS='|' read -r controller field json; do
		jq -n "$json" > "$T/r.json"
		if grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers; then
			ok update --resources "$T/r.json" "$ID"
		else
			refused "linux.resources.$field" update --resources "$T/r.json" "$ID"
		fi
		same running "$(state_of .status)"
	done <<< "$limits"
}

@test "values that are none are refused by flag" {
	start_sleeper
	refused '--memory: "lots" is no valid value' update --memory lots "$ID"
	refused '--memory: "64x" is no valid value' update --memory 64x "$ID"
	refused '--pids-limit: "1e3" is no valid value' update --pids-limit 1e3 "$ID"
	refused '--cpu-share: "-1" is no valid value' update --cpu-share=-1 "$ID"
	refused '--memory: "99999999999g" is no valid value' update --memory 99999999999g "$ID"
	echo '{ "pids": { "limit": "x" } }' > "$T/r.json"
	refused "pids.limit" update --resources "$T/r.json" "$ID"
	refused "No such file or directory" update --resources "$T/nowhere" "$ID"
	refused "has no linux.intelRdt" update --l3-cache-schema L3:0=f "$ID"
	refused "has no linux.intelRdt" update --mem-bw-schema MB:0=50 "$ID"
}

@test "update of a stopped or missing container is refused" {
	payload true
	start
	wait_for is_status stopped
	refused "cannot update container \"$ID\": it is stopped" update --pids-limit 5 "$ID"
	refused 'container "nobody" does not exist' update --pids-limit 5 nobody
}

@test "device rules are replaced by update" {
	script 'mknod /dev/a c 1 77; until test -e /tmp/go; do sleep 0.02; done; probe open /dev/a r || true'
	start
	ok exec "$ID" sh -c 'probe open /dev/a r || true'
	same EPERM "$output"
	echo '{ "devices": [ { "allow": true, "type": "c", "major": 1, "minor": 77, "access": "r" } ] }' > "$T/r.json"
	ok update --resources "$T/r.json" "$ID"
	touch "$BUNDLE/rootfs/tmp/go"
	wait_for file_has "$T/create.out"
	same ENXIO "$(cat "$T/create.out")"
}

@test "cgroupsPath says where the cgroup is, absolute or beside the caller's" {
	config --arg p "$CAGE_CGROUP/deep/down/here" '.linux.cgroupsPath = $p'
	start_sleeper
	same "$(pid_of)" "$(cat "/sys/fs/cgroup$CAGE_CGROUP/deep/down/here/cgroup.procs")"
	ok delete -f "$ID"
	[[ ! -d /sys/fs/cgroup$CAGE_CGROUP/deep/down/here ]]
	rmdir -p "/sys/fs/cgroup$CAGE_CGROUP/deep/down" 2> /dev/null || true
	config '.linux.cgroupsPath = "beside"'
	start_sleeper
	same "$(pid_of)" "$(cat "/sys/fs/cgroup$CAGE_CGROUP/beside/cgroup.procs")"
}
