"""/metrics of a node on Kafka: what is counted of its log, and that the alerts and the dashboard ask for nothing else.

usage: metrics_test.py <tidemark binary>
"""

import json
import os
import re
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "..", "support", "process"))
import exposition  # noqa: E402
import tidemark_process  # noqa: E402
from kafka_broker import Broker  # noqa: E402

tidemark_process.START_DEADLINE_S = 120.0
PATIENCE_S = 120.0
OUTCOMES = {"written", "not_written", "fenced", "unknown"}


def scrape(node):
    return exposition.parse(node.request("GET", "/metrics").body.decode())


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return value


with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-kafka-metrics-") as folder:
    node = tidemark_process.Node(os.path.abspath(sys.argv[1]), folder, ["--metrics-open", "--log", "kafka://" + broker.bootstrap])
    try:
        client = tidemark_process.BuildsClient(node.start())
        before = scrape(node)
        wait_for("no worker is registered", lambda: client.register("worker-of-metrics").status == 200)  # once the node has its lanes
        wait_for("no build is accepted", lambda: client.submit().status == 200)
        wait_for("librdkafka's statistics do not come", lambda: scrape(node)["tidemark_kafka_sent_bytes_total"].value() > 0)
        wait_for("what was appended is not read back", lambda: scrape(node)["tidemark_kafka_follow_lag_records"].value() < 50)
        after = scrape(node)

        of_kafka = {name: family for name, family in after.items() if name.startswith("tidemark_kafka_")}
        assert len(of_kafka) == 15, sorted(of_kafka)
        for name, family in of_kafka.items():
            assert name.endswith("_total") == (family.kind == "counter") and len(family.help) > 10, name
            assert name.endswith("_seconds") == (family.kind == "histogram"), name
            labels = {(k, v) for _, given, _ in family.samples for k, v in given.items() if k != "le"}
            assert labels <= {("outcome", o) for o in OUTCOMES | {"taken", "failed"}}, (name, labels)

        def grew(name, suffix="", **labels):
            return after[name].value(suffix, **labels) - before[name].value(suffix, **labels)

        assert after["tidemark_kafka_takes_total"].value(outcome="taken") >= 12, "every lane was taken"
        assert grew("tidemark_kafka_appends_total", outcome="written") > 0 and grew("tidemark_kafka_append_seconds", "_count") > 0
        assert grew("tidemark_kafka_append_seconds", "_sum") > 0 and after["tidemark_kafka_request_seconds"].value("_sum") > 0
        assert grew("tidemark_kafka_records_total") >= 4 and grew("tidemark_kafka_written_bytes_total") > 400
        assert after["tidemark_kafka_appends_total"].value(outcome="fenced") == 0

        # A broker that is gone: appends whose outcome nobody knows are counted, and settled when it is back.
        broker.kill()
        wait_for("nothing unsure is counted", lambda: scrape(node)["tidemark_kafka_settled_appends_total"].value() > 0)
        broker.start()
        wait_for("the node does not go on", lambda: client.submit().status == 200)
        assert scrape(node)["tidemark_kafka_takes_total"].value(outcome="taken") > after["tidemark_kafka_takes_total"].value(outcome="taken")

        copies = {name: family for name, family in after.items() if name.startswith("tidemark_blob_copies_")}
        assert len(copies) == 13 and all(len(family.help) > 10 for family in copies.values()), sorted(copies)
        known = set(copies) | {name if family.kind != "histogram" else name + suffix for name, family in of_kafka.items() for suffix in ("_bucket", "_sum", "_count")}
        with open(os.path.join(SOURCE, "ops/grafana/tidemark.json"), encoding="utf-8") as file:
            asked = [target["expr"] for panel in json.load(file)["panels"] for target in panel.get("targets", [])]
        with open(os.path.join(SOURCE, "ops/prometheus/alerts.yml"), encoding="utf-8") as file:
            asked.append(file.read())
        used = {name for text in asked for name in re.findall(r"\btidemark_(?:kafka|blob_copies)_[a-z_]+\b", text)}
        assert len(used) > 10 and used <= known, used - known
    finally:
        node.end()
    print("metrics of a node on Kafka", broker.version + ": all well")
