#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Terminals: --console-socket, the foreground, /dev/console; --pidfd-socket.

load helpers

terminal_config() { config '.process.terminal = true'; }

# Listens at $T/c.sock: $T/typed goes to the terminal, $T/shown is what comes from it.
engine() {
	mkfifo "$T/typed"
	exec 8<> "$T/typed"
	background "$CLI_BIN/terminal" "$T/c.sock" < "$T/typed" > "$T/shown" 2> "$T/engine"
	wait_for test -S "$T/c.sock"
}

shown() { wait_for grep -qF "$1" "$T/shown"; }

@test "create hands the terminal's master to the console socket" {
	terminal_config
	script 'tty; echo ready; read -r word; echo "heard $word"'
	engine
	create --console-socket "$T/c.sock"
	wait_for file_has "$T/engine"
	contains "$(cat "$T/engine")" /dev/pts/0
	ok start "$ID"
	shown /dev/pts/0
	shown ready
	echo ahoy >&8
	shown "heard ahoy"
	wait_for is_status stopped
}

@test "the terminal is the controlling one: of a new session, with job control" {
	terminal_config
	# tty_nr and tpgid of /proc/self/stat: 136:0 and the foreground group.
	script 'set -- $(cat /proc/self/stat); echo "tty $7 session $6 foreground $8"; echo x > /dev/tty'
	engine
	create --console-socket "$T/c.sock"
	ok start "$ID"
	shown "tty 34816 session 1"
	shown x
}

@test "consoleSize is the terminal's size" {
	terminal_config
	config '.process.consoleSize = { height: 17, width: 59 }'
	payload probe size
	engine
	create --console-socket "$T/c.sock"
	wait_for file_has "$T/engine"
	contains "$(cat "$T/engine")" " 17 59"
	ok start "$ID"
	shown "17 59"
}

@test "/dev/console is the terminal itself" {
	terminal_config
	script 'test -c /dev/console && stat -c "%t:%T" /dev/console $(tty) | uniq | wc -l; echo over the console > /dev/console'
	engine
	create --console-socket "$T/c.sock"
	ok start "$ID"
	shown 1
	shown "over the console"
}

@test "the terminal belongs to the user" {
	terminal_config
	config '.process.user = { uid: 1000, gid: 1000 }'
	script 'stat -c "owner %u" $(tty)'
	engine
	create --console-socket "$T/c.sock"
	ok start "$ID"
	shown "owner 1000"
}

@test "a terminal works in a user namespace" {
	userns_add
	terminal_config
	script 'stat -c "owner %u" $(tty); test -c /dev/console && echo console'
	engine
	create --console-socket "$T/c.sock"
	ok start "$ID"
	shown "owner 0"
	shown console
}

@test "exec --tty hands over a terminal of the container's own" {
	start_sleeper
	engine
	ok exec --detach --tty --console-socket "$T/c.sock" "$ID" sh -c 'tty; read -r word; echo "heard $word"'
	shown /dev/pts/
	echo ahoy >&8
	shown "heard ahoy"
}

@test "it is the controlling one of its session, also for a process that may trace" {
	start_sleeper
	engine
	ok exec --detach --tty --console-socket "$T/c.sock" --cap CAP_SYS_PTRACE "$ID" sh -c 'exec < /dev/tty
		read -r word; echo "heard $word"; set -- $(cat /proc/self/stat); echo "leads $(($5 == $6)) has $(($7 != 0))"'
	echo ahoy >&8
	shown "heard ahoy"
	shown "leads 1 has 1"
}

@test "exec of a process file takes its consoleSize" {
	start_sleeper
	engine
	jq -n '{ terminal: true, consoleSize: { height: 9, width: 33 }, args: [ "probe", "size" ], cwd: "/",
		env: [ "PATH=/bin" ] }' > "$T/process.json"
	ok exec --detach --process "$T/process.json" --console-socket "$T/c.sock" "$ID"
	shown "9 33"
}

@test "run serves the terminal itself, in the foreground" {
	terminal_config
	script 'tty; echo out; echo err >&2; exit 3'
	exits 3 run --bundle "$BUNDLE" "$ID"
	same $'/dev/pts/0\r\nout\r\nerr\r' "$output"
}

@test "run copies what is typed to the terminal" {
	terminal_config
	script 'read -r word; echo "heard $word"'
	echo ahoy > "$T/input"
	INPUT=$T/input run_ok
	contains "$output" "heard ahoy"
}

@test "run and exec pass on the size of the caller's terminal, and leave it as it was" {
	terminal_config
	payload probe size
	# script(1) gives a terminal; stty sizes it and shows its modes.
	script_in_terminal() { script_tool "stty rows 21 cols 77; stty -g > $T/before; $*; stty -g > $T/after"; }
	script_tool() { command script -qec "$1" /dev/null < /dev/null; }
	output=$(script_in_terminal "$RUNTIME --root $ROOT run --bundle $BUNDLE $ID")
	contains "$output" "21 77"
	cmp "$T/before" "$T/after"
	config '.process.terminal = false'
	start_sleeper
	output=$(script_in_terminal "$RUNTIME --root $ROOT exec --tty $ID probe size")
	contains "$output" "21 77"
	cmp "$T/before" "$T/after"
}

@test "all output arrives, however fast the program ends" {
	terminal_config
	payload seq 20000
	run_ok
	same 20000 "$(wc -l <<< "$output")"
	same $'20000\r' "${output##*$'\n'}"
}

@test "a terminal without a socket is refused where nobody would serve it" {
	terminal_config
	refused "process.terminal is set, but there is no console socket" create --bundle "$BUNDLE" "$ID"
	run_refused "process.terminal is set, but there is no console socket" --detach
}

@test "a socket without a terminal is refused" {
	refused "a console socket is given, but process.terminal is not set" \
		create --bundle "$BUNDLE" --console-socket "$T/c.sock" "$ID"
}

@test "a console socket that nobody serves is refused by name" {
	terminal_config
	refused "connect to the console socket $T/nowhere.sock: No such file or directory" \
		create --bundle "$BUNDLE" --console-socket "$T/nowhere.sock" "$ID"
	touch "$T/file"
	refused "connect to the console socket $T/file: Connection refused" \
		create --bundle "$BUNDLE" --console-socket "$T/file" "$ID"
	refused "console socket" create --bundle "$BUNDLE" --console-socket "$T/$(printf 'x%.0s' {1..120})" "$ID"
}

@test "--pidfd-socket gets a pidfd of the first process" {
	payload sleep 1000
	background "$CLI_BIN/pidfd" "$T/p.sock" > "$T/pidfd"
	wait_for test -S "$T/p.sock"
	start --pidfd-socket "$T/p.sock"
	wait_for file_has "$T/pidfd"
	same "$(pid_of)" "$(head -n 1 "$T/pidfd")"
	ok kill "$ID" KILL
	wait_for grep -qx ended "$T/pidfd"
}

@test "exec --pidfd-socket gets a pidfd of the command" {
	start_sleeper
	background "$CLI_BIN/pidfd" "$T/p.sock" > "$T/pidfd"
	wait_for test -S "$T/p.sock"
	ok exec --detach --pidfd-socket "$T/p.sock" --pid-file "$T/pid" "$ID" sleep 1000
	wait_for file_has "$T/pidfd"
	same "$(cat "$T/pid")" "$(head -n 1 "$T/pidfd")"
}

@test "a pidfd socket that nobody serves is refused, and nothing is left" {
	payload sleep 1000
	refused "connect to the pidfd socket $T/nowhere" create --bundle "$BUNDLE" --pidfd-socket "$T/nowhere" "$ID"
	[[ ! -e $ROOT/$ID ]]
	start_sleeper
	refused "connect to the pidfd socket $T/nowhere" exec --pidfd-socket "$T/nowhere" "$ID" sleep 1000
	same "$(pid_of)" "$(cat "$CG/cgroup.procs")"
}

@test "run --preserve-fds hands on exactly as many files, and refuses where none is open" {
	needs_own_files
	payload probe fds
	output=$("$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" --preserve-fds 1 "$ID" \
		3< /etc/os-release 4< /etc/passwd)
	same "0 1 2 3" "$(awk '{ printf "%s%s", sep, $1; sep = " " }' <<< "$output")"
	run_refused "--preserve-fds 2: none of the fds 3 to 4 is open" --preserve-fds 2 3<&- 4<&-
}

# As engines do that hand on single files: the number reaches the last of them.
@test "--preserve-fds hands on what is open, and nothing of ours in the gaps" {
	needs_own_files
	payload probe fds
	output=$("$RUNTIME" --log "$T/log" --debug --root "$ROOT" run --bundle "$BUNDLE" --preserve-fds 40 "$ID" \
		3<&- 4<&- 5< /etc/os-release 9< /etc/passwd 10<&-)
	same "0 1 2 5 9" "$(awk '{ printf "%s%s", sep, $1; sep = " " }' <<< "$output")"
	contains "$output" "9 /etc/passwd"
	start_sleeper
	output=$("$RUNTIME" --log "$T/log" --debug --root "$ROOT" exec --preserve-fds 6 "$ID" \
		probe fds 3<&- 4< /etc/os-release 8< /etc/passwd)
	same "0 1 2 4 8" "$(awk '{ printf "%s%s", sep, $1; sep = " " }' <<< "$output")"
	# The log has made room, and is still written to.
	no "$RUNTIME" --log "$T/log" --root "$ROOT" exec --preserve-fds 6 "$ID" /nowhere 3<&- 4<&- 5< /etc/os-release
	contains "$(cat "$T/log")" "/nowhere"
}

# What a service manager hands to the runtime: sockets from 3 on, and how many there are.
@test "sockets of a service manager reach the payload, which is told so" {
	payload sh -c 'probe fds; env'
	output=$(LISTEN_FDS=2 LISTEN_FDNAMES=a:b "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" --preserve-fds 1 \
		"$ID" 3< /etc/os-release 4< /etc/passwd 5< /etc/group)
	same "0 1 2 3 4 5" "$(awk '/^[0-9]+ / { printf "%s%s", sep, $1; sep = " " }' <<< "$output")"
	same "LISTEN_FDNAMES=a:b LISTEN_FDS=2 LISTEN_PID=1" "$(grep ^LISTEN_ <<< "$output" | sort | xargs)"
}

@test "sockets that were meant for another process are not handed on" {
	payload sh -c 'probe fds; env'
	output=$(LISTEN_FDS=1 LISTEN_PID=2 "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" 3< /etc/os-release)
	same "0 1 2" "$(awk '/^[0-9]+ / { printf "%s%s", sep, $1; sep = " " }' <<< "$output")"
	! grep -q ^LISTEN_ <<< "$output"
}

@test "exec hands on the sockets of a service manager under the command's own pid" {
	start_sleeper
	output=$(LISTEN_FDS=1 "$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'echo $$; env' 3< /etc/os-release)
	same "LISTEN_FDS=1 LISTEN_PID=$(head -n 1 <<< "$output")" "$(grep ^LISTEN_ <<< "$output" | sort | xargs)"
}
