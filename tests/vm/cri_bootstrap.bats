# SPDX-License-Identifier: Apache-2.0
# containerd 2.0 to 2.2 is answered in JSON where its configuration says so: the containers of a pod then
# join its shim without executing it.
# length: containerd
# containerd: 2.1
# parts: cni cri-tools
# needs: systemd memory pids strake
# deadline: 300

load cri_suite

TASKS=/run/containerd/io.containerd.runtime.v2.task/k8s.io

node_add() {
	cat >>/etc/containerd/config.toml <<-'END'
		[plugins."io.containerd.shim.v1.manager"]
		  env = ["STRAKE_SHIM_BOOTSTRAP=json"]
	END
}

@test "a container joins its pod's shim by what that has answered" {
	pod a
	container c . sleep 1000
	jq -e '.version == 3 and .protocol == "ttrpc"' "$TASKS/$POD/bootstrap.json"
	[ "$(cat "$TASKS/$CONTAINER/sandbox")" = "$POD" ]
	# A shim that was executed for it would have written that.
	[ ! -e "$TASKS/$CONTAINER/address" ]
	[ "$(crictl exec -s "$CONTAINER" echo inside)" = inside ]
	crictl rm -f "$CONTAINER"
	[ ! -e "$TASKS/$CONTAINER" ]
}

@test "a shim that is killed takes the whole pod with it, and nothing stays" {
	pod a
	container c . sleep 4711
	container d . sleep 4711
	kill -KILL "$(pgrep -f containerd-shim-strake-v1)"
	eventually 20 sh -c '! pgrep -f "sleep 471[1]"'
}

@test "containerd finds the pod again after its end" {
	pod a
	container c . sleep 1000
	systemctl restart containerd
	eventually 20 crictl info >/dev/null
	[ "$(crictl exec -s "$CONTAINER" echo inside)" = inside ]
	[ "$(pgrep -fc containerd-shim-strake-v1)" -eq 1 ]
}
