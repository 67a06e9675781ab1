"""Settings: flag over environment over file over default; what is wrong is refused by name; secrets are masked."""

import os
import subprocess
import sys
import tempfile
import unittest

from tidemark_process import clean_environment

BINARY = sys.argv.pop(1)
SOURCE = os.environ["TIDEMARK_SOURCE"]


def run(*arguments, environment=None, cwd=None):
    return subprocess.run([BINARY, *arguments], env=clean_environment(environment), cwd=cwd, capture_output=True, text=True,
                          timeout=60, check=False)


class Settings(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tidemark-settings-")
        self.addCleanup(self.folder.cleanup)

    def file(self, text):
        path = os.path.join(self.folder.name, "tidemark.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def line(self, output, name):
        lines = [line for line in output.splitlines() if line.startswith(name + " =") or line.startswith("# " + name + " is")]
        self.assertEqual(len(lines), 1, output)
        return lines[0]

    def refused(self, *arguments, mentions, environment=None):
        done = run("serve", "--data", os.path.join(self.folder.name, "data"), *arguments, environment=environment)
        self.assertEqual(done.returncode, 2, done.stderr)
        for word in mentions:
            self.assertIn(word, done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder.name, "data")), "a refused start leaves nothing behind")

    def test_a_default_is_shown_as_such(self):
        line = self.line(run("serve", "--print-config").stdout, "idempotency_window")
        self.assertIn('"24h"', line)
        self.assertTrue(line.endswith("# default"), line)

    def test_the_file_is_above_the_default(self):
        path = self.file('node_id = "from-file"\n[builds]\nattempts_max = 3\n')
        output = run("serve", "--config", path, "--print-config").stdout
        self.assertIn('"from-file"', self.line(output, "node_id"))
        self.assertIn("file " + path + " line 1", self.line(output, "node_id"))
        self.assertIn("attempts_max = 3", self.line(output, "attempts_max"))

    def test_the_environment_is_above_the_file(self):
        path = self.file('node_id = "from-file"\n')
        output = run("serve", "--config", path, "--print-config", environment={"TIDEMARK_NODE_ID": "from-env"}).stdout
        self.assertIn('"from-env"', self.line(output, "node_id"))
        self.assertIn("environment TIDEMARK_NODE_ID", self.line(output, "node_id"))

    def test_a_flag_is_above_the_environment(self):
        output = run("serve", "--node-id", "from-flag", "--print-config", environment={"TIDEMARK_NODE_ID": "from-env"}).stdout
        self.assertIn('"from-flag"', self.line(output, "node_id"))
        self.assertIn("flag --node-id", self.line(output, "node_id"))

    def test_the_file_may_be_named_by_the_environment(self):
        path = self.file('node_id = "from-file"\n')
        output = run("serve", "--print-config", environment={"TIDEMARK_CONFIG": path}).stdout
        self.assertIn('"from-file"', self.line(output, "node_id"))

    def test_a_secret_is_masked_wherever_it_comes_from(self):
        secret = "sesame-sesame-sesame"
        path = self.file(f'[builds]\napi_key = "{secret}"\n')
        for done in (run("serve", "--builds-api-key", secret, "--print-config"),
                     run("serve", "--print-config", environment={"TIDEMARK_BUILDS_API_KEY": secret}),
                     run("serve", "--print-config", "--config", path),
                     run("builds", "serve", "--print-config", environment={"CONTROLLER_API_KEY": secret})):
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn(secret, done.stdout + done.stderr)
            self.assertIn('"********"', self.line(done.stdout, "api_key"))

    def test_a_bad_secret_is_refused_without_showing_it(self):
        self.refused("--builds-api-key", "short-secret", mentions=["builds.api_key", "at least 16"])
        done = run("serve", "--builds-api-key", "short-secret")
        self.assertNotIn("short-secret", done.stderr)

    def test_the_printed_document_is_a_configuration_again(self):
        first = run("serve", "--node-id", "again", "--listen", "127.0.0.1:7001", "--listen", "builds=:7002", "--print-config").stdout
        second = run("serve", "--config", self.file(first), "--print-config").stdout
        strip = lambda text: [line.split("  #")[0].rstrip() for line in text.splitlines()]
        self.assertEqual(strip(first), strip(second))

    def test_bad_settings_of_outbound_calls_are_refused(self):
        self.refused("--outbound-allow", "10.0.0.0/99", mentions=["outbound_allow", "10.0.0.0/99", "network"])
        self.refused("--outbound-allow", "10.0.0.0/8", "--outbound-allow", "localhost", mentions=["outbound_allow", "localhost"])
        self.refused("--outbound-ca-file", "/no/such.pem", mentions=["outbound_ca_file", "/no/such.pem"])

    def test_an_unknown_name_in_the_file_is_refused(self):
        self.refused("--config", self.file("nodeid = 'x'\n"), mentions=["nodeid", "line 1", "known setting"])
        self.refused("--config", self.file("[builds]\nattempts = 4\n"), mentions=["builds.attempts", "line 2"])

    def test_a_value_of_another_type_is_refused(self):
        self.refused("--config", self.file("lanes = '12'\n"), mentions=["lanes", "an integer from 1 to 1024"])
        self.refused("--config", self.file("idempotency_window = 24\n"), mentions=["idempotency_window", "a duration"])

    def test_a_broken_or_missing_file_is_refused(self):
        self.refused("--config", self.file("lanes = \n"), mentions=["config", "TOML"])
        self.refused("--config", os.path.join(self.folder.name, "none.toml"), mentions=["config", "none.toml"])

    def test_a_bad_value_names_the_setting_and_what_was_expected(self):
        self.refused("--lanes", "0", mentions=["lanes", "flag --lanes", "1 to 1024", '"0"'])
        self.refused("--log-level", "loud", mentions=["log_level", "debug"])
        self.refused("--listen", "nowhere", mentions=["listen", "127.0.0.1:8080"])
        self.refused("--listen", "games=:3000", mentions=["listen", "surface"])
        self.refused("--log", "kafka://localhost", mentions=["log", "embedded", "kafka"])
        self.refused(mentions=["idempotency_window", "environment TIDEMARK_IDEMPOTENCY_WINDOW", "a duration"],
                     environment={"TIDEMARK_IDEMPOTENCY_WINDOW": "tomorrow"})

    def test_settings_that_contradict_each_other_are_refused(self):
        self.refused("--builds-worker-token", "30s", "--builds-worker-token-rotate", "30s",
                     mentions=["builds.worker_token_rotate", "less than"])
        self.refused("--builds-vm-token", "5h", mentions=["builds.vm_token_max", "at least"])

    def test_port_and_a_main_address_of_equal_force_are_refused(self):
        self.refused("--port", "7001", "--listen", "127.0.0.1:7002", mentions=["port", "not both"])

    def test_keys_inside_the_data_are_refused(self):
        data = os.path.join(self.folder.name, "data")
        done = run("serve", "--data", data, "--keys", data + "/keys")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("keys", done.stderr)
        self.assertIn("outside the data directory", done.stderr)

    def test_unknown_flags_and_commands_end_with_the_usage_code(self):
        self.assertEqual(run("serve", "--no-such-flag").returncode, 2)
        self.assertEqual(run("paint").returncode, 2)
        self.assertEqual(run().returncode, 2)

    def test_help_has_an_example_for_every_command(self):
        for command in (["serve"], ["topics"], ["topics", "list"], ["topics", "verify"], ["tail"], ["produce"], ["version"],
                        ["builds", "serve"]):
            done = run(*command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Example: tidemark", done.stdout, command)

    def test_version_is_printed(self):
        self.assertRegex(run("version").stdout, r"^tidemark \d+\.\d+\.\d+\n$")

    def test_the_old_command_line_means_the_builds_port(self):
        output = run("builds", "serve", "--storage", "/srv/builds", "--port", "3001", "--print-config",
                     environment={"BASE_IMAGE_ID": "registry.example/base:1"}).stdout
        self.assertIn('"/srv/builds"', self.line(output, "data"))
        self.assertIn("port = 3001", self.line(output, "port"))
        self.assertIn("environment BASE_IMAGE_ID", self.line(output, "base_image_id"))

    def test_every_setting_is_documented(self):
        with open(os.path.join(SOURCE, "docs", "configuration.md"), encoding="utf-8") as page:
            text = page.read()
        section = ""
        for line in run("serve", "--print-config").stdout.splitlines():
            if line.startswith("["):
                section = line.strip("[]") + "."
            name = line.removeprefix("# ").split(" ")[0]
            if name and not line.startswith("["):
                self.assertIn(f"`{section}{name}`", text, "docs/configuration.md")


if __name__ == "__main__":
    unittest.main()
