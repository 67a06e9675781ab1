"""Several real nodes over one real broker, load on all of their lanes, and what must hold of the log and the read models."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from tidemark_process import Answer, Connection, Node

PATIENCE_S = 90.0          # for a condition on a machine that does other things
REQUEST_PATIENCE_S = 45.0  # nobody waits longer for an answer
LANES = 12


def wait_for(what, condition, patience_s=PATIENCE_S):
    """What the condition gives, once that is true."""
    deadline = time.monotonic() + patience_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {patience_s} s: {what}"
        time.sleep(0.02)


class Installation:
    """Nodes by name, each with its own data; the keys are those of the first."""

    def __init__(self, binary, digest, broker, folder, prefix):
        self.binary, self.digest, self.broker, self.folder, self.prefix = binary, digest, broker, folder, prefix
        self.nodes = {}
        self.operator_key = None
        self.session = "1s"

    def node(self, name, bootstrap=None, flags=()):
        """A node that is not started yet, or the one of that name."""
        if name in self.nodes:
            return self.nodes[name]
        directory = os.path.join(self.folder, name)
        os.makedirs(directory)
        log = ["--log", "kafka://" + (bootstrap or self.broker.bootstrap), "--kafka-prefix", self.prefix, "--kafka-replication", "1"]
        made = Node(self.binary, directory, [*log, "--node-id", name, "--session-timeout", self.session, *flags])
        if self.nodes:
            shutil.copytree(next(iter(self.nodes.values())).keys, made.keys)
        self.nodes[name] = made
        return made

    def start(self, name, **more):
        node = self.node(name, **more).start()
        if self.operator_key is None:
            self.operator_key = node.read_key("operator.key")
        return node

    def end(self):
        for node in self.nodes.values():
            if node.process is not None and node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
            node.end()

    def logs(self):
        return "".join(f"--- {name}\n{node.log_text()[-2500:]}\n" for name, node in self.nodes.items())

    def get(self, node, path):
        answer = node.request("GET", path, headers={"Authorization": "Bearer " + self.operator_key})
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json()

    def lanes_of(self, node):
        """Those that the node serves."""
        return [lane["lane"] for lane in self.get(node, "/cluster")["lanes"] if lane["role"] == "serving"]

    def shared(self, nodes):
        """Whether these nodes serve all lanes, each about as many."""
        mine = [self.lanes_of(node) for node in nodes]
        return sorted(sum(mine, [])) == list(range(LANES)) and all(len(lanes) >= LANES // len(nodes) for lanes in mine)

    def wait_shared(self, *names):
        nodes = [self.nodes[name] for name in names]
        wait_for(f"{names} share the lanes", lambda: self.shared(nodes))

    @staticmethod
    def is_verdict(event):
        """Not what the log says of a command that came too late, or whose expectation did not hold: that may come again."""
        return event["type"].endswith("CommandDecided.v1") and not (event["data"].get("input") and "fingerprint" not in event["data"])

    def records(self, node, topic):
        """(lane, CloudEvent) of all of it."""
        found = []
        for lane in range(LANES):
            at = 0
            while True:
                answer = node.request("GET", f"/topics/{topic}/lanes/{lane}/records?from={at}&limit=1000", headers={"Authorization": "Bearer " + self.operator_key})
                assert answer.status == 200, (topic, lane, answer.status, answer.body)
                events = [json.loads(line) for line in answer.body.decode().splitlines()]
                if not events:
                    break
                for event in events:
                    assert int(event["tmseq"]) == at, f"{topic} lane {lane}: tmseq {event['tmseq']} where {at} is due"
                    at += 1
                    found.append((lane, event))
        return found

    def check_log(self, node, load):
        """Every acknowledged command is there once, whatever was sent at most once, in the lane that it belongs to."""
        wanted = set(load.acknowledged.values())

        def whole():
            # What another node has appended is seen here a moment later.
            both = self.records(node, "builds.ledger"), self.records(node, "builds.decisions")
            return both if all(wanted <= {event["commandid"] for _, event in records} for records in both) else None

        ledger, decisions = wait_for(f"all acknowledged commands of {load} are in the log, as {node.directory} sees it", whole)
        ids = [event["id"] for _, event in ledger + decisions]
        assert len(ids) == len(set(ids)), "an event is there twice"
        for of, records in (("ledger", [e for _, e in ledger if ".WorkerRegistered." in e["type"]]),
                            ("decisions", [e for _, e in decisions if self.is_verdict(e)])):
            times = {}
            for event in records:
                times[event["commandid"]] = times.get(event["commandid"], 0) + 1
            for key, command in load.acknowledged.items():
                assert times.get(command) == 1, f"{key}, acknowledged as {command}, is {times.get(command, 0)} times in the {of}"
            assert all(count == 1 for count in times.values()), f"a command is in the {of} twice"
        workers = [event["subject"] for _, event in ledger if ".WorkerRegistered." in event["type"]]
        assert len(workers) == len(set(workers)), "one intention was decided twice"
        return len(ledger), len(decisions)

    def caught_up(self, node):
        projections = self.get(node, "/projections")["projections"]
        assert not any(p["faults"] for p in projections), projections
        lanes = self.get(node, "/cluster")["lanes"]
        return all(p["behind"] == 0 for p in projections) and all(lane["behind"] == 0 for lane in lanes)

    def rows(self, node):
        """Read models of a stopped node, by name. Not the index: nodes that start and take lanes are in it too."""
        done = subprocess.run([self.digest, os.path.join(node.data, "stores", "projections")], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return "".join(line + "\n" for line in done.stdout.splitlines() if not line.startswith("builds.index-"))

    def check_models(self, *names):
        """Stops the nodes: the rows of each are those of the others and of a fold from zero."""
        nodes = [self.nodes[name] for name in names]
        for node in nodes:
            wait_for("a node has caught up", lambda node=node: self.caught_up(node))
        for node in nodes:
            assert node.stop() == 0, node.log_text()[-2500:]
        rows = [self.rows(node) for node in nodes]
        for name, of in zip(names, rows):
            assert of == rows[0], f"{names[0]}:\n{rows[0]}{name}:\n{of}"
        shutil.rmtree(os.path.join(nodes[0].data, "stores"))
        nodes[0].start()
        wait_for("the fold from zero is done", lambda: self.caught_up(nodes[0]))
        assert nodes[0].stop() == 0, nodes[0].log_text()[-2500:]
        assert self.rows(nodes[0]) == rows[0], f"live:\n{rows[0]}from zero:\n{self.rows(nodes[0])}"
        assert rows[0].count("\n") > 3, rows[0]


class Load:
    """Clients that register workers in pools over all lanes, each under a key of its own, at whatever node answers; what was not
    acknowledged is asked again, mostly elsewhere. Use as a context manager."""

    CLIENTS = 4

    def __init__(self, installation, seed, *names):
        self.installation, self.seed = installation, seed
        self.names = list(names)       # of the nodes that are asked; may change meanwhile
        self.lock = threading.Lock()
        self.acknowledged = {}         # key -> command id
        self.answers = {}              # status -> how often
        self.slowest_s = 0.0
        self.sent = 0
        self.failures = []
        self.ending = threading.Event()
        self.threads = []

    def __enter__(self):
        self.ending.clear()
        self.threads = [threading.Thread(target=self.guard, args=(n, random.Random(f"{self.seed}-{n}-{self.sent}")), daemon=True) for n in range(self.CLIENTS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.ending.set()
        for thread in self.threads:
            thread.join(3 * REQUEST_PATIENCE_S)
            if thread.is_alive():
                self.failures.append("a client waits for ever")
        if kind is None and self.failures:
            raise AssertionError(self.failures[0])
        return False

    def guard(self, number, draw):
        try:
            while not self.ending.is_set():
                self.one(number, draw)
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(f"client {number}: {error!r}")

    def one(self, number, draw):
        with self.lock:
            self.sent += 1
            key = f"key-{self.seed}-{self.sent}"
        pool = f"pool-{draw.randrange(40)}"
        asked = 0
        while True:
            with self.lock:
                names = list(self.names)
            name = names[(number + asked + draw.randrange(2)) % len(names)]
            asked += 1
            answer = self.register(self.installation.nodes[name], key, pool)
            if self.ending.is_set() or (answer is not None and answer.status == 200):
                return
            if answer is None or asked % len(names) == 0:
                time.sleep(0.01)

    def register(self, node, key, pool, timeout_s=REQUEST_PATIENCE_S):
        """The answer; None when the node cannot be reached or is gone."""
        began = time.monotonic()
        try:
            answer = send(node, self.installation.operator_key, key, pool, timeout_s)
        except TimeoutError as error:
            raise AssertionError(f"no answer within {timeout_s} s from {node.directory}") from error
        except OSError:
            answer = None
        with self.lock:
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            status = answer.status if answer is not None else "cut"
            self.answers[status] = self.answers.get(status, 0) + 1
        assert status in (200, 503, "cut"), (status, answer.body)
        if status == 200:
            with self.lock:
                before = self.acknowledged.setdefault(key, answer.json()["id"])
            assert before == answer.json()["id"], f"{key} is two commands: {before} and {answer.json()['id']}"
        return answer

    def wait_acknowledged(self, more):
        wanted = len(self.acknowledged) + more
        wait_for(f"{more} more commands acknowledged", lambda: len(self.acknowledged) >= wanted or self.failures)
        assert not self.failures, self.failures[0]

    def __str__(self):
        return f"{len(self.acknowledged)} acknowledged, answers {self.answers}, slowest {self.slowest_s:.1f} s"


def registration(key, pool):
    return json.dumps({"worker_id": "w-" + hashlib.sha256(key.encode()).hexdigest()[:20], "name": key, "capabilities": {}, "token_key_id": "k1",
                       "token_sha256": hashlib.sha256(key.encode()).hexdigest(), "pool_id": pool})


def send(node, operator_key, key, pool, timeout_s=REQUEST_PATIENCE_S):
    connection = Connection(node.port, timeout_s)
    try:
        return connection.request("POST", "/commands/builds/RegisterWorker", registration(key, pool),
                                  {"Authorization": "Bearer " + operator_key, "Content-Type": "application/json", "Idempotency-Key": key})
    finally:
        connection.close()


def murmur2(key):
    """As Kafka's Java client, made positive."""
    data, length = key.encode(), len(key.encode())
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ length) & mask
    whole = length - length % 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little")
        k = (k * m) & mask
        k ^= k >> 24
        k = (k * m) & mask
        h = (h * m) & mask
        h ^= k
    rest = data[whole:]
    if rest:
        for i in reversed(range(len(rest))):
            h ^= rest[i] << (8 * i)
        h = (h * m) & mask
    h ^= h >> 13
    h = (h * m) & mask
    h ^= h >> 15
    return h & 0x7FFFFFFF


def pool_in(lane):
    return next(name for name in (f"in-{lane}-{n}" for n in range(1000)) if murmur2(name) % LANES == lane)


def drawn_seed(arguments, at):
    seed = arguments[at] if len(arguments) > at else os.environ.get("SEED") or str(random.SystemRandom().getrandbits(32))
    print(f"seed {seed}", flush=True)
    return seed


__all__ = ["Answer", "Installation", "LANES", "Load", "PATIENCE_S", "drawn_seed", "pool_in", "send", "wait_for"]
