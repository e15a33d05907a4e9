# SPDX-License-Identifier: Apache-2.0
# containerd's own shim drives strake by its command line (BinaryName), with cgroups by systemd and by hand.
# needs: systemd memory pids cpu strake
# deadline: 300

load lib

setup_file() {
	strake --version | sed -n '1s/^/# /p' >&3
	containerd --version | sed 's/^/# /' >&3
	systemctl start containerd
	bundle_make /tmp/ctr
}

teardown_file() {
	systemctl stop containerd
}

setup() {
	ID=c-$BATS_TEST_NUMBER
}

teardown() {
	ctr task kill -s KILL "$ID" 2>/dev/null || true
	ctr task delete -f "$ID" 2>/dev/null || true
	ctr container delete "$ID" 2>/dev/null || true
	eventually 5 cgroups_none
}

# create SLICE|"" OPTION... -- COMMAND...: run detached, by systemd where a slice is named.
ctr_run() {
	local slice=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	[ -z "$slice" ] || options+=(--runc-systemd-cgroup --cgroup "$slice:ctr:$ID")
	ctr run --runc-binary /opt/strake/bin/strake --rootfs "${options[@]}" /tmp/ctr/rootfs "$ID" "$@"
}

life() { # slice cgroup
	run ctr_run "$1" --rm -- sh -c 'echo hello; exit 7'
	echo "$output"
	[ "$status" -eq 7 ]
	[ "$output" = hello ]

	ctr_run "$1" -d --memory-limit 67108864 -- sh -c 'trap "exit 3" TERM; sleep 600 & wait'
	[ "$(ctr task ls | awk -v id="$ID" '$1 == id { print $3 }')" = RUNNING ]
	[ "$(cat "/sys/fs/cgroup$2/memory.max")" -eq 67108864 ]
	run ctr task exec --exec-id e1 "$ID" sh -c 'echo inside; exit 9'
	[ "$status" -eq 9 ]
	[ "$output" = inside ]
	[ "$(ctr task ps "$ID" | tail -n +2 | wc -l)" -eq 2 ]
	ctr task metrics "$ID" | grep -q memory
	ctr task pause "$ID"
	[ "$(ctr task ls | awk -v id="$ID" '$1 == id { print $3 }')" = PAUSED ]
	ctr task resume "$ID"
	[ "$(ctr task ls | awk -v id="$ID" '$1 == id { print $3 }')" = RUNNING ]
	run ctr task checkpoint "$ID"
	echo "$output"
	[ "$status" -ne 0 ]
	# There is no CRIU in the guest.
	[[ "$output" == *criu* ]]
	[ "$(ctr task ls | awk -v id="$ID" '$1 == id { print $3 }')" = RUNNING ]
	ctr task kill "$ID"
	stopped() { [ "$(ctr task ls | awk -v id="$ID" '$1 == id { print $3 }')" = STOPPED ]; }
	eventually 10 stopped
	run ctr task delete "$ID"
	[[ "$output" == *"exit code 3"* ]]
	ctr container delete "$ID"
	[ ! -e "/sys/fs/cgroup$2" ]
}

@test "by hand: run, exec, metrics, pause, a checkpoint refused, kill, delete" {
	life "" "/default/$ID"
}

@test "by systemd: run, exec, metrics, pause, a checkpoint refused, kill, delete" {
	life system.slice "/system.slice/ctr-$ID.scope/container"
	[ "$(systemctl show -P LoadState "ctr-$ID.scope")" = not-found ]
}

@test "a terminal, environment, user, a mount" {
	run script -qec "ctr run --rm -t --runc-binary /opt/strake/bin/strake --rootfs /tmp/ctr/rootfs $ID \
		sh -c 'test -t 0 && echo terminal'" /dev/null
	[[ "$output" == *terminal* ]]
	mkdir -p "$BATS_TEST_TMPDIR/m" && echo file >"$BATS_TEST_TMPDIR/m/f"
	run ctr_run "" --rm --env A=b --user 12:34 --mount "type=bind,src=$BATS_TEST_TMPDIR/m,dst=/m,options=rbind:ro" -- \
		sh -c 'echo $A; id -u; id -g; cat /m/f; touch /m/g 2>/dev/null'
	echo "$output"
	[ "$status" -eq 1 ]
	[ "${lines[*]:0:4}" = "b 12 34 file" ]
}

@test "what cannot be run is told in containerd's error" {
	run ctr_run system.slice --rm -- nope
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *nope*"not found"* ]]
}
