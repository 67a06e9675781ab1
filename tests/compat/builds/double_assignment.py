"""No build is ever given to two workers, and no worker ever holds two builds, however they poll at once.

usage: double_assignment.py <tidemark binary> [rounds]
"""

import http.client
import json
import sys
import threading

from controller import API_KEY, Controller, equal, run

BINARY = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 50


def poll_at_once(port, workers):
    """Every worker polls over a connection of its own, all released by one barrier. Returns the job ids (or None)."""
    barrier = threading.Barrier(len(workers))
    jobs = [None] * len(workers)
    errors = []

    def one(index, worker):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.connect()
            barrier.wait()
            connection.request("GET", f"/api/workers/poll?worker_id={worker}", headers={"X-API-Key": API_KEY})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise AssertionError(f"{response.status} {body!r}")
            job = json.loads(body)["job"]
            jobs[index] = job and job["id"]
        except Exception as error:  # noqa: BLE001 - reported below
            errors.append(error)
            barrier.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(errors, [])
    return jobs


def ten_workers_one_build():
    """10 workers, 1 build: one job, nine null"""
    with Controller(BINARY) as c:
        workers = [c.register(f"w{i}") for i in range(10)]
        for _ in range(ROUNDS):
            build = c.submit()["id"]
            jobs = poll_at_once(c.port, workers)
            equal([job for job in jobs if job], [build])
            winner = workers[jobs.index(build)]
            equal(c.status(build)["worker_id"], winner)
            c.finish(build, winner)


def twenty_workers_ten_builds():
    """20 workers, 10 builds: ten distinct jobs"""
    with Controller(BINARY) as c:
        workers = [c.register(f"w{i}") for i in range(20)]
        for _ in range(ROUNDS):
            builds = [c.submit()["id"] for _ in range(10)]
            jobs = poll_at_once(c.port, workers)
            equal(sorted(job for job in jobs if job), sorted(builds))
            active = c.get("/api/builds/active").json()["builds"]
            equal({b["id"]: b["worker_id"] for b in active},
                  {job: worker for job, worker in zip(jobs, workers) if job})
            for job, worker in zip(jobs, workers):
                if job:
                    c.finish(job, worker)


run([ten_workers_one_build, twenty_workers_ten_builds], f"double assignment, {ROUNDS} rounds")
