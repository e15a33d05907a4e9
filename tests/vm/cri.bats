# SPDX-License-Identifier: Apache-2.0
# Pods by crictl, on a CNI bridge, with cgroups by systemd.
# length: containerd
# containerd: 1.6 1.7 2.1 2.3 2.4
# parts: cni cri-tools
# needs: systemd memory pids strake
# deadline: 900

load cri_suite

@test "a pod and its container begin, are told of, and end" {
	pod a
	container c . sleep 1000
	[ "$(state "$CONTAINER")" = CONTAINER_RUNNING ]
	[ "$(pgrep -fc containerd-shim-strake-v1)" -eq 1 ]
	[ "$(pgrep -fc containerd-shim-runc-v2)" -eq 0 ]
	crictl inspectp "$POD" | jq -e '.status.network.ip | startswith("10.88.")'
	[ -n "$(find /sys/fs/cgroup/system.slice -name "cri-containerd-$CONTAINER.scope")" ]
	crictl stop -t 0 "$CONTAINER"
	exited "$CONTAINER"
	crictl inspect "$CONTAINER" | jq -e '.status.exitCode == 137'
	crictl rm "$CONTAINER"
	crictl stopp "$POD"
	crictl rmp "$POD"
}

@test "exec gives output, errors, input and exit status" {
	pod a
	container c . sleep 1000
	[ "$(crictl exec -s "$CONTAINER" echo inside)" = inside ]
	[ "$(crictl exec "$CONTAINER" echo streamed)" = streamed ]
	[ "$(echo in | crictl exec -i "$CONTAINER" cat)" = in ]
	run crictl exec -s "$CONTAINER" sh -c 'echo bad >&2; exit 3'
	[ "$status" -ne 0 ]
	[[ "$output" == *bad* ]]
	run crictl exec -s "$CONTAINER" /no/such/program
	[ "$status" -ne 0 ]
	[[ "$output" == */no/such/program* ]]
}

@test "an exec that takes too long is ended" {
	pod a
	container c . sleep 1000
	run crictl exec -s --timeout 1 "$CONTAINER" sleep 55
	[ "$status" -ne 0 ]
	# timeout is told, and nothing of it stays
	eventually 10 sh -c "! crictl exec -s $CONTAINER pidof sleep | grep -q ' '"
}

@test "a terminal is one, and has the size it is given" {
	pod a
	container c . sleep 1000
	run timeout 20 script -qec "stty rows 33 cols 99; crictl exec -it $CONTAINER sh -c 'tty; sleep 1; stty size'" /dev/null </dev/null
	echo "$output"
	[[ "$output" == */dev/pts/* ]]
}

@test "logs hold both streams, in order, and go on after containerd was killed" {
	pod a
	container c . sh -c 'i=0; while [ $i -lt 60 ]; do echo line $i; echo error $i >&2; i=$((i + 1)); sleep 0.1; done; echo last'
	eventually 10 log_has c 'stdout F line 5$'
	kill -KILL "$(systemctl show -P MainPID containerd)"
	eventually 10 sh -c '! systemctl is-active -q containerd'
	sleep 1
	systemctl reset-failed containerd 2>/dev/null || true
	systemctl start containerd
	eventually 20 crictl info >/dev/null
	eventually 20 log_has c 'stdout F last'
	eventually 10 exited "$CONTAINER"
	crictl inspect "$CONTAINER" | jq -e '.status.exitCode == 0'
	# What was written while nobody read is not lost.
	grep -o 'stdout F line [0-9]*' "$BATS_TEST_TMPDIR/logs/c.log" | sort -u | wc -l | grep -qx 60
	crictl logs "$CONTAINER" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(head -1 "$BATS_TEST_TMPDIR/out")" = 'line 0' ]
	[ "$(tail -1 "$BATS_TEST_TMPDIR/out")" = last ]
	[ "$(tail -1 "$BATS_TEST_TMPDIR/err")" = 'error 59' ]
}

@test "an exit while containerd is down is known when it is back" {
	pod a
	container c . sh -c 'sleep 2; exit 9'
	systemctl stop containerd
	sleep 3
	systemctl start containerd
	eventually 20 crictl info >/dev/null
	eventually 10 exited "$CONTAINER"
	crictl inspect "$CONTAINER" | jq -e '.status.exitCode == 9'
}

@test "stats are those of the container" {
	pod a
	container c '.linux.resources = { memory_limit_in_bytes: 67108864 }' sh -c 'head -c 20000000 /dev/zero >/dev/shm/f; while :; do :; done'
	eventually 20 sh -c "crictl stats -o json $CONTAINER | jq -e '.stats[0] | (.memory.workingSetBytes.value | tonumber) > 10000000 and (.cpu.usageCoreNanoSeconds.value | tonumber) > 100000000'"
	crictl statsp -o json "$POD" | jq -e '.stats[0].linux.memory.workingSetBytes.value | tonumber > 10000000'
}

@test "limits are changed while it runs, in the cgroup and in systemd" {
	local scope
	pod a
	container c '.linux.resources = { memory_limit_in_bytes: 67108864, cpu_shares: 512 }' sleep 1000
	scope=cri-containerd-$CONTAINER.scope
	[ "$(systemctl show -P MemoryMax "$scope")" = 67108864 ]
	crictl update --memory 33554432 "$CONTAINER"
	[ "$(systemctl show -P MemoryMax "$scope")" = 33554432 ]
	[ "$(cat "/sys/fs/cgroup/$(systemctl show -P ControlGroup "$scope")/memory.max")" = 33554432 ]
}

@test "who takes more memory than allowed is killed, and that is the reason told" {
	pod a
	container c '.linux.resources = { memory_limit_in_bytes: 16777216 }' sh -c 'head -c 67108864 /dev/zero | tail -c 67108864 | wc -c; sleep 1000'
	container d '.linux.resources = { memory_limit_in_bytes: 16777216 }' tail -c 67108864 /dev/zero
	eventually 20 exited "$CONTAINER"
	crictl inspect "$CONTAINER" | jq -e '.status.exitCode == 137 and .status.reason == "OOMKilled"'
}

@test "a port of the pod answers, by its address and forwarded" {
	crictl pull registry.k8s.io/e2e-test-images/nginx:1
	pod a '.port_mappings = [{ container_port: 80, host_port: 12080 }]'
	container c '.image.image = "registry.k8s.io/e2e-test-images/nginx:1" | del(.command)'
	local ip
	ip=$(crictl inspectp "$POD" | jq -r .status.network.ip)
	eventually 10 sh -c "busybox wget -qO- http://$ip/ | grep -q 'a page'"
	busybox wget -qO- "http://$ip:80/"
	(timeout 30 crictl port-forward "$POD" 12081:80 >/dev/null) &
	local forward=$!
	eventually 10 sh -c "busybox wget -qO- http://127.0.0.1:12081/ | grep -q 'a page'"
	kill "$forward"
	wait "$forward" || true
}

@test "containers of a pod share what a pod shares, and a shim" {
	pod a '.linux.security_context.namespace_options.pid = 0'
	container c . sleep 1000
	local first=$CONTAINER
	container d . sleep 1000
	[ "$(pgrep -fc containerd-shim-strake-v1)" -eq 1 ]
	[ "$(crictl exec -s "$first" readlink /proc/1/ns/net)" = "$(crictl exec -s "$CONTAINER" readlink /proc/1/ns/net)" ]
	[ "$(crictl exec -s "$first" readlink /proc/self/ns/pid)" = "$(crictl exec -s "$CONTAINER" readlink /proc/self/ns/pid)" ]
	[ "$(crictl exec -s "$first" pidof sleep | wc -w)" -eq 2 ]
	# Its own end takes none of the others with it.
	crictl rm -f "$first"
	[ "$(state "$CONTAINER")" = CONTAINER_RUNNING ]
}

@test "a shim that is killed takes its pod with it, and nothing stays" {
	pod a
	container c . sleep 1000
	kill -KILL "$(pgrep -f containerd-shim-strake-v1)"
	eventually 20 exited "$CONTAINER"
}

@test "twenty pods begin at once and end" {
	local i
	for i in {1..20}; do
		(
			pod "p$i"
			container "c$i" . sleep 1000
		) &
	done
	wait
	[ "$(crictl ps -q | wc -l)" -eq 20 ]
	[ "$(pgrep -fc containerd-shim-strake-v1)" -eq 20 ]
}

# What a shim has, whatever containerd itself leaves behind when it is killed.
nothing_of_shims() {
	[ -z "$(pgrep -f containerd-shim-strake)" ] &&
		[ -z "$(find /run/containerd/s /run/containerd/strake/k8s.io -mindepth 1 ! -path '*/.seccomp*' 2>/dev/null)" ] &&
		[ -z "$(find /sys/fs/cgroup -name 'cri-containerd*')" ] && ! grep -q k8s.io /proc/mounts
}

# A network's namespace that containerd had not written down yet is nobody's.
networks_forget() {
	local at
	for at in /run/netns/*; do
		[ ! -e "$at" ] || { umount "$at" && rm "$at"; }
	done
}

@test "containerd is killed at any moment of a pod's making, and nothing of its shim stays" {
	local i
	for i in 05 10 15 20 30 40 60 80; do
		(pod "p$i" || true) &
		sleep "0.$i"
		kill -KILL "$(systemctl show -P MainPID containerd)"
		wait
		eventually 10 sh -c '! systemctl is-active -q containerd'
		systemctl reset-failed containerd 2>/dev/null || true
		systemctl start containerd
		eventually 30 crictl info >/dev/null
		eventually 90 no_pods
		eventually 60 nothing_of_shims || {
			pgrep -af containerd-shim
			find /run/containerd/s /run/containerd/strake/k8s.io /run/containerd/io.containerd.runtime.v2.task/k8s.io -maxdepth 2
			find /sys/fs/cgroup -name 'cri-containerd*'
			false
		}
		networks_forget
	done
}

@test "a container is attached to: what it reads and writes then, and its log has it, too" {
	pod a
	container c '.stdin = true' cat
	mkfifo "$BATS_TEST_TMPDIR/keys"
	timeout 60 crictl attach -i "$CONTAINER" <"$BATS_TEST_TMPDIR/keys" >"$BATS_TEST_TMPDIR/out" &
	exec 7>"$BATS_TEST_TMPDIR/keys"
	echo words >&7
	eventually 20 grep -q words "$BATS_TEST_TMPDIR/out"
	eventually 10 log_has c 'stdout F words'
	exec 7>&-
	crictl stop -t 0 "$CONTAINER"
	wait || true
}
