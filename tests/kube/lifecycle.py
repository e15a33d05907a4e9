#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The life of Databases on a real control plane, with nodes played by kwok."""
import base64
import calendar
import http.server
import json
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from harness import (CHILDREN, LABEL, MANAGER, Cluster, Failed, Operator, Refused, Suite, check, equal, steady,
                     wait)

suite = Suite("lifecycle")
cluster = suite.cluster = Cluster()
operator = suite.operator = Operator(cluster.kubeconfig)
operator.start().wait_synced().wait_leading()

ALWAYS = {("ServiceAccount", "db"), ("Secret", "db-superuser"), ("Secret", "db-app"),
          ("Secret", "db-ca"), ("Secret", "db-tls"),
          ("ConfigMap", "db-config"), ("Service", "db-pods"), ("Service", "db-rw"),
          ("Service", "db-ro"), ("StatefulSet", "db")}


def marks(namespace, name="db"):
    """What says that an object was changed by a person or a controller, not by its own status."""
    found = {}
    for key, item in cluster.children(namespace, name).items():
        counted = key[0] in ("StatefulSet", "PodDisruptionBudget", "CronJob")
        metadata = item["metadata"]
        found[key] = (metadata["uid"], metadata["generation"] if counted else metadata["resourceVersion"])
    return found


def changed(before, after):
    return ({k for k in before if before[k] != after.get(k)} | (after.keys() - before.keys()))


def ready_database(**spec):
    namespace = suite.namespace()
    cluster.database(namespace, "db", **spec)
    cluster.wait_ready(namespace, "db")
    return namespace


def statefulset(namespace):
    return cluster.get("StatefulSet", namespace, "db")


def container(namespace):
    return statefulset(namespace)["spec"]["template"]["spec"]["containers"][0]


@suite.test
def an_applied_Database_has_all_its_children_within_a_second_and_becomes_Ready():
    namespace = suite.namespace()
    began = time.monotonic()
    cluster.database(namespace, "db")
    wait(lambda: cluster.children(namespace, "db").keys() >= ALWAYS, 20, "children are missing")
    took = time.monotonic() - began
    equal(cluster.children(namespace, "db").keys(), ALWAYS, "children")
    cluster.wait_ready(namespace, "db")
    print(f"# all children after {took * 1000:.0f} ms, Ready after {(time.monotonic() - began) * 1000:.0f} ms")
    for (kind, name), item in cluster.children(namespace, "db").items():
        owners = item["metadata"].get("ownerReferences", [])
        equal(len(owners), 0 if kind == "Secret" else 1, f"owners of {kind} {name}")
        equal(item["metadata"]["labels"]["app.kubernetes.io/managed-by"], MANAGER, f"label of {name}")


@suite.test
def the_restricted_pod_security_standard_accepts_the_pods():
    namespace = suite.namespace()
    cluster.patch("Namespace", None, namespace, {"metadata": {"labels": {
        "pod-security.kubernetes.io/enforce": "restricted"}}})
    cluster.database(namespace, "db", monitoring={"enabled": True, "exporterImage": "exporter:1"})
    cluster.wait_ready(namespace, "db")


@suite.test
def observedGeneration_is_never_ahead_of_what_was_done():
    namespace = ready_database()
    for size in (2, 3, 1):
        generation = cluster.patch("Database", namespace, "db", {"spec": {"replicas": size}})["metadata"]["generation"]
        def settled():
            found = cluster.get("Database", namespace, "db")
            condition = cluster.condition(found, "Ready")
            if condition["status"] == "True" and condition["observedGeneration"] == generation:
                equal(found["status"]["readyReplicas"], size, "Ready with replicas")
                equal(statefulset(namespace)["spec"]["replicas"], size, "StatefulSet's replicas")
                return True
            return False
        wait(settled, 30, f"{size} replicas are not Ready")


S, C, P = ("StatefulSet", "db"), ("ConfigMap", "db-config"), ("PodDisruptionBudget", "db")
RW, RO, ANY = ("Service", "db-rw"), ("Service", "db-ro"), ("Service", "db-any")
TLS = ("Secret", "db-tls")
FIELDS = [
    ({"replicas": 2}, {S, C, P}),
    ({"replicas": 3}, {S, C}),
    ({"image": "postgres:17.1"}, {S}),
    ({"version": "17.1"}, set()),
    ({"imagePullPolicy": "Always"}, {S}),
    ({"imagePullSecrets": [{"name": "pull"}]}, {S}),
    ({"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"memory": "1.5Gi"}}}, {S}),
    ({"config": {"parameters": {"work_mem": "8MB"}}}, {C}),
    ({"config": {"parameters": {"work_mem": "8MB", "max_connections": "200"}}}, {C, S}),
    ({"config": {"hostBasedAuthentication": ["host all all 10.0.0.0/8 scram-sha-256"]}}, {C}),
    ({"tls": {"mode": "Required"}}, {C}),
    ({"tls": {"additionalNames": ["db.example.org", "10.0.0.1"]}}, {TLS}),
    ({"tls": {"durationDays": 30}}, {TLS}),
    ({"tls": {"additionalNames": None, "secretRef": {"name": "theirs"}}}, {S, C}),
    ({"tls": {"mode": "Disabled", "secretRef": None}}, {S, C}),
    ({"tls": None}, {C, TLS}),
    ({"services": {"readWrite": {"type": "NodePort"}}}, {RW}),
    ({"services": {"readWrite": {"annotations": {"a": "b"}, "labels": {"c": "d"}}}}, {RW}),
    ({"services": {"readWrite": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}}}, {RW}),
    ({"services": {"readWrite": {"nodePort": 30003}}}, {RW}),
    ({"services": {"readWrite": None}}, {RW}),
    ({"services": {"readOnly": {"annotations": {"a": "b"}}}}, {RO}),
    ({"services": {"readOnly": {"labels": {"c": "d"}, "type": "LoadBalancer", "nodePort": 30004,
                                "loadBalancerSourceRanges": ["10.0.0.0/8"]}}}, {RO}),
    ({"services": {"readOnly": None}}, {RO}),
    ({"services": {"readOnly": {"enabled": False}}}, {RO}),
    ({"services": {"readOnly": {"enabled": True}}}, {RO}),
    ({"services": {"any": {"enabled": True}}}, {ANY}),
    ({"services": {"any": {"annotations": {"a": "b"}, "labels": {"c": "d"}, "type": "LoadBalancer", "nodePort": 30005,
                           "loadBalancerSourceRanges": ["10.0.0.0/8"]}}}, {ANY}),
    ({"services": {"any": {"enabled": False}}}, {ANY}),
    ({"scheduling": {"nodeSelector": {"kubernetes.io/hostname": "fake-0"}}}, {S}),
    ({"scheduling": {"nodeSelector": None}}, {S}),
    ({"scheduling": {"tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}]}}, {S}),
    ({"scheduling": {"topologyKey": "topology.kubernetes.io/zone"}}, {S}),
    ({"scheduling": {"topologyKey": None}}, {S}),
    ({"scheduling": {"priorityClassName": "system-cluster-critical"}}, {S}),
    ({"scheduling": {"schedulerName": "other"}}, {S}),
    ({"scheduling": {"priorityClassName": None, "schedulerName": None}}, {S}),
    ({"scheduling": {"antiAffinity": "Required"}}, {S}),
    ({"scheduling": {"antiAffinity": "None"}}, {S}),
    ({"scheduling": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
      "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {LABEL: "db"}}}]}}, {S}),
    ({"podTemplate": {"labels": {"team": "a"}, "annotations": {"note": "b"}}}, {S}),
    ({"podTemplate": {"env": [{"name": "TZ", "value": "UTC"}]}}, {S}),
    ({"podTemplate": {"envFrom": [{"configMapRef": {"name": "theirs", "optional": True}}]}}, {S}),
    ({"podTemplate": {"initContainers": [{"name": "first", "image": "first:1"}]}}, {S}),
    ({"podTemplate": {"sidecars": [{"name": "side", "image": "side:1", "resources": {"requests": {"cpu": "1000m"}}}]}}, {S}),
    ({"podTemplate": {"volumes": [{"name": "more", "emptyDir": {"sizeLimit": "1024Mi"}}],
                      "volumeMounts": [{"name": "more", "mountPath": "/more"}]}}, {S}),
    ({"probes": {"readiness": {"periodSeconds": 7}}}, {S}),
    ({"probes": {"startup": {"failureThreshold": 7}, "liveness": {"timeoutSeconds": 7, "initialDelaySeconds": 3}}}, {S}),
    ({"probes": {"startup": {"initialDelaySeconds": 2, "periodSeconds": 3, "timeoutSeconds": 4}}}, {S}),
    ({"probes": {"readiness": {"initialDelaySeconds": 2, "timeoutSeconds": 4, "failureThreshold": 5}}}, {S}),
    ({"probes": {"liveness": {"periodSeconds": 8, "failureThreshold": 9}}}, {S}),
    ({"credentials": {"superuserSecretRef": {"name": "root"}}}, {S}),
    ({"credentials": {"applicationSecretRef": {"name": "user"}}}, {S}),
    ({"credentials": {"usersSecretRef": {"name": "users"}}}, {S}),
    ({"users": [{"name": "alice", "roles": ["pg_monitor"]}]}, {C}),
    ({"users": [{"name": "alice", "ensure": "Absent"}]}, {C}),
    ({"databases": [{"name": "depot", "ensure": "Absent"}, {"name": "shop", "extensions": [{"name": "pg_trgm", "ensure": "Absent"}]}]}, {C}),
    ({"users": None}, {C}),
    ({"databases": [{"name": "shop", "extensions": ["pg_trgm"], "grants": [{"role": "alice", "privileges": ["SELECT"]}]}]}, {C}),
    ({"replication": {"maximumLagBytes": 1000}}, {C}),
    ({"credentials": None}, {S}),
    ({"security": {"runAsUser": 70}}, {S}),
    ({"security": {"fsGroup": 71}}, {S}),
    ({"security": {"readOnlyRootFilesystem": False}}, {S}),
    ({"security": {"runtimeClassName": "strake"}}, {S}),
    ({"security": {"runtimeClassName": None}}, {S}),
    ({"terminationGracePeriodSeconds": 60}, {S}),
    ({"pvcRetentionPolicy": {"whenScaled": "Delete"}}, {S}),
    ({"pvcRetentionPolicy": {"whenScaled": "Retain"}}, {S}),
    ({"disruption": {"maximumUnavailable": 2}}, {P}),
    ({"disruption": {"mode": "Disabled"}}, {P}),
    ({"disruption": {"mode": "Automatic"}}, {P}),
    ({"backup": {"schedule": "0 3 * * *"}}, {("CronJob", "db-backup")}),
    ({"backup": {"schedule": "0 4 * * *"}}, {("CronJob", "db-backup")}),
    ({"backup": {"suspend": True}}, set()),  # it is, as long as there are no backups
    ({"backup": None}, {("CronJob", "db-backup")}),
    ({"failover": {"enabled": True}, "switchover": {"target": "db-1"}, "fencing": {"replicas": ["db-1"]}}, set()),
    ({"failover": None, "switchover": None, "fencing": None}, set()),
    ({"monitoring": {"enabled": True, "exporterImage": "exporter:1"}}, {S}),
    ({"update": {"strategy": "OnDelete"}}, set()),
    ({"storage": {"resizeInUseVolumes": False}}, set()),
    ({"deletionPolicy": "Delete"}, set()),
    ({"deletionPolicy": "Retain"}, set()),
    ({"replicas": 1}, {S, C, P}),
]


# What cannot be changed, or has a test of its own.
APART = {"engine", "bootstrap.database", "bootstrap.owner", "pause", "storage.size", "storage.storageClassName",
         "storage.accessModes", "restore.backup"}


def names(value, prefix=""):
    """The paths of all members, also of those within."""
    found = set()
    for name, below in value.items() if isinstance(value, dict) else ():
        found |= {prefix + name} | names(below, f"{prefix}{name}.")
    return found


def leaves(schema, prefix=""):
    found = set()
    for name, below in schema["properties"].items():
        found |= leaves(below, f"{prefix}{name}.") if "properties" in below else {prefix + name}
    return found


@suite.test
def no_field_of_the_schema_is_without_a_test():
    crd = cluster.raw("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/databases.example.com")
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    tested = set().union(*(names(change) for change, _ in FIELDS))
    equal(leaves(schema) - tested, APART, "fields that are not among those of the next test")


@suite.test
def every_field_changes_exactly_the_objects_it_should():
    namespace = ready_database()
    for change, should in FIELDS:
        before = marks(namespace)
        generation = cluster.get("Database", namespace, "db")["metadata"]["generation"]
        cluster.patch("Database", namespace, "db", {"spec": change})
        wait(lambda: cluster.get("Database", namespace, "db")["status"].get("observedGeneration", 0) > generation,
             20, f"{change} was not seen")
        wait(lambda: changed(before, marks(namespace)) >= should, 20,
             lambda: f"{change} changed {changed(before, marks(namespace))}, should change {should}")
        check(steady(lambda: marks(namespace), 0.3) or steady(lambda: marks(namespace), 0.3),
              f"{change} does not come to rest")
        equal(changed(before, marks(namespace)), should, f"{change} changed")
    cluster.patch("Database", namespace, "db", {"spec": {"update": None}})
    cluster.wait_ready(namespace, "db", 60)
    def quiet():
        at = cluster.audit_end()
        time.sleep(1.5)
        return not [w for w in cluster.writes(at, "strake-operator") if f"/{namespace}/" in w[2]]
    wait(quiet, 60, "it does not come to rest")


@suite.test
def what_the_server_spells_otherwise_is_not_applied_again_and_again():
    namespace = ready_database(podTemplate={"sidecars": [
        {"name": "side", "image": "side:1", "resources": {"limits": {"memory": "1024Mi", "cpu": "1000m"}}}]})
    cluster.wait_ready(namespace, "db")
    start = cluster.audit_end()
    time.sleep(2)
    equal([w for w in cluster.writes(start, "strake-operator") if namespace in w[2]], [], "writes at rest")


@suite.test
def the_Database_is_not_written_by_the_operator():
    namespace = ready_database(replicas=2)
    for entry in cluster.get("Database", namespace, "db")["metadata"]["managedFields"]:
        if entry["manager"] == MANAGER:
            equal(entry.get("subresource"), "status", "the operator's entry")


@suite.test
def every_child_that_is_deleted_comes_back():
    namespace = ready_database(replicas=2, backup={"schedule": "@daily"})
    for (kind, name), item in cluster.children(namespace, "db").items():
        cluster.delete(kind, namespace, name)
        def back():
            found = cluster.get(kind, namespace, name)
            return found and found["metadata"]["uid"] != item["metadata"]["uid"]
        wait(back, 20, f"{kind} {name} does not come back")
    cluster.wait_ready(namespace, "db", 60)


EDITS = [
    ("StatefulSet", "db", {"spec": {"replicas": 5}}, lambda o: o["spec"]["replicas"] == 1),
    ("StatefulSet", "db", {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}},
     lambda o: o["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 180),
    ("Service", "db-rw", {"spec": {"selector": {LABEL: "other"}}}, lambda o: o["spec"]["selector"][LABEL] == "db"),
    ("Service", "db-rw", {"metadata": {"labels": {LABEL: None}}}, lambda o: o["metadata"]["labels"].get(LABEL) == "db"),
    ("ConfigMap", "db-config", {"data": {"postgresql.conf": "port = 1"}}, lambda o: "5432" in o["data"]["postgresql.conf"]),
    ("ConfigMap", "db-config", {"data": {"start.sh": None}}, lambda o: "start.sh" in o["data"]),
    ("ConfigMap", "db-config", {"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}},
     lambda o: o["metadata"]["labels"]["app.kubernetes.io/managed-by"] == MANAGER),
    ("ServiceAccount", "db", {"automountServiceAccountToken": True}, lambda o: o["automountServiceAccountToken"] is False),
    ("Secret", "db-app", {"metadata": {"labels": {"app.kubernetes.io/component": "x"}}},
     lambda o: o["metadata"]["labels"]["app.kubernetes.io/component"] == "database"),
    ("ConfigMap", "db-config", {"metadata": {"ownerReferences": None}}, lambda o: o["metadata"].get("ownerReferences")),
]


@suite.test
def every_edit_by_hand_is_put_right():
    namespace = ready_database()
    for kind, name, edit, right in EDITS[:-1]:
        cluster.patch(kind, namespace, name, edit)
        wait(lambda: right(cluster.get(kind, namespace, name)), 20, f"{kind} {name}: {edit} stays")
    cluster.wait_ready(namespace, "db", 60)


@suite.test
def a_child_whose_owner_was_taken_off_is_a_NameConflict_and_is_not_taken_back_in_silence():
    namespace = ready_database()
    kind, name, edit, _ = EDITS[-1]
    cluster.patch(kind, namespace, name, edit)
    wait(lambda: cluster.condition(cluster.get("Database", namespace, "db"), "Ready")["reason"] == "NameConflict",
         20, "there is no NameConflict")
    check(not cluster.get(kind, namespace, name)["metadata"].get("ownerReferences"), "it was taken back")
    cluster.delete(kind, namespace, name)
    cluster.wait_ready(namespace, "db")


@suite.test
def fields_of_others_are_left_alone():
    namespace = ready_database(replicas=2)
    keys = cluster.children(namespace, "db").keys()
    for kind, name in keys:
        cluster.patch(kind, namespace, name, {"metadata": {
            "labels": {"theirs": "1"}, "annotations": {"theirs": "2"}}}, manager="theirs")
    start = cluster.audit_end()
    time.sleep(1)
    writes = [w for w in cluster.writes(start, "strake-operator") if f"/{namespace}/" in w[2]]
    equal(writes, [], "writes because of others' labels")
    cluster.patch("Database", namespace, "db", {"spec": {
        "replicas": 3, "config": {"parameters": {"work_mem": "9MB"}},
        "services": {"readWrite": {"labels": {"ours": "x"}}, "readOnly": {"labels": {"ours": "x"}}},
        "disruption": {"maximumUnavailable": 2}}})
    cluster.wait_ready(namespace, "db")
    for kind, name in keys:
        metadata = cluster.get(kind, namespace, name)["metadata"]
        equal((metadata["labels"].get("theirs"), metadata["annotations"].get("theirs")), ("1", "2"), f"{kind} {name}")


@suite.test
def replicas_set_through_scale_by_others_are_followed_and_kept():
    namespace = ready_database()
    cluster.kubectl("-n", namespace, "scale", "databases/db", "--replicas=3")
    cluster.wait_ready(namespace, "db")
    equal(len(cluster.list("Pod", namespace)), 3, "pods")
    scale = cluster.raw("GET", cluster.path("Database", namespace, "db") + "/scale")
    equal(scale["status"]["replicas"], 3, "replicas in scale")
    selector = scale["status"]["selector"].replace("=", "%3D").replace("/", "%2F").replace(",", "%2C")
    equal(len(cluster.list("Pod", namespace, selector)), 3, "pods by scale's selector")
    cluster.patch("Database", namespace, "db", {"spec": {"replicas": 2}}, "/scale", manager="hpa")
    cluster.wait_ready(namespace, "db")
    cluster.patch("Database", namespace, "db", {"spec": {"terminationGracePeriodSeconds": 30}})
    cluster.wait_ready(namespace, "db", 60)
    equal(cluster.get("Database", namespace, "db")["spec"]["replicas"], 2, "replicas")


@suite.test
def zero_replicas_hibernate_and_wake_with_the_same_data():
    namespace = ready_database(replicas=2)
    claims = {c["metadata"]["uid"] for c in cluster.list("PersistentVolumeClaim", namespace)}
    cluster.kubectl("-n", namespace, "scale", "databases/db", "--replicas=0")
    wait(lambda: cluster.get("Database", namespace, "db")["status"]["phase"] == "Hibernated", 20, "no Hibernated")
    wait(lambda: not cluster.list("Pod", namespace), 20, "pods stay")
    check(not cluster.get("PodDisruptionBudget", namespace, "db"), "a budget without pods")
    cluster.kubectl("-n", namespace, "scale", "databases/db", "--replicas=2")
    cluster.wait_ready(namespace, "db")
    equal({c["metadata"]["uid"] for c in cluster.list("PersistentVolumeClaim", namespace)}, claims, "claims")


@suite.test
def volumes_grow_without_a_pod_being_touched():
    namespace = ready_database(replicas=2, storage={"size": "1Gi"})
    pods = {p["metadata"]["uid"] for p in cluster.list("Pod", namespace)}
    before = statefulset(namespace)["metadata"]["uid"]
    cluster.patch("Database", namespace, "db", {"spec": {"storage": {"size": "2Gi"}}})
    wait(lambda: cluster.get("Database", namespace, "db")["status"]["phase"] == "Resizing", 20, "no Resizing")
    cluster.wait_ready(namespace, "db")
    for claim in cluster.list("PersistentVolumeClaim", namespace):
        equal(claim["spec"]["resources"]["requests"]["storage"], "2Gi", "request")
        equal(claim["status"]["capacity"]["storage"], "2Gi", "capacity")
    after = statefulset(namespace)
    equal(after["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"], "2Gi", "template")
    check(after["metadata"]["uid"] != before, "the StatefulSet is still the old one")
    equal({p["metadata"]["uid"] for p in cluster.list("Pod", namespace)}, pods, "pods")
    cluster.patch("Database", namespace, "db", {"spec": {"replicas": 3}})
    cluster.wait_ready(namespace, "db")
    equal(cluster.get("Database", namespace, "db")["status"]["storage"], {"requested": "2Gi", "capacity": "2Gi"}, "status")


@suite.test
def volumes_do_not_shrink():
    namespace = ready_database(storage={"size": "2Gi"})
    try:
        cluster.patch("Database", namespace, "db", {"spec": {"storage": {"size": "1Gi"}}})
        raise Failed("the server took a smaller size")
    except Refused as refused:
        check("storage cannot shrink" in refused.text, refused.text)
    cluster.patch("PersistentVolumeClaim", namespace, "data-db-0",
                  {"spec": {"resources": {"requests": {"storage": "3Gi"}}}})
    wait(lambda: cluster.condition(cluster.get("Database", namespace, "db"), "SpecValid")["reason"]
         == "StorageCannotShrink", 20, "a claim that is larger than the spec is not told")
    cluster.patch("Database", namespace, "db", {"spec": {"storage": {"size": "3Gi"}}})
    cluster.wait_ready(namespace, "db")


@suite.test
def a_storage_class_or_access_mode_named_later_is_told_and_changes_nothing():
    namespace = ready_database()
    before = marks(namespace)
    for field, value in (("storageClassName", "other"), ("accessModes", ["ReadWriteMany"])):
        cluster.patch("Database", namespace, "db", {"spec": {"storage": {field: value}, "replicas": 2}})
        wait(lambda: cluster.condition(cluster.get("Database", namespace, "db"), "SpecValid")["reason"] == "Immutable", 20,
             f"{field} is not told")
        check(steady(lambda: statefulset(namespace)["metadata"]["generation"]), "the StatefulSet changes")
        equal(marks(namespace)[S], before[S], "StatefulSet")
        cluster.patch("Database", namespace, "db", {"spec": {"storage": {field: None}, "replicas": 1}})
        cluster.wait_ready(namespace, "db")
    cluster.patch("Database", namespace, "db", {"spec": {"replicas": 2}})
    cluster.wait_ready(namespace, "db")
    equal(len(cluster.list("Pod", namespace)), 2, "pods")


@suite.test
def a_new_template_rolls_replicas_first_one_at_a_time_and_the_primary_last():
    namespace = ready_database(replicas=3)
    before = {p["metadata"]["name"]: p["metadata"]["uid"] for p in cluster.list("Pod", namespace)}
    start = cluster.audit_end()
    cluster.patch("Database", namespace, "db", {"spec": {"config": {"parameters": {"max_connections": "50"}}}})
    def rolled():
        now = {p["metadata"]["name"]: p["metadata"]["uid"] for p in cluster.list("Pod", namespace)}
        return len(now) == 3 and not set(now.values()) & set(before.values())
    wait(rolled, 60, "pods were not replaced")
    cluster.wait_ready(namespace, "db")
    order = [w[2].rsplit("/", 1)[1] for w in cluster.writes(start, "strake-operator")
             if w[0] == "delete" and f"/{namespace}/pods/" in w[2] and w[3] == 200]
    equal(order, ["db-2", "db-1", "db-0"], "order")


@suite.test
def a_new_image_rolls_and_the_conditions_say_which_pod_is_at_it():
    """Each step is held until it was told: an old pod stays while it ends, a new one is not ready."""
    namespace = ready_database(replicas=2, image="postgres:17.4")

    def mark(pod, name, value):
        try:
            cluster.patch("Pod", namespace, pod, {"metadata": {"annotations": {"strake.test/" + name: value}}})
        except Refused as refused:
            if refused.status != 404:
                raise

    def say(words, ready=None):
        def said():
            if ready:  # again and again: kwok may end a new pod in place of the old one, late
                mark(ready, "hold", None)
            return cluster.condition(cluster.get("Database", namespace, "db"), "Progressing")["message"]
        wait(lambda: said() == words, 30, lambda: f"it says {said()!r}, not {words!r}")

    for pod in ("db-0", "db-1"):
        mark(pod, "stay", "1")
    cluster.patch("Database", namespace, "db", {"spec": {
        "image": "postgres:17.5", "podTemplate": {"annotations": {"strake.test/hold": "1"}}}})
    say("0 of 2 pods have the new template; replica db-1 is being replaced")
    mark("db-1", "stay", None)
    say("1 of 2 pods have the new template; replica db-1 is being replaced")
    say("1 of 2 pods have the new template; the primary db-0 is being replaced", ready="db-1")
    mark("db-0", "stay", None)

    def rolled():
        mark("db-0", "hold", None)
        return cluster.ready(namespace, "db")
    wait(rolled, 60, "it is not rolled")
    equal({p["spec"]["containers"][0]["image"] for p in cluster.list("Pod", namespace)}, {"postgres:17.5"}, "images")
    notes = [e["note"] for e in cluster.list("Event", namespace) if e["reason"] == "PodReplaced"]
    equal({n.split()[1] for n in notes}, {"db-1", "db-0"}, "pods of the events")


@suite.test
def an_image_of_another_major_version_is_refused_and_nothing_changes():
    namespace = ready_database(replicas=2, image="registry.example.org/postgres:17.4-bookworm")
    before = marks(namespace)
    cluster.patch("Database", namespace, "db", {"spec": {"image": "registry.example.org/postgres:18.0"}})
    wait(lambda: "is of version 18" in cluster.condition(cluster.get("Database", namespace, "db"), "SpecValid")["message"],
         20, lambda: cluster.condition(cluster.get("Database", namespace, "db"), "SpecValid"))
    check(steady(lambda: marks(namespace)), "something changes")
    equal(marks(namespace), before, "children")
    cluster.patch("Database", namespace, "db", {"spec": {"image": "registry.example.org/own@sha256:" + "0" * 64}})
    cluster.wait_ready(namespace, "db", 60)


@suite.test
def what_a_pod_waits_for_stands_in_the_message():
    namespace = suite.namespace()
    cluster.database(namespace, "db", scheduling={"nodeSelector": {"no": "such"}})
    wait(lambda: "db-0: Unschedulable" in cluster.get("Database", namespace, "db").get("status", {}).get("message", ""),
         30, lambda: cluster.get("Database", namespace, "db").get("status"))


@suite.test
def a_template_that_never_becomes_ready_is_mended_by_the_next_one():
    namespace = ready_database(replicas=3)
    cluster.patch("Database", namespace, "db", {"spec": {"podTemplate": {"annotations": {"strake.test/hold": "1"}}}})
    wait(lambda: cluster.get("Database", namespace, "db")["status"]["readyReplicas"] == 2, 20, "nothing rolled")
    time.sleep(1)
    equal(cluster.get("Database", namespace, "db")["status"]["readyReplicas"], 2, "ready replicas with a broken template")
    cluster.patch("Database", namespace, "db", {"spec": {"podTemplate": {"annotations": None}}})
    cluster.wait_ready(namespace, "db", 60)


@suite.test
def replicas_are_labelled_and_the_Services_find_them():
    namespace = ready_database(replicas=3)
    def roles():
        return {p["metadata"]["name"]: p["metadata"]["labels"].get("example.com/role")
                for p in cluster.list("Pod", namespace)}
    wait(lambda: roles() == {"db-0": "primary", "db-1": "replica", "db-2": "replica"}, 20, "roles are missing")
    for service, pods in (("db-rw", {"db-0"}), ("db-ro", {"db-1", "db-2"}), ("db-pods", {"db-0", "db-1", "db-2"})):
        def endpoints():
            found = cluster.raw("GET", f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
                                f"?labelSelector=kubernetes.io%2Fservice-name%3D{service}")["items"]
            return {e["targetRef"]["name"] for s in found for e in s.get("endpoints") or []}
        wait(lambda: endpoints() == pods, 20, lambda: f"{service} has {endpoints()}")


@suite.test
def with_Retain_claims_and_passwords_outlive_the_Database_and_serve_the_next_of_its_name():
    namespace = ready_database()
    secrets = {s["metadata"]["name"]: s["data"] for s in cluster.list("Secret", namespace)}
    claims = {c["metadata"]["uid"] for c in cluster.list("PersistentVolumeClaim", namespace)}
    cluster.delete("Database", namespace, "db")
    kept = {("Secret", f"db-{name}") for name in ("app", "superuser", "ca", "tls")}
    wait(lambda: cluster.children(namespace, "db").keys() == kept,
         30, lambda: f"left over: {cluster.children(namespace, 'db').keys()}")
    wait(lambda: not cluster.list("Pod", namespace), 30, "pods stay")
    cluster.database(namespace, "db")
    cluster.wait_ready(namespace, "db")
    equal({s["metadata"]["name"]: s["data"] for s in cluster.list("Secret", namespace)}, secrets, "passwords")
    equal({c["metadata"]["uid"] for c in cluster.list("PersistentVolumeClaim", namespace)}, claims, "claims")


@suite.test
def with_Delete_nothing_is_left():
    namespace = ready_database(replicas=2, deletionPolicy="Delete")
    cluster.delete("Database", namespace, "db")
    wait(lambda: not cluster.get("Database", namespace, "db"), 30, "the Database stays")
    wait(lambda: not cluster.children(namespace, "db"), 30, lambda: f"left over: {cluster.children(namespace, 'db').keys()}")
    wait(lambda: not cluster.list("PersistentVolumeClaim", namespace), 30, "claims stay")


@suite.test
def going_from_Delete_to_Retain_takes_the_finalizer_off():
    namespace = ready_database(deletionPolicy="Delete")
    check(cluster.get("Database", namespace, "db")["metadata"].get("finalizers"), "there is no finalizer")
    cluster.patch("Database", namespace, "db", {"spec": {"deletionPolicy": "Retain"}})
    wait(lambda: not cluster.get("Database", namespace, "db")["metadata"].get("finalizers"), 20, "the finalizer stays")


@suite.test
def an_object_that_has_a_childs_name_is_never_taken_over():
    namespace = suite.namespace()
    theirs = {
        "Service": {"metadata": {"name": "db-rw"}, "spec": {"ports": [{"port": 80}]}},
        "ConfigMap": {"metadata": {"name": "db-config"}, "data": {"a": "b"}},
        "Secret": {"metadata": {"name": "db-app"}, "data": {"password": "eA=="}},
        "StatefulSet": {"metadata": {"name": "db"}, "spec": {
            "serviceName": "x", "replicas": 0, "selector": {"matchLabels": {"x": "y"}},
            "template": {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "x", "image": "x"}]}}}},
    }
    for kind, body in theirs.items():
        cluster.create(kind, namespace, body)
    versions = {k: cluster.get(k, namespace, b["metadata"]["name"])["metadata"]["uid"] for k, b in theirs.items()}
    cluster.database(namespace, "db")
    wait(lambda: cluster.condition(cluster.get("Database", namespace, "db"), "Ready")["reason"] == "NameConflict",
         20, "there is no NameConflict")
    time.sleep(0.5)
    for kind, body in theirs.items():
        name = body["metadata"]["name"]
        found = cluster.get(kind, namespace, name)
        equal(found["metadata"]["uid"], versions[kind], f"{kind} {name}")
        check(not any(e["manager"] == MANAGER for e in found["metadata"]["managedFields"]), f"{kind} {name} was written")
        cluster.delete(kind, namespace, name)
    cluster.wait_ready(namespace, "db", 60)


@suite.test
def two_Databases_of_one_name_in_two_namespaces_do_not_meet():
    one, two = ready_database(), ready_database()
    def passwords(namespace):
        return cluster.get("Secret", namespace, "db-app")["data"]["password"]
    check(passwords(one) != passwords(two), "one password for both")
    cluster.delete("Database", one, "db")
    wait(lambda: not statefulset(one), 30, "the first one stays")
    check(cluster.ready(two, "db"), "the second one suffers")


@suite.test
def Databases_whose_names_begin_alike_do_not_meet():
    namespace = suite.namespace()
    names = ["db", "db-rw", "db-config", "db-0", "db-rw-ro"]
    for name in names:
        cluster.database(namespace, name)
    for name in names:
        cluster.wait_ready(namespace, name)


@suite.test
def a_Database_deleted_while_it_is_made_leaves_nothing():
    namespace = suite.namespace()
    for delay in (0, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16):
        cluster.database(namespace, "db", deletionPolicy="Delete")
        time.sleep(delay)
        cluster.delete("Database", namespace, "db")
        wait(lambda: not cluster.get("Database", namespace, "db"), 30, "the Database stays")
    wait(lambda: not [k for k in cluster.children(namespace, "db") if k[0] != "Secret"], 30,
         lambda: f"left over: {cluster.children(namespace, 'db').keys()}")
    check(steady(lambda: len(cluster.children(namespace, "db")), 1), "something comes back")


@suite.test
def a_Database_made_again_at_once_gets_children_of_its_own():
    namespace = ready_database(replicas=2)
    for _ in range(3):
        cluster.delete("Database", namespace, "db")
        uid = cluster.database(namespace, "db", replicas=2)["metadata"]["uid"]
        cluster.wait_ready(namespace, "db", 60)
        for (kind, name), item in cluster.children(namespace, "db").items():
            if kind != "Secret":
                equal(item["metadata"]["ownerReferences"][0]["uid"], uid, f"owner of {kind} {name}")


@suite.test
def a_wrong_spec_is_told_with_its_path_changes_nothing_and_can_be_mended():
    namespace = ready_database()
    before = marks(namespace)
    cluster.patch("Database", namespace, "db", {"spec": {"replicas": 3, "config": {"parameters": {"Bad Name": "1"}}}})
    wait(lambda: cluster.condition(cluster.get("Database", namespace, "db"), "SpecValid")["status"] == "False",
         20, "SpecValid is not False")
    message = cluster.condition(cluster.get("Database", namespace, "db"), "SpecValid")["message"]
    check("spec.config.parameters" in message and "Bad Name" in message, message)
    check(steady(lambda: marks(namespace)), "something changes")
    equal(marks(namespace), before, "children")
    events = [e for e in cluster.list("Event", namespace) if e["reason"] == "SpecInvalid"]
    equal(len(events), 1, "events")
    cluster.patch("Database", namespace, "db", {"spec": {"config": None}})
    cluster.wait_ready(namespace, "db")
    equal(len(cluster.list("Pod", namespace)), 3, "pods")


REFUSED = [
    ({"engine": "Oracle"}, "Unsupported value"),
    ({"version": "13"}, "not known"),
    ({"replicas": 16}, "less than or equal to 15"),
    ({"config": {"parameters": {"port": "1"}}}, "operator's to set"),
    ({"storage": {"size": "0"}}, "more than 0"),
    ({"monitoring": {"enabled": True}}, "exporterImage"),
    ({"security": {"runAsUser": 0}}, "greater than or equal to 1"),
    ({"bootstrap": {"database": "template1"}}, "PostgreSQL's own"),
    ({"bootstrap": {"owner": "pg_shop"}}, "PostgreSQL's own"),
]


@suite.test
def the_server_itself_refuses_what_breaks_a_rule():
    namespace = suite.namespace()
    for spec, words in REFUSED:
        try:
            cluster.database(namespace, "db", **spec)
            raise Failed(f"{spec} was taken")
        except Refused as refused:
            check(words in refused.text, f"{spec}: {refused.text}")
    try:
        cluster.database(namespace, "a" * 41)
        raise Failed("a long name was taken")
    except Refused as refused:
        check("40 bytes" in refused.text, refused.text)
    cluster.database(namespace, "db")
    for change, words in (({"bootstrap": {"owner": "other"}}, "cannot be changed"), ({"version": "16"}, "cannot change"),
                          ({"version": "18.1"}, "cannot change")):
        try:
            cluster.patch("Database", namespace, "db", {"spec": change})
            raise Failed(f"{change} was taken")
        except Refused as refused:
            check(words in refused.text, f"{change}: {refused.text}")


@suite.test
def pause_stops_everything_and_goes_on_later():
    namespace = ready_database()
    cluster.patch("Database", namespace, "db", {"spec": {"pause": True, "replicas": 2}})
    wait(lambda: cluster.get("Database", namespace, "db")["status"]["phase"] == "Paused", 20, "not Paused")
    cluster.delete("Service", namespace, "db-rw")
    time.sleep(0.7)
    check(not cluster.get("Service", namespace, "db-rw"), "it works while paused")
    equal(statefulset(namespace)["spec"]["replicas"], 1, "replicas while paused")
    cluster.patch("Database", namespace, "db", {"spec": {"pause": False}})
    cluster.wait_ready(namespace, "db")
    check(cluster.get("Service", namespace, "db-rw"), "it does not go on")


@suite.test
def brought_Secrets_are_used_and_none_is_made():
    namespace = suite.namespace()
    for name in ("root", "user"):
        cluster.create("Secret", namespace, {"metadata": {"name": name}, "stringData": {"username": name, "password": "x"}})
    cluster.database(namespace, "db", credentials={"superuserSecretRef": {"name": "root"},
                                                   "applicationSecretRef": {"name": "user"}})
    cluster.wait_ready(namespace, "db")
    equal({s["metadata"]["name"] for s in cluster.list("Secret", namespace)}, {"root", "user", "db-ca", "db-tls"}, "Secrets")
    volumes = {v["name"]: v for v in statefulset(namespace)["spec"]["template"]["spec"]["volumes"]}
    equal(volumes["superuser"]["secret"]["secretName"], "root", "superuser's volume")


def pem(secret, name):
    return base64.b64decode(secret["data"][name]).decode()


def verify(authority, certificate, name):
    """As a client does that verifies all there is: the chain and the server's name."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pair").write_text(pem(certificate, "tls.crt") + pem(certificate, "tls.key"))
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(Path(folder, "pair"))
    asking = ssl.create_default_context(cadata=authority)
    ends = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]
    server = serving.wrap_bio(*ends[0], server_side=True)
    client = asking.wrap_bio(*ends[1], server_hostname=name)
    for _ in range(4):
        for side, (mine, theirs) in ((client, (ends[1], ends[0])), (server, ends)):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            theirs[0].write(mine[1].read())
    return client.getpeercert()


@suite.test
def clients_verify_the_server_by_what_stands_beside_their_password():
    namespace = ready_database(tls={"additionalNames": ["db.example.org", "*.db.example.org", "10.1.2.3", "fd00::7"]})
    app, root, tls = (cluster.get("Secret", namespace, f"db-{name}") for name in ("app", "superuser", "tls"))
    equal(pem(root, "ca.crt"), pem(app, "ca.crt"), "ca.crt of the superuser's Secret")
    check("ca.key" not in tls["data"], "pods could sign")
    equal(tls["type"], "kubernetes.io/tls", "type")
    for name in ("db-rw", f"db-rw.{namespace}.svc", f"db-ro.{namespace}.svc.cluster.local", f"db-any.{namespace}",
                 f"db-0.db-pods.{namespace}", f"db-2.db-pods.{namespace}.svc", "localhost", "db.example.org",
                 "x.db.example.org", "10.1.2.3", "fd00::7"):
        found = verify(pem(app, "ca.crt"), tls, name)
    for name in ("other-rw", "a.b.db-pods", "10.1.2.4", f"db-rw.{namespace}x.svc"):
        try:
            verify(pem(app, "ca.crt"), tls, name)
            raise Failed(f"it is taken for {name}")
        except ssl.SSLCertVerificationError:
            pass
    status = cluster.get("Database", namespace, "db")["status"]["tls"]
    equal((status["authoritySecret"], status["certificateSecret"]), ("db-ca", "db-tls"), "Secrets in the status")
    until = ssl.cert_time_to_seconds(found["notAfter"])
    equal(calendar.timegm(time.strptime(status["notAfter"], "%Y-%m-%dT%H:%M:%SZ")), until, "notAfter")
    check(abs(until - time.time() - 90 * 86400) < 300, f"it holds until {found['notAfter']}")
    other = ready_database()
    try:
        verify(pem(cluster.get("Secret", other, "db-app"), "ca.crt"), tls, "db-rw")
        raise Failed("the authority of another Database is taken")
    except ssl.SSLCertVerificationError:
        pass


@suite.test
def an_authority_that_is_deleted_or_broken_is_made_anew_and_everybody_is_told():
    namespace = ready_database()

    def good(before):
        app, tls = cluster.get("Secret", namespace, "db-app"), cluster.get("Secret", namespace, "db-tls")
        if pem(app, "ca.crt") == before:
            return False
        try:
            return verify(pem(app, "ca.crt"), tls, "db-rw") and \
                pem(cluster.get("Secret", namespace, "db-superuser"), "ca.crt") == pem(app, "ca.crt")
        except ssl.SSLCertVerificationError:
            return False
    before = pem(cluster.get("Secret", namespace, "db-app"), "ca.crt")
    cluster.delete("Secret", namespace, "db-ca")
    wait(lambda: good(before), 20, "no new authority")
    before = pem(cluster.get("Secret", namespace, "db-app"), "ca.crt")
    cluster.patch("Secret", namespace, "db-ca", {"data": {"ca.key": base64.b64encode(b"no key").decode()}})
    cluster.delete("Secret", namespace, "db-tls")
    wait(lambda: "db-ca" in cluster.condition(cluster.get("Database", namespace, "db"), "TLSReady")["message"], 20,
         lambda: cluster.condition(cluster.get("Database", namespace, "db"), "TLSReady"))
    cluster.delete("Secret", namespace, "db-ca")
    wait(lambda: cluster.get("Secret", namespace, "db-tls") and good(before), 60, "it is not mended")
    cluster.wait_ready(namespace, "db", 60)


@suite.test
def a_certificate_that_is_brought_is_used_and_none_is_made():
    namespace = ready_database(tls={"mode": "Required", "secretRef": {"name": "theirs"}})
    equal({s["metadata"]["name"] for s in cluster.list("Secret", namespace)}, {"db-app", "db-superuser"}, "Secrets")
    volumes = {v["name"]: v for v in statefulset(namespace)["spec"]["template"]["spec"]["volumes"]}
    equal(volumes["tls"]["secret"]["secretName"], "theirs", "the volume")
    equal(cluster.condition(cluster.get("Database", namespace, "db"), "TLSReady")["reason"], "Brought", "reason")


@suite.test
def a_line_of_pg_hba_that_the_server_would_not_take_is_told_with_its_index_and_word():
    namespace = ready_database()
    before = marks(namespace)
    for line, words in (("host all all 10.0.0.0/8 scram", '[1] "scram" is no method'),
                        ("host all all scram-sha-256", '[1] "host" has no method'),
                        ("local all all cert", '"cert" is for hostssl lines only'),
                        ("hosts all all all trust", '"hosts" is no type')):
        cluster.patch("Database", namespace, "db", {"spec": {"config": {"hostBasedAuthentication": ["# ours", line]}}})
        wait(lambda: words in cluster.condition(cluster.get("Database", namespace, "db"), "SpecValid")["message"], 20,
             lambda: cluster.condition(cluster.get("Database", namespace, "db"), "SpecValid"))
    equal(marks(namespace), before, "children")
    cluster.patch("Database", namespace, "db", {"spec": {"config": {"hostBasedAuthentication": ["host all all all reject"]}}})
    cluster.wait_ready(namespace, "db")
    lines = cluster.get("ConfigMap", namespace, "db-config")["data"]["pg_hba.conf"].splitlines()
    check(lines.index("host replication,postgres postgres all scram-sha-256") < lines.index("host all all all reject"), lines)


class Kubelet:
    """Answers for the logs of the nodes' containers, for which kwok has no words."""

    def __enter__(self):
        self.logs, self.asked = {}, []
        kubelet, self.folder = self, tempfile.TemporaryDirectory()
        pair = [str(Path(self.folder.name, name)) for name in ("key", "crt")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", pair[0],
                        "-out", pair[1], "-subj", "/CN=kubelet"], check=True, capture_output=True)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                container = self.path.split("?")[0].removeprefix("/containerLogs/")
                kubelet.asked.append(container)
                text = kubelet.logs.get(container, "").encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair[1], pair[0])
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.nodes("127.0.0.1", self.server.server_address[1])
        return self

    def nodes(self, address, port):
        for node in cluster.raw("GET", "/api/v1/nodes")["items"]:
            cluster.raw("PATCH", f"/api/v1/nodes/{node['metadata']['name']}/status", {"status": {
                "addresses": [{"type": "InternalIP", "address": address}], "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}},
                "application/merge-patch+json")

    def __exit__(self, *_):
        self.nodes("10.0.0.1", 10250)
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()


@suite.test
def what_the_primary_says_of_users_and_databases_is_a_condition():
    global operator
    namespace = ready_database()
    def condition():
        return cluster.condition(cluster.get("Database", namespace, "db"), "ObjectsReady")
    equal(condition()["status"], None, "with nothing declared")
    primary = f"{namespace}/db-0/database"
    with Kubelet() as kubelet:
        def says(words, users):
            cluster.patch("Database", namespace, "db", {"spec": {"users": users}})
            cluster.wait_ready(namespace, "db")
            wait(lambda: condition()["status"] == "Unknown", 20, condition)
            declared = cluster.get("ConfigMap", namespace, "db-config")["data"]["declared"]
            kubelet.logs[primary] = f"some line\ndeclared {'0' * 16}: made\ndeclared {declared}: {words}\nmore\n"
            return declared
        says('failed: users "bob": role "x" does not exist', [{"name": "bob", "roles": ["x"]}])
        wait(lambda: condition()["status"] == "False", 30, condition)
        equal((condition()["reason"], condition()["message"]), ("Failing", 'users "bob": role "x" does not exist'), "condition")
        check(cluster.ready(namespace, "db"), "the server is not Ready for it")
        declared = says("made", [{"name": "bob"}])
        wait(lambda: condition()["status"] == "True", 30, condition)
        equal(cluster.get("Database", namespace, "db")["status"]["declared"], declared, "in the status")
        asked = kubelet.asked.count(primary)
        operator.stop()
        operator.start().wait_synced().wait_leading()
        time.sleep(2)
        equal((kubelet.asked.count(primary), condition()["status"]), (asked, "True"), "an operator that comes anew asks")
    cluster.delete("Database", namespace, "db")


@suite.test
def a_budget_is_there_for_two_replicas_and_never_for_one():
    namespace = ready_database()
    check(not cluster.get("PodDisruptionBudget", namespace, "db"), "a budget for one replica")
    cluster.patch("Database", namespace, "db", {"spec": {"replicas": 2}})
    cluster.wait_ready(namespace, "db")
    wait(lambda: ((cluster.get("PodDisruptionBudget", namespace, "db") or {}).get("status") or {}).get("disruptionsAllowed") == 1,
         20, "no budget for two replicas that lets one go")
    cluster.raw("POST", cluster.path("Pod", namespace, "db-1") + "/eviction", {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "db-1", "namespace": namespace}})
    cluster.wait_ready(namespace, "db")


@suite.test
def a_schedule_makes_a_CronJob_that_is_suspended_and_says_so():
    namespace = ready_database(backup={"schedule": "0 3 * * *"})
    equal(cluster.get("CronJob", namespace, "db-backup")["spec"]["suspend"], True, "suspend")
    equal(cluster.condition(cluster.get("Database", namespace, "db"), "BackupReady")["reason"], "NotSupported", "reason")


@suite.test
def what_is_not_done_yet_is_said_plainly_where_it_is_asked_for():
    namespace = ready_database(failover={"enabled": True}, fencing={"replicas": ["*"]}, backup={"schedule": "@daily"})
    for name, word in (("FailoverReady", "primary"), ("Fenced", "fences no server"), ("BackupReady", "no backups")):
        found = cluster.condition(cluster.get("Database", namespace, "db"), name)
        equal((found["status"], found["reason"]), ("False", "NotSupported"), name)
        check(word in found["message"] and "yet" in found["message"], found["message"])
    cluster.database(namespace, "other", restore={"backup": "last"})
    wait(lambda: cluster.condition(cluster.get("Database", namespace, "other"), "Restored")["reason"] == "NotSupported",
         20, "no condition")
    equal(cluster.children(namespace, "other"), {}, "what was made in place of a restored one")


@suite.test
def a_namespace_that_is_deleted_goes_away_with_its_Databases():
    namespace = ready_database(replicas=2, deletionPolicy="Delete")
    cluster.database(namespace, "other")
    cluster.delete("Namespace", None, namespace)
    wait(lambda: not cluster.get("Namespace", None, namespace), 60,
         lambda: f"it stays: {json.dumps(cluster.get('Namespace', None, namespace)['status'])}")
    suite.used.remove(namespace)


@suite.test
def get_explain_and_selectable_fields_read_well():
    namespace = ready_database()
    table = cluster.kubectl("-n", namespace, "get", "xdb").stdout.split("\n")
    equal(table[0].split(), ["NAME", "ENGINE", "VERSION", "REPLICAS", "READY", "PRIMARY", "PHASE", "AGE"], "columns")
    equal(table[1].split()[:7], ["db", "PostgreSQL", "17", "1", "1", "db-0", "Ready"], "row")
    check("How large" in cluster.kubectl("explain", "databases.spec.storage.size").stdout, "explain")
    found = cluster.kubectl("-n", namespace, "get", "databases", "--field-selector", "status.phase=Ready", "-o", "name")
    check("/db" in found.stdout, "selectable field")
    found = cluster.kubectl("-n", namespace, "wait", "databases/db", "--for=condition=Ready", "--timeout=5s")
    check("condition met" in found.stdout, "wait")


@suite.test
def metrics_have_the_names_that_dashboards_know():
    text = operator.http("/metrics")[1]
    for name in ("workqueue_depth", "workqueue_adds_total", "workqueue_queue_duration_seconds_bucket", "workqueue_retries_total",
                 "workqueue_work_duration_seconds_bucket", "controller_runtime_reconcile_total",
                 "controller_runtime_reconcile_errors_total", "controller_runtime_reconcile_time_seconds_bucket",
                 "controller_runtime_active_workers", "rest_client_requests_total", "leader_election_master_status"):
        check(f"\n{name}" in text, f"{name} is missing")
    equal(operator.http("/healthz")[0], 200, "healthz")
    equal(operator.http("/nothing")[0], 404, "another path")


@suite.test
def a_restart_with_everything_converged_writes_nothing():
    global operator
    ready_database(replicas=2)
    def quiet():
        at = cluster.audit_end()
        time.sleep(2)
        return not [w for w in cluster.writes(at, "strake-operator") if "/leases/" not in w[2]]
    wait(quiet, 120, "it does not come to rest")
    equal(operator.stop(), 0, "exit status")
    start = cluster.audit_end()
    operator.start().wait_synced().wait_leading()
    time.sleep(1.5)
    writes = [w for w in cluster.writes(start, "strake-operator") if "/leases/" not in w[2]]
    equal(writes, [], "writes")


@suite.test
def SIGTERM_ends_it_within_a_second_and_the_lease_is_free():
    global operator
    began = time.monotonic()
    equal(operator.stop(), 0, "exit status")
    check(time.monotonic() - began < 3, "it took long")  # a second, and room for a busy machine
    equal(cluster.get("Lease", "default", "strake-test")["spec"]["holderIdentity"], "", "holder")


suite.main()
