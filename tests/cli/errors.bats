#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a person reads when something is wrong, and what an engine finds in the log.

load helpers

@test "a program that is not there is named, with a hint" {
	payload nowhere
	run_refused 'exec: "nowhere": executable file not found in $PATH'
	contains "$errors" "hint: process.args[0] must be a program of the image; PATH comes from process.env"
	payload /no/where
	run_refused 'exec: "/no/where": no such file or directory'
	# create says it already, not only start.
	refused 'exec: "/no/where": no such file or directory' create --bundle "$BUNDLE" "$ID"
}

@test "a program that may not be executed is named" {
	payload /etc/passwd
	run_refused 'exec: "/etc/passwd": permission denied'
	payload /etc
	run_refused 'exec: "/etc": is a directory'
	payload /etc/passwd/x
	run_refused 'exec: "/etc/passwd/x": not a directory'
	config '.process.user = { uid: 1000, gid: 1000 } | .process.capabilities = {}'
	chmod 700 "$BUNDLE/rootfs/bin/probe"
	payload /bin/probe getcwd
	run_refused 'exec: "/bin/probe": permission denied'
	chmod 755 "$BUNDLE/rootfs/bin/probe"
}

@test "an interpreter that is missing is told from a missing program" {
	printf '#!/usr/bin/perl -w\n' > "$BUNDLE/rootfs/bin/tool"
	chmod 755 "$BUNDLE/rootfs/bin/tool"
	payload tool
	run_refused "exec /bin/tool: its interpreter /usr/bin/perl: no such file or directory"
	contains "$errors" "hint: the image lacks /usr/bin/perl"
	# A dynamic program without its loader.
	cp /bin/true "$BUNDLE/rootfs/bin/dynamic"
	payload dynamic
	run_refused "exec /bin/dynamic: its interpreter /lib64/ld-linux-x86-64.so.2: no such file or directory"
}

@test "a file that is no program at all is refused in the kernel's words" {
	printf 'no program' > "$BUNDLE/rootfs/bin/text"
	chmod 755 "$BUNDLE/rootfs/bin/text"
	payload text
	run_refused "exec /bin/text: Exec format error"
}

@test "a root file system that is missing or no folder is named" {
	mv "$BUNDLE/rootfs" "$T/away"
	run_refused "root.path: open the root file system $BUNDLE/rootfs: No such file or directory"
	contains "$errors" "hint: unpack an image there, or name its folder in root.path"
	touch "$BUNDLE/rootfs"
	run_refused "root.path: $BUNDLE/rootfs is not a directory"
	config 'del(.root)'
	run_refused "root: is missing"
}

@test "a bundle that is missing, or no bundle, is named" {
	refused "open the bundle /nowhere: No such file or directory" create --bundle /nowhere "$ID"
	rm "$BUNDLE/config.json"
	run_refused "bundle $BUNDLE: open config.json: No such file or directory"
	contains "$errors" "hint: $BUNDLE is no bundle: \`strake spec\` writes a config.json there"
}

@test "bad JSON is named with line and column" {
	printf '{\n  "ociVersion": "1.3.0",\n  "root" { }\n}\n' > "$BUNDLE/config.json"
	run_refused "config.json:3:10:"
	printf '{ "ociVersion": "1.3.0"' > "$BUNDLE/config.json"
	run_refused "config.json:1:"
	: > "$BUNDLE/config.json"
	run_refused "config.json:1:1: the document ends too early"
	printf '[]' > "$BUNDLE/config.json"
	run_refused "config.json"
	printf '{ "ociVersion": "1.3.0" } x' > "$BUNDLE/config.json"
	run_refused "config.json:1:27"
	head -c 1000000 /dev/zero | tr '\0' '[' > "$BUNDLE/config.json"
	run_refused "config.json:1:"
}

@test "a value of the wrong type is named with its path and line" {
	config '.process.args = "sh"'
	run_refused "process.args"
	[[ $errors =~ config\.json:[0-9]+: ]]
	config '.process.args = [ 1 ]'
	run_refused "process.args[0]"
	config '.process.args = [ "sh" ] | .process.terminal = "yes"'
	run_refused "process.terminal"
	config '.process.terminal = false | .mounts[2].options = {}'
	run_refused "mounts[2].options"
}

@test "an unknown word is named with those that are known" {
	config '.linux.namespaces[0].type = "sail"'
	run_refused 'linux.namespaces[0].type'
	contains "$errors" '"sail"'
	contains "$errors" network
	config '.linux.namespaces[0].type = "pid" | .process.rlimits = [ { type: "RLIMIT_SAIL", soft: 1, hard: 1 } ]'
	run_refused 'process.rlimits[0].type'
	contains "$errors" '"RLIMIT_SAIL"'
	config 'del(.process.rlimits) | .linux.rootfsPropagation = "sideways"'
	run_refused '"sideways"'
}

@test "unknown fields are ignored, as the specification wants" {
	config '.sail = { colour: "white" } | .process.sail = 1 | .linux.sail = []'
	payload echo yes
	run_ok
	same yes "$output"
}

@test "a version that is not 1.x is refused" {
	config '.ociVersion = "2.0.0"'
	run_refused 'ociVersion: "2.0.0" is no version 1.x of the runtime-spec'
	config 'del(.ociVersion)'
	run_refused "ociVersion: is missing"
	config '.ociVersion = "1.99.0-dev"'
	payload true
	run_ok
}

@test "a missing process, empty args and a relative cwd are refused" {
	local before=$T/before.json
	cp "$BUNDLE/config.json" "$before"
	config 'del(.process)'
	run_refused "process: is missing"
	cp "$before" "$BUNDLE/config.json"
	config '.process.args = []'
	run_refused "process.args: is empty"
	config '.process.args = [ "" ]'
	run_refused "process.args[0]"
	config '.process.args = [ "true" ] | .process.cwd = "tmp"'
	run_refused "process.cwd"
	config 'del(.process.cwd)'
	run_refused "process.cwd: is missing"
}

@test "without a cgroup2 file system that is said, with what to do" {
	payload true
	# A place where /sys/fs/cgroup is something else.
	output=$(unshare --mount -- sh -c "mount -t tmpfs none /sys/fs/cgroup; exec $RUNTIME --root $ROOT run --bundle $BUNDLE $ID" 2>&1) &&
		fail "it ran: $output"
	contains "$output" "no cgroup2 file system is mounted at /sys/fs/cgroup"
	contains "$output" "hint: "
	[[ ! -e $ROOT/$ID ]]
}

@test "an unknown cgroup manager is refused, and systemd says that it is not there yet" {
	globally --cgroup-manager=sail
	run_refused 'sail'
	contains "$errors" cgroupfs
	globally --cgroup-manager=systemd
	run_refused systemd
	globally --systemd-cgroup
	run_refused systemd
}

@test "--cgroup-manager=disabled makes no cgroup, and refuses limits" {
	globally --cgroup-manager=disabled
	payload cat /proc/self/cgroup
	namespace_remove cgroup
	config 'del(.mounts[] | select(.type == "cgroup"))'
	run_ok
	same "$(grep ^0:: /proc/self/cgroup)" "$(grep ^0:: <<< "$output")"
	config '.linux.resources = { pids: { limit: 5 } }'
	run_refused "linux.resources.pids.limit is set, but the container has no cgroup"
}

@test "a cgroup that holds processes of others is refused" {
	config --arg p "$CAGE_CGROUP/tests" '.linux.cgroupsPath = $p'
	run_refused "already holds processes"
	[[ -d /sys/fs/cgroup$CAGE_CGROUP/tests ]]
}

@test "names of the uts namespace and of ids that are too long are refused" {
	local long
	long=$(printf 'x%.0s' {1..65})
	config --arg l "$long" '.hostname = $l'
	run_refused "hostname: 65 bytes are too long, at most 64"
	long=$(printf 'x%.0s' {1..1025})
	config '.hostname = "hull"'
	refused "a container id of 1025 bytes is too long, at most 1024" create --bundle "$BUNDLE" "$long"
}

@test "every error is one line and its hint another, with the program's name" {
	payload nowhere
	run_refused nowhere
	same 2 "$(wc -l <<< "$errors")"
	[[ $errors == "strake: "*$'\n  hint: '* ]]
}

@test "control characters of a config do not reach the terminal" {
	payload $'\e[31mred\nline'
	run_refused "exec: \"?[31mred?line\""
	lacks "$errors" $'\e'
	globally --log "$T/log"
	run_refused "exec: \"?[31mred?line\""
	grep -qF 'msg="exec: \"?[31mred?line\": executable' "$T/log"
	no grep -q $'\e' "$T/log"
	config '.mounts += [ { destination: "/\u001b[31m", type: "sailfs", source: "x" } ]'
	run_refused 'mounts[7]'
	lacks "$errors" $'\e'
}

# --- the log ---

@test "--log takes the error as text, and stderr has it too" {
	globally --log "$T/log"
	payload nowhere
	run_refused nowhere
	[[ $(cat "$T/log") =~ ^time=\"[^\"]+\"\ level=error\ msg=\".*nowhere ]]
	same 1 "$(wc -l < "$T/log")"
}

@test "--log-format json has level, msg, time, code, step and hint" {
	globally --log "$T/log" --log-format json
	payload nowhere
	run_refused nowhere
	jq -e '.level == "error" and .code == "ENOENT" and .step == "command" and (.hint | length > 10) and
		(.time | test("^20[0-9-]+T[0-9:.]+Z$")) and (.msg | contains("nowhere"))' "$T/log"
	same 1 "$(wc -l < "$T/log")"
}

@test "the log names the step that failed, and the kernel's or our own code" {
	globally --log "$T/log" --log-format json
	record() { tail -n 1 "$T/log" | jq -r '"\(.step) \(.code)"'; }
	mv "$BUNDLE/rootfs" "$T/away"
	run_refused root.path
	same "rootfs ENOENT" "$(record)"
	mv "$T/away" "$BUNDLE/rootfs"
	config '.mounts += [ { destination: "/x", type: "bind", source: "/nowhere", options: [ "bind" ] } ]'
	run_refused mounts
	same "mounts ENOENT" "$(record)"
	config '.mounts[-1].destination = null'
	run_refused destination
	same "config EINVAL" "$(record)"
}

@test "records are appended, and each is one line of JSON whatever the text" {
	globally --log "$T/log" --log-format json
	payload $'new\nline "quoted" \\ \e'
	run_refused exec
	run_refused exec
	same 2 "$(wc -l < "$T/log")"
	jq -e .msg "$T/log"
}

@test "engines find in the log the words that they look for" {
	globally --log "$T/log" --log-format json
	last() { tail -n 1 "$T/log" | jq -r .msg; }
	refused "" kill nobody
	contains "$(last)" "does not exist"
	payload true
	start
	wait_for is_status stopped
	refused "" kill "$ID" KILL
	contains "$(last)" "container not running"
}

@test "--debug and a success leave an empty error log" {
	globally --log "$T/log" --log-format json
	payload true
	run_ok
	same "" "$(cat "$T/log")"
}

@test "a log that cannot be opened, and a format that is none, are refused" {
	globally --log /nowhere/log
	run_refused "--log: open /nowhere/log: No such file or directory"
	globally --log-format xml
	run_refused '--log-format is text or json, not "xml"'
}

@test "a state that was damaged is named, and delete --force still works" {
	start_sleeper
	cp "$ROOT/$ID/state.json" "$T/state.json"
	echo '{ "version": 1, "id": "x"' > "$ROOT/$ID/state.json"
	refused "container \"$ID\"" state "$ID"
	echo '{ "version": 99 }' > "$ROOT/$ID/state.json"
	refused "container \"$ID\"" delete --force "$ID"
	cp "$T/state.json" "$ROOT/$ID/state.json"
	ok delete --force "$ID"
}
