# SPDX-License-Identifier: Apache-2.0
"""Debian's packages, from the mirror this machine uses itself, without touching its own apt."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from progress import VmError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def mirror():
    """The Debian mirror in the machine's own apt sources; $VM_MIRROR says another."""
    if os.environ.get("VM_MIRROR"):
        return os.environ["VM_MIRROR"].rstrip("/")
    try:
        out = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(LABEL)\t$(REPO_URI)",
             "Created-By: Packages"],
            capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as e:
        raise VmError("cannot ask apt for this machine's Debian mirror; "
                      "set VM_MIRROR to its address") from e
    targets = [line.split("\t") for line in out.splitlines() if "\t" in line]
    for label, uri in targets:
        if label == "Debian":
            return uri.rstrip("/")
    # Without downloaded lists there are no labels; the path of the archive is fixed by custom.
    for _, uri in targets:
        if re.search(r"/debian/?$", urlsplit(uri).path):
            return uri.rstrip("/")
    raise VmError("no Debian mirror among this machine's apt sources; "
                  "set VM_MIRROR to the address of one")


class Apt:
    """A private view of one suite: its own lists, an empty status file."""

    def __init__(self, directory, suite):
        self.directory, self.suite = directory, suite
        for d in ("lists/partial", "cache/archives/partial"):
            (directory / d).mkdir(parents=True, exist_ok=True)
        (directory / "status").write_text("")
        (directory / "sources.list").write_text(
            f"deb [signed-by={KEYRING} target=Packages] {mirror()} {suite} main\n")
        options = {
            "Dir::Etc::sourcelist": directory / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State::lists": directory / "lists",
            "Dir::State::status": directory / "status",
            "Dir::Cache": directory / "cache",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            # A frozen copy of the archive carries the date at which it was frozen.
            "Acquire::Check-Valid-Until": "false",
        }
        (directory / "apt.conf").write_text(
            "".join(f'{name} "{value}";\n' for name, value in options.items()))
        self.env = dict(os.environ, APT_CONFIG=str(directory / "apt.conf"))

    def update(self, progress, log):
        progress.run(["apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"], log,
                     f"package list of {self.suite}", env=self.env)

    def show(self, package, field):
        """One field of the newest version, None if the suite has no such package."""
        out = subprocess.run(["apt-cache", "show", "--no-all-versions", package], text=True,
                             env=self.env, capture_output=True, check=False).stdout
        m = re.search(rf"^{field}: (.*)$", out, re.M)
        return m.group(1) if m else None

    def download(self, package, progress, log):
        """The path of the .deb, verified by apt against the signed list."""
        progress.run(["apt-get", "-q", "download", package], log, f"download of {package}",
                     env=self.env, cwd=self.directory)
        debs = sorted(self.directory.glob(f"{package}_*.deb"), key=lambda p: p.stat().st_mtime)
        if not debs:
            raise VmError(f"apt-get download {package} left no file in {self.directory}")
        return Path(debs[-1])
