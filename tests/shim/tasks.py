#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the shim does for a task, one test for each: with another runtime behind it, with its output going
to different places. It plays containerd itself. Prints the Test Anything Protocol.

    tests/shim/tasks.py SHIM [--runtime PROGRAM]... [--only WORD]

It needs root and works in mount and process namespaces of its own."""

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
from containerd import (BUNDLES, DEADLINE, STATE, Client, Daemon, Failed, Shim, enter, inside,  # noqa: E402
                        leftovers, message, settled, zombie)

RUNNING, STOPPED, PAUSED = 2, 3, 4
OPTIONS = "containerd.runc.v1.Options"
PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process"


def check(good, what):
    if not good:
        raise Failed(what)


class Fifo:
    """One that the shim writes, and we read."""

    def __init__(self, path):
        os.mkfifo(path, 0o700)
        self.path = path
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self):
        """All of it, to its end: the shim has it open by now."""
        fcntl.fcntl(self.fd, fcntl.F_SETFL, 0)
        with os.fdopen(self.fd, "rb") as f:
            return f.read().decode()


class Task(Shim):
    """A container with a shim of its own."""

    def __init__(self, test, args=None, binary="", terminal=False, out="", err="", name="c", **bundle):
        super().__init__(test.shim, test.rootfs, name)
        test.tasks.append(self)
        self.name = name
        process = {"terminal": terminal, **({"args": args} if args else {})}
        self.folder = self.bundle(name, process, **bundle)
        self.connect(name, self.folder)
        fields = {"f4": int(terminal), "f6": str(out), "f7": str(err)}
        if binary:
            fields["f10"] = message(f1=OPTIONS, f2=message(f6=str(binary)))
        self.request = self.create(name, self.folder, **fields)
        self.deleted = False

    def make(self):
        self.call("Create", self.request)
        return self

    def refused(self, method="Create", payload=None):
        """The text of an answer that must be an error."""
        self.client.send(method, self.request if payload is None else payload)
        _, code, text, _ = self.client.answer()
        check(code, f"{method} was not refused")
        return text

    def call(self, method, payload=None, **more):
        return self.client.call(method, message(f1=self.name, **more) if payload is None else payload)

    def run(self):
        self.make()
        self.call("Start")
        return self

    def wait(self, **more):
        return self.call("Wait", **more).get(1, 0)

    def status(self, **more):
        return self.call("State", **more)[4]

    def exec(self, args, name="e", out="", err="", terminal=False):
        spec = json.dumps({"args": args, "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"],
                           "terminal": terminal})
        self.call("Exec", f2=name, f3=int(terminal), f5=str(out), f6=str(err),
                  f7=message(f1=PROCESS, f2=spec))
        self.call("Start", f2=name)

    def finish(self):
        """Stopped and deleted, as containerd does it."""
        if self.folder.exists():
            if not self.deleted and self.client is not None:
                self.client.send("Kill", message(f1=self.name, f3=9))
                self.client.answer()
                self.client.send("Wait", message(f1=self.name))
                self.client.answer()
                self.client.send("Delete", message(f1=self.name))
                self.client.answer()
            self.execute(self.name, self.folder, "-bundle", str(self.folder), "delete")
            shutil.rmtree(self.folder)
        if self.client is not None:
            self.end()

    def murder(self):
        """The shim is killed, not its container."""
        os.kill(self.pid, signal.SIGKILL)
        check(settled(lambda: zombie(self.pid), True), "the shim was killed, and lives")
        self.client.close()
        self.client = None


# --- another runtime: run with each that there is


def a_container_of_another_runtime_has_output_and_status(t, runtime):
    out, err = Fifo(t.path("out")), Fifo(t.path("err"))
    task = Task(t, ["sh", "-c", "echo words; echo more >&2; exit 7"], runtime, out=out.path, err=err.path)
    task.run()
    check(task.wait() == 7, "another exit status came")
    check(out.read() == "words\n" and err.read() == "more\n", "its output did not come")
    check(not (task.folder / "strake").exists(), "liboci was used")


def an_exec_of_another_runtime_has_output_and_status(t, runtime):
    task = Task(t, binary=runtime).run()
    out = Fifo(t.path("out"))
    task.exec(["sh", "-c", "echo words; exit 3"], out=out.path)
    check(task.wait(f2="e") == 3, "another exit status came")
    check(out.read() == "words\n", "its output did not come")
    task.call("Delete", f2="e")
    check(task.status() == RUNNING, "the container does not run")


def another_runtime_makes_a_terminal(t, runtime):
    out = Fifo(t.path("out"))
    task = Task(t, ["stty", "size"], runtime, terminal=True, out=out.path).make()
    task.call("ResizePty", f3=97, f4=31)
    task.call("Start")
    check(task.wait() == 0, "stty found no terminal")
    check(out.read().split() == ["31", "97"], "the size is another")


def an_exec_of_another_runtime_has_a_terminal(t, runtime):
    task = Task(t, binary=runtime).run()
    out = Fifo(t.path("out"))
    task.exec(["sh", "-c", "[ -t 0 ] && [ -t 1 ] && echo terminal"], out=out.path, terminal=True)
    check(task.wait(f2="e") == 0, "it has no terminal")
    said = out.read()
    check(said.split() == ["terminal"], f"it said: {said!r}")


def another_runtime_pauses_and_goes_on(t, runtime):
    task = Task(t, binary=runtime).run()
    task.call("Pause")
    check(task.status() == PAUSED, "it is not paused")
    task.call("Resume")
    check(task.status() == RUNNING, "it does not run")


def another_runtime_kills_all(t, runtime):
    task = Task(t, ["sh", "-c", "sleep 4711 & exec sleep 1000"], runtime).run()
    task.call("Kill", f3=9, f4=1)
    check(task.wait() == 137, "another exit status came")
    task.call("Delete")
    task.deleted = True


def what_shares_our_processes_leaves_none_with_another_runtime(t, runtime):
    task = Task(t, ["sh", "-c", "sleep 4711 & exec sleep 1000"], runtime,
                namespaces=("mount", "ipc", "uts", "network")).run()
    check(settled(lambda: len(processes("4711")), 1) == 1, "its child does not run")
    task.call("Kill", f3=9)
    check(task.wait() == 137, "another exit status came")
    check(settled(lambda: len(processes("4711")), 0) == 0, "its child was left")


def short_processes_of_another_runtime_keep_their_status(t, runtime):
    task = Task(t, binary=runtime).run()
    for i in range(10):
        task.exec(["false"], name=f"e{i}")
        check(task.wait(f2=f"e{i}") == 1, "the status of an exec was lost")
    for i in range(10):
        short = Task(t, ["false"], runtime, name=f"short{i}").run()
        check(short.wait() == 1, "the status of a container was lost")


def another_runtime_says_why_it_refuses(t, runtime):
    text = Task(t, ["/nosuchprogram"], runtime).refused()
    check("nosuchprogram" in text and "create" in text, f"it said: {text}")


def an_exec_that_another_runtime_refuses_can_be_deleted(t, runtime):
    task = Task(t, binary=runtime).run()
    spec = json.dumps({"args": ["/nosuchprogram"], "cwd": "/", "user": {"uid": 0, "gid": 0}})
    task.call("Exec", f2="e", f7=message(f1=PROCESS, f2=spec))
    text = task.refused("Start", message(f1=task.name, f2="e"))
    check("nosuchprogram" in text, f"it said: {text}")
    task.call("Delete", f2="e")


def a_container_of_another_runtime_is_deleted_after_its_shim_was_killed(t, runtime):
    task = Task(t, binary=runtime).run()
    pid = task.call("State")[3]
    task.murder()
    task.execute(task.name, task.folder, "-bundle", str(task.folder), "delete")
    check(settled(lambda: zombie(pid), True), "its process lives")
    check(not list(Path("/run/containerd/runc").glob("*/*")), "the runtime's state was left")


def a_pod_of_another_runtime_is_deleted_after_its_shim_was_killed(t, runtime):
    pod = Task(t, binary=runtime, annotations={"io.kubernetes.cri.sandbox-id": "c"}).run()
    member = Task(t, binary=runtime, name="member", annotations={"io.kubernetes.cri.sandbox-id": "c"}).run()
    check(member.pid == pod.pid, "it has a shim of its own")
    pid = member.call("State")[3]
    pod.murder()
    member.client.close()
    member.client = None
    # containerd may be faster with that.
    subprocess.run(["umount", member.folder / "rootfs"], check=True)
    shutil.rmtree(member.folder)
    pod.execute(pod.name, pod.folder, "-bundle", str(pod.folder), "delete")
    check(settled(lambda: zombie(pid), True), "the other container of the pod lives")


def the_bundle_of_containerds_own_shim_is_deleted(t, runtime):
    task = Task(t, binary=runtime).run()
    pid = task.call("State")[3]
    task.murder()
    (task.folder / "strake.json").unlink()
    (task.folder / "runtime").write_text(str(runtime))
    (task.folder / "options.json").write_text('{"binary_name":"x","systemd_cgroup":false}')
    task.execute(task.name, task.folder, "-bundle", str(task.folder), "delete")
    check(settled(lambda: zombie(pid), True), "its process lives")


WITH_RUNTIME = (
    a_container_of_another_runtime_has_output_and_status,
    an_exec_of_another_runtime_has_output_and_status,
    another_runtime_makes_a_terminal,
    an_exec_of_another_runtime_has_a_terminal,
    another_runtime_pauses_and_goes_on,
    another_runtime_kills_all,
    what_shares_our_processes_leaves_none_with_another_runtime,
    short_processes_of_another_runtime_keep_their_status,
    another_runtime_says_why_it_refuses,
    an_exec_that_another_runtime_refuses_can_be_deleted,
    a_container_of_another_runtime_is_deleted_after_its_shim_was_killed,
    a_pod_of_another_runtime_is_deleted_after_its_shim_was_killed,
    the_bundle_of_containerds_own_shim_is_deleted,
)


def a_runtime_that_does_not_exist_is_named(t):
    text = Task(t, binary="no-runc").refused()
    check('"no-runc"' in text and "BinaryName" in text, f"it said: {text}")


def a_runtime_of_few_words_is_quoted(t):
    program = t.path("broken")
    program.write_text("#!/bin/sh\nexit 5\n")
    program.chmod(0o755)
    text = Task(t, binary=program).refused()
    check("status 5" in text and "broken" in text, f"it said: {text}")


PLAIN = (
    a_runtime_that_does_not_exist_is_named,
    a_runtime_of_few_words_is_quoted,
)


# --- running them


def processes(word):
    found = []
    for p in Path("/proc").iterdir():
        try:
            if p.name.isdigit() and word in (p / "cmdline").read_text().split("\0"):
                found.append(int(p.name))
        except OSError:
            pass
    return found


class Test:
    """One of them: what it may use, and what it must not leave."""

    def __init__(self, args, rootfs):
        self.shim, self.rootfs = args.shim, rootfs
        self.tasks = []
        self.folder = STATE / "test"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()

    def path(self, name):
        return self.folder / name

    def run(self, function, words):
        try:
            function(self, *words)
        finally:
            for task in self.tasks:
                task.finish()
        left = settled(leftovers, [])
        check(not left, f"left: {left[:9]}")


def run(args, rootfs):
    tests = [(f, ()) for f in PLAIN]
    tests += [(f, (r,)) for r in args.runtime for f in WITH_RUNTIME]
    tests = [(f, words) for f, words in tests if args.only in f.__name__]
    print(f"1..{len(tests)}", flush=True)
    Daemon().start()
    bad = 0
    for number, (function, words) in enumerate(tests, 1):
        name = " ".join([function.__name__.replace("_", " "), *(f"({w.name})" for w in words)])
        begin = time.monotonic()
        try:
            Test(args, rootfs).run(function, words)
            print(f"ok {number} - {name}", flush=True)
        except Exception:  # whatever it is, the next one shall run
            bad += 1
            print(f"not ok {number} - {name}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
        if time.monotonic() - begin > DEADLINE:
            print("# that took long", flush=True)
    return 1 if bad else 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("shim", type=Path)
    p.add_argument("--runtime", type=Path, action="append", default=[], help="one to put behind it")
    p.add_argument("--only", default="", help="tests with this in their names")
    p.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    args.shim = args.shim.resolve()
    args.runtime = [r.resolve() for r in args.runtime]
    if args.inside:
        return inside(lambda rootfs: run(args, rootfs))
    if os.geteuid():
        print("1..0 # SKIP needs root")
        return 0
    return enter()


if __name__ == "__main__":
    sys.exit(main())
