"""What the guide prints and what the README shows works when pasted."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from tidemark_process import Node, clean_environment

BINARY = sys.argv.pop(1)
SOURCE = os.environ["TIDEMARK_SOURCE"]


def shell(script, folder, environment=None):
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=clean_environment(environment),
                          capture_output=True, text=True, timeout=120, check=False)


class Guide(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tidemark guide ")  # a path that needs quotes
        self.addCleanup(self.folder.cleanup)
        self.node = Node(BINARY, self.folder.name, flags=["--guide"])
        self.addCleanup(self.node.end)

    def printed(self):
        """Standard output up to the end of the guide."""
        lines = []
        timer = threading.Timer(60, self.node.process.kill)
        timer.start()
        for line in self.node.process.stdout:
            lines.append(line.decode())
            if "Stop with" in lines[-1]:
                break
        timer.cancel()
        return "".join(lines)

    def test_the_guide_names_addresses_places_and_the_key(self):
        self.node.start()
        text = self.printed()
        self.assertIn(f"http://127.0.0.1:{self.node.port}", text)
        self.assertIn(self.node.data, text)
        self.assertIn(self.node.keys, text)
        self.assertIn(self.node.read_key("builds-api.key"), text)

    def test_its_three_commands_work_when_pasted(self):
        self.node.start()
        text = self.printed()
        commands = [line.strip() for line in text.split("Try:")[1].splitlines() if re.match(r"  \S", line)]
        self.assertEqual(len(commands), 3, text)
        submitted, listed, tailed = (shell(command, "/") for command in commands)
        self.assertRegex(submitted.stdout, r'^\{"id":"[^"]+","status":"pending"', submitted.stderr)
        build = re.match(r'\{"id":"([^"]+)"', submitted.stdout).group(1)
        self.assertIn(build, listed.stdout, listed.stderr)
        self.assertIn(build, tailed.stdout, tailed.stderr)

    def test_a_given_key_is_not_printed(self):
        self.node.environment = {"TIDEMARK_BUILDS_API_KEY": "an-api-key-of-the-operator"}
        self.node.start()
        self.assertNotIn("an-api-key-of-the-operator", self.printed())


class Readme(unittest.TestCase):
    def test_the_tour_works_as_written(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as page:
            tour = page.read().split("<!-- tour -->")[1].split("<!-- end of tour -->")[0]
        blocks = re.findall(r"```sh\n(.*?)```", tour, re.S)
        self.assertGreaterEqual(len(blocks), 4)
        with tempfile.TemporaryDirectory(prefix="tidemark-tour-") as folder:
            node = Node(BINARY, folder)
            self.addCleanup(node.end)
            node.start()
            # Pasted in the clone's folder: the program lies in build/release, the data and the keys beside it.
            os.makedirs(os.path.join(folder, "build", "release"))
            os.symlink(BINARY, os.path.join(folder, "build", "release", "tidemark"))
            script = "".join(blocks).replace("127.0.0.1:8080", f"127.0.0.1:{node.port}")
            done = shell(script, folder, {"TIDEMARK_SERVER": f"http://127.0.0.1:{node.port}"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn('"status":"completed"', done.stdout)
            self.assertIn("BuildCompleted", done.stdout)
            self.assertIn("the app", done.stdout)
            self.assertEqual(node.stop(signal.SIGTERM), 0)


if __name__ == "__main__":
    unittest.main()
