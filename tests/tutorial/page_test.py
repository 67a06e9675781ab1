"""The tutorial holds: the code it shows is the code that is compiled, its commands do what it says.

usage: page_test.py <tidemark binary with the lockers domain>
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "..", "docs", "tutorial-add-a-domain.md")
BINARY = sys.argv[1]


def blocks():
    """(language, rest of the info string, content) of each fenced block"""
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    for info, content in re.findall(r"^```(\S+[^\n]*)\n(.*?)^```$", text, re.M | re.S):
        language, _, rest = info.partition(" ")
        yield language, rest.strip(), content


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Page(unittest.TestCase):
    def test_code_is_an_excerpt_of_the_files(self):
        shown = [(path, content) for language, path, content in blocks() if language == "cpp"]
        self.assertGreater(len(shown), 10)
        for path, content in shown:
            with open(os.path.join(HERE, path), encoding="utf-8") as file:
                self.assertIn(content, file.read(), f"{path} differs from what the page shows")

    def test_commands_do_what_the_page_says(self):
        flags = next(content for language, _, content in blocks() if language == "sh").split()[2:]
        sessions = [content for language, _, content in blocks() if language == "console"]
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="tidemark-tutorial-") as folder:
            tools = os.path.join(folder, "bin")
            os.mkdir(tools)
            with open(os.path.join(tools, "tidemark"), "w", encoding="utf-8") as script:
                script.write(f"#!/bin/sh\nexec {shlex.quote(BINARY)} \"$@\"\n")
            os.chmod(os.path.join(tools, "tidemark"), 0o755)
            environment = dict(os.environ, PATH=tools + ":" + os.environ["PATH"], TIDEMARK_SERVER=f"http://127.0.0.1:{port}")
            node = subprocess.Popen([BINARY, "serve", "--port", str(port), *flags], cwd=folder, stderr=subprocess.DEVNULL)
            try:
                ready = ["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{port}/readyz"]
                deadline = time.monotonic() + 30
                while subprocess.run(ready, check=False).returncode != 0:
                    self.assertIsNone(node.poll(), "the node ended")
                    self.assertLess(time.monotonic(), deadline, "the node is not ready")
                    time.sleep(0.05)
                for session in sessions:
                    self.play(session.replace("127.0.0.1:8080", f"127.0.0.1:{port}"), folder, environment)
            finally:
                node.terminate()
                self.assertEqual(node.wait(30), 0)

    def play(self, session, folder, environment):
        steps = []
        for line in session.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
        for command, expected in steps:
            done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, timeout=60, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            pattern = "\n".join(".*".join(re.escape(part) for part in line.split("...")) for line in expected)
            self.assertRegex(done.stdout.rstrip("\n"), "^" + pattern + "$", command)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
