#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The guest's end of hack/vm: starts the commands it is told over one serial line, streams what
they print, ends them at their deadline with all they started, and reports how they ended."""

import fcntl
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import frames

# python3-minimal has neither termios nor pty.
TIOCSCTTY = 0x540E
TIOCSWINSZ = 0x5414
BACKLOG = 1 << 20  # unsent bytes above which no more output is taken from the commands
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash",
    "LANG": "C.UTF-8", "TERM": "dumb",
}


def read_words(path):
    try:
        return Path(path).read_text().replace(",", " ").split()
    except OSError:
        return []


def guest_facts():
    """What this guest can do, found out and not assumed; the names are those of `# needs:`."""
    state = subprocess.run(["systemctl", "is-system-running", "--wait"], text=True,
                           stdout=subprocess.PIPE, check=False).stdout.strip()
    version = subprocess.run(["systemctl", "--version"], text=True, stdout=subprocess.PIPE,
                             check=False).stdout.split()
    controllers = read_words("/sys/fs/cgroup/cgroup.controllers")
    lsm = read_words("/sys/kernel/security/lsm")
    features = set(controllers) | set(lsm)
    if state in ("running", "degraded"):
        features.add("systemd")
    if os.cpu_count() > 1:
        features.add("smp")
    if os.path.exists("/proc/pressure/memory"):
        features.add("psi")
    if os.path.exists("/proc/sys/user/max_user_namespaces"):
        features.add("userns")
    return {
        "state": state, "systemd": version[1] if len(version) > 1 else "",
        "kernel": os.uname().release, "controllers": controllers, "lsm": lsm,
        "cpus": os.cpu_count(), "features": sorted(features),
        "uptime": float(Path("/proc/uptime").read_text().split()[0]),
    }


class Cgroups:
    """A cgroup for each command below the agent's own, so that it can be ended whole."""

    def __init__(self):
        own = Path("/proc/self/cgroup").read_text().split("::", 1)[1].strip()
        self.root = Path("/sys/fs/cgroup" + own)
        self.make("agent")
        (self.root / "agent" / "cgroup.procs").write_text("0")

    def make(self, name):
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    @staticmethod
    def join(path):
        with open(path / "cgroup.procs", "w", encoding="ascii") as f:
            f.write("0")


class Command:
    """A running command and its pipes or its terminal."""

    def __init__(self, number, order, cgroup):
        self.number, self.cgroup = number, cgroup
        self.started = time.monotonic()
        self.deadline = self.started + order["deadline"]
        self.late = False
        self.input = deque()
        self.terminal = order.get("pty")
        env = dict(ENVIRONMENT)
        if self.terminal:
            env["TERM"] = self.terminal["term"]
        env.update(order.get("env", {}))
        if self.terminal:
            ours, theirs = os.openpty()
            self.resize(ours, self.terminal)
            self.fds = {"in": ours, "out": ours}
            stdio = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        else:
            stdio = {s: subprocess.PIPE for s in ("stdin", "stdout", "stderr")}

        def enter():
            Cgroups.join(cgroup)
            if self.terminal:
                fcntl.ioctl(0, TIOCSCTTY, 0)

        try:
            self.child = subprocess.Popen(order["argv"], env=env,
                                          cwd=order.get("cwd") or "/root",
                                          start_new_session=True, preexec_fn=enter, **stdio)
        finally:
            if self.terminal:
                os.close(theirs)
        if not self.terminal:
            # The pipes belong to this object alone; Popen's own objects must not close them.
            self.fds = {"in": os.dup(self.child.stdin.fileno()),
                        "out": os.dup(self.child.stdout.fileno()),
                        "err": os.dup(self.child.stderr.fileno())}
            for f in (self.child.stdin, self.child.stdout, self.child.stderr):
                f.close()
        for fd in set(self.fds.values()):
            os.set_blocking(fd, False)
        self.pidfd = os.pidfd_open(self.child.pid)

    @staticmethod
    def resize(fd, size):
        packed = struct.pack("HHHH", size["rows"], size["columns"], 0, 0)
        fcntl.ioctl(fd, TIOCSWINSZ, packed)

    def kill(self):
        try:
            (self.cgroup / "cgroup.kill").write_text("1")
        except OSError:
            pass

    def close(self, name):
        fd = self.fds.pop(name)
        if fd not in self.fds.values():
            os.close(fd)
        return fd


class Agent:
    def __init__(self, channel):
        # A pattern: the kernel numbers virtio ports as it finds their devices.
        names = [str(p) for p in Path("/dev").glob(os.path.basename(channel))]
        if len(names) != 1:
            sys.exit(f"{channel}: one channel to the host was expected, found {names}")
        self.fd = os.open(names[0], os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK)
        if os.isatty(self.fd):
            subprocess.run(["stty", "raw", "-echo"], stdin=self.fd, check=True)
        self.cgroups = Cgroups()
        self.commands = {}
        self.reader = frames.Reader()
        self.unsent = bytearray()
        self.taken = 0
        self.selector = selectors.DefaultSelector()
        self.watch(self.fd, selectors.EVENT_READ, self.on_channel)

    # --- the selector, with no event at all as a state of its own

    def watch(self, fd, events, handler):
        known = fd in self.selector.get_map()
        if events and known:
            self.selector.modify(fd, events, handler)
        elif events:
            self.selector.register(fd, events, handler)
        elif known:
            self.selector.unregister(fd)

    # --- the channel

    def send(self, kind, number, payload=b""):
        self.unsent += frames.pack(kind, number, payload)
        self.flush()

    def flush(self):
        while self.unsent:
            try:
                n = os.write(self.fd, self.unsent[:4096])
            except BlockingIOError:
                n = 0
            if n == 0:
                break
            del self.unsent[:n]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.unsent else 0)
        self.watch(self.fd, events, self.on_channel)
        for command in self.commands.values():
            self.watch_output(command)

    def on_channel(self, events):
        if events & selectors.EVENT_WRITE:
            self.flush()
        if events & selectors.EVENT_READ:
            try:
                data = os.read(self.fd, 65536)
            except BlockingIOError:
                return
            if not data:  # nobody is there any more to whom this guest could be of use
                subprocess.run(["systemctl", "poweroff", "-ff"], check=False)
            self.taken += len(data)
            if self.taken >= frames.WINDOW_OF_TTY // 2:
                self.send(frames.ACK, 0, str(self.taken).encode())
                self.taken = 0
            for kind, number, payload in self.reader.feed(data):
                self.on_frame(kind, number, payload)

    def on_frame(self, kind, number, payload):
        if kind == frames.EXEC:
            self.start(number, json.loads(payload))
            return
        command = self.commands.get(number)
        if command is None:
            return  # it has ended in the meantime
        if kind == frames.INPUT:
            command.input.append(payload)
            self.on_input(command)
        elif kind == frames.KILL:
            command.kill()
        elif kind == frames.WINDOW and command.terminal and "in" in command.fds:
            command.resize(command.fds["in"], json.loads(payload))

    # --- the commands

    def start(self, number, order):
        cgroup = self.cgroups.make(f"exec-{number}")
        try:
            command = Command(number, order, cgroup)
        except (OSError, subprocess.SubprocessError, ValueError) as e:
            missing = isinstance(e, FileNotFoundError) and e.filename == order["argv"][0]
            cgroup.rmdir()
            answer = {"status": 127 if missing else 126, "reason": str(e)}
            self.send(frames.EXIT, number, answer)
            return
        self.commands[number] = command
        self.watch(command.pidfd, selectors.EVENT_READ, lambda _: self.on_exit(command))
        self.watch_output(command)

    def watch_output(self, command):
        for name in ("out", "err"):
            fd = command.fds.get(name)
            if fd is None:
                continue
            events = selectors.EVENT_READ if len(self.unsent) < BACKLOG else 0
            if command.terminal and command.input:
                events |= selectors.EVENT_WRITE
            self.watch(fd, events, lambda ev, name=name: self.on_output(command, name, ev))

    def on_output(self, command, name, events):
        if events & selectors.EVENT_WRITE:
            self.on_input(command)
        if events & selectors.EVENT_READ and name in command.fds:
            self.read_output(command, name)

    def read_output(self, command, name):
        """True when there was something."""
        try:
            data = os.read(command.fds[name], frames.CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # EIO: the last user of the terminal has gone
            data = b""
        if not data:
            self.watch(command.fds[name], 0, None)
            command.close(name)
            return False
        self.send(frames.ERROR if name == "err" else frames.OUTPUT, command.number, data)
        return True

    def on_input(self, command):
        taken = 0
        while command.input and "in" in command.fds:
            data = command.input[0]
            if not data:
                self.close_input(command)
                break
            try:
                n = os.write(command.fds["in"], data)
            except BlockingIOError:
                break
            except OSError:  # nobody reads it any more: take it all, for nothing
                n = len(data)
            taken += n
            command.input[0] = data[n:]
            if n == len(data):
                command.input.popleft()
        if taken:
            self.send(frames.ACK, command.number, str(taken).encode())
        if command.terminal:
            self.watch_output(command)
        elif "in" in command.fds:
            self.watch(command.fds["in"], selectors.EVENT_WRITE if command.input else 0,
                       lambda _: self.on_input(command))

    def close_input(self, command):
        command.input.clear()
        if not command.terminal:
            self.watch(command.fds["in"], 0, None)
            command.close("in")

    def on_exit(self, command):
        status = command.child.wait()
        self.watch(command.pidfd, 0, None)
        os.close(command.pidfd)
        # What it wrote before its end is in the pipes; what others hold open is not waited for.
        for name in ("out", "err"):
            for _ in range(64):
                if name not in command.fds or not self.read_output(command, name):
                    break
        for name in list(command.fds):
            self.watch(command.fds[name], 0, None)
            command.close(name)
        del self.commands[command.number]
        answer = {"status": status if status >= 0 else 128 - status,
                  "seconds": round(time.monotonic() - command.started, 3)}
        if status < 0:
            answer["reason"] = f"killed by {signal.Signals(-status).name}"
        if command.late:
            answer = {"status": 124, "reason": "its deadline passed"}
        try:
            command.cgroup.rmdir()
        except OSError:
            pass  # it left something running, which stays until the guest ends
        self.send(frames.EXIT, command.number, answer)

    def run(self):
        if "vm.share=hostfs" in read_words("/proc/cmdline"):
            os.makedirs("/run/vm", exist_ok=True)
            subprocess.run(["mount", "-t", "hostfs", "none", "/run/vm"], check=True)
        self.send(frames.HELLO, 0, guest_facts())
        while True:
            now = time.monotonic()
            for command in self.commands.values():
                if now >= command.deadline:
                    command.late = True
                    command.kill()
                    command.deadline = now + 1
            soonest = min((c.deadline for c in self.commands.values()), default=now + 3600)
            for key, events in self.selector.select(max(0, soonest - now)):
                if key.fd in self.selector.get_map():
                    key.data(events)


if __name__ == "__main__":
    Agent(sys.argv[1]).run()
