"""Old controller -> import -> export -> the same old controller, and what is odd comes to rest after one round.

Compared are all rows and columns of all tables but access tokens, which are fresh; numbered rows by their order within their
build; paths by whether there is one, since the directory is another; and every file by content.
"""

import os
import random
import subprocess
import sys
import tempfile
import unittest

from old_controller import OldController
from old_database import OldDatabase, exercise

BINARY = sys.argv.pop(1)
SEED = int(os.environ.get("ROUND_TRIP_SEED", str(random.randrange(1 << 30))))
TABLES = ("workers", "builds", "build_logs", "cpu_snapshots", "diagnostics")
PATHS = {"source_path": "builds", "certs_path": "certs", "result_path": "results"}


def run(*command, codes=(0,)):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TIDEMARK_")}
    done = subprocess.run([BINARY, *command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode not in codes:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def files_of(storage):
    found = {}
    for folder in PATHS.values():
        for name in os.listdir(os.path.join(storage, folder)):
            with open(os.path.join(storage, folder, name), "rb") as file:
                found[folder, name] = file.read()
    return found


def content_of(directory, storage):
    """Rows by table, keyed or in order within their build, and files."""
    database = OldDatabase(directory)
    try:
        rows = {table: database.rows(table, "rowid") for table in TABLES}
    finally:
        database.close()
    for row in rows["builds"]:
        row.pop("access_token")
        for column in PATHS:
            row[column] = row[column] is not None
    content = {table: {row["id"]: row for row in rows[table]} for table in ("workers", "builds", "diagnostics")}
    for table in ("build_logs", "cpu_snapshots"):
        by_build = content[table] = {}
        for row in sorted(rows[table], key=lambda row: (row["timestamp"], row["id"])):
            row.pop("id")
            by_build.setdefault(row["build_id"], []).append(row)
    content["files"] = files_of(storage)
    return content


class RoundTrip(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidemark-round-")
        self.addCleanup(folder.cleanup)
        self.directory = folder.name

    def there_and_back(self, database, storage, name, codes=(0,)):
        """Imports into an installation of its own, and exports from it."""
        data, out = os.path.join(self.directory, name + "-data"), os.path.join(self.directory, name)
        run("import", "builds", "--database", database, "--storage", storage, "--data", data, codes=codes)
        run("export", "builds", "--to", out, "--data", data)
        return out

    def test_an_installation_in_use_comes_back_as_it_was(self):
        print(f"seed {SEED}", flush=True)
        old = OldController(os.path.join(self.directory, "old"), SEED).fill(builds=60)
        old.close()
        back = self.there_and_back(old.path, old.storage, "back")
        before, after = content_of(os.path.dirname(old.path), old.storage), content_of(back, back)
        for part in before:
            self.assertEqual(before[part], after[part], f"{part}, seed {SEED}")
        database = OldDatabase(back)
        self.addCleanup(database.close)
        self.assertEqual(database.problems(settled=True), [])
        exercise(back)

    def test_what_is_odd_comes_to_rest_after_one_round(self):
        print(f"seed {SEED}", flush=True)
        old = OldController(os.path.join(self.directory, "old"), SEED).fill(builds=20).make_odd()
        old.close()
        once = self.there_and_back(old.path, old.storage, "once", codes=(0, 1))
        twice = self.there_and_back(os.path.join(once, "controller.db"), once, "twice", codes=(0, 1))
        before, after = content_of(once, once), content_of(twice, twice)
        for part in before:
            self.assertEqual(before[part], after[part], f"{part}, seed {SEED}")
        exercise(twice)


if __name__ == "__main__":
    unittest.main()
