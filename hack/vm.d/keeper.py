#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""keeper.py GUEST: one process per guest, its parent, its line and its end. It starts what
GUEST's config.json says, passes frames between clients (GUEST/sock) and the agent, and when it
goes, by whatever cause, the guest goes with it. It ends when it is told to, when its owner has
gone, when the guest's time is over and when the guest ends by itself."""

import ctypes
import fcntl
import json
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
import frames  # noqa: E402
import machine  # noqa: E402
from progress import VmError  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36
BACKLOG = 4 << 20  # unsent bytes for one side above which the other side is not read


class Peer:
    """A connected socket with what is still to be written to it."""

    def __init__(self, keeper, sock, handler, window=None):
        self.keeper, self.sock, self.handler = keeper, sock, handler
        self.window = window  # how many bytes may still go before the other side takes some
        self.reader = frames.Reader()
        self.unsent = bytearray()
        sock.setblocking(False)

    def send(self, kind, number, payload=b""):
        self.unsent += frames.pack(kind, number, payload)
        self.flush()

    def flush(self):
        try:
            while self.can_send():
                sent = self.sock.send(self.unsent[:min(65536, self.window or 65536)])
                del self.unsent[:sent]
                if self.window is not None:
                    self.window -= sent
        except BlockingIOError:
            pass
        except OSError:
            self.unsent.clear()  # that it has gone is seen when it is read
        self.keeper.watch_peers()

    def can_send(self):
        return self.unsent and self.window != 0

    def on_event(self, events):
        if events & selectors.EVENT_WRITE:
            self.flush()
        if not events & selectors.EVENT_READ:
            return
        try:
            data = self.sock.recv(65536)
            for frame in self.reader.feed(data):
                self.handler(self, *frame)
        except BlockingIOError:
            return
        except (OSError, ValueError) as e:
            print(f"keeper: {e}", file=sys.stderr, flush=True)
            data = b""
        if not data:
            self.handler(self, None, 0, b"")


class Keeper:
    def __init__(self, guest, config):
        self.selector = selectors.DefaultSelector()
        self.hello = None
        self.clients = []
        self.commands = {}  # number on the line -> (client, the client's number)
        self.next = 1
        self.end_at = time.monotonic() + config["lifetime"]
        self.ended = None
        self.guest, self.config = guest, config
        self.boot()
        if config["owner"]:
            self.watch_pid(config["owner"], "its owner has gone")

        self.listener = socket.socket(socket.AF_UNIX)
        os.chdir(guest)  # the address of a socket is short, the path of a guest may be long
        self.listener.bind("sock")
        self.listener.listen(64)
        self.listener.setblocking(False)
        self.watch(self.listener, selectors.EVENT_READ, lambda _: self.on_connect())

    def boot(self):
        config = self.config
        self.hello = None
        self.booted_by = time.monotonic() + config["boot"]
        ours, theirs = socket.socketpair()
        with open(self.guest / "console.log", "ab") as console:
            self.machine = machine.start(self.guest, config, theirs.fileno(), console.fileno())
        theirs.close()
        window = frames.WINDOW_OF_TTY if config["kind"] == "uml" else None
        self.line = Peer(self, ours, self.on_line, window)
        self.watch_peers()
        self.machine_fd = self.watch_pid(self.machine.pid, "the guest ended by itself")

    def reset(self):
        """What ran in the guest is gone, and with it those who wait for it."""
        for client, _ in list(self.commands.values()):
            self.drop(client)
        self.commands.clear()
        self.watch(self.machine_fd, 0, None)
        os.close(self.machine_fd)
        self.watch(self.line.sock, 0, None)
        self.line.sock.close()
        self.machine.kill()
        self.machine.wait()
        reap_all()
        self.boot()

    def watch(self, what, events, handler):
        known = what in self.selector.get_map()
        if events and known:
            self.selector.modify(what, events, handler)
        elif events:
            self.selector.register(what, events, handler)
        elif known:
            self.selector.unregister(what)

    def watch_peers(self):
        """A peer is read only while those it writes to keep up."""
        slow_clients = any(len(c.unsent) > BACKLOG for c in self.clients)
        slow_line = len(self.line.unsent) > BACKLOG
        for peer in (self.line, *self.clients):
            slow = slow_clients if peer is self.line else slow_line
            events = (0 if slow else selectors.EVENT_READ) | \
                (selectors.EVENT_WRITE if peer.can_send() else 0)
            self.watch(peer.sock, events, peer.on_event)

    def watch_pid(self, pid, reason):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self.end(reason)
            return None
        self.watch(fd, selectors.EVENT_READ, lambda _: self.end(reason))
        return fd

    def end(self, reason):
        self.ended = self.ended or reason

    # --- clients

    def on_connect(self):
        sock, _ = self.listener.accept()
        client = Peer(self, sock, self.on_client)
        self.clients.append(client)
        if self.hello is not None:
            client.send(frames.HELLO, 0, self.hello)
        self.watch_peers()

    def on_client(self, client, kind, number, payload):
        if kind is None:
            self.drop(client)
        elif kind == frames.STOP:
            self.end("it was told to stop")
        elif kind == frames.RESET:
            self.reset()
        elif kind == frames.EXEC:
            self.commands[self.next] = (client, number)
            self.line.send(kind, self.next, payload)
            self.next += 1
        else:
            for line_number, owner in self.commands.items():
                if owner == (client, number):
                    self.line.send(kind, line_number, payload)

    def drop(self, client):
        """A client that goes takes its commands with it."""
        if client not in self.clients:
            return
        self.clients.remove(client)
        self.watch(client.sock, 0, None)
        client.sock.close()
        for number, (owner, _) in self.commands.items():
            if owner is client:
                self.line.send(frames.KILL, number)
        self.watch_peers()

    # --- the guest

    def on_line(self, _, kind, number, payload):
        if kind is None:
            self.end("the guest ended by itself")
        elif kind == frames.HELLO:
            self.hello = payload
            for client in self.clients:
                client.send(kind, 0, payload)
        elif kind == frames.ACK and number == 0:
            if self.line.window is not None:
                self.line.window += int(payload)
                self.line.flush()
        else:
            client, client_number = self.commands.get(number, (None, 0))
            if client in self.clients:
                client.send(kind, client_number, payload)
            if kind == frames.EXIT:
                self.commands.pop(number, None)

    def run(self):
        try:
            while self.ended is None:
                now = time.monotonic()
                until, reason = self.end_at, "its time is over"
                if self.hello is None and self.booted_by < until:
                    until, reason = self.booted_by, "it did not boot in time"
                if now >= until:
                    self.end(reason)
                for key, events in self.selector.select(max(0, until - now)):
                    if key.fileobj in self.selector.get_map():
                        key.data(events)
            return self.ended
        finally:
            self.machine.kill()
            reap_all()


def reap_all():
    """End and reap what the guest was made of, which comes to us as orphans. Most of it dies
    with the guest; a process that was just being made when the guest died would stay."""
    try:
        while True:
            for pid in Path("/proc/thread-self/children").read_text().split():
                os.kill(int(pid), signal.SIGKILL)  # ours until we wait for it: no other's pid
            os.wait()
    except ChildProcessError:
        pass


def keep(guest):
    """The guest's whole life; returns why it ended."""
    config = json.loads((guest / "config.json").read_text())
    try:
        return Keeper(guest, config).run()
    except VmError as e:
        return str(e)
    except SystemExit:
        return "its keeper was told to end"


def main():
    guest = Path(sys.argv[1]).resolve()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, lambda *_: sys.exit(1))
    with open(guest / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        reason = keep(guest)
        (guest / "ended").write_text(reason + "\n")
        for name in ("sock", "disk.cow", "extra.img"):
            (guest / name).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
