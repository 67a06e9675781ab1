"""ops/ as code: the unit file, the scrape and alert rules, the dashboard."""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv.pop(1)
SOURCE = os.environ["TIDEMARK_SOURCE"]


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


class UnitFile(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidemark-unit-")
        self.addCleanup(folder.cleanup)
        with open(os.path.join(SOURCE, "ops/systemd/tidemark.service"), encoding="utf-8") as file:
            self.text = file.read()
        self.unit = os.path.join(folder.name, "tidemark.service")
        with open(self.unit, "w", encoding="utf-8") as file:
            file.write(self.text.replace("/usr/bin/tidemark", BINARY))

    def test_systemd_has_nothing_to_say_about_it(self):
        self.assertEqual(run("systemd-analyze", "verify", "--man=no", self.unit), (0, ""))

    def test_it_leaves_the_node_little_to_reach(self):
        code, output = run("systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", self.unit)
        self.assertEqual(code, 0, output)

    def test_its_command_line_is_one_the_program_takes(self):
        command = re.search(r"^ExecStart=/usr/bin/tidemark (.*)$", self.text, re.M).group(1).split()
        self.assertEqual(command[0], "serve")
        command[command.index("--config") + 1] = os.devnull
        code, output = run(BINARY, *command, "--print-config")
        self.assertEqual(code, 0, output)


class UnitOfANodeOnKafka(unittest.TestCase):
    """The same unit with the drop-in beside it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidemark-unit-")
        self.addCleanup(folder.cleanup)
        with open(os.path.join(SOURCE, "ops/systemd/tidemark.service"), encoding="utf-8") as file:
            unit = file.read().replace("/usr/bin/tidemark", BINARY)
        with open(os.path.join(SOURCE, "ops/systemd/tidemark.service.d/kafka.conf"), encoding="utf-8") as file:
            self.text = file.read()
        self.unit = os.path.join(folder.name, "tidemark.service")
        self.drop_in = os.path.join(folder.name, "tidemark.service.d", "kafka.conf")
        os.mkdir(os.path.dirname(self.drop_in))
        with open(self.unit, "w", encoding="utf-8") as file:
            file.write(unit)
        self.write(self.text)

    def write(self, text):
        with open(self.drop_in, "w", encoding="utf-8") as file:
            file.write(text)

    def test_systemd_has_nothing_to_say_about_it_with_and_without_a_password(self):
        self.assertEqual(run("systemd-analyze", "verify", "--man=no", self.unit), (0, ""))
        self.assertIn("\n#LoadCredential=", self.text)
        self.write(self.text.replace("#LoadCredential=", "LoadCredential="))
        self.assertEqual(run("systemd-analyze", "verify", "--man=no", self.unit), (0, ""))
        # That it is read at all.
        self.write(self.text + "NoSuchSetting=yes\n")
        self.assertIn("NoSuchSetting", run("systemd-analyze", "verify", "--man=no", self.unit)[1])

    def test_it_names_the_password_as_the_program_takes_it(self):
        name = re.search(r"#LoadCredential=([a-z.]+):", self.text).group(1)
        setting = re.search(r'kafka_property = \["(.*)"\]', self.text).group(1)
        self.assertEqual(setting, "sasl.password=file:/run/credentials/tidemark.service/" + name)
        code, output = run(BINARY, "serve", "--log", "kafka://127.0.0.1:9092", "--kafka-property", setting, "--print-config")
        self.assertEqual(code, 0, output)


class Prometheus(unittest.TestCase):
    folder = os.path.join(SOURCE, "ops/prometheus")

    def test_the_scrape_configuration_and_the_rules_are_valid(self):
        code, output = run("promtool", "check", "config", "prometheus.yml", cwd=self.folder)
        self.assertEqual(code, 0, output)

    def test_the_alerts_fire_when_they_should_and_only_then(self):
        code, output = run("promtool", "test", "rules", "alerts_test.yml", cwd=self.folder)
        self.assertEqual(code, 0, output)

    def test_every_alert_is_tested_and_has_a_place_in_the_runbook(self):
        with open(os.path.join(self.folder, "alerts.yml"), encoding="utf-8") as file:
            alerts = re.findall(r"- alert: (\w+)", file.read())
        with open(os.path.join(self.folder, "alerts_test.yml"), encoding="utf-8") as file:
            tests = file.read()
        with open(os.path.join(SOURCE, "docs/operations.md"), encoding="utf-8") as file:
            runbook = file.read()
        self.assertGreater(len(alerts), 10)
        for alert in alerts:
            self.assertRegex(tests, rf"alertname: {alert}\n\s+exp_alerts:\n")
            self.assertIn(f"`{alert}`", runbook)


class Documents(unittest.TestCase):
    def test_every_problem_of_the_platform_says_what_to_do(self):
        with open(os.path.join(SOURCE, "docs/http.md"), encoding="utf-8") as file:
            documented = set(re.findall(r"`/problems/([a-z-]+)`", file.read()))
        used = set()
        for path in glob.glob(os.path.join(SOURCE, "core/api/*.cpp")):
            with open(path, encoding="utf-8") as file:
                used |= set(re.findall(r'\bproblem\([^;"]*"([a-z][a-z-]*)"', file.read()))
        self.assertGreater(len(used), 20)
        self.assertEqual(used - documented, set())


class Dashboard(unittest.TestCase):
    def test_it_is_what_its_script_writes(self):
        code, written = run(sys.executable, "-B", os.path.join(SOURCE, "ops/grafana/dashboard.py"))
        self.assertEqual(code, 0, written)
        with open(os.path.join(SOURCE, "ops/grafana/tidemark.json"), encoding="utf-8") as file:
            self.assertEqual(written, file.read(), "run ops/grafana/dashboard.py > ops/grafana/tidemark.json")
        panels = json.loads(written)["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        for panel in panels:
            self.assertLessEqual(panel["gridPos"]["x"] + panel["gridPos"]["w"], 24)


if __name__ == "__main__":
    unittest.main()
