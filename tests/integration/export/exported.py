"""What the tests of the export share: a node that exports, old clients' work on it, and both sides compared."""

import json
import os
import random
import sqlite3
import sys
import time

SOURCE = os.environ["TIDEMARK_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests/support/process"))
sys.path.insert(0, os.path.join(SOURCE, "tests/compat/builds"))

from old_database import OldDatabase, exercise  # noqa: E402,F401
from tidemark_process import BuildsClient, Node, multipart  # noqa: E402

WAIT_S = 60.0


def wait_for(condition, what, wait_s=WAIT_S):
    deadline = time.monotonic() + wait_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {wait_s} s: {what}")
        time.sleep(0.02)


class ExportingNode:
    """A node with a warm export in `<directory>/old`, and one client."""

    def __init__(self, binary, directory, *flags):
        self.binary = binary
        self.old = os.path.join(directory, "old")
        self.node = Node(binary, directory, ["--builds-export-dir", self.old, *flags])
        self.client = None
        self.builds = {}  # id to (platform, source, certs, result)
        self.samples = {}  # by build, what was sent

    def start(self):
        self.node.start()
        self.client = BuildsClient(self.node)
        return self

    def stop(self):
        self.client.close()
        return self.node.stop()

    def end(self):
        if self.client:
            self.client.close()
        self.node.end()

    def submit(self, source, platform="ios", certs=None):
        files = [("source", "app.zip", source)] + ([("certs", "certs.zip", certs)] if certs else [])
        content_type, body = multipart([("platform", platform)], files)
        answer = self.client.call("POST", "/builds/submit", body, {"Content-Type": content_type})
        assert answer.status == 200, (answer.status, answer.body)
        build_id = answer.json()["id"]
        self.builds[build_id] = [platform, source, certs, None]
        return build_id

    def poll(self, worker):
        answer = self.client.poll(worker)
        assert answer.status == 200, (answer.status, answer.body)
        job = answer.json()["job"]
        return job and job["id"]

    def complete(self, build_id, worker, result):
        answer = self.client.upload(build_id, worker, result)
        assert answer.status == 200, (answer.status, answer.body)
        if build_id in self.builds:
            self.builds[build_id][3] = result

    def fail(self, build_id, worker, message):
        content_type, body = multipart([("build_id", build_id), ("worker_id", worker), ("success", "false"), ("error_message", message)], [])
        assert self.client.call("POST", "/workers/upload", body, {"Content-Type": content_type}).status == 200

    def metric(self, name):
        answer = self.node.request("GET", "/metrics", headers={"Authorization": "Bearer " + self.node.read_key("operator.key")})
        for line in answer.body.decode().splitlines():
            if line.startswith(name + "{") or line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError("there is no metric " + name)

    def caught_up(self):
        """Waits until everything answered so far is exported."""
        wait_for(lambda: self.metric("tidemark_export_lag_events") == 0 and self.same(), "the export is as the node is")

    def same(self):
        try:
            return not self.differences()
        except (OSError, sqlite3.OperationalError):
            return False  # not made yet

    def exported(self, build_id):
        """The row of a build, when it is there."""
        try:
            database = OldDatabase(self.old)
        except sqlite3.OperationalError:
            return None
        try:
            return database.build(build_id)
        except sqlite3.OperationalError:
            return None
        finally:
            database.close()

    def differences(self, settled=False):
        """What the exported files say otherwise than the node's routes, in sentences."""
        database = OldDatabase(self.old)
        try:
            found = database.problems(settled)
            listed = {item["id"]: item for item in self.client.call("GET", "/builds").json()}
            there = {row["id"]: row for row in database.rows("builds")}
            if set(listed) != set(there):
                found.append(f"builds {sorted(set(listed) ^ set(there))} are on one side only")
            for build_id in set(listed) & set(there):
                found += self.build_differences(database, build_id)
            for row in database.rows("workers"):
                stats = self.client.call("GET", f"/workers/{row['id']}/stats").json()
                shown = {"successfulBuilds": row["builds_completed"], "failedBuilds": row["builds_failed"], "workerName": row["name"], "status": row["status"]}
                reports = self.client.call("GET", f"/diagnostics/{row['id']}?limit=1000").json()["reports"]
                exported = [dict(report, auto_fixed=bool(report["auto_fixed"]), checks=json.loads(report["checks"])) for report in database.diagnostics(row["id"])]
                key = lambda report: (report["run_at"], report["id"])  # noqa: E731
                if sorted(reports, key=key) != sorted(exported, key=key):
                    found.append(f"worker {row['id']}: diagnostics {reports} exported as {exported}")
                found += [f"worker {row['id']}: {name} is {stats[name]!r}, exported {value!r}" for name, value in shown.items() if stats[name] != value]
            return found
        finally:
            database.close()

    def build_differences(self, database, build_id):
        row = database.build(build_id)
        status = self.client.call("GET", f"/builds/{build_id}/status").json()
        found = [f"build {build_id}: {name} is {value!r}, exported {row[name]!r}" for name, value in status.items() if row[name] != value]
        logs = self.client.call("GET", f"/builds/{build_id}/logs").json()["logs"]
        exported = database.logs(build_id)
        if logs != exported:
            found.append(f"build {build_id}: log {logs} exported as {exported}")
        if build_id in self.samples and self.samples[build_id] != database.samples(build_id):
            found.append(f"build {build_id}: samples {self.samples[build_id]} exported as {database.samples(build_id)}")
        if build_id in self.builds:
            platform, source, certs, result = self.builds[build_id]
            for kind, content in (("source", source), ("certs", certs), ("result", result)):
                if database.file(kind, build_id, platform) != content:
                    found.append(f"build {build_id}: its {kind} is not what was sent")
        return found


def work(exporting, seed, steps, workers=3):
    """Random work of old clients; what was promised to them is in `exporting.builds`."""
    rng = random.Random(seed)
    names = [f"w{i}" for i in range(workers)]
    for name in names:
        assert exporting.client.register(name).status == 200
    active = {}
    ids = []
    for step in range(steps):
        action = rng.randrange(10)
        name = rng.choice(names)
        if action < 4:
            certs = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 2000))) if rng.randrange(2) else None
            ids.append(exporting.submit(b"source %d" % rng.randrange(20), rng.choice(("ios", "android")), certs))
        elif action < 6:
            job = exporting.poll(name)
            if job:
                active[name] = job
        elif action < 7 and name in active:
            assert exporting.client.log(active[name], name, f"step {step} \u00e9\U0001f600 \"quoted\"").status == 200
            exporting.client.heartbeat(active[name], name)
            sample = {"type": "cpu_snapshot", "timestamp": "2026-01-01T00:00:00Z",
                      "data": {"cpu_percent": rng.randrange(1_000_000) / 1000, "memory_mb": rng.randrange(9_000_000) / 1000}}
            sent = exporting.client.post_json(f"/builds/{active[name]}/telemetry", sample, {"X-Worker-Id": name, "X-Build-Id": active[name]})
            assert sent.status == 200, (sent.status, sent.body)
            exporting.samples.setdefault(active[name], []).append(sample["data"])
            report = {"worker_id": name, "status": rng.choice(("healthy", "warning")), "duration_ms": step,
                      "checks": [{"name": "disk", "status": "pass", "message": "ok", "duration_ms": 1, "auto_fixed": False}]}
            assert exporting.client.post_json("/diagnostics/report", report).status == 200
        elif action < 8 and name in active:
            exporting.complete(active.pop(name), name, b"result %d" % step)
        elif action < 9 and name in active:
            exporting.fail(active.pop(name), name, f"failed at step {step}")
        elif ids:
            build_id = rng.choice(ids)
            if exporting.client.cancel(build_id).status == 200:
                active = {worker: job for worker, job in active.items() if job != build_id}
