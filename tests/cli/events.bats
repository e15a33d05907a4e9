#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# events and wait. That a lack of memory is told is shown where there is a memory controller (tests/vm).

load helpers

@test "events --stats prints one record of statistics" {
	start_sleeper
	ok events --stats "$ID"
	same 1 "$(wc -l < "$T/events.out")"
	same "stats $ID" "$(jq -r '"\(.type) \(.id)"' <<< "$output")"
	jq -e '.data | .cpu.usage.total >= 0 and (.memory.raw | type) == "object" and has("pids")
		and has("blkio") and has("hugetlb")' <<< "$output"
}

@test "events prints statistics at an interval, and ends with the container" {
	start_sleeper
	background "$RUNTIME" --root "$ROOT" events --interval 50ms "$ID" > "$T/lines" 2> "$T/errors"
	several() { (($(wc -l < "$T/lines") >= 3)); }
	wait_for several
	ok kill "$ID" KILL
	wait "$background"
	same "" "$(cat "$T/errors")"
	same stats "$(jq -r .type "$T/lines" | sort -u)"
}

@test "events refuses what is no interval, and a container that does not run" {
	start_sleeper
	for interval in 0 0s 5 -1s 1d 5s5 "" 99999999999h; do
		refused "--interval: \"$interval\" is no time above zero" events --interval "$interval" "$ID"
	done
	ok kill "$ID" KILL
	wait_for is_status stopped
	refused "container not running" events "$ID"
	refused 'container "nobody" does not exist' events nobody
}

@test "wait prints the exit status of a container that others have started" {
	script 'trap "exit 37" TERM; echo ready; while :; do sleep 0.02; done'
	start
	wait_for grep -q ready "$T/create.out"
	background "$RUNTIME" --root "$ROOT" wait "$ID" > "$T/waited" 2>&1
	ok kill "$ID" TERM
	wait "$background"
	same 37 "$(cat "$T/waited")"
}

@test "wait tells a signal as a shell does, also for a container that was only created" {
	create
	background "$RUNTIME" --root "$ROOT" wait "$ID" > "$T/waited" 2>&1
	sleep 0.1
	ok kill "$ID" KILL
	wait "$background"
	same 137 "$(cat "$T/waited")"
	refused "container not running" wait "$ID"
}

@test "several may wait for one container" {
	script 'trap "exit 3" TERM; echo ready; while :; do sleep 0.02; done'
	start
	wait_for grep -q ready "$T/create.out"
	local i pids=()
	for i in 1 2 3 4; do
		"$RUNTIME" --root "$ROOT" wait "$ID" > "$T/waited.$i" 2>&1 3>&- &
		pids+=($!)
	done
	sleep 0.1
	ok kill "$ID" TERM
	wait "${pids[@]}"
	same "3 3 3 3" "$(cat "$T"/waited.? | xargs)"
}
