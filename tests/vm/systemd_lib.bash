# SPDX-License-Identifier: Apache-2.0
# What the tests of containers under systemd share: names, and what each leaves behind.

load lib

setup_file() {
	strake --version | sed -n '1s/^/# /p' >&3
	systemctl --version | sed -n '1s/^/# /p' >&3
}

setup() {
	ID=t-$BATS_TEST_NUMBER
	UNIT=strake-$ID.scope
	SCOPE=/sys/fs/cgroup/system.slice/$UNIT
	# shellcheck disable=SC2034 # the tests read it
	SUB=$SCOPE/container
	bundle_make "$BATS_TEST_TMPDIR/b"
}

# After each test: no unit, no cgroup, no state, no process of ours.
teardown() {
	thaw_bus
	sd delete -f "$ID" 2>/dev/null || true
	eventually 5 nothing_left || {
		what_is_left >&2
		return 1
	}
}

sd() { strake --systemd-cgroup "$@"; }

what_is_left() {
	systemctl list-units --all --no-legend --plain 'strake-*' 'test*.scope' 'other*.scope'
	cgroups_left
	find /run/strake -mindepth 1 -maxdepth 1 ! -name '.*'
	pgrep -l strake
}

nothing_left() { [ -z "$(what_is_left)" ]; }

# sleeper FILTER [JQ OPTION...]: a container that sleeps, with these linux.resources.
sleeper() {
	local filter=${1:-'{}'}
	shift || true
	bundle_set ".process.args = [\"sleep\", \"600\"] | .linux.resources += $filter" "$@"
	sd run -d -b "$BUNDLE" "$ID"
}

property() { systemctl show -P "$1" "${2:-$UNIT}"; }

status_of() { sd state "$1" | jq -r .status; }

disk_numbers() {
	lsblk -dno MAJ:MIN "$VM_DISK" | tr -d ' '
}

# The bus, or systemd's own socket, does not answer; or there is no bus.
bus_pid() { systemctl show -P MainPID dbus.service; }
freeze_bus() { kill -STOP "$(bus_pid)"; }
thaw_bus() {
	[ -e /run/dbus/system_bus_socket ] || mv /run/dbus/hidden /run/dbus/system_bus_socket
	kill -CONT "$(bus_pid)"
}
hide_bus() { mv /run/dbus/system_bus_socket /run/dbus/hidden; }
