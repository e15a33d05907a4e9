# SPDX-License-Identifier: Apache-2.0
"""The kinds of guest, what each can do, and the command line that starts one."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from kernel import kernel_current, kernel_get
from progress import VmError, missing_hint
from root import root_current, root_get

# What a guest of that kind is known to have; the agent finds out what it really has.
_COMMON = {"systemd", "cpuset", "cpu", "io", "memory", "pids", "rdma", "misc", "psi", "userns",
           "apparmor", "landlock", "smp"}
FEATURES = {
    "kvm": _COMMON | {"hugetlb", "ia32", "numa"},
    "uml": _COMMON,
    "tcg": _COMMON | {"hugetlb", "ia32", "numa"},
}
DESCRIPTION = {
    "kvm": "QEMU with KVM: a stock Debian kernel at the speed of the host",
    "uml": "User-mode Linux: a kernel of our own options as a process; needs no privilege",
    "tcg": "QEMU emulating a processor: a stock Debian kernel, some ten times slower",
}
QEMU = "qemu-system-x86_64"


def _qemu_version():
    try:
        out = subprocess.run([QEMU, "--version"], capture_output=True, text=True,
                             check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    m = re.search(r"version (\d+)\.(\d+)", out)
    return (int(m.group(1)), int(m.group(2))) if m else None


def why_not(kind):
    """Why this machine cannot run that kind, None if it can."""
    if os.uname().machine != "x86_64":
        return f"only on x86_64, and this is {os.uname().machine}"
    if kind == "uml":
        return None
    if kind == "kvm":
        # A /dev/kvm alone proves little: paravirtual ones cannot start an ordinary kernel.
        if not any(Path(f"/sys/module/kvm_{vendor}").exists() for vendor in ("intel", "amd")):
            return "neither kvm_intel nor kvm_amd is loaded"
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            return "/dev/kvm may not be opened; is this user in the group kvm?"
    version = _qemu_version()
    if version is None:
        return f"{QEMU} is missing: {missing_hint(QEMU)}"
    if kind == "tcg" and version < (9, 0):
        return (f"QEMU {version[0]}.{version[1]} crashes the guest's kernel while emulating, "
                "10.0 does not: apt-get install -t bookworm-backports qemu-system-x86")
    return None


def choose(wanted, needs=frozenset()):
    """The first kind that works here and has what is needed."""
    if wanted != "auto" and wanted not in FEATURES:
        raise VmError(f"no such kind: {wanted}; there are auto, {', '.join(FEATURES)}")
    unknown = needs - set().union(*FEATURES.values())
    if unknown:
        raise VmError(f"no guest of any kind has {', '.join(sorted(unknown))}")
    reasons = []
    for kind in FEATURES if wanted == "auto" else [wanted]:
        lacks = ", ".join(sorted(needs - FEATURES[kind]))
        reason = f"it has no {lacks}" if lacks else why_not(kind)
        if reason is None:
            return kind
        reasons.append(f"{kind}: {reason}")
    raise VmError("no kind of guest will do: " + "; ".join(reasons))


def parts_get(kind, directory, progress, refresh=False):
    """Make what a guest of that kind starts from: (directory of the kernel, of the root)."""
    if kind == "uml":
        kernel = kernel_get(directory, progress, refresh)
        return kernel, root_get(directory, progress, False, refresh)
    root = root_get(directory, progress, True, refresh)
    return root, root


def parts_current(directory):
    """What the recipes of today would make, as far as it is there."""
    return kernel_current(directory) | root_current(directory)


def _memory_directory(guest, megabytes):
    """Where User-mode Linux keeps its memory: a file with no name, best where it is never
    written out to a disk."""
    shm = os.statvfs("/dev/shm") if os.path.isdir("/dev/shm") else None
    roomy = shm and shm.f_bavail * shm.f_frsize >= megabytes << 20
    if roomy and os.access("/dev/shm", os.W_OK):
        return "/dev/shm"
    return str(guest)


def _uml(guest, config, channel_fd):
    # Paths are relative to the guest's directory: commas and spaces would end an option; hostfs
    # alone wants an absolute one.
    for name, target in (("linux", Path(config["kernel"]) / "linux"),
                         ("root.img", Path(config["root"]) / "root.img")):
        (guest / name).unlink(missing_ok=True)
        (guest / name).symlink_to(target)
    argv = ["./linux", f"mem={config['memory']}M", f"ncpus={config['cpus']}",
            "ubd0=disk.cow,root.img", "root=/dev/ubda", "rw",
            "con=null", "ssl=null", "con0=null,fd:1",
            f"ssl0=fd:{channel_fd},fd:{channel_fd}", "seccomp=auto", "uml_dir=./", "umid=uml",
            "hostfs=/proc/self/cwd/share", "panic=-1", "quiet",
            "security=apparmor", "vm.channel=/dev/ttyS0", "vm.share=hostfs"]
    if config["cpus"] == 1:
        argv.remove("ncpus=1")
    if config["disk"]:
        with open(guest / "extra.img", "ab") as f:
            f.truncate(config["disk"] << 20)
        argv.append("ubd1=extra.img")
    if config["net"]:
        # Its transport for taps takes a lock of a queue that it has not (Linux 7.2, SMP).
        argv.append(f"vec0:transport=raw,ifname={config['net']},depth=64,gro=1")
    return argv + config["append"], {"TMPDIR": _memory_directory(guest, config["memory"]),
                                     "HOME": str(guest)}


def _qemu(guest, config, channel_fd):
    for name in ("root.img", "vmlinuz", "initrd.img"):
        (guest / name).symlink_to(Path(config["root"]) / name)
    accel = ["-accel", "kvm", "-cpu", "host"] if config["kind"] == "kvm" else \
        ["-accel", "tcg,thread=multi", "-cpu", "max"]
    append = ["root=/dev/vda", "rw", "console=ttyS0", "quiet", "panic=-1", "security=apparmor",
              "vm.channel=/dev/vport*p1", *config["append"]]
    argv = [QEMU, "-M", "q35", *accel, "-smp", str(config["cpus"]), "-m", str(config["memory"]),
            "-nodefaults", "-display", "none", "-no-reboot", "-monitor", "none",
            "-kernel", "vmlinuz", "-initrd", "initrd.img", "-append", " ".join(append),
            "-serial", "stdio",
            "-drive", "file=root.img,if=virtio,format=raw,cache=unsafe,snapshot=on",
            "-device", "virtio-rng-pci", "-device", "virtio-serial",
            "-chardev", f"socket,id=vm,fd={channel_fd}",
            "-device", "virtserialport,chardev=vm,name=vm,nr=1"]
    if config["disk"]:
        with open(guest / "extra.img", "wb") as f:
            f.truncate(config["disk"] << 20)
        argv += ["-drive", "file=extra.img,if=virtio,format=raw,cache=unsafe"]
    if config["net"]:
        argv += ["-netdev", f"tap,id=n0,ifname={config['net']},script=no,downscript=no",
                 "-device", "virtio-net-pci,netdev=n0,romfile="]
    return argv, {"TMPDIR": str(guest)}


def start(guest, config, channel_fd, console_fd):
    """Start the guest; it dies with the process that calls this."""
    argv, env = (_uml if config["kind"] == "uml" else _qemu)(guest, config, channel_fd)
    # User-mode Linux switches between two host processes at each system call: 4 us on one
    # processor, 70 us across two.
    if config["pin"] is not None:
        argv = ["taskset", "-c", str(config["pin"]), *argv]
    for tool in ("setpriv", "taskset"):
        if not shutil.which(tool):
            raise VmError(f"{tool} is missing: {missing_hint(tool)}")
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *argv], cwd=guest,
                            env=dict(os.environ, **env), stdin=subprocess.DEVNULL,
                            stdout=console_fd, stderr=console_fd, pass_fds=[channel_fd],
                            start_new_session=True)
