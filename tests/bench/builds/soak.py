#!/usr/bin/env python3
"""100 builds at once on one node: 100 submissions in the same moment, then every build streams log lines, telemetry, CPU snapshots
and heartbeats until it delivers, while developers watch. Any answer that is not 200 is an error. Prints how memory and
descriptors of the node went, and compares the rows of every read model with those of a fold from zero.

    soak.py --tidemark build/bench/tidemark --digest build/bench/tests/integration/crash/rows_digest [--seconds 600] [--builds 100] [--pace 1]

--pace 10 makes everything ten times as frequent.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support", "process"))
from tidemark_process import BuildsClient, Node  # noqa: E402

LOG_S, BEAT_S, TELEMETRY_S, SNAPSHOT_S, WATCH_S, SAMPLE_S = 1.0, (20.0, 30.0), 30.0, 5.0, 2.0, 5.0
WATCHERS = 10


class Counts:
    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.errors, self.slowest = {}, [], 0.0

    def call(self, what, call, statuses=(200,)):
        began = time.monotonic()
        try:
            answer = call()
        except (OSError, http.client.HTTPException) as error:
            with self.lock:
                self.errors.append(f"{what}: {error!r}")
            return None
        took = time.monotonic() - began
        with self.lock:
            self.sent[what] = self.sent.get(what, 0) + 1
            self.slowest = max(self.slowest, took)
            if answer.status not in statuses:
                self.errors.append(f"{what}: {answer.status} {answer.body[:200]!r}")
                return None
        return answer


class Build:
    """One worker and the build it runs."""

    def __init__(self, soak, number):
        self.soak, self.number, self.worker = soak, number, f"worker-{number}"
        self.id = None
        self.lines = 0
        self.draw = random.Random(f"{soak.seed}-{number}")

    def take(self, client):
        self.soak.counts.call("register", lambda: client.register(self.worker))
        answer = self.soak.counts.call("poll", lambda: client.poll(self.worker))
        self.id = answer.json()["job"]["id"]

    def stream(self):
        client, counts, pace = BuildsClient(self.soak.node), self.soak.counts, self.soak.options.pace
        own = {"X-Worker-Id": self.worker, "X-Build-Id": self.id}
        due = {"log": LOG_S, "beat": self.draw.uniform(*BEAT_S), "telemetry": TELEMETRY_S, "snapshot": SNAPSHOT_S}
        due = {what: time.monotonic() + self.draw.random() * every / pace for what, every in due.items()}
        beats = 0
        while True:
            what = min(due, key=due.get)
            if due[what] >= self.soak.ends:
                break
            time.sleep(max(0.0, due[what] - time.monotonic()))
            if what == "log":
                text = f"line {self.lines} " + "x" * self.draw.randrange(200)
                if counts.call("log line", lambda: client.log(self.id, self.worker, text)):
                    self.lines += 1
                due[what] += LOG_S / pace
            elif what == "beat":
                beats += 1
                counts.call("heartbeat", lambda: client.post_json(f"/builds/{self.id}/heartbeat?worker_id={self.worker}", {}))
                due[what] += self.draw.uniform(*BEAT_S) / pace
            elif what == "telemetry":
                metrics = {"cpu_percent": self.draw.uniform(0, 400), "memory_mb": 2000 + beats, "disk_percent": 40, "processes": 80}
                data = {"heartbeat_count": beats, "stage": "compiling", "metrics": metrics, "uptime_seconds": int(time.monotonic())}
                counts.call("telemetry", lambda: self.telemetry(client, "heartbeat", data, own))
                due[what] += TELEMETRY_S / pace
            else:
                data = {"cpu_percent": self.draw.uniform(0, 400), "memory_mb": self.draw.uniform(500, 4000)}
                counts.call("CPU snapshot", lambda: self.telemetry(client, "cpu_snapshot", data, own))
                due[what] += SNAPSHOT_S / pace
        counts.call("result", lambda: client.upload(self.id, self.worker, b"result of " + self.id.encode()))
        client.close()

    def telemetry(self, client, kind, data, own):
        return client.post_json(f"/builds/{self.id}/telemetry", {"type": kind, "timestamp": "2026-11-21T12:00:00Z", "data": data}, own)


class Soak:
    def __init__(self, node, options):
        self.node, self.options, self.seed = node, options, options.seed
        self.counts = Counts()
        self.builds = [Build(self, number) for number in range(options.builds)]
        self.ends = 0.0

    def submit_at_once(self):
        barrier, submitted = threading.Barrier(len(self.builds)), []

        def one(number):
            client = BuildsClient(self.node)
            barrier.wait()
            answer = self.counts.call("submit", lambda: client.submit(f"source {number}".encode()))
            if answer:
                submitted.append(answer.json()["id"])
            client.close()

        began = time.monotonic()
        run_all([lambda n=n: one(n) for n in range(len(self.builds))])
        assert len(set(submitted)) == len(self.builds), f"{len(set(submitted))} of {len(self.builds)} submissions were accepted: {self.counts.errors[:3]}"
        print(f"{len(submitted)} submissions at once, all accepted, {time.monotonic() - began:.2f} s", flush=True)

    def watch(self, number):
        client, draw = BuildsClient(self.node), random.Random(f"{self.seed}-watcher-{number}")
        while time.monotonic() < self.ends:
            build = draw.choice(self.builds).id
            self.counts.call("status", lambda: client.call("GET", f"/builds/{build}/status"))
            self.counts.call("log list", lambda: client.call("GET", f"/builds/{build}/logs?limit=50"))
            self.counts.call("active list", lambda: client.call("GET", "/builds/active"))
            time.sleep(WATCH_S / self.options.pace)
        client.close()

    def sample(self, samples):
        process = f"/proc/{self.node.process.pid}"
        while time.monotonic() < self.ends:
            with open(process + "/statm", encoding="ascii") as statm:
                resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            samples.append((time.monotonic(), resident / 2**20, len(os.listdir(process + "/fd"))))
            time.sleep(min(SAMPLE_S, self.options.seconds / 10))

    def run(self):
        self.submit_at_once()
        client = BuildsClient(self.node)
        for build in self.builds:
            build.take(client)
        assert len({build.id for build in self.builds}) == len(self.builds)
        client.close()
        samples = []
        self.ends = time.monotonic() + self.options.seconds
        run_all([build.stream for build in self.builds] + [lambda n=n: self.watch(n) for n in range(WATCHERS)] + [lambda: self.sample(samples)])
        self.check()
        self.report(samples)

    def check(self):
        client = BuildsClient(self.node)
        for build in self.builds:
            status = client.call("GET", f"/builds/{build.id}/status").json()
            if status["status"] != "completed":
                self.counts.errors.append(f"{build.id} is {status}")
            lines = [line for line in client.call("GET", f"/builds/{build.id}/logs").json()["logs"] if line["message"].startswith("line ")]
            if [line["message"].split()[1] for line in lines] != [str(n) for n in range(build.lines)]:
                self.counts.errors.append(f"{build.id}: {len(lines)} of {build.lines} log lines, or not in order")
        client.close()

    def report(self, samples):
        settled = samples[len(samples) // 3:]  # caches have filled
        print(f"{sum(self.counts.sent.values())} calls: {json.dumps(self.counts.sent)}")
        print(f"errors: {len(self.counts.errors)}; slowest answer {self.counts.slowest * 1000:.0f} ms")
        print(f"resident {samples[0][1]:.1f} MiB at first, {samples[-1][1]:.1f} MiB at last, at most {max(s[1] for s in samples):.1f}; "
              f"slope {slope(settled, 1) * 60:+.3f} MiB a minute")
        print(f"descriptors {samples[0][2]} at first, {samples[-1][2]} at last; slope {slope(settled, 2) * 60:+.3f} a minute")


def slope(samples, column):
    """Least squares, per second."""
    count = len(samples)
    mean_t, mean_v = sum(s[0] for s in samples) / count, sum(s[column] for s in samples) / count
    spread = sum((s[0] - mean_t) ** 2 for s in samples)
    return sum((s[0] - mean_t) * (s[column] - mean_v) for s in samples) / spread if spread else 0.0


def run_all(works):
    failures = []

    def guarded(work):
        try:
            work()
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def rows(digest, node):
    """A line for every read model: name, number of rows, digest of their bytes. Not of the index: that a node has started is
    itself recorded and indexed, so a start between two looks changes it."""
    done = subprocess.run([digest, os.path.join(node.data, "stores", "projections")], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return "".join(line + "\n" for line in done.stdout.splitlines() if not line.startswith("builds.index-"))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tidemark", required=True)
    arguments.add_argument("--digest", required=True)
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--builds", type=int, default=100)
    arguments.add_argument("--pace", type=float, default=1)
    arguments.add_argument("--seed", default=str(random.SystemRandom().getrandbits(32)))
    options = arguments.parse_args()
    print(f"seed {options.seed}; load average {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="tidemark-soak-") as folder:
        node = Node(os.path.abspath(options.tidemark), folder)
        try:
            node.start()
            soak = Soak(node, options)
            soak.run()
            assert node.stop() == 0, node.log_text()[-2000:]
            live = rows(options.digest, node)
            shutil.rmtree(os.path.join(node.data, "stores"))
            node.start()
            assert node.stop() == 0, node.log_text()[-2000:]
            rebuilt = rows(options.digest, node)
            assert live == rebuilt, f"live:\n{live}rebuilt:\n{rebuilt}"
            print("rows of every read model, live and rebuilt alike:\n" + live, end="")
        except BaseException:
            print(f"end of the node's log:\n{node.log_text()[-3000:]}", flush=True)
            raise
        finally:
            node.end()
    if soak.counts.errors:
        print("\n".join(soak.counts.errors[:10]))
        sys.exit(1)


if __name__ == "__main__":
    main()
