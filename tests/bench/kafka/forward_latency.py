"""How long does a command by HTTP take at a node that has to have it decided by another, beside the same at its owner?

    forward_latency.py <tidemark> [commands for each number of clients, 400] [clients, 1 4 16]

Two nodes on one broker (ops/kafka/start). Clients each send one command after the other (one event, one decision) to the lanes of one node, by turns of all of
them at that node and at the other one, and then ask the node that answered for the stream, with the position of the answer. Python's client is in every figure.
"""

import os
import sys
import tempfile
import threading
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path[:0] = [os.path.join(ROOT, "support", "process"), os.path.join(ROOT, "integration", "cluster")]
from installation import Installation, pool_in, registration  # noqa: E402
from kafka_broker import Broker  # noqa: E402
from tidemark_process import Connection  # noqa: E402

TURNS = 4


def summary(times):
    times = sorted(times)
    return f"p50 {times[len(times) // 2] * 1e3:.1f} ms, p99 {times[len(times) * 99 // 100] * 1e3:.1f} ms"


class Measure:
    def __init__(self, all_of, owner, other):
        self.all_of, self.owner, self.other = all_of, owner, other
        self.pools = [pool_in(lane) for lane in all_of.lanes_of(owner)]
        self.sent = 0

    def turn(self, node, clients, commands):
        committed, visible, lock = [], [], threading.Lock()
        key = {"Authorization": "Bearer " + self.all_of.operator_key, "Content-Type": "application/json"}

        def client(numbers):
            connection = Connection(node.port)
            for number in numbers:
                name = f"w-{number}"
                begun = time.perf_counter()
                answer = connection.request("POST", "/commands/builds/RegisterWorker", registration(name, self.pools[number % len(self.pools)]), {**key, "Idempotency-Key": name})
                answered = time.perf_counter()
                assert answer.status == 200, answer.body
                shown = connection.request("GET", f"/streams/builds/{answer.json()['events'][0]['subject']}", None, {**key, "Tidemark-At-Least": answer.headers["Tidemark-Position"]})
                asked = time.perf_counter()
                assert shown.status == 200 and shown.json()["events"], shown.body
                with lock:
                    committed.append(answered - begun)
                    visible.append(asked - begun)

        each = commands // clients
        threads = []
        for _ in range(clients):
            threads.append(threading.Thread(target=client, args=(range(self.sent, self.sent + each),)))
            self.sent += each
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(committed) == each * clients, "a client has ended early"
        return committed, visible, time.perf_counter() - begun


def main():
    commands = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    counts = [int(word) for word in sys.argv[3:]] or [1, 4, 16]
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-forward-bench-") as folder:
        all_of = Installation(os.path.abspath(sys.argv[1]), None, broker, folder, "bench.")
        try:
            for name in ("a", "b"):
                all_of.start(name)
            all_of.wait_shared("a", "b")
            measure = Measure(all_of, all_of.nodes["a"], all_of.nodes["b"])
            for node in (measure.owner, measure.other):
                measure.turn(node, 1, 50)  # warms up
            for clients in counts:
                results = {"at the owner": [[], [], 0.0], "at the other node": [[], [], 0.0]}
                for _ in range(TURNS):
                    for what, node in (("at the owner", measure.owner), ("at the other node", measure.other)):
                        committed, visible, took = measure.turn(node, clients, commands // TURNS)
                        results[what][0] += committed
                        results[what][1] += visible
                        results[what][2] += took
                for what, (committed, visible, took) in results.items():
                    print(f"{clients} clients {what}: {len(committed) / took:.0f} commands/s; command to answer {summary(committed)}; to visible there {summary(visible)}", flush=True)
            print(f"Kafka {broker.version}, load average {os.getloadavg()[0]:.1f}")
        finally:
            all_of.end()


if __name__ == "__main__":
    main()
