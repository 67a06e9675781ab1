"""Opens an exported database and storage tree as the old controller would, and says what does not fit.

Written from the old controller's tables and queries alone: it shares nothing with the exporter. Standard library only.

    old_database.py DIRECTORY [--root ROOT] [--settled]
"""

import argparse
import json
import os
import re
import shutil
import sqlite3
import stat
import sys
import tempfile
import time

# Column, declared type, whether NULL is refused, part of the primary key.
TABLES = {
    "workers": [("id", "TEXT", False, True), ("name", "TEXT", True, False), ("status", "TEXT", True, False),
                ("capabilities", "TEXT", True, False), ("registered_at", "INTEGER", True, False), ("last_seen_at", "INTEGER", True, False),
                ("builds_completed", "INTEGER", False, False), ("builds_failed", "INTEGER", False, False)],
    "builds": [("id", "TEXT", False, True), ("status", "TEXT", True, False), ("platform", "TEXT", True, False),
               ("source_path", "TEXT", True, False), ("certs_path", "TEXT", False, False), ("result_path", "TEXT", False, False),
               ("worker_id", "TEXT", False, False), ("submitted_at", "INTEGER", True, False), ("started_at", "INTEGER", False, False),
               ("completed_at", "INTEGER", False, False), ("error_message", "TEXT", False, False), ("access_token", "TEXT", True, False)],
    "build_logs": [("id", "INTEGER", False, True), ("build_id", "TEXT", True, False), ("timestamp", "INTEGER", True, False),
                   ("level", "TEXT", True, False), ("message", "TEXT", True, False)],
    "cpu_snapshots": [("id", "INTEGER", False, True), ("build_id", "TEXT", True, False), ("timestamp", "INTEGER", True, False),
                      ("cpu_percent", "REAL", True, False), ("memory_mb", "REAL", True, False)],
    "diagnostics": [("id", "TEXT", False, True), ("worker_id", "TEXT", True, False), ("status", "TEXT", True, False),
                    ("run_at", "INTEGER", True, False), ("duration_ms", "INTEGER", True, False), ("auto_fixed", "INTEGER", False, False),
                    ("checks", "TEXT", True, False)],
}
REFERENCES = {"workers": set(), "builds": {("worker_id", "workers", "id")}, "build_logs": {("build_id", "builds", "id")},
              "cpu_snapshots": {("build_id", "builds", "id")}, "diagnostics": {("worker_id", "workers", "id")}}
PYTHON_TYPES = {"TEXT": str, "INTEGER": int, "REAL": float}
SUFFIX = {"ios": "ipa", "android": "apk"}


class OldDatabase:
    """Read-only, of one moment: whoever writes meanwhile is not seen."""

    def __init__(self, directory, root=None):
        self.directory = os.path.abspath(directory)
        self.root = root or self.directory
        self.path = os.path.join(self.directory, "controller.db")
        self.connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("BEGIN")

    def close(self):
        self.connection.close()

    def rows(self, table, order="rowid"):
        return [dict(row) for row in self.connection.execute(f"SELECT * FROM {table} ORDER BY {order}")]

    # What the old controller asks.

    def build(self, build_id):
        row = self.connection.execute("SELECT * FROM builds WHERE id = ?", (build_id,)).fetchone()
        return dict(row) if row else None

    def pending(self):
        return [row["id"] for row in self.connection.execute("SELECT * FROM builds WHERE status = 'pending' ORDER BY submitted_at ASC")]

    def logs(self, build_id):
        rows = self.connection.execute("SELECT * FROM build_logs WHERE build_id = ? ORDER BY timestamp ASC", (build_id,))
        return [{"timestamp": row["timestamp"], "level": row["level"], "message": row["message"]} for row in rows]

    def samples(self, build_id):
        rows = self.connection.execute("SELECT * FROM cpu_snapshots WHERE build_id = ? ORDER BY timestamp ASC", (build_id,))
        return [{"cpu_percent": row["cpu_percent"], "memory_mb": row["memory_mb"]} for row in rows]

    def diagnostics(self, worker_id):
        return [dict(row) for row in self.connection.execute("SELECT * FROM diagnostics WHERE worker_id = ? ORDER BY run_at DESC", (worker_id,))]

    def file(self, kind, build_id, platform="ios"):
        """The bytes of a build's file, or nothing."""
        name = {"source": f"builds/{build_id}.zip", "certs": f"certs/{build_id}.zip",
                "result": f"results/{build_id}.{SUFFIX[platform]}"}[kind]
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return file.read()

    def problems(self, settled=False):
        """Sentences; none for a database that the old controller takes. `settled`: nobody exports to it now, so there may be no
        file that no row names."""
        found = self.schema_problems()
        if found:
            return found
        for check in ("integrity_check", "foreign_key_check"):
            answers = [tuple(row) for row in self.connection.execute(f"PRAGMA {check}")]
            if answers not in ([], [("ok",)]):
                found.append(f"{check}: {answers[:5]}")
        for table, columns in TABLES.items():
            for row in self.rows(table):
                found += cell_problems(table, columns, row)
        found += self.worker_problems() + self.build_problems()
        for row in self.rows("build_logs"):
            if row["level"] not in ("info", "warn", "error", "debug"):
                found.append(f"log line {row['id']} has level {row['level']!r}")
        for row in self.rows("diagnostics"):
            if row["status"] not in ("healthy", "warning", "critical") or row["auto_fixed"] not in (0, 1):
                found.append(f"diagnostic {row['id']} has status {row['status']!r}, auto_fixed {row['auto_fixed']!r}")
            if not isinstance(parsed(row["checks"]), list):
                found.append(f"diagnostic {row['id']} has checks {row['checks'][:60]!r}")
        if settled:
            found += self.stray_files()
        return found

    def schema_problems(self):
        found = []
        for table, columns in TABLES.items():
            there = [(row["name"], row["type"].upper(), bool(row["notnull"]), bool(row["pk"]))
                     for row in self.connection.execute(f"PRAGMA table_info({table})")]
            if there != columns:
                found.append(f"table {table} has columns {there}")
            references = {(row["from"], row["table"], row["to"]) for row in self.connection.execute(f"PRAGMA foreign_key_list({table})")}
            if references != REFERENCES[table]:
                found.append(f"table {table} refers to {sorted(references)}")
        return found

    def worker_problems(self):
        found = []
        active = {}
        for row in self.connection.execute("SELECT worker_id, count(*) AS n FROM builds WHERE status IN ('assigned', 'building') GROUP BY worker_id"):
            active[row["worker_id"]] = row["n"]
        for row in self.rows("workers"):
            if row["status"] not in ("idle", "building", "offline"):
                found.append(f"worker {row['id']} has status {row['status']!r}")
            if not isinstance(parsed(row["capabilities"]), (dict, list)):
                found.append(f"worker {row['id']} has capabilities {row['capabilities'][:60]!r}")
            if active.get(row["id"], 0) > 1:
                found.append(f"worker {row['id']} has {active[row['id']]} active builds")
            if row["last_seen_at"] < row["registered_at"]:
                found.append(f"worker {row['id']} was seen before it was registered")
        if None in active:
            found.append("an active build has no worker")
        return found

    def build_problems(self):
        found = []
        tokens = set()
        for row in self.rows("builds"):
            name = f"build {row['id']}"
            if row["status"] not in ("pending", "assigned", "building", "completed", "failed"):
                found.append(f"{name} has status {row['status']!r}")
            if row["platform"] not in SUFFIX:
                found.append(f"{name} has platform {row['platform']!r}")
                continue
            if not re.fullmatch(r"[A-Za-z0-9_-]{32,}", row["access_token"]) or row["access_token"] in tokens:
                found.append(f"{name} has an access token that is short or used twice")
            tokens.add(row["access_token"])
            if row["status"] in ("completed", "failed") and row["completed_at"] is None:
                found.append(f"{name} has ended and has no time of its end")
            if row["status"] == "pending" and row["worker_id"] is not None:
                found.append(f"{name} waits and has a worker")
            for column, expected in (("source_path", f"builds/{row['id']}.zip"), ("certs_path", f"certs/{row['id']}.zip"),
                                     ("result_path", f"results/{row['id']}.{SUFFIX[row['platform']]}")):
                path = row[column]
                if path is None:
                    continue
                # The old controller opens nothing outside its storage.
                if path != f"{self.root}/{expected}":
                    found.append(f"{name} has {column} {path!r}")
                    continue
                here = os.path.join(self.directory, expected)
                if not os.path.exists(here):
                    if column != "source_path":  # a source may have been purged
                        found.append(f"{name} has {column}, and no file")
                    continue
                info = os.stat(here)
                if stat.S_IMODE(info.st_mode) != 0o600 or info.st_nlink != 1:
                    found.append(f"{here} has mode {stat.S_IMODE(info.st_mode):o} and {info.st_nlink} links")
        return found

    def stray_files(self):
        named = set()
        for row in self.rows("builds"):
            named |= {row[column][len(self.root) + 1:] for column in ("source_path", "certs_path", "result_path") if row[column]}
        return [f"{folder}/{name} belongs to no build" for folder in ("builds", "certs", "results")
                for name in sorted(os.listdir(os.path.join(self.directory, folder))) if f"{folder}/{name}" not in named]


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def cell_problems(table, columns, row):
    found = []
    for column, declared, not_null, key in columns:
        value = row[column]
        if value is None:
            if not_null or key:
                found.append(f"{table} {row['id']}: {column} is NULL")
        elif type(value) is not PYTHON_TYPES[declared]:
            found.append(f"{table} {row['id']}: {column} is {value!r}")
    return found


def exercise(directory):
    """What the old controller writes in its first minutes, on a copy: nothing in the file may stand in its way."""
    with tempfile.TemporaryDirectory(prefix="old-controller-") as scratch:
        for name in os.listdir(directory):
            if name.startswith("controller.db"):
                shutil.copy(os.path.join(directory, name), scratch)
        database = sqlite3.connect(os.path.join(scratch, "controller.db"), isolation_level=None)
        database.execute("PRAGMA foreign_keys = ON")
        now = int(time.time() * 1000)
        database.execute("INSERT INTO workers (id, name, status, capabilities, registered_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?)",
                         ("worker-of-the-drill", "Drill", "idle", "{}", now, now))
        database.execute("INSERT INTO builds (id, status, platform, source_path, certs_path, submitted_at, access_token) VALUES (?, ?, ?, ?, ?, ?, ?)",
                         ("build-of-the-drill", "pending", "ios", "/nowhere", None, now, "t" * 43))
        database.execute("BEGIN IMMEDIATE")
        assert database.execute("SELECT status FROM builds WHERE id = ?", ("build-of-the-drill",)).fetchone() == ("pending",)
        database.execute("UPDATE builds SET status = 'assigned', worker_id = ?, started_at = ? WHERE id = ?",
                         ("worker-of-the-drill", now, "build-of-the-drill"))
        database.execute("UPDATE workers SET status = 'building', last_seen_at = ? WHERE id = ?", (now, "worker-of-the-drill"))
        database.execute("COMMIT")
        most = database.execute("SELECT coalesce(max(id), 0) FROM build_logs").fetchone()[0]
        line = database.execute("INSERT INTO build_logs (build_id, timestamp, level, message) VALUES (?, ?, ?, ?)",
                                ("build-of-the-drill", now, "info", "line")).lastrowid
        assert line > most, (line, most)
        database.execute("INSERT INTO cpu_snapshots (build_id, timestamp, cpu_percent, memory_mb) VALUES (?, ?, ?, ?)",
                         ("build-of-the-drill", now, 12.5, 100.0))
        database.execute("INSERT INTO diagnostics (id, worker_id, status, run_at, duration_ms, auto_fixed, checks) VALUES (?, ?, ?, ?, ?, ?, ?)",
                         ("diagnostic-of-the-drill", "worker-of-the-drill", "healthy", now, 5, 0, "[]"))
        database.execute("UPDATE workers SET builds_completed = builds_completed + 1 WHERE id = ?", ("worker-of-the-drill",))
        assert database.execute("SELECT builds_completed FROM workers WHERE id = ?", ("worker-of-the-drill",)).fetchone() == (1,)
        database.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("--root", help="what stored paths begin with (default: the directory)")
    parser.add_argument("--settled", action="store_true", help="nobody exports to it now")
    given = parser.parse_args()
    database = OldDatabase(given.directory, given.root)
    problems = database.problems(given.settled)
    counts = {table: len(database.rows(table)) for table in TABLES}
    database.close()
    exercise(given.directory)
    for problem in problems:
        print(problem)
    print(json.dumps(counts))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
