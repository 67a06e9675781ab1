"""Makes databases and storage trees as the old build controller left them, with everything that may be odd about them.

usage: old_controller.py <directory> [--seed N] [--builds N] [--lines N] [--schema old|new]   (to have one to look at)

Everything is drawn from one seed. Times are in the past, so that nothing depends on when a test runs.
"""

import argparse
import hashlib
import json
import os
import random
import sqlite3
import time

WORKERS = """CREATE TABLE workers (id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, capabilities TEXT NOT NULL,
 registered_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, builds_completed INTEGER DEFAULT 0, builds_failed INTEGER DEFAULT 0)"""
BUILDS = """CREATE TABLE builds (id TEXT PRIMARY KEY, status TEXT NOT NULL, platform TEXT NOT NULL, source_path TEXT NOT NULL,
 certs_path TEXT, result_path TEXT, worker_id TEXT, submitted_at INTEGER NOT NULL, started_at INTEGER, completed_at INTEGER,
 error_message TEXT{token}, FOREIGN KEY (worker_id) REFERENCES workers(id))"""
LOGS = """CREATE TABLE build_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, build_id TEXT NOT NULL, timestamp INTEGER NOT NULL,
 level TEXT NOT NULL, message TEXT NOT NULL, FOREIGN KEY (build_id) REFERENCES builds(id))"""
SNAPSHOTS = """CREATE TABLE cpu_snapshots (id INTEGER PRIMARY KEY AUTOINCREMENT, build_id TEXT NOT NULL, timestamp INTEGER NOT NULL,
 cpu_percent REAL NOT NULL, memory_mb REAL NOT NULL, FOREIGN KEY (build_id) REFERENCES builds(id))"""
DIAGNOSTICS = """CREATE TABLE diagnostics (id TEXT PRIMARY KEY, worker_id TEXT NOT NULL, status TEXT NOT NULL, run_at INTEGER NOT NULL,
 duration_ms INTEGER NOT NULL, auto_fixed INTEGER DEFAULT 0, checks TEXT NOT NULL, FOREIGN KEY (worker_id) REFERENCES workers(id))"""

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
CANCELLED = "Build cancelled by user"


class OldController:
    """A database and its tree in `directory`. schema "old": without access tokens, snapshots and diagnostics."""

    def __init__(self, directory, seed, schema="new"):
        self.random = random.Random(seed)
        self.schema = schema
        self.storage = os.path.join(directory, "storage")
        self.path = os.path.join(directory, "controller.db")
        for folder in ("builds", "certs", "results"):
            os.makedirs(os.path.join(self.storage, folder), exist_ok=True)
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute(WORKERS)
        self.db.execute(BUILDS.format(token="" if schema == "old" else ", access_token TEXT"))
        self.db.execute(LOGS)
        if schema != "old":
            self.db.execute(SNAPSHOTS)
            self.db.execute(DIAGNOSTICS)
            # Of a branch that was never merged; nobody's business.
            self.db.execute("CREATE TABLE event_log (id INTEGER PRIMARY KEY, payload TEXT)")
            self.db.execute("INSERT INTO event_log (payload) VALUES ('{}')")
        self.clock = int(time.time() * 1000) - 40 * 86_400_000
        self.tokens = {}
        self.workers = []
        self.builds = []

    def close(self):
        self.db.close()

    def name(self, length=21):
        return "".join(self.random.choice(ALPHABET) for _ in range(length))

    def later(self, most=5000):
        self.clock += self.random.randint(1, most)
        return self.clock

    def worker(self, status="idle", **columns):
        row = dict(id=self.name(), name=f"Mac {len(self.workers)} \u00e9\u4e16", status=status,
                   capabilities=json.dumps({"platforms": ["ios"], "cpus": self.random.randint(2, 12)}),
                   registered_at=self.later(), last_seen_at=self.later(), builds_completed=self.random.randint(0, 50),
                   builds_failed=self.random.randint(0, 9))
        row.update(columns)
        self.insert("workers", row)
        self.workers.append(row["id"])
        return row["id"]

    def file(self, folder, name, size=None):
        data = self.random.randbytes(self.random.randint(1, 4000) if size is None else size)
        with open(os.path.join(self.storage, folder, name), "wb") as out:
            out.write(data)
        return data

    def build(self, status, worker=None, source=True, certs=False, result=None, **columns):
        ios = self.random.random() < 0.7
        row = dict(id=self.name(), status=status, platform="ios" if ios else "android", certs_path=None, result_path=None,
                   worker_id=worker, submitted_at=self.later(), started_at=None, completed_at=None, error_message=None)
        row.update(columns)
        build = row["id"]
        # As absolute paths of another host: only that there is one counts.
        row.setdefault("source_path", f"/srv/elsewhere/builds/{build}.zip")
        if source:
            self.file("builds", f"{build}.zip")
        if certs:
            row["certs_path"] = f"/srv/elsewhere/certs/{build}.zip"
            self.file("certs", f"{build}.zip")
        if status != "pending" and "started_at" not in columns:
            row["started_at"] = self.later()
        if status in ("completed", "failed") and "completed_at" not in columns:
            row["completed_at"] = self.later(60_000)
        if status == "completed" if result is None else result:
            row["result_path"] = f"./storage/results/{build}"
            self.file("results", build + (".ipa" if row["platform"] == "ios" else ".apk"))
        if self.schema != "old" and "access_token" not in row:
            row["access_token"] = self.tokens[build] = self.name(43)
        self.insert("builds", row)
        self.builds.append(build)
        return build

    def insert(self, table, row):
        names = ", ".join(row)
        self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))

    def log(self, build, message, level="info", timestamp=None):
        self.insert("build_logs", dict(build_id=build, timestamp=self.later(50) if timestamp is None else timestamp,
                                       level=level, message=message))

    def diagnostic(self, worker, **columns):
        row = dict(id=f"{self.random.getrandbits(32):08x}-0000-4000-8000-{self.random.getrandbits(48):012x}", worker_id=worker,
                   status=self.random.choice(["healthy", "warning", "critical"]), run_at=self.later(),
                   duration_ms=self.random.randint(1, 9000), auto_fixed=self.random.randint(0, 1),
                   checks=json.dumps([{"name": "disk", "status": "pass", "message": "ok \u2713", "duration_ms": 3, "auto_fixed": False}]))
        row.update(columns)
        self.insert("diagnostics", row)

    def fill(self, builds=40, lines=12):
        """An installation in use: workers at work, a queue, a past."""
        self.db.execute("BEGIN")
        for _ in range(5):
            self.worker()
        busy = self.worker(status="building")
        for number in range(builds):
            worker = self.random.choice(self.workers[:5])
            kind = self.random.choice(["completed", "completed", "completed", "failed", "cancelled", "timeout"])
            error = {"failed": "xcodebuild: exit 65\n\"quoted\" \u0007", "cancelled": CANCELLED,
                     "timeout": "Build timeout - no heartbeat from worker for 120s"}.get(kind)
            build = self.build("completed" if kind == "completed" else "failed", worker, certs=self.random.random() < 0.4,
                               error_message=error)
            for line in range(self.random.randint(0, 2 * lines)):
                self.log(build, f"line {line} of {number}: {self.name(30)} \u00fc", self.random.choice(["info", "info", "warn", "error", "debug"]))
            if self.schema != "old":
                for _ in range(self.random.randint(0, 3)):
                    self.insert("cpu_snapshots", dict(build_id=build, timestamp=self.clock, cpu_percent=round(self.random.uniform(0, 800), 3),
                                                      memory_mb=round(self.random.uniform(0, 9000), 1)))
        self.active = self.build("building", busy, certs=True)
        self.busy = busy
        self.log(self.active, "under way")
        self.pending = [self.build("pending") for _ in range(3)]
        if self.schema != "old":
            for _ in range(20):
                self.diagnostic(self.random.choice(self.workers))
        self.db.execute("COMMIT")
        return self

    def make_odd(self):
        """Everything that section 11 of the contract names, and what hostile or broken hands leave behind."""
        self.db.execute("PRAGMA foreign_keys = OFF")
        self.odd_worker = self.worker(capabilities="{not json", builds_completed=None, builds_failed=None)
        self.worker(status="sleeping", capabilities="")
        worker = self.workers[0]
        self.orphan = self.build("assigned", "no-such-worker-here")
        self.second_in_hand = self.build("assigned", self.busy, started_at=1)
        self.missing_source = self.build("completed", worker, source=False)
        self.missing_result = self.build("completed", worker, result=False, result_path="/gone/result.ipa")
        self.contradictory = self.build("completed", worker, error_message="but it failed", completed_at=None)
        self.dashed = self.build("completed", worker, id="-" + self.name(20))
        self.no_file_mentioned = self.build("failed", None, error_message=None)
        self.linked = self.build("completed", worker, source=False)
        os.symlink("/etc/hostname", os.path.join(self.storage, "builds", f"{self.linked}.zip"))
        same = self.later()
        self.tied = [self.build("completed", worker, submitted_at=same) for _ in range(4)]
        self.log(self.contradictory, "second by time", timestamp=2_000)
        self.log(self.contradictory, "first by time", timestamp=1_000)
        self.log(self.contradictory, "a level that is none", "loud")
        self.log(self.contradictory, "")
        self.log(self.dashed, "x" * 100_000)
        self.log("no-such-build", "of nobody")
        self.insert("build_logs", dict(build_id=self.contradictory, timestamp="soon", level="info", message="a time that is none"))
        self.insert("build_logs", dict(build_id=self.contradictory, timestamp=-5, level="info", message=b"\xff\xfe not text"))
        if self.schema != "old":
            self.no_token = self.build("completed", worker, access_token=None)
            self.diagnostic(worker, checks="[broken")
            self.diagnostic(worker, checks="{}")
            self.diagnostic("no-such-worker-here")
            self.insert("cpu_snapshots", dict(build_id=self.dashed, timestamp=self.clock, cpu_percent=5000.0, memory_mb=1))
            self.insert("cpu_snapshots", dict(build_id="no-such-build", timestamp=self.clock, cpu_percent=5.0, memory_mb=1))
        return self

    def go_on(self):
        """What happens in a while: builds end, others come, lines are written."""
        self.db.execute("UPDATE builds SET status = 'completed', completed_at = ?, result_path = 'x' WHERE id = ?", (self.later(), self.active))
        platform = self.db.execute("SELECT platform FROM builds WHERE id = ?", (self.active,)).fetchone()[0]
        self.file("results", self.active + (".ipa" if platform == "ios" else ".apk"))
        self.log(self.active, "Build completed successfully")
        self.db.execute("UPDATE workers SET status = 'idle', builds_completed = builds_completed + 1, last_seen_at = ? WHERE id = ?",
                        (self.later(), self.busy))
        self.db.execute("UPDATE builds SET status = 'failed', error_message = ?, completed_at = ? WHERE id = ?",
                        (CANCELLED, self.later(), self.pending[0]))
        self.newcomer = self.build("pending")
        self.log(self.newcomer, "Build submitted")
        self.latecomer = self.worker()
        if self.schema != "old":
            self.insert("cpu_snapshots", dict(build_id=self.active, timestamp=self.clock, cpu_percent=50.0, memory_mb=1))
            self.diagnostic(self.latecomer)

    # -- what the old server answered ---------------------------------------------------------------------------------

    def row(self, build):
        cursor = self.db.execute("SELECT id, status, platform, worker_id, submitted_at, started_at, completed_at, error_message "
                                 "FROM builds WHERE id = ?", (build,))
        return dict(zip([c[0] for c in cursor.description], cursor.fetchone()))

    def lines(self, build):
        return [dict(timestamp=t, level=l, message=m) for t, l, m in self.db.execute(
            "SELECT timestamp, level, message FROM build_logs WHERE build_id = ? ORDER BY timestamp, id", (build,))]

    def newest(self):
        return [row[0] for row in self.db.execute("SELECT id FROM builds ORDER BY submitted_at DESC, id DESC")]

    def sha256(self, folder, name):
        with open(os.path.join(self.storage, folder, name), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--builds", type=int, default=40)
    parser.add_argument("--lines", type=int, default=12)
    parser.add_argument("--schema", choices=["old", "new"], default="new")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    OldController(given.directory, given.seed, given.schema).fill(given.builds, given.lines).make_odd().close()
