# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the container's shell expands it
# Pods that the scheduler gives to a real kubelet, as the runtime class "strake".

load lib

setup_file() {
	k get node node-1 -o jsonpath='{.status.nodeInfo.kubeletVersion}, {.status.nodeInfo.containerRuntimeVersion}' |
		sed 's/^/# kubelet /; $a\' >&3
	eventually 30 k get serviceaccount default >/dev/null
}

teardown() {
	pods_gone
}

@test "the node is Ready, and has the handler" {
	k wait node/node-1 --for=condition=Ready --timeout=10s
	has_handler() { k get node node-1 -o json | jq -e '.status.runtimeHandlers | map(.name) | index("strake")'; }
	eventually 60 has_handler # kubelet tells it again when containerd was restarted
}

@test "a pod runs under our shim, its pause container too, and under nothing else" {
	pod one
	running one
	[ "$(on_node 'pgrep -fc "[c]ontainerd-shim-strake-v1"')" -eq 1 ]
	[ "$(on_node 'pgrep -fc "[c]ontainerd-shim-runc"' || true)" -eq 0 ]
	# Both containers are children of the one shim.
	[ "$(on_node 'pgrep -P "$(pgrep -of "[c]ontainerd-shim-strake-v1")" | wc -l')" -eq 2 ]
}

@test "logs and exec through the API server" {
	pod words '.spec.containers[0].command = [ "sh", "-c", "echo begun; echo wrong >&2; sleep 3600" ]'
	running words
	run k logs words
	[[ "$output" == *begun* ]]
	[[ "$output" == *wrong* ]]
	[ "$(k exec words -- echo hello)" = hello ]
	run k exec words -- sh -c 'exit 7'
	[ "$status" -eq 7 ]
	[ "$(echo words | k exec -i words -- cat)" = words ]
}

@test "limits are in the pod's cgroup, and hold" {
	pod limited '.spec.containers[0].resources = { limits: { memory: "24Mi", cpu: "200m" } }'
	running limited
	[ "$(k exec limited -- cat /sys/fs/cgroup/memory.max)" -eq $((24 << 20)) ]
	[ "$(k exec limited -- cat /sys/fs/cgroup/cpu.max)" = "20000 100000" ]
	pod hungry '.spec.containers[0].resources = { limits: { memory: "24Mi" } }
		| .spec.containers[0].command = [ "dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1" ]'
	ended hungry Failed
	[ "$(of hungry '.status.containerStatuses[0].state.terminated.reason}{" "}{.status.containerStatuses[0].state.terminated.exitCode')" = "OOMKilled 137" ]
}

@test "what the pod asks for of security is on its process" {
	pod fenced '.spec.securityContext = { seccompProfile: { type: "RuntimeDefault" } }
		| .spec.containers[0].securityContext = { allowPrivilegeEscalation: false, runAsUser: 77,
			readOnlyRootFilesystem: true, capabilities: { drop: [ "ALL" ], add: [ "NET_BIND_SERVICE" ] } }'
	running fenced
	run k exec fenced -- sh -c 'grep -E "^(CapBnd|NoNewPrivs|Seccomp|Uid):" /proc/1/status; touch /x'
	echo "$output"
	[[ "$output" == *"Uid:	77	77	77	77"* ]]
	[[ "$output" == *"CapBnd:	0000000000000400"* ]]
	[[ "$output" == *"NoNewPrivs:	1"* ]]
	[[ "$output" == *"Seccomp:	2"* ]]
	[[ "$output" == *"Read-only file system"* ]]
}

@test "an end is told: its status, and that a restart follows" {
	pod good '.spec.containers[0].command = [ "true" ]'
	pod bad '.spec.containers[0].command = [ "sh", "-c", "exit 3" ]'
	pod again '.spec.restartPolicy = "Always" | .spec.containers[0].command = [ "sh", "-c",
		"if [ -e /shared/been ]; then sleep 3600; fi; touch /shared/been" ]
		| .spec.volumes = [ { name: "shared", emptyDir: {} } ]
		| .spec.containers[0].volumeMounts = [ { name: "shared", mountPath: "/shared" } ]'
	ended good Succeeded
	ended bad Failed
	[ "$(of bad '.status.containerStatuses[0].state.terminated.exitCode')" -eq 3 ]
	restarted() { [ "$(of again '.status.containerStatuses[0].restartCount}{.status.containerStatuses[0].ready')" = 1true ]; }
	eventually 60 restarted
}

@test "a command that is not there is an error on the pod, with its name" {
	pod nope '.spec.containers[0].command = [ "/no/such/command" ]'
	ended nope Failed
	[[ "$(of nope '.status.containerStatuses[0].state.terminated.message')" == *"/no/such/command"* ]]
}

@test "pods reach each other over the bridge, and a probe decides readiness" {
	pod server '.spec.containers[0] += { image: "strake/nginx:1", command: null,
			readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 } }
		| .spec.containers[0] |= del(.command)'
	running server
	pod client
	running client
	[ "$(k exec client -- wget -qO- -T 10 "http://$(of server .status.podIP)/")" = "a page" ]
}

@test "kubelet and containerd are restarted: the pod lives on, as the same container" {
	local before
	pod steady
	running steady
	before=$(of steady '.status.containerStatuses[0].containerID')
	on_node 'systemctl restart containerd && systemctl restart kubelet'
	eventually 60 k exec steady -- true
	[ "$(of steady '.status.containerStatuses[0].containerID')" = "$before" ]
	[ "$(of steady '.status.containerStatuses[0].restartCount')" -eq 0 ]
}
