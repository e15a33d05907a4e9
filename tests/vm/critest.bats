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
	# It loads AppArmor profiles by sudo.
	printf '#!/bin/sh\nexec "$@"\n' >/usr/local/bin/sudo
	chmod +x /usr/local/bin/sudo
	cri_prepare
	sandboxer_configure
	cri_start
}

teardown_file() {
	cri_stop
}

# critest_with HANDLER: leaves HANDLER.passed, HANDLER.failed and HANDLER.skipped, sorted names.
critest_with() {
	local json=$BATS_FILE_TMPDIR/$1.json outcome
	# That it fails is judged by its list.
	timeout 900 critest --runtime-handler "$1" --ginkgo.json-report "$json" --ginkgo.no-color --ginkgo.seed 1 \
		--report-dir "$BATS_FILE_TMPDIR" >"$BATS_FILE_TMPDIR/$1.log" 2>&1 || true
	for outcome in passed failed skipped; do
		jq -r --arg o "$outcome" '.[].SpecReports[] | select(.LeafNodeType == "It" and .State == $o) |
			(.ContainerHierarchyTexts + [.LeafNodeText]) | join(" ")' "$json" |
			sort >"$BATS_FILE_TMPDIR/$1.$outcome"
	done
}

tell() { # handler
	local outcome
	for outcome in passed failed skipped; do
		echo "# $1: $outcome $(wc -l <"$BATS_FILE_TMPDIR/$1.$outcome")"
		[ "$outcome" = skipped ] || sed "s/^/#   $outcome: /" "$BATS_FILE_TMPDIR/$1.$outcome"
	done >&3
}

@test "the stock shim passes most of it" {
	critest_with runc
	tell runc
	[ "$(wc -l <"$BATS_FILE_TMPDIR/runc.passed")" -ge 80 ]
	mountpoint -q /sys/fs/cgroup
}

# nothing_lost HANDLER: what the stock shim passes, that passes.
nothing_lost() {
	critest_with "$1"
	tell "$1"
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
