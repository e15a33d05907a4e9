# SPDX-License-Identifier: Apache-2.0
# All that can be put on a node is there, and is deleted: what makes the rest first, put there again, what was
# made last first. Nothing is stuck, and nothing stays but the claims and credentials of a Database.

load lib

setup_file() {
	make -s -C "$TREE" image build/postgresql.tar >/dev/null
	timeout 400 "$TREE/hack/node" load "$TREE"/build/{strake-node,strake-operator,postgresql}.tar 2>/dev/null
	eventually 30 k get serviceaccount default >/dev/null
	k delete runtimeclass strake >/dev/null
	on_node "$INSTALL remove && $INSTALL restart" >/dev/null
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || {
		k get databases,pods,persistentvolumeclaims,namespaces -A -o wide
		k get events -A --sort-by=.lastTimestamp | tail -30
		what_is_left
	}
}

teardown_file() {
	k delete --ignore-not-found databases,deployments,pods,persistentvolumeclaims,secrets --all --timeout=90s >/dev/null 2>&1 || true
	for folder in manifests manifests/node-remover; do
		k delete --ignore-not-found -k "$TREE/$folder" --timeout=90s >/dev/null
	done
	on_node "$INSTALL remove; $INSTALL add /opt/strake/bin && $INSTALL restart" >/dev/null
	k apply -f "$TREE/manifests/node-installer/runtimeclass.yaml" >/dev/null
}

all_there() {
	k apply -k "$TREE/manifests/node-installer" >/dev/null
	k -n strake-node rollout status daemonset/strake-node --timeout=90s
	operator_apply >/dev/null
	k -n strake-system rollout status deployment/strake-operator --timeout=120s
	k apply -f "$TREE/manifests/samples/pair.yaml" >/dev/null
	k create deployment idle --image="$BUSYBOX" --replicas=3 --dry-run=client -o json -- sleep 3600 |
		jq '.spec.template.spec.runtimeClassName = "strake"' | k apply -f - >/dev/null
	k rollout status deployment/idle --timeout=120s
	eventually 240 k wait database/pair --for=condition=Ready --timeout=5s
}

# no_longer KIND NAME: or its kind is gone.
no_longer() { ! k get "$@" >/dev/null 2>&1; }
no_pods_of() { [ -z "$(k get pods -l "$1" -o name)" ]; }

nothing_left() {
	no_longer namespace strake-node
	no_longer namespace strake-system
	no_longer databases
	[ -z "$(k get pods,services,deployments,statefulsets,configmaps,poddisruptionbudgets,leases,roles,rolebindings -A -o name |
		grep -e strake -e pair -e idle)" ]
	[ -z "$(k get clusterroles,clusterrolebindings,crds,runtimeclasses -o name | grep -e strake -e example.com)" ]
	eventually 60 nothing_of_pods
	[ -z "$(of_strake)" ]
	[ "$(k get persistentvolumeclaims -o name | wc -l)" -eq 2 ]
	k get secrets -o name | grep -c pair
}

@test "what makes the rest is deleted first: the operator with its kinds, then the shim, then what used it" {
	all_there
	admin pair-0 'create table words (word text); insert into words values ($$first$$)'
	k delete -k "$TREE/manifests" --timeout=90s >/dev/null
	eventually 60 no_longer statefulset pair
	# It waits on the node for the last container.
	k apply -k "$TREE/manifests/node-remover" >/dev/null
	k delete runtimeclass strake >/dev/null
	k delete deployment idle --timeout=60s >/dev/null
	eventually 60 no_pods_of app=idle
	k -n strake-node rollout status daemonset/strake-node --timeout=200s
	k delete --ignore-not-found -k "$TREE/manifests/node-remover" --timeout=90s >/dev/null
	nothing_left
}

@test "what was made last is deleted first: pods by force, the Database, which had found its data again, then all else" {
	all_there
	[ "$(admin pair-0 'select word from words')" = first ]
	k delete deployment idle --timeout=60s >/dev/null
	k delete pods --all --force --grace-period=0 >/dev/null 2>&1
	k delete database pair --timeout=90s >/dev/null
	eventually 90 no_pods_of example.com/database=pair
	k delete -k "$TREE/manifests" --timeout=90s >/dev/null
	# The DaemonSet leaves what it has put there, which the script takes away.
	k delete -k "$TREE/manifests/node-installer" --timeout=90s >/dev/null
	eventually 60 nothing_of_pods
	on_node "$INSTALL remove && $INSTALL restart"
	nothing_left
}
