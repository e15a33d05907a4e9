# SPDX-License-Identifier: Apache-2.0
# systemd itself as a container's entry point: it boots, and manages the cgroups that are its own.
# needs: systemd memory pids userns strake
# deadline: 300

load systemd_lib

# The guest's own system, over which the container writes; without what belongs to the guest alone.
boot_bundle() {
	local top=$BATS_TEST_TMPDIR/top unit
	BUNDLE=$BATS_TEST_TMPDIR/boot
	mkdir -p "$top" "$BUNDLE/rootfs"
	mount -t tmpfs top "$top"
	mkdir -p "$top/upper/etc/systemd/system" "$top/work"
	for unit in vm-agent.service containerd.service docker.service docker.socket systemd-logind.service; do
		ln -s /dev/null "$top/upper/etc/systemd/system/$unit"
	done
	mount -t overlay root -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$BUNDLE/rootfs"
	(cd "$BUNDLE" && crun spec)
	bundle_set '.process.terminal = false | .process.args = ["/lib/systemd/systemd"]
		| .process.env += ["container=oci"] | .root.readonly = false
		| (.mounts[] | select(.destination == "/sys/fs/cgroup")).options -= ["ro"]
		| .mounts += [ { destination: "/run", type: "tmpfs", source: "tmpfs", options: ["mode=755", "nosuid", "nodev"] },
			{ destination: "/run/lock", type: "tmpfs", source: "tmpfs" },
			{ destination: "/tmp", type: "tmpfs", source: "tmpfs" } ]
		| .process.capabilities |= map_values(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",
			"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
			"CAP_SYS_CHROOT", "CAP_SETFCAP"])'
}

unmount() {
	umount "$BUNDLE/rootfs" "$BATS_TEST_TMPDIR/top"
}

is_running() { [ "$("$@" exec "$ID" systemctl is-system-running 2>/dev/null)" = running ]; }

# boots SUB COMMAND...: from the start to the end of one.
boots() {
	local sub=$1
	shift
	"$@" run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	eventually 60 is_running "$@" || {
		"$@" exec "$ID" systemctl --failed --no-pager
		return 1
	}
	# Its cgroups are below the container's, and so are who comes later, and the limits it sets.
	[ -d "$sub/init.scope" ]
	run "$@" exec "$ID" cat /proc/self/cgroup
	echo "exec ended with $status, in $output"
	[ "$output" = 0::/init.scope ]
	# By its name: other units' cgroups may begin with run- too.
	run "$@" exec "$ID" systemd-run --quiet --wait --pipe --unit=limited -p MemoryMax=20M \
		cat /sys/fs/cgroup/system.slice/limited.service/memory.max
	echo "systemd-run ended with $status and said: $output"
	[ "$output" = 20971520 ] || {
		"$@" exec "$ID" journalctl --no-pager -n 40
		return 1
	}
	"$@" pause "$ID"
	"$@" resume "$ID"
	"$@" delete -f "$ID"
	[ ! -e "$sub" ]
}

@test "systemd boots in a container under systemd" {
	boot_bundle
	boots "$SUB" sd
	unmount
}

@test "systemd boots in a user namespace, and owns its cgroup" {
	boot_bundle
	bundle_set '.linux.namespaces += [ { type: "user" } ]
		| .linux.uidMappings = [ { containerID: 0, hostID: 100000, size: 65536 } ]
		| .linux.gidMappings = .linux.uidMappings'
	boots "$SUB" sd
	unmount
}

@test "systemd boots in a container with a cgroup made by hand" {
	boot_bundle
	bundle_set '.linux.cgroupsPath = "/strake-inside"'
	boots /sys/fs/cgroup/strake-inside strake
	unmount
}

@test "systemd boots in a container under the policy of a fresh install" {
	boot_bundle
	fresh_policy
	boots "$SUB" sd
	no_policy
	unmount
}
