#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scripts that the operator puts into PostgreSQL's pods, run on the real server of this machine's
Debian: pods as `strake-operator plan` prints them, with the user, files, environment, probes and
hooks they name, each a container of strake's with a network of its own. No cluster is needed."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import OPERATOR, TREE, Failed, Suite, check, equal, wait

STRAKE = Path(os.environ.get("STRAKE", TREE / "build" / "bin" / "strake"))
SERVER = TREE / "build" / "postgresql"
PACKAGES = ["postgresql", "dash", "coreutils", "sed", "grep", "libc-bin"]
SECRET = "it's a:\\ \"secret\" $(id)"  # as somebody may bring one

suite = Suite("postgresql")


def run(*arguments, **more):
    return subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True, **more).stdout


# --- the image ---------------------------------------------------------------------------------

def unpack():
    """A root of Debian's packages, once."""
    done = SERVER / ".done"
    if done.exists() and done.read_text() == " ".join(PACKAGES) and (SERVER / "run/secrets/tls").exists():
        return
    run(TREE / "hack" / "debian", "closure", "own", f"{SERVER}.debs", *PACKAGES)
    shutil.rmtree(SERVER, ignore_errors=True)
    for folder in ("bin", "sbin", "lib", "lib64"):
        (SERVER / "usr" / folder).mkdir(parents=True)
        (SERVER / folder).symlink_to(f"usr/{folder}")
    for package in sorted(Path(f"{SERVER}.debs").glob("*.deb")):
        subprocess.run(f"dpkg-deb --fsys-tarfile '{package}' | tar -x --keep-directory-symlink -C '{SERVER}'",
                       shell=True, check=True)
    if not (SERVER / "bin" / "sh").exists():
        (SERVER / "bin" / "sh").symlink_to("dash")
    (SERVER / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/var/lib/database:/bin/sh\n")
    (SERVER / "etc" / "group").write_text("root:x:0:\npostgres:x:999:\n")
    for folder in ("etc/database", "run/database", "run/secrets/superuser", "run/secrets/application", "run/secrets/users", "run/secrets/tls", "var/lib/database"):
        (SERVER / folder).mkdir(parents=True, exist_ok=True)
    (SERVER / "etc" / "hosts").touch()
    shutil.rmtree(f"{SERVER}.debs")
    done.write_text(" ".join(PACKAGES))


def major():
    return sorted(p.name for p in (SERVER / "usr/lib/postgresql").iterdir())[-1]


# --- what a kubelet does ------------------------------------------------------------------------

class Pod:
    """One pod of the plan's StatefulSet: its volumes outlive its container."""

    def __init__(self, scene, ordinal):
        self.scene, self.ordinal, self.name = scene, ordinal, f"db-{ordinal}"
        self.folder = scene.folder / self.name
        self.address = f"10.9.9.{ordinal + 1}"
        self.template = scene.objects["StatefulSet", "db"]["spec"]["template"]["spec"]
        self.container = self.template["containers"][0]
        self.security = self.template["securityContext"]
        self.process, self.id, self.starts = None, None, 0
        (self.folder / "data").mkdir(parents=True)
        os.chown(self.folder / "data", 0, self.security["fsGroup"])
        os.chmod(self.folder / "data", 0o2775)
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], start_new_session=True)
        wait(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"), 10, "no network")
        run("ip", "link", "add", f"strk{ordinal}", "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "link", "set", f"strk{ordinal}", "master", "strk", "up")
        inside = ["nsenter", "-t", str(self.holder.pid), "-n", "ip"]
        run(*inside, "addr", "add", f"{self.address}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "link", "set", "lo", "up")

    def environment(self):
        found = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]
        for item in self.container["env"]:
            value = item.get("value")
            if value is None:
                equal(item["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name", f"source of {item['name']}")
                value = self.name
            found.append(f"{item['name']}={value}")
        return found

    def volume(self, name):
        volume = next((v for v in self.template["volumes"] if v["name"] == name), None)
        path = self.folder / name
        if volume is None:
            return path  # a claim
        if "emptyDir" in volume:
            path.mkdir(exist_ok=True)
            os.chown(path, 0, self.security["fsGroup"])
            os.chmod(path, 0o2777)
            return path
        path.mkdir(exist_ok=True)
        if "configMap" in volume:
            files, mode = self.scene.objects["ConfigMap", volume["configMap"]["name"]]["data"], volume["configMap"]["defaultMode"]
        else:
            wanted = volume["secret"]
            files, mode = self.scene.secrets.get(wanted["secretName"], {} if wanted.get("optional") else None), wanted["defaultMode"]
        for old in path.iterdir():
            if old.name not in files:
                old.unlink()
        for file, text in files.items():
            fresh = path / f".{file}"
            fresh.write_text(text)
            os.chown(fresh, 0, self.security["fsGroup"])
            os.chmod(fresh, mode)
            fresh.rename(path / file)
        return path

    def config(self):
        spec = json.loads((self.scene.folder / "spec.json").read_text())
        hosts = self.folder / "hosts"
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"10.9.9.{n + 1} db-{n} db-{n}.db-pods\n" for n in range(3)))
        spec["root"] = {"path": str(SERVER), "readonly": self.container["securityContext"]["readOnlyRootFilesystem"]}
        spec["process"].update({
            "terminal": False, "args": self.container["command"], "env": self.environment(), "cwd": "/", "noNewPrivileges": True,
            "user": {"uid": self.security["runAsUser"], "gid": self.security["runAsGroup"], "additionalGids": [self.security["fsGroup"]]},
            "capabilities": {kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")}})
        spec["mounts"] = [m for m in spec["mounts"] if "cgroup" not in m["type"]]
        for m in self.container["volumeMounts"] + [{"name": None, "mountPath": "/etc/hosts", "readOnly": True}]:
            spec["mounts"].append({"destination": m["mountPath"], "type": "bind",
                                   "source": str(self.volume(m["name"]) if m["name"] else hosts),
                                   "options": ["bind", "nosuid", "nodev", "ro" if m.get("readOnly") else "rw"]})
        spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] not in ("network", "cgroup")] + [
            {"type": "network", "path": f"/proc/{self.holder.pid}/ns/net"}]
        spec["linux"].pop("resources", None)
        spec["hostname"] = self.name
        return spec

    def strake(self, *arguments):
        return [str(STRAKE), "--root", str(self.scene.folder / "state"), "--cgroup-manager", "disabled", *arguments]

    def start(self):
        self.starts += 1
        self.id = f"{self.name}-{self.starts}-{os.getpid()}"
        for empty in ("run", "tmp"):  # they are the container's own here
            shutil.rmtree(self.folder / empty, ignore_errors=True)
        (self.folder / "config.json").write_text(json.dumps(self.config()))
        self.log = self.folder / f"log-{self.starts}"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.strake("run", "--bundle", str(self.folder), self.id), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        return self

    def exec(self, *command, check=False, input=None):
        done = subprocess.run(self.strake("exec", self.id, *command), input=input, capture_output=True, text=True)
        if check and done.returncode:
            raise Failed(f"{self.name}: {command}: {done.stderr}{done.stdout}")
        return done

    def probe(self, kind):
        return self.exec(*self.container[kind]["exec"]["command"]).returncode == 0

    def running(self):
        return self.process.poll() is None

    def words(self):
        return self.log.read_text(errors="replace")

    def wait_ready(self, seconds=120):
        def ready():
            if not self.running():
                raise Failed(f"{self.name} ended: {self.words()[-1500:]}")
            return self.probe("startupProbe") and self.probe("readinessProbe")
        wait(ready, seconds, lambda: f"{self.name} is not ready: {self.words()[-1500:]}")
        check(self.probe("livenessProbe"), "it is ready and not alive")
        return self

    def kill(self, number=signal.SIGKILL):
        subprocess.run(self.strake("kill", self.id, str(int(number))), capture_output=True)

    def crash(self):
        def gone():
            self.kill()  # which may come before the container is there
            return not self.running()
        wait(gone, 30, "it cannot be killed")

    def stop(self, seconds=60):
        """As a kubelet does it: the hook, then SIGTERM; its exit status."""
        hook = self.container.get("lifecycle", {}).get("preStop")
        if hook:
            self.exec(*hook["exec"]["command"], check=True)
        self.kill(signal.SIGTERM)
        return self.process.wait(seconds)

    def sql(self, statement, user="postgres", database="postgres", secret="superuser", host=None):
        """By the network, with the password of a Secret, from inside the pod."""
        script = f"PATH=$PATH:/usr/lib/postgresql/{major()}/bin; PGPASSWORD=$(cat /run/secrets/{secret}/password); export PGPASSWORD; " \
                 f"exec psql -h {host or self.address} -U {user} -d {database} -v ON_ERROR_STOP=1 -XAtq"
        return self.exec("/bin/sh", "-c", script, check=True, input=statement).stdout.strip()

    def end(self):
        if self.process and self.running():
            self.crash()
        # A network that nobody is in is taken down some time later: its end here goes at once.
        subprocess.run(["ip", "link", "del", f"strk{self.ordinal}"], capture_output=True)
        self.holder.kill()
        self.holder.wait()


class Scene:
    """What is planned for one Database, and its pods."""

    def __init__(self, **spec):
        self.folder = Path(tempfile.mkdtemp(prefix="strake-postgresql-"))
        self.pods = []
        self.secrets = {"db-superuser": {"username": "postgres", "password": SECRET},
                        "db-app": {"username": "app", "password": SECRET + "2"}}
        self.certify()
        self.plan(**spec)
        run(STRAKE, "spec", cwd=self.folder)
        (self.folder / "config.json").rename(self.folder / "spec.json")

    def certify(self, authority="authority"):
        """What the operator would issue, by an authority of this name."""
        place, names = self.folder / authority, "DNS:db-rw,DNS:localhost,DNS:*.db-pods"
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        text, key = place.with_suffix(".crt"), place.with_suffix(".key")
        if not text.exists():
            run(*new, "-keyout", key, "-out", text, "-subj", f"/CN={authority}")
        run(*new, "-CA", text, "-CAkey", key, "-keyout", self.folder / "tls.key", "-out", self.folder / "tls.crt", "-subj", "/CN=db",
            "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE")
        self.secrets["db-tls"] = {"ca.crt": text.read_text(), **{n: (self.folder / n).read_text() for n in ("tls.crt", "tls.key")}}

    def plan(self, **spec):
        body = {"apiVersion": "example.com/v1", "kind": "Database", "metadata": {"name": "db", "namespace": "default"},
                "spec": {"version": major(), **spec}}
        text = run(OPERATOR, "plan", "-f", "-", input=json.dumps(body))
        self.objects = {(o["kind"], o["metadata"]["name"]): o for o in json.loads(text)["items"]}

    def pod(self, ordinal):
        self.pods.append(Pod(self, ordinal))
        return self.pods[-1]

    def __enter__(self):
        run("ip", "link", "add", "strk", "type", "bridge")
        run("ip", "link", "set", "strk", "up")
        return self

    def __exit__(self, *_):
        for pod in self.pods:
            pod.end()
        run("ip", "link", "del", "strk")
        shutil.rmtree(self.folder)


# --- tests -------------------------------------------------------------------------------------

@suite.test
def the_first_start_makes_the_cluster_the_role_and_the_database():
    with Scene(bootstrap={"database": "orders", "owner": "shop"}) as s:
        pod = s.pod(0).start().wait_ready()
        equal(pod.sql("SELECT current_user, current_database()", "shop", "orders", "application"), "shop|orders", "the application")
        equal(pod.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'orders'"), "shop", "owner")
        equal(pod.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'shop'"), "f", "the application's role is a superuser")
        equal(pod.sql("SHOW data_checksums"), "on", "checksums")
        equal(pod.sql("SHOW cluster_name"), "db", "the server's name")
        uid = pod.exec("/bin/sh", "-c", "id -u; touch /mine 2>&1").stdout.split("\n")
        equal(uid[0], "999", "user")
        check("Read-only" in uid[1], f"the root can be written: {uid[1]}")
        wrong = pod.exec("/bin/sh", "-c", f"PGPASSWORD=x /usr/lib/postgresql/{major()}/bin/psql -h /run/database -U postgres -c 'SELECT 1'")
        check("password authentication failed" in wrong.stderr, f"a wrong password: {wrong.stderr}")


@suite.test
def the_probes_say_what_is():
    with Scene() as s:
        pod = s.pod(0).start()
        check(not pod.probe("readinessProbe"), "ready before there is a server")
        pod.wait_ready()
        server = "kill -{} $(head -1 /var/lib/database/pgdata/postmaster.pid)"
        pod.exec("/bin/sh", "-c", server.format("STOP"), check=True)
        check(not pod.probe("readinessProbe"), "ready while the server is stopped")
        pod.exec("/bin/sh", "-c", server.format("CONT"), check=True)
        wait(lambda: pod.probe("readinessProbe"), 30, "not ready again")


@suite.test
def a_changed_parameter_is_taken_up_by_the_next_probe():
    with Scene() as s:
        pod = s.pod(0).start().wait_ready()
        equal(pod.sql("SHOW work_mem"), "4MB", "before")
        s.plan(config={"parameters": {"work_mem": "12MB", "application_name": "it's a 'name'"}})
        pod.volume("config")
        check(pod.probe("readinessProbe"), "the probe")
        wait(lambda: pod.sql("SHOW work_mem") == "12MB", 30, "it is not taken up")
        check("parameter \"work_mem\" changed" in pod.words() or "received SIGHUP" in pod.words(), "nothing was reloaded")


@suite.test
def replicas_that_start_first_wait_for_the_primary_then_copy_and_follow_it():
    with Scene(replicas=3) as s:
        one, two = s.pod(1).start(), s.pod(2).start()
        zero = s.pod(0).start().wait_ready()
        zero.sql("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 1000)", "app", "app", "application")
        for pod in (one, two):
            pod.wait_ready()
            equal(pod.sql("SELECT pg_is_in_recovery()"), "t", f"{pod.name} is a standby")
            wait(lambda: pod.sql("SELECT to_regclass('t') IS NOT NULL", database="app") == "t", 30, f"{pod.name} does not follow")
            wait(lambda: pod.sql("SELECT count(*) FROM t", "app", "app", "application") == "1000", 30, f"{pod.name} has not all")
        equal(zero.sql("SELECT string_agg(application_name, ' ' ORDER BY application_name) FROM pg_stat_replication"), "db-1 db-2", "who follows")
        one.crash()
        zero.sql("INSERT INTO t VALUES (0)", "app", "app", "application")
        one.start().wait_ready()
        wait(lambda: one.sql("SELECT count(*) FROM t", "app", "app", "application") == "1001", 30, "after its crash it does not follow")
        check("copied" not in one.words() and "base backup" not in one.words(), "it was copied anew")


@suite.test
def parameters_that_a_standby_must_not_have_less_of_can_shrink_replicas_first():
    with Scene(replicas=2, config={"parameters": {"max_connections": "60", "max_locks_per_transaction": "100"}}) as s:
        zero = s.pod(0).start().wait_ready()
        one = s.pod(1).start().wait_ready()
        s.plan(replicas=2, config={"parameters": {"max_connections": "40"}})
        for pod, now in ((one, "60"), (zero, "40"), (one, "40")):
            equal(pod.stop(), 0, f"{pod.name}: exit status")
            pod.start().wait_ready()
            if pod is one and now == "40":
                # What the primary wrote of it comes with its log.
                wait(lambda: "max_connections setting:              40" in pod.exec(
                    f"/usr/lib/postgresql/{major()}/bin/pg_controldata", "/var/lib/database/pgdata").stdout, 30, "it does not hear")
                pod.stop()
                pod.start().wait_ready()
            equal(pod.sql("SHOW max_connections"), now, f"{pod.name}'s max_connections")


@suite.test
def after_a_crash_the_data_are_there_and_nothing_is_made_anew():
    with Scene() as s:
        pod = s.pod(0).start().wait_ready()
        before = pod.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (7); SELECT system_identifier FROM pg_control_system()")
        pod.crash()
        pod.start().wait_ready()
        equal(pod.sql("SELECT n, system_identifier FROM t, pg_control_system()"), f"7|{before}", "row and identity")
        check("automatic recovery in progress" in pod.words(), "this was no crash")


@suite.test
def it_shuts_down_cleanly_and_soon_though_clients_are_connected():
    with Scene() as s:
        pod = s.pod(0).start().wait_ready()
        script = f"PGPASSWORD=$(cat /run/secrets/superuser/password); export PGPASSWORD; " \
                 f"exec /usr/lib/postgresql/{major()}/bin/psql -h {pod.address} -U postgres -c 'SELECT pg_sleep(600)'"
        client = subprocess.Popen(pod.strake("exec", pod.id, "/bin/sh", "-c", script), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait(lambda: pod.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'") == "1", 30, "the client does not come")
        equal(pod.stop(), 0, "exit status")
        client.wait(30)
        check("database system is shut down" in pod.words(), f"it was no shutdown: {pod.words()[-800:]}")
        pod.start().wait_ready()
        check("database system was shut down at" in pod.words(), "the next start had to recover")


@suite.test
def data_of_another_major_version_are_told_and_left_alone():
    with Scene() as s:
        pod = s.pod(0).start().wait_ready()
        pod.stop()
        version = pod.folder / "data" / "pgdata" / "PG_VERSION"
        version.write_text("9\n")
        pod.start()
        check(pod.process.wait(30) != 0, "it starts")
        check("PostgreSQL 9's and this is" in pod.words(), pod.words())
        version.write_text(f"{major()}\n")
        pod.start().wait_ready()


@suite.test
def a_first_start_that_is_killed_or_ended_anywhere_is_begun_anew():
    with Scene() as s:
        pod = s.pod(0)
        def start_until(words):
            pod.start()
            wait(lambda: words in pod.words(), 60, lambda: f"{words} does not come: {pod.words()}")
        for words in ("files belonging", "creating configuration files", "running bootstrap", "post-bootstrap", "syncing data",
                      "waiting for server", "CREATE ROLE", "CREATE DATABASE"):
            start_until(words)
            pod.crash()
        start_until("running bootstrap")
        pod.stop()
        check(not (pod.folder / "data" / "pgdata.whole").exists(), "half a cluster is taken for a whole one")
        pod.start().wait_ready()
        equal(pod.sql("SELECT current_user", "app", "app", "application"), "app", "the application")


@suite.test
def a_replica_that_is_ended_while_it_waits_or_copies_ends_at_once():
    with Scene(replicas=2) as s:
        one = s.pod(1).start()
        wait(lambda: "sleep" in one.exec("/bin/sh", "-c", "cat /proc/[0-9]*/comm").stdout.split(), 60, "it does not wait")
        one.stop(20)
        check(not (one.folder / "data" / "pgdata.whole").exists(), "nothing is taken for a whole copy")


def made(pod, statement, wanted, **more):
    """Probes go on, as a kubelet's do, until it is so."""
    found = None
    def so():
        nonlocal found
        pod.probe("readinessProbe")
        try:
            found = pod.sql(statement, **more)
        except Failed as error:  # its database may not be there yet
            found = error
        return found == wanted
    wait(so, 30, lambda: f"{statement}: {found} and not {wanted!r}: {pod.words()[-1500:]}")


@suite.test
def what_is_declared_is_made_at_once_and_later_and_again_by_a_new_start():
    with Scene(users=[{"name": "reader", "login": False}, {"name": "alice", "roles": ["reader"]}],
               databases=[{"name": "shop", "extensions": ["pg_trgm"], "grants": [{"role": "reader", "privileges": ["SELECT"]}]}]) as s:
        s.secrets["db-users"] = {"alice": SECRET}
        pod = s.pod(0).start().wait_ready()
        made(pod, "SELECT extname FROM pg_extension WHERE extname = 'pg_trgm'", "pg_trgm", database="shop")
        equal(pod.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'"), "app", "owner")
        pod.sql("CREATE TABLE things (n int); INSERT INTO things VALUES (7)", "app", "shop", "application")
        as_alice = f"PGPASSWORD=$(cat /run/secrets/users/alice); export PGPASSWORD; exec /usr/lib/postgresql/{major()}/bin/psql " \
                   f"-h {pod.address} -U alice -d shop -XAtqc"
        def alice(statement):
            return pod.exec("/bin/sh", "-c", f"{as_alice} '{statement}'")
        def reads():
            pod.probe("readinessProbe")
            return alice("SELECT n FROM things").stdout == "7\n"
        wait(reads, 30, lambda: f"{alice('SELECT n FROM things')}")
        check("permission denied" in alice("INSERT INTO things VALUES (8)").stderr, "she may write")

        s.plan(users=[{"name": "reader", "login": False}, {"name": "alice", "roles": ["reader"], "ensure": "Absent"}, {"name": "bob"}],
               databases=[{"name": "shop", "grants": [{"role": "reader", "privileges": ["SELECT", "INSERT"]}]},
                          {"name": "depot", "owner": "bob", "grants": [{"role": "reader", "privileges": ["CONNECT"], "on": "Database"}]}])
        pod.volume("config")
        made(pod, "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'", "app bob postgres reader")
        made(pod, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'depot'", "bob")
        made(pod, "SELECT has_table_privilege('reader', 'things', 'INSERT')", "t", database="shop")
        pod.sql("DROP DATABASE depot")
        equal(pod.stop(), 0, "exit status")
        pod.start().wait_ready()
        made(pod, "SELECT count(*) FROM pg_database WHERE datname = 'depot'", "1")


def outcome(pod, words):
    """Probes go on until the last word of the log on what is declared holds these words."""
    def said():
        pod.probe("readinessProbe")
        wanted = f"declared {pod.scene.objects['ConfigMap', 'db-config']['data']['declared']}: "
        last = [line for line in pod.words().splitlines() if line.startswith(wanted)]
        return last and words in last[-1]
    wait(said, 90, lambda: f"{words!r} is not said: {pod.words()[-1500:]}")


@suite.test
def grants_and_memberships_that_left_the_list_are_revoked_and_no_others():
    def shop(*grants, **more):
        return {"users": [{"name": "reader", "login": False}, {"name": "alice", **more}], "databases": [{"name": "shop", "grants": list(grants)}]}
    tables = {"role": "reader", "privileges": ["ALL"]}
    may = "SELECT string_agg(p, ' ' ORDER BY p) FROM unnest('{SELECT,INSERT,UPDATE,TRUNCATE}'::text[]) AS p WHERE has_table_privilege('reader', '%s', p)"
    with Scene(**shop(tables, {"role": "alice", "privileges": ["CREATE"], "on": "Schema"}, {"role": "alice", "privileges": ["TEMPORARY"], "on": "Database"},
                      roles=["reader", "pg_monitor"])) as s:
        pod = s.pod(0).start().wait_ready()
        outcome(pod, "made")
        pod.sql("CREATE TABLE old (n int)", "app", "shop", "application")
        pod.sql("GRANT CONNECT ON DATABASE shop TO alice", database="shop")
        equal(pod.sql(may % "old", database="shop"), "INSERT SELECT TRUNCATE UPDATE", "by default")
        s.plan(**shop({**tables, "privileges": ["SELECT"]}, roles=["pg_monitor"]))
        pod.volume("config")
        outcome(pod, "made")
        pod.sql("CREATE TABLE new (n int)", "app", "shop", "application")
        for table in ("old", "new"):
            equal(pod.sql(may % table, database="shop"), "SELECT", f"on table {table}")
        equal(pod.sql("SELECT has_schema_privilege('alice', 'public', 'CREATE'), array_to_string(datacl, ' ') LIKE '%alice=c/%' FROM pg_database "
                      "WHERE datname = 'shop'", database="shop"), "f|t", "her schema; what was granted by hand")
        equal(pod.sql("SELECT string_agg(roleid::regrole::text, ' ') FROM pg_auth_members WHERE member = 'alice'::regrole"), "pg_monitor", "her roles")
        s.plan(users=[{"name": "reader", "ensure": "Absent"}, {"name": "alice", "ensure": "Absent"}], databases=[{"name": "shop"}])
        pod.volume("config")
        outcome(pod, 'failed: users "alice": role "alice" cannot be dropped because some objects depend on it (privileges for database shop)')
        pod.sql("REVOKE CONNECT ON DATABASE shop FROM alice", database="shop")
        outcome(pod, "made")
        equal(pod.sql("SELECT count(*) FROM pg_roles WHERE rolname IN ('reader', 'alice')"), "0", "roles")
        equal(pod.sql("SELECT count(*) FROM strake.granted"), "0", "what is remembered")


@suite.test
def databases_and_extensions_that_are_to_be_absent_go_and_what_keeps_them_is_told():
    with Scene(databases=[{"name": "shop", "extensions": ["pg_trgm", {"name": "hstore"}]}, {"name": "depot"}]) as s:
        pod = s.pod(0).start().wait_ready()
        outcome(pod, "made")
        pod.sql("CREATE TABLE t (h hstore)", database="shop")
        s.plan(databases=[{"name": "shop", "extensions": [{"name": "pg_trgm", "ensure": "Absent"}, {"name": "hstore", "ensure": "Absent"}]},
                          {"name": "depot", "ensure": "Absent"}])
        pod.volume("config")
        outcome(pod, 'databases "shop" extensions "hstore": cannot drop extension hstore because other objects depend on it')
        equal(pod.sql("SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension", database="shop"), "hstore plpgsql", "extensions")
        equal(pod.sql("SELECT count(*) FROM pg_database WHERE datname = 'depot'"), "0", "the database")
        pod.sql("DROP TABLE t", database="shop")
        outcome(pod, "made")
        equal(pod.sql("SELECT extname FROM pg_extension", database="shop"), "plpgsql", "extensions")


@suite.test
def what_cannot_be_made_is_told_with_its_name_keeps_nothing_else_and_is_tried_again():
    with Scene(users=[{"name": "alice", "roles": ["nobody"]}], databases=[
            {"name": "shop", "owner": "ghost", "extensions": ["no_such", "pg_trgm"], "grants": [{"role": "ghost", "privileges": ["SELECT"]}]},
            {"name": "depot", "extensions": ["pg_trgm"]}]) as s:
        pod = s.pod(0).start().wait_ready()
        for words in ('users "alice": role "nobody" does not exist', 'databases "shop": role "ghost" does not exist',
                      'databases "shop" extensions "no_such": ', 'databases "shop" grants[0]: role "ghost" does not exist'):
            outcome(pod, words)
        for database in ("shop", "depot"):
            equal(pod.sql("SELECT extname FROM pg_extension WHERE extname = 'pg_trgm'", database=database), "pg_trgm", f"in {database}")
        check(pod.probe("readinessProbe"), "the server is not ready for it")
        s.plan(users=[{"name": "alice", "roles": ["nobody"]}], databases=[{"name": "shop", "owner": "ghost"}, {"name": "depot"}])
        pod.volume("config")
        outcome(pod, "nobody")
        pod.sql("CREATE ROLE nobody; CREATE ROLE ghost")
        outcome(pod, "made")
        equal(pod.sql("SELECT pg_get_userbyid(datdba), pg_has_role('alice', 'nobody', 'member') FROM pg_database WHERE datname = 'shop'"), "ghost|t", "made")


@suite.test
def an_orphan_in_the_container_is_nothing_to_the_server():
    with Scene() as s:
        pod = s.pod(0).start().wait_ready()
        pod.exec("/bin/sh", "-c", "(sleep 0.2; exit 3) & (sleep 0.1; kill -9 $(exec sh -c 'echo $PPID')) &", check=True)
        time.sleep(1)
        equal(pod.sql("SELECT 1"), "1", "it answers")
        check("terminating any other active" not in pod.words(), pod.words()[-800:])


@suite.test
def the_primary_has_a_slot_for_each_replica_and_for_no_other():
    with Scene(replicas=3) as s:
        zero, one = s.pod(0).start().wait_ready(), s.pod(1).start()
        one.wait_ready()
        slots = "SELECT string_agg(slot_name || ' ' || active, ', ' ORDER BY slot_name) FROM pg_replication_slots"
        made(zero, slots, "replica_1 true, replica_2 false")
        s.plan(replicas=2)
        zero.volume("config")
        made(zero, slots, "replica_1 true")
        s.plan(replicas=1)
        zero.volume("config")
        zero.probe("readinessProbe")
        equal(zero.sql(slots), "replica_1 true", "a slot in use")
        one.stop()
        made(zero, "SELECT count(*) FROM pg_replication_slots", "0")


@suite.test
def a_replica_whose_primary_has_gone_on_too_far_is_copied_anew():
    with Scene(replicas=2, config={"parameters": {"max_slot_wal_keep_size": "16MB", "wal_keep_size": "0", "max_wal_size": "32MB"}}) as s:
        zero, one = s.pod(0).start().wait_ready(), s.pod(1).start().wait_ready()
        one.stop()
        def lost():
            zero.sql("CREATE TABLE IF NOT EXISTS t (n int); INSERT INTO t SELECT generate_series(1, 200000); SELECT pg_switch_wal(); CHECKPOINT")
            return zero.sql("SELECT wal_status FROM pg_replication_slots") == "lost"
        wait(lost, 60, lambda: zero.sql("SELECT * FROM pg_replication_slots"))
        one.start().wait_ready()
        check("copied anew" in one.words(), one.words()[-800:])
        count = zero.sql("SELECT count(*) FROM t")
        wait(lambda: one.sql("SELECT count(*) FROM t") == count, 30, "it has not all")


@suite.test
def a_replica_is_ready_while_it_follows_and_is_not_far_behind():
    with Scene(replicas=2, replication={"maximumLagBytes": 1000000}) as s:
        one = s.pod(1)
        zero = s.pod(0).start().wait_ready()
        one.start().wait_ready()
        one.sql("SELECT pg_wal_replay_pause()")
        zero.sql("CREATE TABLE t AS SELECT generate_series(1, 200000)")
        wait(lambda: not one.probe("readinessProbe"), 30, "ready, though far behind")
        check("bytes behind" in one.exec(*one.container["readinessProbe"]["exec"]["command"]).stderr, "the reason")
        one.sql("SELECT pg_wal_replay_resume()")
        wait(lambda: one.probe("readinessProbe"), 30, "not ready again")
        zero.stop()
        check(one.probe("readinessProbe"), "not ready because of its primary")
        one.stop()
        one.start()
        wait(lambda: one.probe("startupProbe"), 60, "it does not start without its primary")
        check(not one.probe("readinessProbe"), "ready, though how old its data are is not known")


def connect(pod, settings, user="app", secret="application"):
    """Is a client encrypted, t or f, whose Secrets are those of the pod? Else what it was told."""
    script = f"PATH=$PATH:/usr/lib/postgresql/{major()}/bin; PGPASSWORD=$(cat /run/secrets/{secret}/password); export PGPASSWORD; " \
             f"exec psql '{settings} user={user} dbname=postgres' -XAtqc 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'"
    done = pod.exec("/bin/sh", "-c", script)
    return done.stdout.strip() or done.stderr.strip()


def take_up(*pods, volume="config"):
    for pod in pods:
        pod.volume(volume)
        check(pod.probe("readinessProbe"), f"the probe of {pod.name}")


VERIFY = "host=db-0.db-pods sslmode=verify-full sslrootcert=/run/secrets/tls/ca.crt"
PLAIN = "host=db-0.db-pods sslmode=disable"


@suite.test
def the_server_encrypts_and_clients_verify_it():
    with Scene() as s:
        pod = s.pod(0).start().wait_ready()
        equal(connect(pod, VERIFY), "t", "a client that verifies")
        wrong = connect(pod, VERIFY.replace("db-0.db-pods", pod.address))
        check("does not match host name" in wrong, wrong)
        equal(connect(pod, PLAIN), "f", "a client that does not care")


@suite.test
def a_new_certificate_is_taken_up_by_a_reload():
    with Scene() as s:
        pod = s.pod(0).start().wait_ready()
        started = pod.sql("SELECT pg_postmaster_start_time()")
        old = s.secrets["db-tls"]["ca.crt"]
        s.certify("another")
        take_up(pod, volume="tls")
        wait(lambda: connect(pod, VERIFY) == "t", 30, lambda: connect(pod, VERIFY))
        (pod.folder / "tls" / "ca.crt").write_text(old)
        check("certificate verify failed" in connect(pod, VERIFY), "the old certificate is in use")
        equal(pod.sql("SELECT pg_postmaster_start_time()"), started, "it was started anew")


@suite.test
def where_encryption_is_required_nobody_comes_without_and_replicas_follow_by_it():
    encrypted = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)"
    with Scene(replicas=2, tls={"mode": "Required"}, config={"hostBasedAuthentication": ["host all all all scram-sha-256"]}) as s:
        zero, one = s.pod(0).start().wait_ready(), s.pod(1).start()
        one.wait_ready()
        equal(connect(zero, VERIFY), "t", "with it")
        for user, secret in (("app", "application"), ("postgres", "superuser")):
            check("reject" in connect(zero, PLAIN, user, secret), f"{user} without it: {connect(zero, PLAIN, user, secret)}")
        equal(zero.sql(encrypted), "t", "the replica's connection")
        s.certify("another")
        take_up(zero, one, volume="tls")
        one.crash()
        one.start().wait_ready()
        equal(zero.sql(encrypted), "t", "with another authority")


@suite.test
def encryption_is_switched_on_and_off_without_a_restart():
    either = "host=db-0.db-pods sslmode=prefer"
    with Scene(replicas=2, tls={"mode": "Disabled"}) as s:
        zero, one = s.pod(0).start().wait_ready(), s.pod(1).start()
        one.wait_ready()
        check("does not support SSL" in connect(zero, VERIFY), "it encrypts")
        started = zero.sql("SELECT pg_postmaster_start_time()")
        for mode, wanted in (("Required", "t"), ("Disabled", "f"), ("Allowed", "t")):
            s.plan(replicas=2, tls={"mode": mode})
            take_up(zero, one)
            wait(lambda: connect(zero, either) == wanted, 30, lambda: f"{mode}: {connect(zero, either)}")
        equal(zero.sql("SELECT pg_postmaster_start_time()"), started, "it was started anew")
        one.stop()
        one.start().wait_ready()


@suite.test
def a_server_whose_certificate_is_not_there_yet_waits_for_it_and_says_so():
    with Scene() as s:
        tls = s.secrets.pop("db-tls")
        pod = s.pod(0).start()
        wait(lambda: "is not there yet" in pod.words(), 60, lambda: f"it does not wait: {pod.words()}")
        s.secrets["db-tls"] = tls
        pod.volume("tls")
        pod.wait_ready()


@suite.test
def lines_of_pg_hba_are_taken_up_and_lock_nobody_out_whom_the_pods_need():
    with Scene(replicas=2) as s:
        zero, one = s.pod(0).start().wait_ready(), s.pod(1).start()
        one.wait_ready()
        s.plan(replicas=2, config={"hostBasedAuthentication": [
            "# nobody", "local all all reject", "host all all all reject", "host replication all all reject"]})
        take_up(zero, one)
        wait(lambda: "rejects" in connect(zero, PLAIN), 30, lambda: connect(zero, PLAIN))
        one.crash()
        shutil.rmtree(one.folder / "data" / "pgdata")
        (one.folder / "data" / "pgdata.whole").unlink()
        one.start().wait_ready()
        s.plan(replicas=2)
        take_up(zero)
        wait(lambda: connect(zero, PLAIN) == "f", 30, lambda: connect(zero, PLAIN))


HBA = [
    "local all all trust", "host all all all scram-sha-256", "hostssl all all 0.0.0.0/0 cert", "hostnossl a,b c,d ::/0 md5",
    'hostssl "a b, c" all samenet scram-sha-256 # a remark', "host all, b all 10.0.0.1 255.255.255.0 password",
    "host all all .example.org ident", "local all all peer map=ours", "hostgssenc all all samehost gss",
    "host all +group 10.0.0.0/8 ldap ldapserver=l ldapbasedn=d", "host all all all pam",
    "host all all all radius radiusservers=127.0.0.1 radiussecrets=x", "host all all all", "host all all scram-sha-256",
    "local all all", "hosts all all all trust", "host all all 10.0.0.0/33 md5", "host all all 10.0.0.1 md5",
    "host all all 10.0.0.1 ::1 md5", "local all all cert", "host all all all cert", "host all all all peer", "local all all gss",
    "host all all all scram", "host all all all md5 option", "host all all all ldap", "host all all all radius",
    "host all all ::1/129 md5", "host all all 10.0.0.0/x md5", "hostssl all all all scram-sha-256 =x",
]


@suite.test
def the_server_and_the_operator_agree_on_every_line_of_pg_hba():
    with Scene() as s:
        pod = s.pod(0).start().wait_ready()
        for line in HBA:
            (pod.folder / "config" / "pg_hba.conf").write_text("local all postgres scram-sha-256\n" + line + "\n")
            script = f"PGPASSWORD=$(cat /run/secrets/superuser/password) /usr/lib/postgresql/{major()}/bin/psql -h /run/database " \
                     "-U postgres -XAtqc 'SELECT error FROM pg_hba_file_rules WHERE error IS NOT NULL'"
            server = pod.exec("/bin/sh", "-c", script, check=True).stdout.strip()
            body = {"kind": "Database", "apiVersion": "example.com/v1", "metadata": {"name": "db"},
                    "spec": {"config": {"hostBasedAuthentication": [line]}}}
            done = subprocess.run([OPERATOR, "check", "-f", "-"], input=json.dumps(body), capture_output=True, text=True)
            equal(done.returncode != 0, bool(server), f"{line!r}: the operator says {done.stdout.strip()!r}, the server {server!r}")


def main():
    """In namespaces of our own: what is left of mounts, networks and processes ends with them."""
    if os.environ.get("STRAKE_INSIDE") != "1":
        if os.geteuid() != 0:
            suite.tests = [lambda: "needs root, to make containers"]
            suite.tests[0].__name__ = "pods_of_PostgreSQL"
            return suite.main()
        unpack()
        os.execvpe("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
                               *sys.argv], {**os.environ, "STRAKE_INSIDE": "1"})
    return suite.main()


main()
