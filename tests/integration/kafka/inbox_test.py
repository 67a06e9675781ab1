"""Commands that clients of Kafka produce: kcat and confluent-kafka, keyed by librdkafka's CRC32 or by murmur2 and unkeyed, in binary and
structured mode, good ones and bad ones, while the node is killed. Every one of them has exactly one decision, or is a dead letter.

usage: inbox_test.py <tidemark binary>
"""

import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

import confluent_kafka

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support", "process"))
from kafka_broker import Broker  # noqa: E402
from tidemark_process import Node  # noqa: E402

BINARY = os.path.abspath(sys.argv[1])
LANES = 4
PATIENCE_S = 120.0
KILLS = 3
SEED = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
SUBMIT = "tidemark.builds.SubmitBuild.v1"
BLOB = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def murmur2_lane(key):
    """The lane of a boundary, as Kafka's own partitioner of Java clients has it."""
    data, length, m = key.encode(), len(key.encode()), 0x5BD1E995
    h = 0x9747B28C ^ length
    for i in range(0, length - length % 4, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & 0xFFFFFFFF
        k = (k ^ k >> 24) * m & 0xFFFFFFFF
        h = (h * m & 0xFFFFFFFF) ^ k
    rest = data[length - length % 4:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & 0xFFFFFFFF
    h = (h ^ h >> 13) * m & 0xFFFFFFFF
    return ((h ^ h >> 15) & 0x7FFFFFFF) % LANES


def submit(build_id, pool):
    source = {"sha256": BLOB, "size": 7, "kind": "source", "declared_name": "app.zip", "declared_type": "application/zip"}
    return {"platform": "ios", "source": source, "access_token_sha256": BLOB, "token_key_id": "k1", "build_id": build_id, "pool_id": pool}


def headers(identity, kind=SUBMIT, **more):
    return {"ce_specversion": "1.0", "ce_id": identity, "ce_source": "/producer", "ce_type": kind, **more}


class World:
    def __init__(self, broker, node):
        self.broker, self.node = broker, node
        self.commands = "it.builds.commands"

    def kcat(self, value, *more, **sent):
        command = ["kcat", "-P", "-b", self.broker.bootstrap, "-t", self.commands, *more]
        for name, text in sent.items():
            command += ["-H", f"{name}={text}"]
        subprocess.run(command, input=value, text=True, check=True, timeout=60)

    def producer(self, **more):
        return confluent_kafka.Producer({"bootstrap.servers": self.broker.bootstrap, **{k.replace("_", "."): v for k, v in more.items()}})

    def read(self, topic):
        """Every committed record of a topic, as (partition, headers, data)."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": "reader", "enable.auto.commit": False,
                                             "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "earliest"})
        consumer.assign([confluent_kafka.TopicPartition("it." + topic, lane, 0) for lane in range(LANES)])
        records, ended = [], set()
        deadline = time.monotonic() + PATIENCE_S
        while len(ended) < LANES:
            message = consumer.poll(1.0)
            assert time.monotonic() < deadline, "the topic cannot be read"
            if message is None:
                continue
            if message.error():
                assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
                ended.add(message.partition())
                continue
            records.append((message.partition(), dict(message.headers() or []), json.loads(message.value())))
        consumer.close()
        return records

    def decided(self):
        """Build id -> [(lane, verdict, reason)] of every submission that was decided."""
        out = {}
        for lane, _, data in self.read("builds.decisions"):
            if data["command"]["type"] == SUBMIT:
                out.setdefault(data["command"]["data"]["build_id"], []).append((lane, data["verdict"], data.get("reason")))
        return out

    def wait(self, what, holds):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            seen = holds()
            if seen:
                return seen
            assert time.monotonic() < deadline, f"{what} did not happen:\n{self.node.log_text()[-3000:]}"
            time.sleep(0.2)


def of_all_kinds(world):
    """A command of every kind of producer."""
    wanted = {}

    def want(build, pool, verdict="accepted", reason=None):
        wanted[build] = [(murmur2_lane(pool), verdict, reason)]
        return json.dumps(submit(build, pool))

    for i in range(8):
        pool = f"pool-{i}"
        world.kcat(want(f"kcat-{i}", pool), **headers(f"kcat-{i}"))
        world.kcat(want(f"kcat-keyed-{i}", pool), "-k", pool, **headers(f"kcat-keyed-{i}"))
    for partitioner in ["consistent_random", "murmur2_random"]:
        producer = world.producer(partitioner=partitioner)
        for i in range(8):
            pool = f"pool-{i}"
            name = f"{partitioner.replace('_', '-')}-{i}"
            producer.produce(world.commands, want(name, pool), key=pool, headers=headers(name))
            structured = {"specversion": "1.0", "id": name + "-s", "source": "/producer", "type": SUBMIT,
                          "data": json.loads(want(name + "-s", pool))}
            producer.produce(world.commands, json.dumps(structured), headers={"content-type": "application/cloudevents+json"})
        producer.flush()
    world.kcat(want("late", "pool-1", "refused", "EXPIRED"), **headers("late"), **{"tidemark-not-after": "1000"})
    world.wait("a decision on every command", lambda: set(world.decided()) >= set(wanted))
    decided = world.decided()
    assert decided == wanted, {k: (decided.get(k), v) for k, v in wanted.items() if decided.get(k) != v}


def once_by_http_and_kafka(world):
    """The event that was produced is sent by HTTP too."""
    sent = {"Authorization": "Bearer " + world.node.read_key("operator.key"), "Content-Type": "application/json"}
    sent.update({name.replace("_", "-"): text for name, text in headers("kcat-0").items()})
    answer = world.node.request("POST", "/commands", json.dumps(submit("kcat-0", "pool-0")), sent)
    assert answer.status in (200, 201, 202), (answer.status, answer.body)
    assert len(world.decided()["kcat-0"]) == 1


def undecodable(world):
    bad = {"BAD_CLOUDEVENT": ("no headers at all", {}), "OTHER_DOMAIN": ("{}", headers("1", "tidemark.people.Register.v1")),
           "UNKNOWN_COMMAND": ("{}", headers("2", "tidemark.builds.Demolish.v1")), "BAD_DATA": ('{"platform":"none"}', headers("3")),
           "ID_REUSED": (json.dumps(submit("another", "pool-0")), headers("kcat-0"))}
    producer = world.producer()
    for value, given in bad.values():
        producer.produce(world.commands, value, headers=given)
    producer.produce(world.commands, b"\xff\x00\xfe", partition=1)
    producer.flush()
    world.wait("a dead letter for each", lambda: len(world.read("builds.dead-letters")) >= len(bad) + 1)
    letters = [data for _, _, data in world.read("builds.dead-letters")]
    by_code = {letter["code"]: letter for letter in letters if "value" in letter}
    assert sorted(by_code) == sorted(bad), letters
    for code, (value, given) in bad.items():
        assert by_code[code]["value"] == value and by_code[code]["reason"], by_code[code]
        assert {h["name"]: h["value"] for h in by_code[code]["headers"]} == given, by_code[code]
    assert any(base64.b64decode(letter.get("value_base64", "")) == b"\xff\x00\xfe" for letter in letters), letters
    assert len(letters) == len(bad) + 1, letters


def taken_back(world):
    """What a client's own transaction aborts is nobody's command."""
    producer = world.producer(transactional_id="client")
    producer.init_transactions(30)
    producer.begin_transaction()
    for lane in range(LANES):
        producer.produce(world.commands, json.dumps(submit(f"aborted-{lane}", f"pool-{lane}")), partition=lane, headers=headers(f"aborted-{lane}"))
    producer.flush()
    producer.abort_transaction(30)
    producer.begin_transaction()
    producer.produce(world.commands, json.dumps(submit("committed", "pool-0")), headers=headers("committed"))
    producer.commit_transaction(30)
    world.wait("the committed one", lambda: "committed" in world.decided())


def killed(world):
    """The node is killed again and again while clients produce by every partitioner."""
    rng = random.Random(SEED)
    stop, sent, failed = threading.Event(), [], []

    def produce():
        producer = world.producer(linger_ms=5)
        i = 0
        while not stop.is_set():
            for _ in range(rng.randrange(1, 40)):
                build, pool = f"load-{i}", f"pool-{i % 23}"
                key = [None, pool, build][i % 3]
                producer.produce(world.commands, json.dumps(submit(build, pool)), key=key, headers=headers(build),
                                 on_delivery=lambda error, message, build=build: (failed if error else sent).append(build))
                i += 1
            producer.poll(0)
            stop.wait(0.01)
        producer.flush()

    load = threading.Thread(target=produce)
    load.start()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.5, 2.0))
        world.node.kill()
        world.node.start()
    time.sleep(1.0)
    stop.set()
    load.join()
    assert sent and not failed, (len(sent), failed[:3])
    world.wait("a decision on every command", lambda: set(sent) <= set(world.decided()))
    decided = world.decided()
    wrong = {build: decided[build] for build in sent if decided[build] != [(murmur2_lane(f"pool-{int(build[5:]) % 23}"), "accepted", None)]}
    assert not wrong, wrong
    submitted = [data["build_id"] for _, made, data in world.read("builds.ledger") if made.get("ce_type") == b"tidemark.builds.BuildSubmitted.v1"]
    assert len(submitted) == len(set(submitted)) and set(sent) <= set(submitted), "a build that was submitted twice or not at all"
    assert not any(build.startswith("aborted") for build in decided)
    return len(sent)


print("seed", SEED, flush=True)
with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-inbox-") as directory:
    node = Node(BINARY, directory, ["--log", "kafka://" + broker.bootstrap, "--kafka-prefix", "it.", "--lanes", str(LANES)])
    try:
        node.start()
        here = World(broker, node)
        of_all_kinds(here)
        once_by_http_and_kafka(here)
        undecodable(here)
        taken_back(here)
        count = killed(here)
        assert node.stop() == 0, node.log_text()[-3000:]
        print(f"commands from Kafka {broker.version}: {count} through {KILLS} kills: all well")
    finally:
        node.end()
