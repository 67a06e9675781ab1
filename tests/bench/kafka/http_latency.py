"""How long does a command by HTTP take on a node whose log is on Kafka, and how long until a query shows it?

usage: http_latency.py <tidemark> <tidemark-bench-kafka> [commands for each number of clients, 400] [clients, 1 4 16] [--spread]

One broker (ops/kafka/start), one node, clients that each send one command after the other (one event, one decision) and then ask for its
stream with the position of the answer. Beside it, in the same run and against the same broker, what a bare transaction of two records of
librdkafka's own producer takes. Python's client is in every figure: about 0.3 ms. All clients write to one lane; with --spread each has a
pool of its own, and they fall on many.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support", "process"))
import exposition  # noqa: E402
import tidemark_process  # noqa: E402
from kafka_broker import Broker  # noqa: E402

tidemark_process.START_DEADLINE_S = 120.0
SPREAD = "--spread" in sys.argv
sys.argv = [word for word in sys.argv if word != "--spread"]
TIDEMARK, BENCH = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
COMMANDS = int(sys.argv[3]) if len(sys.argv) > 3 else 400
CLIENTS = [int(word) for word in sys.argv[4:]] or [1, 4, 16]
SUBMIT = {"platform": "ios",
          "source": {"sha256": "ab" * 32, "size": 7, "kind": "source", "declared_name": "app.zip", "declared_type": "application/zip"},
          "access_token_sha256": "cd" * 32, "token_key_id": "k1"}


def summary(times):
    times = sorted(times)
    return f"p50 {times[len(times) // 2] * 1e3:.1f} ms, p99 {times[len(times) * 99 // 100] * 1e3:.1f} ms"


def measure(node, clients, key):
    """(committed, visible) times in seconds, and the wall time of all."""
    committed, visible, lock = [], [], threading.Lock()

    def client(number):
        connection = node.connect()
        submit = json.dumps({**SUBMIT, "pool_id": f"pool-{number}"} if SPREAD else SUBMIT)
        for _ in range(COMMANDS // clients):
            begun = time.perf_counter()
            answer = connection.request("POST", "/commands/builds/SubmitBuild", submit, {**key, "Content-Type": "application/json"})
            answered = time.perf_counter()
            assert answer.status == 200, answer.body
            build = answer.headers["Tidemark-Subject"]
            shown = connection.request("GET", f"/streams/builds/{build}", None, {**key, "Tidemark-At-Least": answer.headers["Tidemark-Position"]})
            asked = time.perf_counter()
            assert shown.status == 200 and shown.json()["events"], shown.body
            with lock:
                committed.append(answered - begun)
                visible.append(asked - begun)

    begun = time.perf_counter()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(committed) == COMMANDS // clients * clients, "a client has ended early"
    return committed, visible, time.perf_counter() - begun


def appends(node):
    """By the node's own metrics: how many, and the mean time that one took."""
    append = exposition.parse(node.request("GET", "/metrics").body.decode())["tidemark_kafka_append_seconds"]
    return f"{append.value('_count'):.0f}, mean {append.value('_sum') / append.value('_count') * 1e3:.1f} ms"


with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-kafka-bench-") as folder:
    node = tidemark_process.Node(TIDEMARK, folder, ["--log", "kafka://" + broker.bootstrap, "--metrics-open"])
    try:
        node.start()
        operator = {"Authorization": "Bearer " + node.read_key("operator.key")}
        measure(node, 1, operator)  # warms up
        for clients in CLIENTS:
            committed, visible, took = measure(node, clients, operator)
            print(f"{clients} clients: {len(committed) / took:.0f} commands/s; command to committed event {summary(committed)}; to visible in a query {summary(visible)}", flush=True)
        print("appends of the node, renewals of leases too: " + appends(node), flush=True)
        print("beside the idle node:", flush=True)
        subprocess.run([BENCH, broker.bootstrap, "2", "100", "3"], check=True)
    finally:
        node.end()
