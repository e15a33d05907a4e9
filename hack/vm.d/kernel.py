# SPDX-License-Identifier: Apache-2.0
"""The kernel of User-mode Linux: Debian's kernel source with the options of kernel.config.
Linux 7.0 is the first whose User-mode Linux has more than one CPU."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import cache
from progress import VmError, check_tools, tail

HERE = Path(__file__).parent
CONFIG = HERE / "kernel.config"
DEBIAN = HERE.parent / "debian"
SUITE = "sid"
PREFERRED = "linux-source-7.2"  # tested with; a later one is taken when this is gone
RECIPE = "1"  # raise it when what is below builds something else from the same options
# In pipes: the archive inside the package never lies on the disk.
UNPACK = """dpkg --fsys-tarfile "$1" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
	tar -xJ -C "$2" --strip-components=1"""
TOOLS = ("make", "gcc", "ld", "flex", "bison", "bc", "xz")


def _fetch(package, folder, progress, log):
    """The path of a package's .deb, None if there is none."""
    try:
        progress.run([DEBIAN, "fetch", SUITE, folder, package], log, f"download of {package}")
    except VmError:
        return None
    return next(folder.glob(f"{package}_*.deb"), None)


def _source(folder, progress, log):
    """The .deb of the kernel's source."""
    deb = _fetch(PREFERRED, folder, progress, log)
    if deb is None and (newest := _fetch("linux-source", folder, progress, log)):
        depends = subprocess.run(["dpkg-deb", "-f", newest, "Depends"], text=True, check=True,
                                 stdout=subprocess.PIPE).stdout
        deb = _fetch(depends.split(" ")[0], folder, progress, log)
    if deb is None:
        raise VmError(f"kernel: {SUITE} has neither {PREFERRED} nor another linux-source that "
                      f"can be fetched; the end of {log}:\n{tail(log)}")
    return deb


def _configure(tree, make, source, progress, log):
    progress.run([*make, f"KCONFIG_ALLCONFIG={CONFIG}", "alldefconfig"], log,
                 "kernel: configuring")
    have = set((tree / ".config").read_text().splitlines())
    lost = [line for line in CONFIG.read_text().splitlines()
            if re.match(r"(# )?CONFIG_\w+", line) and line not in have]
    if lost:
        raise VmError(f"{CONFIG}: without effect in {source}: {', '.join(lost)}; such an "
                      "option has gone, or something it depends on is not set")


def _build(deb, log, progress, out):
    tree = out / "tree"
    tree.mkdir()
    progress.step(f"kernel: unpacking {deb.name}")
    progress.run(["bash", "-o", "pipefail", "-c", UNPACK, "unpack", deb, tree], log,
                 "kernel: unpacking")
    jobs = len(os.sched_getaffinity(0))
    make = ["make", "-C", str(tree), "ARCH=um", f"-j{jobs}"]
    progress.step("kernel: configuring")
    _configure(tree, make, deb.name, progress, log)
    progress.step(f"kernel: compiling with {jobs} jobs (about ten minutes of processor time)")
    progress.run([*make, "linux"], log, "kernel: compiling", count="  CC ")
    shutil.copy(tree / "linux", out / "linux")
    shutil.copy(tree / ".config", out / "config")
    shutil.rmtree(tree)
    subprocess.run(["strip", out / "linux"], check=False)
    version = subprocess.run([out / "linux", "--version"], capture_output=True, text=True,
                             check=False).stdout.strip()
    if not re.match(r"\d+\.\d+", version):
        raise VmError("kernel: the built linux does not run on this machine")


def _options():
    return cache.key_of(CONFIG, RECIPE)


def kernel_current(directory):
    return set(directory.glob(f"kernel-*-{_options()}"))


def kernel_get(directory, progress, refresh=False):
    """The directory that holds `linux` and its `config`, made if need be."""
    options = _options()
    pattern = f"kernel-*-{options}"
    # One that is there waits for nobody who makes another.
    entry = None if refresh else cache.entry_whole(directory, pattern)
    if entry:
        return entry
    with cache.locked(directory, "kernel", progress):
        entry = None if refresh else cache.entry_find(directory, pattern, progress)
        if entry:
            return entry
        check_tools("kernel", TOOLS)
        log = directory / "kernel.log"
        log.write_text("")
        progress.step(f"kernel: downloading {PREFERRED} of {SUITE}")
        deb = _source(directory / "source", progress, log)
        name = f"kernel-{deb.name.split('_')[1]}-{options}"
        entry = cache.entry_find(directory, name, progress)
        if entry is None:
            entry = cache.entry_make(directory, name,
                                     lambda out: _build(deb, log, progress, out))
            progress.step(f"kernel: {entry.name} is made")
        cache.remove(directory / "source")
        return entry
