# SPDX-License-Identifier: Apache-2.0
"""Programs in an image, with the shared libraries they need from the Debian packages installed here."""
import subprocess
import sys
from pathlib import Path

from archive import entry, folder, link

FOLDERS = ("etc", "usr", "usr/bin", "usr/lib", "usr/lib64", "usr/lib/x86_64-linux-gnu", "var", "var/lib", "var/lib/dpkg",
           "var/lib/dpkg/status.d")
ACCOUNTS = {"etc/passwd": b"root:x:0:0::/:/\nnonroot:x:65532:65532::/:/\n", "etc/group": b"root:x:0:\nnonroot:x:65532:\n",
            "etc/nsswitch.conf": b"hosts: files dns\n"}


def run(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def libraries(program):
    """Paths by which the program asks for its libraries, the loader included."""
    for line in run("ldd", program).splitlines():
        for word in line.split():
            if word.startswith("/"):
                yield Path(word)


def package_of(path):
    for candidate in (str(path), str(path).removeprefix("/usr"), "/usr" + str(path)):
        done = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(": ")[0]
    sys.exit(f"{path} belongs to no Debian package: it cannot go into an image")


def add_root(tar):
    """The folders that every image has, and its accounts."""
    for path in FOLDERS:
        folder(tar, path)
    for path in ("bin", "lib", "lib64"):
        link(tar, path, f"usr/{path}")
    folder(tar, "tmp", 0o1777)
    for path, data in ACCOUNTS.items():
        entry(tar, path, data)


def add_packages(tar, packages):
    """Scanners look here for what is inside."""
    for package in sorted(set(packages)):
        entry(tar, f"var/lib/dpkg/status.d/{package.split(':')[0]}", run("dpkg-query", "-s", package).encode())


def add_program(tar, program, place):
    """A program with its libraries; returns the packages that these are of."""
    packages = []
    for path in sorted(set(libraries(program))):
        # /lib is a link to /usr/lib; below it a name may be a link once more.
        packages.append(package_of(path.resolve()))
        entry(tar, str(path) if str(path).startswith("/usr") else "/usr" + str(path), path.resolve().read_bytes(), mode=0o755)
    entry(tar, place, Path(program).read_bytes(), mode=0o755)
    return packages
