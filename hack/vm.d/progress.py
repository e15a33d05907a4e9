# SPDX-License-Identifier: Apache-2.0
"""What the tool is doing, on standard error; on a terminal the detail overwrites itself."""

import os
import shutil
import signal
import subprocess
import sys
import time


PATH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


class VmError(Exception):
    """Something a person has to know: printed as it is, without a traceback."""


class Progress:
    EVERY = 15.0  # seconds between two details where they cannot overwrite each other

    def __init__(self, quiet=False, out=sys.stderr):
        self.quiet, self.out = quiet, out
        self.start = self.told = time.monotonic()
        self.open_line = False
        self.locks = []  # descriptors that a child holds too, so that a lock outlives neither

    def _write(self, text):
        if not self.quiet:
            self.out.write(text)
            self.out.flush()

    def step(self, text):
        """One line that stays."""
        self.end()
        self._write(f"vm: {time.monotonic() - self.start:5.1f} s  {text}\n")
        self.told = time.monotonic()

    def detail(self, text):
        """How far the step is; may be dropped."""
        now = time.monotonic()
        if self.out.isatty():
            if now - self.told < 0.2:
                return
            self._write(f"\r\033[Kvm: {now - self.start:5.1f} s  {text}"[:100])
            self.open_line = True
        elif now - self.told >= self.EVERY:
            self._write(f"vm: {now - self.start:5.1f} s    {text}\n")
        else:
            return
        self.told = now

    def end(self):
        if self.open_line:
            self._write("\r\033[K")
            self.open_line = False

    def run(self, argv, log, what, count=None, **popen):
        """Run a long command, its output into LOG (a path); what it printed last, or how many
        lines hold COUNT, is the detail. Its failure is an error that shows the log's end. It
        ends with us, and as long as anything of it lives our locks are held."""
        seen = 0
        with open(log, "a", encoding="utf-8", errors="replace") as out:
            try:
                child = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *argv],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True, errors="replace",
                                         pass_fds=self.locks, start_new_session=True, **popen)
            except FileNotFoundError as e:
                raise VmError(f"setpriv is missing: {missing_hint('setpriv')}") from e
            try:
                for line in child.stdout:
                    out.write(line)
                    if count is None:
                        self.detail(f"{what}: {line.strip()}")
                    elif count in line:
                        seen += 1
                        self.detail(f"{what}: {seen} objects, {line.strip()}")
                status = child.wait()
            except BaseException:
                end_group(child)
                raise
        self.end()
        if status != 0:
            raise VmError(f"{what}: {argv[0]} ended with status {status}; "
                          f"the end of {log}:\n{tail(log)}")


def end_group(child):
    """End a child and all its children, politely first: mmdebstrap has mounts to undo."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sig)
            child.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            pass


# Which Debian package brings a program, for the message that it is missing.
PACKAGE_OF = {
    "make": "make", "gcc": "gcc", "flex": "flex", "bison": "bison", "bc": "bc",
    "xz": "xz-utils", "ld": "binutils", "mmdebstrap": "mmdebstrap", "mkfs.ext4": "e2fsprogs",
    "setpriv": "util-linux", "unshare": "util-linux", "taskset": "util-linux",
    "newuidmap": "uidmap", "qemu-system-x86_64": "qemu-system-x86",
}


def missing_hint(program):
    package = PACKAGE_OF.get(program)
    return f"apt-get install {package}" if package else "install it"


def check_tools(what, programs):
    missing = [p for p in programs if not shutil.which(p, path=PATH)]
    if missing:
        raise VmError(f"{what}: missing here: {', '.join(missing)}; hack/deps vm installs all "
                      "that hack/vm needs")


def tail(log, lines=25):
    with open(log, encoding="utf-8", errors="replace") as f:
        return "".join(f.readlines()[-lines:])
