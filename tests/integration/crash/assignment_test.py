"""No build is ever given to two workers and no worker two builds, however they poll at once and however often the owner is
killed (-9) meanwhile. A round is two races: 10 workers for one build, then 20 workers for ten. The log is audited afterwards.

    assignment_test.py <tidemark> <rounds> [seed]
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time

from tidemark_process import BuildsClient, Node, clean_environment

WORKERS = 20
KILL_EVERY = 10        # races, about
KILL_WITHIN_S = 0.012  # after the polls are let go
PATIENCE_S = 120.0


class Worker(threading.Thread):
    """Polls when the race begins; over the owner's deaths it polls until it is answered."""

    def __init__(self, race, number):
        super().__init__(daemon=True)
        self.race, self.name_ = race, f"worker-{number}"
        self.number = number
        self.client = None
        self.job = self.error = None

    def run(self):
        while True:
            self.race.start_line.wait()
            if self.race.over:
                return
            if self.number < self.race.polling:
                try:
                    self.job = self.poll()
                except Exception as error:  # pylint: disable=broad-except
                    self.error = error
            self.race.finish_line.wait()

    def answered(self, call):
        """The answer to `call(client)`, asked again for as long as nobody answers."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if self.client is None:
                    self.client = BuildsClient(self.race.node)
                answer = call(self.client)
                if answer.status != 503:
                    return answer
            except OSError:
                self.client = None
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name_} was not answered in {PATIENCE_S} s")
            time.sleep(0.01)

    def poll(self):
        answer = self.answered(lambda client: client.poll(self.name_))
        if answer.status != 200:
            raise AssertionError(f"poll: {answer.status} {answer.body!r}")
        job = answer.json()["job"]
        return job and job["id"]


class Race:
    def __init__(self, node, draw):
        self.node, self.draw = node, draw
        self.polling = 0
        self.over = False
        self.kills = self.polls = self.submits = 0
        self.slowest_start = 0.0
        self.start_line = threading.Barrier(WORKERS + 1)
        self.finish_line = threading.Barrier(WORKERS + 1)
        self.workers = [Worker(self, number) for number in range(WORKERS)]
        self.caller = Worker(self, WORKERS)  # never started: its patience is used
        for worker in self.workers:
            answer = self.caller.answered(lambda client, name=worker.name_: client.register(name))
            assert answer.status == 200, answer.body
            worker.start()

    def submit(self):
        self.submits += 1
        key = f"race-{self.submits}"
        answer = self.caller.answered(lambda client: client.submit(b"source", idempotency_key=key))
        assert answer.status == 200, answer.body
        return answer.json()["id"]

    def run(self, workers, builds):
        wanted = sorted(self.submit() for _ in range(builds))
        self.polling = workers
        kill = self.draw.random() < 1 / KILL_EVERY
        self.start_line.wait()
        if kill:
            time.sleep(self.draw.uniform(0, KILL_WITHIN_S))
            self.node.kill()
            began = time.monotonic()
            self.node.start()
            self.slowest_start = max(self.slowest_start, time.monotonic() - began)
            self.kills += 1
        self.finish_line.wait()
        self.polls += workers
        took_part = self.workers[:workers]
        for worker in took_part:
            if worker.error:
                raise worker.error
        given = sorted(worker.job for worker in took_part if worker.job)
        assert given == wanted, f"{workers} workers, {builds} builds: given {given}, wanted {wanted}"
        for worker in took_part:
            if worker.job:
                data = {"build_id": worker.job, "error": "the race is over"}
                answer = self.caller.answered(lambda client, w=worker, d=data: client.post_json("/workers/fail", d, {"X-Worker-Id": w.name_}))
                assert answer.status == 200, answer.body

    def end(self):
        self.over = True
        self.start_line.wait()


def audit(node):
    """Follows the ledger: at no point has a build two workers or a worker two builds."""
    environment = clean_environment({"TIDEMARK_SERVER": f"http://127.0.0.1:{node.port}", "TIDEMARK_DATA": node.data})
    done = subprocess.run([node.binary, "tail", "--topic", "builds.ledger", "--json"], env=environment, capture_output=True, text=True,
                          timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    worker_of, build_of, assignments = {}, {}, 0
    for line in done.stdout.splitlines():
        event = json.loads(line)
        kind, data = event["type"].split(".")[2], event["data"]
        if kind == "BuildAssigned":
            build, worker = data["build_id"], data["worker_id"]
            assert build not in worker_of, f"{build} was given to {worker} while {worker_of[build]} had it"
            assert worker not in build_of, f"{worker} was given {build} while it had {build_of[worker]}"
            worker_of[build], build_of[worker] = worker, build
            assignments += 1
        elif kind in ("BuildCompleted", "BuildFailed", "BuildCancelled", "BuildTimedOut", "BuildRequeued"):
            worker = worker_of.pop(data["build_id"], None)
            if worker is not None:
                assert build_of.pop(worker) == data["build_id"]
    assert not worker_of, f"still assigned at the end: {worker_of}"
    return assignments


def main():
    binary, rounds = sys.argv[1], int(sys.argv[2])
    seed = sys.argv[3] if len(sys.argv) > 3 else str(random.SystemRandom().getrandbits(32))
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tidemark-races-") as folder:
        node = Node(binary, folder)
        try:
            node.start()
            race = Race(node, random.Random(seed))
            for _ in range(rounds):
                race.run(10, 1)
                race.run(20, 10)
            race.end()
            assignments = audit(node)
            assert assignments == 11 * rounds, f"{assignments} assignments on the log, {11 * rounds} wanted"
        except BaseException:
            print(f"failed with seed {seed}; end of the node's log:\n{node.log_text()[-3000:]}", flush=True)
            raise
        finally:
            node.end()
    print(f"{rounds} x (10 workers, 1 build) and {rounds} x (20 workers, 10 builds), {race.polls} polls, {race.kills} kills of the owner "
          f"(slowest start {race.slowest_start:.2f} s): {assignments} assignments on the log, 0 double; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
