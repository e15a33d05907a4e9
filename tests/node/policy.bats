# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the container's shell expands it
# Node policies in force on a node: what every pod has then, and what one is told that asked for more.

load lib

DEFAULTS=00000000a80425fb # what containerd gives who asks for nothing, and kubernetes.json at most

setup_file() {
	make -s -C "$TREE" image >/dev/null
	timeout 200 "$TREE/hack/node" load "$TREE/build/strake-node.tar" 2>/dev/null
	eventually 30 k get serviceaccount default >/dev/null
	# As somebody has it who brings a policy of their own beside two of ours.
	local folder=$TREE/build/tests/node-policy
	mkdir -p "$folder"
	cat >"$folder/edge.json" <<-'END'
		{ "schema": "strake/node-policy/1", "name": "edge", "rules": [
		 { "name": "limits", "match": { "kubernetesNamespaces": [ "default" ] },
		   "resources": { "pids": { "max": 200, "default": 200 }, "memory": { "max": "64M" } } } ] }
	END
	cat >"$folder/kustomization.yaml" <<-'END'
		apiVersion: kustomize.config.k8s.io/v1beta1
		kind: Kustomization
		resources: [../../../manifests/node-installer]
		configMapGenerator:
		- name: strake-node
		  namespace: strake-node
		  behavior: merge
		  literals: [POLICIES=default.json kubernetes.json edge.json]
		- name: strake-node-policies
		  namespace: strake-node
		  files: [edge.json]
	END
	k apply -k "$folder" >/dev/null
	k -n strake-node rollout status daemonset/strake-node --timeout=90s >/dev/null
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || {
		k get pods -A -o wide
		k get events --sort-by=.lastTimestamp | tail -20
		k -n strake-node logs daemonset/strake-node -c install --tail=20
		k -n strake-node logs daemonset/strake-node -c tell --tail=20
	}
	k delete --ignore-not-found pods --all --wait --timeout=90s >/dev/null
}

teardown_file() {
	k -n kube-system delete --ignore-not-found pod helper --timeout=60s >/dev/null
	k delete -k "$TREE/build/tests/node-policy" --timeout=60s >/dev/null
	on_node "$INSTALL remove; $INSTALL add /opt/strake/bin && $INSTALL restart" >/dev/null
	k apply -f "$TREE/manifests/node-installer/runtimeclass.yaml" >/dev/null
}

# told POD WORDS: an event on it says so.
told() { [[ "$(k get events --field-selector "involvedObject.name=$1" -o 'jsonpath={.items[*].message}')" == *"$2"* ]]; }
# With the processes 1 of each shim's containers: name, bounding set, no_new_privs, filter.
processes() {
	on_node 'for p in $(pgrep -P "$(pgrep -d, -f "[c]ontainerd-shim-strake")"); do
		grep -q "^NSpid:.*	1$" /proc/$p/status 2>/dev/null || continue
		sed -n "s/^\(Name\|CapBnd\|NoNewPrivs\|Seccomp\):\t//p" /proc/$p/status | tr "\n" " "; echo; done | sort'
}

@test "the policies that were named are in force, one's own among them" {
	run on_node '/usr/local/bin/strake policy check'
	echo "$output"
	[[ "$output" == *'"default"'*'"edge"'*'"kubernetes"'* ]]
}

@test "process 1 of every container, the pause container's too, has a filter, no_new_privs and the ceiling's capabilities" {
	pod plain
	pod asks '.spec.containers[0].securityContext = { privileged: true }'
	pod little '.spec.containers[0].securityContext = { capabilities: { drop: [ "ALL" ], add: [ "KILL" ] } }'
	running plain
	running asks
	running little
	run processes
	echo "$output"
	[ "${#lines[@]}" -eq 6 ]
	[ "$(grep -c "^pause $DEFAULTS 1 2 $" <<<"$output")" -eq 3 ]
	[ "$(grep -c "^sleep $DEFAULTS 1 2 $" <<<"$output")" -eq 2 ]
	[ "$(grep -c "^sleep 0000000000000020 1 2 $" <<<"$output")" -eq 1 ]
	# What is executed there, too.
	[[ "$(k exec asks -- grep ^CapEff: /proc/self/status)" == *$DEFAULTS ]]
	run k exec asks -- mount -t tmpfs none /mnt
	[[ "$output" == *"permission denied"* ]]
}

@test "a pod that is given less than it asked for is told by an event, with the rule" {
	pod greedy '.spec.containers[0].securityContext = { capabilities: { add: [ "SYS_ADMIN", "NET_ADMIN" ] } }
		| .spec.containers[0].resources = { limits: { memory: "200Mi" } }'
	running greedy
	eventually 20 told greedy 'container main: without CAP_NET_ADMIN CAP_SYS_ADMIN (node policy "kubernetes", rule "pods")'
	told greedy '(node policy "edge", rule "limits")'
	[ "$(k exec greedy -- cat /sys/fs/cgroup/memory.max)" -eq $((64 << 20)) ]
	# Once, whoever tells it again.
	k -n strake-node delete pod --all --timeout=60s >/dev/null
	k -n strake-node rollout status daemonset/strake-node --timeout=90s
	[ "$(k get events --field-selector involvedObject.name=greedy,reason=NodePolicy -o name | wc -l)" -eq 1 ]
}

@test "one that asks for nothing above is told nothing" {
	pod plain
	running plain
	pod other '.spec.containers[0].securityContext = { capabilities: { add: [ "SYS_ADMIN" ] } }'
	running other
	eventually 20 told other CAP_SYS_ADMIN # so that of the first was looked at
	! told plain 'node policy' || false
}

@test "a pod that is refused is told by an event, with the rule" {
	pod roots '.spec.volumes = [ { name: "v", hostPath: { path: "/root" } } ]
		| .spec.containers[0].volumeMounts = [ { name: "v", mountPath: "/v" } ]'
	eventually 30 told roots '(node policy "kubernetes", rule "pods")'
	told roots /root
	! is_phase roots Running || false
}

@test "the node's limits hold, and who meets one is OOMKilled" {
	pod hungry '.spec.containers[0].command = [ "dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1" ]'
	ended hungry Failed
	[ "$(of hungry '.status.containerStatuses[0].state.terminated.reason')" = OOMKilled ]
	pod forks '.spec.containers[0].command = [ "sh", "-c", "n=0; while [ $n -lt 1000 ]; do sleep 1000 & n=$((n + 1)); done" ]'
	ended forks Failed
	[[ "$(k logs forks)" == *"can't fork"* ]]
}

@test "the cluster's own pods get what they ask for" {
	eventually 30 k -n kube-system get serviceaccount default >/dev/null
	jq -n --arg image "$BUSYBOX" '{ apiVersion: "v1", kind: "Pod", metadata: { name: "helper", namespace: "kube-system" }, spec: {
		runtimeClassName: "strake", hostNetwork: true, terminationGracePeriodSeconds: 1, containers: [ { name: "main",
		image: $image, command: [ "sleep", "3600" ], securityContext: { capabilities: { add: [ "NET_ADMIN" ] } } } ] } }' | k apply -f - >/dev/null
	k -n kube-system wait pod/helper --for=condition=Ready --timeout=60s
	[[ "$(k -n kube-system exec helper -- grep ^CapBnd: /proc/1/status)" == *00000000a80435fb ]]
	k -n kube-system delete pod helper --timeout=60s
}
