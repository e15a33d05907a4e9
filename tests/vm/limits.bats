# SPDX-License-Identifier: Apache-2.0
# Limits with both managers, each shown by what it does to a process inside; under systemd after it has
# read all its units anew. At the end: a table of what was seen to hold.
# needs: systemd memory pids cpu io cpuset strake
# disk: 256
# deadline: 600

load managers

setup_file() {
	strake --version | sed -n '1s/^/# /p' >&3
}

# Every resource of config.json, and why a guest may not show it.
resources() {
	cat <<-'EOF'
		memory.limit
		memory.swap
		memory.reservation
		memory.checkBeforeUpdate
		unified[memory.high]
		pids.limit
		cpu.quota
		cpu.burst
		cpu.shares
		cpu.idle
		cpu.cpus
		cpu.mems
		blockIO.throttleReadBpsDevice
		blockIO.throttleWriteBpsDevice
		blockIO.throttleReadIOPSDevice
		blockIO.throttleWriteIOPSDevice
		blockIO.weight
		hugepageLimits            this kernel has no huge pages
		rdma                      this machine has no such device
		devices
		pause
	EOF
}

# held RESOURCE: it was seen to hold, with this manager.
held() {
	echo "$1 $MANAGER" >>"$BATS_FILE_TMPDIR/held"
}

teardown_file() {
	managers_end
	resources | awk -v held="$BATS_FILE_TMPDIR/held" '
		BEGIN {
			while ((getline line < held) > 0)
				seen[line] = "held"
			printf "# %-32s %-9s %s\n", "resource", "cgroupfs", "systemd"
		}
		{
			name = $1
			$1 = ""
			line = sprintf("# %-32s %-9s %-9s", name, seen[name " cgroupfs"], seen[name " systemd"])
			if (!seen[name " cgroupfs"])
				line = line " not shown" ($0 == "" ? "" : ":" $0)
			sub(/ +$/, "", line)
			print line
		}' >&3
}

setup() {
	managers_setup
}

teardown() {
	swapoff -a
	managers_teardown
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

is_reaped() { [ ! -e "/proc/$1" ]; }
has_used() { [ "$(usage)" -ge "$1" ]; } # microseconds

# More than what came before may have used.
burn() {
	local before
	before=$(usage)
	in_it sh -c 'while :; do :; done' 3>&- &
	eventually 10 has_used $((before + 30000))
}

# beside RESOURCES COMMAND...: a second container with these, for which COMMAND is run; $ONE and $TWO are
# the cgroups of both, until drop_second.
beside() {
	local what=$1
	shift
	ONE=$CGROUP FIRST=$ID ID=$ID-b
	manage "$MANAGER"
	TWO=$CGROUP
	limited "$what"
	"$@"
	CGROUP=$ONE
}

drop_second() {
	strake_ delete -f "$ID"
	[ ! -e "$TWO" ]
	ID=$FIRST
	manage "$MANAGER"
}

filters() { bpftool -j prog list | jq 'map(select(.type == "cgroup_device")) | length'; }

filters_are() { [ "$(filters)" -eq "$1" ]; }

# --- with both managers --------------------------------------------------------------------------

both "memory.limit: who needs more is killed, and the cgroup has counted it" memory_limit
memory_limit() {
	limited '{ memory: { limit: 33554432, swap: 33554432 } }'
	run hog 8
	[ "$output" = 8388608 ]
	[ "$(event memory.events oom_kill)" -eq 0 ]
	strake_ events --interval 1h "$ID" >"$BATS_TEST_TMPDIR/events" 3>&- &
	local events=$!
	run hog 64
	[ "$output" != 67108864 ]
	[ "$(event memory.events oom_kill)" -ge 1 ]
	told() { [ "$(jq -r 'select(.type == "oom") | .id' "$BATS_TEST_TMPDIR/events")" = "$ID" ]; }
	eventually 10 told
	[ "$(strake_ state "$ID" | jq -r .status)" = running ]
	strake_ delete -f "$ID"
	wait "$events"
	held memory.limit
}

both "memory.limit on a container's first process ends the container by SIGKILL" memory_limit_first
memory_limit_first() {
	bundle_set '.process.args = ["sh", "-c", "x=$(head -c 64m /dev/zero | tr \"\\000\" x); echo alive"]
		| .linux.resources.memory = { limit: 16777216, swap: 16777216 }'
	run strake_ run -b "$BUNDLE" "$ID"
	[[ "$output" != *alive* ]]
	[ "$status" -eq 137 ]
}

both "memory.swap: what the limit keeps out of memory fits into swap, and no more" memory_swap
memory_swap() {
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
	held memory.swap
}

fill() {
	in_it dd if=/dev/urandom of=/dev/shm/file bs=1M count=24 2>/dev/null
}

# What is taken back from all below the cgroup above comes from who has nothing reserved.
both "memory.reservation: what is reserved is taken back last" memory_reservation
memory_reservation() {
	mkswap -q "$VM_DISK"
	swapon "$VM_DISK"
	limited '{ memory: { reservation: 67108864 } }'
	fill
	beside '{ memory: { reservation: 0 } }' fill
	echo 8M >"$ABOVE/memory.reclaim"
	local one two
	one=$(cat "$ONE/memory.current") two=$(cat "$TWO/memory.current")
	echo "# $MANAGER: 8 MiB taken back, $one bytes left of what is reserved, $two beside it" >&3
	[ "$one" -ge $((24 * 1048576)) ]
	[ "$two" -lt $((20 * 1048576)) ]
	drop_second
	strake_ update --memory-reservation 0 "$ID"
	echo 1G >"$ABOVE/memory.reclaim" 2>/dev/null || true # more than there is
	[ "$(cat "$ONE/memory.current")" -lt $((16 * 1048576)) ]
	held memory.reservation
}

both "memory.checkBeforeUpdate: a limit below what is in use is refused" memory_check
memory_check() {
	limited '{ memory: { limit: 67108864, swap: 67108864 } }'
	in_it dd if=/dev/urandom of=/dev/shm/file bs=1M count=16
	run strake_ update -r - "$ID" <<<'{ "memory": { "limit": 8388608, "swap": 8388608, "checkBeforeUpdate": true } }'
	echo "$output"
	[ "$status" -ne 0 ]
	[ "$(cat "$CGROUP/memory.max")" -eq 67108864 ]
	[ "$(event memory.events oom_kill)" -eq 0 ]
	held memory.checkBeforeUpdate
}

both "unified memory.high holds back without killing" memory_high
memory_high() {
	mkswap -q "$VM_DISK"
	swapon "$VM_DISK"
	limited '{ unified: { "memory.high": "16777216" } }'
	run hog 32
	[ "$output" = 33554432 ]
	[ "$(event memory.events high)" -gt 0 ]
	[ "$(event memory.events oom_kill)" -eq 0 ]
	held 'unified[memory.high]'
}

both "pids.limit: the fork too many fails with EAGAIN" pids_limit
pids_limit() {
	limited '{ pids: { limit: 4 } }'
	run in_it sh -c 'sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1 & kill 0'
	[[ "$output" == *"Resource temporarily unavailable"* ]]
	[ "$(event pids.events max)" -ge 1 ]
	held pids.limit
}

# used_at_most PERCENT: of two seconds of burning, within 15 %. To the guest's clock a processor that the
# host takes away for a while is one that was used, and so the smallest of some tries counts.
used_at_most() {
	local try from begin used wall
	for try in 1 2 3; do
		begin=$EPOCHREALTIME from=$(usage)
		sleep 2
		used=$(($(usage) - from)) wall=$((${EPOCHREALTIME/./} - ${begin/./}))
		echo "# $MANAGER, try $try: used $used us of $wall us, allowed $1 %" >&3
		[ "$used" -gt $((wall * $1 / 100 * 115 / 100)) ] || break
	done
	[ "$used" -le $((wall * $1 / 100 * 115 / 100)) ]
	[ "$used" -gt 0 ]
}

both "cpu.quota: a busy loop gets its share of a second and is throttled" cpu_quota
cpu_quota() {
	limited '{ cpu: { quota: 20000, period: 100000 } }'
	burn
	used_at_most 20
	[ "$(event cpu.stat nr_throttled)" -gt 5 ]
	held cpu.quota
}

both "cpu.burst: what was not used in earlier periods may be used later" cpu_burst
cpu_burst() {
	limited '{ cpu: { quota: 20000, period: 100000, burst: 20000 } }'
	bursts() {
		in_it sh -c 'sleep 0.3; i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done'
		[ "$(event cpu.stat nr_bursts)" -gt 0 ]
	}
	eventually 20 bursts
	held cpu.burst
}

# What both use in three seconds: $U1 and $U2.
measure_both() {
	U1=$(CGROUP=$ONE usage) U2=$(CGROUP=$TWO usage)
	sleep 3
	U1=$(($(CGROUP=$ONE usage) - U1)) U2=$(($(CGROUP=$TWO usage) - U2))
}

both "cpu.shares: two busy loops share one processor as their weights say" cpu_shares
cpu_shares() {
	limited '{ cpu: { shares: 1024 } }'
	burn
	beside '{ cpu: { shares: 8192 } }' burn
	local w1 w2
	w1=$(cat "$ONE/cpu.weight") w2=$(cat "$TWO/cpu.weight")
	[ "$w1" -gt 0 ]
	[ "$w2" -gt "$w1" ]
	measure_both
	echo "# $MANAGER: weights $w1 and $w2, used $U1 us and $U2 us" >&3
	drop_second
	# Within a quarter of the ratio of the weights.
	[ $((U2 * w1 * 4)) -gt $((U1 * w2 * 3)) ]
	[ $((U2 * w1 * 4)) -lt $((U1 * w2 * 5)) ]
	held cpu.shares
}

both "cpu.idle: who is idle runs when nobody else does" cpu_idle
cpu_idle() {
	limited '{ cpu: { idle: 1 } }'
	burn
	beside '{ cpu: { shares: 1024 } }' burn
	measure_both
	echo "# $MANAGER: idle used $U1 us, the other $U2 us" >&3
	drop_second
	[ $((U1 * 20)) -lt "$U2" ]
	held cpu.idle
}

both "cpu.cpus, cpu.mems: what a process may run on is what it sees" cpu_cpus
cpu_cpus() {
	limited '{ cpu: { cpus: "0", mems: "0" } }'
	run in_it grep -E '^(Cpus|Mems)_allowed_list' /proc/self/status
	[ "$output" = $'Cpus_allowed_list:\t0\nMems_allowed_list:\t0' ]
	[ "$(taskset -cp "$(strake_ state "$ID" | jq .pid)" | sed 's/.*: //')" = 0 ]
	run strake_ update --cpuset-cpus 77 "$ID"
	[ "$status" -ne 0 ]
	held cpu.cpus
	held cpu.mems
}

# throttled NAME RATE DD...: what dd does with 6 MB takes two seconds at least; $RATE is 2 MiB a second.
throttled() {
	local name=$1 rate=$2 begin
	shift 2
	with_disk "{ blockIO: { $name: [ { major: \$major, minor: \$minor, rate: $rate } ] },
		devices: [ { allow: true, type: \"b\", major: \$major, minor: \$minor, access: \"rw\" } ] }"
	begin=$EPOCHREALTIME
	in_it dd "$@"
	local wall=$((${EPOCHREALTIME/./} - ${begin/./}))
	echo "# $MANAGER: $name $rate took $((wall / 1000)) ms" >&3
	[ "$wall" -ge 2000000 ]
	held "blockIO.$name"
}

both "blockIO.throttleReadBpsDevice: a disk is read no faster" read_bps
read_bps() {
	throttled throttleReadBpsDevice 2097152 if=/dev/disk of=/dev/null bs=256k count=24 iflag=direct
}

both "blockIO.throttleWriteBpsDevice: a disk is written no faster" write_bps
write_bps() {
	throttled throttleWriteBpsDevice 2097152 if=/dev/zero of=/dev/disk bs=256k count=24 oflag=direct
}

both "blockIO.throttleReadIOPSDevice: a disk is read no more often" read_iops
read_iops() {
	throttled throttleReadIOPSDevice 40 if=/dev/disk of=/dev/null bs=4k count=120 iflag=direct
}

both "blockIO.throttleWriteIOPSDevice: a disk is written no more often" write_iops
write_iops() {
	throttled throttleWriteIOPSDevice 40 if=/dev/zero of=/dev/disk bs=4k count=120 oflag=direct
}

# Eight who read without end, past the page cache: a disk that one alone cannot keep busy is nobody's to share.
read_disk() {
	in_it sh -c 'for i in 1 2 3 4 5 6 7 8; do
		while dd if=/dev/disk of=/dev/null bs=1M count=64 iflag=direct 2>/dev/null; do :; done &
	done; wait' 3>&- &
	eventually 10 has_read 1048576
}

# Bytes of the second disk; there is no line before the first.
has_read() { [ "$(bytes_read)" -ge "$1" ]; }
bytes_read() {
	awk -v dev="$DISK" '$1 == dev { sub(/.*rbytes=/, ""); n = $1 } END { print n + 0 }' "$CGROUP/io.stat"
}

# BFQ, so that the weights of these two alone count: no queue is favoured for being interactive.
weigh_disk() { # SCHEDULER
	local queue=/sys/block/${VM_DISK#/dev/}/queue
	echo "$1" >"$queue/scheduler"
	[ "$1" != bfq ] || echo 0 >"$queue/iosched/low_latency"
}

# A reader's resources.
weighing() { # WEIGHT
	printf '{ blockIO: { weight: %s }, devices: [ { allow: true, type: "b", major: %s, minor: %s, access: "r" } ] }' \
		"$1" "${DISK%:*}" "${DISK#*:}"
}

both "blockIO.weight: two who read one disk share it as their weights say" io_weight
io_weight() {
	local b1 b2
	modprobe -q bfq || true # where it is no part of the kernel itself
	[ -e /sys/fs/cgroup/init.scope/io.bfq.weight ] || skip "this kernel has no disk scheduler that weighs"
	DISK=$(lsblk -dno MAJ:MIN "$VM_DISK" | tr -d ' ')
	weigh_disk bfq
	with_disk "$(weighing 100)"
	read_disk
	beside "$(weighing 800)" read_disk
	b1=$(CGROUP=$ONE bytes_read) b2=$(CGROUP=$TWO bytes_read)
	sleep 3
	b1=$(($(CGROUP=$ONE bytes_read) - b1)) b2=$(($(CGROUP=$TWO bytes_read) - b2))
	echo "# $MANAGER: weights 100 and 800, read $((b1 >> 10)) KiB and $((b2 >> 10)) KiB" >&3
	drop_second
	weigh_disk none
	[ "$b1" -gt 0 ]
	# BFQ's share is one of time, with what it grants who reads in order: 3 to 13 times as much was seen.
	[ "$b2" -gt $((b1 * 2)) ]
	held blockIO.weight
}

both "hugepageLimits: no more huge pages than allowed" hugepages
hugepages() {
	grep -qw hugetlb /sys/fs/cgroup/cgroup.controllers || skip "controller hugetlb not in cgroup.controllers"
	echo 8 >/proc/sys/vm/nr_hugepages
	[ "$(cat /proc/sys/vm/nr_hugepages)" -eq 8 ]
	bundle_set '.mounts += [ { destination: "/huge", type: "hugetlbfs", source: "huge", options: ["pagesize=2M"] } ]'
	limited '{ hugepageLimits: [ { pageSize: "2MB", limit: 4194304 } ] }'
	in_it fallocate -l 4194304 /huge/two
	run in_it fallocate -l 4194304 /huge/more
	echo "$output"
	[ "$status" -ne 0 ]
	[ "$(event hugetlb.2MB.events max)" -ge 1 ]
	echo 0 >/proc/sys/vm/nr_hugepages
	held hugepageLimits
}

both "devices: what is not allowed cannot be opened, and reading is not writing" devices
devices() {
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
	# One filter, ours, on the container's own cgroup; an update puts another in its place, and no second.
	local id
	id=$(bpftool -j cgroup show "$CGROUP" | jq '.[0].id')
	[ "$(bpftool -j cgroup show "$CGROUP" | jq 'map(select(.attach_type == "cgroup_device")) | length')" -eq 1 ]
	strake_ update -r - "$ID" <<<'{ "devices": [ { "allow": false, "access": "rwm" } ] }'
	[ "$(bpftool -j cgroup show "$CGROUP" | jq length)" -eq 1 ]
	[ "$(bpftool -j cgroup show "$CGROUP" | jq '.[0].id')" -ne "$id" ]
	run in_it dd if=/dev/disk of=/dev/null bs=4k count=1
	[ "$status" -ne 0 ]
	[[ "$output" == *"not permitted"* ]]
	held devices
}

both "pause stops a busy loop, resume lets it go on" pause_resume
pause_resume() {
	limited '{}'
	burn
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
	held pause
}

both "update changes what a running container may do" update
update() {
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
	used_at_most 10
	# What an update does not name stays.
	[ "$(cat "$CGROUP/memory.max")" -eq 16777216 ]
}

# --- by hand -------------------------------------------------------------------------------------

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
}

@test "delete -f ends all processes of a container, frozen too, and leaves nothing" {
	local programs
	programs=$(filters)
	limited '{ pids: { limit: 50 } }'
	in_it sh -c 'for i in 1 2 3 4 5; do setsid sleep 600 & done'
	local pids
	pids=$(cat "$CGROUP"/cgroup.procs)
	[ "$(echo "$pids" | wc -l)" -ge 6 ]
	strake_ pause "$ID"
	strake_ delete -f "$ID"
	[ ! -e "$CGROUP" ]
	for pid in $pids; do
		eventually 10 is_reaped "$pid" # the first one by its new parent, the guest's
	done
	[ -z "$(strake_ list -q)" ]
	[ -z "$(ls -A /run/strake)" ]
	eventually 10 filters_are "$programs" # the kernel frees them when the cgroup is really gone
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

@test "memory.swap of 0 is no swap, with a limit of memory and without" {
	limited '{ memory: { swap: 0 } }'
	[ "$(cat "$CGROUP/memory.swap.max")" -eq 0 ]
	[ "$(cat "$CGROUP/memory.max")" = max ]
	strake_ update --memory 67108864 --memory-swap 100663296 "$ID"
	[ "$(cat "$CGROUP/memory.swap.max")" -eq 33554432 ]
	strake_ update --memory-swap 0 "$ID"
	[ "$(cat "$CGROUP/memory.swap.max")" -eq 0 ]
	[ "$(cat "$CGROUP/memory.max")" -eq 67108864 ]
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
	# One that stayed above would keep the container from handing controllers down.
	in_it sleep 601 3>&- &
	eventually 10 pgrep -fx 'sleep 601'
	[ "$(sed 's/^0:://' "/proc/$(pgrep -fx 'sleep 601')/cgroup")" = "/strake-test/$ID/init" ]
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
	programs=$(filters)
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
	eventually 10 filters_are "$programs"
}
