# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # $name in single quotes is jq's
# For tests that are to hold with both managers of cgroups. Sourced by bats: `load managers`.

load lib

managers_setup() {
	ID=t-$BATS_TEST_NUMBER
	bundle_make "$BATS_TEST_TMPDIR/b"
	manage cgroupfs
}

# The container is gone, and its cgroup and unit with it.
managers_teardown() {
	strake_ delete -f "$ID" 2>/dev/null || true
	# In a teardown the last word alone counts.
	[ ! -e "$CGROUP" ] || return 1
	[ "$(systemctl show -P LoadState "strake-$ID.scope")" = not-found ] || return 1
	[ ! -e /sys/fs/cgroup/strake-test ] || rmdir /sys/fs/cgroup/strake-test
}

# At the end of a file.
managers_end() {
	systemctl stop limits.slice
}

# manage MANAGER: who makes the container's cgroup from here on, where it will be, and below what.
manage() {
	MANAGER=$1
	case $MANAGER in
	cgroupfs)
		ABOVE=/sys/fs/cgroup/strake-test
		CGROUP=$ABOVE/$ID
		bundle_set '.linux.cgroupsPath = "/strake-test/" + $id' --arg id "$ID"
		;;
	systemd)
		ABOVE=/sys/fs/cgroup/limits.slice
		CGROUP=$ABOVE/strake-$ID.scope/container
		bundle_set '.linux.cgroupsPath = "limits.slice:strake:" + $id' --arg id "$ID"
		;;
	esac
}

strake_() {
	strake --cgroup-manager="$MANAGER" "$@"
}

# both TEXT FUNCTION: a test with the one and with the other.
both() {
	bats_test_function --description "cgroupfs: $1" -- with cgroupfs "$2"
	bats_test_function --description "systemd: $1" -- with systemd "$2"
}

with() {
	manage "$1"
	"$2"
}

# limited FILTER [JQ OPTION...]: a container that sleeps, with these linux.resources.
limited() {
	local filter=$1
	shift
	bundle_set ".process.args = [\"sleep\", \"600\"] | .linux.resources += $filter" "$@"
	strake_ run -d -b "$BUNDLE" "$ID"
	[ "$MANAGER" = cgroupfs ] || systemctl daemon-reload
}
