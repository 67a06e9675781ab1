"""`tidemark keys` over the ring of a real node."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest

from tidemark_process import Node, clean_environment

BINARY = sys.argv[1]


class Keys(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.node = Node(BINARY, self.directory.name)

    def tearDown(self):
        self.node.end()
        self.directory.cleanup()

    def keys(self, *arguments):
        return subprocess.run([BINARY, "keys", *arguments, "--data", self.node.data], env=clean_environment(),
                              capture_output=True, text=True, timeout=60)

    def ring(self):
        with open(os.path.join(self.node.keys, "ring.json"), encoding="ascii") as ring:
            return json.load(ring)

    def test_without_a_ring_every_command_says_so(self):
        for command in (["list"], ["rotate"], ["jwks"], ["destroy", "mac-1"], ["destroy-subject", "somebody"]):
            done = self.keys(*command)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn("ring", done.stderr + done.stdout, command)
        self.assertFalse(os.path.exists(self.node.keys), "nothing was made")

    def test_a_ring_is_listed_without_its_secrets(self):
        self.node.start()
        listed = self.keys("list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for key in self.ring()["keys"]:
            self.assertIn(key["id"], listed.stdout)
            self.assertNotIn(key["bytes"], listed.stdout)
        self.assertEqual(listed.stdout.count("current"), 2)
        self.assertFalse(os.path.exists(os.path.join(self.node.keys, "subject-keys")), "listing makes nothing")

    def test_a_rotated_key_is_used_from_the_next_start_and_the_one_before_stays_valid(self):
        self.node.start()
        before = self.ring()["keys"]
        rotated = self.keys("rotate", "--purpose", "mac")
        self.assertEqual(rotated.returncode, 0, rotated.stderr)
        made = rotated.stdout.splitlines()[0]
        after = self.ring()["keys"]
        self.assertEqual(after[:-1], before)
        self.assertEqual((after[-1]["id"], after[-1]["purpose"]), (made, "mac"))
        path = os.path.join(self.node.keys, "ring.json")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(self.node.request("GET", "/readyz").status, 200, "the running node goes on")
        self.assertEqual(self.node.stop(), 0)
        self.node.start()
        self.assertRegex(self.keys("list").stdout, made + r" +mac .* current")

    def test_a_current_key_is_not_destroyed_and_an_older_one_is_for_good(self):
        self.node.start()
        old = self.ring()["keys"][0]
        refused = self.keys("destroy", old["id"])
        self.assertEqual(refused.returncode, 1)
        self.assertIn("rotate", refused.stderr)
        self.keys("rotate", "--purpose", "mac")
        destroyed = self.keys("destroy", old["id"])
        self.assertEqual(destroyed.returncode, 0, destroyed.stderr)
        with open(os.path.join(self.node.keys, "ring.json"), encoding="ascii") as ring:
            self.assertNotIn(old["bytes"], ring.read())
        self.assertRegex(self.keys("list").stdout, old["id"] + r" .*destroyed")
        again = self.keys("destroy", old["id"])
        self.assertEqual(again.returncode, 1)
        self.assertEqual(self.keys("destroy", "mac-none").returncode, 1)
        self.assertEqual(self.node.stop(), 0)
        self.node.start()

    def test_public_signing_keys_are_printed(self):
        self.node.start()
        self.assertEqual(json.loads(self.keys("jwks").stdout), {"keys": []})
        made = self.keys("rotate", "--purpose", "sign").stdout.splitlines()[0]
        [key] = json.loads(self.keys("jwks").stdout)["keys"]
        self.assertEqual((key["kid"], key["kty"], key["crv"], key["alg"]), (made, "EC", "P-256", "ES256"))
        self.assertEqual(set(key), {"kid", "kty", "crv", "alg", "use", "x", "y"})

    def test_bad_usage_is_told_apart(self):
        self.node.start()
        self.assertEqual(self.keys("rotate", "--purpose", "poetry").returncode, 2)
        self.assertEqual(self.keys("destroy").returncode, 2)
        self.assertEqual(self.keys("destroy-subject").returncode, 2)
        nobody = self.keys("destroy-subject", "nobody")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("no key", nobody.stderr)

    def test_writers_at_once_lose_no_key(self):
        self.node.start()
        running = [subprocess.Popen([BINARY, "keys", "rotate", "--purpose", purpose, "--data", self.node.data],
                                    env=clean_environment(), stdout=subprocess.PIPE, text=True)
                   for purpose in ("mac", "wrap", "sign") * 3]
        made = [process.communicate(timeout=60)[0].splitlines()[0] for process in running]
        ids = [key["id"] for key in self.ring()["keys"]]
        self.assertEqual(len(ids), 2 + len(made))
        self.assertLessEqual(set(made), set(ids))
        self.assertEqual([name for name in os.listdir(self.node.keys) if name.endswith(".new")], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
