# SPDX-License-Identifier: Apache-2.0
# Containers as systemd's scopes: their life, their place, limits on both sides of the table, reloads and
# updates.
# needs: systemd memory pids cpu io cpuset userns strake
# disk: 64
# deadline: 600

load systemd_lib

# --- life ----------------------------------------------------------------------------------------

@test "run: the container lives in a cgroup of its own below the scope" {
	bundle_set '.process.args = ["sh", "-c", "cat /proc/self/cgroup; exit 7"]'
	run sd run -b "$BUNDLE" "$ID"
	[ "$status" -eq 7 ]
	[ "$output" = "0::/" ]
	[ ! -e "$SCOPE" ]
	[ "$(property LoadState)" = not-found ]
}

@test "create, start, exec, ps, pause, resume, kill, delete" {
	bundle_set '.process.args = ["sleep", "600"]'
	sd create -b "$BUNDLE" "$ID"
	[ "$(status_of "$ID")" = created ]
	[ "$(property ActiveState)" = active ]
	[ "$(property Delegate)" = yes ]
	[ "$(property Description)" = "strake container $ID" ]
	[ -z "$(cat "$SCOPE/cgroup.procs")" ]
	[ "$(cat "$SUB/cgroup.procs")" = "$(sd state "$ID" | jq .pid)" ]

	sd start "$ID"
	[ "$(sd exec "$ID" cat /proc/self/cgroup)" = "0::/" ]
	sd exec "$ID" sleep 601 &
	eventually 10 pgrep -fx 'sleep 601'
	[ "$(sed 's/^0:://' "/proc/$(pgrep -fx 'sleep 601')/cgroup")" = "/system.slice/$UNIT/container" ]
	[ "$(sd ps -f json "$ID" | jq length)" -eq 2 ]
	[ "$(sd state "$ID" | jq -r '."systemd-scope"')" = "$UNIT" ]

	sd pause "$ID"
	[ "$(status_of "$ID")" = paused ]
	grep -q 'frozen 1' "$SUB/cgroup.events"
	sd resume "$ID"
	[ "$(status_of "$ID")" = running ]

	sd kill "$ID" KILL
	stopped() { [ "$(status_of "$ID")" = stopped ]; }
	eventually 10 stopped
	sd delete "$ID"
	[ ! -e "$SCOPE" ]
	[ "$(property LoadState)" = not-found ]
}

@test "exec --cgroup: into a cgroup that the container has made" {
	bundle_set '(.mounts[] | select(.destination == "/sys/fs/cgroup")).options -= ["ro"]'
	sleeper
	mkdir "$SUB/below"
	sd exec --cgroup below "$ID" sleep 601 &
	eventually 10 pgrep -fx 'sleep 601'
	[ "$(sed 's/^0:://' "/proc/$(pgrep -fx 'sleep 601')/cgroup")" = "/system.slice/$UNIT/container/below" ]
	sd delete -f "$ID"
	[ ! -e "$SCOPE" ]
}

@test "delete -f ends a paused container and all its processes" {
	sleeper
	sd exec -d "$ID" sh -c 'for i in 1 2 3 4 5; do setsid sleep 600 & done'
	several() { [ "$(wc -l <"$SUB/cgroup.procs")" -ge 6 ]; }
	eventually 10 several
	sd pause "$ID"
	local pids
	pids=$(cat "$SUB/cgroup.procs")
	sd delete -f "$ID"
	for pid in $pids; do
		[ ! -e "/proc/$pid" ]
	done
	[ ! -e "$SCOPE" ]
	[ "$(property LoadState)" = not-found ]
}

@test "the scope of a container that ended by itself is gone before its delete" {
	bundle_set '.process.args = ["true"]'
	sd create -b "$BUNDLE" "$ID"
	sd start "$ID"
	gone() { [ ! -e "$SCOPE" ]; }
	eventually 10 gone
	[ "$(status_of "$ID")" = stopped ]
	sd delete "$ID"
}

@test "run keeps no connection to the bus while its container lives, and needs none at the end" {
	bundle_set '.process.args = ["sleep", "600"]'
	sd run -b "$BUNDLE" "$ID" 3>&- &
	local pid=$!
	runs() { [ "$(status_of "$ID")" = running ]; }
	eventually 10 runs
	no_socket() { ! readlink "/proc/$pid"/fd/* | grep -q '^socket:'; }
	eventually 10 no_socket
	freeze_bus
	sd kill "$ID" KILL
	wait "$pid" || [ $? -eq 137 ]
	[ ! -e "$SCOPE" ]
	[ ! -e "/run/strake/$ID" ]
}

@test "a container with room for one process is made" {
	sleeper '{ pids: { limit: 1 } }'
	[ "$(property TasksMax)" -eq 1 ]
	[ "$(cat "$SCOPE/pids.max")" -eq 1 ]
	[ "$(cat "$SUB/pids.max")" -eq 1 ]
}

@test "the scope begins with the container's own process" {
	local asked=$BATS_TEST_TMPDIR/asked
	bundle_set '.process.args = ["true"]'
	timeout 60 strace -f -qq -e trace=sendmsg,clone3 -o "$asked" strake --systemd-cgroup run -b "$BUNDLE" "$ID"
	# There is one before systemd is asked, and no other is made.
	[ "$(sed '/StartTransientUnit/q' "$asked" | grep -c 'clone3(')" -eq 1 ]
	[ "$(grep -c 'clone3(' "$asked")" -eq 1 ]
}

@test "without a cgroup namespace, its own cgroup is at the paths that it sees" {
	bundle_set '.linux.namespaces |= map(select(.type != "cgroup"))
		| .process.args = ["sh", "-c", "cat /proc/self/cgroup; stat -c %i /sys/fs/cgroup; sleep 600"]'
	sd run -d -b "$BUNDLE" "$ID" >"$BATS_TEST_TMPDIR/out"
	twice() { [ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 2 ]; }
	eventually 10 twice
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "0::${SUB#/sys/fs/cgroup}
$(stat -c %i "$SUB")" ]
}

@test "user and pid namespaces of others are joined in a scope of its own" {
	bundle_set '.linux.namespaces += [ { type: "user" } ]
		| .linux.uidMappings = [ { containerID: 0, hostID: 100000, size: 65536 } ]
		| .linux.gidMappings = .linux.uidMappings'
	chmod 755 "$BATS_TEST_TMPDIR" "$BUNDLE"
	sleeper
	local other=$ID-other pid
	pid=$(sd state "$ID" | jq .pid)
	bundle_set '(.linux.namespaces[] | select(.type == "user" or .type == "pid")) |= (.path = "/proc/\($p)/ns/\(.type)")
		| del(.linux.uidMappings, .linux.gidMappings)' --arg p "$pid"
	sd run -d -b "$BUNDLE" "$other"
	pid=$(sd state "$other" | jq .pid)
	[ "$(sed 's/^0:://' "/proc/$pid/cgroup")" = "/system.slice/strake-$other.scope/container" ]
	[ "$(stat -c %u "/proc/$pid")" -eq 100000 ]
	sd delete -f "$other"
	[ ! -e "/sys/fs/cgroup/system.slice/strake-$other.scope" ]
}

@test "what fails in the container's process is told in its words, and nothing is left" {
	bundle_set '.process.args = ["/no/such"]'
	run sd run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *'"/no/such"'* ]]
	bundle_set '.process.args = ["true"] | .hostname = ("x" * 200)'
	run sd run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *hostname* ]]
	eventually 5 nothing_left
}

@test "features tell of both managers" {
	strake features | jq -e '.linux.cgroup | .systemd and .systemdUser'
}

# --- where ---------------------------------------------------------------------------------------

place() { # cgroupsPath unit path
	bundle_set '.process.args = ["sleep", "600"] | .linux.cgroupsPath = $p' --arg p "$1"
	sd run -d -b "$BUNDLE" "$ID"
	local pid
	pid=$(sd state "$ID" | jq .pid)
	[ "$(sed 's/^0:://' "/proc/$pid/cgroup")" = "$3/$2/container" ]
	[ "$(property ControlGroup "$2")" = "$3/$2" ]
	sd delete -f "$ID"
	[ ! -e "/sys/fs/cgroup$3/$2" ]
}

@test "cgroupsPath: slices expand, parts have defaults" {
	place machine.slice:test:n1 test-n1.scope /machine.slice
	place test-pods-burst.slice:test:n2 test-n2.scope \
		/test.slice/test-pods.slice/test-pods-burst.slice
	place :test:n3 test-n3.scope /system.slice
	place machine.slice::testn4 testn4.scope /machine.slice
	place -:test:n5 test-n5.scope ""
	place ':test:n6_a.b\x2dd' 'test-n6_a.b\x2dd.scope' /system.slice
	systemctl stop test.slice
}

@test "cgroupsPath: what is no place for a container is refused" {
	local path
	for path in /a/b a.slice:b a:b:c:d a/../b.slice:p:n a.slice:p/q:n a.slice:p:.. 'a.slice:p:n*' \
		..:p:n a--b.slice:p:n a.slice:p: a.slice:p:pod.slice "a.slice:p:$(printf 'n%.0s' {1..300})"; do
		bundle_set '.linux.cgroupsPath = $p' --arg p "$path"
		run sd run -b "$BUNDLE" "$ID"
		echo "$path: $output"
		[ "$status" -ne 0 ]
		[[ "$output" == *cgroupsPath* ]]
	done
}

@test "org.systemd.property annotations do nothing" {
	bundle_set '.annotations += { "org.systemd.property.MemoryMax": "uint64 12345678",
		"org.systemd.property.Description": "'"'evil'"'",
		"org.systemd.property.OnFailure": "['"'poweroff.target'"']" }'
	sleeper
	[ "$(property MemoryMax)" = infinity ]
	[ "$(property Description)" = "strake container $ID" ]
	[ -z "$(property OnFailure)" ]
}

# --- limits --------------------------------------------------------------------------------------

# Every resource that this guest's kernel has: name, property, what systemctl shows, file, what it
# holds in the scope, what it holds in the container's cgroup. NUM is the disk's number.
rows() {
	cat <<-EOF
		pids.limit               TasksMax             77                        pids.max        77                         77
		memory.limit             MemoryMax            67108864                  memory.max      67108864                   67108864
		memory.swap              MemorySwapMax        33554432                  memory.swap.max 33554432                   33554432
		memory.reservation       MemoryLow            8388608                   memory.low      8388608                    8388608
		cpu.shares               CPUWeight            59                        cpu.weight      59                         59
		cpu.quota                CPUQuotaPerSecUSec   130ms                     cpu.max         13000_100000               12345_100000
		cpu.period               CPUQuotaPeriodUSec   100ms                     cpu.max         13000_100000               12345_100000
		cpu.burst                -                    -                         cpu.max.burst   5000                       5000
		cpu.cpus                 AllowedCPUs          0                         cpuset.cpus     0                          0
		cpu.mems                 AllowedMemoryNodes   0                         cpuset.mems     0                          0
		throttleReadBpsDevice    IOReadBandwidthMax   /dev/block/NUM_1048576    io.max          $io                        $io
		throttleWriteBpsDevice   IOWriteBandwidthMax  /dev/block/NUM_2097152    io.max          $io                        $io
		throttleReadIOPSDevice   IOReadIOPSMax        /dev/block/NUM_3000       io.max          $io                        $io
		throttleWriteIOPSDevice  IOWriteIOPSMax       /dev/block/NUM_4000       io.max          $io                        $io
		unified[memory.high]     MemoryHigh           50331648                  memory.high     50331648                   50331648
		unified[memory.min]      MemoryMin            4194304                   memory.min      4194304                    4194304
		unified[memory.oom.group] OOMPolicy           kill                      memory.oom.group 1                         1
		unified[memory.swap.high] -                   -                         memory.swap.high 16777216                  16777216
	EOF
}
io=NUM_rbps=1048576_wbps=2097152_riops=3000_wiops=4000

all_resources='{
	pids: { limit: 77 },
	memory: { limit: 67108864, swap: 100663296, reservation: 8388608 },
	cpu: { shares: 512, quota: 12345, period: 100000, burst: 5000, cpus: "0", mems: "0" },
	blockIO: {
		throttleReadBpsDevice: [ { major: $major, minor: $minor, rate: 1048576 } ],
		throttleWriteBpsDevice: [ { major: $major, minor: $minor, rate: 2097152 } ],
		throttleReadIOPSDevice: [ { major: $major, minor: $minor, rate: 3000 } ],
		throttleWriteIOPSDevice: [ { major: $major, minor: $minor, rate: 4000 } ] },
	unified: { "memory.high": "50331648", "memory.min": "4194304", "memory.oom.group": "1",
		"memory.swap.high": "16777216" } }'

with_all() {
	local num
	num=$(disk_numbers)
	bundle_set ".process.args = [\"sleep\", \"600\"] | .linux.resources = $all_resources" \
		--argjson major "${num%:*}" --argjson minor "${num#*:}"
}

# held MANAGER: for each row "held", or what is there instead, into $T/COLUMN.
held() { # column cgroupfs|systemd
	local num name prop shown file scope sub got bad
	num=$(disk_numbers)
	rows | sed "s/NUM/$num/g" | while read -r name prop shown file scope sub; do
		bad=
		if [ "$2" = systemd ]; then
			if [ "$prop" != - ]; then
				got=$(property "$prop")
				[ "$got" = "${shown//_/ }" ] || bad+="$prop=$got "
			fi
			got=$(cat "$SCOPE/$file")
			[ "$got" = "${scope//_/ }" ] || bad+="scope:$got "
		fi
		got=$(cat "$SUB/$file")
		[ "$got" = "${sub//_/ }" ] || bad+="file:$got "
		echo "${bad:-held}"
	done >"$BATS_TEST_TMPDIR/$1"
	! grep -v '^held$' "$BATS_TEST_TMPDIR/$1"
}

@test "every resource is held by unit and files, also after reload, reexec, and a change of the slice" {
	with_all
	sd run -d -b "$BUNDLE" "$ID"
	held created systemd
	systemctl daemon-reload
	held reload systemd
	systemctl daemon-reexec
	held reexec systemd
	systemctl set-property --runtime system.slice MemoryMax=infinity CPUWeight=200 IOWeight=50
	held slice systemd
	sd update --pids-limit 77 --memory 67108864 "$ID"
	held update systemd
	systemctl daemon-reload
	held again systemd
	systemctl revert system.slice
	sd delete -f "$ID"

	# The same by hand, to compare.
	SUB=/sys/fs/cgroup/strake-test/$ID
	bundle_set '.linux.cgroupsPath = "/strake-test/" + $id' --arg id "$ID"
	strake run -d -b "$BUNDLE" "$ID"
	held fs-created cgroupfs
	systemctl daemon-reload
	systemctl daemon-reexec
	held fs-reload cgroupfs
	strake update --pids-limit 77 --memory 67108864 "$ID"
	held fs-update cgroupfs
	strake delete -f "$ID"
	rmdir /sys/fs/cgroup/strake-test

	(cd "$BATS_TEST_TMPDIR" && {
		echo "resource manager:systemd reload reexec slice update reload manager:cgroupfs reload update"
		paste -d ' ' <(rows | awk '{ print $1 }') created reload reexec slice update again \
			fs-created fs-reload fs-update
	}) | awk '{ printf "# %-26s", $1; for (i = 2; i <= NF; i++) printf " %-15s", $i; print "" }' >&3
}

@test "limits act, also after reload and reexec, and a lack of memory is told as an event" {
	sleeper '{ memory: { limit: 33554432, swap: 33554432 }, pids: { limit: 8 },
		cpu: { quota: 20000, period: 100000 } }'
	sd events --interval 1h "$ID" >"$BATS_TEST_TMPDIR/events" 3>&- &
	local events=$! round=0 what from begin used wall
	kills() { [ "$(jq -r 'select(.type == "oom") | .id' "$BATS_TEST_TMPDIR/events" | wc -l)" -ge "$1" ]; }
	usage() { awk '$1 == "usage_usec" { print $2 }' "$SUB/cpu.stat"; }
	for what in show daemon-reload daemon-reexec; do
		systemctl "$what" >/dev/null
		round=$((round + 1))
		run sd exec "$ID" sh -c 'dd if=/dev/urandom iflag=fullblock bs=64M count=1 2>/dev/null | wc -c'
		[ "$output" != 67108864 ]
		eventually 10 kills "$round"
	done
	sd exec "$ID" sh -c 'while :; do :; done' 3>&- &
	from=$(usage)
	is_busy() { [ "$(usage)" -gt "$from" ]; }
	eventually 10 is_busy
	from=$(usage) begin=$EPOCHREALTIME
	sleep 2
	used=$(($(usage) - from)) wall=$((${EPOCHREALTIME/./} - ${begin/./}))
	echo "# used $used us of $wall us, allowed a fifth" >&3
	[ "$used" -le $((wall * 20 / 100 * 115 / 100)) ]
	run sd exec "$ID" sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; kill 0'
	[[ "$output" == *"Resource temporarily unavailable"* ]]
	sd kill "$ID" KILL
	wait "$events"
}

@test "cpu.idle is a weight of idle to systemd, and back" {
	sleeper '{ cpu: { idle: 1 } }'
	[ "$(property CPUWeight)" = idle ]
	[ "$(cat "$SCOPE/cpu.idle")" -eq 1 ]
	[ "$(cat "$SUB/cpu.idle")" -eq 1 ]
	echo '{ "cpu": { "idle": 0, "shares": 2048 } }' | sd update -r - "$ID"
	systemctl daemon-reload
	[ "$(property CPUWeight)" -eq 174 ]
	[ "$(cat "$SCOPE/cpu.idle")" -eq 0 ]
	[ "$(cat "$SCOPE/cpu.weight")" -eq 174 ]
	[ "$(cat "$SUB/cpu.weight")" -eq 174 ]
}

@test "update: unit and files agree afterwards, and what it does not name stays" {
	sleeper '{ memory: { limit: 67108864, swap: 67108864 }, cpu: { quota: 20000, period: 50000 } }'
	sd update --memory-swap 100663296 "$ID"
	[ "$(property MemorySwapMax)" -eq 33554432 ]
	sd update --cpu-period 100000 "$ID"
	[ "$(property CPUQuotaPerSecUSec)" = 200ms ]
	[ "$(property CPUQuotaPeriodUSec)" = 100ms ]
	sd update --cpu-quota 33333 "$ID"
	[ "$(property CPUQuotaPerSecUSec)" = 340ms ]
	sd update --pids-limit 5 "$ID"
	systemctl daemon-reload
	[ "$(property TasksMax)" -eq 5 ]
	[ "$(property MemoryMax)" -eq 67108864 ]
	[ "$(cat "$SCOPE/cpu.max")" = "34000 100000" ]
	[ "$(cat "$SUB/cpu.max")" = "33333 100000" ]
	[ "$(cat "$SUB/memory.swap.max")" -eq 33554432 ]
	[ "$(cat "$SCOPE/memory.swap.max")" -eq 33554432 ]
	[ "$(cat "$SUB/pids.max")" -eq 5 ]
	sd update --cpu-quota -1 --pids-limit -1 --memory -1 --memory-swap -1 "$ID"
	[ "$(property CPUQuotaPerSecUSec)" = infinity ]
	[ "$(property TasksMax)" = infinity ]
	[ "$(property MemoryMax)" = infinity ]
	[ "$(cat "$SUB/memory.max")" = max ]
	[ "$(cat "$SUB/cpu.max")" = "max 100000" ]
}

@test "update: what the kernel refuses does not reach the unit" {
	sleeper '{ cpu: { cpus: "0" } }'
	run sd update --cpuset-cpus 999 "$ID"
	[ "$status" -ne 0 ]
	[[ "$output" == *cpuset* ]]
	[ "$(property AllowedCPUs)" = 0 ]
	[ "$(cat "$SUB/cpuset.cpus")" = 0 ]
}

@test "the device filter is there after reload, reexec, a change of the unit, and an update" {
	local num
	num=$(disk_numbers)
	bundle_set '.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	sleeper '{ devices: [ { allow: false, access: "rwm" } ] }'
	filtered() {
		[ "$(bpftool -j cgroup show "$SUB" | jq 'length')" -eq 1 ]
		run sd exec "$ID" sh -c "dd if=/dev/d$1 of=/dev/null bs=512 count=1"
		[[ "$output" == *"not permitted"* ]]
		sd exec "$ID" sh -c 'echo >/dev/null'
	}
	sd exec "$ID" mknod /dev/d1 b "${num%:*}" "${num#*:}"
	filtered 1
	systemctl daemon-reload
	filtered 1
	systemctl daemon-reexec
	filtered 1
	systemctl set-property --runtime "$UNIT" DevicePolicy=auto
	systemctl set-property --runtime system.slice DevicePolicy=auto
	systemctl daemon-reload
	filtered 1
	jq -n '{ devices: [ { allow: false, access: "rwm" },
		{ allow: true, type: "b", major: $major, minor: $minor, access: "r" } ] }' \
		--argjson major "${num%:*}" --argjson minor "${num#*:}" | sd update -r - "$ID"
	systemctl daemon-reload
	[ "$(bpftool -j cgroup show "$SUB" | jq 'length')" -eq 1 ]
	sd exec "$ID" dd if=/dev/d1 of=/dev/null bs=512 count=1
	systemctl revert system.slice
}
