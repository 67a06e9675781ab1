"""kill -9 of a node that exports, at any moment: what lies there is always a whole database, and the next run goes on from it."""

import os
import random
import sys
import tempfile
import threading
import time
import unittest

from exported import ExportingNode, OldDatabase, exercise, work

BINARY = sys.argv.pop(1)
ROUNDS = int(os.environ.get("EXPORT_KILL_ROUNDS", "12"))
SEED = int(os.environ.get("EXPORT_KILL_SEED", str(random.randrange(1 << 30))))


class ExportKill(unittest.TestCase):
    def test_it_survives(self):
        print(f"seed {SEED}", flush=True)
        rng = random.Random(SEED)
        with tempfile.TemporaryDirectory(prefix="tidemark-export-kill-", ignore_cleanup_errors=True) as directory:
            exporting = ExportingNode(BINARY, directory)
            self.addCleanup(exporting.end)
            for number in range(ROUNDS):
                exporting.start()
                killer = threading.Timer(rng.uniform(0.0, 1.5), exporting.node.process.kill)
                killer.start()
                try:
                    work(exporting, seed=rng.randrange(1 << 30), steps=400)
                except (OSError, AssertionError):
                    pass  # it is gone
                killer.join()
                exporting.node.process.wait(60)
                exporting.end()
                # Whatever was answered last may be in the log or not; the files must be of one moment all the same.
                if os.path.exists(os.path.join(exporting.old, "controller.db")) and os.path.getsize(os.path.join(exporting.old, "controller.db")) > 0:
                    self.check_whole(exporting, number)
            exporting.builds.clear()
            exporting.samples.clear()  # what the last answers of a killed node have promised is not known
            exporting.start()
            work(exporting, seed=rng.randrange(1 << 30), steps=30)
            exporting.caught_up()
            self.assertEqual(exporting.differences(), [])
            exporting.stop()
            database = OldDatabase(exporting.old)
            self.addCleanup(database.close)
            self.assertEqual(database.problems(settled=True), [])

    def check_whole(self, exporting, number):
        database = OldDatabase(exporting.old)
        try:
            tables = [row[0] for row in database.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            if not tables:
                return  # killed before the first transaction
            self.assertEqual(database.problems(), [], f"round {number}")
        finally:
            database.close()
        exercise(exporting.old)


if __name__ == "__main__":
    started = time.monotonic()
    unittest.main(exit=False, argv=sys.argv[:1]).result.wasSuccessful() or sys.exit(1)
    print(f"{time.monotonic() - started:.1f} s")
