# SPDX-License-Identifier: Apache-2.0
# How little memory a container may have for a static program that does nothing to run in it, beside the
# peers. Whatever makes the container is charged to it until the program is executed.
# needs: systemd memory strake
# length: long
# deadline: 300

load lib

setup_file() {
	crun --version | sed -n '1s/^/# /p' >&3
	runc --version | sed -n '1s/^/# /p' >&3
}

setup() {
	bundle_make "$BATS_TEST_TMPDIR/b"
	cp /opt/strake/bench/true "$BUNDLE/rootfs/usr/bin/nothing"
	bundle_set '.process.args = ["/usr/bin/nothing"] | .root.readonly = true'
}

teardown() {
	eventually 5 cgroups_none
}

# runs KIB COMMAND...: whether five of five run within this limit.
runs() {
	local limit=$(($1 * 1024)) i
	shift
	bundle_set '.linux.resources.memory = { limit: $b, swap: $b }' --argjson b "$limit"
	for i in 1 2 3 4 5; do
		timeout 20 "$@" run -b "$BUNDLE" "f-$RANDOM" >/dev/null 2>&1 || return 1
	done
}

# floor KIB COMMAND...: $FLOOR is the least that runs, found between 0 and KIB.
floor() {
	local low=0 high=$(($1 / 4)) mid
	shift
	runs $((high * 4)) "$@"
	while ((high - low > 1)); do
		mid=$(((low + high) / 2))
		if runs $((mid * 4)) "$@"; then
			high=$mid
		else
			low=$mid
		fi
	done
	FLOOR=$((high * 4))
	printf '# %-36s %6d KiB\n' "$*" "$FLOOR" >&3
}

# below_costs: $BELOW is how many KiB the kernel takes from a cgroup for each one below it.
below_costs() {
	local top=/sys/fs/cgroup/floor before i
	mkdir -p $top/up
	echo +memory >$top/cgroup.subtree_control
	echo +memory >$top/up/cgroup.subtree_control
	before=$(cat $top/memory.current)
	for i in $(seq 64); do
		mkdir "$top/up/$i"
	done
	BELOW=$((($(cat $top/memory.current) - before) / 64 / 1024))
	rmdir $top/up/*/ $top/up $top
	printf '# %-36s %6d KiB\n' 'a cgroup, of the one above it' "$BELOW" >&3
}

@test "the smallest memory.max for a static program" {
	local by_hand scope
	runs 4096 strake
	runs 4096 crun
	floor 512 strake --cgroup-manager=cgroupfs
	[ "$FLOOR" -le 256 ]
	by_hand=$FLOOR
	floor 512 strake --systemd-cgroup
	[ "$FLOOR" -le 256 ]
	scope=$FLOOR
	floor 1024 crun --cgroup-manager=cgroupfs
	[ "$by_hand" -lt "$FLOOR" ]
	floor 1024 crun --systemd-cgroup
	# The scope has the same limit as the container's cgroup, and has to pay for that one; crun's has none.
	below_costs
	[ "$BELOW" -gt 0 ]
	[ $((scope - BELOW)) -lt "$FLOOR" ]
	floor 32768 runc
	floor 32768 runc --systemd-cgroup
}

@test "too little is an error that says so, and leaves nothing" {
	bundle_set '.linux.resources.memory = { limit: 16384, swap: 16384 }'
	for manager in cgroupfs systemd; do
		for i in 1 2 3 4 5; do
			run strake --cgroup-manager="$manager" run -b "$BUNDLE" small
			echo "$manager: $status, $output"
			# Where it is killed within execve(2), it is the program that was.
			[ "$status" -eq 137 ] || {
				[ "$status" -eq 1 ]
				[[ "$output" == *memory* ]]
			}
			[ -z "$(strake list -q)" ]
		done
	done
}
