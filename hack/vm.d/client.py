# SPDX-License-Identifier: Apache-2.0
"""What a command of hack/vm says to a guest's keeper."""

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tty
from collections import deque
from contextlib import contextmanager
from pathlib import Path

import frames
from progress import VmError

GRACE = 15  # seconds a guest may take to say that a command's deadline has passed
LATE, BROKEN = 124, 125  # statuses of ours, as of timeout(1)


def is_running(guest):
    """A keeper holds its lock as long as it lives, however it ends."""
    try:
        with open(guest / "lock", encoding="ascii") as f:
            fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def console_tail(guest, lines=45):
    try:
        text = (guest / "console.log").read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


class Connection:
    """One client at one guest."""

    def __init__(self, guest):
        self.guest = guest
        self.reader = frames.Reader()
        self.frames = deque()
        self.hello = None
        self.sock = socket.socket(socket.AF_UNIX)
        directory = os.open(guest, os.O_PATH | os.O_CLOEXEC)
        try:
            self.sock.connect(f"/proc/self/fd/{directory}/sock")
        finally:
            os.close(directory)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def gone(self, what):
        try:
            why = (self.guest / "ended").read_text().strip()
        except FileNotFoundError:
            why = "its keeper has gone"
        return VmError(f"{self.guest.name}: {what}: {why}; the end of its console:\n"
                       f"{console_tail(self.guest)}")

    def receive(self, what):
        data = self.sock.recv(65536)
        if not data:
            raise self.gone(what)
        self.frames.extend(self.reader.feed(data))

    def wait_ready(self, deadline, progress=None):
        """The agent's facts, as soon as there are any."""
        while self.hello is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise VmError(f"{self.guest.name}: not ready in time; the end of its console:\n"
                              f"{console_tail(self.guest)}")
            if select.select([self.sock], [], [], min(left, 1))[0]:
                self.receive("booting")
            elif progress:
                progress.detail("booting")
            while self.frames and self.hello is None:
                kind, _, payload = self.frames.popleft()
                if kind == frames.HELLO:
                    self.hello = json.loads(payload)
        return self.hello

    def stop(self):
        """End the guest; returns when it has gone."""
        try:
            self.sock.sendall(frames.pack(frames.STOP, 0))
            while self.sock.recv(65536):
                pass
        except OSError:
            pass  # it was quicker

    def reset(self):
        """End the guest as a power cut does; it starts anew, and is to be waited for."""
        self.hello = None
        self.sock.sendall(frames.pack(frames.RESET, 0))

    def execute(self, argv, deadline, stdin=None, stdout=None, stderr=None, **order):
        """Run a command in the guest; stdin is a descriptor or None, stdout and stderr are
        called with bytes. Returns (status, reason)."""
        session = _Session(self, stdin, stdout, stderr)
        return session.run({"argv": argv, "deadline": deadline, **order}, deadline + GRACE)


class _Session:
    NUMBER = 1

    def __init__(self, connection, stdin, stdout, stderr):
        self.c = connection
        self.stdin = stdin
        self.out = {frames.OUTPUT: stdout, frames.ERROR: stderr}
        self.credit = frames.CREDIT

    def send(self, kind, payload=b""):
        self.c.sock.sendall(frames.pack(kind, self.NUMBER, payload))

    def run(self, order, patience):
        self.send(frames.EXEC, order)
        if self.stdin is None:
            self.send(frames.INPUT)
        give_up = time.monotonic() + patience
        poll = select.poll()
        poll.register(self.c.sock, select.POLLIN)
        while True:
            while self.c.frames:
                kind, _, payload = self.c.frames.popleft()
                if kind == frames.EXIT:
                    answer = json.loads(payload)
                    return answer["status"], answer.get("reason")
                if kind == frames.ACK:
                    self.credit += int(payload)
                elif self.out.get(kind):
                    self.out[kind](payload)
            if self.stdin is not None and self.credit > 0:
                poll.register(self.stdin, select.POLLIN)
            ready = poll.poll(max(0, give_up - time.monotonic()) * 1000)
            if not ready:
                return LATE, "the guest did not answer"
            for fd, _ in ready:
                if fd == self.stdin:
                    self.feed(poll)
                else:
                    self.c.receive("running a command")

    def feed(self, poll):
        data = os.read(self.stdin, min(self.credit, frames.CHUNK))
        self.send(frames.INPUT, data)
        self.credit -= len(data)
        if not data or self.credit <= 0:
            poll.unregister(self.stdin)
        if not data:
            self.stdin = None


# --- files


def put(connection, sources, target, deadline):
    """Copy files and directories into directory TARGET of the guest, made if need be."""
    script = 'mkdir -p "$0" && exec tar -C "$0" --no-same-owner -xf "${1:--}"'
    pack = ["tar", "-c"]
    for source in map(Path, sources):
        if not source.exists():
            raise VmError(f"put: {source} does not exist")
        whole = source.resolve()
        pack += ["-C", str(whole.parent), f"--add-file={whole.name}"]
    errors = bytearray()
    config = json.loads((connection.guest / "config.json").read_text())
    if config["kind"] == "uml":  # through the shared directory: a serial line is slow
        with tempfile.NamedTemporaryFile(dir=connection.guest / "share") as f:
            subprocess.run(pack, stdout=f, check=True)
            status, reason = connection.execute(
                ["sh", "-c", script, target, "/run/vm/" + Path(f.name).name], deadline,
                stderr=errors.extend)
    else:
        with subprocess.Popen(pack, stdout=subprocess.PIPE) as tar:
            status, reason = connection.execute(["sh", "-c", script, target], deadline,
                                                stdin=tar.stdout.fileno(), stderr=errors.extend)
    if status:
        raise VmError(f"put into {target} of {connection.guest.name}: status {status}: "
                      f"{reason or errors.decode(errors='replace').strip()}")


def get(connection, sources, target, deadline):
    """Copy files and directories of the guest into directory TARGET, made if need be."""
    os.makedirs(target, exist_ok=True)
    pack = ["tar", "-c"]
    for source in map(Path, sources):
        pack += ["-C", str(source.parent), f"--add-file={source.name or '.'}"]
    errors = bytearray()
    with subprocess.Popen(["tar", "-C", target, "--no-same-owner", "-x"],
                          stdin=subprocess.PIPE) as tar:
        status, reason = connection.execute(pack, deadline, stdout=tar.stdin.write,
                                            stderr=errors.extend)
        tar.stdin.close()
        unpacked = tar.wait()
    if status or unpacked:
        raise VmError(f"get from {connection.guest.name}: status {status or unpacked}: "
                      f"{reason or errors.decode(errors='replace').strip()}")


# --- a person at a terminal


@contextmanager
def raw_terminal(fd):
    before = termios.tcgetattr(fd)
    tty.setraw(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def terminal_size(fd):
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8))
    return {"rows": rows, "columns": columns}


def shell(connection, argv, deadline):
    """Run a command on a terminal of its own."""
    size = terminal_size(0)
    signal.signal(signal.SIGWINCH, lambda *_: connection.sock.sendall(
        frames.pack(frames.WINDOW, _Session.NUMBER, terminal_size(0))))
    with raw_terminal(0):
        return connection.execute(argv, deadline, stdin=0, stdout=write_all(1),
                                  pty=dict(size, term=os.environ.get("TERM", "dumb")))


def write_all(fd):
    def write(data):
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]
    return write


# --- the life of a guest


def prepare(guests, name, config):
    """The directory of a new guest."""
    guest = guests / name
    if is_running(guest):
        raise VmError(f"{name} is running already; hack/vm stop {name} ends it")
    shutil.rmtree(guest, ignore_errors=True)
    (guest / "share").mkdir(parents=True)
    (guest / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    return guest


def launch(guest):
    """Start the keeper of a prepared guest; returns a connection, the guest still boots."""
    with open(guest / "keeper.log", "wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("keeper.py"), guest],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 30
    while True:
        try:
            return Connection(guest)
        except (FileNotFoundError, ConnectionRefusedError):
            pass
        if keeper.poll() is not None:
            why = (guest / "ended").read_text() if (guest / "ended").exists() else \
                (guest / "keeper.log").read_text()
            raise VmError(f"{guest.name} did not start: {why.strip()}\n{console_tail(guest)}")
        if time.monotonic() > deadline:
            keeper.kill()
            raise VmError(f"{guest.name}: its keeper does not answer")
        time.sleep(0.02)
