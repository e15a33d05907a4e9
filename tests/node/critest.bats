# SPDX-License-Identifier: Apache-2.0
# critest of cri-tools on the node, with the stock shim and then with ours: ours passes all that the stock one
# passes. kubelet, which would delete pods that are none of its own, is away meanwhile.

load lib

OUT=/run/critest

setup_file() {
	on_node 'systemctl stop kubelet && crictl rmp -f -a' >/dev/null
}

teardown_file() {
	on_node 'crictl rmp -f -a; systemctl start kubelet' >/dev/null
	eventually 90 k wait node --all --for=condition=Ready --timeout=60s >/dev/null
}

critest_with() { # handler
	timeout 1200 "$TREE/hack/node" exec --deadline 1100 -- /opt/strake/tests/vm/critest "$1" $OUT >&3
}

@test "the stock shim passes most of it" {
	critest_with runc
	[ "$(on_node "wc -l <$OUT/runc.passed")" -ge 80 ]
}

@test "ours passes all that the stock shim passes" {
	critest_with strake
	on_node "grep -A14 '^• \[FAILED\]' $OUT/strake.log" || true
	run on_node "comm -23 $OUT/runc.passed $OUT/strake.passed"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "nothing of its pods stays" {
	eventually 90 on_node 'crictl rmp -f -a; [ -z "$(crictl pods -q)" ]'
	eventually 20 nothing_of_pods
}
