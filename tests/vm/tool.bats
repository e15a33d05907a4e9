# SPDX-License-Identifier: Apache-2.0
# hack/vm keeps its promises: output, status, deadlines, files, and that nothing outlives it.
# on: host

setup_file() {
	export GUEST=tool-$$
	hack/vm -q start "$GUEST" --lifetime 300
}

teardown_file() {
	hack/vm -q stop "$GUEST"
}

inside() {
	hack/vm -q exec "$GUEST" "$@"
}

# left PID: what a tool of that pid could have left, its guest's processes and files.
left() {
	pgrep -f "vm.d/keeper.py .*/run-$1\$" || ls -d "${VM_CACHE:-build/vm}/guests/run-$1" 2>/dev/null
}

gone() {
	local end=$((SECONDS + $1))
	while left "$2" >/dev/null; do
		((SECONDS < end)) || { left "$2"; return 1; }
		sleep 0.1
	done
}

@test "status and output of a command come through, each on its own stream" {
	run --separate-stderr inside -- sh -c 'echo out; echo err >&2; exit 7'
	[ "$status" -eq 7 ]
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "a signal, a missing program and a folder that is not there have their statuses" {
	run inside -- sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	run inside -- no-such-program
	[ "$status" -eq 127 ]
	run inside --cwd /no/such/folder -- true
	[ "$status" -eq 126 ]
	[[ "$output" == */no/such/folder* ]]
}

@test "environment and working folder are what was asked for" {
	run inside --env GREETING='hello world' --cwd /usr -- sh -c 'echo "$GREETING $PWD"'
	[ "$output" = "hello world /usr" ]
}

@test "a deadline ends the command with all that it started" {
	run inside --deadline 1 -- sh -c 'setsid sleep 4711 & sleep 4711'
	[ "$status" -eq 124 ]
	run inside -- pgrep -f 'sleep 4711'
	[ "$status" -eq 1 ]
}

@test "a client that is killed takes its command along" {
	hack/vm -q exec "$GUEST" -- sleep 4712 &
	local client=$!
	sleep 1
	kill -9 "$client"
	run inside -- sh -c 'for i in $(seq 50); do pgrep -x -f "sleep 4712" || exit 0; sleep 0.1; done; exit 1'
	[ "$status" -eq 0 ]
}

@test "megabytes pass through unharmed, in and out at once" {
	head -c 4000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	inside -- cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "files and folders are copied in and out" {
	mkdir -p "$BATS_TEST_TMPDIR/from/below"
	echo text >"$BATS_TEST_TMPDIR/from/below/file"
	chmod 750 "$BATS_TEST_TMPDIR/from/below/file"
	hack/vm -q put "$GUEST" "$BATS_TEST_TMPDIR/from" /srv/new
	run inside -- stat -c '%a %U' /srv/new/from/below/file
	[ "$output" = "750 root" ]
	mkdir "$BATS_TEST_TMPDIR/other"
	echo more >"$BATS_TEST_TMPDIR/other/-C"
	hack/vm -q put "$GUEST" "$BATS_TEST_TMPDIR/from/below" "$BATS_TEST_TMPDIR/other/-C" /srv/two
	[ "$(inside -- cat /srv/two/below/file /srv/two/-C)" = $'text\nmore' ]
	hack/vm -q get "$GUEST" /srv/new/from/below /srv/two/-C "$BATS_TEST_TMPDIR/to"
	[ "$(cat "$BATS_TEST_TMPDIR/to/below/file")" = text ]
	[ "$(cat "$BATS_TEST_TMPDIR/to/-C")" = more ]
	run hack/vm -q get "$GUEST" /srv/missing "$BATS_TEST_TMPDIR/to"
	[ "$status" -eq 125 ]
	[[ "$output" == *missing* ]]
}

@test "a guest that ends by itself is told, with its console" {
	run hack/vm -q run --append root=/dev/nowhere -- true
	[ "$status" -eq 125 ]
	[[ "$output" == *"ended by itself"* ]]
	[[ "$output" == *"Kernel panic"* ]]
}

@test "a name that runs already is refused, one that does not is told" {
	run hack/vm -q start "$GUEST"
	[ "$status" -eq 125 ]
	[[ "$output" == *"running already"* ]]
	run hack/vm -q exec no-such-guest -- true
	[ "$status" -eq 125 ]
	[[ "$output" == *"not running"* ]]
}

@test "SIGTERM to the tool leaves nothing" {
	hack/vm -q run -- sleep 4713 &
	local tool=$!
	while ! left "$tool" >/dev/null; do sleep 0.1; done
	sleep 1
	kill "$tool"
	local status=0
	wait "$tool" || status=$?
	[ "$status" -eq 143 ]
	gone 5 "$tool"
}

@test "SIGKILL to the tool leaves no process, and the next start tidies up its files" {
	hack/vm -q run -- sleep 4714 &
	local tool=$!
	while ! left "$tool" >/dev/null; do sleep 0.1; done
	sleep 1
	kill -9 "$tool"
	local end=$((SECONDS + 10))
	while pgrep -af "guests/run-$tool\$"; do ((SECONDS < end)); sleep 0.5; done
	hack/vm -q run -- true
	gone 5 "$tool"
}

@test "SIGKILL to the keeper ends its guest" {
	local other=$GUEST-b keeper children
	hack/vm -q start "$other" --lifetime 60
	keeper=$(cat "${VM_CACHE:-build/vm}/guests/$other/lock")
	children=$(pgrep -P "$keeper")
	[ -n "$children" ]
	kill -9 "$keeper"
	for child in $children; do
		local end=$((SECONDS + 10))
		while [ -e "/proc/$child" ] && ! grep -q '^State:.Z' "/proc/$child/status"; do
			((SECONDS < end))
			sleep 0.1
		done
	done
	hack/vm -q stop "$other"
}

@test "a guest that is reset starts anew with its disk, and nothing else of it; who waited is told" {
	local other=$GUEST-r
	hack/vm -q start "$other" --lifetime 120
	hack/vm -q exec "$other" -- sh -c 'echo words >/var/lib/words; echo words >/run/words; sync'
	timeout 60 hack/vm -q exec "$other" -- sleep 1000 &
	local waiting=$!
	while ! hack/vm -q exec "$other" -- pgrep -x sleep >/dev/null; do sleep 0.1; done
	hack/vm -q reset "$other"
	run wait "$waiting"
	[ "$status" -ne 0 ]
	[ "$status" -ne 124 ]
	[ "$(hack/vm -q exec "$other" -- cat /var/lib/words)" = words ]
	run hack/vm -q exec "$other" -- cat /run/words
	[ "$status" -ne 0 ]
	hack/vm -q stop "$other"
}

@test "a guest that dies and leaves a process behind does not keep its keeper" {
	local guest=$BATS_TEST_TMPDIR/guest kernel=$BATS_TEST_TMPDIR/kernel
	mkdir -p "$guest/share" "$kernel"
	printf '#!/bin/sh\nsleep 4716 &\n' >"$kernel/linux"
	chmod +x "$kernel/linux"
	printf '{"kind": "uml", "kernel": "%s", "root": "%s", "cpus": 1, "memory": 64, "disk": 0,
		"net": null, "append": [], "pin": null, "owner": null, "lifetime": 60, "boot": 60}' \
		"$kernel" "$kernel" >"$guest/config.json"
	timeout 20 python3 hack/vm.d/keeper.py "$guest"
	grep -q "ended by itself" "$guest/ended"
	run pgrep -f 'sleep 4716'
	[ "$status" -eq 1 ]
}

@test "a guest ends with its owner, and when its time is over" {
	sleep 4715 &
	local owner=$! other=$GUEST-c
	hack/vm -q start "$other" --owner "$owner" --lifetime 60
	kill "$owner"
	for _ in $(seq 100); do
		hack/vm -q list | grep -q "^$other" || break
		sleep 0.1
	done
	run hack/vm log "$other"
	[[ "$output" == *"its owner has gone"* ]]
	hack/vm -q stop "$other"
	hack/vm -q start "$other" --lifetime 20
	for _ in $(seq 300); do
		hack/vm -q list | grep -q "^$other" || break
		sleep 0.1
	done
	run hack/vm log "$other"
	[[ "$output" == *"its time is over"* ]]
	hack/vm -q stop "$other"
}
