# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the container's shell expands it
# Our shim as the node's default runtime: pods that name no runtime class, also the cluster's own, run under it.

load lib

CLASS=

setup_file() {
	on_node "DEFAULT_RUNTIME=1 $INSTALL add /opt/strake/bin && $INSTALL restart" >/dev/null
	eventually 30 k get serviceaccount default >/dev/null
	eventually 30 k -n kube-system get serviceaccount default >/dev/null
}

teardown() {
	k -n kube-system delete --ignore-not-found pods --all --timeout=60s >/dev/null
	pods_gone
}

teardown_file() {
	on_node "$INSTALL add /opt/strake/bin && $INSTALL restart" >/dev/null
}

stock_shims() { on_node 'pgrep -fc "[c]ontainerd-shim-runc"' || true; }

@test "pods without a runtime class run under our shim, those of kube-system too" {
	pod plain
	pod host '.metadata.namespace = "kube-system" | .spec.hostNetwork = true | .spec.containers[0].securityContext.privileged = true'
	running plain
	k -n kube-system wait pod/host --for=condition=Ready --timeout=60s
	on_node 'pgrep -af "[c]ontainerd-shim-"' # if there are others
	[ "$(shims)" -eq 2 ]
	[ "$(stock_shims)" -eq 0 ]
	[ "$(k exec plain -- echo words)" = words ]
	k -n kube-system exec host -- mount -t tmpfs none /mnt
}

@test "static pods, which kubelet makes itself" {
	on_node 'mkdir -p /run/static && cat >/run/static/own.json' <<-END
		{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "own", "namespace": "kube-system"}, "spec": {"hostNetwork": true,
		"terminationGracePeriodSeconds": 1, "containers": [{"name": "main", "image": "$BUSYBOX", "command": ["sleep", "3600"]}]}}
	END
	on_node 'sed -i "\$astaticPodPath: /run/static" /opt/node/kubelet.yaml && systemctl restart kubelet'
	eventually 60 k -n kube-system wait pod/own-node-1 --for=condition=Ready --timeout=5s
	[ "$(shims)" -eq 1 ]
	[ "$(stock_shims)" -eq 0 ]
	on_node 'rm /run/static/own.json && sed -i /staticPodPath/d /opt/node/kubelet.yaml && systemctl restart kubelet'
	gone() { ! k -n kube-system get pod own-node-1 2>/dev/null; }
	eventually 60 gone
}

@test "what a pod is that names the stock runtime stays with that" {
	class_of_stock
	CLASS=stock pod old
	running old
	[ "$(stock_shims)" -eq 1 ]
	k delete pod old --timeout=60s
	k delete runtimeclass stock
}
