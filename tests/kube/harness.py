# SPDX-License-Identifier: Apache-2.0
"""What the tests against a real control plane share: a client of its API, the operator as a
process, and results as TAP. Only the standard library is needed."""
import atexit
import base64
import contextlib
import http.client
import itertools
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("STRAKE_BUILD", TREE / "build"))
OPERATOR = Path(os.environ.get("STRAKE_OPERATOR", BUILD / "bin" / "strake-operator"))
KIND = os.environ.get("KUBE_KIND", "kube")  # of tests, as in the names of results
CONTROLPLANE = TREE / "hack" / "controlplane"
RESULTS = TREE / "build" / "tests" / "results"
MANAGER = "databases.example.com"
LABEL = "example.com/database"

PLURALS = {
    "Database": "/apis/example.com/v1/{}databases",
    "StatefulSet": "/apis/apps/v1/{}statefulsets",
    "Service": "/api/v1/{}services",
    "ConfigMap": "/api/v1/{}configmaps",
    "Secret": "/api/v1/{}secrets",
    "ServiceAccount": "/api/v1/{}serviceaccounts",
    "Pod": "/api/v1/{}pods",
    "PersistentVolumeClaim": "/api/v1/{}persistentvolumeclaims",
    "PodDisruptionBudget": "/apis/policy/v1/{}poddisruptionbudgets",
    "CronJob": "/apis/batch/v1/{}cronjobs",
    "Lease": "/apis/coordination.k8s.io/v1/{}leases",
    "Event": "/apis/events.k8s.io/v1/{}events",
    "Namespace": "/api/v1/{}namespaces",
}
CHILDREN = ["StatefulSet", "Service", "ConfigMap", "Secret", "ServiceAccount",
            "PodDisruptionBudget", "CronJob"]


class Refused(Exception):
    def __init__(self, status, text):
        super().__init__(f"HTTP {status}: {text[:400]}")
        self.status, self.text = status, text


class Failed(Exception):
    pass


class Cluster:
    """The administrator's view of the control plane that `hack/controlplane up` started."""

    def __init__(self):
        path = os.environ.get("KUBECONFIG") or subprocess.run(
            [CONTROLPLANE, "kubeconfig"], check=True, capture_output=True, text=True).stdout.strip()
        self.kubeconfig = path
        text = Path(path).read_text()
        self.values = {}
        for line in text.splitlines():
            name, _, value = line.strip().partition(": ")
            self.values[name.lstrip("- ")] = value
        address = self.values["server"].split("://")[1]
        self.host, port = address.split(":")
        self.port = int(port)
        self.tls = ssl.create_default_context(
            cadata=base64.b64decode(self.values["certificate-authority-data"]).decode())
        with tempfile.TemporaryDirectory() as folder:
            for name in ("client-certificate", "client-key"):
                Path(folder, name).write_bytes(base64.b64decode(self.values[name + "-data"]))
            self.tls.load_cert_chain(Path(folder, "client-certificate"), Path(folder, "client-key"))
        self.local = threading.local()  # a connection for each thread
        self.audit = Path(path).parent / "log" / "audit.log"

    def raw(self, method, path, body=None, kind="application/json"):
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        for again in (True, False):
            connection = getattr(self.local, "connection", None)
            if not connection:
                connection = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=60)
                self.local.connection = connection
            try:
                connection.request(method, path, data, {"Content-Type": kind} if data else {})
                answer = connection.getresponse()
                text = answer.read().decode()
                break
            except (http.client.HTTPException, OSError):
                self.local.connection = None
                if not again:
                    raise
        if answer.status >= 300:
            raise Refused(answer.status, text)
        return json.loads(text) if text.startswith(("{", "[")) else text

    def path(self, kind, namespace=None, name=None):
        path = PLURALS[kind].format(f"namespaces/{namespace}/" if namespace else "")
        return path + (f"/{name}" if name else "")

    def get(self, kind, namespace, name):
        try:
            return self.raw("GET", self.path(kind, namespace, name))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def list(self, kind, namespace=None, selector=None):
        query = f"?labelSelector={selector}" if selector else ""
        return self.raw("GET", self.path(kind, namespace) + query)["items"]

    def create(self, kind, namespace, body):
        return self.raw("POST", self.path(kind, namespace), body)

    def apply(self, kind, namespace, body, manager="test"):
        path = self.path(kind, namespace, body["metadata"]["name"])
        return self.raw("PATCH", f"{path}?fieldManager={manager}&force=true", body,
                        "application/apply-patch+yaml")

    def patch(self, kind, namespace, name, body, subresource="", manager="test"):
        path = self.path(kind, namespace, name) + subresource
        return self.raw("PATCH", f"{path}?fieldManager={manager}", body,
                        "application/merge-patch+json")

    def delete(self, kind, namespace, name, policy="Background"):
        try:
            return self.raw("DELETE", self.path(kind, namespace, name),
                            {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy})
        except Refused as refused:
            if refused.status != 404:
                raise

    def let_go(self, namespace):
        """What its Databases still wait for nobody does any more: the operator of the tests has ended."""
        try:
            left = self.list("Database", namespace)
        except Refused:  # the kind itself is gone
            return
        for name in (d["metadata"]["name"] for d in left if d["metadata"].get("finalizers")):
            self.patch("Database", namespace, name, {"metadata": {"finalizers": None}})

    def kubectl(self, *arguments, stdin=None, check=True):
        done = subprocess.run([CONTROLPLANE, "kubectl", *arguments], input=stdin, text=True, capture_output=True)
        if check and done.returncode:
            raise Failed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done

    # --- Databases ---

    def database(self, namespace, name, **spec):
        return self.apply("Database", namespace, {
            "apiVersion": "example.com/v1", "kind": "Database",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec})

    def condition(self, database, name):
        for condition in (database or {}).get("status", {}).get("conditions", []):
            if condition["type"] == name:
                return condition
        return {"status": None, "reason": None, "message": None}

    def ready(self, namespace, name):
        found = self.get("Database", namespace, name)
        if not found:
            return False
        generation = found["metadata"]["generation"]
        condition = self.condition(found, "Ready")
        return (condition["status"] == "True" and condition["observedGeneration"] == generation
                and found["status"]["observedGeneration"] == generation)

    def wait_ready(self, namespace, name, seconds=30):
        wait(lambda: self.ready(namespace, name), seconds,
             lambda: f"{namespace}/{name} did not become Ready: "
                     f"{json.dumps((self.get('Database', namespace, name) or {}).get('status'))}")

    def children(self, namespace, name):
        """{(kind, name): object} of everything that carries the Database's label."""
        found = {}
        for kind in CHILDREN:
            for item in self.list(kind, namespace, f"{LABEL}={name}"):
                found[kind, item["metadata"]["name"]] = item
        return found

    def writes(self, since=0, agent=None, acting=None):
        """Writes in the audit log from byte `since` on: (verb, agent, path, code, time)."""
        found = []
        with open(self.audit) as log:
            log.seek(since)
            for line in log:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if acting and event.get("impersonatedUser", {}).get("username") != acting:
                    continue
                found.append((event["verb"], event.get("userAgent", ""), event["requestURI"].split("?")[0],
                              event.get("responseStatus", {}).get("code"), event["stageTimestamp"]))
        return [w for w in found if not agent or w[1].startswith(agent)]

    def audit_end(self):
        return self.audit.stat().st_size if self.audit.exists() else 0


def wait(condition, seconds, words="what was waited for did not happen"):
    """Looks until it is so. The deadline is generous: it says that something hangs."""
    end = time.monotonic() + seconds
    while True:
        if condition():
            return
        if time.monotonic() > end:
            raise Failed(words() if callable(words) else words)
        time.sleep(0.03)


def steady(look, seconds=0.7):
    """True if look() answers the same for a while."""
    first, end = look(), time.monotonic() + seconds
    while time.monotonic() < end:
        if look() != first:
            return False
        time.sleep(0.05)
    return True


def free_port():
    """One that stays free while who listens there is restarted: the kernel gives none of these to who connects."""
    while True:
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", random.randrange(10000, 20000)))
            return s.getsockname()[1]


class Operator:
    """The program under test, against `kubeconfig`."""

    def __init__(self, kubeconfig, *arguments, env=None, log=None, lease="strake-test"):
        self.port = free_port()
        self.log = Path(log or tempfile.mktemp(prefix="strake-operator-", suffix=".log"))
        if not log:
            atexit.register(self.log.unlink, missing_ok=True)
        self.arguments = [str(OPERATOR), "run", "--kubeconfig", str(kubeconfig), "--listen",
                          f"127.0.0.1:{self.port}", "--lease-namespace", "default",
                          "--lease-name", lease, "--log-level", "debug", *arguments]
        self.env = {**os.environ, **(env or {})}
        self.process, self.last = None, ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        self.last = self.tail()
        self.log.unlink(missing_ok=True)

    def start(self):
        assert not self.process or self.process.poll() is not None, "it runs already"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.arguments, env=self.env, stdout=log, stderr=log)
        return self

    def http(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def wait_synced(self, seconds=20):
        def synced():
            try:
                return self.http("/readyz")[0] == 200
            except OSError:
                if self.process.poll() is not None:
                    raise Failed(f"the operator ended: {self.tail()}")
                return False
        wait(synced, seconds, lambda: f"the operator did not get ready: {self.tail()}")
        return self

    def metric(self, name):
        return sum(float(line.split()[-1]) for line in self.http("/metrics")[1].splitlines()
                   if line.startswith(name))

    def wait_leading(self, seconds=30):
        wait(lambda: self.metric("leader_election_master_status") == 1, seconds,
             lambda: f"the operator does not lead: {self.tail()}")
        return self

    def tail(self, lines=15):
        if not self.log.exists():
            return self.last
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=5):
        """SIGTERM; its exit status."""
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def moved_clock():
    """A file of seconds by which the wall clock of a program is moved that is started with the environment."""
    shim = BUILD / "tests" / "clock.so"
    shim.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", shim, TREE / "tests/kube/clock.c", "-ldl"], check=True)
    clock = Path(f"/tmp/strake-clock-{os.getpid()}")
    clock.write_text("0")
    preload = [str(shim)]
    if b"__asan_init" in OPERATOR.read_bytes():
        preload.insert(0, subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip())
    try:
        yield clock, {"LD_PRELOAD": ":".join(preload), "STRAKE_TEST_CLOCK": str(clock)}
    finally:
        clock.unlink()


def check(truth, words="it is not so"):
    if not truth:
        raise Failed(words() if callable(words) else words)


def equal(is_, should, words=""):
    if is_ != should:
        raise Failed(f"{words}: is {is_!r}, should be {should!r}")


class Suite:
    """Tests in the order in which they stand; every one in a namespace of its own."""

    def __init__(self, name):
        self.name, self.tests, self.cluster, self.count = name, [], None, itertools.count(1)
        self.operator = None

    def test(self, function):
        self.tests.append(function)
        return function

    def namespace(self):
        name = f"t-{self.name}-{next(self.count)}-{os.getpid()}"
        self.used.append(name)
        self.cluster.create("Namespace", None, {"metadata": {"name": name}})
        return name

    def main(self):
        wanted = sys.argv[1:]
        tests = [t for t in self.tests if not wanted or any(w in t.__name__ for w in wanted)]
        self.used, bad = [], 0
        RESULTS.mkdir(parents=True, exist_ok=True)
        with open(RESULTS / f"{KIND}-{self.name}.tap", "w") as file:
            def put(line):
                print(line, flush=True)
                print(line, file=file, flush=True)
            put(f"1..{len(tests)}")
            for number, test in enumerate(tests, 1):
                words = f"{self.name}: {test.__name__.replace('_', ' ')}"
                started = time.monotonic()
                try:
                    skip = test()
                    put(f"ok {number} - {words}" + (f" # SKIP {skip}" if skip else ""))
                except Exception as error:  # a test's failure is its result
                    bad += 1
                    put(f"not ok {number} - {words}")
                    lines = str(error) if isinstance(error, Failed) else traceback.format_exc()
                    if self.operator:
                        lines += "\nlog of the operator:\n" + self.operator.tail()
                    for line in lines.splitlines():
                        put(f"# {line}")
                print(f"# {time.monotonic() - started:.1f} s", flush=True)
        if self.operator:
            self.operator.kill()
        if self.cluster:
            for name in self.used:
                self.cluster.let_go(name)
                self.cluster.delete("Namespace", None, name)
        sys.exit(bad > 0)
