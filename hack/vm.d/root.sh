#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# root.sh BASE.TAR OUT SIZE: make OUT/root.img, the guest's disk, from an unpacked Debian; also
# OUT/vmlinuz and OUT/initrd.img where that brings a kernel. Runs on the host, as root or as the
# root of a user namespace; agent.py and frames.py, which are next to it, are copied in.
set -eu
umask 022

here=$(dirname "$0")
out=$2
root=$out/tree
units=$root/etc/systemd/system

mkdir "$root"
trap 'rm -rf "$root"' EXIT
# Device nodes come from devtmpfs; who is not really root could not make them.
tar -C "$root" --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xpf "$1"
if [ -e "$root/vmlinuz" ]; then
	cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
	cp "$root"/boot/initrd.img-* "$out/initrd.img"
	chmod 644 "$out/initrd.img"
fi

# --- who it is

echo vm >"$root/etc/hostname"
printf '127.0.0.1 localhost vm\n::1 localhost\n' >"$root/etc/hosts"
: >"$root/etc/fstab"
# A fixed identity and these two marks: nothing is "first boot" work.
echo 5742a1c5b7ae4bd4a2c2d5ce4c8a7d11 >"$root/etc/machine-id"
touch "$root/etc/.updated" "$root/var/.updated"
chroot "$root" passwd -q -d root
chroot "$root" useradd -u 1000 -m -s /bin/bash user
echo user:100000:65536 >"$root/etc/subuid"
cp "$root/etc/subuid" "$root/etc/subgid"

# --- what starts at boot: systemd itself, the bus and the agent

install -d "$root/usr/local/lib/vm" "$units/multi-user.target.wants"
install -m 644 "$here/frames.py" "$root/usr/local/lib/vm/"
install -m 755 "$here/agent.py" "$root/usr/local/lib/vm/"
cat >"$units/vm-agent.service" <<'EOF'
[Unit]
Description=Agent of hack/vm
ConditionKernelCommandLine=vm.channel
After=dbus.socket
FailureAction=poweroff-force

[Service]
ExecStart=/bin/sh -c 'exec /usr/bin/python3 /usr/local/lib/vm/agent.py "$(sed "s/.*vm.channel=\\([^ ]*\\).*/\\1/" /proc/cmdline)"'
StandardOutput=journal+console
StandardError=journal+console
Delegate=yes
OOMScoreAdjust=-900
TasksMax=infinity
LimitNOFILE=524288
KillMode=mixed
TimeoutStopSec=5
EOF
ln -sf ../vm-agent.service "$units/multi-user.target.wants/"

# Engines are there to be started by who tests them; timers and gettys have no use here, and the
# coldplug of udev and the profiles of AppArmor cost seconds of each boot.
for unit in containerd.service docker.service docker.socket apparmor.service podman.service \
	podman.socket podman-auto-update.service podman-auto-update.timer podman-restart.service \
	podman-clean-transient.service netavark-dhcp-proxy.service netavark-dhcp-proxy.socket \
	netavark-firewalld-reload.service \
	nftables.service; do
	if [ -e "$root/usr/lib/systemd/system/$unit" ]; then
		chroot "$root" systemctl -q disable "$unit"
	fi
done
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer getty@tty1.service getty-static.service console-getty.service \
	serial-getty@ttyS0.service systemd-timesyncd.service systemd-networkd.service \
	systemd-networkd-wait-online.service systemd-udev-trigger.service \
	systemd-udev-load-credentials.service systemd-binfmt.service systemd-pstore.service \
	modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service; do
	ln -sf /dev/null "$units/$unit"
done
install -d "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=64M\nRateLimitIntervalSec=0\n' \
	>"$root/etc/systemd/journald.conf.d/vm.conf"
printf 'kernel.printk = 4 4 1 4\nnet.ipv4.ip_forward = 1\n' >"$root/etc/sysctl.d/vm.conf"

rm -rf "${root:?}"/boot/* "$root"/var/cache/* "$root"/var/lib/apt/lists "$root"/tmp/*

# --- the disk: without a journal, because it is thrown away and not repaired

truncate -s "$3" "$out/root.img"
mkfs.ext4 -q -F -L vm -O ^has_journal -E lazy_itable_init=1 -d "$root" "$out/root.img"
chmod 444 "$out/root.img"
