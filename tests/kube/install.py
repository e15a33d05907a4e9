#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What manifests/ installs, and that the operator needs no right more than it gives."""
import calendar
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from harness import OPERATOR, TREE, Cluster, Operator, Suite, check, equal, moved_clock, wait

suite = Suite("install")
cluster = suite.cluster = Cluster()
folder = tempfile.TemporaryDirectory()


def as_account(namespace, account="strake-operator"):
    """A kubeconfig with the token of a service account."""
    token = cluster.raw("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
                        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}})
    path = Path(folder.name) / f"{namespace}-{account}"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"https://{cluster.host}:{cluster.port}",
                      "certificate-authority-data": cluster.values["certificate-authority-data"]}}],
        "users": [{"name": "u", "user": {"token": token["status"]["token"]}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": namespace}}]}))
    return path


def operator_as(namespace, *arguments, env=None):
    operator = Operator(as_account(namespace), *arguments, env=env, lease="strake-operator")
    place = operator.arguments.index("--lease-namespace")
    operator.arguments[place + 1] = namespace
    suite.operator = operator
    return operator


def touched(output):
    """kubectl calls a budget configured each time, though nothing of it changes."""
    return [line for line in output.splitlines() if not line.endswith(" unchanged") and "poddisruptionbudget" not in line]


@suite.test
def everything_is_installed_by_one_apply():
    done = cluster.kubectl("apply", "-k", str(TREE / "manifests"))
    check("deployment.apps/strake-operator" in done.stdout, done.stdout)
    wait(lambda: (cluster.raw("GET", "/apis/apps/v1/namespaces/strake-system/deployments/strake-operator")["status"]
                  .get("readyReplicas") == 2), 60, "the Deployment does not get its two replicas")
    again = cluster.kubectl("apply", "-k", str(TREE / "manifests"))
    equal(touched(again.stdout), [], "what a second apply changes")


@suite.test
def the_whole_in_one_file_is_the_same():
    text = subprocess.run(["make", "-s", "install.yaml"], cwd=TREE, check=True, capture_output=True, text=True).stdout
    done = cluster.kubectl("apply", "-f", str(TREE / "build/install.yaml"))
    equal(touched(done.stdout), [], "what it changes")


@suite.test
def the_schema_is_small_enough_for_any_way_to_apply_it():
    crd = cluster.raw("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/databases.example.com")
    check(len(json.dumps(crd)) < 200000, "the CRD is larger than 200 kB")


@suite.test
def with_the_rights_of_the_installation_Databases_of_any_namespace_are_served_and_no_Secret_is_read():
    with operator_as("strake-system") as operator:
        operator.wait_synced().wait_leading()
        namespace = suite.namespace()
        cluster.database(namespace, "db", replicas=2, deletionPolicy="Delete", backup={"schedule": "@daily"})
        cluster.wait_ready(namespace, "db")
        secrets = {s["metadata"]["name"]: s["data"] for s in cluster.list("Secret", namespace)}
        equal(set(secrets), {"db-app", "db-superuser", "db-ca", "db-tls"}, "Secrets")
        cluster.patch("Database", namespace, "db", {"spec": {"storage": {"size": "2Gi"}, "terminationGracePeriodSeconds": 9}})
        cluster.wait_ready(namespace, "db", 60)
        equal(operator.stop(), 0, "exit status")
        operator.start().wait_synced().wait_leading()
        time.sleep(1)
        equal({s["metadata"]["name"]: s["data"] for s in cluster.list("Secret", namespace)}, secrets, "Secrets")
        reads = [line for line in operator.log.read_text().splitlines() if "403" in line and "secrets" not in line.lower()]
        equal(reads, [], "what was refused")
        cluster.delete("Database", namespace, "db")
        wait(lambda: not cluster.get("Database", namespace, "db"), 40, "the Database stays")
        wait(lambda: not cluster.list("Secret", namespace) and not cluster.list("PersistentVolumeClaim", namespace), 30, "data stay")


@suite.test
def with_deletionPolicy_Delete_it_ends_though_Secrets_are_out_of_sight_whatever_became_of_them():
    def gone(namespace):
        wait(lambda: not cluster.get("Database", namespace, "db"), 40, lambda: f"the Database stays: {cluster.get('Database', namespace, 'db')}")
        equal([s["metadata"]["name"] for s in cluster.list("Secret", namespace)], [], "Secrets that stay")
        wait(lambda: not cluster.list("PersistentVolumeClaim", namespace), 30, "claims stay")

    def none_gone(namespace):
        pass

    def one_deleted(namespace):
        cluster.delete("Secret", namespace, "db-app")

    def all_deleted(namespace):
        for secret in cluster.list("Secret", namespace):
            cluster.delete("Secret", namespace, secret["metadata"]["name"])

    with operator_as("strake-system") as operator:
        operator.wait_synced().wait_leading()
        for what in (none_gone, one_deleted, all_deleted):
            namespace = suite.namespace()
            cluster.database(namespace, "db", deletionPolicy="Delete")
            cluster.wait_ready(namespace, "db")
            what(namespace)
            cluster.delete("Database", namespace, "db")
            gone(namespace)
        namespace = suite.namespace()
        cluster.database(namespace, "db", deletionPolicy="Delete")
        cluster.wait_ready(namespace, "db")
        operator.stop()
        cluster.delete("Database", namespace, "db")
        operator.start().wait_synced().wait_leading()
        gone(namespace)
        cluster.database(namespace, "db", deletionPolicy="Delete")
        cluster.wait_ready(namespace, "db")


@suite.test
def certificates_are_renewed_in_time_though_Secrets_are_out_of_sight():
    with moved_clock() as (clock, env), operator_as("strake-system", env=env) as operator:
        operator.wait_synced().wait_leading()
        namespace = suite.namespace()
        cluster.database(namespace, "db", tls={"durationDays": 30})
        cluster.wait_ready(namespace, "db")
        before = {s["metadata"]["name"]: s["data"] for s in cluster.list("Secret", namespace)}
        clock.write_text(str(15 * 86400))
        cluster.patch("Database", namespace, "db", {"spec": {"replicas": 2}})
        cluster.wait_ready(namespace, "db", 60)
        equal({s["metadata"]["name"]: s["data"] for s in cluster.list("Secret", namespace)}, before, "before their time")
        clock.write_text(str(21 * 86400))
        cluster.patch("Database", namespace, "db", {"spec": {"replicas": 1}})
        wait(lambda: cluster.get("Secret", namespace, "db-tls")["data"] != before["db-tls"], 60, "it is not renewed")
        after = {s["metadata"]["name"]: s["data"] for s in cluster.list("Secret", namespace)}
        equal({n: after[n] == before[n] for n in after}, {"db-app": True, "db-superuser": True, "db-ca": True, "db-tls": False}, "what is new")
        cluster.wait_ready(namespace, "db", 60)
        check("CertificateRenewed" in {e["reason"] for e in cluster.list("Event", namespace)}, "no event")
        until = cluster.get("Database", namespace, "db")["status"]["tls"]["notAfter"]
        left = calendar.timegm(time.strptime(until, "%Y-%m-%dT%H:%M:%SZ")) - time.time()
        check(50 * 86400 < left < 52 * 86400, f"until {until}")


@suite.test
def a_component_runs_the_operator_itself_under_the_strake_runtime():
    with tempfile.TemporaryDirectory(dir=TREE / "build") as overlay:
        place = os.path.relpath(TREE / "manifests", overlay)
        Path(overlay, "kustomization.yaml").write_text(f"resources: [{place}]\ncomponents: [{place}/components/strake-runtime]\n")
        text = cluster.kubectl("kustomize", overlay).stdout
        check("      runtimeClassName: strake\n" in text, text[-2000:])
        cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=text)


@suite.test
def a_Secret_with_the_name_of_a_childs_is_not_taken_over_without_the_right_to_read_it():
    with operator_as("strake-system") as operator:
        operator.wait_synced().wait_leading()
        namespace = suite.namespace()
        cluster.create("Secret", namespace, {"metadata": {"name": "db-app"}, "data": {"password": "eA=="}})
        version = cluster.get("Secret", namespace, "db-app")["metadata"]["resourceVersion"]
        cluster.database(namespace, "db")
        wait(lambda: cluster.condition(cluster.get("Database", namespace, "db"), "Ready")["reason"] == "NameConflict",
             20, "there is no NameConflict")
        equal(cluster.get("Secret", namespace, "db-app")["metadata"]["resourceVersion"], version, "the Secret")
        cluster.delete("Secret", namespace, "db-app")
        cluster.wait_ready(namespace, "db", 60)


@suite.test
def in_one_namespace_a_Role_is_enough_and_Secrets_come_back():
    done = cluster.kubectl("create", "namespace", "databases", check=False)
    cluster.kubectl("apply", "-k", str(TREE / "manifests/namespaced"))
    with operator_as("databases", "--namespace", "databases") as operator:
        operator.wait_synced().wait_leading()
        cluster.database("databases", "db", replicas=2, deletionPolicy="Delete")
        cluster.wait_ready("databases", "db")
        before = cluster.get("Secret", "databases", "db-app")["metadata"]["uid"]
        cluster.delete("Secret", "databases", "db-app")
        wait(lambda: (cluster.get("Secret", "databases", "db-app") or {"metadata": {"uid": before}})["metadata"]["uid"] != before,
             20, "the Secret does not come back")
        refused = [line for line in operator.log.read_text().splitlines() if "403" in line]
        equal(refused, [], "what was refused")
        cluster.delete("Database", "databases", "db")
        wait(lambda: not cluster.get("Database", "databases", "db"), 40, "the Database stays")
    cluster.delete("Namespace", None, "databases")


@suite.test
def plan_prints_what_the_server_takes_and_diff_tells_what_would_change():
    namespace = suite.namespace()
    sample = TREE / "manifests/samples/production.yaml"
    planned = subprocess.run([OPERATOR, "plan", "-f", sample], capture_output=True, text=True, check=True).stdout
    items = json.loads(planned)["items"]
    equal(sorted({i["kind"] for i in items}), ["ConfigMap", "PodDisruptionBudget", "Secret", "Service", "ServiceAccount",
                                               "StatefulSet"], "kinds")
    for item in items:
        item["metadata"].pop("ownerReferences", None)
        item["metadata"]["namespace"] = namespace
    done = cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    equal(len(done.stdout.splitlines()), len(items), "objects")
    with Operator(cluster.kubeconfig, "--namespace", namespace, lease="plan") as operator:
        operator.wait_synced().wait_leading()
        cluster.database(namespace, "db")
        cluster.wait_ready(namespace, "db")
    text = json.dumps(cluster.get("Database", namespace, "db"))
    env = {**os.environ, "KUBECONFIG": cluster.kubeconfig}
    done = subprocess.run([OPERATOR, "plan", "--diff", "-f", "-"], input=text, capture_output=True, text=True, env=env)
    equal((done.returncode, done.stdout), (0, ""), "diff of what is there")
    text = text.replace('"replicas": 1', '"replicas": 2')
    done = subprocess.run([OPERATOR, "plan", "--diff", "-f", "-"], input=text, capture_output=True, text=True, env=env)
    equal(done.returncode, 1, f"status: {done.stderr}")
    check("StatefulSet/db would change\n  - spec.replicas: 1\n  + spec.replicas: 2" in done.stdout, done.stdout)
    check("PodDisruptionBudget/db would be created" in done.stdout, done.stdout)


@suite.test
def check_finds_what_is_wrong_before_it_is_applied():
    for sample in sorted((TREE / "manifests/samples").glob("*.yaml")):
        done = subprocess.run([OPERATOR, "check", "-f", sample], capture_output=True, text=True)
        equal(done.returncode, 0, f"{sample}: {done.stdout}{done.stderr}")
        cluster.kubectl("apply", "--dry-run=server", "-f", str(sample))
    bad = "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: x}\nspec: {replicas: 99, sotrage: 1Gi}\n"
    done = subprocess.run([OPERATOR, "check", "-f", "-"], input=bad, capture_output=True, text=True)
    equal(done.returncode, 1, "status")
    check("spec.replicas: must be from 0 to 15" in done.stdout and "spec.sotrage" in done.stdout, done.stdout)
    done = subprocess.run([OPERATOR, "check", "-f", "-"], input="kind: Pod", capture_output=True, text=True)
    equal(done.returncode, 2, "status of another kind")


suite.main()
