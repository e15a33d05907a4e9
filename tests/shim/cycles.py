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
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
from containerd import (BUSY, DEADLINE, EXHAUSTED, FRAME_MAX, INVALID, NOT_FOUND, REQUEST, TASK,  # noqa: E402
                        UNIMPLEMENTED, Client, Daemon, Failed, Shim, descriptors, enter, frame, inside,
                        leftovers, memory, message, parse, settled)

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


# --- one container after another


class Cycles(Shim):
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
        shim = Cycles(a.shim, rootfs, "group")
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
            return 1
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
        return 1 if self.bad else 0


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
        return inside(Test(args).run)
    if os.geteuid():
        print("1..0 # SKIP needs root")
        return 0
    return enter()


if __name__ == "__main__":
    sys.exit(main())
