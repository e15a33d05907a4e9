# SPDX-License-Identifier: Apache-2.0
# Containers as systemd's scopes when things go wrong: names that are taken, a bus that hangs or is gone,
# death at any moment; and that nothing is left.
# needs: systemd memory pids cpu io cpuset userns strake
# deadline: 600

load systemd_lib

# --- names that are taken ------------------------------------------------------------------------

@test "a failed unit that was left over is cleared away" {
	run systemd-run --scope --unit="$UNIT" -p CollectMode=inactive -p RuntimeMaxSec=1 sleep 60
	[ "$(property ActiveState)" = failed ]
	sleeper
	[ "$(property ActiveState)" = active ]
	[ "$(property Description)" = "strake container $ID" ]
}

@test "a unit of that name that is alive is neither taken nor harmed" {
	systemd-run --scope --unit="$UNIT" sleep 60 &
	eventually 10 test -e "$SCOPE"
	bundle_set '.process.args = ["true"]'
	run sd run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"$UNIT"* ]]
	[[ "$output" == *already* ]]
	[ ! -e "/run/strake/$ID" ]
	[ "$(property ActiveState)" = active ]
	[ -n "$(cat "$SCOPE/cgroup.procs")" ]
	# As after a crash before systemd had answered.
	mkdir "/run/strake/$ID"
	jq -n --arg id "$ID" --arg cgroup "/system.slice/$UNIT/container" '{ version: 1, id: $id,
		ociVersion: "1.2.0", bundle: "/", rootfs: "/", created: "2026-01-01T00:00:00Z",
		owner: 0, pid: 0, startTime: 0, cgroupManager: "systemd", cgroup: $cgroup,
		ready: false, poststop: false, annotations: {} }' >"/run/strake/$ID/state.json"
	sd delete -f "$ID"
	[ "$(property ActiveState)" = active ]
	[ -n "$(cat "$SCOPE/cgroup.procs")" ]
	systemctl stop "$UNIT"
}

@test "two containers with one cgroupsPath: the second is refused, the first lives on" {
	bundle_set '.linux.cgroupsPath = ":strake:" + $id' --arg id "$ID"
	sleeper
	run sd run -b "$BUNDLE" "other-$ID"
	[ "$status" -ne 0 ]
	[ "$(status_of "$ID")" = running ]
	# As after a crash of the second.
	mkdir "/run/strake/crash-$ID"
	jq --arg id "crash-$ID" '.id = $id | .pid = 0 | .ready = false' "/run/strake/$ID/state.json" \
		>"/run/strake/crash-$ID/state.json"
	sd delete -f "crash-$ID"
	[ "$(status_of "$ID")" = running ]
}

# --- a bus that fails ----------------------------------------------------------------------------

@test "without the bus, systemd is asked directly" {
	hide_bus
	sleeper '{ memory: { limit: 67108864 } }'
	sd update --memory 33554432 "$ID"
	sd delete -f "$ID"
	thaw_bus
	nothing_left
}

@test "a bus that hangs: create fails in time and says what it waited for" {
	bundle_set '.process.args = ["true"]'
	freeze_bus
	run timeout 60 strake --systemd-cgroup run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"$UNIT"* ]]
	[[ "$output" == *"system bus (unix:path=/run/dbus/system_bus_socket)"* ]]
	[ ! -e "/run/strake/$ID" ]
	run pgrep -l strake
	[ "$status" -ne 0 ]
	thaw_bus
	eventually 5 nothing_left
	sd run -b "$BUNDLE" "$ID"
}

@test "a bus that is killed while a container is made: it is told at once, and nothing is left" {
	bundle_set '.process.args = ["true"]'
	freeze_bus
	strake --systemd-cgroup run -b "$BUNDLE" "$ID" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	local runtime=$! ended=0 begin=$SECONDS
	eventually 10 pgrep -P "$runtime"
	kill -KILL "$(bus_pid)"
	wait "$runtime" || ended=$?
	cat "$BATS_TEST_TMPDIR/out"
	[ $((SECONDS - begin)) -lt 20 ] # far from the deadline
	# The bus may have come up again in time, by its socket.
	if [ "$ended" -ne 0 ]; then
		[ "$ended" -eq 1 ]
		grep -q "$UNIT" "$BATS_TEST_TMPDIR/out"
		grep -q 'system bus' "$BATS_TEST_TMPDIR/out"
	fi
	echo "# a bus that was killed: the container $([ "$ended" -eq 0 ] && echo ran || echo was refused)" >&3
	[ ! -e "/run/strake/$ID" ]
	eventually 5 nothing_left
	eventually 20 busctl --quiet status org.freedesktop.systemd1
	sleeper
	sd delete -f "$ID"
}

@test "a bus that hangs when a container that was cut short is deleted: later it works" {
	bundle_set '.process.args = ["true"]'
	freeze_bus
	strake --systemd-cgroup run -b "$BUNDLE" "$ID" 2>/dev/null &
	local runtime=$!
	eventually 10 pgrep -P "$runtime"
	kill -KILL "$runtime"
	wait "$runtime" || true
	run timeout 60 strake --systemd-cgroup delete -f "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"system bus"* ]]
	[ -e "/run/strake/$ID" ]
	thaw_bus
	sd delete -f "$ID"
	nothing_left
}

@test "a bus that hangs after the question: the same, and the unit does not stay" {
	bundle_set '.process.args = ["true"]'
	sd run -b "$BUNDLE" "$ID"
	# Half a connection's messages are through when the bus stops.
	for delay in 0.002 0.005 0.01 0.02; do
		(sleep "$delay" && freeze_bus && sleep 2 && thaw_bus) &
		sd run -b "$BUNDLE" "$ID"
		wait
		nothing_left
	done
}

@test "update with a bus that hangs changes nothing, and says so in time" {
	sleeper '{ memory: { limit: 67108864 } }'
	freeze_bus
	run timeout 60 strake --systemd-cgroup update --memory 33554432 "$ID"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"system bus"* ]]
	[ "$(cat "$SUB/memory.max")" -eq 67108864 ]
	thaw_bus
	sd update --memory 33554432 "$ID"
	[ "$(property MemoryMax)" -eq 33554432 ]
	[ "$(cat "$SUB/memory.max")" -eq 33554432 ]
}

@test "delete and kill need no bus" {
	sleeper
	freeze_bus
	run timeout 5 strake --systemd-cgroup delete -f "$ID"
	[ "$status" -eq 0 ]
	[ ! -e "$SCOPE" ]
	thaw_bus
}

@test "a signal ends the wait for systemd, and nothing stays" {
	bundle_set '.process.args = ["true"]'
	freeze_bus
	strake --systemd-cgroup run -b "$BUNDLE" "$ID" &
	local runtime=$! ended=0
	eventually 10 pgrep -P "$runtime"
	kill -TERM "$runtime"
	wait "$runtime" || ended=$?
	[ "$ended" -eq 1 ]
	[ ! -e "/run/strake/$ID" ]
	thaw_bus
	eventually 5 nothing_left
}

# --- who looks on --------------------------------------------------------------------------------

@test "a process that waits for systemd in the user namespace of others is not traced by them" {
	local other=$ID-other pid
	bundle_set '.linux.namespaces += [ { type: "user" } ]
		| .linux.uidMappings = [ { containerID: 0, hostID: 100000, size: 65536 } ]
		| .linux.gidMappings = .linux.uidMappings'
	chmod 755 "$BATS_TEST_TMPDIR" "$BUNDLE"
	sleeper
	pid=$(sd state "$ID" | jq .pid)
	bundle_set '(.linux.namespaces[] | select(.type == "user" or .type == "pid")) |= (.path = "/proc/\($p)/ns/\(.type)")
		| del(.linux.uidMappings, .linux.gidMappings)' --arg p "$pid"
	freeze_bus
	strake --systemd-cgroup run -b "$BUNDLE" "$other" 2>/dev/null &
	local runtime=$!
	joined() { [ "$(readlink "/proc/$(pgrep -P "$runtime")/ns/user")" = "$(readlink "/proc/$pid/ns/user")" ]; }
	eventually 10 joined
	run timeout 5 nsenter -t "$pid" -U -S 0 -G 0 strace -qq -o /dev/null -p "$(pgrep -P "$runtime")"
	kill -TERM "$runtime"
	wait "$runtime" || true
	thaw_bus
	echo "$output"
	[[ "$output" == *"Operation not permitted"* ]]
}

# --- what is left --------------------------------------------------------------------------------

@test "killed at any moment, delete -f leaves nothing" {
	bundle_set '.process.args = ["sleep", "600"]'
	local i pid found=0 never begin took whole=0
	mkfifo "$BATS_TEST_TMPDIR/never"
	exec {never}<>"$BATS_TEST_TMPDIR/never"
	# The moments are spread over what one takes that nobody disturbs: the shortest of a few.
	for i in 1 2 3 4 5 6; do
		begin=${EPOCHREALTIME/./}
		strake --systemd-cgroup run -d -b "$BUNDLE" "$ID"
		took=$((${EPOCHREALTIME/./} - begin))
		[ "$whole" -gt 0 ] && [ "$whole" -lt "$took" ] || whole=$took
		sd delete -f "$ID"
	done
	for i in $(seq 40); do
		strake --systemd-cgroup run -d -b "$BUNDLE" "$ID" 2>/dev/null &
		pid=$!
		# A sleep without a process of its own.
		read -r -t "$(printf '0.%06d' $((whole * i / 40)))" -u "$never" || true
		if kill -KILL "$pid" 2>/dev/null; then
			found=$((found + 1))
		fi
		wait "$pid" 2>/dev/null || true
		sd delete -f "$ID" 2>/dev/null || true
		eventually 5 nothing_left || {
			what_is_left
			return 1
		}
	done
	echo "# killed under way: $found of 40 within $whole us" >&3
	[ "$found" -gt 10 ]
}
