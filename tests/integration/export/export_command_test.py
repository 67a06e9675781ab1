"""`tidemark export builds` at a stopped node: from scratch, finishing a warm export, checking, handing over."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from exported import ExportingNode, OldDatabase, exercise, work
from tidemark_process import clean_environment

BINARY = sys.argv.pop(1)
TABLES = ("workers", "builds", "build_logs", "cpu_snapshots", "diagnostics")


class ExportCommand(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidemark-export-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.directory = folder.name
        self.exporting = ExportingNode(BINARY, self.directory)
        self.addCleanup(self.exporting.end)

    def export(self, to, *flags, code=0):
        done = subprocess.run([BINARY, "export", "builds", "--to", to, *flags], cwd=self.directory, env=clean_environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def content(self, directory):
        """Every row but tokens, and every file."""
        database = OldDatabase(directory)
        try:
            self.assertEqual(database.problems(settled=True), [])
            rows = {table: database.rows(table) for table in TABLES}
        finally:
            database.close()
        for row in rows["builds"]:
            self.assertTrue(row.pop("access_token"))
            for column in ("source_path", "certs_path", "result_path"):
                row[column] = row[column] and os.path.relpath(row[column], directory)
        files = {}
        for folder in ("builds", "certs", "results"):
            for name in os.listdir(os.path.join(directory, folder)):
                with open(os.path.join(directory, folder, name), "rb") as file:
                    files[folder, name] = file.read()
        return rows, files

    def keyed(self, content):
        """The same without the order in which rows came."""
        rows, files = content
        numbered = {table: sorted(str(sorted((k, v) for k, v in row.items() if k != "id" or table not in ("build_logs", "cpu_snapshots"))) for row in rows[table])
                    for table in TABLES}
        return numbered, files

    def test_from_scratch_and_warm_give_the_same(self):
        self.exporting.start()
        work(self.exporting, seed=21, steps=120)
        self.exporting.caught_up()
        self.exporting.stop()
        cold = os.path.join(self.directory, "cold")
        self.assertIn("valid", self.export(cold, "--data", self.exporting.node.data))
        output = self.export(self.exporting.old, "--data", self.exporting.node.data)
        self.assertIn(f"{self.exporting.old}: valid", output)
        self.assertEqual(self.keyed(self.content(cold)), self.keyed(self.content(self.exporting.old)))
        exercise(cold)

    def test_a_warm_export_is_finished(self):
        self.exporting.start()
        work(self.exporting, seed=22, steps=60)
        self.exporting.caught_up()
        self.exporting.stop()
        flags, self.exporting.node.flags = self.exporting.node.flags, []
        self.exporting.start()
        work(self.exporting, seed=23, steps=60)
        self.exporting.stop()
        self.export(self.exporting.old, "--data", self.exporting.node.data)
        self.exporting.node.flags = flags
        self.exporting.start()
        self.assertEqual(self.exporting.differences(settled=True), [])

    def test_damage_is_found(self):
        self.exporting.start()
        work(self.exporting, seed=24, steps=60)
        build_id = next(iter(self.exporting.builds))
        self.exporting.caught_up()
        self.assertIn("valid", self.export(self.exporting.old, "--check"))  # beside the node
        self.exporting.stop()
        path = os.path.join(self.exporting.old, "builds", build_id + ".zip")
        size = os.path.getsize(path)
        with open(path, "wb") as file:
            file.write(b"\0" * size)
        output = self.export(self.exporting.old, "--check", code=1)
        self.assertIn(f"PROBLEM: file builds/{build_id}.zip has another content", output)
        self.assertIn("NOT VALID", output)
        self.assertIn("valid", self.export(self.exporting.old, "--check", "--quick"))
        os.unlink(path)
        self.assertIn("is missing", self.export(self.exporting.old, "--check", "--quick", code=1))
        self.export(self.exporting.old, "--data", self.exporting.node.data)  # mends it

    def test_an_export_of_another_log_is_replaced_only_when_asked_to(self):
        self.exporting.start()
        work(self.exporting, seed=26, steps=40)
        self.exporting.stop()
        self.export(self.exporting.old, "--data", self.exporting.node.data)
        before = self.content(self.exporting.old)
        os.mkdir(os.path.join(self.directory, "second"))
        second = ExportingNode(BINARY, os.path.join(self.directory, "second"))
        self.addCleanup(second.end)
        second.start()
        work(second, seed=27, steps=20)
        second.stop()
        output = self.export(self.exporting.old, "--data", second.node.data, code=1)
        self.assertRegex(output, r"made from the log [0-9a-f-]{36}, this is the log [0-9a-f-]{36}.*--replace")
        self.assertEqual(self.content(self.exporting.old), before)
        self.assertIn("valid", self.export(self.exporting.old, "--data", second.node.data, "--replace"))
        self.export(second.old, "--data", second.node.data)
        self.assertEqual(self.keyed(self.content(self.exporting.old)), self.keyed(self.content(second.old)))

    def test_a_file_that_is_lost_is_said_once_and_named_no_longer(self):
        self.exporting.start()
        self.exporting.client.register("w1")
        build_id = self.exporting.submit(b"the source")
        self.assertEqual(self.exporting.poll("w1"), build_id)
        self.exporting.complete(build_id, "w1", b"the result")
        self.exporting.caught_up()
        self.exporting.stop()
        (name,) = os.listdir(os.path.join(self.exporting.old, "results"))
        os.unlink(os.path.join(self.exporting.old, "results", name))
        digest = hashlib.sha256(b"the result").hexdigest()
        blobs = [os.path.join(folder, file) for folder, _, files in os.walk(os.path.join(self.exporting.node.data, "blobs"))
                 for file in files if digest in os.path.join(folder, file).replace("/", "") or file == digest]
        self.assertEqual(len(blobs), 1, blobs)
        os.unlink(blobs[0])
        self.assertIn("note: a file cannot be exported", self.export(self.exporting.old, "--data", self.exporting.node.data))
        database = OldDatabase(self.exporting.old)
        try:
            self.assertIsNone(database.build(build_id)["result_path"])
        finally:
            database.close()
        self.assertNotIn("note: a file cannot be exported", self.export(self.exporting.old, "--data", self.exporting.node.data))

    def test_tokens_are_fresh_unless_the_given_ones_are_wanted(self):
        self.exporting.start()
        answer = self.exporting.client.submit(b"source").json()
        self.exporting.stop()

        def token():
            database = OldDatabase(self.exporting.old)
            try:
                return database.build(answer["id"])["access_token"]
            finally:
                database.close()

        self.export(self.exporting.old, "--data", self.exporting.node.data)
        fresh = token()
        self.assertNotEqual(fresh, answer["access_token"])
        self.export(self.exporting.old, "--data", self.exporting.node.data)
        self.assertEqual(token(), fresh)
        self.assertIn("1 access tokens", self.export(self.exporting.old, "--data", self.exporting.node.data, "--keep-tokens"))
        self.assertEqual(token(), answer["access_token"])

    def test_tokens_of_another_file_are_taken_when_their_hash_fits(self):
        self.exporting.start()
        answers = [self.exporting.client.submit(b"source").json() for _ in range(2)]
        self.exporting.stop()
        other = os.path.join(self.directory, "other.db")
        database = sqlite3.connect(other)
        database.execute("CREATE TABLE builds (id TEXT PRIMARY KEY, access_token TEXT)")
        database.execute("INSERT INTO builds VALUES (?, ?), (?, ?)", (answers[0]["id"], answers[0]["access_token"], answers[1]["id"], "guessed"))
        database.commit()
        database.close()
        self.export(self.exporting.old, "--data", self.exporting.node.data, "--tokens-from", other)
        database = OldDatabase(self.exporting.old)
        self.addCleanup(database.close)
        self.assertEqual(database.build(answers[0]["id"])["access_token"], answers[0]["access_token"])
        self.assertNotIn(database.build(answers[1]["id"])["access_token"], ("guessed", answers[1]["access_token"]))

    def test_what_is_handed_over_is_the_old_controllers_alone(self):
        self.exporting.start()
        work(self.exporting, seed=25, steps=40)
        self.exporting.stop()
        self.export(self.exporting.old, "--data", self.exporting.node.data, "--hand-over")
        self.assertEqual(sorted(os.listdir(self.exporting.old)), ["builds", "certs", "controller.db", "results"])
        database = sqlite3.connect(os.path.join(self.exporting.old, "controller.db"))
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger')")}
        database.close()
        self.assertEqual(names, {*TABLES, "sqlite_sequence"})
        exercise(self.exporting.old)
        self.assertIn("holds files that no export of builds has made", self.export(self.exporting.old, "--data", self.exporting.node.data, code=1))

    def test_a_node_that_runs_and_data_that_are_not_there_are_said(self):
        self.exporting.start()
        cold = os.path.join(self.directory, "cold")
        self.assertIn("is in use by process", self.export(cold, "--data", self.exporting.node.data, code=1))
        self.assertIn("there is no log in", self.export(cold, "--data", os.path.join(self.directory, "nothing"), code=1))
        self.assertFalse(os.path.exists(os.path.join(self.directory, "nothing")))
        self.assertIn("there is no export in", self.export(cold, "--check", code=1))


if __name__ == "__main__":
    unittest.main()
