"""A controller whose broker is killed and started again under submissions: it goes on by itself, what it answered is there, each once.

usage: broker_outage.py <tidemark binary>
"""

import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support", "process"))

import controller  # noqa: E402
from controller import Controller, check, equal, run  # noqa: E402
from kafka_broker import Broker  # noqa: E402

BINARY = sys.argv[1]
controller.START_PATIENCE_S = 120


def outage():
    """submissions before, during and after an outage of the broker"""
    with Broker() as broker, Controller(BINARY, environment={"TIDEMARK_LOG": f"kafka://{broker.bootstrap}"}) as c:
        keys, accepted, stop = {}, {}, threading.Event()

        def submit(key):
            """The same until it is answered: a client that was told nothing asks again with its key."""
            parts = [("source", b"PK\x03\x04 source", "project.tar.gz", "application/gzip"), ("platform", "ios")]
            reply = c.form("/api/builds/submit", parts, headers={"Idempotency-Key": key})
            if reply.status == 200:
                accepted.setdefault(key, set()).add(reply.json()["id"])
            return reply.status

        def client(name):
            n = 0
            while not stop.is_set():
                key = keys.setdefault(f"{name}-{n}", f"key-{name}-{n}")
                try:
                    if submit(key) == 200:
                        n += 1
                        continue
                except OSError:
                    pass
                time.sleep(0.1)

        clients = [threading.Thread(target=client, args=(name,)) for name in "abc"]
        for thread in clients:
            thread.start()

        def wait_for(count):
            deadline = time.monotonic() + 120
            while len(accepted) < count:
                check(time.monotonic() < deadline, f"{len(accepted)} of {count} accepted in two minutes")
                time.sleep(0.1)

        try:
            wait_for(10)
            broker.kill()
            time.sleep(3)
            broker.start()
            wait_for(len(accepted) + 15)
        finally:
            stop.set()
            for thread in clients:
                thread.join()
        check(c.process.poll() is None, "the node has ended")
        for key, ids in accepted.items():
            equal(len(ids), 1, f"{key} was given several builds")
        def pending(build):
            """Until the owner's lease is certain again it answers 503: ask again."""
            deadline = time.monotonic() + 60
            while (reply := c.get(f"/api/builds/{build}/status")).status == 503 and time.monotonic() < deadline:
                time.sleep(0.1)
            equal((reply.status, reply.json().get("status")), (200, "pending"))

        everything = set().union(*accepted.values())
        equal(len(everything), len(accepted), "two keys share a build")
        for build in everything:
            pending(build)
        queue = c.get("/health", key=None).json()["queue"]["total"]
        check(len(everything) <= queue <= len(keys), f"{queue} builds for {len(everything)} answers and {len(keys)} keys")
        c.stop()
        c.start()
        for build in everything:
            pending(build)
        print(f"      {len(everything)} accepted, {queue} builds", flush=True)


run([outage], "broker outage")
