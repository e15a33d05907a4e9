#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each system call of the runtime's processes is made to fail, with each errno that its manual page names
# and a machine can come to (tests/cli/programs/strike.c). The runtime either says what went wrong and has
# left nothing, or it has succeeded, and then every fence of the container stands. It never hangs.
#
# CLI_STRIDE=N    every Nth system call [13]; 1 is all of them, minutes

load helpers
load strikes

# The program writes down what it runs in, as far as that is the same each time.
bundle_for_failures() {
	bundle_for_strikes
	config '.linux.maskedPaths = [ "/proc/kcore", "/sys/firmware" ] | .linux.readonlyPaths = [ "/proc/sys" ] |
		.process.user = { uid: 1000, gid: 1000, additionalGids: [ 7 ] } | .process.oomScoreAdj = 500 |
		.process.rlimits = [ { type: "RLIMIT_CORE", soft: 0, hard: 0 } ]'
	chmod 777 "$BUNDLE/rootfs"
	payload sh -c '{ cat /proc/self/cgroup /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward
		grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|NStgid)" /proc/self/status
		awk "{ print \$4, \$5, \$6 }" /proc/self/mountinfo | sort
		for n in ipc mnt net pid uts; do readlink /proc/self/ns/$n; done
		hostname; grep -i core /proc/self/limits; stat -c "%t:%T" /proc/kcore; ls /dev; umask; pwd; env | sort
		tr "\\0" "\\n" < /proc/keys; ls /proc/self/fd | wc -l; } > /mark.new 2>&1
		mv /mark.new /mark; exec sleep 1000'
}

# Numbers of namespaces differ each time: what counts is that they are not the host's.
mark_read() {
	local n
	for n in ipc mnt net pid uts; do
		grep -qxF "$(readlink "/proc/self/ns/$n")" "$BUNDLE/rootfs/mark" && echo "the host's $n"
	done
	sed -E 's/^(ipc|mnt|net|pid|uts):\[[0-9]+\]$/\1/; s/^[0-9a-f]{8} .*_ses.*/a keyring/; s/bats-run-[^ ]*//' "$BUNDLE/rootfs/mark"
}

learn_fences() {
	start
	wait_for test -e "$BUNDLE/rootfs/mark"
	FENCES=$(mark_read)
	rm "$BUNDLE/rootfs/mark"
	ok delete --force "$ID"
}

fences_stand() {
	wait_for test -e "$BUNDLE/rootfs/mark"
	same "$FENCES" "$(mark_read)"
	rm "$BUNDLE/rootfs/mark"
}

# All errnos of every STRIDEth call of a process: process, check, arguments of the runtime.
sweep_errnos() {
	local process=$1 check=$2 n which errnos
	mounts_now
	MOUNTS_BEFORE=${#MOUNTS[@]}
	# The first one is the execve that makes it our program.
	for ((n = 2; ; n += STRIDE)); do
		errnos=1
		for ((which = 0; which < errnos; which++)); do
			strike "$process" "$n" "e$which" "${@:3}"
			[[ $status -ne 100 ]] || break 2
			errnos=$(tail -n 1 "$T/strikes" | cut -d ' ' -f 5)
			[[ $errnos -eq 0 ]] || POINTS=$((POINTS + 1))
			said_why
			"$check" || fail "errno $which at system call $n of process $process (status $status):
$(tail -n 1 "$T/strikes")
$(cat "$T/strike.err")"
		done
	done
	[[ $n -gt ${FEWEST:-30} ]] || fail "only $n system calls in process $process"
	at_rest
}
# The last one was not struck at all.
at_rest() {
	"$RUNTIME" --root "$ROOT" delete --force "$ID"
	wait_for nothing_is_left
	rm -f "$BUNDLE/rootfs/mark"
}
# 127: the C library, before our first line.
said_why() {
	[[ $status -eq 0 ]] || grep -q '^strake: .' "$T/strike.err" || [[ $status -eq 127 && -s $T/strike.err ]] ||
		fail "status $status without a word, at: $(tail -n 1 "$T/strikes")"
}
# It is whole, or not there at all.
after_create() {
	if [[ $status -ne 0 ]]; then
		[[ ! -e $BUNDLE/rootfs/mark ]]
		wait_for nothing_is_left
		return
	fi
	ok start "$ID"
	fences_stand
	"$RUNTIME" --root "$ROOT" delete --force "$ID"
	wait_for nothing_is_left
}

@test "create: each system call fails in turn" {
	bundle_for_failures
	learn_fences
	sweep_errnos 0 after_create create --bundle "$BUNDLE" "$ID"
	sweep_errnos 1 after_create create --bundle "$BUNDLE" "$ID"
	points
}

@test "create in a user namespace: each system call fails in turn" {
	bundle_for_failures
	userns_add
	config '.linux.devices = [ { path: "/dev/deck", type: "c", major: 1, minor: 5, fileMode: 384, uid: 5 } ]'
	chmod 777 "$BUNDLE/rootfs"
	learn_fences
	sweep_errnos 0 after_create create --bundle "$BUNDLE" "$ID"
	sweep_errnos 1 after_create create --bundle "$BUNDLE" "$ID"
	points
}

# What was left is removed by the next delete, and the container is there again.
after_delete() {
	[[ $status -ne 0 ]] || wait_for nothing_is_left
	"$RUNTIME" --root "$ROOT" delete --force "$ID"
	wait_for nothing_is_left
	rm -f "$BUNDLE/rootfs/mark"
	start
}

@test "create in the mount namespace of the runtime: each system call fails in turn" {
	local hooks
	bundle_for_failures
	namespace_remove mount
	for hooks in '.' 'del(.hooks)'; do
		config "$hooks"
		learn_fences
		sweep_errnos 0 after_create create --bundle "$BUNDLE" "$ID"
		sweep_errnos 1 after_create create --bundle "$BUNDLE" "$ID"
	done
	points
}

@test "delete in the mount namespace of the runtime: each system call fails in turn, and the next one finishes" {
	local hooks
	bundle_for_failures
	namespace_remove mount
	for hooks in '.' 'del(.hooks)'; do
		config "$hooks"
		start
		FEWEST=15 sweep_errnos 0 after_delete delete --force "$ID"
	done
	points
}

@test "start: each system call fails in turn" {
	bundle_for_failures
	learn_fences
	after() {
		if [[ $status -eq 0 ]]; then
			fences_stand
		else
			# Whether it has run or not: what has run was confined.
			[[ ! -e $BUNDLE/rootfs/mark ]] || fences_stand
		fi
		ok delete --force "$ID"
		wait_for nothing_is_left
		create
	}
	create
	FEWEST=10 sweep_errnos 0 after start "$ID"
	points
}

@test "exec: each system call fails in turn" {
	local pid
	start_sleeper
	pid=$(pid_of)
	at_rest() { :; }
	alone() { [[ $(cat "$CG/cgroup.procs") == "$pid" ]]; }
	after() {
		wait_for alone
		[[ $status -ne 0 ]] || same alive "$(cat "$T/strike.out")"
		same running "$(state_of .status)"
	}
	sweep_errnos 0 after exec "$ID" echo alive
	sweep_errnos 1 after exec "$ID" echo alive
	ok exec "$ID" echo alive
	same alive "$output"
	points
}

@test "delete: each system call fails in turn, and the next one finishes" {
	bundle_for_failures
	learn_fences
	start
	FEWEST=15 sweep_errnos 0 after_delete delete --force "$ID"
	points
}

@test "pause, resume and update: each system call fails in turn, and the container lives on" {
	start_sleeper
	at_rest() { :; }
	frozen() { grep -qx "frozen $1" "$CG/cgroup.events"; }
	after_pause() {
		[[ $status -ne 0 ]] || frozen 1
		rt resume "$ID"
		wait_for frozen 0
	}
	FEWEST=5 sweep_errnos 0 after_pause pause "$ID"
	after_resume() {
		[[ $status -ne 0 ]] || frozen 0
		rt pause "$ID"
		wait_for frozen 1
	}
	FEWEST=5 sweep_errnos 0 after_resume resume "$ID"
	after_update() { same running "$(state_of .status)"; }
	printf '{ "devices": [ { "allow": false, "access": "rwm" } ] }' > "$T/resources"
	FEWEST=5 sweep_errnos 0 after_update update --resources "$T/resources" "$ID"
	ok exec "$ID" true
	points
}
