#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Thousands of containers through the shim, with clients that misbehave at every step; then looks
that nothing is left and that the shim has not grown. It plays containerd itself: it executes `start`
and `delete`, speaks ttrpc and takes the events. Prints the Test Anything Protocol.

    tests/shim/cycles.py SHIM [--cycles N] [--seed N]

It needs root and works in mount and process namespaces of its own."""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

TASK = "containerd.task.v3.Task"
STATE = Path("/run/cycles")
BUNDLES = STATE / "io.containerd.runtime.v2.task" / "test"
CGROUP = Path("/sys/fs/cgroup/strake-cycles")
EVENTS = STATE / "events.sock"
REQUEST, RESPONSE = 1, 2
FRAME_MAX = 4 << 20
DEADLINE = 20
UNIMPLEMENTED, INVALID, EXHAUSTED, NOT_FOUND, BUSY = 12, 3, 8, 5, 9


class Failed(Exception):
    pass


# --- the wire


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def message(**fields):
    """Fields by number, `f3=...`: integers, strings, bytes, or lists of them."""
    out = b""
    for name, value in fields.items():
        for v in value if isinstance(value, list) else [value]:
            if isinstance(v, int):
                out += varint(int(name[1:]) << 3) + varint(v)
            else:
                v = v.encode() if isinstance(v, str) else v
                out += varint(int(name[1:]) << 3 | 2) + varint(len(v)) + v
    return out


def parse(data):
    """{number: last value}, integers and bytes."""
    fields, at = {}, 0

    def number():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(data):
        key = number()
        if key & 7 == 0:
            fields[key >> 3] = number()
        else:
            size = number()
            fields[key >> 3] = data[at:at + size]
            at += size
    return fields


def frame(stream, payload, kind=REQUEST, flags=0):
    return struct.pack(">IIBB", len(payload), stream, kind, flags) + payload


def receive(sock, size):
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise Failed("the shim hung up")
        data += part
    return data


class Client:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(path)
        self.stream = -1

    def send(self, method, payload=b"", service=TASK):
        self.stream += 2
        self.sock.sendall(frame(self.stream, message(f1=service, f2=method, f3=payload)))
        return self.stream

    def answer(self):
        """(stream, code, text, payload) of the next answer."""
        size, stream, kind, _ = struct.unpack(">IIBB", receive(self.sock, 10))
        fields = parse(receive(self.sock, size))
        if kind != RESPONSE:
            raise Failed(f"a frame of type {kind} came back")
        status = parse(fields.get(1, b""))
        return stream, status.get(1, 0), status.get(2, b"").decode(), fields.get(2, b"")

    def call(self, method, payload=b"", expect=0, service=TASK):
        stream = self.send(method, payload, service)
        got, code, text, answer = self.answer()
        if got != stream or code != expect:
            raise Failed(f"{method}: stream {got} for {stream}, code {code} for {expect}: {text}")
        return parse(answer)

    def close(self):
        self.sock.close()


class Daemon(threading.Thread):
    """containerd's side of the events: counts them by topic, acknowledges each."""

    def __init__(self):
        super().__init__(daemon=True)
        self.topics = {}
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(EVENTS))
        self.listener.listen(64)

    def run(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, sock):
        try:
            while True:
                size, stream, _, _ = struct.unpack(">IIBB", receive(sock, 10))
                envelope = parse(parse(parse(receive(sock, size))[3])[1])
                with self.lock:
                    topic = envelope[3].decode()
                    self.topics[topic] = self.topics.get(topic, 0) + 1
                sock.sendall(frame(stream, message(), RESPONSE))
        except (Failed, OSError):
            sock.close()


# --- clients that misbehave: each is called with the socket's path and the id of a container


def half_frame(path, _id):
    c = Client(path)
    c.sock.sendall(frame(1, b"x" * 100)[:random.randrange(1, 60)])
    c.close()


def half_header_then_whole(path, container):
    c = Client(path)
    data = frame(1, message(f1=TASK, f2="State", f3=message(f1=container)))
    cut = random.randrange(1, len(data))
    c.sock.sendall(data[:cut])
    c.sock.sendall(data[cut:])
    c.answer()
    c.close()


def unknown_method(path, _id):
    c = Client(path)
    c.call("NoSuchMethod", expect=UNIMPLEMENTED)
    c.call("State", expect=UNIMPLEMENTED, service="no.such.Service")
    c.close()


def oversized(path, container):
    c = Client(path)
    c.sock.sendall(struct.pack(">IIBB", FRAME_MAX + 1, 1, REQUEST, 0))
    c.sock.sendall(b"x" * (FRAME_MAX + 1))
    if c.answer()[1] != EXHAUSTED:
        raise Failed("an oversized frame was not refused")
    c.stream = 1
    c.call("Pids", message(f1=container))
    c.close()


def oversized_cut_short(path, _id):
    c = Client(path)
    c.sock.sendall(struct.pack(">IIBB", 0xFFFFFFFF, 1, REQUEST, 0) + b"x" * 5000)
    c.close()


def garbage(path, _id):
    c = Client(path)
    c.sock.sendall(frame(1, b"\xff" * 64))
    if c.answer()[1] != INVALID:
        raise Failed("garbage was not refused")
    c.sock.sendall(frame(3, message(f1=TASK, f2="State", f3=b"\xff\xff\xff")))
    if c.answer()[1] == 0:
        raise Failed("a garbled State was answered")
    c.close()


def even_stream(path, _id):
    c = Client(path)
    c.sock.sendall(frame(2, message(f1=TASK, f2="State")))
    if c.answer()[1] != INVALID:
        raise Failed("an even stream was not refused")
    c.close()


def unknown_type(path, container):
    c = Client(path)
    c.sock.sendall(frame(1, b"x" * 300, kind=random.choice((0, 2, 3, 9, 255))))
    c.stream = 1
    c.call("Pids", message(f1=container))
    c.close()


def vanishes_waiting(path, container):
    c = Client(path)
    for _ in range(20):
        c.send("Wait", message(f1=container))
    c.close()


def never_reads(path, container):
    c = Client(path)
    for _ in range(200):
        c.send("State", message(f1=container))
    c.close()


def vanishes_executing(path, container):
    c = Client(path)
    spec = json.dumps({"args": ["/bin/true"], "cwd": "/", "user": {"uid": 0, "gid": 0},
                       "env": ["PATH=/bin"]})
    url = "types.containerd.io/opencontainers/runtime-spec/1/Process"
    c.call("Exec", message(f1=container, f2="lost", f7=message(f1=url, f2=spec)))
    c.send("Start", message(f1=container, f2="lost"))
    c.close()


def unknown_container(path, _id):
    c = Client(path)
    for method in ("State", "Pids", "Kill", "Delete", "Wait", "Stats", "Start"):
        c.call(method, message(f1="nobody"), expect=NOT_FOUND)
    c.close()


FAULTS = (half_frame, half_header_then_whole, unknown_method, oversized, oversized_cut_short, garbage,
          even_stream, unknown_type, vanishes_waiting, never_reads, vanishes_executing, unknown_container)


# --- one shim and its containers


class Shim:
    def __init__(self, program, rootfs, group):
        self.program, self.rootfs, self.group = program, rootfs, group
        self.path = self.pid = self.client = None

    def bundle(self, name):
        bundle = BUNDLES / name
        (bundle / "rootfs").mkdir(parents=True)
        os.mkfifo(bundle / "log")
        config = {
            "ociVersion": "1.2.0", "root": {"path": "rootfs", "readonly": True},
            "process": {"args": ["/bin/sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"],
                        "user": {"uid": 0, "gid": 0}},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}],
            "annotations": {"io.containerd.runc.v2.group": self.group},
            "linux": {"cgroupsPath": f"/{CGROUP.name}/{name}",
                      "namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts", "network")]},
        }
        (bundle / "config.json").write_text(json.dumps(config))
        return bundle

    def execute(self, name, bundle, *words):
        done = subprocess.run(
            [self.program, "-namespace", "test", "-address", str(STATE / "grpc.sock"),
             "-publish-binary", "/bin/true", "-id", name, *words], cwd=bundle, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TTRPC_ADDRESS": str(EVENTS),
                 "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE, check=False)
        if done.returncode:
            raise Failed(f"{words}: status {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def connect(self, name, bundle):
        address = self.execute(name, bundle, "start").decode().strip()
        if self.path is None:
            self.path = address.removeprefix("unix://")
            self.client = Client(self.path)
            self.pid = self.client.call("Connect", message(f1=name))[1]
        elif address != f"unix://{self.path}":
            raise Failed(f"{name} got a shim of its own: {address}")

    def create(self, name, bundle):
        mount = message(f1="bind", f2=str(self.rootfs), f4=["rbind", "ro"])
        return message(f1=name, f2=str(bundle), f3=mount)

    def cycle(self, name):
        bundle = self.bundle(name)
        self.connect(name, bundle)
        c = self.client
        early = random.random() < 0.05
        if early:  # the client that wanted it is gone before it is there
            lost = Client(self.path)
            lost.send("Create", self.create(name, bundle))
            lost.close()
            end = time.monotonic() + DEADLINE
            while True:
                stream = c.send("State", message(f1=name))
                got, code, text, answer = c.answer()
                state = parse(answer)
                if got != stream or time.monotonic() > end:
                    raise Failed(f"{name} is not created: {code} {text}")
                if code == 0 and state.get(3, 0) and state.get(4) == 1:
                    break
        else:
            c.call("Create", self.create(name, bundle))
        c.call("Start", message(f1=name))
        for fault in random.sample(FAULTS, 2):
            fault(self.path, name)
        if random.random() < 0.1:
            c.call("Pause", message(f1=name))
            c.call("Resume", message(f1=name))
        c.call("Kill", message(f1=name, f3=9, f4=1))
        status = c.call("Wait", message(f1=name))
        if status.get(1) != 137:
            raise Failed(f"{name} ended with {status}")
        self.delete(name)
        self.execute(name, bundle, "-bundle", str(bundle), "delete")
        shutil.rmtree(bundle)

    def delete(self, name):
        """The exec of a client that is gone may still be on its way."""
        end = time.monotonic() + DEADLINE
        while True:
            self.client.send("Delete", message(f1=name))
            _, code, text, _ = self.client.answer()
            if code == 0:
                return
            if code != BUSY or time.monotonic() > end:
                raise Failed(f"Delete: code {code}: {text}")

    def end(self):
        self.client.call("Shutdown", message(f1=self.group))
        end = time.monotonic() + DEADLINE
        while os.path.exists(f"/proc/{self.pid}") and not zombie(self.pid):
            if time.monotonic() > end:
                raise Failed("the shim does not end after Shutdown")
            time.sleep(0.01)
        self.client.close()


def zombie(pid):
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))


def settled(figure, want, seconds=5):
    """What it is, once it is what is wanted, or after so long."""
    end = time.monotonic() + seconds
    while (is_ := figure()) != want and time.monotonic() < end:
        time.sleep(0.02)
    return is_


def leftovers():
    """Everything that must not be there once no container is."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    found = [m for m in mounts if m.startswith(str(BUNDLES))]
    found += [str(p) for p in BUNDLES.glob("*")]
    found += [str(p) for p in Path("/run/containerd/s").glob("*")]
    found += [str(p) for p in Path("/run/containerd/strake/test").glob("*")]
    found += [str(p) for p in CGROUP.glob("*/")]
    found += [f"process {p.name}: {(p / 'cmdline').read_bytes()[:80]}" for p in Path("/proc").iterdir()
              if p.name.isdigit() and int(p.name) not in (1, os.getpid()) and not zombie(int(p.name))]
    return found


# --- the test


class Test:
    def __init__(self, args):
        self.args, self.number, self.bad = args, 0, 0

    def result(self, good, name, detail=""):
        self.number += 1
        self.bad += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}", flush=True)
        if detail:
            print(f"# {detail}", flush=True)

    def run(self, rootfs):
        a = self.args
        print("1..6")
        print(f"# {a.cycles} cycles, seed {a.seed}", flush=True)
        random.seed(a.seed)
        daemon = Daemon()
        daemon.start()
        begin, done = time.monotonic(), 0
        shim = Shim(a.shim, rootfs, "group")
        try:
            for i in range(a.warm):
                shim.cycle(f"warm{i}")
            fds = settled(lambda: descriptors(shim.pid), descriptors(shim.pid), 1)
            rss = memory(shim.pid)
            for done in range(1, a.cycles + 1):
                shim.cycle(f"c{done}")
        except (Failed, OSError, KeyError, subprocess.TimeoutExpired) as e:
            self.result(False, f"{a.cycles} containers live and end among clients that misbehave",
                        f"cycle {done}: {type(e).__name__}: {e}")
            return
        seconds = time.monotonic() - begin
        self.result(True, f"{a.cycles} containers live and end among clients that misbehave",
                    f"{seconds:.0f} s, {seconds / (a.cycles + a.warm) * 1000:.1f} ms each")
        total = a.cycles + a.warm
        exits = settled(lambda: daemon.topics.get("/tasks/delete", 0), total)
        self.result(exits == total and daemon.topics.get("/tasks/create") == total,
                    "every container was told of once, at its beginning and its end", str(daemon.topics))
        now = settled(lambda: descriptors(shim.pid), fds)
        self.result(now == fds, "no descriptor is left", f"{fds} before, {now} after")
        grown = memory(shim.pid) - rss
        self.result(grown <= a.growth, "its memory has not grown",
                    f"{rss} kB after {a.warm} cycles, {grown:+} kB after {a.cycles} more")
        shim.end()
        self.result(True, "it ends when asked to")
        left = settled(leftovers, [])
        self.result(not left, "no process, mount, cgroup, socket, bundle or state is left", ", ".join(left[:9]))


def prepare():
    for kind, where in (("proc", "/proc"), ("cgroup2", "/sys/fs/cgroup"), ("tmpfs", "/run")):
        subprocess.run(["mount", "-t", kind, kind, where], check=True)
    rootfs = STATE / "image"
    for name in ("bin", "proc", "dev", "sys"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", rootfs / "bin/busybox")
    for name in ("sleep", "true"):
        (rootfs / "bin" / name).symlink_to("busybox")
    BUNDLES.mkdir(parents=True)
    return rootfs


def inside(args):
    test = Test(args)
    rootfs = prepare()
    # The first process of a namespace takes on what shims leave.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        test.run(rootfs)
    finally:
        try:
            os.kill(-1, signal.SIGKILL)
            while True:
                os.wait()
        except (ProcessLookupError, ChildProcessError):
            pass
        for path in [*CGROUP.glob("*/"), CGROUP]:
            if path.exists():
                path.rmdir()
    return 1 if test.bad else 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("shim", type=Path)
    p.add_argument("--cycles", type=int, default=10000)
    p.add_argument("--warm", type=int, default=200, help="cycles before memory and descriptors are taken (200)")
    p.add_argument("--growth", type=int, default=64, help="kB of memory that it may grow by (64)")
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    args.shim = args.shim.resolve()
    if args.inside:
        return inside(args)
    if os.geteuid():
        print("1..0 # SKIP needs root")
        return 0
    return subprocess.run(["unshare", "--mount", "--propagation", "private", "--pid", "--fork",
                           "--kill-child", "--", sys.executable, __file__, "--inside", *sys.argv[1:]],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
