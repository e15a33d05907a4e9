# SPDX-License-Identifier: Apache-2.0
# Pods whose sandbox the shim makes (sandboxer = "shim"), by crictl. containerd 2.1.9 panics where such a pod
# is of the node's network.
# length: containerd
# containerd: 2.3 2.4
# parts: cni cri-tools
# needs: systemd memory pids userns strake
# deadline: 420

load cri_suite

HANDLER=strake-sandbox

node_add() {
	sandboxer_configure
}

@test "a pod begins without an image of its own, and ends" {
	local pid
	pod a
	crictl inspectp "$POD" | jq -e '.status.state == "SANDBOX_READY"'
	crictl inspectp "$POD" | jq -e '.status.network.ip | startswith("10.88.")'
	[ "$(pgrep -fc containerd-shim-strake-v1)" -eq 1 ]
	pid=$(pgrep -x pause)
	[ "$(readlink "/proc/$pid/ns/uts")" != "$(readlink /proc/self/ns/uts)" ]
	[ -n "$(find /sys/fs/cgroup/system.slice -name "cri-containerd-$POD.scope")" ]
	[ -z "$(ctr -n k8s.io container ls -q)" ]
	crictl stopp "$POD"
	crictl inspectp "$POD" | jq -e '.status.state == "SANDBOX_NOTREADY"'
	crictl rmp "$POD"
	[ -z "$(pgrep -x pause)" ]
}

@test "its containers share name, network, memory and name servers" {
	pod a '.hostname = "a-pod" | .dns_config = { servers: ["10.0.0.53"], searches: ["example.org"], options: ["ndots:5"] }'
	container c . sleep 1000
	local first=$CONTAINER
	container d . sleep 1000
	[ "$(pgrep -fc containerd-shim-strake-v1)" -eq 1 ]
	[ "$(crictl exec -s "$first" hostname)" = a-pod ]
	[ "$(crictl exec -s "$first" cat /etc/hostname)" = a-pod ]
	[ "$(crictl exec -s "$first" cat /etc/resolv.conf)" = $'search example.org\nnameserver 10.0.0.53\noptions ndots:5' ]
	crictl exec -s "$first" sh -c 'echo words >/dev/shm/file'
	[ "$(crictl exec -s "$CONTAINER" cat /dev/shm/file)" = words ]
	[ "$(crictl exec -s "$first" readlink /proc/1/ns/net)" = "$(crictl exec -s "$CONTAINER" readlink /proc/1/ns/net)" ]
	[ "$(crictl exec -s "$first" sh -c 'grep -c " /dev/shm " /proc/mounts')" -eq 1 ]
}

@test "containers that share processes see what holds the pod, which reaps what they leave" {
	pod a '.linux.security_context.namespace_options.pid = 0'
	container c '.linux.security_context.namespace_options.pid = 0' sh -c 'sh -c "sleep 0.2 & exec true"; exec sleep 1000'
	[ "$(crictl exec -s "$CONTAINER" cat /proc/1/comm)" = pause ]
	eventually 10 sh -c "! crictl exec -s $CONTAINER sh -c 'cat /proc/[0-9]*/stat' | grep ' Z '"
}

@test "a pod of the node's network has the node's name" {
	pod a '.linux.security_context.namespace_options.network = 2'
	container c '.linux.security_context.namespace_options.network = 2' sleep 1000
	[ "$(crictl exec -s "$CONTAINER" hostname)" = "$(hostname)" ]
	[ "$(crictl exec -s "$CONTAINER" cat /etc/hostname)" = "$(hostname)" ]
}

@test "a pod is kept over containerd's end, and its end is told" {
	pod a
	container c . sleep 1000
	kill -KILL "$(systemctl show -P MainPID containerd)"
	eventually 10 sh -c '! systemctl is-active -q containerd'
	systemctl reset-failed containerd 2>/dev/null || true
	systemctl start containerd
	eventually 20 crictl info >/dev/null
	crictl inspectp "$POD" | jq -e '.status.state == "SANDBOX_READY"'
	[ "$(crictl exec -s "$CONTAINER" echo inside)" = inside ]
	kill -KILL "$(pgrep -x pause)"
	eventually 10 sh -c "crictl inspectp $POD | jq -e '.status.state == \"SANDBOX_NOTREADY\"'"
}

@test "a pod has users of its own" {
	pod a "$(users_own 200000)"
	container c "$(users_own 200000)" sleep 1000
	users_are 200000
	[ "$(crictl exec -s "$CONTAINER" stat -c %u:%g /etc/hostname /etc/hosts /dev/shm | xargs)" = "0:0 0:0 0:0" ]
	crictl inspectp "$POD" | jq -e '.info.pid > 0 and .info.runtimeSpec.linux.uidMappings[0].hostID == 200000'
	pod b "$(users_own 300000)"
	container d "$(users_own 300000)" sleep 1000
	users_are 300000
}

@test "a shim that is killed takes its pod with it, and nothing stays" {
	pod a
	container c . sleep 1000
	kill -KILL "$(pgrep -f containerd-shim-strake-v1)"
	eventually 20 exited "$CONTAINER"
	eventually 20 sh -c '! pgrep -x pause'
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
	[ "$(pgrep -xc pause)" -eq 20 ]
}
