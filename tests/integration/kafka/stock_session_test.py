"""On a broker that keeps sessions as Kafka does by itself, six seconds at the least: `tidemark topics` says what that costs, and a node that is
set to a shorter one says why it does not start.

usage: stock_session_test.py <tidemark binary>
"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support", "process"))
from kafka_broker import Broker  # noqa: E402
from tidemark_process import Node, clean_environment  # noqa: E402

BINARY = os.path.abspath(sys.argv[1])
START_PATIENCE_S = 180

os.environ["KAFKA_PROPERTIES"] = "group.min.session.timeout.ms=6000"
with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-session-") as folder:
    log = ["--log", "kafka://" + broker.bootstrap, "--kafka-prefix", "stock.", "--kafka-replication", "1"]
    said = subprocess.run([BINARY, "topics", "create", *log], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, timeout=START_PATIENCE_S,
                          env=clean_environment()).stdout
    for expected in ["weak   brokers: group.min.session.timeout.ms = 6000", "its lanes stand still for about", 'with 1000 and session_timeout = "1s" it is 2 s']:
        assert expected in said, (expected, said)

    node = Node(BINARY, folder, [*log, "--node-id", "a", "--session-timeout", "1s"]).spawn()
    try:
        assert node.process.wait(START_PATIENCE_S) != 0, node.log_text()
        expected = "a session of 1000 ms is shorter than the brokers allow: 6000 ms (group.min.session.timeout.ms)"
        assert expected in node.log_text(), node.log_text()
    finally:
        node.end()
    print("sessions on a stock Kafka", broker.version + ": all well")
