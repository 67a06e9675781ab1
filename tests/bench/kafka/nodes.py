"""How long lanes stand still when nodes come and go, and what a node costs: two nodes on one broker, one client for each lane that
asks the one or the other, again at once when it is told no.

    nodes.py <tidemark> [rounds] [session_timeout]        e.g. nodes.py build/bench/tidemark 5 1s
"""

import os
import statistics
import sys
import tempfile
import threading
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path[:0] = [os.path.join(ROOT, "support", "process"), os.path.join(ROOT, "integration", "cluster")]
from installation import LANES, Installation, pool_in, registration, wait_for  # noqa: E402
from kafka_broker import Broker  # noqa: E402
from tidemark_process import Connection  # noqa: E402


class Lane(threading.Thread):
    """Sends one command after the other to its lane and notes when each was acknowledged, and by whom."""

    def __init__(self, all_of, lane):
        super().__init__(daemon=True)
        self.all_of, self.lane, self.pool = all_of, lane, pool_in(lane)
        self.ended = False
        self.done = [(time.monotonic(), None)]
        self.start()

    def run(self):
        at, number, connections = "a", 0, {}
        while not self.ended:
            key = f"lane-{self.lane}-{number}"
            try:
                if at not in connections:
                    connections[at] = Connection(self.all_of.nodes[at].port, 10)
                answer = connections[at].request("POST", "/commands/builds/RegisterWorker", registration(key, self.pool),
                                                 {"Authorization": "Bearer " + self.all_of.operator_key, "Content-Type": "application/json", "Idempotency-Key": key})
                if answer.status == 200:
                    self.done.append((time.monotonic(), at))
                    number += 1
                    time.sleep(0.005)
                    continue
            except OSError:
                connections.pop(at, None)
            at = "b" if at == "a" else "a"
            time.sleep(0.002)

    def pause(self, since):
        """The longest time without an acknowledgement since then."""
        times = [since] + [when for when, _ in self.done if when >= since]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)


def cost(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return f"{int(fields['Threads'])} threads, {int(fields['VmRSS'].split()[0]) / 1024:.0f} MB resident"


def tell(what, pauses):
    if pauses:
        print(f"{what}: {len(pauses)} pauses, median {statistics.median(pauses) * 1000:.0f} ms, longest {max(pauses) * 1000:.0f} ms", flush=True)


def main():
    binary, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    session = sys.argv[3] if len(sys.argv) > 3 else "1s"
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-nodes-") as folder:
        all_of = Installation(binary, None, broker, folder, "bench.")
        try:
            all_of.session = session
            a = all_of.start("a")
            wait_for("all lanes", lambda: all_of.lanes_of(a) == list(range(LANES)))
            time.sleep(2)
            print(f"Kafka {broker.version}; a node that owns 12 lanes: {cost(a)}", flush=True)
            all_of.node("b")
            lanes = [Lane(all_of, lane) for lane in range(LANES)]
            moved, stayed = {"join": [], "leave": [], "kill": []}, {"join": [], "leave": [], "kill": []}
            for number in range(2 * rounds):
                b = all_of.node("b").spawn()
                wait_for("ready", lambda b=b: b.process.poll() is None and ready(b))
                since = time.monotonic()
                all_of.wait_shared("a", "b")
                time.sleep(1.5)
                theirs = all_of.lanes_of(b)
                note(lanes, since, theirs, moved["join"], stayed["join"])
                if number == 0:
                    print(f"two nodes: a {cost(a)}; b {cost(b)}; load average {os.getloadavg()[0]:.1f}", flush=True)
                since = time.monotonic()
                what = "kill" if number % 2 else "leave"
                if what == "kill":
                    b.kill()
                else:
                    assert b.stop() == 0
                wait_for("all lanes", lambda: all_of.lanes_of(a) == list(range(LANES)))
                time.sleep(1.5)
                note(lanes, since, theirs, moved[what], stayed[what])
            for lane in lanes:
                lane.ended = True
            for lane in lanes:
                lane.join(20)
            print(f"{sum(len(lane.done) for lane in lanes)} commands; load average {os.getloadavg()[0]:.1f}")
            for what, text in (("join", "a node joins"), ("leave", "a node is stopped by SIGTERM"), ("kill", f"a node is killed (-9), session {session}")):
                tell(f"{text}, lanes that move", moved[what])
                tell(f"{text}, lanes that stay", stayed[what])
        finally:
            all_of.end()


def ready(node):
    try:
        return node.request("GET", "/readyz").status == 200
    except OSError:
        return False


def note(lanes, since, theirs, moved, stayed):
    for lane in lanes:
        (moved if lane.lane in theirs else stayed).append(lane.pause(since))


if __name__ == "__main__":
    main()
