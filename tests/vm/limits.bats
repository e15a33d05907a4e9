# SPDX-License-Identifier: Apache-2.0
# Limits with the cgroupfs manager, each shown by what it does to a process inside.
# needs: systemd memory pids cpu io strake
# disk: 256
# deadline: 300

load lib

setup_file() {
	strake --version | sed -n '1s/^/# /p' >&3
}

setup() {
	ID=t-$BATS_TEST_NUMBER
	bundle_make "$BATS_TEST_TMPDIR/b"
	bundle_set '.linux.cgroupsPath = "/strake-test/" + $id' --arg id "$ID"
}

teardown() {
	strake_ delete -f "$ID" 2>/dev/null || true
	swapoff -a
	[ ! -e "/sys/fs/cgroup/strake-test/$ID" ]
	rmdir /sys/fs/cgroup/strake-test
}

strake_() {
	strake --cgroup-manager=cgroupfs "$@"
}

# limited FILTER [JQ OPTION...]: a container that sleeps, with these linux.resources.
limited() {
	local filter=$1
	shift
	bundle_set ".process.args = [\"sleep\", \"600\"] | .linux.resources += $filter" "$@"
	strake_ run -d -b "$BUNDLE" "$ID"
	CGROUP=/sys/fs/cgroup/strake-test/$ID
}

in_it() {
	strake_ exec "$ID" "$@"
}

# with_disk RESOURCES: a container that sleeps, with the second disk as /dev/disk; RESOURCES may
# say $major and $minor.
with_disk() {
	local dev
	dev=$(lsblk -dno MAJ:MIN "$VM_DISK" | tr -d ' ')
	bundle_set '.linux.devices += [ { path: "/dev/disk", type: "b", major: $major, minor: $minor } ]' \
		--argjson major "${dev%:*}" --argjson minor "${dev#*:}"
	limited "$1" --argjson major "${dev%:*}" --argjson minor "${dev#*:}"
}

# hog MB: fill so much memory, not with zeros, which the kernel may share, and in one process: with
# several that ask for some, the kernel may find a second victim before the first has gone.
hog() {
	in_it sh -c "dd if=/dev/urandom iflag=fullblock bs=${1}M count=1 2>/dev/null | wc -c"
}

event() { # event FILE KEY
	awk -v k="$2" '$1 == k { print $2 }' "$CGROUP/$1"
}

usage() {
	event cpu.stat usage_usec
}

is_busy() { [ "$(usage)" -gt 0 ]; }

burn() {
	in_it sh -c 'while :; do :; done' &
}

@test "memory.limit: who needs more is killed, and the cgroup has counted it" {
	limited '{ memory: { limit: 33554432, swap: 33554432 } }'
	run hog 8
	[ "$output" = 8388608 ]
	[ "$(event memory.events oom_kill)" -eq 0 ]
	run hog 64
	[ "$output" != 67108864 ]
	[ "$(event memory.events oom_kill)" -ge 1 ]
	[ "$(strake_ state "$ID" | jq -r .status)" = running ]
}

@test "memory.limit on a container's first process ends the container by SIGKILL" {
	bundle_set '.process.args = ["sh", "-c", "x=$(head -c 64m /dev/zero | tr \"\\000\" x); echo alive"]
		| .linux.resources.memory = { limit: 16777216, swap: 16777216 }'
	run strake_ run -b "$BUNDLE" "$ID"
	[[ "$output" != *alive* ]]
	[ "$status" -eq 137 ]
}

@test "memory.swap: what the limit keeps out of memory fits into swap, and no more" {
	mkswap -q "$VM_DISK"
	swapon "$VM_DISK"
	limited '{ memory: { limit: 16777216, swap: 100663296 } }'
	[ "$(cat "$CGROUP/memory.swap.max")" -eq 83886080 ]
	run hog 48
	[ "$output" = 50331648 ]
	[ "$(event memory.events oom_kill)" -eq 0 ]
	run hog 160
	[ "$output" != 167772160 ]
	[ "$(event memory.events oom_kill)" -ge 1 ]
}

@test "unified memory.high holds back without killing" {
	mkswap -q "$VM_DISK"
	swapon "$VM_DISK"
	limited '{ unified: { "memory.high": "16777216" } }'
	run hog 32
	[ "$output" = 33554432 ]
	[ "$(event memory.events high)" -gt 0 ]
	[ "$(event memory.events oom_kill)" -eq 0 ]
}

@test "unified with a file that is none of a cgroup's is refused, and nothing is left" {
	bundle_set '.linux.resources.unified = { "memory.nonsense": "1" }'
	run strake_ run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *memory.nonsense* ]]
	bundle_set '.linux.resources.unified = { "../memory.max": "1" }'
	run strake_ run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *"../memory.max"* ]]
	mkdir -p /sys/fs/cgroup/strake-test
	[ -z "$(find /sys/fs/cgroup/strake-test -mindepth 1 -type d)" ]
}

@test "events: lack of memory, and what runc tells of a container, in its words" {
	limited '{ memory: { limit: 33554432, swap: 33554432 }, pids: { limit: 50 }, cpu: { quota: 50000, period: 100000 } }'
	strake_ events --interval 200ms "$ID" >"$BATS_TEST_TMPDIR/events" 3>&- &
	local events=$!
	run hog 64
	killed() { grep -q '"type":"oom"' "$BATS_TEST_TMPDIR/events"; }
	eventually 10 killed
	[ "$(strake_ events --stats "$ID" | jq '.data.memory.usage.limit, .data.pids.limit' | xargs)" = "33554432 50" ]
	strake_ events --stats "$ID" | jq -e '.data | .cpu.psi.some.avg10 >= 0 and .memory.psi.full.total >= 0
		and .cpu.usage.total > 0 and .memory.raw.anon > 0'
	strake_ events --stats "$ID" | jq -r '.data | paths | map(select(type == "string")) | join(".")' |
		sort -u >"$BATS_TEST_TMPDIR/ours"
	strake_ delete -f "$ID"
	wait "$events"

	runc run -d -b "$BUNDLE" "runc-$ID" </dev/null >/dev/null 2>&1
	# Left out: what only cgroup v1 had, and disks, which a container may not have used.
	runc events --stats "runc-$ID" | jq -r '.data | del(.cpuset, .intel_rdt, .network_interfaces, .blkio,
		.memory.kernel, .memory.kernelTCP) | paths | map(select(type == "string")) | join(".")' |
		sort -u >"$BATS_TEST_TMPDIR/runc"
	runc delete -f "runc-$ID"
	[ -s "$BATS_TEST_TMPDIR/runc" ]
	comm -13 "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/runc" | tee "$BATS_TEST_TMPDIR/missing"
	[ ! -s "$BATS_TEST_TMPDIR/missing" ]
	mkdir -p /sys/fs/cgroup/strake-test
}

@test "pids.limit: the fork too many fails with EAGAIN" {
	limited '{ pids: { limit: 4 } }'
	run in_it sh -c 'sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1 & kill 0'
	[[ "$output" == *"Resource temporarily unavailable"* ]]
	[ "$(event pids.events max)" -ge 1 ]
}

@test "cpu.quota: a busy loop gets its share of a second and is throttled" {
	limited '{ cpu: { quota: 20000, period: 100000 } }'
	burn
	eventually 10 is_busy
	local from begin=$EPOCHREALTIME
	from=$(usage)
	sleep 2
	local used=$(($(usage) - from)) wall=$((${EPOCHREALTIME/./} - ${begin/./}))
	echo "# used $used us of $wall us, allowed a fifth" >&3
	[ "$used" -le $((wall * 20 / 100 * 115 / 100)) ]
	[ "$used" -gt $((wall * 5 / 100)) ]
	[ "$(event cpu.stat nr_throttled)" -gt 5 ]
}

@test "cpu.shares: two busy loops share one processor as their weights say" {
	limited '{ cpu: { shares: 1024 } }'
	local one=$CGROUP first=$ID
	[ "$(cat "$one/cpu.weight")" -gt 0 ]
	burn
	ID=$ID-b
	bundle_set '.linux.cgroupsPath = "/strake-test/" + $id | .linux.resources.cpu.shares = 8192' \
		--arg id "$ID"
	strake_ run -d -b "$BUNDLE" "$ID"
	local two=/sys/fs/cgroup/strake-test/$ID
	burn
	local w1 w2 u1 u2
	w1=$(cat "$one/cpu.weight") w2=$(cat "$two/cpu.weight")
	[ "$w2" -gt "$w1" ]
	CGROUP=$one u1=$(usage) u2=$(CGROUP=$two usage)
	sleep 3
	u1=$(($(CGROUP=$one usage) - u1)) u2=$(($(CGROUP=$two usage) - u2))
	echo "# weights $w1 and $w2, used $u1 us and $u2 us" >&3
	# Within a quarter of the ratio of the weights.
	[ $((u2 * w1 * 4)) -gt $((u1 * w2 * 3)) ]
	[ $((u2 * w1 * 4)) -lt $((u1 * w2 * 5)) ]
	strake_ delete -f "$ID"
	[ ! -e "$two" ]
	ID=$first
}

@test "blockIO.throttleWriteBpsDevice: a disk is written no faster" {
	with_disk '{ blockIO: { throttleWriteBpsDevice: [
		{ major: $major, minor: $minor, rate: 2097152 } ] },
		devices: [ { allow: true, type: "b", major: $major, minor: $minor, access: "rw" } ] }'
	local begin=$EPOCHREALTIME
	in_it dd if=/dev/zero of=/dev/disk bs=256k count=24 oflag=direct
	local wall=$((${EPOCHREALTIME/./} - ${begin/./}))
	echo "# 6 MiB at 2 MiB/s took $((wall / 1000)) ms" >&3
	[ "$wall" -ge 2000000 ]
}

@test "pause stops a busy loop, resume lets it go on" {
	limited '{}'
	burn
	eventually 10 is_busy
	strake_ pause "$ID"
	[ "$(strake_ state "$ID" | jq -r .status)" = paused ]
	[ "$(event cgroup.events frozen)" -eq 1 ]
	local at
	at=$(usage)
	sleep 0.5
	[ "$(usage)" -eq "$at" ]
	strake_ resume "$ID"
	[ "$(strake_ state "$ID" | jq -r .status)" = running ]
	sleep 0.5
	[ "$(usage)" -gt "$at" ]
}

@test "delete -f ends all processes of a container, frozen too, and leaves nothing" {
	local programs
	programs=$(bpftool -j prog list | jq 'map(select(.type == "cgroup_device")) | length')
	limited '{ pids: { limit: 50 } }'
	in_it sh -c 'for i in 1 2 3 4 5; do setsid sleep 600 & done'
	local pids
	pids=$(cat "$CGROUP"/cgroup.procs)
	[ "$(echo "$pids" | wc -l)" -ge 6 ]
	strake_ pause "$ID"
	strake_ delete -f "$ID"
	[ ! -e "$CGROUP" ]
	for pid in $pids; do
		[ ! -e "/proc/$pid" ]
	done
	[ -z "$(strake_ list -q)" ]
	[ -z "$(ls -A /run/strake)" ]
	none_more() {
		[ "$(bpftool -j prog list | jq 'map(select(.type == "cgroup_device")) | length')" -eq "$1" ]
	}
	eventually 10 none_more "$programs" # the kernel frees them when the cgroup is really gone
}

@test "devices: what is not allowed cannot be opened, and reading is not writing" {
	bundle_set '.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	with_disk '{ devices: [ { allow: false, access: "rwm" },
		{ allow: true, type: "b", major: $major, minor: $minor, access: "r" } ] }'
	in_it dd if=/dev/disk of=/dev/null bs=4k count=1
	run in_it dd if=/dev/zero of=/dev/disk bs=4k count=1
	[ "$status" -ne 0 ]
	[[ "$output" == *"not permitted"* ]]
	in_it mknod /dev/other b 98 0 # making a node is allowed by default, using it is not
	run in_it dd if=/dev/other of=/dev/null bs=4k count=1
	[ "$status" -ne 0 ]
	[[ "$output" == *"not permitted"* ]]
	in_it sh -c 'echo x >/dev/null && head -c 1 /dev/urandom | wc -c'
}

@test "update changes what a running container may do" {
	limited '{ memory: { limit: 67108864, swap: 67108864 }, pids: { limit: 50 } }'
	run hog 40
	[ "$output" = 41943040 ]
	strake_ update --memory 16777216 --memory-swap 16777216 "$ID"
	run hog 40
	[ "$output" != 41943040 ]
	[ "$(event memory.events oom_kill)" -ge 1 ]
	strake_ update --pids-limit 3 "$ID"
	run in_it sh -c 'sleep 1 & sleep 1 & sleep 1 & sleep 1 & kill 0'
	[[ "$output" == *"Resource temporarily unavailable"* ]]
	echo '{ "cpu": { "quota": 10000, "period": 100000 }, "pids": { "limit": 100 } }' |
		strake_ update --resources - "$ID"
	burn
	# To the guest's clock a processor that the host takes away for a while is one that was used.
	local try from begin used wall
	for try in 1 2 3; do
		begin=$EPOCHREALTIME from=$(usage)
		sleep 2
		used=$(($(usage) - from)) wall=$((${EPOCHREALTIME/./} - ${begin/./}))
		echo "# try $try: used $used us of $wall us, allowed a tenth" >&3
		[ "$used" -gt $((wall * 10 / 100 * 115 / 100)) ] || break
	done
	[ "$used" -le $((wall * 10 / 100 * 115 / 100)) ]
	[ "$used" -gt 0 ]
	# What an update does not name stays.
	[ "$(cat "$CGROUP/memory.max")" -eq 16777216 ]
}

@test "update of memory alone leaves memory and swap together as they were" {
	limited '{ memory: { limit: 67108864, swap: 100663296 } }'
	strake_ update --memory 33554432 "$ID"
	[ "$(cat "$CGROUP/memory.max")" -eq 33554432 ]
	[ "$(cat "$CGROUP/memory.swap.max")" -eq 67108864 ]
	strake_ update --memory 100663296 "$ID"
	[ "$(cat "$CGROUP/memory.swap.max")" -eq 0 ]
	run strake_ update --memory 134217728 "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *"together are limited to 100663296"*--memory-swap* ]]
	[ "$(cat "$CGROUP/memory.max")" -eq 100663296 ]
	strake_ update --memory 134217728 --memory-swap 134217728 "$ID"
	[ "$(cat "$CGROUP/memory.max")" -eq 134217728 ]
	# Without a limit on swap there is no sum to keep.
	strake_ update --memory -1 --memory-swap -1 "$ID"
	strake_ update --memory 67108864 "$ID"
	[ "$(cat "$CGROUP/memory.swap.max")" = max ]
}

@test "an update that the kernel refuses tells so and changes nothing" {
	limited '{ pids: { limit: 50 } }'
	run strake_ update --cpuset-cpus 999 "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *cpuset* ]]
	[ "$(cat "$CGROUP/pids.max")" -eq 50 ]
}

@test "a process joined by exec is under the container's limits" {
	limited '{ memory: { limit: 67108864 } }'
	run in_it cat /proc/self/cgroup
	[ "$status" -eq 0 ]
	in_it sleep 601 &
	eventually 10 pgrep -f 'sleep 601'
	local pid
	pid=$(pgrep -fx 'sleep 601')
	[ "$(sed 's/^0:://' "/proc/$pid/cgroup")" = "/strake-test/$ID" ]
}

@test "exec goes to the first process where the container has cgroups of its own below" {
	bundle_set '(.mounts[] | select(.destination == "/sys/fs/cgroup")).options -= ["ro"]'
	limited '{}'
	in_it sh -c 'mkdir /sys/fs/cgroup/init && echo 1 >/sys/fs/cgroup/init/cgroup.procs'
	echo +pids >"$CGROUP/cgroup.subtree_control"
	run in_it cat /proc/self/cgroup
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "0::/init" ]
	strake_ delete -f "$ID"
	[ ! -e "$CGROUP" ]
}

@test "40 containers, 8 at a time, leave nothing" {
	bundle_set '.process.args = ["true"] | del(.linux.cgroupsPath)'
	local before programs
	before=$(find /sys/fs/cgroup -type d | sort)
	programs=$(bpftool -j prog list | jq 'map(select(.type == "cgroup_device")) | length')
	for i in 1 2 3 4 5; do
		local jobs=()
		for j in 1 2 3 4 5 6 7 8; do
			strake_ run -b "$BUNDLE" "m-$i-$j" &
			jobs+=($!)
		done
		for job in "${jobs[@]}"; do
			wait "$job"
		done
	done
	[ "$(find /sys/fs/cgroup -type d | sort)" = "$before" ]
	[ -z "$(ls -A /run/strake)" ]
	none_more() {
		[ "$(bpftool -j prog list | jq 'map(select(.type == "cgroup_device")) | length')" -eq "$1" ]
	}
	eventually 10 none_more "$programs"
	mkdir -p /sys/fs/cgroup/strake-test
}
