"""kill -9 of a node under load. After every kill the same data is served again; at the end the log and the answers are compared
with everything that was acknowledged, and the rows of every read model, byte for byte, with those of a fold from zero.

    kill_test.py <tidemark> <rows_digest> <kills> [seed]
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from tidemark_process import BuildsClient, Node, clean_environment

DEVELOPERS = 4
WORKERS = 4
LIFE_S = (0.15, 0.9)
SMALL_SEGMENTS = ["--log-segment-bytes", "262144"]  # so that kills come while they are sealed


class Acknowledged:
    """What clients were told. A build's state is the strongest thing that was answered about it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.builds = {}       # build id -> idempotency key
        self.keys = {}         # idempotency key -> build id, once answered
        self.unanswered = []   # idempotency keys whose request got no answer
        self.assigned = {}     # build id -> workers that were given it
        self.logged = {}       # build id -> messages whose append was answered
        self.completed = set()
        self.cancelled = set()
        self.maybe_cancelled = set()   # asked, but not answered
        self.maybe_completed = set()
        self.counts = {}

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1


class Load:
    """Developers that submit and cancel, workers that poll, log and deliver, until told to stop or the node is gone."""

    def __init__(self, node, known, seed, life):
        self.node, self.known, self.life = node, known, life
        self.ending = threading.Event()
        self.failures = []
        self.threads = [threading.Thread(target=self.guard, args=(self.developer, n, random.Random(f"{seed}-d{n}-{life}")))
                        for n in range(DEVELOPERS)]
        self.threads += [threading.Thread(target=self.guard, args=(self.worker, n, random.Random(f"{seed}-w{n}-{life}")))
                         for n in range(WORKERS)]

    def run(self, seconds, kill):
        for thread in self.threads:
            thread.start()
        time.sleep(seconds)
        kill()
        self.ending.set()
        for thread in self.threads:
            thread.join(60)
        if self.failures:
            raise AssertionError(self.failures[0])

    def guard(self, role, number, draw):
        try:
            client = BuildsClient(self.node)
            try:
                while not self.ending.is_set():
                    role(client, number, draw)
            finally:
                client.close()
        except OSError:
            self.known.count("connections cut")
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(f"{role.__name__} {number} in life {self.life}: {error!r}")

    def expect(self, answer, *statuses):
        """503 says that nothing was done or that nobody knows: never an acknowledgement."""
        if answer.status == 503:
            self.known.count("answered 503")
            return False
        if answer.status not in statuses:
            raise AssertionError(f"status {answer.status}: {answer.body[:300]!r}")
        return answer.status == statuses[0]

    def submit(self, client, key, again=False):
        known = self.known
        try:
            answer = client.submit(("source of " + key).encode(), idempotency_key=key)
        except OSError:
            if not again:
                with known.lock:
                    known.unanswered.append(key)
            raise
        if not self.expect(answer, 200):
            with known.lock:
                known.unanswered.append(key)
            return None
        build = answer.json()["id"]
        with known.lock:
            before = known.keys.setdefault(key, build)
            if before != build:
                raise AssertionError(f"key {key} gave {before}, then {build}")
            known.builds[build] = key
        known.count("submits acknowledged")
        return build

    def developer(self, client, number, draw):
        known = self.known
        with known.lock:
            repeat = known.unanswered.pop() if known.unanswered and draw.random() < 0.5 else None
        if repeat is not None:
            try:
                self.submit(client, repeat, again=True)
            except OSError:
                with known.lock:
                    known.unanswered.append(repeat)
                raise
            return
        if known.keys and draw.random() < 0.1:
            with known.lock:
                key = draw.choice(sorted(known.keys))
            self.submit(client, key, again=True)  # the same build again, as the client of a lost answer sees it
            return
        build = self.submit(client, f"life{self.life}-dev{number}-{draw.getrandbits(48):012x}")
        if build is not None and draw.random() < 0.2:
            with known.lock:
                known.maybe_cancelled.add(build)
            if self.expect(client.cancel(build), 200, 400):
                with known.lock:
                    known.cancelled.add(build)
                known.count("cancels acknowledged")

    def worker(self, client, number, draw):
        known, name = self.known, f"worker-{number}"
        answer = client.poll(name)
        if answer.status == 404:
            self.expect(client.register(name), 200)
            return
        if not self.expect(answer, 200):
            return
        job = answer.json()["job"]
        if job is None:
            time.sleep(0.002)
            return
        build = job["id"]
        with known.lock:
            owners = known.assigned.setdefault(build, set())
            owners.add(name)
            if len(owners) > 1:
                raise AssertionError(f"build {build} was given to {sorted(owners)}")
        if not self.expect(client.heartbeat(build, name), 200, 403, 409):
            return
        for line in range(draw.randrange(3)):
            message = f"{name} line {line} {draw.getrandbits(32):08x}"
            if self.expect(client.log(build, name, message), 200, 403):
                with known.lock:
                    known.logged.setdefault(build, []).append(message)
                known.count("log lines acknowledged")
        with known.lock:
            known.maybe_completed.add(build)
        answer = client.upload(build, name, ("result of " + build).encode())
        if self.expect(answer, 200, 403, 409) and answer.json()["status"] == "success":
            with known.lock:
                known.completed.add(build)
            known.count("results acknowledged")


def read_models(node):
    """Every answer that is folded from facts, by path."""
    client = BuildsClient(node)
    try:
        answers = {}
        for path in ("/builds", "/builds/statistics", "/builds/active"):
            answers[path] = client.call("GET", path)
        for build in answers["/builds"].json():
            for path in (f"/builds/{build['id']}/status", f"/builds/{build['id']}/logs"):
                answers[path] = client.call("GET", path)
        for path, answer in answers.items():
            assert answer.status == 200, (path, answer.status, answer.body)
        return {path: answer.body for path, answer in answers.items()}
    finally:
        client.close()


def check_answers(node, known):
    models = read_models(node)
    listed = [build["id"] for build in json.loads(models["/builds"])]
    assert len(listed) == len(set(listed)), "a build is listed twice"
    missing = set(known.builds) - set(listed)
    assert not missing, f"acknowledged builds are missing: {sorted(missing)[:5]}"
    client = BuildsClient(node)
    for build in known.builds:
        status = json.loads(models[f"/builds/{build}/status"])
        if build in known.completed:
            assert status["status"] == "completed", (build, status)
        if build in known.cancelled:
            assert status["status"] == "failed" and status["error_message"] == "Build cancelled by user", (build, status)
        if build not in known.maybe_completed:
            assert status["status"] != "completed", (build, status)
        messages = [line["message"] for line in json.loads(models[f"/builds/{build}/logs"])["logs"]]
        at = 0
        for message in known.logged.get(build, []):
            assert messages.count(message) == 1, (build, message, messages)
            at = messages.index(message, at)  # in the order acknowledged
    for build in sorted(known.completed)[-20:]:
        answer = client.call("GET", f"/builds/{build}/download")
        assert (answer.status, answer.body) == (200, ("result of " + build).encode()), (build, answer.status)
    client.close()
    return models


def check_log(node, known):
    environment = clean_environment({"TIDEMARK_SERVER": f"http://127.0.0.1:{node.port}", "TIDEMARK_DATA": node.data})
    done = subprocess.run([node.binary, "tail", "--topic", "builds.ledger", "--json"], env=environment, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ids = [event["id"] for event in events]
    assert len(ids) == len(set(ids)), "an event id is on the log twice"
    submitted, outcomes, commands = {}, {}, {}
    for event in events:
        kind = event["type"].split(".")[2]
        build = event["subject"]
        if kind == "BuildSubmitted":
            submitted[build] = submitted.get(build, 0) + 1
            commands[event["commandid"]] = commands.get(event["commandid"], 0) + 1
        elif kind in ("BuildCompleted", "BuildCancelled", "BuildFailed"):
            outcomes.setdefault(build, []).append(kind)
    assert all(count == 1 for count in submitted.values()), "a build was submitted twice"
    assert all(count == 1 for count in commands.values()), "a command was recorded twice"
    assert set(known.builds) <= set(submitted), "an acknowledged submit is not on the log"
    requested = len(known.keys) + len(set(known.unanswered) - set(known.keys))
    assert len(submitted) <= requested, f"{len(submitted)} builds from {requested} requests"
    for build, kinds in outcomes.items():
        assert len(kinds) == 1, (build, kinds)
    for build in known.completed:
        assert outcomes[build] == ["BuildCompleted"], (build, outcomes.get(build))
    for build in known.cancelled:
        assert outcomes[build] == ["BuildCancelled"], (build, outcomes.get(build))
    return len(events)


def rows(digest, node):
    """A line for every read model: name, number of rows, digest of their bytes. Not of the index: that a node has started is
    itself recorded and indexed, so a start between two looks changes it."""
    done = subprocess.run([digest, os.path.join(node.data, "stores", "projections")], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return "".join(line + "\n" for line in done.stdout.splitlines() if not line.startswith("builds.index-"))


def main():
    binary, digest, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seed = sys.argv[4] if len(sys.argv) > 4 else str(random.SystemRandom().getrandbits(32))
    print(f"seed {seed}", flush=True)
    draw = random.Random(seed)
    known = Acknowledged()
    starts = []
    with tempfile.TemporaryDirectory(prefix="tidemark-crash-") as folder:
        node = Node(binary, folder, SMALL_SEGMENTS)
        try:
            for life in range(kills):
                began = time.monotonic()
                node.start()
                starts.append(time.monotonic() - began)
                Load(node, known, seed, life).run(draw.uniform(*LIFE_S), node.kill)
            node.start()
            live = check_answers(node, known)
            events = check_log(node, known)
            assert node.stop() == 0, node.log_text()[-2000:]
            live_rows = rows(digest, node)
            shutil.rmtree(os.path.join(node.data, "stores"))
            node.start()
            again = read_models(node)
            for path in sorted(set(live) | set(again)):
                assert live.get(path) == again.get(path), (path, live.get(path), again.get(path))
            assert node.stop() == 0, node.log_text()[-2000:]
            rebuilt_rows = rows(digest, node)
            assert live_rows == rebuilt_rows, f"live:\n{live_rows}rebuilt:\n{rebuilt_rows}"
            done = subprocess.run([binary, "topics", "verify", "--data", node.data], env=clean_environment(), capture_output=True,
                                  text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        except BaseException:
            print(f"failed with seed {seed}; end of the node's log:\n{node.log_text()[-3000:]}", flush=True)
            raise
        finally:
            node.end()
    assert known.counts.get("submits acknowledged", 0) >= kills, f"hardly any load: {known.counts}"
    starts.sort()
    print(f"{kills} kills, serving again after {starts[len(starts) // 2]:.2f} s (median), {starts[-1]:.2f} s (slowest); {events} ledger events; {known.counts}")
    print("rows, live and rebuilt alike:\n" + live_rows, end="")


if __name__ == "__main__":
    main()
