# SPDX-License-Identifier: Apache-2.0
# Many containers as systemd's scopes leave no unit, cgroup, BPF program, process or file.
# needs: systemd memory pids cpu io strake
# length: long
# deadline: 600

load systemd_lib

# what_there_is: all that a container could leave, as text to compare.
what_there_is() {
	systemctl list-units --all --no-legend --plain --type=scope,slice | awk '{ print $1 }'
	find /sys/fs/cgroup -type d | sort
	bpftool -j prog list | jq 'map(select(.type == "cgroup_device")) | length'
	find /run/strake -mindepth 1 | sort
	grep -c . /proc/mounts
	pgrep -l strake || true
}

same_as_before() { [ "$(what_there_is)" = "$before" ]; }

measure() {
	bundle_set '.process.args = ["true"] | .linux.resources += { memory: { limit: 33554432 }, pids: { limit: 30 },
		devices: [ { allow: false, access: "rwm" } ] }'
	sd run -b "$BUNDLE" "$ID"
	sync
	before=$(what_there_is)
}

@test "300 in a row leave nothing" {
	measure
	local i
	for i in $(seq 300); do
		sd run -b "$BUNDLE" "$ID"
	done
	eventually 20 same_as_before
}

@test "200 of one name, each begun when the one before has ended" {
	bundle_set '.process.args = ["true"] | .linux.cgroupsPath = "system.slice:strake:same"'
	# systemd tells the end of the last one's job while the next one waits for its own.
	local i
	for i in $(seq 200); do
		sd run -b "$BUNDLE" "$ID-$i"
	done
}

@test "304, 8 at a time, leave nothing" {
	measure
	local i j jobs
	for i in $(seq 38); do
		jobs=()
		for j in 1 2 3 4 5 6 7 8; do
			sd run -b "$BUNDLE" "m-$i-$j" &
			jobs+=($!)
		done
		for j in "${jobs[@]}"; do
			wait "$j"
		done
	done
	eventually 20 same_as_before
}
