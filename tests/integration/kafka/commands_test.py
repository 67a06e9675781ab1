"""`tidemark topics create | check | explain` and the settings of a log on Kafka, as a user types them, against a real broker.

usage: commands_test.py <tidemark binary>
"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support", "process"))
from kafka_broker import Broker  # noqa: E402
from tidemark_process import clean_environment  # noqa: E402

BINARY = os.path.abspath(sys.argv[1])


def tidemark(*arguments, code=0):
    done = subprocess.run([BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment(), timeout=120)
    assert done.returncode == code, (arguments, done)
    return done.stdout + done.stderr


with Broker() as broker:
    log = ["--log", "kafka://" + broker.bootstrap, "--kafka-prefix", "it."]
    said = tidemark("topics", "check", *log)
    assert "no installation yet" in said and "to do  it.builds.ledger" in said, said
    said = tidemark("topics", "create", *log, "--kafka-replication", "1")
    assert "created it.builds.decisions" in said and "0 missing, 0 settings that would lose something" in said, said
    assert "created" not in tidemark("topics", "create", *log).replace("0 created", ""), "a second time there is nothing to do"
    said = tidemark("topics", "explain", *log)
    for expected in ["well   it.builds.ledger: cleanup.policy = delete", "well   brokers: group.min.session.timeout.ms = 500", "weak   it.builds.ledger: replicas = 1"]:
        assert expected in said, (expected, said)
    # A window longer than decisions are kept.
    said = tidemark("topics", "check", *log, "--idempotency-window", "10d", code=1)
    assert "LOSES  it.builds.decisions: retention.ms = 604800000" in said, said

    # Settings that cannot be, before anything is touched.
    for wrong, expected in [(["--log", "kafka://nowhere"], "kafka://host:port"), (["--log", "embedded"], "needs no topics"),
                            ([*log, "--kafka-property", "isolation.level=read_uncommitted"], "does not set itself"),
                            ([*log, "--kafka-property", "sasl.password=secret"], "file:<path>"),
                            ([*log, "--kafka-property", "sasl.password=file:/nowhere"], "a file that can be read"),
                            ([*log[:2], "--kafka-prefix", "UPPER"], "ending with one of the last three")]:
        said = tidemark("topics", "check", *wrong, code=2)
        assert expected in said, (wrong, said)
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write("not asked for\n")
        secret.flush()
        tidemark("topics", "check", *log, "--kafka-property", "sasl.password=file:" + secret.name, "--kafka-property", "socket.timeout.ms=5000")
    said = tidemark("topics", "check", *log, "--kafka-property", "socket.timeout.ms=60000", code=1)
    assert "below the transaction timeout" in said, said
    print("topics on Kafka", broker.version + ": all well")
