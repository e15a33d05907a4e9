# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2030,SC2031
# Checkpoints made and restored by CRIU. CRIU=FOLDER names a root file system that has it.

load helpers

# It counts in a file of its own /dev, which is memory: what is not saved begins anew.
COUNT='i=0; while sleep 0.05; do i=$((i + 1)); echo $i > /dev/count; done'

setup_file() {
	local lib
	lib=${CRIU:-}/usr/lib/$(uname -m)-linux-gnu
	# The node's own settings of CRIU are none of these tests'.
	[[ ! -d /etc/criu ]] || mount -t tmpfs criu /etc/criu
	[[ -n ${CRIU:-} ]] || return 0
	# With the libraries that it was made for.
	mkdir "$TMPDIR/criu"
	printf '#!/bin/sh\nexec %s --library-path %s %s/usr/sbin/criu "$@"\n' \
		"$(echo "$lib"/ld-linux-*)" "$lib" "$CRIU" > "$TMPDIR/criu/criu"
	chmod 755 "$TMPDIR/criu/criu"
}

needs_criu() {
	PATH=$TMPDIR/criu:$PATH
	IMAGE=$T/image
	type -P criu > /dev/null || skip "there is no criu here"
	criu check > "$T/check" 2>&1 && return 0
	sed 's/^/# /' "$T/check" >&3
	skip "CRIU does not work on this kernel"
}

count() { cat "/proc/$(pid_of)/root/dev/count" 2> /dev/null || echo 0; }
counted() { (( $(count) > $1 )); }

counter() { # script
	script "${1:-$COUNT}"
	start
	wait_for counted 3
}

save() { ok checkpoint --image-path "$IMAGE" "$@" "$ID"; }
back() { ok restore --detach --bundle "$BUNDLE" --image-path "$IMAGE" "$@" "$ID"; }

goes_on() {
	local now
	is_status running
	now=$(count)
	(( now > 2 )) || fail "it has begun anew: $now"
	wait_for counted "$now"
}

connected() { grep -q ' 01 00000000:' "/proc/$(pid_of)/net/tcp"; }
inside() { ok exec "$ID" sh -c "$1"; } # script
around() { # what is there of the container's first process
	local pid
	pid=$(pid_of)
	grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' "/proc/$pid/status"
	# Numbers of mounts and devices are new.
	cut -d ' ' -f 4-6 "/proc/$pid/mountinfo" | sort
	cut -d ' ' -f 9- "/proc/$pid/mountinfo" | sed 's/^.*- //' | sort
	sort "/proc/$pid/limits"
	sed -n 's/^0::/cgroup &/p' "/proc/$pid/cgroup"
	ls -l "/proc/$pid/root/dev/" | sed -e '/count/d' -e 's/[A-Z][a-z][a-z] .*:[0-9][0-9]//'
}

@test "a container is saved, restored, and goes on where it was" {
	local before
	needs_criu
	counter
	before=$(around)
	save
	refused "does not exist" state "$ID"
	no test -e "$CG"
	back
	goes_on
	same "$before" "$(around)"
	inside 'hostname; cat /proc/1/comm'
	same $'hull\nsh' "$output"
	inside 'ip addr show lo; readlink /proc/self/ns/time; readlink /proc/1/ns/time'
	contains "$output" 'LOOPBACK,UP'
	same 1 "$(grep '^time' <<< "$output" | sort -u | wc -l)"
	same "$(pid_of)" "$(head -n 1 "$CG/cgroup.procs")"
	ok kill "$ID" KILL
	wait_for is_status stopped
	ok delete "$ID"
}

@test "one that is to go on does, and its image can be restored beside it" {
	needs_criu
	counter
	save --leave-running --work-path "$T/work/log"
	goes_on
	[[ -s $T/work/log/dump.log && ! -e $IMAGE/dump.log ]]
	ok delete --force "$ID"
	back --work-path "$T/work/log" --pid-file "$T/pid"
	goes_on
	same "$(pid_of)" "$(< "$T/pid")"
	[[ -s $T/work/log/restore.log ]]
}

@test "a paused container is saved, and is paused no more when it is restored" {
	needs_criu
	counter
	ok pause "$ID"
	save --leave-running
	is_status paused
	ok delete --force "$ID"
	back
	goes_on
}

@test "what is bound, masked and read-only is so again" {
	needs_criu
	local before
	mkdir -p "$T/data/below" "$BUNDLE/rootfs/var/real"
	echo old > "$T/data/file"
	echo text > "$T/single"
	ln -s real "$BUNDLE/rootfs/var/link"
	bind_add /data "$T/data" ro nosuid
	bind_add /data/below "$T" rw
	bind_add /var/link/single "$T/single" ro
	bind_add /dev/shared "$T/data" rw
	mount_add /scratch tmpfs tmpfs size=1m
	mount_add /scratch/deep tmpfs tmpfs size=1m nodev ro
	config '.root.readonly = true'
	script "echo kept > /scratch/kept; $COUNT"
	start
	wait_for counted 3
	before=$(around)
	save
	rm -rf "$BUNDLE/rootfs/scratch"
	echo new > "$T/data/file"
	back
	goes_on
	same "$before" "$(around)"
	inside 'cat /data/file /var/real/single /scratch/kept; ls /data/below /dev/shared'
	contains "$output" $'new\ntext\nkept'
	refused "Read-only" exec "$ID" touch /new
	refused "Read-only" exec "$ID" touch /data/new
	refused "Read-only" exec "$ID" touch /var/real/single
	no grep -q stage /proc/self/mountinfo
}

@test "output goes where that of who restores it goes: pipes and files" {
	needs_criu
	mkfifo "$T/one" "$T/two"
	cat "$T/one" > "$T/one.out" &
	BACKGROUND+=($!)
	script 'i=0; while sleep 0.05; do i=$((i + 1)); echo $i; echo $i > /dev/count; done'
	create
	ok delete --force "$ID"
	"$RUNTIME" --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID" > "$T/one" 2> "$T/file" 3>&-
	wait_for counted 3
	save
	wait_for file_has "$T/one.out"
	cat "$T/two" > "$T/two.out" &
	BACKGROUND+=($!)
	"$RUNTIME" --root "$ROOT" restore --detach --bundle "$BUNDLE" --image-path "$IMAGE" "$ID" \
		> "$T/two" 2> "$T/other" 3>&-
	goes_on
	wait_for file_has "$T/two.out"
	(( $(head -n 1 "$T/two.out") > 3 ))
}

@test "restored in the foreground it is waited for, and leaves nothing" {
	needs_criu
	counter 'trap "exit 7" TERM; i=0; while sleep 0.05; do i=$((i + 1)); echo $i > /dev/count; done'
	save
	background "$RUNTIME" --root "$ROOT" restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
	wait_for is_status running
	goes_on
	kill -TERM "$background"
	local status=0
	wait "$background" || status=$?
	same 7 "$status"
	refused "does not exist" state "$ID"
}

@test "with all namespaces but that of users, and in one of others" {
	needs_criu
	namespace_remove network
	namespace_join network /proc/self/ns/net
	config '.linux.namespaces += [ { type: "time" } ]'
	counter
	save
	back
	goes_on
	same "$(readlink /proc/self/ns/net)" "$(readlink "/proc/$(pid_of)/ns/net")"
}

@test "limits are those of config.json, in a cgroup that may be another" {
	needs_criu
	grep -qw pids /sys/fs/cgroup/cgroup.controllers || skip "cgroup version 2 has no controller pids here"
	config '.linux.resources.pids.limit = 50'
	counter
	save
	config '.linux.resources.pids.limit = 60'
	back
	goes_on
	same 60 "$(< "$CG/pids.max")"
}

@test "capabilities, no new privileges and the filter are restored" {
	needs_criu
	local before
	config '.process.noNewPrivileges = true | .process.user.additionalGids = [ 7 ]
		| .process.capabilities = { bounding: [ "CAP_KILL" ] }
		| .linux.seccomp = { defaultAction: "SCMP_ACT_ALLOW",
			syscalls: [ { names: [ "mkdir", "mkdirat" ], action: "SCMP_ACT_ERRNO", errnoRet: 38 } ] }'
	counter
	before=$(around)
	save
	back
	goes_on
	same "$before" "$(around)"
	refused "not implemented" exec "$ID" mkdir /tmp/x
}

@test "hooks that make a network run for the restored namespaces, those at the end with delete" {
	needs_criu
	config --arg t "$T" '.hooks = {
		createRuntime: [ { path: "/bin/sh", args: [ "sh", "-c", "cat >> \($t)/made" ] } ],
		poststop: [ { path: "/bin/sh", args: [ "sh", "-c", "cat >> \($t)/stopped" ] } ] }'
	counter
	save
	same stopped "$(jq -r .status "$T/stopped")"
	back
	goes_on
	same 2 "$(jq -r .id "$T/made" | wc -l)"
	same "$(pid_of)" "$(jq -r .pid "$T/made" | tail -n 1)"
}

# --- what is refused -----------------------------------------------------------------------------

@test "without CRIU it says what to install" {
	type -P criu > /dev/null && skip "CRIU is installed here"
	start_sleeper
	refused "execute criu: No such file or directory" checkpoint --image-path "$T/image" "$ID"
	contains "$errors" "install it"
	is_status running
	refused "execute criu" restore --bundle "$BUNDLE" --image-path "$T/image" other
	refused "does not exist" state other
}

@test "what cannot be saved or restored is refused, and nothing is left of it" {
	IMAGE=$T/image
	create
	refused "it is created" checkpoint --image-path "$IMAGE" "$ID"
	ok delete "$ID"
	refused "No such file" restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
	mkdir "$IMAGE"
	refused "descriptors.json" restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
	start_sleeper
	refused 'must be one of soft, full, strict, ignore' checkpoint --manage-cgroups-mode odd --image-path "$IMAGE" "$ID"
	refused 'must be ADDRESS:PORT' checkpoint --page-server nowhere --image-path "$IMAGE" "$ID"
	refused 'only network' checkpoint --empty-ns pid --image-path "$IMAGE" "$ID"
	refused 'must be relative' checkpoint --parent-path /tmp --image-path "$IMAGE" "$ID"
	refused 'No such file' checkpoint --parent-path ../none --image-path "$IMAGE" "$ID"
	refused 'no open file' checkpoint --status-fd 77 --image-path "$IMAGE" "$ID"
	is_status running
}

@test "an image that is none is told of in CRIU's own words, and its log is named" {
	needs_criu
	mkdir "$IMAGE"
	echo '["/dev/null","/dev/null","/dev/null"]' > "$IMAGE/descriptors.json"
	refused "criu has failed; Error" restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
	contains "$errors" "$IMAGE/restore.log"
	refused "does not exist" state "$ID"
}

@test "where CRIU cannot save, it says why and the container goes on; open connections are an example" {
	needs_criu
	# A pipe's end is that of all its programs: who calls too early never calls again.
	counter "sleep 1000 | nc -l -p 99 > /dev/heard &
		until cat /proc/net/tcp* | grep -q ':0063 .* 0A '; do sleep 0.05; done; sleep 1000 | nc 127.0.0.1 99 & $COUNT"
	wait_for connected
	refused "Connected TCP socket" checkpoint --image-path "$IMAGE" "$ID"
	contains "$errors" "$IMAGE/dump.log"
	goes_on
}

@test "a policy refuses what the image may hold, and sets limits anew" {
	needs_criu
	counter
	save
	jq -n '{ schema: "strake/node-policy/1", name: "edge", generation: 3,
		rules: [ { name: "floor", process: { capabilities: { ceiling: [ "CAP_KILL" ] } } } ] }' > "$T/policy.json"
	globally --policy "$T/policy.json"
	refused 'policy "edge", rule "floor": process.capabilities' restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
	refused "does not exist" state "$ID"
	# Another config.json does not make another image.
	cp "$BUNDLE/config.json" "$T/config.json"
	config '.process.capabilities |= map_values(["CAP_KILL"])'
	refused "process.capabilities.bounding does not give" restore --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
	refused "does not exist" state "$ID"
	cp "$T/config.json" "$BUNDLE/config.json"
	# One that it keeps to is none of its affairs.
	jq --slurpfile c "$BUNDLE/config.json" '.rules[0].process.capabilities.ceiling = $c[0].process.capabilities.bounding' \
		"$T/policy.json" > "$T/wider.json"
	globally --policy "$T/wider.json"
	back
	goes_on
}

# Listens at $T/NAME.sock, shows what comes from there in $T/NAME.shown.
engine() { # name
	mkfifo "$T/$1.typed"
	exec 8<> "$T/$1.typed"
	background "$CLI_BIN/terminal" "$T/$1.sock" < "$T/$1.typed" > "$T/$1.shown" 2> "$T/$1.engine"
	wait_for test -S "$T/$1.sock"
}
shown() { wait_for grep -qF "$2" "$T/$1.shown"; }

@test "a terminal is made anew, and its other side is sent to the console socket" {
	needs_criu
	config '.process.terminal = true'
	script 'echo ready; while read -r word; do echo "heard $word"; done'
	engine first
	start --console-socket "$T/first.sock"
	shown first ready
	save
	engine second
	back --console-socket "$T/second.sock"
	echo ahoy >&8
	shown second "heard ahoy"
}

@test "in a user namespace" {
	needs_criu
	# Somewhere that the container's root can reach, as /run/strake is.
	ROOT=/run/hulls
	IMAGE=$ROOT/image
	userns_add
	mkdir "$BUNDLE/hold"
	echo cargo > "$BUNDLE/hold/list"
	chmod 700 "$TMPDIR"
	bind_add /hold "$BUNDLE/hold"
	config '.linux.devices = [ { path: "/dev/deck", type: "c", major: 1, minor: 5, fileMode: 384, gid: 7 },
		{ path: "/dev/full", type: "c", major: 1, minor: 7, uid: 70000 } ]'
	counter
	save
	# Its root reads it, who is nobody out here, and opens what its output goes to.
	refused "criu has failed" restore --detach --bundle "$BUNDLE" --image-path "$IMAGE" "$ID"
	contains "$errors" "chmod"
	chmod -R a+rX "$IMAGE"
	install -m 666 /dev/null "$T/new.out"
	install -m 666 /dev/null "$T/new.err"
	"$RUNTIME" --root "$ROOT" restore --detach --bundle "$BUNDLE" --image-path "$IMAGE" "$ID" \
		< /dev/null > "$T/new.out" 2> "$T/new.err" 3>&-
	goes_on
	inside 'stat -c "%a %t:%T %u:%g" /dev/deck /dev/full; head -c 1 /dev/deck | od -An -tx1'
	same $'600 1:5 0:7\n666 1:7 65534:65534\n 00' "$output"
	inside 'cat /hold/list'
	same cargo "$output"
}

@test "killed at any moment, a restore leaves nothing that delete does not find" {
	needs_criu
	local i
	counter
	save
	for i in 0.005 0.01 0.02 0.03 0.05 0.08 0.1 0.2; do
		"$RUNTIME" --root "$ROOT" restore --detach --bundle "$BUNDLE" --image-path "$IMAGE" "$ID" \
			> /dev/null 2>&1 3>&- < /dev/null &
		sleep "$i"
		kill -KILL $! 2> /dev/null || true
		wait $! || true
		rt delete --force "$ID"
		no test -e "$ROOT/$ID"
		no test -e "$CG"
	done
	back
	goes_on
}
