"""Two submissions under one Idempotency-Key at the same time: the one that is refused leaves no file behind.

usage: one_key_test.py <tidemark binary>
"""

import sys
import threading

from store import Store, equal, run

BINARY = sys.argv[1]
ROUNDS = 10


def the_refused_one_replaces_no_certificates():
    """of two with different certificates one makes the build and the other is refused; the build has those of the first"""
    with Store(BINARY) as c:
        for i in range(ROUNDS):
            replies = {}

            def submit(certs, number=i, into=replies):
                parts = [("source", b"source", "s.zip", "application/zip"), ("certs", certs, "c.zip", "application/zip"), ("platform", "ios")]
                into[certs] = c.form("/api/builds/submit", parts, headers={"Idempotency-Key": f"intention-{number}"})
            both = [threading.Thread(target=submit, args=(f"certificates {who} {i}".encode(),)) for who in ("one", "two")]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            equal(sorted(reply.status for reply in replies.values()), [200, 422], f"{replies}")
            certs, reply = next((certs, reply) for certs, reply in replies.items() if reply.status == 200)
            build, worker = reply.json()["id"], c.register()
            equal(c.poll(worker)["id"], build)
            equal(c.get(f"/api/builds/{build}/certs", headers={"X-Worker-Id": worker}).body, certs, f"round {i}")
            c.finish(build, worker)
        equal(len(c.files("private")), ROUNDS, "and no other file is left")


run([the_refused_one_replaces_no_certificates], "one key")
