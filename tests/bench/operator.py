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
    (OUT / "operator.json").write_text(json.dumps(result, indent=2) + "\n")


bars = []


def bar(text, value, limit, least=False):
    bars.append({"text": text, "value": value, "limit": limit, "met": value >= limit if least else value <= limit})
    print(f"{'met' if bars[-1]['met'] else 'MISSED'}: {text}: {value} ({'at least' if least else 'at most'} {limit})", flush=True)


def audited():
    """A kubeconfig of the account of which the API server logs every request, not only writes."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "audited"}}
    cluster.apply("ServiceAccount", "default", account)
    cluster.raw("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/audited?fieldManager=bench", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "audited"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "audited", "namespace": "default"}]}, "application/apply-patch+yaml")
    token = cluster.raw("POST", cluster.path("ServiceAccount", "default", "audited") + "/token", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86400}})
    path = OUT / "audited.conf"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"https://{cluster.host}:{cluster.port}",
                      "certificate-authority-data": cluster.values["certificate-authority-data"]}}],
        "users": [{"name": "u", "user": {"token": token["status"]["token"]}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "default"}}]}))
    return path


def events(start, agent=""):
    """What the API server logged from byte `start` on: (verb, path, received, done, agent)."""
    with open(cluster.audit) as log:
        log.seek(start)
        for line in log:
            try:
                e = json.loads(line)
            except ValueError:
                continue
            if e.get("userAgent", "").startswith(agent):
                yield (e["verb"], e["requestURI"].split("?")[0], parse(e["requestReceivedTimestamp"]), parse(e["stageTimestamp"]),
                       e.get("userAgent", ""))


def writes(start, agent):
    return [w for w in cluster.writes(start, agent) if "/leases/" not in w[2] and w[0] not in ("get", "list", "watch")]


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

# --- the server's own rate, before and after the operator's turn: a machine has other things to do ---
def load(when):
    for connections in (1, 8):
        namespace = fresh(f"load{connections}-{when}")
        done = subprocess.run([PEER, "load", cluster.kubeconfig, plan, namespace, str(max(COUNT // 5, 20)), str(connections)],
                              capture_output=True, text=True, check=True)
        put(f"load_{connections}_connections_{when}", json.loads(done.stdout))
        cluster.delete("Namespace", None, namespace)


load("before")

# --- the operator ---
namespace = fresh("ours")
ours = Operator(audited(), "--namespace", namespace, "--log-level", "info", lease="bench").start().wait_synced().wait_leading()
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
load("after")
time.sleep(20)

# --- idle traffic ---
at, used = cluster.audit_end(), cpu(ours.process.pid)
time.sleep(120)
asked = {}
for verb, path, _, _, _ in events(at, "strake-operator"):
    words = f"{verb} {'leases' if '/leases/' in path else path.rsplit('/', 1)[1]}"
    asked[words] = asked.get(words, 0) + 1
put("operator_idle_traffic", {"seconds": 120, "requests": asked, "cpu_seconds": round(cpu(ours.process.pid) - used, 2)})

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
# One at a time, the server at rest before each, and by turns, so that what else the machine does meets both: what it
# takes for one apply of a StatefulSet that changes a field, and the time from its answer to a change of the same field
# of a Database to its answer to the operator's apply.
TURNS = 300


def tell(spans):
    spans = sorted(spans)
    return {"p50_ms": round(statistics.median(spans), 1), "p99_ms": round(spans[int(len(spans) * .99) - 1], 1),
            "most_ms": round(spans[-1], 1)}


def one_apply(text, n):
    at, path = cluster.audit_end(), f"statefulsets/db-{n % 100}"
    body = json.loads(text.replace("template-name", f"db-{n % 100}"))
    body["metadata"].pop("ownerReferences")
    body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 200 + n
    cluster.apply("StatefulSet", body["metadata"]["namespace"], body, "bench")
    def found():
        return [e for e in events(at) if e[0] == "patch" and e[1].endswith(path) and not e[4].startswith("strake")]
    wait(found, 20, "the apply is not logged")
    return (found()[0][3] - found()[0][2]) * 1000


def one_change(n):
    """To the operator's request, and to the answer to it."""
    at, name = cluster.audit_end(), f"db-{n % COUNT}"
    cluster.patch("Database", namespace, name, {"spec": {"terminationGracePeriodSeconds": 200 + n}})
    def found():
        seen = list(events(at))
        sent = [e for e in seen if e[1].endswith(f"databases/{name}") and not e[4].startswith("strake")]
        patch = [e for e in seen if e[0] == "patch" and e[1].endswith(f"statefulsets/{name}") and e[4].startswith("strake")]
        return sent and patch and (sent[0], patch[0])
    wait(found, 20, "no patch")
    sent, patch = found()
    return (patch[2] - sent[3]) * 1000, (patch[3] - sent[3]) * 1000


def turns():
    other, applies, changes = fresh("apply"), [], []
    text = next(json.dumps(o) for o in json.loads(plan.read_text())["items"] if o["kind"] == "StatefulSet")
    text = text.replace("TEMPLATE-NAMESPACE", other)
    for n in range(-100, TURNS):
        span = one_apply(text, n)
        if n < 0:
            continue # it is made
        applies.append(span)
        time.sleep(0.2)
        changes.append(one_change(n))
        time.sleep(0.2)
    cluster.delete("Namespace", None, other)
    put("one_apply", tell(applies))
    put("change_to_request", tell([c[0] for c in changes]))
    put("change_to_statefulset", tell([c[1] for c in changes]))


turns()
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

idle, full = result["operator_idle"], result["operator_full"]
# What it has written; pages of libraries' files are the page cache's, whoever else maps them.
bar("private memory idle, KiB", idle["private_kib"], 3 * 1024)
bar(f"private memory at {COUNT}, KiB", full["private_kib"], 10 * 1024)
bar("RSS idle to the peer's", round(idle["rss_kib"] / result["peer_idle"]["rss_kib"], 2), 0.5)
bar(f"RSS at {COUNT} to the peer's", round(full["rss_kib"] / result["peer_full"]["rss_kib"], 2), 0.3)
bar("writes per second to those of the bare load generator",
    round(result["operator_converge"]["rate"] / statistics.mean(result[f"load_8_connections_{w}"]["rate"] for w in ("before", "after")), 2),
    0.8, least=True)
bar("writes after a restart", result["operator_restart"]["writes"], 0)
bar("seconds to be in sync after a restart", result["operator_restart"]["synced_seconds"], 2)
bar("P99 of change to StatefulSet above one apply, ms",
    round(result["change_to_statefulset"]["p99_ms"] - result["one_apply"]["p99_ms"], 1), 20)
bar("idle requests but lease renewals and watches",
    sum(n for words, n in result["operator_idle_traffic"]["requests"].items() if words != "update leases" and not words.startswith("watch ")), 0)
put("bars", bars)
