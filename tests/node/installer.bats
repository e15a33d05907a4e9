# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the container's shell expands it
# manifests/node-installer: a DaemonSet puts Strake on a node, once more, and takes it away. The node had it by
# the script, and has it again at the end. Each test goes on where the one before ended.

load lib


setup_file() {
	make -s -C "$TREE" image >/dev/null
	timeout 200 "$TREE/hack/node" load "$TREE/build/strake-node.tar" 2>/dev/null
	eventually 30 k get serviceaccount default >/dev/null
	k delete runtimeclass strake >/dev/null
	on_node "$INSTALL remove && $INSTALL restart" >/dev/null
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || {
		k get pods -A -o wide
		k -n strake-node describe pods | sed -n '/^Events/,$p'
		for c in install restart tell; do k -n strake-node logs daemonset/strake-node -c "$c" --tail=20; done
	}
}

teardown_file() {
	k delete --ignore-not-found pods --all --timeout=60s >/dev/null
	k delete --ignore-not-found -k "$TREE/manifests/node-installer" --timeout=60s >/dev/null
	on_node "$INSTALL add /opt/strake/bin && $INSTALL restart" >/dev/null
	k apply -f "$TREE/manifests/node-installer/runtimeclass.yaml" >/dev/null
}

has_handler() { on_node 'crictl info | grep -q "\"strake\""'; }
daemon_pid() { on_node 'systemctl show -P MainPID containerd'; }
rolled_out() { k -n strake-node rollout status daemonset/strake-node --timeout=90s; }
settings() { k -n strake-node logs daemonset/strake-node -c "$1"; }

@test "a node without it has nothing of it" {
	[ -z "$(of_strake)" ]
	! has_handler || false
}

@test "applied, it puts the shim, the policies and the handler there, and restarts containerd under what runs" {
	local before daemon
	CLASS='' pod steady
	running steady
	before=$(of steady '.status.containerStatuses[0].containerID')
	daemon=$(daemon_pid)
	k apply -k "$TREE/manifests/node-installer" >/dev/null
	rolled_out
	[ "$(daemon_pid)" != "$daemon" ]
	on_node "$INSTALL check"
	on_node 'grep -q "SystemdCgroup = true" /etc/containerd/conf.d/strake.toml && ! grep -q strake /etc/containerd/config.toml'
	[ "$(k exec steady -- echo alive)" = alive ]
	[ "$(of steady '.status.containerStatuses[0].containerID')" = "$before" ]
	[ "$(of steady '.status.containerStatuses[0].restartCount')" -eq 0 ]
}

@test "a pod of the runtime class runs under the shim that was put there, by the node's policy" {
	pod first
	running first
	[ "$(on_node 'readlink /proc/$(pgrep -of "[c]ontainerd-shim-strake-v1")/exe')" = /usr/local/bin/containerd-shim-strake-v1 ]
	[[ "$(k exec first -- grep ^Seccomp: /proc/1/status)" == *2 ]]
}

@test "applied twice, nothing changes and nothing is restarted" {
	local before daemon
	before=$(of_strake)
	daemon=$(daemon_pid)
	k -n strake-node rollout restart daemonset/strake-node >/dev/null
	rolled_out
	[ "$(of_strake)" = "$before" ]
	[ "$(daemon_pid)" = "$daemon" ]
	[[ "$(settings install)" != *"is put there"* && "$(settings install)" == *"handler \"strake\" is there already"* ]]
	[[ "$(settings restart)" == *"no restart"* ]]
	k exec first -- true
}

@test "killed in between, the next one goes on" {
	local daemon
	daemon=$(daemon_pid)
	# As it was left behind after the configuration was written, and before containerd was restarted.
	on_node "rm /usr/local/bin/strake; : >/run/strake-restart-due; : >/usr/local/bin/strake.new"
	k -n strake-node rollout restart daemonset/strake-node >/dev/null
	rolled_out
	on_node "$INSTALL check && test ! -e /usr/local/bin/strake.new"
	[ "$(daemon_pid)" != "$daemon" ]
	k exec first -- true
}

@test "it is not removed under a container, and says which one; then it is, and the node is as it was" {
	k apply -k "$TREE/manifests/node-remover" >/dev/null
	refused() { k -n strake-node get pods -o json | grep -q 'k8s.io/.*Move or delete them'; }
	eventually 60 refused
	on_node "$INSTALL check"
	k exec first -- true
	k delete pod first --timeout=60s >/dev/null
	k delete runtimeclass strake >/dev/null
	k -n strake-node rollout status daemonset/strake-node --timeout=120s
	[ -z "$(of_strake)" ]
	! has_handler || false
	k delete --ignore-not-found -k "$TREE/manifests/node-installer" --timeout=60s >/dev/null
	[ "$(k exec steady -- echo alive)" = alive ]
	CLASS='' pod stock
	running stock
}

@test "removed twice, there is nothing to do" {
	run on_node "$INSTALL remove; $INSTALL restart"
	[ "$status" -eq 0 ]
	[[ "$output" == *"no handler of ours"* && "$output" == *"no restart"* ]]
	[ -z "$(of_strake)" ]
}
