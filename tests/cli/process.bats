#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What config.json says of the process: user, limits, environment, folder, keyring.

load helpers

@test "user, group, additional groups and umask are as given" {
	config '.process.user = { uid: 1000, gid: 1001, additionalGids: [ 5, 4242 ], umask: 63 }'
	script 'id -u; id -g; id -G; umask; grep -E "^(Uid|Gid|Groups)" /proc/self/status'
	run_ok
	same "1000
1001
1001 5 4242
0077
Uid:	1000	1000	1000	1000
Gid:	1001	1001	1001	1001
Groups:	5 4242 " "$output"
}

@test "without a umask it is 022, whatever the caller's is" {
	script umask
	(umask 0; run_ok; same 0022 "$output")
	(umask 077; run_ok; same 0022 "$output")
}

@test "the caller's umask shows in nothing that the runtime makes" {
	payload sleep 1000
	bind_add /new/file /etc/hostname
	(umask 0; create --pid-file "$T/pid")
	same 644 "$(stat -c %a "$T/pid")"
	same 755 "$(stat -c %a "$BUNDLE/rootfs/new")"
	same 644 "$(stat -c %a "$BUNDLE/rootfs/new/file")"
	ok delete -f "$ID"
	rm -r "$BUNDLE/rootfs/new"
	(umask 077; create --pid-file "$T/pid")
	same 755 "$(stat -c %a "$BUNDLE/rootfs/new")"
}

@test "arguments come through as they are: empty, spaces, newlines, bytes" {
	payload sh -c 'printf "[%s]" "$0" "$@"' 'a b' '' $'line\nbreak' '$HOME' 'ünïcode' '"'
	run_ok
	same '[a b][][line
break][$HOME][ünïcode]["]' "$output"
}

@test "the environment is exactly what is given, and HOME" {
	config '.process.env = [ "PATH=/bin", "B=2", "A=1", "EMPTY=" ]'
	payload env
	run_ok
	same "PATH=/bin
B=2
A=1
EMPTY=
HOME=/root" "$output"
}

@test "of a variable that is given twice, the last value counts, once" {
	config '.process.env = [ "PATH=/bin", "A=first", "B=x", "A=last" ]'
	payload env
	run_ok
	same "PATH=/bin
B=x
A=last
HOME=/root" "$output"
}

@test "HOME is the user's of /etc/passwd, / where there is none, and never overwritten" {
	payload sh -c 'echo $HOME'
	config '.process.user = { uid: 1000, gid: 1000 }'
	run_ok
	same /home/sailor "$output"
	config '.process.user = { uid: 4711, gid: 0 }'
	run_ok
	same / "$output"
	config '.process.env += [ "HOME=/elsewhere" ]'
	run_ok
	same /elsewhere "$output"
}

@test "programs are found by the PATH of the container, not of the caller" {
	mkdir "$BUNDLE/rootfs/special"
	printf '#!/bin/sh\necho special\n' > "$BUNDLE/rootfs/special/tool"
	chmod 755 "$BUNDLE/rootfs/special/tool"
	config '.process.env = [ "PATH=/nowhere:/special:/bin" ]'
	payload tool
	run_ok
	same special "$output"
	config '.process.env = [ "PATH=/bin" ]'
	run_refused 'exec: "tool": executable file not found in $PATH'
}

@test "a program without PATH is looked for where programs usually are" {
	config '.process.env = []'
	payload echo found
	run_ok
	same found "$output"
}

@test "cwd is entered, and made where it is missing" {
	config '.process.cwd = "/tmp"'
	payload pwd
	run_ok
	same /tmp "$output"
	config '.process.cwd = "/a/new/place"'
	run_ok
	same /a/new/place "$output"
	same 755 "$(stat -c %a "$BUNDLE/rootfs/a/new/place")"
}

@test "cwd may lie in a mount, and be a place that only the user may enter" {
	mkdir "$T/data"
	bind_add /data "$T/data"
	config '.process.cwd = "/data/made/here" | .process.user = { uid: 0, gid: 0 }'
	payload pwd
	run_ok
	same /data/made/here "$output"
	[[ -d $T/data/made/here ]]

	mkdir -m 700 "$BUNDLE/rootfs/private"
	chown 1000:1000 "$BUNDLE/rootfs/private"
	config '.process.cwd = "/private" | .process.user = { uid: 1000, gid: 1000 } | .process.capabilities = {}'
	run_ok
	same /private "$output"
}

@test "a cwd that is missing is made also where the root is read-only" {
	payload pwd
	config '.root.readonly = true | .process.cwd = "/not/there/yet"'
	run_ok
	same /not/there/yet "$output"
}

@test "a cwd that is a file is refused" {
	config '.process.cwd = "/etc/passwd"'
	run_refused "process.cwd: chdir to /etc/passwd: Not a directory"
}

@test "rlimits are set, soft and hard" {
	config '.process.rlimits = [
		{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
		{ type: "RLIMIT_CORE", soft: 0, hard: 0 },
		{ type: "RLIMIT_NPROC", soft: 333, hard: 444 },
		{ type: "RLIMIT_STACK", soft: 1048576, hard: 2097152 } ]'
	payload cat /proc/self/limits
	run_ok
	limit() { awk -v n="$1" 'index($0, n) == 1 { print $(NF - 2), $(NF - 1) }' <<< "$output"; }
	same "100 200" "$(limit 'Max open files')"
	same "0 0" "$(limit 'Max core file size')"
	same "333 444" "$(limit 'Max processes')"
	same "1048576 2097152" "$(limit 'Max stack size')"
}

@test "a hard limit above the caller's is raised, or cut where it may not be, and that is said" {
	local hard
	hard=$(ulimit -Hn)
	config --argjson h "$((hard * 2))" '.process.rlimits = [ { type: "RLIMIT_NOFILE", soft: 64, hard: $h } ]'
	script 'ulimit -Sn; ulimit -Hn'
	run_ok
	if (ulimit -Hn $((hard * 2))) 2> /dev/null; then
		same "64
$((hard * 2))" "$output"
		same "" "$errors"
	else
		same "64
$hard" "$output"
		contains "$errors" "RLIMIT_NOFILE stays at $hard, raising it needs CAP_SYS_RESOURCE"
	fi
}

@test "limits of the caller that are not named stay" {
	payload sh -c 'ulimit -n'
	(ulimit -n 321; run_ok; same 321 "$output")
}

@test "oomScoreAdj is set, and the caller's kept where there is none" {
	payload cat /proc/self/oom_score_adj
	config '.process.oomScoreAdj = 500'
	run_ok
	same 500 "$output"
	config 'del(.process.oomScoreAdj)'
	run_ok
	same "$(cat /proc/self/oom_score_adj)" "$output"
}

@test "an oomScoreAdj is lowered, or stays where it may not be, and that is said" {
	config '.process.oomScoreAdj = -500'
	payload cat /proc/self/oom_score_adj
	run_ok
	if (echo -500 > /proc/self/oom_score_adj) 2> /dev/null; then
		same -500 "$output"
	else
		same "$(cat /proc/self/oom_score_adj)" "$output"
		contains "$errors" "process.oomScoreAdj"
		contains "$errors" CAP_SYS_RESOURCE
	fi
}

@test "noNewPrivileges is set and kept off as given" {
	payload grep NoNewPrivs /proc/self/status
	run_ok
	same 0 "${output##*$'\t'}"
	config '.process.noNewPrivileges = true'
	run_ok
	same 1 "${output##*$'\t'}"
}

@test "with noNewPrivileges a set-uid program gains nothing" {
	cp "$BUNDLE/rootfs/bin/probe" "$BUNDLE/rootfs/bin/mine"
	chmod 4755 "$BUNDLE/rootfs/bin/mine"
	config '.process.user = { uid: 1000, gid: 1000 }'
	payload mine syscall geteuid
	run_ok
	same 0 "$output"
	config '.process.noNewPrivileges = true'
	run_ok
	same 1000 "$output"
}

@test "the container has a session keyring of its own, with its id for a name" {
	payload probe syscall keyctl 0 -3 0
	local ours theirs
	ours=$("$CLI_BIN/probe" syscall keyctl 0 -3 0)
	run_ok
	theirs=$output
	[[ $theirs != "$ours" ]]
	run_ok --no-new-keyring
	same "$ours" "$output"
	payload grep -c "_ses.$ID" /proc/keys
	config 'del(.linux.maskedPaths)'
	run_ok
	same 1 "$output"
}

@test "hostname and domainname are set in the container alone" {
	local before
	before=$(hostname)
	config '.hostname = "hull" | .domainname = "dock.example"'
	script 'hostname; cat /proc/sys/kernel/domainname'
	run_ok
	same "hull
dock.example" "$output"
	same "$before" "$(hostname)"
}

@test "a missing capabilities object means none at all" {
	config 'del(.process.capabilities)'
	payload grep ^Cap /proc/self/status
	run_ok
	same 0000000000000000 "$(awk '{ print $2 }' <<< "$output" | sort -u)"
}

@test "sysctls of the container's namespaces are set, in both spellings" {
	config '.linux.sysctl = { "net.ipv4.ip_forward": "1", "kernel/shmmni": "4000",
		"net/ipv4/conf/lo/forwarding": "1", "kernel.msgmax": "9000" }'
	payload cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni /proc/sys/net/ipv4/conf/lo/forwarding \
		/proc/sys/kernel/msgmax
	run_ok
	same "1
4000
1
9000" "$output"
}

@test "what this machine lacks for a field is an error that names the field, never ignored" {
	payload true
	cp "$BUNDLE/config.json" "$T/before.json"
	if ! mountpoint -q /sys/fs/resctrl; then
		config '.linux.intelRdt = { closID: "deck" }'
		run_refused "linux.intelRdt: no resctrl file system is mounted at /sys/fs/resctrl"
	fi
	if [[ ! -d /sys/fs/selinux ]]; then
		cp "$T/before.json" "$BUNDLE/config.json"
		config '.linux.mountLabel = "system_u:object_r:container_file_t:s0"'
		run_refused "linux.mountLabel is \"system_u:object_r:container_file_t:s0\", but SELinux is not active"
	fi
}

@test "the caller's groups are given up, and kept where run.oci.keep_original_groups says 1" {
	script 'sed -n "s/^Groups:[[:space:]]*//p" /proc/self/status'
	cp "$BUNDLE/config.json" "$T/before.json"
	with_groups() { status=0; output=$(setpriv --groups 70,71 "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID"); }
	with_groups
	same "" "${output// /}"
	config '.annotations["run.oci.keep_original_groups"] = "1"'
	with_groups
	same "70 71" "$(xargs <<< "$output")"
	config '.linux.namespaces += [ { type: "user" } ] |
		.linux.uidMappings = [ { containerID: 0, hostID: 0, size: 70 } ] | .linux.gidMappings = .linux.uidMappings'
	with_groups
	same "65534 65534" "$(xargs <<< "$output")"
	config '.annotations["run.oci.keep_original_groups"] = "0"'
	with_groups
	same "" "${output// /}"
}
