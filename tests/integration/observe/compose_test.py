"""ops/docker: what a reader can check without a Docker engine."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:  # an interpreter that is not Debian's: the package's module is plain Python
    sys.path.append("/usr/lib/python3/dist-packages")
    import yaml

BINARY = sys.argv.pop(1)
SOURCE = os.environ["TIDEMARK_SOURCE"]
FOLDER = os.path.join(SOURCE, "ops/docker")
sys.path.insert(0, os.path.join(SOURCE, "tests/support/process"))
from tidemark_process import clean_environment  # noqa: E402


class Strict(yaml.SafeLoader):
    """As Compose reads it: a member that is named twice is an error."""

    def construct_mapping(self, node, deep=False):
        names = [self.construct_object(name, deep=deep) for name, _ in node.value if name.tag != "tag:yaml.org,2002:merge"]
        if len(names) != len(set(names)):
            raise yaml.constructor.ConstructorError(None, None, f"named twice: {names}", node.start_mark)
        return super().construct_mapping(node, deep)


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False, env=clean_environment())
    return done.returncode, done.stdout + done.stderr


def option(command, name):
    return command[command.index(name) + 1]


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(FOLDER, "compose.yaml"), encoding="utf-8") as file:
            cls.file = yaml.load(file, Strict)
        cls.services = cls.file["services"]
        cls.nodes = {name: service for name, service in cls.services.items() if service.get("command", [""])[0] == "serve"}
        with open(os.path.join(FOLDER, "Dockerfile"), encoding="utf-8") as file:
            cls.dockerfile = file.read()

    def test_it_has_a_broker_two_nodes_and_prometheus_and_nothing_that_compose_does_not_know(self):
        self.assertEqual(set(self.services), {"kafka", "topics", "node-1", "node-2", "prometheus"})
        self.assertEqual(set(self.nodes), {"node-1", "node-2"})
        self.assertEqual(set(self.file) - {"x-node"}, {"name", "services", "volumes"})
        known = {"image", "build", "restart", "ports", "environment", "volumes", "healthcheck", "command", "depends_on", "stop_grace_period", "ulimits"}
        for name, service in self.services.items():
            self.assertLessEqual(set(service), known, name)
            self.assertRegex(service["image"], r"^(tidemark|[a-z]+/[a-z]+:v?\d+\.\d+\.\d+)$", "a version, not whatever is newest")

    def test_every_command_line_is_one_the_program_takes(self):
        commands = [service["command"] for service in self.services.values() if service["image"] == "tidemark"]
        commands.append(re.search(r"^CMD (\[.*\])$", self.dockerfile, re.M).group(1))
        self.assertEqual(len(commands), 4)
        for command in commands:
            command = yaml.safe_load(command) if isinstance(command, str) else command
            self.assertTrue(all(isinstance(word, str) for word in command), command)
            code, output = run(BINARY, *command, "--print-config")
            self.assertEqual(code, 0, (command, output))
        self.assertIn('ENTRYPOINT ["/usr/bin/tidemark"]', self.dockerfile)

    def test_the_broker_is_reached_where_it_says_it_is(self):
        broker = self.services["kafka"]
        self.assertTrue(broker["image"].startswith("apache/kafka:"))
        told = broker["environment"]
        self.assertTrue(all(isinstance(value, str) for value in told.values()), "numbers in quotes: Compose refuses others in an environment")
        advertised = dict(item.split("://") for item in told["KAFKA_ADVERTISED_LISTENERS"].split(","))
        listening = dict(item.split("://:") for item in told["KAFKA_LISTENERS"].split(","))
        for name, address in advertised.items():
            self.assertEqual(address.rsplit(":", 1)[1], listening[name])
        self.assertEqual(set(listening), set(dict(item.split(":") for item in told["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))))
        for name in ("topics", *self.nodes):
            self.assertEqual(option(self.services[name]["command"], "--log"), "kafka://" + advertised["INSIDE"])
        self.assertIn(advertised["INSIDE"], broker["healthcheck"]["test"])
        self.assertIn("127.0.0.1:" + ":".join([listening["OUTSIDE"]] * 2), broker["ports"])
        self.assertGreaterEqual(int(told["KAFKA_MESSAGE_MAX_BYTES"]), 4 << 20, "a record may have 4 MiB")

    def test_nodes_differ_in_name_and_data_and_share_the_keys(self):
        ids = [option(node["command"], "--node-id") for node in self.nodes.values()]
        self.assertEqual(sorted(ids), sorted(self.nodes))
        for name, node in self.nodes.items():
            self.assertEqual(option(node["command"], "--advertise-url"), f"http://{name}:" + option(node["command"], "--listen").rsplit(":", 1)[1])
        mounts = [dict(reversed(volume.split(":")[:2]) for volume in node["volumes"]) for node in self.nodes.values()]
        for node, mounted in zip(self.nodes.values(), mounts):
            for setting in ("--data", "--keys"):
                self.assertIn(option(node["command"], setting), mounted)
                self.assertIn(option(node["command"], setting), self.dockerfile)
        data, keys = ([mounted[option(node["command"], setting)] for node, mounted in zip(self.nodes.values(), mounts)] for setting in ("--data", "--keys"))
        self.assertEqual((len(set(data)), len(set(keys))), (2, 1))

    def test_services_wait_for_what_they_need_and_say_when_they_are_well(self):
        for name, service in self.services.items():
            for other, how in service.get("depends_on", {}).items():
                self.assertIn(how["condition"], ("service_healthy", "service_completed_successfully"))
                self.assertEqual(how["condition"] == "service_healthy", "healthcheck" in self.services[other], (name, other))
            if name != "topics":
                self.assertEqual(service["healthcheck"]["test"][0], "CMD")
                self.assertNotIn("localhost", " ".join(service["healthcheck"]["test"]), "it may mean ::1, where nobody listens")
        for node in self.nodes.values():
            port = option(node["command"], "--listen").rsplit(":", 1)[1]
            self.assertEqual(node["healthcheck"]["test"][-1], f"http://127.0.0.1:{port}/readyz")
            self.assertTrue(node["ports"][0].endswith(":" + port))
        self.assertIn("curl", self.dockerfile)

    def test_ports_are_published_once_and_to_this_machine_alone(self):
        published = [port for service in self.services.values() for port in service.get("ports", [])]
        hosts = []
        for port in published:
            address, host, _ = port.split(":")
            self.assertEqual(address, "127.0.0.1", port)
            hosts.append(host)
        self.assertEqual(len(hosts), len(set(hosts)))

    def test_volumes_and_files_that_are_mounted_exist(self):
        used = set()
        for service in self.services.values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue(os.path.isfile(os.path.join(FOLDER, source)), source)
                else:
                    used.add(source)
            if "build" in service:
                context = os.path.normpath(os.path.join(FOLDER, service["build"]["context"]))
                self.assertTrue(os.path.isfile(os.path.join(context, service["build"]["dockerfile"])))
        self.assertEqual(used, set(self.file["volumes"]))

    def test_prometheus_scrapes_both_nodes_and_knows_the_alerts(self):
        with open(os.path.join(FOLDER, "prometheus.yml"), encoding="utf-8") as file:
            text = file.read()
        targets = [target for job in yaml.safe_load(text)["scrape_configs"] for config in job["static_configs"] for target in config["targets"]]
        self.assertEqual(sorted(targets), sorted(name + ":" + option(node["command"], "--metrics-listen").rsplit(":", 1)[1] for name, node in self.nodes.items()))
        with tempfile.TemporaryDirectory(prefix="tidemark-compose-") as folder:
            for name, content in (("prometheus.yml", text), ("alerts.yml", open(os.path.join(SOURCE, "ops/prometheus/alerts.yml"), encoding="utf-8").read())):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(content)
            code, output = run("promtool", "check", "config", "prometheus.yml", cwd=folder)
            self.assertEqual(code, 0, output)


class Image(unittest.TestCase):
    def test_it_has_the_libraries_that_the_program_wants(self):
        """By the packages of this machine, which is a Debian 12 too."""
        with open(os.path.join(FOLDER, "Dockerfile"), encoding="utf-8") as file:
            text = file.read()
        installed = set(text.split("FROM debian:12-slim\n")[1].split("--no-install-recommends")[1].split("&&")[0].replace("\\", " ").split())
        code, output = run("objdump", "-p", BINARY)
        self.assertEqual(code, 0, output)
        _, places = run("ldd", BINARY)
        owners = {}
        for library in re.findall(r"NEEDED\s+(\S+)", output):
            found = re.search(rf"^\s*{re.escape(library)} => (\S+)", places, re.M)
            self.assertTrue(found, library)
            for path in (found.group(1), os.path.realpath(found.group(1)), os.path.realpath(found.group(1)).removeprefix("/usr")):
                code, owner = run("dpkg", "-S", path)
                if code == 0:
                    owners[library] = owner.split(":")[0]
                    break
            self.assertIn(library, owners)
        self.assertGreater(len(owners), 10)
        # Those that every Debian has.
        self.assertEqual(set(owners.values()) - installed - {"libc6", "libgcc-s1", "zlib1g"}, set())

    def test_it_is_built_by_the_presets_that_are_there(self):
        with open(os.path.join(FOLDER, "Dockerfile"), encoding="utf-8") as file:
            preset = re.search(r"cmake --preset (\w+)", file.read()).group(1)
        code, output = run("cmake", "--list-presets", cwd=SOURCE)
        self.assertEqual(code, 0, output)
        self.assertIn(f'"{preset}"', output)


if __name__ == "__main__":
    unittest.main()
