#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the operator against a peer written with client-go, on the control plane that
hack/controlplane started, in one run; prints figures and writes build/bench/operator.json.

	tests/bench/operator.py [COUNT]     how many Databases (1000)
"""
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kube"))
from harness import BUILD, OPERATOR, TREE, Cluster, Operator, wait  # noqa: E402

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
OUT = TREE / "build" / "bench"
PEER = OUT / "peer"
cluster = Cluster()
result = {"databases": COUNT}


def memory(pid):
    kinds = {"Rss": 0, "Private_Dirty": 0, "Private_Clean": 0, "Anonymous": 0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in kinds:
            kinds[name] = int(rest.split()[0])
    return {"rss_kib": kinds["Rss"], "private_kib": kinds["Private_Dirty"],
            "private_with_clean_kib": kinds["Private_Dirty"] + kinds["Private_Clean"],
            "anonymous_kib": kinds["Anonymous"]}


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def put(name, value):
    result[name] = value
    print(f"{name}: {json.dumps(value)}", flush=True)


def writes(start, agent):
    return [w for w in cluster.writes(start, agent) if "/leases/" not in w[2]]


def parse(stamp):
    clock, _, fraction = stamp.rstrip("Z").partition(".")
    return time.mktime(time.strptime(clock, "%Y-%m-%dT%H:%M:%S")) + float("0." + (fraction or "0"))


def fresh(name):
    name = f"bench-{name}-{os.getpid()}"
    cluster.create("Namespace", None, {"metadata": {"name": name}})
    return name


def fill(namespace, replicas):
    for n in range(COUNT):
        cluster.create("Database", namespace, {"apiVersion": "example.com/v1", "kind": "Database",
                       "metadata": {"name": f"db-{n}"}, "spec": {"replicas": replicas}})


def empty(namespace):
    """The Databases go with all they have; the rest of the namespace goes in the background."""
    for kind in ("Database", "StatefulSet"):
        cluster.raw("DELETE", cluster.path(kind, namespace), {"kind": "DeleteOptions", "apiVersion": "v1",
                                                             "propagationPolicy": "Background"})
    cluster.delete("Namespace", None, namespace)
    wait(lambda: not cluster.get("Namespace", None, namespace), 900, "the namespace stays")


def count(kind, namespace, look=lambda o: True):
    return sum(1 for o in cluster.list(kind, namespace) if look(o))


def templates():
    sample = json.dumps({"apiVersion": "example.com/v1", "kind": "Database",
                         "metadata": {"name": "template-name", "namespace": "default"}, "spec": {"replicas": 0}})
    text = subprocess.run([OPERATOR, "plan", "-f", "-"], input=sample, text=True, capture_output=True, check=True).stdout
    file = OUT / "templates.json"
    file.write_text(text.replace('"namespace": "default"', '"namespace": "TEMPLATE-NAMESPACE"')
                    .replace("default.svc", "TEMPLATE-NAMESPACE.svc"))
    return file


def converged_operator(namespace):
    def done(o):
        conditions = {c["type"]: c["status"] for c in o.get("status", {}).get("conditions", [])}
        return o.get("status", {}).get("observedGeneration") and o["status"]["phase"] in ("Ready", "Hibernated")
    return count("Database", namespace, done) == COUNT


# Replicas are 0 here, so that what is measured is the API server and the operator, not a scheduler
# and kubelets that are played on the same two cores.
OUT.mkdir(parents=True, exist_ok=True)
subprocess.run([TREE / "hack" / "go", "build", "-p", "2", "-trimpath", "-ldflags", "-s -w", "-o", PEER, "."],
               cwd=TREE / "tests/bench/operator", env={**os.environ, "CGO_ENABLED": "0"}, check=True)
plan = templates()

# --- the server's own rate ---
for connections in (1, 8):
    namespace = fresh(f"load{connections}")
    done = subprocess.run([PEER, "load", cluster.kubeconfig, plan, namespace, str(max(COUNT // 5, 20)), str(connections)],
                          capture_output=True, text=True, check=True)
    put(f"load_{connections}_connections", json.loads(done.stdout))
    cluster.delete("Namespace", None, namespace)

# --- the operator ---
namespace = fresh("ours")
ours = Operator(cluster.kubeconfig, "--namespace", namespace, "--log-level", "info", lease="bench").start().wait_synced().wait_leading()
time.sleep(3)
put("operator_idle", memory(ours.process.pid))
ours.stop()
fill(namespace, 0)
start = cluster.audit_end()
ours.start()
while not converged_operator(namespace):
    time.sleep(3)
made = writes(start, "strake-operator")
took = parse(made[-1][4]) - parse(made[0][4])
put("operator_converge", {"seconds": round(took, 2), "writes": len(made), "rate": round(len(made) / took, 1),
                          "databases_per_second": round(COUNT / took, 1), "writes_per_database": round(len(made) / COUNT, 2),
                          "refused": sum(1 for w in made if w[3] >= 400), "cpu_seconds": cpu(ours.process.pid)})
time.sleep(10)
put("operator_full", memory(ours.process.pid))

# --- idle traffic ---
before = {m: ours.metric(f"rest_client_requests_total{{code=\"{m}\"") for m in ("200", "201", "404", "409")}
at, used = cluster.audit_end(), cpu(ours.process.pid)
time.sleep(60)
put("operator_idle_minute", {"writes_but_leases": len(writes(at, "strake-operator")),
                             "lease_writes": len([w for w in cluster.writes(at, "strake-operator") if "/leases/" in w[2]]),
                             "cpu_seconds": round(cpu(ours.process.pid) - used, 2)})

# --- restart ---
ours.stop()
at, began = cluster.audit_end(), time.monotonic()
ours.start().wait_synced()
synced = time.monotonic() - began
ours.wait_leading()
time.sleep(5)
put("operator_restart", {"synced_seconds": round(synced, 2), "writes": len(writes(at, "strake-operator")),
                         "known": [line for line in ours.log.read_text().splitlines() if "known after" in line][-1].split(": ")[-1]})
put("operator_full_after_restart", memory(ours.process.pid))

# --- how soon a change is seen ---
def latency(agent, path, change):
    spans = []
    for n in range(100):
        at = cluster.audit_end()
        change(n)
        wait(lambda: any(w[0] == "patch" and w[2].endswith(path(n)) for w in cluster.writes(at, agent)), 20, "no patch")
        events = cluster.writes(at)
        sent = [w[4] for w in events if w[2].endswith(f"databases/db-{n}") and not w[1].startswith(agent)][0]
        seen = [w[4] for w in events if w[1].startswith(agent) and w[2].endswith(path(n))][0]
        spans.append((parse(seen) - parse(sent)) * 1000)
    return spans

def one_apply():
    spans = []
    for n in range(100):
        body = cluster.get("StatefulSet", namespace, f"db-{n}")
        body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": f"db-{n}", "annotations": {"bench": str(n)}}}
        began = time.monotonic()
        cluster.apply("StatefulSet", namespace, body, "bench")
        spans.append((time.monotonic() - began) * 1000)
    return spans

def tell(spans):
    spans = sorted(spans)
    return {"p50_ms": round(statistics.median(spans), 1), "p99_ms": round(spans[int(len(spans) * .99) - 1], 1)}

put("one_apply", tell(one_apply()))
put("change_to_statefulset", tell(latency("strake-operator", lambda n: f"statefulsets/db-{n}", lambda n: cluster.patch(
    "Database", namespace, f"db-{n}", {"spec": {"terminationGracePeriodSeconds": 200 + n}}))))
ours.stop()
empty(namespace)

# --- the peer ---
namespace = fresh("peer")
log = open(OUT / "peer.log", "wb")
peer = subprocess.Popen([PEER, "run", cluster.kubeconfig, plan], stdout=log, stderr=log)
time.sleep(8)
put("peer_idle", memory(peer.pid))
start = cluster.audit_end()
fill(namespace, 0)
while count("Database", namespace, lambda o: o.get("status", {}).get("phase") == "Ready") != COUNT:
    time.sleep(3)
made = writes(start, "peer")
took = parse(made[-1][4]) - parse(made[0][4])
put("peer_converge", {"seconds": round(took, 2), "writes": len(made), "rate": round(len(made) / took, 1), "cpu_seconds": cpu(peer.pid)})
time.sleep(10)
put("peer_full", memory(peer.pid))
peer.send_signal(signal.SIGTERM)
peer.wait()
peer = subprocess.Popen([PEER, "run", cluster.kubeconfig, plan], stdout=log, stderr=log)
time.sleep(15)
put("peer_full_after_restart", memory(peer.pid))
peer.send_signal(signal.SIGTERM)
peer.wait()
empty(namespace)

result["ratio"] = {"rss_idle": round(result["operator_idle"]["rss_kib"] / result["peer_idle"]["rss_kib"], 2),
                   "rss_full": round(result["operator_full"]["rss_kib"] / result["peer_full"]["rss_kib"], 2),
                   "rate_to_load": round(result["operator_converge"]["rate"] / result["load_8_connections"]["rate"], 2)}
print(json.dumps(result["ratio"]))
(OUT / "operator.json").write_text(json.dumps(result, indent=2) + "\n")
