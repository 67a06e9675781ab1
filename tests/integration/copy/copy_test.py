"""A node's history moves from its directory to Kafka, is served and written there, and moves back into a new directory. The copies are
killed again and again; the read models on both sides are the same bytes; nothing that was acknowledged is lost.

    copy_test.py <tidemark> <rows_digest> [seed]
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support", "process"))
from kafka_broker import Broker  # noqa: E402
from tidemark_process import BuildsClient, Node, clean_environment  # noqa: E402

BINARY, DIGEST = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SEED = sys.argv[3] if len(sys.argv) > 3 else str(random.SystemRandom().getrandbits(32))
FLAGS = ["--lanes", "3", "--retention", "builds.activity=1s"]
KILLS = 4


def copy(*arguments, code=0):
    done = subprocess.run([BINARY, "topics", "copy", *arguments], capture_output=True, text=True, env=clean_environment(), timeout=240, check=False)
    assert done.returncode == code, (arguments, done)
    return done


def copy_with_kills(draw, whole_s, *arguments):
    """The report of the run that came to its end. An undisturbed one takes about `whole_s`, at least."""
    arguments = [*arguments, "--append-bytes", "4096"]
    killed = 0
    for _ in range(KILLS):
        process = subprocess.Popen([BINARY, "topics", "copy", *arguments], env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(draw.uniform(0.3, 1.1) * whole_s)
        process.send_signal(signal.SIGKILL)
        said = process.communicate(timeout=60)[1]
        assert process.returncode in (-signal.SIGKILL, 0), (process.returncode, said)
        killed += process.returncode != 0
    done = copy(*arguments, "--json")
    report = json.loads(done.stdout)
    assert report["equal"] and report["sha256"] == report["target_sha256"], report
    print(f"to {arguments[3]}: {killed} of {KILLS} copies killed; {done.stderr.strip().splitlines()}")
    return report


def rows(node):
    """As kill_test.py has it: not of the index, which a start changes."""
    done = subprocess.run([DIGEST, os.path.join(node.data, "stores", "projections")], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return "".join(line + "\n" for line in done.stdout.splitlines() if not line.startswith("builds.index-"))


def asked(client, path):
    """What a client gets that asks again while the node has only just taken its lanes (503)."""
    deadline = time.monotonic() + 30
    while True:
        answer = client.call("GET", path)
        if answer.status == 200:
            return answer.json()
        assert answer.status == 503 and time.monotonic() < deadline, (path, answer.status, answer.body)
        time.sleep(0.05)


class Work:
    """The builds flow; what was acknowledged is remembered."""

    def __init__(self):
        self.completed, self.cancelled = {}, set()

    def run(self, node, builds):
        client = BuildsClient(node)
        try:
            assert client.register("w1").status == 200
            for _ in range(builds):
                build = client.submit(idempotency_key=f"key {len(self.completed) + len(self.cancelled)}").json()["id"]
                if len(self.completed) % 5 == 4 and len(self.cancelled) < len(self.completed) / 5:
                    assert client.cancel(build).status == 200
                    self.cancelled.add(build)
                    continue
                assert client.poll("w1").json()["job"]["id"] == build
                assert client.heartbeat(build, "w1").status == 200
                assert client.log(build, "w1", "m" * 1000).status == 200
                assert client.upload(build, "w1", b"result").status == 200
                self.completed[build] = True
        finally:
            client.close()

    def check(self, node):
        client = BuildsClient(node)
        try:
            states = {build["id"]: build["status"] for build in asked(client, "/builds")}
            for build in self.completed:
                assert states[build] == "completed", (build, states.get(build))
                lines = asked(client, f"/builds/{build}/logs")["logs"]
                assert sum(line["message"] == "m" * 1000 for line in lines) == 1, lines
            for build in self.cancelled:
                assert states[build] == "failed", (build, states.get(build))
            assert len(states) == len(self.completed) + len(self.cancelled), len(states)
            # A command that was answered before the move is answered the same after it.
            assert client.submit(idempotency_key="key 0").json()["id"] in states
        finally:
            client.close()


def begins(node, topic):
    answer = node.request("GET", "/topics", headers={"Authorization": "Bearer " + node.read_key("operator.key")}).json()
    return [lane["begin"] for found in answer["topics"] if found["name"] == topic for lane in found["lanes"]]


def at_rest(node):
    """Served until its read models have everything, then stopped: its rows."""
    node.start()
    assert node.stop() == 0, node.log_text()[-3000:]
    return rows(node)


def main():
    print(f"seed {SEED}", flush=True)
    draw = random.Random(SEED)
    work = Work()
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-copy-") as folder:
        log = "kafka://" + broker.bootstrap
        on_kafka = ["--to", log, "--to-prefix", "moved."]
        nodes = []

        def node(name, *flags):
            os.mkdir(os.path.join(folder, name))
            made = Node(BINARY, os.path.join(folder, name), [*FLAGS, *flags, "--keys", os.path.join(folder, "keys")])
            made.keys = os.path.join(folder, "keys")
            nodes.append(made)
            return made

        try:
            # In its directory, with old activity that retention has cut.
            first = node("first", "--log-segment-bytes", "65536").start()
            deadline = time.monotonic() + 120
            while not any(begins(first, "builds.activity")):
                assert time.monotonic() < deadline, first.log_text()[-3000:]
                work.run(first, 10)
            work.run(first, 30)
            in_use = copy("--from", first.data, *on_kafka, code=1)
            assert "is in use by process" in in_use.stderr, in_use.stderr
            assert first.stop() == 0, first.log_text()[-3000:]
            before = at_rest(first)

            # To Kafka. What is not whole is not served.
            moved = node("moved", "--log", log, "--kafka-prefix", "moved.")
            began = time.monotonic()
            copy("--from", first.data, "--to", log, "--to-prefix", "timed.")
            whole_s = time.monotonic() - began
            copy_with_kills(draw, whole_s, "--from", first.data, *on_kafka)
            assert at_rest(moved) == before, "the read models differ after the move to Kafka"
            verified = copy("--from", first.data, *on_kafka, "--verify")
            assert "the target holds what the source holds" in verified.stdout, verified.stdout
            # It has gone on; the directory is behind.
            behind = copy("--from", first.data, *on_kafka, code=1)
            assert "goes on to tmseq" in behind.stderr, behind.stderr
            moved.start()
            work.check(moved)
            work.run(moved, 20)
            assert moved.stop() == 0, moved.log_text()[-3000:]
            before = at_rest(moved)

            # And back, into a new directory; never over what is there.
            there = copy("--from", log, "--from-prefix", "moved.", "--to", first.data, code=1)
            assert "is no copy" in there.stderr, there.stderr
            back = node("back")
            began = time.monotonic()
            copy("--from", log, "--from-prefix", "moved.", "--to", os.path.join(folder, "timed"))
            whole_s = time.monotonic() - began
            copy_with_kills(draw, whole_s, "--from", log, "--from-prefix", "moved.", "--to", back.data, "--log-segment-bytes", "1048576")
            assert at_rest(back) == before, "the read models differ after the move back"
            back.start()
            work.check(back)
            work.run(back, 5)
            work.check(back)
            assert back.stop() == 0, back.log_text()[-3000:]
            print(f"moved to Kafka {broker.version} and back: {len(work.completed)} builds completed, {len(work.cancelled)} cancelled")
        except BaseException:
            print(f"failed with seed {SEED}")
            for one in nodes:
                print(f"end of {one.directory}:\n{one.log_text()[-2000:]}", flush=True)
            raise
        finally:
            for one in nodes:
                one.end()


if __name__ == "__main__":
    main()
