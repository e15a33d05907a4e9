# SPDX-License-Identifier: Apache-2.0
# Node policies where every controller is there: limits by what they do, and the shim under containerd,
# which asks the same guard. P22, P24, P26 ... number the cases.
# length: long
# needs: systemd memory pids cpu io strake
# deadline: 420
# disk: 64

load shim_lib

FOLDER=/etc/strake/policy.d

setup_file() {
	shim_install
	containerd_start
	image_import
}

teardown_file() {
	containerd_stop
	shim_remove
	rm -rf /etc/strake
}

setup() {
	mkdir -p $FOLDER
	bundle_make "$BATS_TEST_TMPDIR/bundle"
	bundle_set '.linux.cgroupsPath = "/strake-policy/c"'
	ROOT=$BATS_TEST_TMPDIR/root
}

teardown() {
	rm -rf ${FOLDER:?}/*
	/opt/strake/bin/strake --root "$ROOT" delete --force c 2>/dev/null || true
	[ ! -d /sys/fs/cgroup/strake-policy ] || rmdir /sys/fs/cgroup/strake-policy
	tidy
}

# rule MEMBERS: the node has one policy of one rule.
rule() {
	jq -n "{ schema: \"strake/node-policy/1\", name: \"node\", rules: [ { name: \"floor\" } + $1 ] }" >$FOLDER/node.json
}

strake_() {
	timeout 60 /opt/strake/bin/strake --root "$ROOT" "$@"
}

inside() {
	bundle_set '.process.args = [ "sh", "-c", $c ]' --arg c "$1"
}

limits() {
	inside 'cd /sys/fs/cgroup; echo $(cat memory.max pids.max cpu.max)'
	strake_ run --bundle "$BUNDLE" c
}

@test "P22, P23: limits are the node's default, its maximum, or what was asked for below that" {
	rule '{ resources: { memory: { max: "64M", default: "32M" }, pids: { max: 50, default: 20 }, cpu: { max: "50%" } } }'
	bundle_set 'del(.linux.resources)'
	[ "$(limits)" = "33554432 20 50000 100000" ]
	bundle_set '.linux.resources = { memory: { limit: 68719476736 }, pids: { limit: -1 }, cpu: { quota: 300000, period: 100000 } }'
	[ "$(limits)" = "67108864 50 50000 100000" ]
	bundle_set '.linux.resources = { memory: { limit: 16777216 }, pids: { limit: 10 }, cpu: { quota: 20000, period: 100000 } }'
	[ "$(limits)" = "16777216 10 20000 100000" ]
	bundle_set '.linux.resources = { memory: { limit: -1 }, unified: { "memory.max": "max", "pids.max": "1000" } }'
	[ "$(limits)" = "67108864 50 50000 100000" ]
}

@test "P22: an update of a running container is held to the node's maximum" {
	rule '{ resources: { memory: { max: "64M", default: "32M" }, pids: { max: 50 } } }'
	inside 'sleep 1000'
	strake_ run --detach --bundle "$BUNDLE" c
	strake_ update --memory 536870912 --pids-limit 1000 c
	[ "$(cat /sys/fs/cgroup/strake-policy/c/memory.max)" = 67108864 ]
	[ "$(cat /sys/fs/cgroup/strake-policy/c/pids.max)" = 50 ]
	strake_ update --memory 25165824 c
	[ "$(cat /sys/fs/cgroup/strake-policy/c/memory.max)" = 25165824 ]
}

@test "P24: processes without end meet the node's limit, and the machine does not notice" {
	rule '{ resources: { pids: { max: 20 } } }'
	inside 'n=0; while [ $n -lt 1000 ]; do sleep 1000 & n=$((n + 1)); done'
	run strake_ run --bundle "$BUNDLE" c
	[ "$status" -ne 0 ]
	[[ "$output" == *"can't fork"* ]]
	[ "$(sh -c 'echo fine')" = fine ]
}

@test "P24: memory without end is the container's own end" {
	rule '{ resources: { memory: { max: "32M" }, swap: { max: "0" } } }'
	bundle_set '.process.args = [ "dd", "if=/dev/zero", "of=/dev/null", "bs=1G", "count=1" ]'
	run strake_ run --bundle "$BUNDLE" c
	[ "$status" -eq 137 ]
	[ "$(sh -c 'echo fine')" = fine ]
}

@test "P26: a device that the spec allows and the node does not is neither made nor opened, even after mknod" {
	rule '{ devices: { allow: [ "c 1:3 rwm", "c 1:7 rw" ] } }'
	# Somewhere that devices work: the bundle lies on a file system without.
	bundle_set '.linux.devices = [ { path: "/dev/kmsg", type: "c", major: 1, minor: 11 }, { path: "/dev/full2", type: "c", major: 1, minor: 7 } ] |
		.linux.resources.devices = [ { allow: false, access: "rwm" }, { allow: true, type: "c", major: 1, access: "rwm" } ] |
		.mounts += [ { destination: "/nodes", type: "tmpfs", source: "tmpfs" } ] | .process.capabilities[] += [ "CAP_MKNOD" ]'
	inside 'cd /nodes
		mknod kmsg c 1 11; mknod full c 1 7
		test ! -e /dev/kmsg; echo $?
		test -c /dev/full2; echo $?
		head -c 1 full | wc -c
		: 2>&1 < kmsg'
	run strake_ run --bundle "$BUNDLE" c
	echo "$output"
	[ "${lines[0]} ${lines[1]} ${lines[2]}" = "0 0 1" ]
	[[ "${lines[3]}" == *"can't open kmsg: Operation not permitted"* ]]
	# Without the policy it opens: it is the node's word that held.
	rm $FOLDER/node.json
	inside 'mknod /nodes/kmsg c 1 11; : < /nodes/kmsg && test -c /dev/kmsg && echo opened'
	run strake_ run --bundle "$BUNDLE" c
	[ "$output" = opened ]
}

@test "every disk of the node has its limit in the cgroup of who asks for none" {
	rule '{ resources: { io: { disks: { "*": { wbps: { max: "4M", default: "1M" }, riops: { max: 100 } } } } } }'
	local disk
	disk=$(cat "/sys/class/block/${VM_DISK##*/}/dev")
	bundle_set '.linux.resources = {}'
	inside 'cat /sys/fs/cgroup/io.max'
	run strake_ run --bundle "$BUNDLE" c
	[ "$status" -eq 0 ]
	[[ "$output" == *"$disk rbps=max wbps=1048576 riops=100 wiops=max"* ]]
	bundle_set '.linux.resources = { blockIO: { throttleWriteBpsDevice: [ { major: ($d | split(":")[0] | tonumber), minor: ($d | split(":")[1] | tonumber), rate: 8388608 } ] } }' --arg d "$disk"
	run strake_ run --bundle "$BUNDLE" c
	[[ "$output" == *"$disk rbps=max wbps=4194304 riops=100 wiops=max"* ]]
}

# --- the shim ----------------------------------------------------------------------------------------

@test "the shim cuts what a client of containerd asks for, in run and exec" {
	rule '{ process: { noNewPrivileges: true, capabilities: { ceiling: [ "CAP_KILL" ] } }, exec: { sameAsContainer: true },
		resources: { memory: { default: "48M" }, pids: { max: 64 } } }'
	timeout 30 ctr run -d --privileged "${RUNTIME[@]}" "$IMAGE" c sleep 1000
	[ "$(timeout 20 ctr task exec --exec-id e c grep -E '^(CapBnd|NoNewPrivs):' /proc/self/status | awk '{ print $2 }' | xargs)" = "0000000000000020 1" ]
	[ "$(cat /sys/fs/cgroup/default/c/memory.max)" = 50331648 ]
	[ "$(cat /sys/fs/cgroup/default/c/pids.max)" = 64 ]
}

@test "the shim refuses what a rule refuses, with the rule in the client's error, and leaves nothing" {
	rule '{ process: { user: { root: "never" } } }'
	run timeout 30 ctr run --rm "${RUNTIME[@]}" "$IMAGE" c true
	[ "$status" -ne 0 ]
	[[ "$output" == *'root is not allowed (node policy "node", rule "floor")'* ]]
	# Those of a policy that cannot be understood as well.
	echo '{' >$FOLDER/node.json
	run timeout 30 ctr run --rm "${RUNTIME[@]}" "$IMAGE" d true
	[ "$status" -ne 0 ]
	[[ "$output" == *"$FOLDER/node.json"* ]]
}

@test "the shim gives the node's filter to who brings none" {
	cp -r /opt/strake/policies/default.json /opt/strake/policies/seccomp $FOLDER/
	[ "$(timeout 30 ctr run --rm "${RUNTIME[@]}" "$IMAGE" c grep Seccomp: /proc/self/status | awk '{ print $2 }')" = 2 ]
	rm -r $FOLDER/seccomp
}

@test "P24: a container of the shim that meets the node's memory limit is told of" {
	rule '{ resources: { memory: { max: "32M" }, swap: { max: "0" } } }'
	timeout 120 ctr events >"$BATS_TEST_TMPDIR/events" 2>&1 3>&- &
	local events=$!
	run timeout 60 ctr run --rm "${RUNTIME[@]}" "$IMAGE" c dd if=/dev/zero of=/dev/null bs=1G count=1
	[ "$status" -eq 137 ]
	eventually 10 grep -q /tasks/oom "$BATS_TEST_TMPDIR/events"
	kill $events
}

@test "a rule for one namespace of Kubernetes holds there, by containerd's word and not by anybody else's" {
	rule '{ match: { kubernetesNamespaces: [ "team-a" ] }, process: { capabilities: { ceiling: [] } } }'
	caps() { # NAMESPACE OF CONTAINERD, OF KUBERNETES
		timeout 30 ctr -n "$1" run --rm --annotation "io.kubernetes.cri.sandbox-namespace=$2" "${RUNTIME[@]}" "$IMAGE" c grep CapBnd: /proc/self/status | awk '{ print $2 }'
	}
	timeout 60 ctr images export "$BATS_TEST_TMPDIR/image.tar" "$IMAGE"
	timeout 60 ctr -n k8s.io images import "$BATS_TEST_TMPDIR/image.tar"
	[ "$(caps k8s.io team-a)" = 0000000000000000 ]
	[ "$(caps k8s.io team-b)" != 0000000000000000 ]
	[ "$(caps default team-a)" != 0000000000000000 ]
	rule '{ match: { containerdNamespaces: [ "default" ] }, process: { capabilities: { ceiling: [] } } }'
	[ "$(caps default x)" = 0000000000000000 ]
	[ "$(caps k8s.io x)" != 0000000000000000 ]
	timeout 60 ctr -n k8s.io images rm "$IMAGE"
}

reporters() { grep -lsx strake-report /proc/[0-9]*/comm | wc -l; }
reporters_are() { [ "$(reporters)" -eq "$1" ]; }

@test "denied calls of containers of the shim are told in the node's file, of exec too, and nothing stays behind" {
	local report=$BATS_TEST_TMPDIR/report
	rule "{ seccomp: { reportFile: \"$report\", deny: [ { names: [ \"mkdir\", \"mkdirat\" ], errno: \"EACCES\" } ] } }"
	timeout 30 ctr run -d "${RUNTIME[@]}" "$IMAGE" c sh -c 'mkdir /one; exec sleep 1000'
	eventually 10 grep -qs mkdir "$report"
	run timeout 20 ctr task exec --exec-id e c mkdir /two
	[ "$status" -ne 0 ]
	eventually 10 reporters_are 1
	[ "$(jq -rs '.[] | "\(.name) \(.errno) \(.policy) \(.rule) \(.container)"' "$report" | sort | uniq -c | xargs)" = "2 mkdir EACCES node floor c" ]
	timeout 30 ctr task kill -s KILL c
	eventually 10 reporters_are 0
	# Nor where the shim is killed, which takes the container along.
	timeout 30 ctr run -d "${RUNTIME[@]}" "$IMAGE" d sleep 1000
	eventually 10 reporters_are 1
	# The reporter is its fork, and younger.
	kill -KILL "$(pgrep -o -f 'containerd-shim-strake-v1.*-id d( |$)')"
	eventually 20 reporters_are 0
}
