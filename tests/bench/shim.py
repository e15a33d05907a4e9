#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures our shim against containerd's own, under one containerd in one run, on this machine.

`make bench-shim` builds what it needs and calls it. It works in mount and process namespaces of its
own, on cgroup v2 without controllers, and leaves nothing. Figures as JSON: build/bench/shim.json."""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shim"))
from containerd import Client, message  # noqa: E402

PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process"
CGROUP = "strake-bench-shim"
OURS, STOCK = "strake", "stock"
KINDS = (OURS, STOCK)
RUNTIMES = {OURS: "io.containerd.strake.v1", STOCK: "io.containerd.runc.v2"}
SHIMS = {OURS: "containerd-shim-strake-v1", STOCK: "containerd-shim-runc-v2"}
# What each figure has to be, as (what, of which figure, at most).
BARS = (
    ("run, of stock", lambda r: r["run_ms"][OURS] / r["run_ms"][STOCK], 0.35),
    ("run in a pod that is there, of stock", lambda r: r["run_in_pod_ms"][OURS] / r["run_in_pod_ms"][STOCK], 0.45),
    ("exec, of stock", lambda r: r["exec_ms"][OURS] / r["exec_ms"][STOCK], 0.3),
    # What ctr and containerd need is in both, and is most of ours: this is without the client's start.
    ("exec beyond the client's start, of stock",
     lambda r: (r["exec_ms"][OURS] - r["client_ms"]) / (r["exec_ms"][STOCK] - r["client_ms"]), 0.3),
    ("exec asked of the shim itself, of stock",
     lambda r: r["exec_direct_ms"][OURS] / r["exec_direct_ms"][STOCK], 0.3),
    ("PSS of an idle shim, kB", lambda r: r["idle_kb"][OURS]["Pss"], 300),
    ("PSS of an idle shim, of stock",
     lambda r: r["idle_kb"][OURS]["Pss"] / r["idle_kb"][STOCK]["Pss"], 1 / 12),
    ("growth by execs, kB", lambda r: r["growth_kb"][OURS]["Pss"], 50),
    ("wake-ups of an idle shim", lambda r: r["wakeups"][OURS], 0),
    ("errors among the pods", lambda r: r["pods"][OURS]["errors"], 0),
)


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, args):
        self.args = args
        self.top = Path("/run/bench")
        self.env = dict(os.environ, PATH=f"/run/bench/bin:{args.containerd}:/usr/sbin:/usr/bin:/sbin:/bin")
        self.spec = None
        self.daemon = None

    # --- the ground

    def prepare(self):
        self.top.mkdir()
        (self.top / "bin").mkdir()
        for source in (self.args.shim, self.args.runc):
            shutil.copy(source, self.top / "bin")
        root = self.top / "rootfs"
        for name in ("bin", "proc", "dev", "sys", "tmp", "etc"):
            (root / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "bin/busybox")
        shutil.copy(self.args.true, root / "bin/true")
        (root / "bin/sleep").symlink_to("busybox")
        subprocess.run(["runc", "spec"], cwd=self.top, env=self.env, check=True)
        self.spec = json.loads((self.top / "config.json").read_text())
        self.spec["process"]["terminal"] = False
        self.spec["process"]["rlimits"] = []
        self.spec["root"] = {"path": str(root), "readonly": True}
        self.spec["linux"]["resources"] = {}

    def start(self):
        config = self.top / "containerd.toml"
        config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri", '
                          '"io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]\n')
        with open(self.top / "containerd.log", "wb") as log:
            self.daemon = subprocess.Popen([f"{self.args.containerd}/containerd", "--config", config],
                                           env=self.env, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while self.ctr("version", check=False).returncode:
            if time.monotonic() > end:
                raise SystemExit(f"containerd does not answer: {(self.top / 'containerd.log').read_text()}")
            time.sleep(0.05)

    def ctr(self, *words, check=True):
        done = subprocess.run([f"{self.args.containerd}/ctr", *words], env=self.env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if check and done.returncode:
            raise SystemExit(f"ctr {' '.join(words)}: {done.stdout}")
        return done

    def config(self, name, *command, pod=None):
        spec = dict(self.spec, process=dict(self.spec["process"], args=list(command)),
                    annotations={"io.containerd.runc.v2.group": pod} if pod else {},
                    linux=dict(self.spec["linux"], cgroupsPath=f"/{CGROUP}/{name}"))
        path = self.top / f"{name}.json"
        path.write_text(json.dumps(spec))
        return str(path)

    def run(self, kind, name, *command, options=(), pod=None):
        return ["run", *options, "--runtime", RUNTIMES[kind], "--config",
                self.config(name, *command, pod=pod), name]

    def sleeper(self, kind, name, pod=None):
        return self.run(kind, name, "/bin/sleep", "100000", options=("-d", "--null-io"), pod=pod)

    def remove(self, *names):
        self.ctr("task", "rm", "--force", *names)
        self.ctr("container", "rm", *names)

    def shims(self, kind):
        """The processes of that shim which serve, by the names of their containers."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except (OSError, ValueError):
                continue
            if os.path.basename(words[0]) == SHIMS[kind] and "-id" in words:
                found[words[words.index("-id") + 1]] = int(entry.name)
        return found

    def sleeping(self):
        """The processes that the containers run."""
        return [int(line.split()[1]) for line in self.ctr("task", "ls").stdout.splitlines()[1:]]

    # --- what is measured

    def timed(self, *words):
        begin = time.monotonic()
        self.ctr(*words)
        return (time.monotonic() - begin) * 1000

    def measure_run(self, pods=None):
        """`pods`: whose shim is there already, by kind."""
        times = {kind: [] for kind in KINDS}
        for i in range(self.args.runs + 2):
            for kind in KINDS:
                ms = self.timed(*self.run(kind, f"run-{kind}", "/bin/true", options=("--rm",),
                                          pod=pods and pods[kind]))
                if i >= 2:
                    times[kind].append(ms)
        return {kind: round(statistics.median(times[kind]), 2) for kind in KINDS}

    def measure_run_in_pod(self):
        pods = {kind: f"pod-{kind}" for kind in KINDS}
        for kind in KINDS:
            self.ctr(*self.sleeper(kind, pods[kind], pod=pods[kind]))
        times = self.measure_run(pods)
        self.remove(*pods.values())
        return times

    def measure_exec(self):
        """By ctr; asked of the shims without containerd; and a call of ctr that asks for little."""
        times = {kind: [] for kind in KINDS}
        direct = {kind: [] for kind in KINDS}
        client = []
        for kind in KINDS:
            self.ctr(*self.sleeper(kind, f"exec-{kind}"))
        shims = {kind: ShimClient(f"exec-{kind}") for kind in KINDS}
        for i in range(self.args.runs + 2):
            client.append(self.timed("task", "ls"))
            for kind in KINDS:
                ms = self.timed("task", "exec", "--exec-id", f"e{i}", f"exec-{kind}", "/bin/true")
                direct[kind].append(shims[kind].exec(f"d{i}", "/bin/true"))
                if i >= 2:
                    times[kind].append(ms)
        for kind in KINDS:
            shims[kind].close()
        self.remove(*(f"exec-{kind}" for kind in KINDS))
        median = {kind: round(statistics.median(times[kind]), 2) for kind in KINDS}
        return (median, {kind: round(statistics.median(direct[kind][2:]), 2) for kind in KINDS},
                round(statistics.median(client[2:]), 2))

    def measure_idle(self):
        """Memory of each of twenty, and how often they ran in a while: processes and their threads."""
        names = {kind: [f"idle-{kind}-{i}" for i in range(20)] for kind in KINDS}
        for kind in KINDS:
            for name in names[kind]:
                self.ctr(*self.sleeper(kind, name))
        time.sleep(self.args.settle)
        pids = {kind: list(self.shims(kind).values()) for kind in KINDS}
        # What others do to all processes of the machine, a debugger or a snapshot, shows in those
        # that sleep.
        pids["asleep"] = self.sleeping()
        before = {kind: [switches(pid) for pid in pids[kind]] for kind in pids}
        time.sleep(self.args.idle)
        counts = {kind: statistics.median(switches(pid) - n for pid, n in zip(pids[kind], before[kind]))
                  for kind in pids}
        wakeups = {kind: max(counts[kind] - counts["asleep"], 0) for kind in KINDS}
        wakeups["asleep"] = counts["asleep"]
        memory = {kind: median_of(map(rollup, pids[kind])) for kind in KINDS}
        for kind in KINDS:
            self.remove(*names[kind])
        return memory, wakeups

    def measure_growth(self):
        growth = {}
        for kind in KINDS:
            name = f"growth-{kind}"
            self.ctr(*self.sleeper(kind, name))
            for i in range(20):
                self.ctr("task", "exec", "--exec-id", f"first{i}", name, "/bin/true")
            pid = self.shims(kind)[name]
            time.sleep(2)
            before = rollup(pid)
            for i in range(self.args.execs):
                self.ctr("task", "exec", "--exec-id", f"e{i}", name, "/bin/true")
            time.sleep(2)
            after = rollup(pid)
            growth[kind] = {key: after[key] - before[key] for key in before}
            self.remove(name)
        return growth

    def measure_pods(self):
        result = {}
        for kind in KINDS:
            names = [f"pod-{kind}-{i}" for i in range(self.args.pods)]
            commands = [[f"{self.args.containerd}/ctr", *self.sleeper(kind, name)] for name in names]
            begin = time.monotonic()
            errors = parallel(commands, 4, self.env)
            seconds = time.monotonic() - begin
            running = self.ctr("task", "ls").stdout.count("RUNNING")
            total = sum(rollup(pid)["Pss"] for pid in self.shims(kind).values())
            errors += parallel([[f"{self.args.containerd}/ctr", "task", "rm", "--force", name]
                                for name in names], 4, self.env)
            self.ctr("container", "rm", *names)
            result[kind] = {"errors": errors + self.args.pods - running, "seconds": round(seconds, 2),
                            "pss_kb": total}
        return result

    def measure(self):
        self.prepare()
        self.start()
        result = {"containerd": self.ctr("version").stdout.split("Version:")[-1].split()[0],
                  "runc": subprocess.run(["runc", "--version"], env=self.env, text=True, check=True,
                                         stdout=subprocess.PIPE).stdout.split()[2],
                  "runs": self.args.runs, "execs": self.args.execs, "idle_seconds": self.args.idle}
        result["run_ms"] = self.measure_run()
        say(f"run_ms: {result['run_ms']}")
        result["run_in_pod_ms"] = self.measure_run_in_pod()
        say(f"run_in_pod_ms: {result['run_in_pod_ms']}")
        result["exec_ms"], result["exec_direct_ms"], result["client_ms"] = self.measure_exec()
        say(f"exec_ms: {result['exec_ms']}, direct: {result['exec_direct_ms']}, client: {result['client_ms']}")
        result["idle_kb"], result["wakeups"] = self.measure_idle()
        say(f"idle_kb: {result['idle_kb']}, wakeups: {result['wakeups']}")
        result["growth_kb"] = self.measure_growth()
        say(f"growth_kb: {result['growth_kb']}")
        result["pods"] = self.measure_pods()
        say(f"pods: {result['pods']}")
        result["left"] = {kind: len(self.shims(kind)) for kind in KINDS}
        result["bars"] = [{"what": what, "is": round(of(result), 3), "at_most": round(most, 3),
                           "holds": of(result) <= most} for what, of, most in BARS]
        return result

    def end(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()


class ShimClient:
    """Speaks to the shim of a container as containerd does, over its socket."""

    def __init__(self, name):
        folder = Path("/run/containerd/io.containerd.runtime.v2.task/default") / name
        address = json.loads((folder / "bootstrap.json").read_text())["address"]
        self.name, self.client = name, Client(address.removeprefix("unix://"), "default")

    def exec(self, exec_id, *command):
        """Milliseconds of one from its being added to its being deleted."""
        spec = json.dumps({"args": command, "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"]})
        which = message(f1=self.name, f2=exec_id)
        begin = time.monotonic()
        self.client.call("Exec", which + message(f7=message(f1=PROCESS, f2=spec)))
        for method in ("Start", "Wait", "Delete"):
            self.client.call(method, which)
        return (time.monotonic() - begin) * 1000

    def close(self):
        self.client.close()


def switches(pid):
    """How often the threads of a process were switched to and from."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if "ctxt_switches" in line:
                total += int(line.split()[1])
    return total


def rollup(pid):
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    kb = {key: int(value.split()[0]) for key, value in fields.items()}
    return {"Rss": kb["Rss"], "Pss": kb["Pss"], "Uss": kb["Private_Clean"] + kb["Private_Dirty"]}


def median_of(figures):
    figures = list(figures)
    return {key: round(statistics.median(f[key] for f in figures)) for key in figures[0]}


def parallel(commands, width, env):
    """Run them, so many at a time; how many failed."""
    failed, running, waiting = 0, [], list(commands)
    while waiting or running:
        while waiting and len(running) < width:
            running.append(subprocess.Popen(waiting.pop(0), env=env, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        failed += running.pop(0).wait() != 0
    return failed


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def own_world():
    """Mounts of our own: this process is the first of its process namespace."""
    mount("-t", "proc", "proc", "/proc")
    mount("-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
    mount("-t", "tmpfs", "tmpfs", "/run")
    os.makedirs("/var/lib/containerd", exist_ok=True)
    mount("-t", "tmpfs", "tmpfs", "/var/lib/containerd")


def remove_cgroups():
    top = Path("/sys/fs/cgroup") / CGROUP
    for path in sorted(top.glob("**/"), reverse=True):
        path.rmdir()


def end_all():
    """What is left, if the child failed."""
    try:
        os.kill(-1, signal.SIGKILL)
        while True:
            os.wait()
    except (ProcessLookupError, ChildProcessError):
        pass


def inside(args):
    own_world()
    child = os.fork()
    if child:
        status = 1
        while True:  # shims become our children, and end when everything does
            pid, state = os.wait()
            if pid == child:
                status = os.waitstatus_to_exitcode(state)
                break
        end_all()
        remove_cgroups()
        return status
    bench = Bench(args)
    try:
        result = bench.measure()
    finally:
        bench.end()
    args.output.write_text(json.dumps(result, indent=1) + "\n")
    for bar in result["bars"]:
        print(f"{bar['what']:32} {bar['is']:>9} (at most {bar['at_most']}){'' if bar['holds'] else '  MISSED'}")
    os._exit(0)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--containerd", required=True, help="the folder of containerd, ctr and its shim")
    p.add_argument("--runc", type=Path, required=True)
    p.add_argument("--shim", type=Path, required=True, help="ours")
    p.add_argument("--true", type=Path, required=True, help="the program that containers run")
    p.add_argument("--output", type=Path, required=True)
    p.add_argument("--runs", type=int, default=40, help="of each kind (40)")
    p.add_argument("--execs", type=int, default=1000, help="after which growth is looked at (1000)")
    p.add_argument("--pods", type=int, default=200, help="side by side (200)")
    p.add_argument("--idle", type=int, default=60, help="seconds in which wake-ups are counted (60)")
    p.add_argument("--settle", type=int, default=20, help="seconds before that (20)")
    p.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.inside:
        return inside(args)
    if os.geteuid():
        raise SystemExit("bench: needs root, as containerd does")
    return subprocess.run(["unshare", "--mount", "--propagation", "private", "--pid", "--fork",
                           "--kill-child", "--", sys.executable, __file__, "--inside", *sys.argv[1:]],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
