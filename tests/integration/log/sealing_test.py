"""A real node with small segments: they are sealed behind its back, old activity is cut, damage is named."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

from tidemark_process import BuildsClient, Node, clean_environment

BINARY = sys.argv.pop(1)
FLAGS = ["--log-segment-bytes", "65536", "--retention", "builds.activity=1s", "--lanes", "3"]
DEADLINE_S = 60.0


class Sealing(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tidemark-sealing-")
        self.addCleanup(self.folder.cleanup)
        self.node = Node(BINARY, self.folder.name, FLAGS)
        self.addCleanup(self.node.end)
        self.log = os.path.join(self.node.data, "log")

    def files(self, suffix):
        return sorted(name for name in os.listdir(self.log) if name.endswith(suffix))

    def load(self, builds):
        """Builds that are submitted, given to a worker, heard of, and finished."""
        client = BuildsClient(self.node)
        try:
            self.assertEqual(client.register("w1").status, 200)
            for _ in range(builds):
                self.assertEqual(client.submit().status, 200)
                build = client.poll("w1").json()["job"]["id"]
                self.assertEqual(client.heartbeat(build, "w1").status, 200)
                self.assertEqual(client.log(build, "w1", "m" * 1000).status, 200)
                self.assertEqual(client.upload(build, "w1", b"result").status, 200)
        finally:
            client.close()

    def load_until(self, what):
        deadline = time.monotonic() + DEADLINE_S
        while not what():
            self.assertLess(time.monotonic(), deadline, self.node.log_text()[-3000:])
            self.load(5)

    def operator(self, path):
        answer = self.node.request("GET", path, headers={"Authorization": "Bearer " + self.node.read_key("operator.key")})
        return answer

    def topics(self):
        return {topic["name"]: topic for topic in self.operator("/topics").json()["topics"]}

    def records(self, topic):
        """Every record of a topic from its begin, by lane."""
        out = []
        for lane, ends in enumerate(self.topics()[topic]["lanes"]):
            at, found = ends["begin"], []
            while at < ends["end"]:
                answer = self.operator(f"/topics/{topic}/lanes/{lane}/records?from={at}&limit=1000")
                self.assertEqual(answer.status, 200, answer.body)
                found += [json.loads(line)["id"] for line in answer.body.splitlines()]
                at = int(answer.headers["Tidemark-Next"])
            out.append(found)
        return out

    def verify(self):
        return subprocess.run([BINARY, "topics", "verify", "--data", self.node.data], env=clean_environment(), capture_output=True, text=True,
                              timeout=120, check=False)

    def test_segments_are_sealed_and_everything_is_still_there(self):
        self.node.start()
        self.load_until(lambda: len(self.files(".fact.sealed")) >= 2)
        self.assertNotIn("0000000001.journal", self.files(".journal"))
        self.assertIn("log file sealed", self.node.log_text())
        before = self.records("builds.ledger")
        self.assertEqual(self.node.stop(), 0, self.node.log_text()[-3000:])
        self.node.start()
        after = self.records("builds.ledger")
        for lane, ids in enumerate(before):
            self.assertEqual(ids, after[lane][:len(ids)], f"lane {lane}")
        self.load(2)
        self.assertEqual(self.node.stop(), 0)
        whole = self.verify()
        self.assertEqual(whole.returncode, 0, whole.stdout + whole.stderr)
        self.assertRegex(whole.stdout, r"[1-9]\d* sealed files, .*: whole")

    def test_old_activity_is_cut_and_the_read_models_survive_a_rebuild(self):
        self.node.start()
        self.load_until(lambda: any(lane["begin"] > 0 for lane in self.topics()["builds.activity"]["lanes"]))
        topics = self.topics()
        lane = next(n for n, ends in enumerate(topics["builds.activity"]["lanes"]) if ends["begin"] > 0)
        self.assertEqual(topics["builds.activity"]["retention_ms"], 1000)
        self.assertTrue(all(ends["begin"] == 0 for ends in topics["builds.ledger"]["lanes"]))
        answer = self.operator(f"/topics/builds.activity/lanes/{lane}/records?from=0")
        self.assertEqual(answer.status, 410, answer.body)
        listed = subprocess.run([BINARY, "topics", "list", "--server", f"http://127.0.0.1:{self.node.port}", "--keys", self.node.keys],
                                env=clean_environment(), capture_output=True, text=True, timeout=60, check=True).stdout
        row = next(line for line in listed.splitlines() if line.startswith("builds.activity "))
        begin = int(re.search(rf"\b{lane}:(\d+)\.\.", row)[1])
        self.assertGreaterEqual(begin, topics["builds.activity"]["lanes"][lane]["begin"], "it may have been cut further meanwhile")
        client = BuildsClient(self.node)
        builds = client.call("GET", "/builds").json()
        client.close()
        self.assertEqual(self.node.stop(), 0)
        subprocess.run(["rm", "-r", os.path.join(self.node.data, "stores")], check=True)
        self.node.start()
        client = BuildsClient(self.node)
        self.assertEqual(client.call("GET", "/builds").json(), builds)
        client.close()

    def test_damage_to_a_sealed_file_is_named_and_a_lost_one_refused(self):
        self.node.start()
        self.load_until(lambda: len(self.files(".fact.sealed")) >= 1)
        self.assertEqual(self.node.stop(), 0)
        name = self.files(".fact.sealed")[0]
        path = os.path.join(self.log, name)
        with open(path, "rb") as file:
            content = file.read()
        middle = len(content) // 2
        with open(path, "wb") as file:
            file.write(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:])
        damaged = self.verify()
        self.assertEqual(damaged.returncode, 1)
        self.assertRegex(damaged.stdout, f"DAMAGE: file {name} offset \\d+: ")
        os.remove(path)
        refused = subprocess.run([BINARY, "serve", "--data", self.node.data, "--port", str(self.node.port), *FLAGS], env=clean_environment(),
                                 capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"file {name} offset 0: the file is missing", refused.stderr)
        with open(path, "wb") as file:
            file.write(content)
        self.node.start()

    def test_a_retention_that_no_topic_can_have_is_refused(self):
        for setting, why in (("builds.ledger=1h", "ephemeral"), ("nosuch.topic=1h", "nosuch.topic"), ("builds.decisions=1h/1000", "by age only"),
                             ("builds.decisions=1h", "idempotency_window"), ("builds.activity", "<topic>=<age>")):
            refused = subprocess.run([BINARY, "serve", "--data", self.node.data, "--port", str(self.node.port), "--retention", setting],
                                     env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(refused.returncode, 2, setting + refused.stderr)
            self.assertIn(why, refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
