# SPDX-License-Identifier: Apache-2.0
# The shim when what is around it fails: containerd restarted and killed, its own end, a full disk, a
# reader that stops reading.
# length: long
# containerd: 1.6 1.7 2.1 2.3 2.4
# needs: systemd memory pids strake
# deadline: 1200

load shim_suite

teardown() {
	[ ! -e /run/containerd/ballast ] || rm /run/containerd/ballast
	systemctl is-active -q containerd || daemon_up
	local left=0
	tidy || left=1
	! mountpoint -q /run/containerd || large_run
	return "$left"
}

daemon_pid() {
	systemctl show -P MainPID containerd
}

daemon_kill() {
	kill -KILL "$(daemon_pid)"
	eventually 10 sh -c '! systemctl is-active -q containerd'
}

daemon_up() {
	systemctl reset-failed containerd 2>/dev/null || true
	systemctl start containerd
}

task_pid() { # id
	ctr task ls | awk -v id="$1" '$1 == id { print $2 }'
}

run_sleeper() { # id
	timeout 20 ctr run -d "${RUNTIME[@]}" "$IMAGE" "$1" sleep 1000
}

@test "containerd is killed while a task runs, and while one ends" {
	run_sleeper c
	run_sleeper d
	local pid
	pid=$(task_pid d)
	daemon_kill
	kill -KILL "$pid"
	daemon_up
	is c RUNNING
	is d STOPPED
	[ "$(timeout 20 ctr task exec --exec-id e c echo again)" = again ]
	run ctr task rm d
	[[ "$output" == *137* ]]
	ctr task kill -s KILL c
	eventually 10 is c STOPPED
}

@test "containerd is killed while an exec runs, whose exit status is not lost" {
	run_sleeper c
	timeout 20 ctr task exec -d --exec-id e c sleep 1000
	daemon_kill
	daemon_up
	ctr task ps c | grep -q '"\?e"\?'
	[ "$(timeout 20 ctr task exec --exec-id f c echo again)" = again ]
	ctr task kill --exec-id e -s KILL c
	eventually 10 sh -c '[ "$(ctr task ps c | wc -l)" -eq 2 ]'
}

@test "containerd is killed at any moment of a task's making, and nothing stays of it" {
	local i
	for i in 0 1 2 3 4 5 6 8 10 12 15 20; do
		(timeout 30 ctr run -d "${RUNTIME[@]}" "$IMAGE" "c$i" sleep 1000 || true) &
		sleep "0.$(printf %02d $((i * 2)))"
		daemon_kill
		wait
		daemon_up
		tidy
	done
}

@test "containerd is restarted at any moment of a task's making, and nothing stays of it" {
	local i
	for i in 0 2 4 6 10 16; do
		(timeout 30 ctr run -d "${RUNTIME[@]}" "$IMAGE" "c$i" sleep 1000 || true) &
		sleep "0.$(printf %02d $((i * 2)))"
		systemctl restart containerd
		wait
		tidy
	done
}

@test "containerd is killed at any moment of an exec's making, and its container runs on" {
	local i
	run_sleeper c
	for i in 0 1 2 4 6 10; do
		(timeout 30 ctr task exec -d --exec-id "e$i" c sleep 1000 || true) &
		sleep "0.$(printf %02d "$i")"
		daemon_kill
		wait
		daemon_up
		is c RUNNING
		[ "$(timeout 20 ctr task exec --exec-id "again$i" c echo again)" = again ]
	done
	ctr task kill -a -s KILL c
	eventually 10 is c STOPPED
}

@test "containerd is killed at any moment of a task's end, and nothing stays of it" {
	local i
	for i in 0 1 2 3 4 6 8 10; do
		run_sleeper "c$i"
		ctr task kill -s KILL "c$i"
		(timeout 30 ctr task rm "c$i" || true) &
		sleep "0.$(printf %02d $((i * 2)))"
		daemon_kill
		wait
		daemon_up
		tidy
	done
}

@test "a shim that is killed while containerd is down leaves nothing once that is back" {
	run_sleeper c
	local pid
	pid=$(shim_pid c)
	daemon_kill
	kill -KILL "$pid"
	daemon_up
	eventually 10 stopped c
}

# Until containerd has connected it runs no `delete` for a shim that is gone: nobody is left who could
# remove its socket. The next shim of that name does.
dead_sockets_remove() {
	local socket
	for socket in /run/containerd/s/*; do
		ss -Hxl | grep -q "$socket" || rm -f "$socket"
	done
}

@test "a shim that is killed at any moment of a task's making leaves nothing" {
	local i
	for i in 0 1 2 3 4 5 6 8 10; do
		(timeout 30 ctr run -d "${RUNTIME[@]}" "$IMAGE" "c$i" sleep 1000 || true) &
		eventually 10 shim_is_there "c$i"
		sleep "0.$(printf %02d "$i")"
		kill -KILL "$(shim_pid "c$i")"
		wait
		dead_sockets_remove
		tidy
	done
}

# A small /run/containerd, so that it can be full. What is left of it: so many pages.
small_run() {
	containerd_stop
	mount -t tmpfs -o size=2m,mode=711 small /run/containerd
	daemon_up
}

fill() { # pages that stay free
	rm -f /run/containerd/ballast
	local free
	free=$(stat -f -c %a /run/containerd)
	head -c $(((free - $1) * 4096)) /dev/zero >/run/containerd/ballast
}

large_run() {
	rm -f /run/containerd/ballast
	containerd_stop
	umount /run/containerd
	daemon_up
}

@test "a full disk refuses a container, and leaves nothing of it" {
	small_run
	local pages begun=0 refused=0
	for pages in 0 1 2 3 4 5 6 7 8 9 10 12 16 24; do
		fill "$pages"
		if timeout 30 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sleep 1000 2>"$BATS_TEST_TMPDIR/error"; then
			begun=$((begun + 1))
		else
			refused=$((refused + 1))
			echo "$pages pages: $(cat "$BATS_TEST_TMPDIR/error")"
			grep -qi 'no space left on device' "$BATS_TEST_TMPDIR/error"
		fi
		# It is ended and deleted with the disk still full.
		remove c
		ctr snapshot rm c 2>/dev/null || true
	done
	# containerd does not hang up on shims which it could not write down: they end with its restart.
	rm /run/containerd/ballast
	systemctl restart containerd
	tidy
	large_run
	echo "$begun begun, $refused refused"
	[ "$begun" -gt 0 ]
	[ "$refused" -gt 0 ]
}

@test "with a full disk a task that runs is still told of, executes, is killed and deleted" {
	small_run
	run_sleeper c
	fill 0
	is c RUNNING
	ctr task ps c
	ctr task metrics c
	[ "$(timeout 20 ctr task exec --exec-id e c echo inside)" = inside ]
	ctr task pause c
	ctr task resume c
	ctr task kill -s KILL c
	eventually 10 is c STOPPED
	run ctr task rm c
	[[ "$output" == *137* ]]
	tidy
	large_run
}

@test "a reader that stops reading for a minute holds up its container, not its shim, and loses nothing" {
	local size=4194304 reader i
	mkfifo "$BATS_TEST_TMPDIR/gate"
	(timeout 240 ctr run "${RUNTIME[@]}" "$IMAGE" c sh -c \
		"read line; head -c $size /dev/zero; echo end >&2; sleep 1000" \
		<"$BATS_TEST_TMPDIR/gate" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err") &
	exec 7>"$BATS_TEST_TMPDIR/gate"
	eventually 10 is c RUNNING
	reader=$(pgrep -f '^ctr run .* c sh -c')
	kill -STOP "$reader"
	echo go >"/proc/$(task_pid c)/fd/0" || true
	# It fills what is between them and then waits, for a minute; who asks otherwise is answered.
	for i in {1..12}; do
		[ "$(timeout 20 ctr task exec --exec-id "e$i" c echo meanwhile)" = meanwhile ]
		sleep 5
	done
	ctr task pause c
	ctr task resume c
	ctr task ps c
	run ! grep -q end "$BATS_TEST_TMPDIR/err"
	kill -CONT "$reader"
	eventually 20 grep -q end "$BATS_TEST_TMPDIR/err"
	eventually 10 sh -c "[ \$(stat -c %s '$BATS_TEST_TMPDIR/out') -eq $size ]"
	exec 7>&-
	ctr task kill -s KILL c
	wait
}

@test "a task whose reader went away for good is killed and deleted all the same" {
	(timeout 60 ctr run "${RUNTIME[@]}" "$IMAGE" c sh -c 'while :; do echo more; done' >"$BATS_TEST_TMPDIR/out") &
	eventually 10 is c RUNNING
	eventually 10 grep -q more "$BATS_TEST_TMPDIR/out"
	kill -KILL "$(pgrep -f '^ctr run .* c sh -c')"
	wait || true
	timeout 20 ctr task exec --exec-id e c true
	ctr task kill -s KILL c
	eventually 10 is c STOPPED
	timeout 30 ctr task rm c || [ -z "$(status c)" ]
}

@test "a task is attached to, detached from, and attached to again" {
	(timeout 60 ctr run "${RUNTIME[@]}" "$IMAGE" c sh -c 'while sleep 0.1; do echo tick; done' >"$BATS_TEST_TMPDIR/first") &
	eventually 10 grep -q tick "$BATS_TEST_TMPDIR/first"
	kill -KILL "$(pgrep -f '^ctr run .* c sh -c')"
	wait || true
	(timeout 30 ctr task attach c >"$BATS_TEST_TMPDIR/second") &
	eventually 10 grep -q tick "$BATS_TEST_TMPDIR/second"
	ctr task kill -s KILL c
	wait || true
}

typed_and_seen() {
	echo 'echo $((6000 + 73))' >&7
	sleep 0.2
	grep -q 6073 "$BATS_TEST_TMPDIR/screen"
}

@test "a terminal is attached to again, and its input and output are those of the container" {
	timeout 20 script -qec "ctr run -d -t ${RUNTIME[*]} $IMAGE c sh" /dev/null </dev/null
	mkfifo "$BATS_TEST_TMPDIR/keys"
	timeout 60 script -qec "ctr task attach c" /dev/null <"$BATS_TEST_TMPDIR/keys" >"$BATS_TEST_TMPDIR/screen" &
	local client=$! status=0
	exec 7>"$BATS_TEST_TMPDIR/keys"
	# Until the client has the terminal, what is typed is nobody's.
	eventually 20 typed_and_seen
	echo 'exit 5' >&7
	# It deletes the task, too, and ends as that did.
	wait "$client" || status=$?
	exec 7>&-
	[ "$status" -eq 5 ]
}
