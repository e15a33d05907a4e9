#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the shim does for a task, one test for each: with another runtime behind it, with its output going
to different places. It plays containerd itself. Prints the Test Anything Protocol.

    tests/shim/tasks.py SHIM [--runtime PROGRAM]... [--criu FOLDER] [--strike PROGRAM] [--only WORD]

It needs root and works in mount and process namespaces of its own."""

import argparse
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
from containerd import (BUNDLES, CGROUP, DEADLINE, NOT_FOUND, SANDBOX, STATE, UNIMPLEMENTED, Client, Daemon, Failed, Shim, descriptors, enter, inside,  # noqa: E402
                        leftovers, memory, message, parse, settled, zombie)

CREATED, RUNNING, STOPPED, PAUSED = 1, 2, 3, 4
TOO_LATE = 4
ORPHAN = 20  # seconds: a shim that nobody connects to ends after ten
OPTIONS = "containerd.runc.v1.Options"
CHECKPOINT = "containerd.runc.v1.CheckpointOptions"
RESOURCES = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
LOGGERS = Path("/etc/strake/log-programs")
# kB; with the sanitizers, what it has freed is kept for a while.
MEMORY_GROWTH = 32768 if "ASAN_OPTIONS" in os.environ else 64
PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process"


class Skipped(Exception):
    """Why a test cannot be done here."""


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


def an_exec_of_a_runtime_that_hangs_is_given_up(t, runtime):
    program = t.path("hanging")
    program.write_text(f"#!/bin/sh\ncase \"$*\" in *exec*) sleep 4713 ;; esac\nexec {runtime} \"$@\"\n")
    program.chmod(0o755)
    task = Task(t, binary=program).run()
    spec = json.dumps({"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}})
    task.call("Exec", f2="e", f7=message(f1=PROCESS, f2=spec))
    task.client.send("Start", message(f1="c", f2="e"), seconds=1)
    check(task.client.answer()[1] == TOO_LATE, "it was not given up")
    check(not processes("4713"), "what it has started lives")
    check(task.wait(f2="e") == 255, "it has another status")
    task.call("Delete", f2="e")
    check(task.status() == RUNNING, "the container does not run")


class OldCgroups:
    """The machine's hierarchies of cgroup v1, where containers have theirs."""

    top = Path("/sys/fs/cgroup")

    def __enter__(self):
        lines = [line.split(":") for line in Path("/proc/self/cgroup").read_text().splitlines()]
        self.names = [names for number, names, _ in lines if number != "0" and "=" not in names]
        if not {"memory", "pids", "cpuacct"} <= set(",".join(self.names).split(",")):
            raise Skipped("this machine has no cgroup v1")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.top], check=True)
        for names in self.names:
            (self.top / names).mkdir()
            subprocess.run(["mount", "-t", "cgroup", "-o", names, "cgroup", self.top / names], check=True)
        return self

    def __exit__(self, *_):
        left = [p for name in self.names for p in sorted((self.top / name / CGROUP.name).glob("**/"), reverse=True)]
        for path in left:
            path.rmdir()
        subprocess.run(["umount", "-R", self.top], check=True)
        # runc leaves the parent that it has made, as it does everywhere.
        check(not [p for p in left if p.name != CGROUP.name], f"left: {left}")


def metrics_of_another_runtime_are_those_of_cgroup_v1(t, runtime):
    with OldCgroups():
        task = Task(t, ["sh", "-c", "sleep 4715 & exec sleep 1000"], runtime).run()
        any_ = parse(task.call("Stats")[1])
        check(any_[1] == b"io.containerd.cgroups.v1.Metrics", f"they are {any_[1]}")
        metrics = parse(any_[2])
        at = CGROUP.name + "/c"
        check(settled(lambda: len(processes("4715")), 1) == 1, "its child does not run")
        usage = parse(parse(metrics[4])[33])[2]
        check(0 < usage < 64 << 20, f"its memory is {usage}")
        check(parse(parse(metrics[3])[1])[1] > 0, "it has used no processor")
        limit = int(Path(OldCgroups.top / "memory" / at / "memory.limit_in_bytes").read_text())
        check(parse(parse(metrics[4])[33])[1] == limit, "its limit is another")
        metrics = parse(parse(task.call("Stats")[1])[2])
        check(parse(metrics[2])[1] == 2, f"it has {parse(metrics[2])} processes")
        task.client.send("Pids", message(f1="c"))
        pids = task.client.answer()[3]
        for pid in processes("4715"):
            check(message(f1=message(f1=pid)) in pids, f"process {pid} is not named")
        task.finish()
        t.tasks.remove(task)


def one_that_was_killed_for_want_of_memory_is_told_of_with_cgroup_v1(t, runtime):
    with OldCgroups():
        task = Task(t, ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"], runtime,
                    resources={"memory": {"limit": 16 << 20}})
        before = t.daemon.count("/tasks/oom")
        task.run()
        check(task.wait() == 137, "it was not killed")
        check(settled(lambda: t.daemon.count("/tasks/oom"), before + 1) == before + 1, "it was not told")
        task.finish()
        t.tasks.remove(task)


def counted(task):
    """How far it is."""
    try:
        return int((Path("/proc") / str(task.call("State")[3]) / "root/dev/count").read_text() or 0)
    except OSError:
        return 0


def counting(t, runtime=None, **more):
    """A task that CRIU can restore: in a root that it can write to, and in our network, whose connections
    it would need iptables to hold up."""
    task = Task(t, ["sh", "-c", "i=0; while sleep 0.05; do i=$((i + 1)); echo $i >/dev/count; done"], runtime,
                namespaces=("pid", "mount", "ipc", "uts"))
    file = task.folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "root": {"path": "rootfs"}}))
    if runtime:
        more["f10"] = message(f1=OPTIONS, f2=message(f6=str(runtime)))
    task.request = message(f1="c", f2=str(task.folder), f3=message(f1="bind", f2=str(t.path("root")), f4="rbind"),
                           **more)
    return task


def needs_criu():
    done = subprocess.run([STATE / "bin" / "criu", "check"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skipped("CRIU does not work on this kernel: " + done.stderr.strip().splitlines()[-1])


def a_checkpoint_is_made_and_gone_on_from(t, runtime=None):
    needs_criu()
    image, work = t.path("image"), t.path("work")
    image.mkdir()
    shutil.copytree(t.rootfs, t.path("root"), symlinks=True)
    task = counting(t, runtime).run()
    check(settled(lambda: counted(task) > 3, True), "it does not count")
    task.call("Checkpoint", f2=str(image), f3=message(f1=CHECKPOINT, f2=message(f5=1, f9=str(work))))
    check(task.status() == RUNNING and (work / "dump.log").exists(), "it does not go on")
    shutil.rmtree(image)
    image.mkdir()
    task.call("Checkpoint", f2=str(image), f3=message(f1=CHECKPOINT, f2=message(f1=1)))
    check(task.wait() == 137, "it goes on")
    task.call("Delete")
    task.deleted = True
    task.finish()
    t.tasks.remove(task)
    later = counting(t, runtime, f8=str(image)).make()
    check(later.status() == CREATED and 3 not in later.call("State"), "it runs already")
    later.call("Start")
    first = counted(later)
    check(first > 3, f"it has begun anew: {first}")
    check(settled(lambda: counted(later) > first, True), "it stands still")
    later.exec(["true"])
    check(later.wait(f2="e") == 0, "nothing can be executed in it")
    check(b"cgroups" in parse(later.call("Stats")[1])[1], "it has no figures")


def A23_a_checkpoint_is_written_through_no_link_and_its_words_are_not_believed(t):
    needs_criu()
    image, decoy = t.path("image"), t.path("decoy")
    decoy.write_text("whole")
    image.mkdir()
    for name in "dump.log", "restore.log", "descriptors.json":
        (image / name).symlink_to(decoy)
    shutil.copytree(t.rootfs, t.path("root"), symlinks=True)
    task = counting(t).run()
    check(settled(lambda: counted(task) > 3, True), "it does not count")
    task.call("Checkpoint", f2=str(image), f3=message(f1=CHECKPOINT, f2=message(f1=1, f9=str(image))))
    check(task.wait() == 137, "it goes on")
    task.call("Delete")
    task.deleted = True
    task.finish()
    t.tasks.remove(task)
    (image / "config.json").symlink_to("/etc/passwd")
    later = counting(t, f8=str(image)).make()
    later.call("Start")
    check(counted(later) > 3, "it has begun anew")
    check(decoy.read_text() == "whole", f"the decoy has {decoy.read_text()}")


def a_checkpoint_that_cannot_be_gone_on_from_leaves_nothing(t, runtime):
    task = Task(t, binary=runtime)
    task.request += message(f8=str(t.path("nothing")))
    task.make()
    text = task.refused("Start", message(f1="c"))
    check("restore" in text, f"it said: {text}")
    task.call("Delete")
    task.deleted = True


WITH_RUNTIME = (
    a_container_of_another_runtime_has_output_and_status,
    an_exec_of_another_runtime_has_output_and_status,
    another_runtime_makes_a_terminal,
    an_exec_of_another_runtime_has_a_terminal,
    another_runtime_pauses_and_goes_on,
    another_runtime_kills_all,
    metrics_of_another_runtime_are_those_of_cgroup_v1,
    one_that_was_killed_for_want_of_memory_is_told_of_with_cgroup_v1,
    what_shares_our_processes_leaves_none_with_another_runtime,
    short_processes_of_another_runtime_keep_their_status,
    another_runtime_says_why_it_refuses,
    an_exec_that_another_runtime_refuses_can_be_deleted,
    an_exec_of_a_runtime_that_hangs_is_given_up,
    a_container_of_another_runtime_is_deleted_after_its_shim_was_killed,
    a_pod_of_another_runtime_is_deleted_after_its_shim_was_killed,
    the_bundle_of_containerds_own_shim_is_deleted,
    a_checkpoint_that_cannot_be_gone_on_from_leaves_nothing,
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


def a_runtime_that_hangs_is_killed_when_its_client_gives_up(t):
    program = t.path("hanging")
    program.write_text("#!/bin/sh\ncase \"$*\" in *create*) sleep 4713 & sleep 4714 ;; esac\n")
    program.chmod(0o755)
    task = Task(t, binary=program)
    stream = task.client.send("Create", task.request, seconds=1)
    other = Client(task.path)
    other.call("Connect", message(f1="c"))
    other.close()
    got, code, text, _ = task.client.answer()
    check((got, code) == (stream, TOO_LATE), f"code {code} came")
    check("did not end within 1.0 s" in text and "hanging" in text, f"it said: {text}")
    check(not processes("4713") and not processes("4714"), "what it has started lives")
    task.refused("State", message(f1="c"))


# --- the sandbox service: run with liboci, and with each runtime that there is


class Sandbox(Shim):
    """A pod that the shim makes without an image."""

    def __init__(self, test, binary="", name="pod", options=None, users=None, **config):
        """`users`: the number that its own begin with."""
        super().__init__(test.shim, test.rootfs, name)
        self.name, self.folder, self.users = name, BUNDLES / name, users
        self.options = {"f10": message(f1=OPTIONS, f2=message(f6=str(binary)))} if binary else {}
        (self.folder / "rootfs").mkdir(parents=True)
        os.mkfifo(self.folder / "log")
        self.network = test.path(f"{name}.net")
        self.network.touch()
        self.make_network()
        test.tasks.append(self)
        self.connect(name, self.folder, self.options.get("f10", b""))
        if users:
            ids = message(f1=users, f3=65536)
            config.setdefault("linux", {})["f2"] = message(f1=message(f5=message(f2=ids, f3=ids)))
        linux = message(f1=f"/{CGROUP.name}", **config.pop("linux", {}))
        self.request = message(
            f1=name, f2=str(self.folder), f5=str(self.network), f6=message(f1="key", f2="value"),
            f4=options or message(f1="runtime.v1.PodSandboxConfig", f2=message(f2="pod-host", f8=linux, **config)))

    def make_network(self):
        """As containerd: in a user namespace of the pod's where it has one."""
        own = ["--user"] if self.users else []
        with subprocess.Popen(["unshare", *own, "--net", "sh", "-c", "echo; read end"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            holder.stdout.readline()
            for file in ("uid_map", "gid_map") if self.users else ():
                Path(f"/proc/{holder.pid}/{file}").write_text(f"0 {self.users} 65536")
            subprocess.run(["mount", "--bind", f"/proc/{holder.pid}/ns/net", self.network], check=True)

    def ask(self, method, payload=None, **more):
        return self.client.call(method, message(f1=self.name) if payload is None else payload, service=SANDBOX, **more)

    def run(self):
        self.ask("CreateSandbox", self.request)
        started = self.ask("StartSandbox")
        self.process, self.created_at = started[1], parse(started[2])[1]
        check(json.loads(parse(started[3])[2])["annotations"]["key"] == "value", "its description is another")
        return self

    def state(self):
        return self.ask("SandboxStatus")[3].decode()

    def namespace(self, kind):
        return os.readlink(f"/proc/{self.process}/ns/{kind}")

    def container(self, args, name="c", out="", capabilities=(), **more):
        """One of its containers, as containerd describes it."""
        task = Shim(self.program, self.rootfs, self.name)
        sets = {kind: list(capabilities) for kind in ("bounding", "permitted", "effective")}
        bundle = task.bundle(name, {"args": args, "capabilities": sets}, annotations={"io.kubernetes.cri.sandbox-id": self.name},
                             users=self.users, namespaces=["mount", "pid"] + [
                                 {"type": long, "path": f"/proc/{self.process}/ns/{short}"}
                                 for long, short in (("network", "net"), ("ipc", "ipc"), ("uts", "uts"),
                                                     *([("user", "user")] if self.users else []))], **more)
        self.client.call("Create", self.create(name, bundle, f6=out, **self.options))
        return bundle

    def wait(self, name="c"):
        return self.client.call("Wait", message(f1=name)).get(1, 0)

    def finish(self):
        if self.client is None:
            return
        for bundle in BUNDLES.glob("c*"):
            self.client.send("Kill", message(f1=bundle.name, f3=9))
            self.client.answer()
            self.client.send("Wait", message(f1=bundle.name))
            self.client.answer()
            self.client.send("Delete", message(f1=bundle.name))
            self.client.answer()
            shutil.rmtree(bundle)
        self.ask("ShutdownSandbox")
        self.client.close()
        check(settled(lambda: zombie(self.pid), True), "the shim does not end with its sandbox")
        self.execute(self.name, self.folder, "-bundle", str(self.folder), "delete")
        # containerd removes the folder so, and complains if it is not empty.
        (self.folder / "rootfs").rmdir()
        shutil.rmtree(self.folder)
        subprocess.run(["umount", self.network], check=True)


def a_sandbox_holds_the_namespaces_of_its_pod(t, runtime=""):
    log = t.path("log")
    pod = Sandbox(t, runtime, linux={"f3": message(f1="net.ipv4.ip_forward", f2="1")},
                  f4=message(f1=["10.0.0.1", "10.0.0.2"], f2="example.org", f3="ndots:5")).run()
    check(pod.state() == "SANDBOX_READY", f"it is {pod.state()}")
    check(parse(pod.ask("SandboxStatus")[5])[1] == pod.created_at, "it was made at another time")
    for kind in ("ipc", "uts", "pid", "mnt", "net"):
        check(pod.namespace(kind) != os.readlink(f"/proc/self/ns/{kind}"), f"it has no {kind} namespace")
    check(os.stat(f"/proc/{pod.process}/ns/net").st_ino == os.stat(pod.network).st_ino, "its network is another")
    # A runtime may have told it to go on, and it has not yet.
    check(settled(Path(f"/proc/{pod.process}/comm").read_text, "pause\n") == "pause\n", "another program holds it")
    check(os.stat(f"/proc/{pod.process}").st_uid == 65535, "it is root")
    bundle = pod.container(["sh", "-c", "cat /proc/sys/kernel/hostname /etc/hostname /etc/resolv.conf; "
                            "cat /proc/sys/net/ipv4/ip_forward; echo words >/dev/shm/file"])
    text = json.loads((bundle / "config.json").read_text())
    check([m["destination"] for m in text["mounts"][-4:]] == ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
                                                              "/dev/shm"], f"it has {text['mounts']}")
    pod.client.call("Delete", message(f1="c"))
    shutil.rmtree(bundle)
    bundle = Shim.bundle(pod, "c1", {"args": text["process"]["args"]}, annotations=text["annotations"],
                         namespaces=text["linux"]["namespaces"])
    pod.client.call("Create", pod.create("c1", bundle, f6=f"file://{log}", **pod.options))
    pod.client.call("Start", message(f1="c1"))
    check(pod.wait("c1") == 0, "it failed")
    check(log.read_text() == "pod-host\npod-host\nsearch example.org\nnameserver 10.0.0.1\n"
          "nameserver 10.0.0.2\noptions ndots:5\n1\n", f"it said: {log.read_text()}")
    pod.container(["sh", "-c", '[ "$(cat /dev/shm/file)" = words ]'], name="c2")
    pod.client.call("Start", message(f1="c2"))
    check(pod.wait("c2") == 0, "the pod's memory is not shared")


def a_sandbox_is_stopped_and_waited_for(t, runtime=""):
    pod = Sandbox(t, runtime).run()
    pod.ask("PingSandbox")
    platform = parse(pod.ask("Platform")[1])
    check(platform[1] == b"linux" and platform[2], f"its platform is {platform}")
    metric = parse(pod.ask("SandboxMetrics")[1])
    check(metric[2] == b"pod" and b"io.containerd.cgroups" in metric[3], f"its metrics are {metric}")
    other = Client(pod.path)
    other.send("WaitSandbox", message(f1="pod"), service=SANDBOX)
    pod.ask("StopSandbox", message(f1="pod", f2=10))
    check(pod.state() == "SANDBOX_NOTREADY", f"it is {pod.state()}")
    check(pod.ask("SandboxStatus").get(2, 0) == 0, "it has a process")
    answer = other.answer()
    check(answer[1] == 0 and parse(answer[3])[1] == 137, f"who waited got {answer}")
    other.close()
    pod.ask("StopSandbox", message(f1="pod"))
    check(parse(pod.client.call("WaitSandbox", message(f1="pod"), service=SANDBOX)[2])[1] > 0, "it never ended")


def a_sandbox_that_is_shut_down_while_it_runs_leaves_nothing(t, runtime=""):
    pod = Sandbox(t, runtime).run()
    process = pod.process
    pod.finish()
    t.tasks.remove(pod)
    check(zombie(process), "its process lives")


def a_sandbox_whose_shim_was_killed_is_deleted_with_its_containers(t, runtime=""):
    pod = Sandbox(t, runtime).run()
    bundle = pod.container(["sleep", "4716"])
    pod.client.call("Start", message(f1="c"))
    os.kill(pod.pid, signal.SIGKILL)
    check(settled(lambda: zombie(pod.pid), True), "the shim was killed, and lives")
    pod.client.close()
    pod.client = None
    pod.execute(pod.name, pod.folder, "-bundle", str(pod.folder), "delete")
    check(settled(lambda: zombie(pod.process), True), "its process lives")
    check(not processes("4716"), "its container lives")
    shutil.rmtree(bundle)
    (pod.folder / "rootfs").rmdir()
    shutil.rmtree(pod.folder)
    subprocess.run(["umount", pod.network], check=True)


def a_sandbox_of_the_nodes_namespaces_has_them(t, runtime=""):
    pod = Sandbox(t, runtime, linux={"f2": message(f1=message(f1=2, f2=2, f3=2))}).run()
    for kind in ("net", "uts", "pid", "ipc"):
        check(pod.namespace(kind) == os.readlink(f"/proc/self/ns/{kind}"), f"its {kind} namespace is another")


def a_sandbox_with_users_of_its_own_has_them(t, runtime=""):
    pod = Sandbox(t, runtime, users=200000).run()
    check(pod.namespace("user") != os.readlink("/proc/self/ns/user"), "it has the node's users")
    check(os.stat(f"/proc/{pod.process}").st_uid == 265535, "it is somebody else")
    check(Path(f"/proc/{pod.process}/uid_map").read_text().split() == ["0", "200000", "65536"], "its map is another")
    check(os.stat(f"/proc/{pod.process}/ns/net").st_ino == os.stat(pod.network).st_ino, "its network is another")
    spec = json.loads(parse(pod.ask("SandboxStatus", message(f1="pod", f2=1))[4])[2])
    check(spec["pid"] == pod.process and spec["processStatus"] == "running", f"it says {spec}")
    check(not spec["netNamespaceClosed"], "its network is gone")
    linux = spec["runtimeSpec"]["linux"]
    maps = [{"containerID": 0, "hostID": 200000, "size": 65536}]
    check(linux["uidMappings"] == linux["gidMappings"] == maps, f"its maps are {linux}")
    check("net.ipv4.ping_group_range" not in linux["sysctl"], "it counts on the node's groups")
    log = t.path("log")
    pod.container(["sh", "-ec", "exec 2>&1; >/dev/shm/file; busybox chown 9 /dev/shm/file; "
                   "busybox stat -c %u:%g /etc/hostname; busybox ip link set lo up"],
                  out=f"file://{log}", capabilities=("CAP_CHOWN", "CAP_NET_ADMIN"))
    pod.client.call("Start", message(f1="c"))
    check(pod.wait() == 0 and log.read_text() == "0:0\n", f"it is not root of what is the pod's: {log.read_text()}")
    check((pod.folder / "rootfs/shm/file").stat().st_uid == 200009, "its file is somebody else's")


# In a sandbox the shim's own program runs, which with sanitizers needs libraries, and there are none.
WITH_ALL = () if "ASAN_OPTIONS" in os.environ else (
    a_sandbox_of_the_nodes_namespaces_has_them,
    a_sandbox_holds_the_namespaces_of_its_pod,
    a_sandbox_is_stopped_and_waited_for,
    a_sandbox_that_is_shut_down_while_it_runs_leaves_nothing,
    a_sandbox_whose_shim_was_killed_is_deleted_with_its_containers,
    a_sandbox_with_users_of_its_own_has_them,
)


def a_sandbox_that_cannot_be_is_refused_and_says_why(t):
    for number, (config, said) in enumerate((
            ({"linux": {"f2": message(f1=message(f5=message(f1=0, f2=message(f3=1))))}}, "one range of groups"),
            ({"linux": {"f2": message(f1=message(f5=message(f1=0, f2=[message(f3=1)] * 2)))}}, "one range of users"),
            ({"linux": {"f2": message(f1=message(f5=message(f1=0, f2=message(f1=5), f3=message(f1=5))))}}, "is empty"),
            ({"linux": {"f2": message(f1=message(f5=message(f1=0, f2=message(f2=1, f3=9))))}}, "its root, 0, is not in it"),
            ({"linux": {"f2": message(f1=message(f5=message(f1=2, f2=message(f3=1))))}}, "the node's users"),
            ({"linux": {"f2": message(f1=message(f5=message(f1=1)))}}, "its own or the node's"),
            ({"linux": {"f2": message(f8=message(f1=0))}}, "no user"),
            ({"options": message(f1="some.other.Config", f2=b"")}, "some.other.Config"),
            ({"options": message(f1="runtime.v1.PodSandboxConfig", f2=b"\xff\xff")}, "cannot be decoded"),
            ({"linux": {"f3": message(f1="net.ipv4.no_such_thing", f2="1")}}, "no_such_thing"))):
        pod = Sandbox(t, name=f"pod{number}", **config)
        pod.client.send("CreateSandbox", pod.request, SANDBOX)
        _, code, text, _ = pod.client.answer()
        check(code and said in text, f"code {code}: {text}")
        pod.client.send("StartSandbox", message(f1=pod.name), SANDBOX)
        check(pod.client.answer()[1] == NOT_FOUND, "it was made")
    pod.client.send("UpdateSandbox", message(f1=pod.name), SANDBOX)
    check(pod.client.answer()[1] == UNIMPLEMENTED, "it has such a method")


# --- what its root file system is made of


def layers(t, *options, kind="overlay", source="overlay", name="c"):
    """A task whose root is mounted so, not yet created."""
    for folder in ("upper", "work", "lower"):
        t.path(folder).mkdir(exist_ok=True)
    words = [f"lowerdir={t.path('lower')}:{t.rootfs}", f"upperdir={t.path('upper')}", f"workdir={t.path('work')}"]
    task = Task(t, ["true"], name=name)
    task.request = message(f1=name, f2=str(task.folder), f3=message(
        f1=kind, f2=str(source), f4=[*(words if kind == "overlay" else ["rbind", "ro"]), *options]))
    return task


def owner(task, path="bin/busybox"):
    about = (task.folder / "rootfs" / path).stat()
    return about.st_uid, about.st_gid


def the_owners_in_layers_are_mapped_where_that_is_asked_for(t):
    task = layers(t, "uidmap=0:100000:65536", "gidmap=0:200000:1000,1000:300000:64536").run()
    check(owner(task) == (100000, 200000), f"owned by {owner(task)}")
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    check(mounts.count(str(task.folder / "rootfs")) == 1 and not [m for m in mounts if "lower" in m],
          f"mounts: {mounts}")
    check(task.wait() == 0, "it failed")


def the_owners_in_a_bound_folder_are_mapped_where_that_is_asked_for(t):
    task = layers(t, "uidmap=0:100000:65536", "gidmap=0:200000:65536", kind="bind", source=t.rootfs).run()
    check(owner(task) == (100000, 200000), f"owned by {owner(task)}")
    check(os.statvfs(task.folder / "rootfs").f_flag & os.ST_RDONLY, "it can be written")
    check(task.wait() == 0, "it failed")


def a_root_can_be_a_file_with_a_file_system(t):
    image = t.path("image")
    with image.open("w") as f:
        f.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-d", t.rootfs, image], check=True)
    task = Task(t, ["sh", "-c", "echo words >/dev/null && >/new"], name="c")
    config = task.folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "root": {"path": "rootfs"}}))
    task.request = message(f1="c", f2=str(task.folder), f3=message(f1="ext4", f2=str(image), f4=["rw", "loop"]))
    task.run()
    check(task.wait() == 0 and (task.folder / "rootfs/new").exists(), "it cannot be written")
    task.call("Delete")
    task.deleted = True
    devices = [Path(f"{p}/loop/backing_file") for p in Path("/sys/block").glob("loop*")]
    check(str(image) not in [p.read_text().strip() for p in devices if p.exists()], "its device stays")


def a_root_behind_a_link_is_unmounted(t):
    """As where containerd's state is said to be in /var/run."""
    t.path("link").symlink_to(BUNDLES)
    task = Task(t)
    task.request = task.create("c", t.path("link") / "c")
    task.run()
    task.call("Kill", f3=9)
    task.wait()
    task.call("Delete")
    task.deleted = True
    mounts = Path("/proc/self/mountinfo").read_text()
    check(f"{task.folder}/rootfs" not in mounts, "it stays")


def mount_options_that_cannot_be_are_refused_and_leave_nothing(t):
    for number, (options, said) in enumerate((
            (["uidmap=0:1:65536"], "need each other"), (["uidmap=0:1", "gidmap=0:1:1"], "CONTAINER:HOST:SIZE"),
            (["uidmap=0:1:1:1", "gidmap=0:1:1"], "uidmap=0:1:1:1"), (["uidmap=", "gidmap=0:1:1"], "was expected"),
            (["uidmap=0:x:1", "gidmap=0:1:1"], "0:x:1"), (["uidmap=0:1:1", "gidmap=0:1:0"], "gid_map"),
            (["X-containerd.some=1"], "X-containerd.some=1"), (["loop"], "open overlay"))):
        text = layers(t, *options, name=f"c{number}").refused()
        check(said in text, f"it said: {text}")


# --- how it is started


def the_answer_of_a_start_is_json_where_the_node_says_so(t):
    task = Task(t).run()
    said = json.loads(task.execute("c", task.folder, "start", STRAKE_SHIM_BOOTSTRAP="json"))
    check(said == {"version": 3, "address": f"unix://{task.path}", "protocol": "ttrpc"}, f"it said: {said}")
    check(task.execute("c", task.folder, "start", STRAKE_SHIM_BOOTSTRAP="") == f"unix://{task.path}".encode(),
          "it said something else without")
    try:
        task.execute("c", task.folder, "start", STRAKE_SHIM_BOOTSTRAP="xml")
        raise AssertionError("it was started")
    except Failed as e:
        check("STRAKE_SHIM_BOOTSTRAP" in str(e) and "xml" in str(e), f"it said: {e}")


def a_container_without_a_mount_namespace_leaves_nothing_mounted(t):
    """Its mounts are the node's, over its folder of state, or for hooks over its root; also of a shim that is killed."""
    table = Path("/proc/self/mountinfo")
    before = table.read_text()
    for number, hooks in enumerate((None, {"createRuntime": [{"path": "/bin/true"}]})):
        for killed in (False, True):
            task = Task(t, name=f"c{number}{killed:d}", hooks=hooks, namespaces=("pid", "ipc", "uts", "network")).run()
            there = os.readlink(f"/proc/{task.call('State')[3]}/ns/mnt")
            check(there == os.readlink("/proc/self/ns/mnt"), f"it is in the mount namespace {there}")
            check("/proc " in table.read_text().replace(before, ""), "its mounts are not there")
            out = Fifo(t.path(f"out{number}{killed:d}"))
            task.exec(["sh", "-c", "cd /; echo *"], out=out.path)
            check(task.wait(f2="e") == 0 and out.read() == "bin dev etc proc sys\n", "an exec is elsewhere")
            if killed:
                task.murder()
            task.finish()
            t.tasks.remove(task)
            check(settled(lambda: table.read_text() == before, True), "mounts are left")


def a_shim_without_container_ends_though_somebody_is_connected(t):
    shim = Shim(t.shim, t.rootfs, "c")
    folder = shim.bundle("c")
    shim.connect("c", folder)
    check(settled(lambda: zombie(shim.pid), True, 120), "it waits for ever")
    check(not os.path.exists(shim.path), "its socket was left")
    shutil.rmtree(folder)


def a_shim_that_is_shut_down_leaves_the_last_word_to_its_client(t):
    task = Task(t).run()
    task.call("Kill", f3=9)
    task.wait()
    task.call("Delete")
    task.call("Shutdown")
    check(task.call("Connect")[1] == task.pid, "another shim answers")
    task.client.close()
    check(settled(lambda: zombie(task.pid), True), "it stays when its client has hung up")
    check(not os.path.exists(task.path), "its socket was left")
    task.client = None


def a_container_of_the_name_of_one_that_is_gone_gets_no_shim_that_ends(t):
    """As `ctr run --rm` twice: containerd has the answer to Shutdown, the old shim has not ended yet."""
    old = Task(t).run()
    old.call("Kill", f3=9)
    old.wait()
    old.call("Delete")
    old.call("Shutdown")
    check("ends" in old.refused(), "it takes one more")
    shutil.rmtree(old.folder)
    t.tasks.remove(old)
    new = Task(t)
    check(new.pid != old.pid, "it is the one that ends")
    old.client.close()
    check(settled(lambda: zombie(old.pid), True), "the old one stays")
    new.run()
    check(os.path.exists(new.path), "the old one has taken the new one's socket away")


def a_shim_that_is_shut_down_goes_on_for_another_client(t):
    task = Task(t).run()
    task.call("Kill", f3=9)
    task.wait()
    task.call("Delete")
    shutil.rmtree(task.folder)
    folder = task.bundle("d", annotations={"io.containerd.runc.v2.group": "c"})
    task.connect("d", folder)
    other = Client(task.path)
    task.call("Shutdown")
    task.client.close()
    task.client, task.name, task.folder = other, "d", folder
    task.request = task.create("d", folder)
    task.run()
    task.connect("d", folder)
    check(task.client.call("Connect", message(f1="d"))[1] == task.pid, "another shim answers")


def slow(t):
    """A task that is being created, and goes on when something is written to the returned file."""
    os.mkfifo(t.path("gate"))
    task = Task(t, hooks={"createRuntime": [
        {"path": "/bin/sh", "args": ["sh", "-c", f"read line <{t.path('gate')}"]}]})
    task.client.send("Create", task.request)
    return task, t.path("gate").open("w")


def a_container_is_deleted_while_it_is_created(t):
    task, gate = slow(t)
    delete = task.client.send("Delete", message(f1="c"))
    task.refused("Delete", message(f1="c"))
    gate.write("go\n")
    gate.close()
    check(task.client.answer()[1] == 0, "it was not created")
    stream, code, text, _ = task.client.answer()
    check((stream, code) == (delete, 0), f"it was not deleted: {text}")
    check(task.refused("State", message(f1="c")), "it is there still")
    task.deleted = True


def a_client_without_patience_leaves_nothing_of_what_is_being_created(t):
    task, gate = slow(t)
    task.client.send("Delete", message(f1="c"))
    task.client.send("Shutdown", message(f1="c"))
    check(task.client.answer()[1] == 0, "Shutdown was refused")
    task.client.close()
    task.client = None
    gate.write("go\n")
    gate.close()
    check(settled(lambda: zombie(task.pid), True, 60), "the shim stays")


class Companion:
    """A container more, in the shim of that task."""

    def __init__(self, task, name="d", **bundle):
        self.task, self.name, self.why = task, name, ""
        self.folder = task.bundle(name, **bundle)
        task.connect(name, self.folder)

    def make(self, **fields):
        """0, or the code of why it was not; the text is in self.why."""
        self.task.client.send("Create", self.task.create(self.name, self.folder, **fields))
        _, code, self.why, _ = self.task.client.answer()
        return code

    def left(self):
        """What there is of it besides its bundle."""
        found = [p for p in (Path("/run/containerd/strake/test") / self.name, CGROUP / self.name) if p.exists()]
        return found + [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f"{self.folder}/" in line]

    def finish(self):
        self.task.client.send("Delete", message(f1=self.name))
        self.task.client.answer()
        self.task.execute(self.name, self.folder, "-bundle", str(self.folder), "delete")
        shutil.rmtree(self.folder)


class Scarce:
    """So many descriptors more than now are what the shim, and what it starts, may have."""

    def __init__(self, task, more):
        self.pid, self.before = task.pid, resource.prlimit(task.pid, resource.RLIMIT_NOFILE)
        self.most = descriptors(task.pid) + more

    def __enter__(self):
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (self.most, self.before[1]))

    def __exit__(self, *_):
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, self.before)


def an_exec_needs_no_room_on_a_disk(t):
    """Probes go on where /run is full."""
    task = Task(t).run()
    run = os.statvfs("/run")
    fifo = Fifo(t.path("out"))
    subprocess.run(["mount", "-o", f"remount,size={(run.f_blocks - run.f_bfree) * run.f_frsize}", "/run"], check=True)
    try:
        task.exec(["echo", "words"], out=t.path("out"))
        check(task.wait(f2="e") == 0, "it failed")
        task.call("Delete", f2="e")
    finally:
        subprocess.run(["mount", "-o", f"remount,size={run.f_blocks * run.f_frsize}", "/run"], check=True)
    check(fifo.read() == "words\n", "its output did not come")


def an_exec_without_descriptors_is_refused_and_nothing_of_it_runs(t):
    task = Task(t).run()
    before, outcomes = descriptors(task.pid), set()
    for terminal in (0, 1):
        for more in range(24):
            os.mkfifo(t.path("out"))
            out = "" if more % 2 else str(t.path("out"))
            task.call("Exec", f2="e", f3=terminal, f5=out,
                      f7=message(f1=PROCESS, f2=json.dumps({"args": ["sleep", "4713"], "cwd": "/", "env": ["PATH=/bin"],
                                                            "user": {"uid": 0, "gid": 0}, "terminal": bool(terminal)})))
            with Scarce(task, more):
                task.client.send("Start", message(f1="c", f2="e"))
                code = task.client.answer()[1]
                outcomes.add(bool(code))
                if code == 0:
                    task.call("Kill", f2="e", f3=9)
                    check(task.wait(f2="e") == 137, "it has another exit status")
                check(settled(lambda: processes("4713"), []) == [], f"with {more} descriptors more it runs, though it was refused")
                task.call("Delete", f2="e")
            check(settled(lambda: descriptors(task.pid), before) == before, f"with {more} more descriptors are left")
            t.path("out").unlink()
    check(outcomes == {True, False}, f"no turn was taken: {outcomes}")
    check(task.status() == RUNNING, "the container does not run any more")


def a_container_without_descriptors_is_refused_and_nothing_of_it_is_left(t):
    task = Task(t).run()
    before, outcomes = descriptors(task.pid), set()
    os.mkfifo(t.path("out"))
    for terminal in (0, 1):
        for more in range(24):
            other = Companion(task, process={"terminal": bool(terminal), "args": ["sleep", "4714"]})
            with Scarce(task, more):
                code = other.make(f4=terminal, f6=str(t.path("out")))
                outcomes.add(bool(code))
                if code == 0:
                    check(task.client.call("Delete", message(f1="d")) is not None, "it was not deleted")
                check(settled(other.left, []) == [], f"with {more} descriptors more: {other.left()}: {other.why}")
                check(settled(lambda: processes("4714"), []) == [], f"with {more} descriptors more it waits for its start")
            other.finish()
            check(settled(lambda: descriptors(task.pid), before) == before, f"with {more} more descriptors are left")
    check(outcomes == {True, False}, f"no turn was taken: {outcomes}")


def a_shim_without_descriptors_hears_a_client_that_is_back(t):
    task = Task(t).run()
    # What the connection that ends gives back is none of those that it may have.
    with Scarce(task, -3):
        task.client.close()
        task.client = Client(task.path)
        check(task.status() == RUNNING, "it does not answer")


# --- where its output goes


def ended(fifo):
    """Nobody writes it any more."""
    poll = select.poll()
    poll.register(fifo.fd, 0)
    return settled(lambda: bool(poll.poll(0)), True)


def the_end_of_an_output_is_seen_though_another_container_waits_for_its_start(t):
    fifo = Fifo(t.path("out"))
    task = Task(t, out=t.path("out")).run()
    other = Companion(task)
    check(other.make() == 0, "the other was not made")
    task.call("Kill", f3=9)
    task.wait()
    seen = ended(fifo)
    other.finish()
    check(seen, "what was made meanwhile holds it open")


def the_end_of_an_output_is_seen_while_another_container_is_being_made(t):
    fifo = Fifo(t.path("out"))
    task = Task(t, out=t.path("out")).run()
    os.mkfifo(t.path("gate"))
    other = Companion(task, hooks={"createRuntime": [
        {"path": "/bin/sh", "args": ["sh", "-c", f"read line <{t.path('gate')}"]}]})
    stream = task.client.send("Create", task.create(other.name, other.folder))
    with t.path("gate").open("w") as gate:
        task.call("Kill", f3=9)
        task.wait()
        seen = ended(fifo)
        gate.write("go\n")
    got, code, text, _ = task.client.answer()
    check((got, code) == (stream, 0), f"it was not created: {text}")
    other.finish()
    check(seen, "who makes the other holds it open")


def logger(t, text, listed=True):
    """A program that may be a log."""
    program = t.path("logger")
    program.write_text("#!/bin/bash\n" + text)
    program.chmod(0o755)
    LOGGERS.parent.mkdir(parents=True, exist_ok=True)
    LOGGERS.write_text(f"/bin/nosuch\n{program}\n" if listed else "/bin/nosuch\n")
    return program


def a_log_program_gets_both_outputs_and_its_words(t):
    program = logger(t, f"""exec 5>&-
        cat <&3 >{t.path("three")} & cat <&4 >{t.path("four")}; wait
        echo "$*" >{t.path("words")}; env >{t.path("env")}""")
    task = Task(t, ["sh", "-c", "echo words; echo more >&2"], out=f"binary://{program}?one=1&two=a%20b+c").run()
    check(task.wait() == 0, "another exit status came")
    task.call("Delete")
    task.deleted = True
    check(t.path("three").read_text() == "words\n", "stdout did not come")
    check(t.path("four").read_text() == "more\n", "stderr did not come")
    check(t.path("words").read_text() == "one 1 two a b c\n", "its arguments are others")
    env = t.path("env").read_text()
    check("CONTAINER_ID=c\n" in env and "CONTAINER_NAMESPACE=test\n" in env and "TTRPC" not in env,
          f"its environment is another: {env}")


def a_log_program_is_waited_for_before_the_container_is_made(t):
    os.mkfifo(t.path("gate"))
    program = logger(t, f"read < {t.path('gate')}; printf x >&5; exec 5>&-; cat <&3 >{t.path('three')}")
    task = Task(t, ["echo", "words"], out=f"binary-v2://{program}")
    stream = task.client.send("Create", task.request)
    other = Client(task.path)
    # As the stock shim: kubelet's statistics take the process that they are told once, were it none.
    other.send("State", message(f1="c"))
    check("is being created" in other.answer()[2], "a process is told of, and there is none yet")
    check(not Path("/run/containerd/strake/test/c").exists(), "the container was made")
    other.close()
    t.path("gate").write_text("\n")
    check(task.client.answer()[:2] == (stream, 0), "it was not created")
    task.call("Start")
    task.wait()
    task.call("Delete")
    task.deleted = True
    check(t.path("three").read_text() == "words\n", "stdout did not come")


def a_log_program_of_the_second_kind_that_ends_early_is_an_error(t):
    program = logger(t, "exit 3")
    text = Task(t, out=f"binary-v2://{program}").refused()
    check("before it was ready" in text and str(program) in text, f"it said: {text}")


def a_log_program_that_cannot_run_is_an_error(t):
    program = logger(t, "")
    program.write_text("#!/no/such/interpreter\n")
    text = Task(t, out=f"binary://{program}").refused()
    check("execute" in text and str(program) in text, f"it said: {text}")


def a_container_outlives_its_log_program(t):
    program = logger(t, f"exec 5>&-; head -c 6 <&3 >{t.path('three')}")
    out = Fifo(t.path("out"))
    task = Task(t, ["sh", "-c", "echo words; cat /dev/zero | head -c 1000000; exit 7"],
                out=f"binary://{program}").run()
    check(task.wait() == 7, "it was killed with its log")
    os.close(out.fd)
    check(t.path("three").read_text() == "words\n", "stdout did not come")


def a_log_program_takes_the_output_of_a_terminal_and_of_an_exec(t):
    program = logger(t, f"""exec 5>&-; f=$(mktemp {t.path("log")}.XXXX); cat <&3 >$f; cat <&4 >>$f""")
    task = Task(t, ["sh", "-c", "[ -t 1 ] && echo terminal"], terminal=True, out=f"binary://{program}").run()
    check(task.wait() == 0, "it has no terminal")
    task.call("Delete")
    task.deleted = True
    said = "".join(f.read_text() for f in t.folder.glob("log.*"))
    check(said.split() == ["terminal"], f"it said: {said!r}")
    task = Task(t, name="d").run()
    task.exec(["echo", "exec"], out=f"binary://{program}")
    check(task.wait(f2="e") == 0, "another exit status came")
    task.call("Delete", f2="e")
    check("exec\n" in [f.read_text() for f in t.folder.glob("log.*")], "the exec's output did not come")


def a_log_program_that_does_not_end_is_killed(t):
    program = logger(t, "exec 5>&-; trap '' TERM; exec sleep 4712")
    task = Task(t, ["true"], out=f"binary://{program}").run()
    task.wait()
    check(settled(lambda: len(processes("4712")), 1) == 1, "it does not run")
    task.call("Delete")
    task.deleted = True
    check(settled(lambda: len(processes("4712")), 0) == 0, "it was left")


def a_file_takes_both_outputs_and_those_of_the_next(t):
    log = t.path("new/folder/log")
    for i in range(2):
        task = Task(t, ["sh", "-c", "echo words; echo more >&2"], out=f"file://{log}", name=f"c{i}").run()
        task.wait()
    check(log.read_text() == "words\nmore\n" * 2, f"it has: {log.read_text()}")
    check(log.stat().st_mode & 0o777 == 0o644, "its mode is another")


def a_file_takes_the_output_of_a_terminal(t):
    task = Task(t, ["sh", "-c", "[ -t 1 ] && echo terminal"], terminal=True, out=f"file://{t.path('log')}").run()
    check(task.wait() == 0, "it has no terminal")
    task.call("Delete")
    task.deleted = True
    said = t.path("log").read_text()
    check(said.split() == ["terminal"], f"it said: {said!r}")


def a_fifo_as_file_that_nobody_reads_is_an_error(t):
    os.mkfifo(t.path("fifo"))
    text = Task(t, out=f"file://{t.path('fifo')}").refused()
    check("No such device" in text and "fifo" in text, f"it said: {text}")


def output_to_what_is_not_known_is_an_error(t):
    text = Task(t, out="http://localhost/log").refused()
    check("http://localhost/log is not supported" in text, f"it said: {text}")


# --- security: the names are those of the threats in the design


def A18_nobody_but_the_owner_gets_at_the_socket(t):
    task = Task(t).run()
    check(os.stat(task.path).st_mode & 0o777 == 0o600, "others may connect")
    check(os.stat(os.path.dirname(task.path)).st_mode & 0o777 == 0o700, "others see the socket")
    abstract = [line for line in Path("/proc/net/unix").read_text().splitlines() if " @" in line]
    check(not [line for line in abstract if "shim" in line or "strake" in line], "it has an abstract socket")
    child = os.fork()
    if child == 0:
        # The permissions are gone, but not the process: who came in another way is asked who it is.
        os.chmod(os.path.dirname(task.path), 0o711)
        os.chmod(task.path, 0o666)
        os.setuid(65534)
        try:
            Client(task.path).call("Pids", message(f1=task.name))
            os._exit(1)
        except (Failed, OSError):
            os._exit(0)
    check(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "another user was answered")
    os.chmod(os.path.dirname(task.path), 0o700)
    check(task.status() == RUNNING, "it does not serve its owner any more")


def A19_a_stuck_reader_costs_the_shim_no_memory(t):
    out = Fifo(t.path("out"))
    task = Task(t, ["cat", "/dev/zero"], out=out.path).run()
    before = memory(task.pid)
    for i in range(200):
        task.exec(["true"], name=f"e{i}")
        task.call("ResizePty", f3=80, f4=24)
        task.wait(f2=f"e{i}")
        task.call("Delete", f2=f"e{i}")
    # Others attach, read some of it, and leave.
    for i in range(1000):
        fd = os.open(out.path, os.O_RDONLY)
        os.read(fd, 4096)
        os.close(fd)
    grown = memory(task.pid) - before
    check(grown <= MEMORY_GROWTH, f"it has grown by {grown} kB")
    os.close(out.fd)


def A20_json_without_end_is_refused(t):
    task = Task(t).run()
    deep = "[" * 100000
    many = "[" + "0," * 3000000 + "0]"
    for number, text in enumerate((deep, many, '{"args":' + deep, "{" * 3, '"' + "x" * 3000000)):
        task.call("Exec", f2=f"e{number}", f7=message(f1=PROCESS, f2=text[:3 << 20]))
        task.refused("Start", message(f1=task.name, f2=f"e{number}"))
        task.call("Delete", f2=f"e{number}")
        task.refused("Update", message(f1=task.name, f2=message(f1=RESOURCES, f2=text[:3 << 20])))
    check(task.status() == RUNNING, "it does not run any more")


def A20_a_configuration_without_end_is_refused(t):
    """`start` looks into it where it may name a pod, and Create in any case."""
    key = '"io.kubernetes.cri.sandbox-id"'
    for number, text in enumerate((key + "[" * 100000, key + '{"annotations":' * 5000, '{"x":"' + "x" * (17 << 20) + '"}')):
        task = Shim(t.shim, t.rootfs, f"c{number}")
        folder = task.bundle(f"c{number}")
        (folder / "config.json").write_text(text)
        try:
            task.execute(f"c{number}", folder, "start")
            raise AssertionError("it was started")
        except Failed as e:
            check("config.json" in str(e), f"it said: {e}")
        shutil.rmtree(folder)
    for number, text in enumerate(("[" * 100000, '{"annotations":' * 5000)):
        task = Task(t, name=f"d{number}")
        (task.folder / "config.json").write_text(text)
        check("config.json" in (said := task.refused()), f"it said: {said}")


def A21_nobody_but_the_owner_sees_bundle_and_state(t):
    task = Task(t).run()
    (task.folder / "config.json").chmod(0o600)
    found = [task.folder / "strake.json", Path("/run/containerd/strake/test/c")]
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        readable = [p for p in found if os.access(p, os.R_OK)]
        readable += [p for p in Path("/run/containerd").glob("*/*/*") if os.access(p, os.R_OK)]
        os._exit(len(readable))
    check(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "another user can read something")


def A22_a_log_program_that_the_node_does_not_name_is_not_executed(t):
    program = logger(t, f"touch {t.path('executed')}", listed=False)
    text = Task(t, out=f"binary://{program}").refused()
    check("does not allow" in text and str(LOGGERS) in text, f"it said: {text}")
    LOGGERS.unlink()
    text = Task(t, out=f"binary://{program}", name="d").refused()
    check("does not allow" in text, f"without a list it said: {text}")
    program = logger(t, f"touch {t.path('executed')}")
    os.chmod(program, 0o777)
    text = Task(t, out=f"binary://{program}", name="e").refused()
    check("nobody else can write" in text, f"of one that all may write it said: {text}")
    os.chmod(program, 0o755)
    os.chmod(LOGGERS, 0o666)
    text = Task(t, out=f"binary://{program}", name="f").refused()
    check("nobody else can write" in text, f"of such a list it said: {text}")
    LOGGERS.unlink()
    text = Task(t, out=f"binary://{program}/../{program.name}", name="g").refused()
    check("does not allow" in text, f"of another spelling it said: {text}")
    check(not t.path("executed").exists(), "it was executed")


# --- what node policies do, as events


POLICIES = Path("/etc/strake/policy.d")


class Struck:
    """`start`, of one container after the other, one of whose processes is struck at each of its system calls."""

    NEVER = 100  # there was no such call

    def __init__(self, test, process, what, fewest):
        self.test, self.process, self.what, self.fewest = test, process, what, fewest
        self.status = self.words = None

    def __iter__(self):
        """(Shim, its bundle, where) after each; `status` and `words` are what came of it."""
        for n in range(1, 1000):
            name = f"c{self.process}-{n}"
            shim = Shim(self.test.shim, self.test.rootfs, name)
            folder = shim.bundle(name)
            done = shim.launch(name, folder, "start", before=[
                self.test.strike, self.test.path("strikes"), str(self.process), str(n), self.what])
            self.status, self.words = done.returncode, done.stderr.decode()
            if self.status != self.NEVER:
                yield shim, folder, f"struck at system call {n} ({self.words})"
            else:
                shim.execute(name, folder, "-bundle", str(folder), "delete")
            shutil.rmtree(folder)
            if self.status == self.NEVER:
                break
        check(n > self.fewest, f"it made {n} system calls")


def a_start_that_is_killed_at_any_call_leaves_nothing(t):
    # containerd, which killed it, removes the bundle: nobody is told of a shim, or of its socket.
    for _ in Struck(t, 0, "9", 40):
        pass
    left = settled(leftovers, [], ORPHAN)
    check(not left, f"left: {left[:9]}")


def a_start_with_a_call_that_fails_leaves_nothing_or_a_shim(t):
    strikes = Struck(t, 0, "e0", 40)
    for shim, folder, where in strikes:
        address = folder / "address"
        path = address.read_text().removeprefix("unix://") if address.exists() else ""
        if strikes.status:
            check(strikes.words, f"it said nothing, {where}")
            check(not path or not Path(path).exists(), f"its socket is there, {where}")
        else:
            Client(path).call("Connect", message(f1=shim.group))
            shim.execute(shim.group, folder, "-bundle", str(folder), "delete")
    left = settled(leftovers, [], ORPHAN)
    check(not left, f"left: {left[:9]}")


def a_shim_that_is_killed_as_it_begins_is_an_error_of_start_and_leaves_nothing(t):
    strikes, failed = Struck(t, 1, "9", 8), 0
    for shim, folder, where in strikes:
        if strikes.status:
            failed += 1
            check("ended before it listened" in strikes.words, f"it said something else, {where}")
        else:
            # It had answered: then containerd calls `delete`.
            shim.execute(shim.group, folder, "-bundle", str(folder), "delete")
        sockets = list(Path("/run/containerd/s").glob("*"))
        check(not sockets, f"a socket is there, {where}")
    check(failed > 5, f"{failed} have failed")
    left = settled(leftovers, [], ORPHAN)
    check(not left, f"left: {left[:9]}")


def policy(*rules):
    POLICIES.mkdir(parents=True, exist_ok=True)
    rules = [{"name": f"rule{i}", **r} for i, r in enumerate(rules, 1)]
    (POLICIES / "node.json").write_text(json.dumps({"schema": "strake/node-policy/1", "name": "node", "rules": rules}))


def told(t, *words):
    """What policies did, so many of the words of each."""
    with t.daemon.lock:
        return sorted((kind, *(w.get(word, "-") for word in words)) for kind, name, w in t.daemon.policy if name == "c")


def what_a_policy_cuts_is_an_event_for_create_exec_and_update(t):
    t.daemon.policy.clear()
    policy({"process": {"capabilities": {"ceiling": ["CAP_KILL"]}}, "resources": {"cpu": {"shares": {"max": 2000}}}},
           {"mode": "audit", "process": {"rlimits": {"RLIMIT_NOFILE": {"max": 256}}}})
    caps = {"bounding": ["CAP_KILL", "CAP_CHOWN"]}
    task = Task(t)
    config = json.loads((task.folder / "config.json").read_text())
    config["process"].update(capabilities=caps, rlimits=[{"type": "RLIMIT_NOFILE", "soft": 999, "hard": 999}])
    (task.folder / "config.json").write_text(json.dumps(config))
    task.run()
    words = ("request", "field", "requested", "effective", "policy", "rule", "mode")
    cut = ("process.capabilities.bounding", "CAP_CHOWN CAP_KILL", "CAP_KILL", "node", "rule1", "enforce")
    audit = ("process.rlimits[RLIMIT_NOFILE]", "999:999", "256:256", "node", "rule2", "audit")
    want = [("clamp", "create", *cut), ("clamp", "create", *audit)]
    check(settled(lambda: told(t, *words), sorted(want)) == sorted(want), f"told was {told(t, *words)}")
    spec = json.dumps({"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"], "capabilities": caps})
    task.call("Exec", f2="e", f7=message(f1=PROCESS, f2=spec))
    task.call("Start", f2="e")
    task.call("Delete", f2="e") if task.wait(f2="e") == 0 else None
    # Without the controller there is nothing to set, but what was asked for has been cut by then.
    task.client.send("Update", message(f1="c", f2=message(f1=RESOURCES, f2='{"cpu": {"shares": 4000}}')))
    task.client.answer()
    want += [("clamp", "exec", *cut), ("clamp", "update", "linux.resources.cpu.shares", "4000", "2000", "node", "rule1", "enforce")]
    check(settled(lambda: told(t, *words), sorted(want)) == sorted(want), f"told was {told(t, *words)}")
    shutil.rmtree(POLICIES.parent)


def what_a_policy_refuses_is_an_event(t):
    t.daemon.policy.clear()
    policy({"process": {"user": {"root": "never"}}})
    task = Task(t)
    task.refused()
    want = [("refuse", "create", "process.user.uid", "root is not allowed", "node", "rule1")]
    words = ("request", "field", "reason", "policy", "rule")
    check(settled(lambda: told(t, *words), want) == want, f"told was {told(t, *words)}")
    task.deleted = True
    shutil.rmtree(POLICIES.parent)


def a_denied_call_is_an_event_where_a_policy_reports_them(t):
    t.daemon.policy.clear()
    policy({"seccomp": {"report": True, "deny": [{"names": ["mkdir", "mkdirat"], "errno": "EXDEV"}]}})
    task = Task(t, ["sh", "-c", "busybox mkdir /one; exec sleep 1000"]).run()
    task.exec(["busybox", "mkdir", "/two"])
    check(task.wait(f2="e") == 1, "mkdir was not denied")
    want = [("denied", "mkdir", "EXDEV", "node", "rule1", "1", "busybox")] * 2
    words = ("name", "errno", "policy", "rule", "count", "comm")
    check(settled(lambda: told(t, *words), want) == want, f"told was {told(t, *words)}")
    shutil.rmtree(POLICIES.parent)


def denied_calls_wait_for_containerd_and_cost_no_exit(t):
    """More of them than the shim keeps: the rest is counted where it comes from, and none is missing."""
    execs, calls = 14, 60
    t.daemon.policy.clear()
    policy({"seccomp": {"report": True, "deny": [{"names": ["mkdir", "mkdirat"]}]}})
    task = Task(t).run()
    begin = t.daemon.count("/tasks/exit")
    t.daemon.present.clear()
    try:
        for i in range(execs):
            task.exec(["sh", "-c", f"n=0; while [ $n -lt {calls} ]; do busybox mkdir /d 2>&-; n=$((n + 1)); done"], name=f"e{i}")
        for i in range(execs):
            check(task.wait(f2=f"e{i}") == 0, "an exec has failed")
    finally:
        t.daemon.present.set()
    exits = settled(lambda: t.daemon.count("/tasks/exit"), begin + execs, 15)
    check(exits == begin + execs, f"{exits - begin} exits came")
    n = settled(lambda: sum(int(c) for _, c in told(t, "count")), execs * calls, 15)
    check(n == execs * calls, f"{n} of {execs * calls} denied calls were told, by {len(t.daemon.policy)} events")
    check(len(t.daemon.policy) <= execs * (calls + 20), "there were more events than calls")
    shutil.rmtree(POLICIES.parent)


PLAIN = (
    what_a_policy_cuts_is_an_event_for_create_exec_and_update,
    what_a_policy_refuses_is_an_event,
    a_denied_call_is_an_event_where_a_policy_reports_them,
    denied_calls_wait_for_containerd_and_cost_no_exit,
    a_container_without_a_mount_namespace_leaves_nothing_mounted,
    a_runtime_that_does_not_exist_is_named,
    a_runtime_of_few_words_is_quoted,
    a_runtime_that_hangs_is_killed_when_its_client_gives_up,
    the_answer_of_a_start_is_json_where_the_node_says_so,
    a_shim_without_container_ends_though_somebody_is_connected,
    a_shim_that_is_shut_down_leaves_the_last_word_to_its_client,
    a_container_of_the_name_of_one_that_is_gone_gets_no_shim_that_ends,
    a_shim_that_is_shut_down_goes_on_for_another_client,
    a_container_is_deleted_while_it_is_created,
    a_client_without_patience_leaves_nothing_of_what_is_being_created,
    a_sandbox_that_cannot_be_is_refused_and_says_why,
    the_owners_in_layers_are_mapped_where_that_is_asked_for,
    the_owners_in_a_bound_folder_are_mapped_where_that_is_asked_for,
    a_root_can_be_a_file_with_a_file_system,
    a_root_behind_a_link_is_unmounted,
    mount_options_that_cannot_be_are_refused_and_leave_nothing,
    an_exec_needs_no_room_on_a_disk,
    an_exec_without_descriptors_is_refused_and_nothing_of_it_runs,
    a_container_without_descriptors_is_refused_and_nothing_of_it_is_left,
    a_shim_without_descriptors_hears_a_client_that_is_back,
    the_end_of_an_output_is_seen_though_another_container_waits_for_its_start,
    the_end_of_an_output_is_seen_while_another_container_is_being_made,
    a_log_program_gets_both_outputs_and_its_words,
    a_log_program_is_waited_for_before_the_container_is_made,
    a_log_program_of_the_second_kind_that_ends_early_is_an_error,
    a_log_program_that_cannot_run_is_an_error,
    a_container_outlives_its_log_program,
    a_log_program_takes_the_output_of_a_terminal_and_of_an_exec,
    a_log_program_that_does_not_end_is_killed,
    a_file_takes_both_outputs_and_those_of_the_next,
    a_file_takes_the_output_of_a_terminal,
    a_fifo_as_file_that_nobody_reads_is_an_error,
    output_to_what_is_not_known_is_an_error,
    A18_nobody_but_the_owner_gets_at_the_socket,
    A19_a_stuck_reader_costs_the_shim_no_memory,
    A20_json_without_end_is_refused,
    A20_a_configuration_without_end_is_refused,
    A21_nobody_but_the_owner_sees_bundle_and_state,
    A22_a_log_program_that_the_node_does_not_name_is_not_executed,
)

WITH_STRIKES = (
    a_start_that_is_killed_at_any_call_leaves_nothing,
    a_start_with_a_call_that_fails_leaves_nothing_or_a_shim,
    a_shim_that_is_killed_as_it_begins_is_an_error_of_start_and_leaves_nothing,
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
        self.shim, self.rootfs, self.daemon, self.strike = args.shim, rootfs, args.daemon, args.strike
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


def install_criu(root):
    """Where runtimes look for it; with the libraries that it was made for."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    program = STATE / "bin" / "criu"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {libraries}/ld-linux-x86-64.so.2 --library-path {libraries} "
                       f'{root}/usr/sbin/criu "$@"\n')
    program.chmod(0o755)


def run(args, rootfs):
    tests = [(f, ()) for f in PLAIN]
    tests += [(f, ()) for f in WITH_ALL]
    tests += [(f, (r,)) for r in args.runtime for f in WITH_ALL + WITH_RUNTIME]
    tests += [(f, ()) for f in WITH_STRIKES if args.strike]
    if args.criu:
        tests += [(a_checkpoint_is_made_and_gone_on_from, (r,)) for r in args.runtime if r.name == "runc"]
        tests += [(a_checkpoint_is_made_and_gone_on_from, ()),
                  (A23_a_checkpoint_is_written_through_no_link_and_its_words_are_not_believed, ())]
    tests = [(f, words) for f, words in tests if args.only in f.__name__]
    print(f"1..{len(tests)}", flush=True)
    args.daemon = Daemon()
    if args.criu:
        install_criu(args.criu)
    args.daemon.start()
    bad = 0
    for number, (function, words) in enumerate(tests, 1):
        name = " ".join([function.__name__.replace("_", " "), *(f"({w.name})" for w in words)])
        begin = time.monotonic()
        try:
            Test(args, rootfs).run(function, words)
            print(f"ok {number} - {name}", flush=True)
        except Skipped as e:
            print(f"ok {number} - {name} # skip {e}", flush=True)
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
    p.add_argument("--criu", type=Path, help="a root file system with CRIU, for checkpoints")
    p.add_argument("--strike", type=Path, help="the program of that name, for system calls that fail or kill")
    p.add_argument("--only", default="", help="tests with this in their names")
    p.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    args.shim = args.shim.resolve()
    args.runtime = [r.resolve() for r in args.runtime]
    args.criu = args.criu and args.criu.resolve()
    args.strike = args.strike and args.strike.resolve()
    if args.inside:
        return inside(lambda rootfs: run(args, rootfs))
    if os.geteuid():
        print("1..0 # SKIP needs root")
        return 0
    return enter()


if __name__ == "__main__":
    sys.exit(main())
