#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the operator does when the way to the API server, or the server, is not well. After every
fault it must get to where it would have been, with nothing there twice and nothing lost."""
import os
import random
import time

from harness import Cluster, Operator, Suite, check, equal, moved_clock, wait
from proxy import STATUS, Proxy

suite = Suite("faults")
cluster = suite.cluster = Cluster()
random.seed(7)


class Scene:
    """A proxy, the operator behind it, and Databases to look after."""

    def __init__(self, *arguments, env=None):
        self.proxy = Proxy(cluster)
        self.namespace = suite.namespace()
        self.lease = f"faults-{len(suite.used)}-{os.getpid()}"
        self.operator = suite.operator = Operator(self.proxy.kubeconfig, "--namespace", self.namespace, *arguments,
                                                  env=env, lease=self.lease)

    def __enter__(self):
        self.operator.start().wait_synced().wait_leading()
        return self

    def __exit__(self, *_):
        self.operator.kill()
        self.proxy.stop()
        cluster.delete("Namespace", None, self.namespace)

    def fault(self, rule):
        with self.proxy.lock:
            self.proxy.rule, self.proxy.seen = rule, []

    def well(self):
        self.fault(lambda r: None)

    def make(self, count, **spec):
        for n in range(count):
            cluster.database(self.namespace, f"db-{n}", **spec)

    def converged(self, count, seconds=90):
        """All are Ready, have what they should and nothing more, and writes come to an end."""
        for n in range(count):
            cluster.wait_ready(self.namespace, f"db-{n}", seconds)
        for n in range(count):
            found = cluster.children(self.namespace, f"db-{n}")
            replicas = cluster.get("Database", self.namespace, f"db-{n}")["spec"]["replicas"]
            equal(len(found), 10 + (replicas > 1), f"children of db-{n}: {sorted(found)}")
            equal(found["StatefulSet", f"db-{n}"]["spec"]["replicas"], replicas, f"replicas of db-{n}")
        self.quiet()

    def quiet(self, seconds=30):
        """Writes come to an end. One may follow late: a watch that was cut is back after seconds, and
        the status then says what it brought."""
        end = time.monotonic() + seconds
        while True:
            at = cluster.audit_end()
            time.sleep(1.5)
            writes = [w for w in cluster.writes(at, "strake-operator") if f"/{self.namespace}/" in w[2]
                      and "/events" not in w[2]]
            if not writes:
                return
            if time.monotonic() > end:
                equal(writes, [], "writes after it converged")

    def passwords(self):
        return {s["metadata"]["name"]: s["data"].get("password") for s in cluster.list("Secret", self.namespace)}


def error(code, reason, seconds=None):
    headers = {"Retry-After": str(seconds)} if seconds else {}
    return "answer", code, headers, {**STATUS, "code": code, "reason": reason, "message": f"a fault: {reason}"}


@suite.test
def watches_cut_after_any_number_of_bytes():
    with Scene() as s:
        cuts = iter(range(0, 100000, 37))
        s.fault(lambda r: ("cut", next(cuts)) if r.watch else None)
        s.proxy.cut_all()
        end = time.monotonic() + 90
        for n in range(1000):
            cluster.database(s.namespace, f"db-{n % 3}", replicas=1 + n % 2)
            time.sleep(0.5)
            if len([r for r in s.proxy.seen if r.watch]) > 13 or time.monotonic() > end:
                break
        check(time.monotonic() < end, "too few watches were cut to say anything")
        s.well()
        s.converged(3)


@suite.test
def every_connection_cut_again_and_again():
    with Scene() as s:
        s.make(3)
        for n in range(20):
            s.proxy.cut_all()
            cluster.database(s.namespace, f"db-{n % 3}", replicas=1 + n % 3)
            time.sleep(0.3)
        s.converged(3)


@suite.test
def a_watch_that_hangs_half_open_is_noticed():
    with Scene("--watch-idle", "6") as s:
        s.make(1)
        s.converged(1)
        # Bookmarks have not come yet, so that is what makes silence mean something.
        wait(lambda: any(r.watch for r in s.proxy.seen), 5)
        s.fault(lambda r: ("hang", 0) if r.watch and "databases" in r.path and "sendInitial" not in r.path else None)
        s.proxy.cut_all()
        wait(lambda: any(r.watch and "databases" in r.path for r in s.proxy.seen), 60, "no new watch")
        s.fault(lambda r: None)
        cluster.patch("Database", s.namespace, "db-0", {"spec": {"replicas": 2}})
        s.converged(1)


@suite.test
def a_410_as_the_answer_to_a_watch():
    with Scene() as s:
        s.make(2)
        s.converged(2)
        s.fault(lambda r: error(410, "Expired") if r.watch and "resourceVersion=" in r.path else None)
        s.proxy.cut_all()
        cluster.patch("Database", s.namespace, "db-1", {"spec": {"replicas": 2}})
        cluster.delete("Service", s.namespace, "db-0-rw")
        s.converged(2)
        check(any(r.status == 410 for r in s.proxy.seen), "no 410 was given")


@suite.test
def a_410_inside_a_stream():
    with Scene() as s:
        s.make(2)
        s.converged(2)
        frame = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'
        s.fault(lambda r: ("answer", 200, {}, frame) if r.watch and "resourceVersion=" in r.path else None)
        s.proxy.cut_all()
        cluster.patch("Database", s.namespace, "db-1", {"spec": {"replicas": 2}})
        s.converged(2)


@suite.test
def a_410_in_the_middle_of_a_paged_list_of_an_older_server():
    with Scene() as s:
        pages = []
        def rule(r):
            if r.watch and "sendInitialEvents" in r.path:
                return error(422, "Invalid")
            if r.list and "continue=" in r.path:
                pages.append(r)
                if len(pages) in (1, 3):
                    return error(410, "Expired")
        s.operator.stop()
        s.fault(rule)
        for n in range(210):
            cluster.create("Database", s.namespace, {"apiVersion": "example.com/v1", "kind": "Database",
                           "metadata": {"name": f"p-{n}"}, "spec": {"pause": True}})
        s.make(1)
        s.operator.start().wait_synced(60).wait_leading()
        check(pages, "no second page was asked for")
        wait(lambda: all(d.get("status") for d in cluster.list("Database", s.namespace)), 60, "some were not looked at")
        s.converged(1, 120)
        equal(int(s.operator.metric("strake_operator_databases")), 211, "known")


@suite.test
def a_429_is_waited_out_for_as_long_as_it_says():
    with Scene() as s:
        s.fault(lambda r: error(429, "TooManyRequests", 3) if r.write and "/configmaps/" in r.path else None)
        s.make(1)
        time.sleep(7)
        asked = [r.at for r in s.proxy.seen if r.write and "/configmaps/" in r.path]
        check(2 <= len(asked) <= 4, f"asked {len(asked)} times in 7 s")
        check(all(b - a >= 2.9 for a, b in zip(asked, asked[1:])), f"asked too soon: {asked}")
        s.well()
        s.converged(1)


@suite.test
def a_storm_of_conflicts():
    with Scene() as s:
        s.fault(lambda r: error(409, "Conflict") if r.write and not r.lease and random.random() < 0.6 else None)
        s.make(5, replicas=2)
        time.sleep(6)
        check(not [line for line in s.operator.log.read_text().splitlines() if ": error:" in line],
              "conflicts are told as errors")
        s.well()
        s.converged(5)


@suite.test
def a_500_before_and_after_the_work_was_done():
    with Scene() as s:
        def rule(r):
            dice = random.random()
            if r.lease or not r.write or dice > 0.4:
                return None
            return error(500, "InternalError") if dice < 0.2 else ("lost",)
        s.fault(rule)
        s.make(5, replicas=2)
        time.sleep(6)
        before = s.passwords()
        s.well()
        s.converged(5)
        after = s.passwords()
        check(all(after[name] == word for name, word in before.items()), "a password was made anew")


@suite.test
def an_outage_is_met_with_no_more_than_the_back_off_allows():
    with Scene() as s:
        s.make(5)
        s.converged(5)
        s.fault(lambda r: error(503, "ServiceUnavailable"))
        s.proxy.cut_all()
        for n in range(5):
            cluster.patch("Database", s.namespace, f"db-{n}", {"spec": {"replicas": 2}})
        time.sleep(10)
        by_path = {}
        for r in s.proxy.seen:
            key = r.path.split("?")[0]
            by_path[key] = by_path.get(key, 0) + 1
        most = max(by_path.values())
        print(f"# {len(s.proxy.seen)} requests in 10 s, at most {most} to one path")
        check(len(s.proxy.seen) < 150, f"{len(s.proxy.seen)} requests: {by_path}")
        s.well()
        s.converged(5)


@suite.test
def slow_bodies():
    with Scene() as s:
        s.fault(lambda r: ("slow", 0.01) if r.write and not r.lease else None)
        s.make(2)
        s.converged(2)


@suite.test
def a_gzip_that_is_cut_short():
    with Scene() as s:
        s.fault(lambda r: ("gzip", 60) if not r.watch and not r.lease and random.random() < 0.5 else None)
        s.make(3)
        time.sleep(4)
        s.well()
        s.converged(3)


@suite.test
def answers_that_are_not_what_was_asked_for():
    with Scene() as s:
        words = [b"<html>502</html>", b"", b"{", b"null", b"[]", b'{"kind":"Status"}', b'{"kind":"ConfigMap"}']
        s.fault(lambda r: ("answer", 200, {}, random.choice(words)) if r.write and not r.lease and random.random() < 0.3 else None)
        s.make(3)
        time.sleep(4)
        s.well()
        s.proxy.cut_all()
        s.converged(3)


@suite.test
def watches_of_rubbish():
    with Scene() as s:
        words = [b"{}\n", b"rubbish\n", b'{"type":"ADDED"}\n', b'{"type":"NEW","object":{}}\n',
                 b'{"type":"ADDED","object":{"metadata":{}}}\n', b'{"type":"ADDED","object":{"metadata":{"name":1}}}\n', b"\n\n"]
        s.fault(lambda r: ("answer", 200, {}, random.choice(words)) if r.watch and random.random() < 0.6 else None)
        s.proxy.cut_all()
        s.make(2)
        time.sleep(8)
        s.well()
        s.converged(2)


@suite.test
def a_token_that_is_replaced():
    with Scene() as s:
        s.make(1)
        s.converged(1)
        s.proxy.token.write_text("token-2")
        s.proxy.valid = {"token-2"}
        s.proxy.cut_all()
        cluster.patch("Database", s.namespace, "db-0", {"spec": {"replicas": 2}})
        s.converged(1)
        s.proxy.valid = {"token-3"}
        cluster.patch("Database", s.namespace, "db-0", {"spec": {"replicas": 1}})
        time.sleep(1)
        s.proxy.token.write_text("token-3")
        s.converged(1)


@suite.test
def an_authority_that_is_replaced():
    with Scene() as s:
        s.make(1)
        s.converged(1)
        s.proxy.rotate_authority()
        cluster.patch("Database", s.namespace, "db-0", {"spec": {"replicas": 2}})
        s.converged(1)


@suite.test
def a_lease_whose_renewal_is_under_way_is_released_all_the_same():
    with Scene() as s:
        s.fault(lambda r: ("slow", 0.005) if r.lease and r.write else None)
        wait(lambda: any(r.lease and r.write and r.status for r in s.proxy.seen), 20, "it is not renewed")
        equal(s.operator.stop(), 0, "exit status")
        check("the lease is released" in s.operator.log.read_text(), s.operator.tail())
        equal(cluster.get("Lease", "default", s.lease)["spec"]["holderIdentity"], "", "holder")


SLOW = ("--lease-duration", "20", "--lease-renew-deadline", "16", "--lease-retry", "1")


def renewals(s):
    return [r for r in s.proxy.seen if r.lease and r.write]


@suite.test
def a_renewal_that_comes_late_wakes_what_waited_for_it():
    with Scene(*SLOW) as s:
        refused, begun = error(500, "InternalError"), time.monotonic()
        s.fault(lambda r: r.lease and r.write and (refused if time.monotonic() < begun + 10 else ("late", 7)) or None)
        wait(lambda: time.monotonic() > begun + 16.5, 20, "it is not yet late")
        check(any(not r.status for r in renewals(s)), "no renewal is under way")
        s.make(1)
        s.converged(1, 20)
        check("the lease is lost" not in s.operator.log.read_text(), f"it was lost: {s.operator.tail()}")


@suite.test
def a_renewal_that_is_refused_is_not_tried_again_at_once():
    with Scene(*SLOW) as s:
        s.fault(lambda r: error(403, "Forbidden") if r.lease and r.write else None)
        wait(lambda: renewals(s), 10, "it is not tried")
        time.sleep(5)
        check(len(renewals(s)) <= 6, f"{len(renewals(s))} renewals in five seconds")
        s.well()
        s.make(1)
        s.converged(1)


@suite.test
def a_wall_clock_that_jumps():
    with moved_clock() as (clock, env), Scene(env=env) as s:
        s.make(2)
        s.converged(2)
        for jump in (86400, -86400, 3600, -7200):
            clock.write_text(str(jump))
            cluster.patch("Database", s.namespace, "db-0", {"spec": {"replicas": 1 + (jump > 0)}})
            s.converged(2)
            equal(int(s.operator.metric("leader_election_master_status")), 1, "leading")


suite.main()
