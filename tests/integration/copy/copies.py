"""What the tests of moved logs share: the command, copies that are killed, and a history that is worth moving.

    <test>.py <tidemark> <rows_digest> [seed]
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support", "process"))
from tidemark_process import BuildsClient, clean_environment  # noqa: E402

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


def answered(ask):
    """The 200 of a client that asks again while the node is not certain of its lanes (503): it has only just taken them, or is busy."""
    deadline = time.monotonic() + 60
    while True:
        answer = ask()
        if answer.status == 200:
            return answer
        assert answer.status == 503 and time.monotonic() < deadline, (answer.status, answer.body)
        time.sleep(0.05)


def asked(client, path):
    return answered(lambda: client.call("GET", path)).json()


class Work:
    """The builds flow; what was acknowledged is remembered."""

    def __init__(self):
        self.completed, self.cancelled = {}, set()

    def run(self, node, builds):
        client = BuildsClient(node)
        try:
            answered(lambda: client.register("w1"))
            for _ in range(builds):
                key = f"key {len(self.completed) + len(self.cancelled)}"
                build = answered(lambda key=key: client.submit(idempotency_key=key)).json()["id"]
                if len(self.completed) % 5 == 4 and len(self.cancelled) < len(self.completed) / 5:
                    answered(lambda build=build: client.cancel(build))
                    self.cancelled.add(build)
                    continue
                assert answered(lambda: client.poll("w1")).json()["job"]["id"] == build
                answered(lambda build=build: client.heartbeat(build, "w1"))
                answered(lambda build=build: client.log(build, "w1", "m" * 1000))
                answered(lambda build=build: client.upload(build, "w1", b"result"))
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
                assert any(line["message"] == "m" * 1000 for line in lines), lines
            for build in self.cancelled:
                assert states[build] == "failed", (build, states.get(build))
            assert len(states) == len(self.completed) + len(self.cancelled), len(states)
            # A command that was answered before the move is answered the same after it.
            assert answered(lambda: client.submit(idempotency_key="key 0")).json()["id"] in states
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
