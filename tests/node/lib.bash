# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # the guest expands it
# What the tests on a node share. Sourced by bats: `load lib`.

load ../vm/lib

TREE=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUSYBOX=strake/busybox:1
# Without policies, where a test does not name them: pods are as the stock shim's.
# shellcheck disable=SC2034 # tests use it
INSTALL='env POLICIES= /opt/strake/manifests/node-installer/install-node'

k() { timeout 120 "$TREE/hack/node" kubectl "$@"; }
on_node() { timeout 120 "$TREE/hack/node" exec -- sh -c "PATH=/opt/containerd:/opt/cri-tools:/opt/strake/bin:\$PATH; $1"; }

# pod NAME [JQ FILTER]: one with a container "main" that sleeps, as $CLASS has it, changed by the filter.
pod() {
	jq -n --arg name "$1" --arg class "${CLASS-strake}" --arg image "$BUSYBOX" '{ apiVersion: "v1", kind: "Pod",
		metadata: { name: $name, labels: { app: $name } },
		spec: { terminationGracePeriodSeconds: 1, restartPolicy: "Never", containers: [
			{ name: "main", image: $image, command: [ "sleep", "3600" ] } ] } }
		| if $class != "" then .spec.runtimeClassName = $class else . end' | jq "${2:-.}" |
		k apply -f - >/dev/null
}

# The runtime class "stock", of the shim that containerd brings.
class_of_stock() {
	k apply -f - >/dev/null <<-'END'
		apiVersion: node.k8s.io/v1
		kind: RuntimeClass
		metadata: {name: stock}
		handler: runc
	END
}

# phase POD, of POD JSONPATH
phase() { of "$1" .status.phase; }
of() { k get pod "$1" -o "jsonpath={$2}"; }

is_phase() { [ "$(phase "$1")" = "$2" ]; }

running() { # POD
	k wait "pod/$1" --for=condition=Ready --timeout=60s >/dev/null || {
		k describe pod "$1"
		return 1
	}
}

ended() { # POD PHASE
	eventually 60 is_phase "$1" "$2" || {
		k describe pod "$1"
		return 1
	}
}

shims() { on_node 'pgrep -f "[c]ontainerd-shim-(strake|runc)" | wc -l'; }

# Filters that were compiled stay, for the next pods.
nothing_of_pods() {
	on_node '[ -z "$(pgrep -f "[c]ontainerd-shim-")" ] &&
		[ -z "$(find /run/containerd/io.containerd.runtime.v2.task/k8s.io /run/containerd/s \
			/run/containerd/strake/k8s.io /run/netns -mindepth 1 ! -path "*/.seccomp*" 2>/dev/null)" ] &&
		[ -z "$(find /sys/fs/cgroup -name "cri-containerd*" -o -name "kubepods*pod*")" ] &&
		! grep -q -e k8s.io -e /var/lib/kubelet/pods /proc/mounts'
}

what_is_left() {
	on_node 'pgrep -af "[c]ontainerd-shim-"; find /run/containerd/io.containerd.runtime.v2.task/k8s.io \
		/run/containerd/s /run/containerd/strake/k8s.io /run/netns -mindepth 1
		find /sys/fs/cgroup -name "cri-containerd*" -o -name "kubepods*pod*"
		grep -e k8s.io -e /var/lib/kubelet/pods /proc/mounts'
}

# pods_gone: all are deleted, and nothing of them stays on the node.
pods_gone() {
	k delete pods --all --wait --timeout=90s >/dev/null
	eventually 60 nothing_of_pods || {
		what_is_left
		return 1
	}
}

# What is on the node of ours, with what it was made by.
of_strake() {
	on_node 'find /usr/local/bin/*strake* /usr/local/share/strake /etc/strake /etc/containerd/conf.d /run/strake* /run/containerd/strake \
		! -path "*/.seccomp*" ! -path "/run/containerd/strake/k8s.io*" -printf "%p %i %s\n" 2>/dev/null | sort'
}

# The operator from its image, itself under the runtime class.
operator_apply() {
	k kustomize "$TREE/manifests" | sed 's/^      serviceAccountName: strake-operator$/&\n      runtimeClassName: strake/' | k apply -f -
}

# admin POD STATEMENT: as superuser of the Database whose pod it is.
admin() {
	k exec "$1" -- sh -c 'PGPASSWORD=$(cat /run/secrets/superuser/password) psql -h /run/database -U postgres -XAtqc "$1"' sh "$2"
}
