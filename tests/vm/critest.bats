# SPDX-License-Identifier: Apache-2.0
# critest of cri-tools, with the stock shim and then with ours, by containerd's sandboxes and by its own: ours
# passes all that the stock one passes.
# length: containerd
# containerd: 2.3
# parts: cni cri-tools
# needs: systemd memory pids apparmor userns strake
# deadline: 2100

load cri_lib

setup_file() {
	cri_prepare
	sandboxer_configure
	cri_start
}

teardown_file() {
	cri_stop
}

critest_with() { # handler
	"$BATS_TEST_DIRNAME/critest" "$1" "$BATS_FILE_TMPDIR" >&3
}

@test "the stock shim passes most of it" {
	critest_with runc
	[ "$(wc -l <"$BATS_FILE_TMPDIR/runc.passed")" -ge 80 ]
	mountpoint -q /sys/fs/cgroup
}

# nothing_lost HANDLER: what the stock shim passes, that passes.
nothing_lost() {
	critest_with "$1"
	grep -A14 '^• \[FAILED\]' "$BATS_FILE_TMPDIR/$1.log" || true
	comm -23 "$BATS_FILE_TMPDIR/runc.passed" "$BATS_FILE_TMPDIR/$1.passed" >"$BATS_FILE_TMPDIR/$1.lost"
	cat "$BATS_FILE_TMPDIR/$1.lost"
	[ ! -s "$BATS_FILE_TMPDIR/$1.lost" ]
	mountpoint -q /sys/fs/cgroup
}

@test "ours passes all that the stock shim passes" {
	nothing_lost strake
}

@test "with sandboxes of its own it does, too" {
	nothing_lost strake-sandbox
}

nothing_of_strake() {
	[ -z "$(pgrep -f containerd-shim-strake-v1)" ] &&
		[ -z "$(find /sys/fs/cgroup -name 'cri-containerd*')" ] &&
		[ -z "$(ls /run/containerd/strake/k8s.io)" ] # filters that containers share stay, hidden
}

@test "nothing of its pods stays" {
	eventually 90 no_pods
	eventually 20 nothing_of_strake || {
		pgrep -af containerd-shim-strake-v1 || true
		find /sys/fs/cgroup -name 'cri-containerd*'
		find /run/containerd/strake/k8s.io
		false
	}
}
