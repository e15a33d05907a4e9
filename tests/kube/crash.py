#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The operator killed between any two calls, and two of them at once."""
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from harness import LABEL, Cluster, Failed, Operator, Suite, check, equal, wait

suite = Suite("crash")
cluster = suite.cluster = Cluster()


def made_of(namespace, name, replicas):
    equal(len(cluster.children(namespace, name)), 10 + (replicas > 1), f"children of {namespace}/{name}")
    equal(len(cluster.list("Pod", namespace)), replicas, f"pods of {namespace}/{name}")


def passwords(namespace):
    """And the key of the authority, which must be kept as well."""
    return {s["metadata"]["name"]: (s["metadata"]["uid"], s["data"].get("password") or s["data"].get("ca.key"))
            for s in cluster.list("Secret", namespace)}


def comes_to_rest(namespace, when):
    """`done` may be seen before the last word of the status is written; but a last word there must be."""
    writes = []

    def rests():
        at = cluster.audit_end()
        time.sleep(1)
        writes[:] = [w for w in cluster.writes(at, "strake-operator")
                     if f"/{namespace}/" in w[2] and "/events" not in w[2]]
        return not writes
    wait(rests, 20, lambda: f"{when}, it goes on writing: {writes}")


def dies_at(moment, prepare, change, done):
    """Runs `change` with the operator killed at this moment, if it gets that far (False: it does not);
    then a fresh one must bring things to where they belong."""
    namespace = suite.namespace()
    prepare(namespace)
    # The lease is not elected here: waiting for a dead leader's lease is another test.
    with Operator(cluster.kubeconfig, "--namespace", namespace, "--leader-elect=false",
                  env={"STRAKE_OPERATOR_KILL_AT": str(moment)}) as operator:
        operator.wait_synced()
        change(namespace)
        wait(lambda: operator.process.poll() is not None or done(namespace), 60,
             lambda: f"not killed at moment {moment}, it does not converge: {operator.tail()}")
        died = operator.process.poll() is not None
        before = passwords(namespace)
    with Operator(cluster.kubeconfig, "--namespace", namespace, "--leader-elect=false") as operator:
        wait(lambda: done(namespace), 60, lambda: f"killed at moment {moment}, it does not converge: {operator.tail()}")
        after = passwords(namespace)
        check(all(after.get(name) == value for name, value in before.items()) or not after,
              f"killed at moment {moment}, a Secret was made anew")
        operator.wait_synced()
        comes_to_rest(namespace, f"killed at moment {moment}")
    cluster.delete("Namespace", None, namespace)
    suite.used.remove(namespace)
    return died


def dies_at_every_moment(prepare, change, done, most=60, at_once=4):
    """One moment after the other, some of them side by side, until the change gets through."""
    with ThreadPoolExecutor(at_once) as pool:
        for first in range(1, most, at_once):
            moments = range(first, first + at_once)
            died = list(pool.map(lambda moment: dies_at(moment, prepare, change, done), moments))
            if not all(died):
                print(f"# killed at {first - 1 + died.index(False)} moments")
                return
    raise Failed(f"it still dies at moment {most}")


def ready(replicas):
    def look(namespace):
        if not cluster.ready(namespace, "db"):
            return False
        made_of(namespace, "db", replicas)
        return True
    return look


def make_ready(namespace, **spec):
    cluster.database(namespace, "db", **spec)
    with Operator(cluster.kubeconfig, "--namespace", namespace, "--leader-elect=false", lease="prepare") as operator:
        operator.wait_synced()
        cluster.wait_ready(namespace, "db")


@suite.test
def killed_at_every_moment_of_a_creation():
    dies_at_every_moment(lambda n: None, lambda n: cluster.database(n, "db", deletionPolicy="Delete"), ready(1))


@suite.test
def killed_at_every_moment_of_a_growth():
    def grown(namespace):
        found = cluster.get("StatefulSet", namespace, "db")
        return (found and found["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "2Gi"
                and cluster.ready(namespace, "db")
                and all(c["spec"]["resources"]["requests"]["storage"] == "2Gi" for c in cluster.list("PersistentVolumeClaim", namespace)))
    dies_at_every_moment(lambda n: make_ready(n, replicas=2),
                         lambda n: cluster.patch("Database", n, "db", {"spec": {"storage": {"size": "2Gi"}}}), grown)


@suite.test
def killed_at_every_moment_of_a_rolling_update():
    def rolled(namespace):
        found = cluster.get("StatefulSet", namespace, "db")
        new = found["status"].get("updateRevision")
        return (cluster.ready(namespace, "db") and found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 7
                and all(p["metadata"]["labels"]["controller-revision-hash"] == new for p in cluster.list("Pod", namespace)))
    dies_at_every_moment(lambda n: make_ready(n, replicas=2),
                         lambda n: cluster.patch("Database", n, "db", {"spec": {"terminationGracePeriodSeconds": 7}}), rolled)


@suite.test
def killed_at_every_moment_of_a_deletion_with_its_data():
    def gone(namespace):
        return (not cluster.get("Database", namespace, "db") and not cluster.children(namespace, "db")
                and not cluster.list("PersistentVolumeClaim", namespace))
    dies_at_every_moment(lambda n: make_ready(n, deletionPolicy="Delete"),
                         lambda n: cluster.delete("Database", n, "db"), gone)


# --- two of them ---

FAST = ("--lease-duration", "8", "--lease-renew-deadline", "6", "--lease-retry", "1")


def as_user(name):
    """A kubeconfig by which the audit log tells the two apart."""
    path = Path(cluster.kubeconfig).parent / f"{name}.conf"
    path.write_text(Path(cluster.kubeconfig).read_text() + f"    act-as: {name}\n")
    cluster.raw("PATCH", f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/test-{name}?fieldManager=test", {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": f"test-{name}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}]}, "application/apply-patch+yaml")
    return path


def accepted(start, user, namespace):
    """Writes of one of the two that the server took, leases not among them."""
    return [w for w in cluster.writes(start, "strake-operator", acting=user) if f"/{namespace}/" in w[2] and w[3] < 300]


def pair(namespace):
    """Two operators of one lease, to be started in this order: who comes first leads."""
    lease = f"pair-{len(suite.used)}-{os.getpid()}"
    one, two = (Operator(as_user(name), "--namespace", namespace, "--identity", name, *FAST, lease=lease) for name in ("one", "two"))
    return lease, one, two


@suite.test
def the_second_waits_and_takes_over_at_once_when_the_first_is_ended():
    namespace = suite.namespace()
    lease, one, two = pair(namespace)
    with one:
        one.wait_synced().wait_leading()
        with two:
            two.wait_synced()
            equal(two.metric("leader_election_master_status"), 0, "the second leads")
            cluster.database(namespace, "db")
            cluster.wait_ready(namespace, "db")
            one.stop()
            equal(cluster.get("Lease", "default", lease)["spec"]["holderIdentity"][:3] in ("", "two"), True, "holder")
            two.wait_leading(10)
            cluster.patch("Database", namespace, "db", {"spec": {"replicas": 2}})
            cluster.wait_ready(namespace, "db")


@suite.test
def a_lease_that_is_renewed_is_not_taken_however_many_wait_for_it():
    namespace = suite.namespace()
    lease = f"crowd-{os.getpid()}"
    crowd = [Operator(cluster.kubeconfig, "--namespace", namespace, "--identity", f"member-{n}", *FAST, lease=lease)
             for n in range(10)]
    with ExitStack() as stack:
        crowd[0].start().wait_synced().wait_leading()
        for member in crowd:
            stack.callback(member.log.unlink, missing_ok=True)
            stack.callback(member.kill)
        for member in crowd[1:]:
            member.start()
        for member in crowd[1:]:
            member.wait_synced()
        time.sleep(10)
        found = cluster.get("Lease", "default", lease)["spec"]
        equal((found["holderIdentity"].startswith("member-0"), found["leaseTransitions"]), (True, 0), f"the lease: {found}")


@suite.test
def the_second_takes_over_when_the_first_is_killed():
    namespace = suite.namespace()
    _, one, two = pair(namespace)
    with one:
        one.wait_synced().wait_leading()
        with two:
            two.wait_synced()
            cluster.database(namespace, "db")
            wait(lambda: cluster.children(namespace, "db"), 20, "the first does nothing")
            one.kill()
            two.wait_leading(20)
            cluster.wait_ready(namespace, "db")
            made_of(namespace, "db", 1)


@suite.test
def a_leader_that_was_stopped_for_longer_than_its_lease_writes_no_more():
    namespace = suite.namespace()
    lease, one, two = pair(namespace)
    names = [f"db-{n}" for n in range(30)]
    with one:
        suite.operator = one
        one.wait_synced().wait_leading()
        with two:
            two.wait_synced()
            # Stopped for a moment, so that it finds all of the work at once and can be stopped amid it.
            one.signal(signal.SIGSTOP)
            for name in names:
                cluster.database(namespace, name)
            one.signal(signal.SIGCONT)
            wait(lambda: len(cluster.list("ConfigMap", namespace, LABEL)) > 4, 20, "the first does nothing")
            one.signal(signal.SIGSTOP)
            stopped = cluster.audit_end()
            two.wait_leading(20)
            for name in names:
                cluster.wait_ready(namespace, name, 60)
            check(accepted(stopped, "two", namespace), "the second did nothing")
            for name in names:
                cluster.patch("Database", namespace, name, {"spec": {"replicas": 2}})
            at = cluster.audit_end()
            one.signal(signal.SIGCONT)
            for name in names:
                cluster.wait_ready(namespace, name, 60)
            wait(lambda: "the lease is lost" in one.log.read_text(), 20, "the first still thinks that it leads")
            # What was in the sockets when it was stopped the server may have read long before.
            late = [w for w in accepted(at, "one", namespace)]
            equal(late, [], "writes of the first that were accepted after it was continued")
            holder = cluster.get("Lease", "default", lease)["spec"]["holderIdentity"]
            check(holder.startswith("two"), f"the lease is held by {holder}")
            for name in names:
                equal(len(cluster.children(namespace, name)), 11, f"children of {name}")


suite.main()
