# SPDX-License-Identifier: Apache-2.0
"""containerd's side of the shim, for tests that play it: executes `start` and `delete`, speaks ttrpc,
takes the events. In mount and process namespaces of the test's own; needs root."""

import json
import os
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
SANDBOX = "containerd.runtime.sandbox.v1.Sandbox"
NAME = Path(sys.argv[0]).stem
STATE = Path("/run") / NAME
BUNDLES = STATE / "io.containerd.runtime.v2.task" / "test"
# Cgroups have no namespace here: two runs side by side must not meet there.
CGROUP = Path("/sys/fs/cgroup") / f"strake-{NAME}-{os.environ.get('TEST_RUN', 0)}"
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


def every_field(data):
    """(number, value) of each field, in their order: integers and bytes."""
    at = 0

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
            yield key >> 3, number()
        else:
            size = number()
            yield key >> 3, data[at:at + size]
            at += size


def parse(data):
    """{number: last value}."""
    return dict(every_field(data))


def pairs(data, field):
    """The map that stands in a field."""
    entries = (parse(value) for number, value in every_field(data) if number == field)
    return {entry[1].decode(): entry[2].decode() for entry in entries}


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
    def __init__(self, path, namespace=""):
        self.metadata = {"f5": message(f1="containerd-namespace-ttrpc", f2=namespace)} if namespace else {}
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(path)
        self.stream = -1

    def send(self, method, payload=b"", service=TASK, seconds=0):
        """`seconds` is how long it says that it will wait."""
        self.stream += 2
        self.sock.sendall(frame(self.stream, message(f1=service, f2=method, f3=payload,
                                                     f4=int(seconds * 1e9), **self.metadata)))
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
    """containerd's side of the events: counts them by topic, acknowledges each; and keeps what node
    policies do, as (topic, container, words)."""

    def __init__(self):
        super().__init__(daemon=True)
        self.topics = {}
        self.policy = []
        self.present = threading.Event()
        self.present.set()
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(EVENTS))
        self.listener.listen(64)

    def run(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def count(self, topic):
        with self.lock:
            return self.topics.get(topic, 0)

    @staticmethod
    def update(topic, event):
        if event[1] != b"containerd.events.ContainerUpdate":
            raise Failed(f"{topic} is an event of the type {event[1]}")
        return topic.rsplit("/", 1)[1], parse(event[2])[1].decode(), pairs(event[2], 3)

    def serve(self, sock):
        try:
            while True:
                size, stream, _, _ = struct.unpack(">IIBB", receive(sock, 10))
                envelope = parse(parse(parse(receive(sock, size))[3])[1])
                self.present.wait()
                with self.lock:
                    topic = envelope[3].decode()
                    self.topics[topic] = self.topics.get(topic, 0) + 1
                    if topic.startswith("/strake/policy/"):
                        self.policy.append(self.update(topic, parse(envelope[4])))
                sock.sendall(frame(stream, message(), RESPONSE))
        except (Failed, OSError):
            sock.close()


# --- one shim and its containers


class Shim:
    def __init__(self, program, rootfs, group):
        self.program, self.rootfs, self.group = program, rootfs, group
        self.path = self.pid = self.client = None

    def bundle(self, name, process=None, annotations=None, resources=None, users=None, hooks=None,
               namespaces=("pid", "mount", "ipc", "uts", "network")):
        """`process`: what differs from a sleep. `users`: the number that its own begin with."""
        maps = [{"containerID": 0, "hostID": users, "size": 65536}] if users else []
        bundle = BUNDLES / name
        (bundle / "rootfs").mkdir(parents=True)
        os.mkfifo(bundle / "log")
        config = {
            "ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": True},
            "process": {"args": ["/bin/sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"],
                        "user": {"uid": 0, "gid": 0}, **(process or {})},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                       {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                        "options": ["newinstance", "ptmxmode=0666", "mode=0620"]}],
            **({"hooks": hooks} if hooks else {}),
            "annotations": annotations or {"io.containerd.runc.v2.group": self.group},
            "linux": {"resources": resources or {}, "uidMappings": maps, "gidMappings": maps, "cgroupsPath": f"/{CGROUP.name}/{name}",
                      "namespaces": [t if isinstance(t, dict) else {"type": t} for t in namespaces]},
        }
        (bundle / "config.json").write_text(json.dumps(config))
        return bundle

    def launch(self, name, bundle, *words, stdin=b"", before=(), **environment):
        """`before`: a program, and its arguments, that executes ours."""
        return subprocess.run(
            [*before, self.program, "-namespace", "test", "-address", str(STATE / "grpc.sock"),
             "-publish-binary", "/bin/true", "-id", name, *words], cwd=bundle, input=stdin,
            env={"PATH": f"{STATE}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TTRPC_ADDRESS": str(EVENTS),
                 "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE, check=False)

    def execute(self, name, bundle, *words, **more):
        done = self.launch(name, bundle, *words, **more)
        if done.returncode:
            raise Failed(f"{words}: status {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def connect(self, name, bundle, stdin=b""):
        address = self.execute(name, bundle, "start", stdin=stdin).decode().strip()
        if self.path is None:
            self.path = address.removeprefix("unix://")
            self.client = Client(self.path)
            self.pid = self.client.call("Connect", message(f1=name))[1]
        elif address != f"unix://{self.path}":
            raise Failed(f"{name} got a shim of its own: {address}")

    def create(self, name, bundle, **fields):
        mount = message(f1="bind", f2=str(self.rootfs), f4=["rbind", "ro"])
        return message(f1=name, f2=str(bundle), f3=mount, **fields)

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
        self.client.close()
        end = time.monotonic() + DEADLINE
        while os.path.exists(f"/proc/{self.pid}") and not zombie(self.pid):
            if time.monotonic() > end:
                raise Failed("the shim does not end after Shutdown")
            time.sleep(0.01)


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
    found += [str(p) for p in Path("/run/containerd/strake/test").glob("[!.]*")]
    found += [str(p) for p in CGROUP.glob("*/")]
    found += [f"process {p.name}: {(p / 'cmdline').read_bytes()[:80]}" for p in Path("/proc").iterdir()
              if p.name.isdigit() and int(p.name) not in (1, os.getpid()) and not zombie(int(p.name))]
    return found


def prepare():
    for kind, where in (("proc", "/proc"), ("cgroup2", "/sys/fs/cgroup"), ("tmpfs", "/run"),
                        ("tmpfs", "/etc")):
        subprocess.run(["mount", "-t", kind, kind, where], check=True)
    rootfs = STATE / "image"
    for name in ("bin", "proc", "dev", "sys"):
        (rootfs / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", rootfs / "bin/busybox")
    for name in ("cat", "dd", "echo", "false", "head", "sh", "sleep", "stty", "true"):
        (rootfs / "bin" / name).symlink_to("busybox")
    (rootfs / "etc").mkdir()
    for name in ("hostname", "hosts", "resolv.conf"):
        (rootfs / "etc" / name).touch()
    BUNDLES.mkdir(parents=True)
    return rootfs


def inside(run):
    """What run(rootfs) gives, and an end of everything it has started."""
    rootfs = prepare()
    # The first process of a namespace takes on what shims leave.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        return run(rootfs)
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


def enter():
    """This program once more, in namespaces of its own, with --inside."""
    return subprocess.run(["unshare", "--mount", "--propagation", "private", "--pid", "--fork",
                           "--kill-child", "--", sys.executable, *sys.argv, "--inside"],
                          env={**os.environ, "TEST_RUN": str(os.getpid())}, check=False).returncode
