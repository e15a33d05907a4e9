#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets the operator work for long and watches what it holds: Databases are made, scaled, changed,
broken by hand and deleted, connections are cut, and every half minute, at rest, its memory and
descriptors are read. Prints them and writes build/bench/soak.json.

	tests/bench/soak.py [SECONDS]     how long (1800)
"""
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kube"))
from harness import TREE, Cluster, Operator, wait  # noqa: E402
from proxy import Proxy  # noqa: E402

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1800
NAMES = [f"db-{n}" for n in range(40)]
OUT = TREE / "build" / "bench" / "soak.json"
random.seed(1)
cluster = Cluster()
namespace = f"soak-{os.getpid()}"
samples, done = [], {}


def make(name):
    cluster.database(namespace, name, replicas=random.randrange(3), deletionPolicy=random.choice(["Retain", "Delete"]))


def change(name, spec):
    cluster.patch("Database", namespace, name, {"spec": spec})


def drop_child(name):
    kind, suffix = random.choice([("Service", "-rw"), ("ConfigMap", "-config"), ("ServiceAccount", ""), ("Service", "-ro")])
    cluster.delete(kind, namespace, name + suffix)


def again(name):
    cluster.delete("Database", namespace, name)
    wait(lambda: not cluster.get("Database", namespace, name), 120, f"{name} stays")
    make(name)


WORK = [
    (6, "scaled", lambda n: change(n, {"replicas": random.randrange(4)})),
    (4, "configured", lambda n: change(n, {"config": {"parameters": {"work_mem": f"{random.randrange(1, 64)}MB"}}})),
    (2, "rolled", lambda n: change(n, {"terminationGracePeriodSeconds": random.randrange(30, 300)})),
    (1, "made invalid", lambda n: change(n, {"config": {"parameters": {"Bad Name": "1"}}})),
    (2, "made valid", lambda n: change(n, {"config": None})),
    (3, "robbed of a child", drop_child),
    (2, "edited by hand", lambda n: cluster.patch("ConfigMap", namespace, f"{n}-config", {"data": {"start.sh": "x"}})),
    (1, "deleted and made again", again),
]


def settled():
    for o in cluster.list("Database", namespace):
        status = o.get("status", {})
        if status.get("observedGeneration") != o["metadata"]["generation"] or status["phase"] not in ("Ready", "Hibernated", "Failed"):
            return False
    return True


def sample(pid, started):
    wait(settled, 300, "it does not settle")
    time.sleep(4)
    sizes = {name: int(rest.split()[0]) for name, _, rest in
             (line.partition(":") for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])}
    samples.append({"seconds": round(time.monotonic() - started), "rss_kib": sizes["Rss"],
                    "private_kib": sizes["Private_Dirty"] + sizes["Private_Clean"], "fds": len(os.listdir(f"/proc/{pid}/fd"))})
    print(json.dumps(samples[-1]), flush=True)


cluster.create("Namespace", None, {"metadata": {"name": namespace}})
with Proxy(cluster) as proxy:
    operator = Operator(proxy.kubeconfig, "--namespace", namespace, "--log-level", "error", lease="soak")
    with operator:
        operator.wait_synced().wait_leading()
        for name in NAMES:
            make(name)
        pid, started = operator.process.pid, time.monotonic()
        sample(pid, started)
        while time.monotonic() < started + SECONDS:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                _, words, work = random.choices(WORK, [w for w, _, _ in WORK])[0]
                try:
                    work(random.choice(NAMES))
                    done[words] = done.get(words, 0) + 1
                except Exception as error:  # what it works on may just be going away
                    done["refused"] = done.get("refused", 0) + 1
                    if "404" not in str(error) and "409" not in str(error):
                        raise
                time.sleep(0.2)
            proxy.cut_all()
            with proxy.lock:
                proxy.seen = []
            sample(pid, started)
        at = cluster.audit_end()
        time.sleep(20)
        writes = [w for w in cluster.writes(at, "strake-operator") if f"/{namespace}/" in w[2]]
        third = max(1, len(samples) // 3)
        first, last = (statistics.mean(s["private_kib"] for s in part) for part in (samples[1:third + 1], samples[-third:]))
        bars = [{"text": "private memory of the last third to that of the first", "value": round(last / first, 3), "limit": 1.05,
                 "met": last / first <= 1.05},
                {"text": "descriptors at the end more than after the first half minute", "value": samples[-1]["fds"] - samples[1]["fds"],
                 "limit": 2, "met": samples[-1]["fds"] - samples[1]["fds"] <= 2},
                {"text": "writes in the rest at the end", "value": len(writes), "limit": 0, "met": not writes}]
for b in bars:
    print(f"{'met' if b['met'] else 'MISSED'}: {b['text']}: {b['value']} (at most {b['limit']})")
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps({"seconds": SECONDS, "work": done, "samples": samples, "bars": bars}, indent=2) + "\n")
