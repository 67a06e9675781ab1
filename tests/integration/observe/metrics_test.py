"""/metrics of a real node: who may read it, that it is what Prometheus expects, and that it tells what happened."""

import http.client
import json
import os
import re
import sys
import tempfile
import time
import unittest

import exposition
from tidemark_process import BuildsClient, Node, free_port

BINARY = sys.argv.pop(1)
SOURCE = os.environ["TIDEMARK_SOURCE"]
WAIT_S = 30.0

# Every label and the values it may have: small sets, never an id.
NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
STORE = re.compile(r"(state|projections)/[a-z0-9_./-]{1,80}")
ROUTE = re.compile(r"unmatched|/(:?[A-Za-z0-9_.$-]+(/:?[A-Za-z0-9_.$-]+)*)?")
LABELS = {
    "surface": NAME, "domain": NAME, "topic": NAME, "projection": NAME, "export": NAME, "store": STORE, "route": ROUTE,
    "method": re.compile("GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|any"), "status": re.compile("[1-5]xx"),
    "verdict": re.compile("accepted|nothing|refused|version_conflict|key_reused|replayed|failed"),
    "became": re.compile("decided|repeated|moved|dead"), "outcome": NAME, "result": NAME, "state": NAME, "files": NAME,
    "version": re.compile(r"\d+\.\d+\.\d+"), "le": re.compile(r"\d+(\.\d+)?(e-\d+)?|\+Inf"),
}
GAUGE_UNITS = ("_bytes", "_events", "_seconds", "_records", "_commands", "_lanes", "_connections", "_fds", "_ready", "_info",
               "_in_flight", "_pending", "_builds", "_streams", "_sockets")


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tidemark-metrics-")
        cls.port = free_port()
        cls.node = Node(BINARY, cls.folder.name, ["--metrics-listen", f"127.0.0.1:{cls.port}"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.node.end()
        cls.folder.cleanup()

    def ask(self, path="/metrics", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def scrape(self):
        status, headers, text = self.ask()
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return exposition.parse(text)

    def traffic(self):
        """A build from submission to result, and what refuses, repeats and misses."""
        client = BuildsClient(self.node)
        try:
            worker = "worker-of-metrics"
            self.assertEqual(client.register(worker).status, 200)
            key = "key-" + os.urandom(4).hex()
            build = client.submit(idempotency_key=key).json()["id"]
            self.assertEqual(client.submit(idempotency_key=key).json()["id"], build)
            self.assertEqual(client.poll(worker).status, 200)
            self.assertEqual(client.upload(build, worker, b"the result").status, 200)
            self.assertEqual(client.cancel("no-such-build").status, 404)
            self.assertEqual(client.call("GET", "/no/such/route").status, 404)
            return build, worker
        finally:
            client.close()

    def test_the_main_port_wants_the_operator_key_and_the_own_listener_none(self):
        self.assertEqual(self.node.request("GET", "/metrics").status, 401)
        self.assertEqual(self.node.request("GET", "/metrics", headers={"X-Operator-Key": "x" * 40}).status, 403)
        answer = self.node.request("GET", "/metrics", headers={"Authorization": "Bearer " + self.node.read_key("operator.key")})
        self.assertEqual(answer.status, 200)
        exposition.parse(answer.body.decode())
        self.assertEqual(self.ask()[0], 200)

    def test_the_own_listener_serves_nothing_else_and_is_not_on_the_main_port(self):
        key = {"X-Operator-Key": self.node.read_key("operator.key")}
        for path in ("/", "/topics", "/livez", "/builds/api/builds", "/commands/builds/CancelBuild", "/metrics/metrics"):
            self.assertEqual(self.ask(path, key)[0], 404, path)
        self.assertEqual(self.node.request("GET", "/metrics/metrics", headers=key).status, 404)

    def test_an_open_node_needs_no_key(self):
        with tempfile.TemporaryDirectory(prefix="tidemark-metrics-open-") as folder:
            node = Node(BINARY, folder, ["--metrics-open"])
            try:
                node.start()
                self.assertEqual(node.request("GET", "/metrics").status, 200)
            finally:
                node.end()

    def test_names_units_kinds_help_and_labels_follow_the_conventions(self):
        build, worker = self.traffic()
        for name, family in self.scrape().items():
            with self.subTest(name):
                self.assertRegex(name, r"^(tidemark|process)_[a-z_]+$")
                self.assertGreater(len(family.help), 5)
                self.assertEqual(name.endswith("_total"), family.kind == "counter")
                if family.kind == "gauge":
                    self.assertTrue(name.endswith(GAUGE_UNITS), name)
                if family.kind == "histogram":
                    self.assertTrue(name.endswith(("_seconds", "_commands", "_appends", "_bytes", "_events")), name)
                    self.check_histogram(family)
                self.assertTrue(family.samples)
                self.assertLess(len(family.samples), 5000)
                self.assertEqual(len({frozenset(labels) - {"le"} for _, labels, _ in family.samples}), 1, "one set of labels")
                for _, labels, _ in family.samples:
                    for label, value in labels.items():
                        self.assertRegex(value, "^(?:" + LABELS[label].pattern + ")$", label)
                        self.assertNotIn(build, value)
                        self.assertNotIn(worker, value)

    def check_histogram(self, family):
        series = {}
        for name, labels, value in family.samples:
            key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
            series.setdefault(key, {})[(name, labels.get("le"))] = value
        for samples in series.values():
            buckets = [v for (name, _), v in samples.items() if name.endswith("_bucket")]
            self.assertEqual(buckets, sorted(buckets), "buckets are cumulative")
            self.assertEqual(samples[(family.name + "_bucket", "+Inf")], samples[(family.name + "_count", None)])

    def test_what_happened_is_counted(self):
        before = self.scrape()
        self.traffic()
        after = self.scrape()

        def grew(name, suffix="", **labels):
            return after[name].value(suffix, **labels) - before[name].value(suffix, **labels)

        submit = {"surface": "builds", "route": "/api/builds/submit", "method": "POST"}
        self.assertEqual(grew("tidemark_http_requests_total", status="2xx", **submit), 2)
        self.assertEqual(grew("tidemark_http_request_seconds", "_count", **submit), 2)
        self.assertEqual(grew("tidemark_http_requests_total", surface="builds", route="unmatched", status="4xx"), 1)
        self.assertGreaterEqual(grew("tidemark_lane_commands_total", domain="builds", verdict="accepted"), 4)
        self.assertEqual(grew("tidemark_lane_commands_total", domain="builds", verdict="replayed"), 1)
        self.assertEqual(grew("tidemark_lane_commands_total", domain="builds", verdict="refused"), 1)
        self.assertEqual(grew("tidemark_lane_commands_total", verdict="failed"), 0)
        for name in ("tidemark_log_commits_total", "tidemark_log_records_total", "tidemark_log_written_bytes_total",
                     "tidemark_http_received_bytes_total", "tidemark_http_sent_bytes_total", "tidemark_blob_stored_total",
                     "tidemark_blob_stored_bytes_total", "tidemark_store_written_bytes_total", "tidemark_projection_applied_events_total"):
            self.assertGreater(grew(name), 0, name)
        for name in ("tidemark_log_sync_seconds", "tidemark_log_commit_seconds", "tidemark_log_commit_appends", "tidemark_lane_append_seconds",
                     "tidemark_lane_decide_seconds", "tidemark_lane_batch_commands", "tidemark_store_write_seconds",
                     "tidemark_projection_apply_seconds"):
            self.assertGreater(grew(name, "_count"), 0, name)
            self.assertGreater(grew(name, "_sum"), 0, name)
        self.assertGreater(grew("tidemark_log_end_records", topic="builds.ledger"), 0)
        self.assertEqual(after["tidemark_node_ready"].value(), 1)
        self.assertEqual(after["tidemark_lane_queue_commands"].value(), 0)
        self.assertEqual(after["tidemark_build_info"].value(), 1)
        self.assertGreater(after["process_resident_memory_bytes"].value(), 1 << 20)
        self.assertLess(abs(after["process_start_time_seconds"].value() - time.time()), 3600)
        for name in ("tidemark_blob_damaged_total", "tidemark_log_refused_appends_total", "tidemark_projection_faults_total"):
            self.assertEqual(after[name].value(), 0, name)

    def test_the_builds_surface_shows_what_is_its_own_and_asks_for_no_key(self):
        before = exposition.parse(self.node.request("GET", "/builds/metrics").body.decode())
        build, worker = self.traffic()
        answer = self.node.request("GET", "/builds/metrics")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        text = answer.body.decode()
        self.assertNotIn(build, text)
        self.assertNotIn(worker, text)
        after = exposition.parse(text)
        grew = [f["tidemark_builds_assignment_seconds"].value("_count") for f in (before, after)]
        self.assertEqual(grew[1] - grew[0], 1)
        self.assertEqual(after["tidemark_builds_queue_builds"].value(state="pending"), 0)
        self.assertEqual(after["tidemark_builds_timeouts_total"].value(), 0)
        for name in ("tidemark_log_refused_appends_total", "tidemark_projection_lag_seconds", "tidemark_blob_damaged_total",
                     "tidemark_blob_disk_full_total"):
            self.assertIn(name, after)
        for name, family in after.items():
            self.assertRegex(name, r"^tidemark_(builds|blob|shadow|projection|lane|log_refused|node_ready)")
            for _, labels, _ in family.samples:
                self.assertEqual(labels.get("domain", "builds"), "builds")
                self.assertTrue(labels.get("projection", "builds.").startswith("builds."))

    def test_a_damaged_file_is_not_served_but_counted_and_named(self):
        with tempfile.TemporaryDirectory(prefix="tidemark-metrics-damage-") as folder:
            node = Node(BINARY, folder, ["--metrics-open"])
            self.addCleanup(node.end)
            client = BuildsClient(node.start())
            self.addCleanup(client.close)
            client.register("w")
            build = client.submit().json()["id"]
            client.poll("w")
            client.upload(build, "w", b"the result, whole")
            damaged = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(node.data, "blobs", "objects")) for name in names]
            for path in damaged:
                with open(path, "r+b") as file:
                    file.write(b"T")
            self.assertEqual(client.call("GET", f"/builds/{build}/download").status, 404)
            families = exposition.parse(node.request("GET", "/metrics").body.decode())
            self.assertEqual(families["tidemark_blob_damaged_total"].value(), 1)
            line = next(line for line in node.log_text().splitlines() if "stored file cannot be used" in line)
            self.assertIn("level=error", line)
            self.assertIn("code=corrupt", line)
            self.assertIn(f"file={build}.ipa", line)

    def test_a_projection_that_has_caught_up_is_not_behind(self):
        self.traffic()
        deadline = time.monotonic() + WAIT_S
        while True:
            families = self.scrape()
            behind = [families[name].value() for name in ("tidemark_projection_lag_events", "tidemark_projection_lag_seconds")]
            if behind == [0, 0]:
                return
            self.assertLess(time.monotonic(), deadline, behind)
            time.sleep(0.05)

    def test_the_dashboard_and_the_alerts_ask_for_what_is_there(self):
        families = self.scrape()
        known = {"up"}
        for family in families.values():
            known |= {family.name} if family.kind != "histogram" else {family.name + s for s in ("_bucket", "_sum", "_count")}
        with open(os.path.join(SOURCE, "ops/grafana/tidemark.json"), encoding="utf-8") as file:
            asked = [t["expr"] for panel in json.load(file)["panels"] for t in panel.get("targets", [])]
        with open(os.path.join(SOURCE, "ops/prometheus/alerts.yml"), encoding="utf-8") as file:
            asked.append("\n".join(line for line in file if not re.match(r"\s*(#|- alert|annotations)", line)))
        used = {name for text in asked for name in re.findall(r"\b(?:tidemark|process)_[a-z_]+\b", text)}
        self.assertGreater(len(used), 25)
        # Those of a log on Kafka, and of copies on other nodes, are held to what a node on Kafka serves: tests/integration/kafka/metrics_test.py.
        self.assertEqual({name for name in used - known if not name.startswith(("tidemark_kafka_", "tidemark_blob_copies_"))}, set())


if __name__ == "__main__":
    unittest.main()
