# SPDX-License-Identifier: Apache-2.0
"""The guest's root: Debian by mmdebstrap (the slow part, kept as a tar), then what root.sh
makes of it, an ext4 image. No privilege is needed: a user namespace with subordinate ids
will do."""

import os
import shutil
import subprocess
from pathlib import Path

import cache
from progress import PATH, VmError, check_tools, missing_hint

HERE = Path(__file__).parent
DEBIAN = HERE.parent / "debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = HERE / "guest.packages"
SUITE = "trixie"
SIZE = "6G"  # sparse; what a guest writes goes to its own throw-away disk
# A guest in QEMU has Debian's kernel and finds its disk with an initrd.
KERNEL_PACKAGES = ["linux-image-cloud-amd64", "initramfs-tools", "zstd"]
BOOTSTRAP = [
    "--variant=essential",
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Check-Valid-Until "false"',  # a frozen copy of the archive will do
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
]
INSIDE = ["agent.py", "frames.py", "root.sh"]


def _packages(boots_itself):
    names = [line.split("#")[0].strip() for line in PACKAGES.read_text().splitlines()]
    return [n for n in names if n] + (KERNEL_PACKAGES if boots_itself else [])


def _as_root():
    """How to run something that owns files of several users."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("newuidmap"):
        raise VmError(f"newuidmap is missing: {missing_hint('newuidmap')}, or run this as root")
    return ["unshare", "--user", "--map-root-user", "--map-auto", "--mount", "--"]


def _bootstrap(packages, progress, log, out):
    archive = subprocess.run([DEBIAN, "archive"], stdout=subprocess.PIPE, text=True,
                             check=False).stdout.strip()
    if not archive:
        raise VmError("root: the address of Debian's archive is not known here")
    progress.run(["mmdebstrap", "--verbose", "--format=tar", *BOOTSTRAP,
                  "--include=" + ",".join(packages), SUITE, str(out / "base.tar"),
                  f"deb [signed-by={KEYRING} target=Packages] {archive} {SUITE} main"],
                 log, "root: mmdebstrap")
    with open(log, "a", encoding="utf-8") as err:
        status = subprocess.run(["tar", "-xOf", out / "base.tar", "./var/lib/dpkg/status"],
                                stdout=subprocess.PIPE, stderr=err, text=True,
                                check=True).stdout
    fields = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
              for block in status.split("\n\n")]
    (out / "packages.txt").write_text(
        "".join(f"{f['Package']} {f['Version']}\n" for f in fields if "Version" in f))


def _base_name(boots_itself):
    return f"base-{SUITE}-{cache.key_of(' '.join(BOOTSTRAP + _packages(boots_itself)))}"


def _root_name(boots_itself):
    files = [HERE / name for name in INSIDE]
    return f"root-{SUITE}-{cache.key_of(_base_name(boots_itself), SIZE, *files)}"


def root_current(directory):
    return {directory / name(boots_itself) for name in (_base_name, _root_name)
            for boots_itself in (False, True)}


def base_get(directory, progress, boots_itself, refresh=False):
    """The directory that holds base.tar and packages.txt."""
    packages = _packages(boots_itself)
    name = _base_name(boots_itself)
    with cache.locked(directory, name, progress):
        entry = None if refresh else cache.entry_find(directory, name, progress)
        if entry:
            return entry
        check_tools("root", ["mmdebstrap"])
        progress.step(f"root: installing {len(packages)} packages of {SUITE} and their needs")
        log = directory / "root.log"
        log.write_text("")
        shutil.rmtree(directory / name, ignore_errors=True)
        return cache.entry_make(directory, name,
                                lambda out: _bootstrap(packages, progress, log, out))


def _assemble(base, progress, log, out):
    progress.run([*_as_root(), HERE / "root.sh", base / "base.tar", out, SIZE], log,
                 "root: image", env=dict(os.environ, PATH=PATH))
    shutil.copy(base / "packages.txt", out / "packages.txt")


def root_get(directory, progress, boots_itself, refresh=False):
    """The directory that holds root.img (and vmlinuz and initrd.img if it boots itself)."""
    base = base_get(directory, progress, boots_itself, refresh)
    name = _root_name(boots_itself)
    with cache.locked(directory, name, progress):
        entry = cache.entry_find(directory, name, progress)
        if entry and entry.stat().st_mtime >= base.stat().st_mtime:
            return entry
        if entry:
            shutil.rmtree(entry)
        check_tools("root", ["mkfs.ext4"])
        progress.step("root: making the image")
        log = directory / "root.log"
        entry = cache.entry_make(directory, name,
                                 lambda out: _assemble(base, progress, log, out))
        progress.step(f"root: {entry.name} is made")
        return entry
