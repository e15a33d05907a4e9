#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The six kinds of hooks: order, place, input, failure, time.

load helpers

# A hook that runs a shell script: kind, script, [more fields as jq]. $LOG is a file for all of them.
hook() {
	config --arg k "$1" --arg s "$2" --arg log "$T/log" ".hooks[\$k] += [ { path: \"/bin/sh\",
		args: [ \"sh\", \"-c\", \$s ], env: [ \"PATH=/usr/bin:/bin:/sbin\", \"LOG=\" + \$log ] } ${3:++ $3} ]"
}

stages=(prestart createRuntime createContainer startContainer poststart poststop)

# startContainer runs inside: its file is in the image.
log_of_all() {
	local stage
	: > "$T/log"
	bind_add /log "$T/log"
	for stage in "${stages[@]}"; do
		if [[ $stage == startContainer ]]; then
			hook "$stage" "$1 >> /log"
		else
			hook "$stage" "$1 >> \$LOG"
		fi
		config --arg k "$stage" '.hooks[$k][-1].env += [ "STAGE=" + $k ]'
	done
}

@test "the six kinds run in order around the life of a container" {
	log_of_all 'echo $STAGE'
	script 'echo payload >> /log; sleep 1000'
	create
	same "prestart createRuntime createContainer" "$(paste -sd ' ' "$T/log")"
	ok start "$ID"
	wait_for grep -q payload "$T/log"
	# poststart runs after the payload's start; the order of their lines is open.
	same "startContainer" "$(sed -n 4p "$T/log")"
	same "payload poststart" "$(sed -n 5,6p "$T/log" | sort | paste -sd ' ')"
	ok delete --force "$ID"
	same poststop "$(sed -n 7p "$T/log")"
	same 7 "$(wc -l < "$T/log")"
}

@test "run calls all of them, too" {
	log_of_all 'echo $STAGE'
	payload true
	run_ok
	same "prestart createRuntime createContainer startContainer poststart poststop" "$(paste -sd ' ' "$T/log")"
}

@test "each hook gets the state on stdin, with the status of its moment" {
	config '.annotations = { "org.example.cargo": "grain" }'
	log_of_all '{ cat; echo; }'
	payload sleep 1000
	create
	local pid
	pid=$(pid_of)
	ok start "$ID"
	ok delete --force "$ID"
	same "creating creating creating created running stopped" "$(jq -r .status "$T/log" | paste -sd ' ')"
	same "$ID" "$(jq -r .id "$T/log" | uniq)"
	same "$BUNDLE" "$(jq -r .bundle "$T/log" | uniq)"
	same 1.3.0 "$(jq -r .ociVersion "$T/log" | uniq)"
	same grain "$(jq -r '.annotations["org.example.cargo"]' "$T/log" | uniq)"
	# The process's number as the host counts it; none when it is gone.
	same "$pid $pid $pid $pid $pid null" "$(jq -r '.pid | tostring' "$T/log" | paste -sd ' ')"
}

@test "several hooks of a kind run in the order they are listed in" {
	local i
	payload true
	for i in 1 2 3 4 5; do
		hook createRuntime "echo $i >> \$LOG"
	done
	run_ok
	same "1 2 3 4 5" "$(paste -sd ' ' "$T/log")"
}

@test "arguments and environment of a hook are as given, and nothing more" {
	payload true
	hook createRuntime 'echo "$0|$1|$2" >> $LOG; env | sort | grep -v -e ^PWD= -e ^SHLVL= -e ^_= >> $LOG' \
		'{ args: [ "sh", "-c", "echo \"$0|$1\" >> $LOG; tr \"\\0\" \"\\n\" < /proc/self/environ >> $LOG", "one", "two words" ] }'
	FOO=bar run_ok
	same "one|two words
PATH=/usr/bin:/bin:/sbin
LOG=$T/log" "$(cat "$T/log")"
}

@test "a hook without args gets its path as argument zero, and without env nothing" {
	payload true
	printf '#!/bin/sh\ntr "\\0" "\\n" < /proc/$$/cmdline > %s\ntr "\\0" "\\n" < /proc/$$/environ >> %s\n' \
		"$T/log" "$T/log" > "$T/hook"
	chmod 755 "$T/hook"
	config --arg p "$T/hook" '.hooks.createRuntime = [ { path: $p } ]'
	run_ok
	same "/bin/sh
$T/hook" "$(cat "$T/log")"
}

@test "prestart and createRuntime run in the host's namespaces, createContainer in the container's, not yet in its root" {
	local mnt
	payload true
	mnt=$(readlink /proc/self/ns/mnt)
	hook prestart 'readlink /proc/self/ns/mnt >> $LOG'
	hook createRuntime 'readlink /proc/self/ns/mnt >> $LOG'
	# The log, on the host's file system, can still be reached; the host name is the container's.
	hook createContainer 'readlink /proc/self/ns/mnt >> $LOG; cat /proc/sys/kernel/hostname >> $LOG; pwd >> $LOG'
	run_ok
	same "$mnt" "$(sed -n 1p "$T/log")"
	same "$mnt" "$(sed -n 2p "$T/log")"
	[[ $(sed -n 3p "$T/log") == mnt:* && $(sed -n 3p "$T/log") != "$mnt" ]]
	same hull "$(sed -n 4p "$T/log")"
	same "$BUNDLE" "$(sed -n 5p "$T/log")"
}

@test "hooks find the container's mounts below root.path, and may add their own" {
	local options kind
	mount --bind "$BUNDLE" "$BUNDLE"
	mount --make-shared "$BUNDLE"
	mount_add /data tmpfs tmpfs
	payload sh -c 'cat /data/created /extra/added; grep -c " /extra " /proc/self/mountinfo'
	mkdir "$BUNDLE/rootfs/extra"
	# As the hooks of GPUs do: by the pid of the state, and in the bundle, where createContainer runs.
	hook createRuntime 'pid=$(sed -E "s/.*\"pid\":([0-9]+).*/\1/")
		nsenter --mount=/proc/$pid/ns/mnt sh -c "mount -t tmpfs t $0/extra && echo one > $0/extra/added"'
	config --arg r "$BUNDLE/rootfs" '.hooks.createRuntime[0].args += [ $r ]'
	hook createContainer 'test -e rootfs/proc/self/mountinfo && echo two > rootfs/data/created'
	for options in "" --no-pivot; do
		run_ok $options
		same $'two\none\n1' "$output"
	done
	for kind in shared slave private rshared; do
		config --arg k $kind '.linux.rootfsPropagation = $k'
		run_ok
		same $'two\none\n1' "$output"
	done
	[[ ! -e $BUNDLE/rootfs/extra/added && ! -e $BUNDLE/rootfs/data/created ]]
	lacks "$(cat /proc/self/mountinfo)" "$BUNDLE/rootfs"
	umount "$BUNDLE"
}

@test "hooks see a root that only root may reach, also where a user namespace may not" {
	chmod 700 "$BUNDLE"
	config '.linux.namespaces += [ { type: "user" } ] |
		.linux.uidMappings = [ { containerID: 0, hostID: 100000, size: 65536 } ] | .linux.gidMappings = .linux.uidMappings'
	hook createRuntime 'true'
	payload id -u
	run_ok
	same 0 "$output"
}

@test "startContainer runs in the container's root, as the container's user may" {
	config '.process.user = { uid: 1000, gid: 1000 }'
	hook startContainer 'hostname > /tmp/inside; id -u >> /tmp/inside'
	payload cat /tmp/inside
	run_ok
	same "hull
1000" "$output"
}

@test "createRuntime sees the container's mounts and process" {
	# As network plugins do: enter the namespaces by the pid of the state.
	payload true
	hook createRuntime 'pid=$(sed -E "s/.*\"pid\":([0-9]+).*/\1/"); readlink /proc/$pid/ns/net >> $LOG
		nsenter --net=/proc/$pid/ns/net busybox ip link set lo up
		nsenter --net=/proc/$pid/ns/net busybox ip addr show lo | grep -c LOOPBACK,UP >> $LOG'
	run_ok
	[[ $(sed -n 1p "$T/log") == net:* && $(sed -n 1p "$T/log") != "$(readlink /proc/self/ns/net)" ]]
	same 1 "$(sed -n 2p "$T/log")"
}

@test "hooks get no file of ours and default signals" {
	payload true
	hook createRuntime 'ls -l /proc/self/fd | sed "s/.* -> //" >> $LOG; grep -E "^Sig(Blk|Ign)" /proc/self/status >> $LOG' \
		'{ env: [ "PATH=/usr/bin:/bin", "LOG='"$T/log"'" ] }'
	(trap '' INT USR1; run_ok)
	same "SigBlk:	0000000000000000
SigIgn:	0000000000000000" "$(grep Sig "$T/log")"
	no grep -E "state.json|$ROOT|socket:|cgroup" "$T/log"
}

@test "a hook may ask for the container's state" {
	payload true
	hook createRuntime "$RUNTIME --root $ROOT state $ID >> \$LOG"
	run_ok
	same creating "$(jq -r .status "$T/log")"
}

# --- failure ---

@test "a hook that fails before the start ends the container and is quoted" {
	local stage
	for stage in prestart createRuntime createContainer; do
		config 'del(.hooks)'
		hook "$stage" 'echo the hawser broke >&2; exit 3'
		hook poststop 'echo poststop >> $LOG'
		rm -f "$T/log"
		payload touch /ran
		refused "hooks.${stage}[0] (/bin/sh): exit status 3: the hawser broke" create --bundle "$BUNDLE" "$ID"
		[[ ! -e $ROOT/$ID && ! -e $BUNDLE/rootfs/ran && ! -d $CG ]]
	done
}

@test "poststop hooks run when a hook before the start fails" {
	local stage
	for stage in prestart createRuntime createContainer; do
		config 'del(.hooks)'
		hook "$stage" 'exit 3'
		hook poststop 'echo poststop >> $LOG'
		: > "$T/log"
		refused "exit status 3" create --bundle "$BUNDLE" "$ID"
		same "$stage poststop" "$stage $(cat "$T/log")"
	done
}

@test "a failing startContainer hook fails start, and the program does not run" {
	hook startContainer 'echo no wind; exit 4'
	payload touch /ran
	create
	refused "hooks.startContainer[0] (/bin/sh): exit status 4: no wind" start "$ID"
	[[ ! -e $BUNDLE/rootfs/ran ]]
	same stopped "$(state_of .status)"
	run_refused "is in use"
	ok delete "$ID"
	run_refused "hooks.startContainer[0]"
	[[ ! -e $ROOT/$ID ]]
}

@test "a failing poststart hook ends and removes the container, and start says so" {
	hook poststart 'exit 5'
	hook poststop 'echo gone >> $LOG'
	payload sleep 1000
	create
	refused "hooks.poststart[0] (/bin/sh): exit status 5" start "$ID"
	same gone "$(< "$T/log")"
	refused "does not exist" state "$ID"
	[[ ! -e $ROOT/$ID ]]
}

@test "a failing poststop hook is a warning, the next ones run, and all is removed" {
	hook poststop 'exit 6'
	hook poststop 'echo second >> $LOG'
	payload true
	run_ok
	contains "$errors" "hooks.poststop[0] (/bin/sh): exit status 6"
	same second "$(cat "$T/log")"
	[[ ! -e $ROOT/$ID ]]
}

@test "a hook that cannot be executed is named with the reason" {
	payload true
	config '.hooks.createRuntime = [ { path: "/nowhere/hook" } ]'
	run_refused "hooks.createRuntime[0] (/nowhere/hook): exit status 127: No such file or directory"
	config '.hooks.createRuntime = [ { path: "hook" } ]'
	run_refused "hooks.createRuntime[0].path"
}

@test "a hook that is killed is named with its signal" {
	payload true
	hook createRuntime 'kill -KILL $$'
	run_refused "hooks.createRuntime[0] (/bin/sh): killed by signal 9 (KILL)"
}

@test "after a failing hook the rest of its kind does not run" {
	payload true
	hook createRuntime 'exit 1'
	hook createRuntime 'echo second >> $LOG'
	run_refused "hooks.createRuntime[0]"
	[[ ! -e $T/log ]]
}

# --- time ---

@test "a timeout kills the hook with its children, and the container with it" {
	local stage
	for stage in createRuntime createContainer; do
		config 'del(.hooks)'
		hook "$stage" 'echo waiting for the tide; sleep 1000 & sleep 1000' '{ timeout: 1 }'
		run_refused "hooks.${stage}[0] (/bin/sh): timed out after 1 s and was killed: waiting for the tide"
		[[ ! -e $ROOT/$ID ]]
	done
	# The teardown finds a child of the hook that lives.
}

@test "a hook that leaves a child with its output open is not waited for" {
	hook createRuntime 'setsid sleep 1000 & echo $! > $LOG'
	payload true
	run_ok
	kill -KILL "$(cat "$T/log")"
	wait_for is_gone "$(cat "$T/log")"
}

@test "a hook may read its input late, or not at all" {
	hook createRuntime 'sleep 0.2; cat > $LOG' '{ timeout: 20 }'
	hook createRuntime true
	payload true
	run_ok
	jq -e .id "$T/log"
}

@test "megabytes of output of a hook are no trouble, their end is quoted" {
	hook createRuntime 'head -c 5000000 /dev/zero | tr "\0" x; echo; echo the last words; exit 1'
	payload true
	run_refused "exit status 1"
	contains "$errors" "the last words"
	[[ ${#errors} -lt 2000 ]]
}

@test "a timeout that is no positive number is refused" {
	payload true
	hook createRuntime true '{ timeout: 0 }'
	run_refused "hooks.createRuntime[0].timeout"
	config '.hooks.createRuntime[0].timeout = -5'
	run_refused "hooks.createRuntime[0].timeout"
}

@test "an unknown kind of hook is refused or ignored by name, never run" {
	hook createSail 'echo ran >> $LOG'
	payload true
	rt run --bundle "$BUNDLE" "$ID"
	[[ ! -e $T/log ]]
}
