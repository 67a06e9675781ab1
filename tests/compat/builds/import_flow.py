"""An old installation is taken over: its clients go on against the new node as if nothing had happened.

usage: import_flow.py <tidemark binary> [kills | disk faults]     kills: how often the import is killed on its way (then only that);
       disk faults: the library of tests/support/disk_faults
"""

import glob
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

from controller import API_KEY, Controller, check, equal, free_port, run
from old_controller import OldController

BINARY = os.path.abspath(sys.argv[1])
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2].isdigit() else 0
DISK_FAULTS = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 and not KILLS else None
SEED = int(os.environ.get("TIDEMARK_SEED", random.randrange(2**32)))
print(f"seed {SEED}; again with TIDEMARK_SEED", flush=True)


class Installation:
    """An old controller and a place for the new one."""

    def __init__(self, schema="new", offset=0):
        self.directory = tempfile.mkdtemp(prefix="tidemark-import-")
        self.old = OldController(self.directory, SEED + offset, schema)
        self.main_port = free_port()
        self.new = Controller(BINARY, "--listen", f"127.0.0.1:{self.main_port}")
        self.report_path = os.path.join(self.directory, "report.json")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.old.close()
        self.new.__exit__(None, None, None) if self.new.process else shutil.rmtree(self.new.storage, ignore_errors=True)
        shutil.rmtree(self.new.storage + ".keys", ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def arguments(self, *more):
        return [BINARY, "import", "builds", "--database", self.old.path, "--storage", self.old.storage, "--data", self.new.storage,
                "--report", self.report_path, "--log-level", "warning", *more]

    def run_import(self, *more, code=0):
        done = subprocess.run(self.arguments(*more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if code is not None and done.returncode != code:
            raise AssertionError(f"import ended with {done.returncode}:\n{done.stdout.decode()}\n{done.stderr.decode()}")
        return done

    def report(self):
        with open(self.report_path, encoding="utf-8") as file:
            return json.load(file)

    def stream(self, subject):
        """The events about a build, as the operator sees them."""
        with open(os.path.join(self.new.storage + ".keys", "operator.key"), encoding="ascii") as file:
            key = file.read().strip()
        request = urllib.request.Request(f"http://127.0.0.1:{self.main_port}/streams/builds/{subject}", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)["events"]


def findings(report, kind):
    return [f for f in report["findings"] if f["kind"] == kind]


def rows(report, table):
    return {k: v for k, v in report["tables"][table].items() if k != "by_status"}


def answers(c, old):
    """Everything that an old client could ask about what was imported."""
    seen = {"list": c.get("/api/builds").json(), "active": c.get("/api/builds/active").json(),
            "statistics": c.get("/api/builds/statistics").json()}
    for build in old.builds:
        seen[build] = (c.status(build), c.get(f"/api/builds/{build}/logs").json(), c.get(f"/api/builds/{build}").json())
    for worker in old.workers:
        stats = c.get(f"/api/workers/{worker}/stats").json()
        stats.pop("uptime")
        seen[worker] = (stats, c.get(f"/api/diagnostics/{worker}?limit=100").json())
    return seen


def plain():
    """A sound installation is taken over whole, and every answer is the old one"""
    with Installation() as it:
        old = it.old.fill()
        done = it.run_import()
        check(b"clean" in done.stdout, done.stdout.decode())
        report = it.report()
        equal(report["clean"], True)
        equal(report["warnings"], 0, f"{findings(report, 'warning')}")
        equal(findings(report, "difference"), [])
        equal(rows(report, "builds"), dict(rows=44, imported=44, updated=0, unchanged=0, rejected=0, conflicts=0))
        for check_name in ("status", "logs", "worker stats", "diagnostics"):
            counts = report["parity"]["rows"][check_name]
            equal((counts["explained"], counts["different"]), (0, 0), f"{check_name} {findings(report, 'explained')}")
        for file in findings(report, "file"):
            folder, name = file["path"].split("/")
            equal(file["sha256"], old.sha256(folder, name), file["path"])
        with it.new as c:
            equal([b["id"] for b in c.get("/api/builds").json()], old.newest(), "newest first")
            for build in old.builds:
                equal(c.status(build), old.row(build), "status")
                equal(c.get(f"/api/builds/{build}/logs").json()["logs"], old.lines(build), "logs")
                # The token that the old controller gave out, alone.
                reply = c.get(f"/api/builds/{build}/status", key=None, headers={"X-Build-Token": old.tokens[build]})
                equal(reply.status, 200, "the old access token")
                equal(c.get(f"/api/builds/{build}/status", key=None, headers={"X-Build-Token": "no" + old.tokens[build]}).status, 403)
                row = old.row(build)
                source = c.get(f"/api/builds/{build}/download/source")
                equal(hashlib.sha256(source.body).hexdigest(), old.sha256("builds", f"{build}.zip"), "source")
                if row["status"] == "completed":
                    result = c.get(f"/api/builds/{build}/download", key=None, headers={"X-Build-Token": old.tokens[build]})
                    equal(hashlib.sha256(result.body).hexdigest(),
                          old.sha256("results", build + (".ipa" if row["platform"] == "ios" else ".apk")), "result")
            # The event of a row has the row's id, wherever it is imported.
            first = it.stream(old.active)[0]
            equal(first["type"], "tidemark.builds.BuildImported.v1")
            equal(first["id"], str(uuid.uuid5(uuid.UUID(report["database"][:32]), f"builds/{old.active}")))
            # A worker of the first generation polls with its old id and gets what it has in hand, with its certificates.
            equal(c.poll(old.busy)["id"], old.active)
            certs = c.get(f"/api/builds/{old.active}/certs", headers={"X-Worker-Id": old.busy})
            equal(hashlib.sha256(certs.body).hexdigest(), old.sha256("certs", f"{old.active}.zip"), "certs")
            equal(c.poll(old.workers[0])["id"], old.pending[0], "the queue goes on in its order")
            equal(c.finish(old.active, old.busy), {"status": "success"})
            equal(c.status(old.active)["status"], "completed")


def odd():
    """Odd rows are mended, named, and explain every difference"""
    with Installation(offset=1) as it:
        old = it.old.fill(builds=10).make_odd()
        it.run_import()
        report = it.report()
        equal(findings(report, "difference"), [])
        warnings = {f"{w['table']}/{w['key']}": w["text"] for w in findings(report, "warning")}
        for row, part in [(f"workers/{old.odd_worker}", "capabilities"), (f"builds/{old.orphan}", "its worker is unknown"),
                          (f"builds/{old.second_in_hand}", "at work on another"), (f"builds/{old.missing_source}", "source"),
                          (f"builds/{old.missing_result}", "result"), (f"builds/{old.linked}", "source")]:
            check(part in warnings.get(row, ""), f"{row}: {warnings.get(row)}")
        with it.new as c:
            equal(c.status(old.orphan)["status"], "pending")
            equal(c.status(old.contradictory)["status"], "completed")
            equal(c.status(old.contradictory)["error_message"], "but it failed")
            equal(c.get(f"/api/workers/{old.odd_worker}/stats").json()["totalBuilds"], 0)
            equal(c.get(f"/api/builds/{old.missing_result}/download").status, 404)
            equal(c.post(f"/api/builds/{old.missing_source}/retry").status, 400)
            equal(c.get(f"/api/builds/{old.linked}/download/source").status, 404)
            equal(c.get(f"/api/builds/{old.no_token}/status", key=None, headers={"X-Build-Token": ""}).status in (401, 403), True)
            equal([l["message"] for l in c.get(f"/api/builds/{old.contradictory}/logs").json()["logs"]][2:4], ["first by time", "second by time"])
            front = {c.poll(old.workers[0])["id"], c.poll(old.workers[1])["id"]}
            equal(front, {old.orphan, old.second_in_hand}, "whose worker is gone goes first")
            equal(c.poll(old.workers[2])["id"], old.pending[0])


def old_schema():
    """A file of the first days has no tokens, samples and diagnostics"""
    with Installation("old", offset=2) as it:
        old = it.old.fill(builds=8).make_odd()
        it.run_import()
        equal(findings(it.report(), "difference"), [])
        with it.new as c:
            equal([b["id"] for b in c.get("/api/builds").json()], old.newest())


def again():
    """Once more changes nothing; a copy that has grown is brought up to date; an older one is refused"""
    with Installation(offset=3) as it:
        old = it.old.fill(builds=10).make_odd()
        it.run_import()
        before = os.path.join(it.directory, "before.db")
        copied = sqlite3.connect(before)
        old.db.backup(copied)
        copied.close()
        it.run_import("--idempotency-window", "1h")
        report = it.report()
        for table in ("workers", "builds", "build_logs", "cpu_snapshots", "diagnostics"):
            counts = rows(report, table)
            equal((counts["imported"], counts["updated"], counts["conflicts"]), (0, 0, 0), table)
        equal(findings(report, "difference"), [])

        old.go_on()
        it.run_import()
        report = it.report()
        equal((rows(report, "builds")["imported"], rows(report, "builds")["updated"]), (1, 2), "builds")
        equal((rows(report, "workers")["imported"], rows(report, "workers")["updated"]), (1, 1), "workers")
        equal(rows(report, "build_logs")["imported"], 2, "lines")
        equal(rows(report, "cpu_snapshots")["imported"], 1, "samples")
        equal(rows(report, "diagnostics")["imported"], 1, "reports")
        equal(findings(report, "difference"), [])
        refused = subprocess.run([a if a != old.path else before for a in it.arguments()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal(refused.returncode, 1)
        check(b"older" in refused.stderr, refused.stderr.decode())
        with it.new as c:
            equal(c.status(old.active)["status"], "completed")
            equal(c.get(f"/api/builds/{old.active}/logs").json()["logs"], old.lines(old.active))
            equal(c.status(old.pending[0])["error_message"], "Build cancelled by user")
            equal([b["id"] for b in c.get("/api/builds").json()], old.newest())


def both_sides():
    """What went on at both sides is named and left alone; what went on at one side is taken"""
    with Installation(offset=4) as it:
        old = it.old.fill(builds=4)
        it.run_import()
        it.new.start()
        equal(it.new.poll(old.workers[0])["id"], old.pending[0])
        it.new.finish(old.pending[0], old.workers[0])
        it.new.stop()
        old.go_on()  # the old side cancels the same build
        it.run_import(code=1)
        report = it.report()
        conflicts = findings(report, "conflict")
        equal([c["key"] for c in conflicts], [old.pending[0]], f"{conflicts}")
        equal(findings(report, "difference"), [], "what a conflict leaves is explained")
        with it.new as c:
            equal(c.status(old.pending[0])["status"], "completed")
            equal(c.status(old.active)["status"], "completed")


def refusals():
    """Bad input is refused with its reason, and nothing is half done"""
    with Installation(offset=5) as it:
        old = it.old.fill(builds=3)
        bad = os.path.join(it.directory, "bad.db")

        def refused(database, storage, words, code):
            arguments = it.arguments()
            arguments[arguments.index("--database") + 1] = database
            arguments[arguments.index("--storage") + 1] = storage
            done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            check(done.returncode in (1, 2) if code is None else done.returncode == code, f"{done.returncode}: {done.stderr.decode()}")
            check(words in done.stderr.decode(), f"{words!r} in {done.stderr.decode()!r}")
            check(not os.path.exists(os.path.join(it.new.storage, "log")), "no log was made")
            check(not glob.glob(it.new.storage + ".import*"), "nothing is left behind")
            check(not os.path.exists(it.report_path) and not os.path.exists(it.report_path + ".partial"), "no report")

        refused(bad, old.storage, "there is no file", 1)
        with open(bad, "wb") as file:
            file.write(b"SQLite format 3\x00 but no more" * 300)
        refused(bad, old.storage, "bad.db", None)
        with open(bad, "wb") as file:
            file.write(b"hello\n" * 3000)
        refused(bad, old.storage, "not a SQLite database", 2)
        os.unlink(bad)
        other = sqlite3.connect(bad)
        other.execute("CREATE TABLE builds (x)")
        other.commit()
        other.close()
        refused(bad, old.storage, "not a build controller's database", 2)
        refused(old.path, os.path.join(it.directory, "nowhere"), "there is no storage directory", 2)

        # Pages torn out of the middle.
        old.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for _ in range(60):
            old.log(old.active, "x" * 2000)
        old.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(old.path, bad)
        with open(bad, "r+b") as file:
            file.seek(4096 * 20)
            file.write(b"\xff" * 4096 * 8)
        refused(bad, old.storage, "damaged", 1)

        checked = it.run_import("--check")
        check(b"clean" in checked.stdout, checked.stdout.decode())
        check(not os.path.exists(os.path.join(it.new.storage, "log")), "a check makes no log")
        os.unlink(it.report_path)

        it.new.start()
        done = it.run_import(code=1)
        check(f"process {it.new.process.pid}".encode() in done.stderr, done.stderr.decode())
        it.new.stop()


def unreadable():
    """A file that cannot be read is named, and taken by the next run once it can be"""
    with Installation(offset=9) as it:
        old = it.old.fill(builds=4)
        build = old.pending[0]
        faults = os.path.join(it.directory, "faults")
        with open(faults, "w", encoding="ascii") as file:
            file.write(f"read {build}.zip eio\n")
        mine = it.new.storage + ".import"
        os.mkdir(mine)  # somebody else's
        done = subprocess.run(it.arguments(), env={**os.environ, "LD_PRELOAD": DISK_FAULTS, "TIDEMARK_DISK_FAULTS": faults}, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120)
        check(done.returncode == 1, f"{done.returncode}: {done.stderr.decode()}")
        check(any(f.get("outcome") == "unreadable" and build in json.dumps(f) for f in findings(it.report(), "file")), "the report names the file")
        it.run_import()
        equal(rows(it.report(), "builds")["updated"], 1)
        check(os.path.isdir(mine), "what is not of the import stays")
        os.rmdir(mine)
        with it.new as c:
            equal(c.get(f"/api/builds/{build}/download/source").status, 200)


def old_server():
    """The old server's own answers are compared when it is named"""
    with Installation(offset=6) as it:
        old = it.old.fill(builds=4)
        # Another node that has taken over the same database answers as the old server did.
        with Installation(offset=6) as double:
            double.old.close()
            double.old = old
            double.run_import()
            double.new.start()
            it.run_import("--compare", f"http://127.0.0.1:{double.new.port}", "--api-key", API_KEY)
            server = it.report()["parity"]["server"]
            for name in ("list", "status", "logs", "worker stats", "diagnostics"):
                equal(server[name]["different"], 0, f"{name}: {findings(it.report(), 'difference')}")
            equal(server["status"]["equal"], len(old.builds))
            double.new.post(f"/api/builds/{double.old.pending[0]}/cancel")
            it.run_import("--compare", f"http://127.0.0.1:{double.new.port}", "--api-key", API_KEY, code=1)
            differing = {(d["check"], d["key"]) for d in findings(it.report(), "difference")}
            equal(differing, {("status", old.pending[0]), ("list", "all"), ("logs", old.pending[0])})
            double.new.stop()


def interrupted():
    """Killed on its way, however often, and run again, it is as if it had run once"""
    with Installation(offset=7) as once, Installation(offset=7) as it:
        it.old.close()
        it.old = once.old.fill(builds=400, lines=40).make_odd()
        started = time.monotonic()
        once.run_import()
        whole = time.monotonic() - started
        draw = random.Random(SEED)
        killed = 0
        for _ in range(KILLS):
            process = subprocess.Popen(it.arguments(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=draw.uniform(0.02, 1.0) * whole)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
        check(killed > 0, "the import was never killed on its way")
        it.run_import()
        equal(findings(it.report(), "difference"), [])
        for table in ("workers", "builds", "build_logs", "cpu_snapshots", "diagnostics"):
            equal(rows(it.report(), table)["rows"], rows(once.report(), table)["rows"], table)
        with once.new as left, it.new as right:
            first, second = answers(left, once.old), answers(right, it.old)
            equal(sorted(first), sorted(second))
            for key in first:
                equal(second[key], first[key], key)
            equal(right.get("/public/stats", key=None).json()["totalCpuCycles"], left.get("/public/stats", key=None).json()["totalCpuCycles"])
        print(f"      killed {killed} times")


run([interrupted] if KILLS else [plain, odd, old_schema, again, both_sides, refusals, old_server, *([unreadable] if DISK_FAULTS else [])], "import of an old controller")
