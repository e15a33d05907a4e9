#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a real node (hack/node) with many pods, under the stock shim and under ours in turns: how long
they take from being scheduled to running when all are made at once, and what the runtime's part of the
node needs of memory while they run.

`make bench-node` calls it. Figures as JSON: build/bench/node.json."""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
NODE = TREE / "hack" / "node"
OURS, STOCK = "strake", "stock"
KINDS = (STOCK, OURS)
IMAGE = "strake/busybox:1"
# What each figure has to be, as (what, of which figure, at most).
BARS = (
    ("scheduled to running, median of all pods, of stock", lambda r: r["start_seconds"][OURS] / r["start_seconds"][STOCK], 1),
    ("until the last one runs, of stock", lambda r: r["all_running_seconds"][OURS] / r["all_running_seconds"][STOCK], 1),
    ("PSS of the shims, of stock", lambda r: r["pss_kib"][OURS]["shims"] / r["pss_kib"][STOCK]["shims"], 1 / 12),
    ("PSS of all that is not containers', of stock", lambda r: r["pss_kib"][OURS]["all"] / r["pss_kib"][STOCK]["all"], 1),
)
# In the guest: KiB of PSS of every process that is not a container's, by what it is, and what is available.
MEMORY = r"""
import json, os, re
sums = {"shims": 0, "shim_count": 0, "containerd": 0, "kubelet": 0, "others": 0}
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{pid}/cmdline").read().split("\0")
        cgroup = open(f"/proc/{pid}/cgroup").read()
        pss = int(re.search(r"^Pss: *(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M).group(1))
    except (OSError, AttributeError):
        continue
    name = os.path.basename(words[0])
    shim = name.startswith("containerd-shim-")
    if "kubepods" in cgroup and not shim or int(pid) == os.getpid():
        continue
    sums["shims" if shim else name if name in sums else "others"] += pss
    sums["shim_count"] += shim
available = int(re.search(r"^MemAvailable: *(\d+)", open("/proc/meminfo").read(), re.M).group(1))
print(json.dumps({**sums, "available": available}))
"""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def node(*words, stdin=None, timeout=300):
    done = subprocess.run([NODE, *words], input=stdin, text=True, stdout=subprocess.PIPE, timeout=timeout, check=False)
    if done.returncode:
        raise SystemExit(f"bench: hack/node {' '.join(words)} ended with status {done.returncode}: {done.stdout}")
    return done.stdout


def kubectl(*words, **more):
    return node("kubectl", *words, **more)


def pod(kind, name):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"bench": kind}},
            "spec": {"runtimeClassName": kind, "terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "main", "image": IMAGE, "command": ["sleep", "100000"]}]}}


def apply(items):
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


class Watch:
    """When each pod of a kind was first seen as scheduled, and as running."""

    def __init__(self, kind):
        self.scheduled, self.running = {}, {}
        self.news = threading.Condition()
        # The last of a pod's containers, too.
        self.process = subprocess.Popen(
            [NODE, "kubectl", "get", "pods", "-l", f"bench={kind}", "--watch", "-o",
             'jsonpath={.metadata.name} {.spec.nodeName} {.status.phase}{"\\n"}'],
            stdout=subprocess.PIPE, text=True, start_new_session=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            now, words = time.monotonic(), line.split()
            with self.news:
                if len(words) == 3:
                    self.scheduled.setdefault(words[0], now)
                    if words[2] == "Running":
                        self.running.setdefault(words[0], now)
                self.news.notify()

    def wait(self, names, seconds):
        end = time.monotonic() + seconds
        with self.news:
            while not all(name in self.running for name in names):
                if not self.news.wait(end - time.monotonic()):
                    raise SystemExit(f"bench: not running in time: {[n for n in names if n not in self.running]}")

    def close(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def memory():
    sums = json.loads(node("exec", "--", "python3", "-c", MEMORY))
    sums["all"] = sum(sums[key] for key in ("shims", "containerd", "kubelet", "others"))
    return sums


def measure_once(kind, args):
    names = [f"{kind}-{i}" for i in range(args.pods)]
    watch = Watch(kind)
    try:
        apply([pod(kind, f"{kind}-first")])
        watch.wait([f"{kind}-first"], 120)
        kubectl("delete", "pods", "-l", f"bench={kind}", "--wait", "--timeout=60s")
        time.sleep(args.settle)
        before = memory()
        apply([pod(kind, name) for name in names])
        watch.wait(names, 300)
    finally:
        watch.close()
    time.sleep(args.settle)
    during = memory()
    if during["shim_count"] != args.pods:
        raise SystemExit(f"bench: {during['shim_count']} shims for {args.pods} pods")
    begin = time.monotonic()
    kubectl("delete", "pods", "-l", f"bench={kind}", "--wait", "--timeout=200s")
    return {
        "start_seconds": statistics.median(watch.running[n] - watch.scheduled[n] for n in names),
        "all_running_seconds": max(watch.running[n] for n in names) - min(watch.scheduled[n] for n in names),
        "deleted_seconds": time.monotonic() - begin,
        "pss_kib": during,
        "more_pss_kib": {key: during[key] - before[key] for key in ("all", "containerd", "kubelet", "others")},
        "less_available_kib": before["available"] - during["available"],
    }


def median_of(rounds):
    """Medians of figures, and of those within them."""
    if isinstance(rounds[0], dict):
        return {key: median_of([r[key] for r in rounds]) for key in rounds[0]}
    return round(statistics.median(rounds), 3 if isinstance(rounds[0], float) else None)


def measure(args):
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
                                                  "metadata": {"name": STOCK}, "handler": "runc"}))
    end = time.monotonic() + 30
    while subprocess.run([NODE, "kubectl", "get", "serviceaccount", "default"], check=False,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode and time.monotonic() < end:
        time.sleep(0.3)
    info = json.loads(kubectl("get", "node", "node-1", "-o", "json"))["status"]["nodeInfo"]
    rounds = {kind: [] for kind in KINDS}
    for i in range(args.rounds):
        for kind in KINDS if i % 2 == 0 else reversed(KINDS):
            rounds[kind].append(measure_once(kind, args))
            say(f"round {i + 1}, {kind}: {rounds[kind][-1]}")
    result = {"kubelet": info["kubeletVersion"], "containerd": info["containerRuntimeVersion"].rpartition("/")[2],
              "runc": node("exec", "--", "runc", "--version").split()[2], "kernel": info["kernelVersion"],
              "pods": args.pods, "rounds": args.rounds}
    figures = {kind: median_of(rounds[kind]) for kind in KINDS}
    result.update({key: {kind: figures[kind][key] for kind in KINDS} for key in figures[OURS]})
    result["bars"] = [{"what": what, "is": round(of(result), 3), "at_most": round(most, 3), "holds": of(result) <= most}
                      for what, of, most in BARS]
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pods", type=int, default=30, help="at once (30)")
    p.add_argument("--rounds", type=int, default=3, help="of each kind, whose medians are told (3)")
    p.add_argument("--settle", type=int, default=20, help="seconds before memory is looked at (20)")
    p.add_argument("--output", type=Path, default=TREE / "build/bench/node.json")
    args = p.parse_args()
    args.output.parent.mkdir(parents=True, exist_ok=True)
    os.environ.update(NODE_STATE=str(TREE / "build/bench/node"), NODE_OWNER=str(os.getpid()))
    node("down")
    try:
        node("up", timeout=1800)
        result = measure(args)
    finally:
        node("down")
    args.output.write_text(json.dumps(result, indent=1) + "\n")
    for bar in result["bars"]:
        print(f"{bar['what']:52} {bar['is']:>9} (at most {bar['at_most']}){'' if bar['holds'] else '  MISSED'}")


if __name__ == "__main__":
    sys.exit(main())
