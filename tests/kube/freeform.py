#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A CRD that names the group and little else, as in a first example: the operator serves it too."""
import time

from harness import TREE, Cluster, Operator, Suite, check, equal, steady, wait

suite = Suite("freeform")
cluster = suite.cluster = Cluster()
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAME = f"{CRD}/databases.example.com"


def install(subresources):
    cluster.kubectl("delete", "crd", "databases.example.com", "--ignore-not-found")
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True,
               "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": free, "status": free}}}}
    if subresources:
        version["subresources"] = {"status": {}}
    cluster.raw("POST", CRD, {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "databases.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "versions": [version],
                 "names": {"plural": "databases", "singular": "database", "kind": "Database"}}})
    cluster.kubectl("wait", "crd/databases.example.com", "--for=condition=Established", "--timeout=20s")


@suite.test
def a_free_spec_is_served_with_defaults():
    install(True)
    namespace = suite.namespace()
    with Operator(cluster.kubeconfig, "--namespace", namespace, lease="free") as operator:
        suite.operator = operator
        operator.wait_synced(60).wait_leading()
        cluster.database(namespace, "empty")
        cluster.database(namespace, "db", engine="postgres", version=16, replicas=2, storage="2Gi", something={"else": 1})
        cluster.wait_ready(namespace, "empty")
        cluster.wait_ready(namespace, "db")
        made = cluster.get("StatefulSet", namespace, "db")["spec"]
        equal(made["replicas"], 2, "replicas")
        equal(made["template"]["spec"]["containers"][0]["image"], "postgres:16", "image")
        equal(made["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"], "2Gi", "storage")


@suite.test
def a_bad_free_spec_is_told_and_neither_crashes_nor_loops():
    namespace = suite.namespace()
    bad = [{"replicas": "two"}, {"replicas": 10**18}, {"replicas": -1}, {"engine": 7}, {"engine": "Oracle"}, {"version": []},
           {"version": {"a": 1}}, {"storage": "lots"}, {"storage": {"size": {"a": 1}}}, {"storage": [1]}, {"config": "x"},
           {"config": {"parameters": {"a": {"b": 1}}}}, {"podTemplate": {"env": "x"}}, {"podTemplate": {"env": [[]]}},
           {"services": []}, {"probes": {"readiness": 3}}, {"resources": {"requests": {"cpu": {}}}}, {"deletionPolicy": "Burn"},
           {"backup": {"schedule": "\u0000"}}, {"config": {"parameters": {"a\u0000": "1"}}}, {"bootstrap": {"owner": "x; DROP"}}]
    with Operator(cluster.kubeconfig, "--namespace", namespace, lease="free") as operator:
        suite.operator = operator
        operator.wait_synced(60).wait_leading()
        for n, spec in enumerate(bad):
            cluster.database(namespace, f"bad-{n}", **spec)
        def told():
            return all(cluster.condition(d, "SpecValid")["status"] == "False" for d in cluster.list("Database", namespace))
        wait(told, 30, lambda: [d["spec"] for d in cluster.list("Database", namespace)
                                if cluster.condition(d, "SpecValid")["status"] != "False"])
        for d in cluster.list("Database", namespace):
            message = cluster.condition(d, "SpecValid")["message"]
            check(message.startswith("spec."), f"{d['spec']}: {message}")
        equal(cluster.list("StatefulSet", namespace), [], "StatefulSets")
        at = cluster.audit_end()
        time.sleep(1)
        equal([w for w in cluster.writes(at, "strake-operator") if "/leases/" not in w[2]], [], "writes")
        cluster.database(namespace, "bad-0", replicas=1)
        cluster.wait_ready(namespace, "bad-0")


@suite.test
def without_a_status_the_children_are_made_all_the_same():
    install(False)
    namespace = suite.namespace()
    with Operator(cluster.kubeconfig, "--namespace", namespace, lease="free") as operator:
        suite.operator = operator
        operator.wait_synced(60).wait_leading()
        cluster.database(namespace, "db", replicas=1)
        wait(lambda: (cluster.get("StatefulSet", namespace, "db") or {}).get("status", {}).get("readyReplicas") == 1, 30, "no StatefulSet")
        cluster.patch("Database", namespace, "db", {"spec": {"replicas": 2}})
        wait(lambda: cluster.get("StatefulSet", namespace, "db")["spec"]["replicas"] == 2, 30, "replicas stay")
        time.sleep(1)
        at = cluster.audit_end()
        time.sleep(2)
        equal([w for w in cluster.writes(at, "strake-operator") if "/leases/" not in w[2]], [], "writes at rest")
    cluster.kubectl("delete", "crd", "databases.example.com")
    cluster.kubectl("apply", "-f", str(TREE / "manifests/crd.yaml"))


suite.main()
