#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run: create, start, wait, delete in one.

load helpers

@test "run exits with the program's status and leaves nothing" {
	payload sh -c 'exit 42'
	exits 42 run --bundle "$BUNDLE" "$ID"
	same "" "$errors"
	[[ ! -e $ROOT/$ID && ! -d $CG ]]
}

@test "run exits with 0 where the program does" {
	payload true
	run_ok
}

@test "run exits with 128 and the signal where the program is killed" {
	# As process 1 it must be killed from outside.
	payload sleep 1000
	background "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" < /dev/null
	wait_for is_status running
	ok kill "$ID" KILL
	status=0
	wait "$background" || status=$?
	same 137 "$status"
}

@test "stdin, stdout and stderr are the caller's own" {
	script 'cat; echo to stderr >&2'
	echo from stdin > "$T/input"
	INPUT=$T/input run_ok
	same "from stdin" "$output"
	same "to stderr" "$errors"
}

@test "pipes work as stdio, also for another user" {
	script 'cat; echo more >&2'
	config '.process.user = { uid: 1000, gid: 1000 }'
	same "through
more" "$(echo through | "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" 2>&1)"
}

@test "closed stdin, stdout and stderr are no trouble and no other files" {
	needs_own_files
	script 'probe fds > /fds'
	"$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" <&- >&- 2>&-
	same "0 /dev/null
1 /fds
2 /dev/null" "$(sed 's/ .*null/ \/dev\/null/' "$BUNDLE/rootfs/fds")"
}

@test "signals go through to the program" {
	local name
	script 'for s in HUP INT QUIT USR1 USR2 TERM WINCH CONT; do trap "echo $s" $s; done
		trap "echo end; exit 7" ALRM
		echo ready
		while :; do sleep 0.02; done'
	background "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" > "$T/run.out" < /dev/null
	wait_for grep -q ready "$T/run.out"
	for name in HUP INT QUIT USR1 USR2 TERM WINCH CONT; do
		kill -s "$name" "$background"
		wait_for grep -qx "$name" "$T/run.out"
	done
	kill -s ALRM "$background"
	status=0
	wait "$background" || status=$?
	same 7 "$status"
	grep -qx end "$T/run.out"
}

@test "run --detach returns while the program runs on" {
	payload sleep 1000
	run_ok --detach --pid-file "$T/pid"
	same running "$(state_of .status)"
	same "$(cat "$T/pid")" "$(pid_of)"
}

@test "run --keep leaves the stopped container" {
	payload sh -c 'exit 3'
	exits 3 run --keep --bundle "$BUNDLE" "$ID"
	same stopped "$(state_of .status)"
	ok delete "$ID"
}

@test "what the program leaves running ends with it" {
	script 'sleep 1000 & sleep 1000 & echo started'
	run_ok
	same started "$output"
	[[ ! -d $CG ]]
}

@test "without a pid namespace, too, nothing outlives the first process" {
	namespace_remove pid
	script 'setsid sleep 1000 > /dev/null 2>&1 & setsid sleep 1000 > /dev/null 2>&1 & echo started'
	run_ok
	same started "$output"
	[[ ! -d $CG ]]
}

@test "a program of many orphans is waited for alone" {
	namespace_remove pid
	script 'for i in 1 2 3 4 5 6 7 8 9 10; do (sh -c "exit 9" &) ; done; exit 5'
	exits 5 run --bundle "$BUNDLE" "$ID"
}

@test "run starts with default signal actions and no blocked signals" {
	payload grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
	(
		trap '' INT QUIT PIPE USR1
		run_ok
		same 0000000000000000 "$(sort -u <<< "$output" | awk '{ print $2 }' | uniq)"
	)
}

@test "a caller that ignores every signal still gets the exit status" {
	payload sh -c 'exit 7'
	(
		trap '' CHLD HUP INT QUIT PIPE TERM USR1 USR2
		exits 7 run --bundle "$BUNDLE" "$ID"
	)
}

@test "the caller keeps its file status flags" {
	# Non-blocking stdio would break whoever shares the pipe.
	payload true
	mkfifo "$T/fifo"
	exec 7<> "$T/fifo"
	local before
	before=$(grep flags /proc/self/fdinfo/7)
	"$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" <&7 >&7 2>&7
	same "$before" "$(grep flags /proc/self/fdinfo/7)"
	exec 7>&-
}

@test "the container belongs to no session or process group of the caller" {
	payload cut -d' ' -f 5-7 /proc/self/stat
	# Its own group and session, no terminal: 1 1 0 as its pid namespace counts.
	run_ok
	same "1 1 0" "$output"
}

@test "the root file system may be an absolute path" {
	payload cat /mark
	mv "$BUNDLE/rootfs" "$T/elsewhere"
	echo here > "$T/elsewhere/mark"
	config --arg p "$T/elsewhere" '.root.path = $p'
	run_ok
	same here "$output"
}

@test "a bundle may be named by a path with spaces, a symlink and .." {
	payload echo found
	mkdir "$T/two words"
	mv "$BUNDLE" "$T/two words/a bundle"
	ln -s "$T/two words/a bundle" "$T/link"
	ok run --bundle "$T/two words/../link" "$ID"
	same found "$output"
}

@test "--no-pivot runs too, and the host's files are out of sight" {
	script 'ls /; ls /..; grep -c . /proc/self/mountinfo'
	run_ok --no-pivot
	lacks "$output" work
	contains "$output" proc
}

@test "--timing prints each phase of parent and child in order" {
	globally --timing
	payload true
	run_ok
	local phases
	jq -e 'all(.[]; .ns >= 0) and ([.[].ns] | . == sort)' <<< "$errors"
	phases=$(jq -r '[ .[] | select(.by == "parent") | .phase ] | join(" ")' <<< "$errors")
	contains "$phases" "config policy state cgroup"
	contains "$phases" "spawn ask await network signals seccomp"
	phases=$(jq -r '[ .[] | select(.by == "child") | .phase ] | join(" ")' <<< "$errors")
	contains "$phases" "mounts devices"
	contains "$phases" "start exec"
}

# Writable memory that belongs to a file: what is shared has no file but in the kernel.
writable_files() { awk '$2 ~ /w/ && $5 != 0 && $6 !~ /^\/dev\/zero/' "/proc/$1/maps"; }

@test "what strake writes is memory of no file, in the container's process and in its own" {
	needs_own_files
	payload sleep 1000
	create
	same "" "$(writable_files "$(pid_of)")"
	ok delete --force "$ID"
	background "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" > "$T/run.out" 2>&1 < /dev/null
	wait_for is_status running
	same "" "$(writable_files "$background")"
	ok delete --force "$ID"
}

@test "strake begins without /proc, and from a file that its user may only execute" {
	cp "$RUNTIME" "$T/only-run"
	chmod 111 "$T/only-run"
	run -0 unshare -m sh -c 'mount -t tmpfs none /proc && exec "$1" --version' sh "$RUNTIME"
	contains "$output" "strake version"
	chmod 711 "$T"
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups "$T/only-run" --version
	contains "$output" "strake version"
}

@test "--version names the program and the version of the specification" {
	ok --version
	[[ ${output%%$'\n'*} =~ ^strake\ version\ [0-9]+\.[0-9]+\.[0-9]+ ]]
	contains "$output" "spec: 1.3.0"
}

@test "help lists every command, and each command tells its own" {
	local verb
	ok --help
	for verb in create delete exec features kill list pause ps resume run spec start state update; do
		grep -qE "^  $verb +[a-z]" <<< "$output"
	done
	for verb in create delete exec features kill list pause ps resume run spec start state update; do
		ok "$verb" --help
		contains "$output" "usage: strake $verb"
	done
}

@test "unknown commands, options and missing arguments are refused with a hint" {
	refused 'unknown command "sail"' sail
	refused 'unknown option: --sail' run --sail x
	refused 'a value is missing: --bundle' run --bundle
	refused 'an argument is missing' state
	refused 'there is an argument too many' state a b
	refused '--preserve-fds takes a number, not "x"' run --preserve-fds x c
	exits 1
}
