# SPDX-License-Identifier: Apache-2.0
# The ground the other tests stand on: what the guest offers is there and does what it says.
# needs: systemd cpuset cpu io memory pids psi apparmor landlock userns
# disk: 64

load lib

@test "systemd runs and no unit has failed" {
	[ "$(systemctl is-system-running)" = running ]
	[ -z "$(systemctl --failed --no-legend)" ]
}

@test "the cgroup tree is v2 alone, with every controller handed down" {
	[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]
	run ! grep -q ' - cgroup ' /proc/self/mountinfo
	for c in cpuset cpu io memory pids; do
		grep -qw $c /sys/fs/cgroup/cgroup.subtree_control || {
			echo "+$c" >/sys/fs/cgroup/cgroup.subtree_control
		}
	done
}

@test "memory.max kills, and systemd tells so" {
	run systemd-run --wait --pipe -q -p MemoryMax=16M -p MemorySwapMax=0 -u hog -- \
		sh -c 'head -c 64M /dev/zero | tail -c 64M | wc -c'
	[ "$status" -ne 0 ]
	[ "$(systemctl show -P Result hog)" = oom-kill ]
	systemctl reset-failed hog
}

@test "pids.max refuses a fork" {
	run systemd-run --wait --pipe -q -p TasksMax=2 -- sh -c 'sleep 1 & sleep 1 & sleep 1 & wait'
	[[ "$output" == *"annot fork"* ]]
}

@test "pressure stall information is there for the system and for a cgroup" {
	grep -q '^some' /proc/pressure/memory
	grep -q '^some' /sys/fs/cgroup/system.slice/cpu.pressure
}

@test "an AppArmor profile denies what it denies" {
	echo open >/tmp/secret
	printf '%s\n' 'profile vm-ground flags=(attach_disconnected) {' ' file,' ' deny /tmp/secret r,' '}' |
		apparmor_parser -r -K
	run aa-exec -p vm-ground -- cat /tmp/secret
	[ "$status" -ne 0 ]
	[[ "$output" == *"Permission denied"* ]]
	[ "$(cat /tmp/secret)" = open ]
}

@test "addresses are translated in a network namespace, by nft and by iptables" {
	ip netns add nat
	ip -n nat link set lo up
	ip netns exec nat nft add table inet t
	ip netns exec nat nft 'add chain inet t c { type nat hook postrouting priority 100; }'
	ip netns exec nat nft add rule inet t c oifname lo masquerade
	ip netns exec nat iptables -t nat -A POSTROUTING -o lo -j MASQUERADE
	ip netns del nat
}

@test "an ordinary user has a manager of its own with controllers delegated" {
	user_session
	run as_user systemctl --user is-system-running --wait
	[ "$output" = running ]
	as_user systemd-run --user --wait --pipe -q -p MemoryMax=64M -- true
	for c in cpu memory pids; do
		grep -qw $c "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers"
	done
}

@test "an ordinary user gets subordinate ids" {
	run as_user unshare --user --map-root-user --map-auto sh -c 'cat /proc/self/uid_map'
	[ "$status" -eq 0 ]
	[[ "$output" == *100000* ]]
}

@test "io.max holds on the second disk" {
	dd if=/dev/zero of="$VM_DISK" bs=1M count=8 oflag=direct status=none
	dev=$(lsblk -dno MAJ:MIN "$VM_DISK" | tr -d ' ')
	systemd-run --wait --pipe -q -p "IOWriteBandwidthMax=$VM_DISK 2M" -u slow -- \
		sh -c 'dd if=/dev/zero of='"$VM_DISK"' bs=256k count=16 oflag=direct status=none
			cat /sys/fs/cgroup/system.slice/slow.service/io.max' >/tmp/io.max
	grep -q "^$dev .*wbps=2" /tmp/io.max
}
