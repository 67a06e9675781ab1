"""The old controller's files beside a serving node: they follow it, whatever happens to either."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from exported import ExportingNode, OldDatabase, exercise, wait_for, work
from tidemark_process import clean_environment, free_port

BINARY = sys.argv.pop(1)


class WarmExport(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidemark-export-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.directory = folder.name

    def exporting(self, *flags):
        made = ExportingNode(BINARY, self.directory, *flags)
        self.addCleanup(made.end)
        return made

    def refused(self, *flags):
        """What a node says that does not start."""
        done = subprocess.run([BINARY, "serve", "--data", os.path.join(self.directory, "other"), "--port", str(free_port()), *flags], cwd=self.directory,
                              env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_it_shows_what_the_routes_show(self):
        exporting = self.exporting().start()
        work(exporting, seed=11, steps=150)
        exporting.caught_up()
        self.assertEqual(exporting.differences(), [])
        exercise(exporting.old)
        self.assertEqual(exporting.stop(), 0)
        database = OldDatabase(exporting.old)
        self.addCleanup(database.close)
        self.assertEqual(database.problems(settled=True), [])
        self.assertEqual(sorted(os.listdir(exporting.old)), ["builds", "certs", "controller.db", "results", "tidemark-export.lock"])

    def test_builds_that_time_out_have_failed(self):
        exporting = self.exporting("--builds-assigned-silence", "1s").start()
        exporting.client.register("w1")
        build_id = exporting.submit(b"source")
        self.assertEqual(exporting.poll("w1"), build_id)

        def timed_out():
            row = exporting.exported(build_id)
            return row and row["status"] == "failed" and row

        row = wait_for(timed_out, "the timeout is exported")
        self.assertIn("Build timeout - no heartbeat from worker for ", row["error_message"])
        exporting.caught_up()

    def test_the_files_are_no_part_of_the_blob_store(self):
        exporting = self.exporting().start()
        build_id = exporting.submit(b"the source")
        exporting.caught_up()
        # The old controller opens a file for writing where it is.
        with open(os.path.join(exporting.old, "builds", build_id + ".zip"), "wb") as file:
            file.write(b"something else")
        self.assertEqual(exporting.client.call("POST", f"/builds/{build_id}/retry").status, 200)
        exporting.client.register("w1")
        exporting.poll("w1")
        answer = exporting.client.call("GET", f"/builds/{build_id}/source", headers={"X-Worker-Id": "w1"})
        self.assertEqual((answer.status, answer.body), (200, b"the source"))

    def test_what_is_missing_of_the_tree_is_there_after_a_start(self):
        exporting = self.exporting().start()
        work(exporting, seed=12, steps=60)
        exporting.caught_up()
        exporting.stop()
        for folder in ("builds", "certs", "results"):
            for name in os.listdir(os.path.join(exporting.old, folder)):
                os.unlink(os.path.join(exporting.old, folder, name))
        with open(os.path.join(exporting.old, "builds", "stray.zip"), "wb") as file:
            file.write(b"nobody's")
        exporting.start()
        exporting.caught_up()
        self.assertEqual(exporting.differences(settled=True), [])

    def test_a_node_of_another_log_does_not_start_on_it(self):
        exporting = self.exporting().start()
        work(exporting, seed=13, steps=60)
        exporting.caught_up()
        exporting.stop()
        output = self.refused("--builds-export-dir", exporting.old)
        self.assertIn("setting builds.export_dir", output)
        self.assertRegex(output, r"made from the log [0-9a-f-]{36}, this is the log [0-9a-f-]{36}")
        exporting.start()
        exporting.caught_up()
        self.assertEqual(exporting.differences(settled=True), [])
        exporting.stop()
        shutil.rmtree(exporting.old)
        other = ExportingNode(BINARY, self.directory)
        self.addCleanup(other.end)
        other.node.data = os.path.join(self.directory, "other")
        other.node.keys = other.node.data + ".keys"
        other.start()
        work(other, seed=14, steps=30)
        other.caught_up()

    def test_a_directory_of_somebody_else_is_refused(self):
        there = os.path.join(self.directory, "there")
        os.mkdir(there)
        with open(os.path.join(there, "notes.txt"), "w", encoding="ascii") as file:
            file.write("mine")
        self.assertIn("holds files that no export of builds has made", self.refused("--builds-export-dir", there))
        os.unlink(os.path.join(there, "notes.txt"))
        database = sqlite3.connect(os.path.join(there, "controller.db"))
        database.execute("CREATE TABLE workers (id TEXT PRIMARY KEY)")
        database.commit()
        database.close()
        self.assertIn("setting builds.export_dir", self.refused("--builds-export-dir", there))

    def test_a_database_that_the_old_controller_writes_to_is_left_to_it(self):
        exporting = self.exporting().start()
        exporting.client.register("w1")
        exporting.submit(b"one")
        exporting.caught_up()
        old = sqlite3.connect(os.path.join(exporting.old, "controller.db"), timeout=30)
        old.execute("UPDATE workers SET status = 'idle', last_seen_at = last_seen_at + 1000 WHERE id = 'w1'")
        old.commit()
        exporting.submit(b"two")
        wait_for(lambda: exporting.metric("tidemark_export_ready") == 0, "the exporter says that it cannot go on")
        self.assertEqual(old.execute("SELECT count(*) FROM builds").fetchone(), (1,))
        old.close()
        self.assertEqual(exporting.client.call("GET", "/builds").status, 200)
        exporting.stop()
        self.assertIn("another program has written to the exported database", self.refused("--builds-export-dir", exporting.old))

    def test_a_disk_that_cannot_be_written_does_not_stop_the_node(self):
        blocked = os.path.join(self.directory, "old")
        with open(blocked, "w", encoding="ascii") as file:
            file.write("a file where the directory should be")
        exporting = self.exporting().start()
        exporting.submit(b"one")
        wait_for(lambda: exporting.metric("tidemark_export_ready") == 0, "the failure is shown")
        self.assertGreater(exporting.metric("tidemark_export_lag_events"), 0)
        os.unlink(blocked)
        exporting.caught_up()
        self.assertEqual(exporting.metric("tidemark_export_ready"), 1)
        self.assertIn("export for the old controller fails", exporting.node.log_text())

    def test_paths_begin_with_the_root_that_the_old_controller_sees(self):
        exporting = self.exporting("--builds-export-root", "/srv/first").start()
        build_id = exporting.submit(b"one")

        def path():
            row = exporting.exported(build_id)
            return row and row["source_path"]

        self.assertEqual(wait_for(path, "the build is exported"), f"/srv/first/builds/{build_id}.zip")
        exporting.stop()
        exporting.node.flags[-1] = "/srv/the second"
        exporting.start()
        wait_for(lambda: path() == f"/srv/the second/builds/{build_id}.zip", "the paths are moved")


if __name__ == "__main__":
    unittest.main()
