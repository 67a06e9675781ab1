"""`tidemark projections` against a real node: rebuilds beside live traffic, over a kill, and requests that do not fit."""

import os
import subprocess
import sys
import tempfile
import threading
import unittest

from tidemark_process import Node, clean_environment

BINARY = sys.argv.pop(1)
DEADLINE_S = 120

SUBMIT = {"platform": "ios",
          "source": {"sha256": "ab" * 32, "size": 7, "kind": "source", "declared_name": "app.zip", "declared_type": "application/zip"},
          "access_token_sha256": "cd" * 32, "token_key_id": "k1"}


class Projections(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidemark-projections-")
        self.addCleanup(folder.cleanup)
        self.node = Node(BINARY, folder.name)
        self.addCleanup(self.node.end)
        self.node.start()

    def projections(self, *arguments):
        return subprocess.run([BINARY, "projections", *arguments, "--server", f"http://127.0.0.1:{self.node.port}", "--data", self.node.data],
                              env=clean_environment(), capture_output=True, text=True, timeout=DEADLINE_S, check=False)

    def submit(self):
        answer = self.node.command("SubmitBuild", SUBMIT)
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def status(self, name):
        key = {"X-Operator-Key": self.node.read_key("operator.key")}
        return self.node.request("GET", "/projections/" + name, headers=key).json()

    def stream(self, answer):
        """Status of a read through builds.index that must show what `answer` wrote."""
        headers = {"X-Operator-Key": self.node.read_key("operator.key"), "Tidemark-At-Least": answer.headers["Tidemark-Position"]}
        return self.node.request("GET", "/streams/builds/" + answer.headers["Tidemark-Subject"], headers=headers)

    def directories(self, name):
        return sorted(one for one in os.listdir(os.path.join(self.node.data, "stores", "projections")) if one.startswith(name + "-v"))

    def test_rebuilds_go_on_beside_reads_and_writes(self):
        for _ in range(50):
            self.submit()
        failures, stop = [], threading.Event()

        def traffic():
            while not stop.is_set():
                answer = self.stream(self.submit())
                if answer.status != 200:
                    failures.append((answer.status, answer.body))

        thread = threading.Thread(target=traffic)
        thread.start()
        try:
            for _ in range(3):
                done = self.projections("rebuild", "builds.index", "--wait")
                self.assertEqual(done.returncode, 0, done.stderr)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.status("builds.index")["rebuild"], None)
        self.assertEqual(self.stream(self.submit()).status, 200)

    def test_a_kill_in_a_rebuild_leaves_a_node_that_answers_from_one_directory(self):
        written = [self.submit() for _ in range(20)]
        for _ in range(3):
            self.assertEqual(self.projections("rebuild", "builds.index").returncode, 0)
            self.node.kill()
            self.node.start()
            for answer in written:
                self.assertEqual(self.stream(answer).status, 200)
            self.assertEqual(len(self.directories("builds.index")), 1)

    def test_a_list_names_each_projection(self):
        listed = self.projections("list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("builds.index", listed.stdout)
        self.assertIn("following", listed.stdout)

    def test_what_does_not_fit_is_refused_with_a_sentence(self):
        for arguments in (["retry", "nobody"], ["rebuild", "nobody"],
                          ["skip", "builds.index", "--topic", "builds.ledger", "--lane", "0", "--event", "x", "--reason", "it is not stopped"],
                          ["skip", "builds.index", "--topic", "builds.ledger", "--lane", "0", "--event", "x", "--reason", "y" * 1001]):
            refused = self.projections(*arguments)
            self.assertEqual(refused.returncode, 1, arguments)
            self.assertTrue(refused.stderr.startswith("tidemark: status 4"), refused.stderr)
        self.assertEqual(self.projections("skip", "builds.index").returncode, 2)


if __name__ == "__main__":
    unittest.main()
