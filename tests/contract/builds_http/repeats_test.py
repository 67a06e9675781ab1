"""Requests that come again when their Idempotency-Key is forgotten, and uploads that say late whose they are.

usage: repeats_test.py <tidemark binary> <forgotten|same|unnamed>
"""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import API_KEY, Controller, check, equal, run  # noqa: E402

BINARY = sys.argv[1]


def a_key_that_is_forgotten():
    """the same content under a forgotten key gets its build again, other content a build of its own"""
    with Controller(BINARY, "--idempotency-window", "1m") as c:
        def send(source, certs=b"certs", platform="ios"):
            parts = [("source", source, "a.zip", "application/zip"), ("platform", platform)]
            if certs is not None:
                parts.append(("certs", certs, "c.zip", "application/zip"))
            return c.form("/api/builds/submit", parts, headers={"Idempotency-Key": "k"})

        def retry():
            return c.post(f"/api/builds/{first['id']}/retry", headers={"Idempotency-Key": "r"})
        first = send(b"one").json()
        retried = retry().json()
        equal(send(b"one").json(), first, "remembered")
        equal(send(b"two").status, 422, "remembered")
        deadline = time.monotonic() + 120
        while (reply := send(b"two")).status == 422 and time.monotonic() < deadline:
            time.sleep(1)
        equal(reply.status, 200, reply)
        other = reply.json()
        check(other["id"] not in (first["id"], retried["id"]), "a build of its own")
        equal(send(b"two").json(), other, "remembered again")
        equal(retry().json(), retried)
        equal(len(c.get("/api/builds").json()), 3)
        for build, source in ((first, b"one"), (other, b"two")):
            equal(c.get(f"/api/builds/{build['id']}/download/source", headers={"X-Build-Token": build["access_token"]}, key=None).body, source)
        for expected in (first, retried, other):
            worker = c.register()
            equal(c.poll(worker)["id"], expected["id"])
            equal(c.get(f"/api/builds/{expected['id']}/certs", headers={"X-Worker-Id": worker}).body, b"certs")


def the_same_after_the_window():
    """a repeat after the window is answered as the first was"""
    with Controller(BINARY, "--idempotency-window", "1m") as c:
        first = c.submit(certs=b"certs", headers={"Idempotency-Key": "k"})
        probe = {"Idempotency-Key": "probe"}
        c.submit(source=b"one", headers=probe)
        deadline = time.monotonic() + 120
        parts = [("source", b"two", "a", "b"), ("platform", "ios")]
        while c.form("/api/builds/submit", parts, headers=probe).status == 422 and time.monotonic() < deadline:
            time.sleep(1)  # until what came later than the first is forgotten
        equal(c.submit(certs=b"certs", headers={"Idempotency-Key": "k"}), first)
        equal(len(c.get("/api/builds").json()), 3)


def a_result_that_names_nobody_yet():
    """while the bytes of a result arrive, file first, no build ends by silence"""
    with Controller(BINARY, "--builds-assigned-silence", "4s", "--builds-building-silence", "4s") as c:
        worker, build = c.register(), c.submit()["id"]
        equal(c.poll(worker)["id"], build)
        head = b'--b\r\nContent-Disposition: form-data; name="result"; filename="app.ipa"\r\n\r\n'
        tail = b"".join(b'\r\n--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s' % (name, value.encode()) for name, value in
                        ((b"build_id", build), (b"worker_id", worker), (b"success", "true"))) + b"\r\n--b--\r\n"
        pieces = [b"r" * 20_000] * 45
        with socket.create_connection(("127.0.0.1", c.port), timeout=60) as wire:
            length = len(head) + sum(map(len, pieces)) + len(tail)
            wire.sendall(f"POST /api/workers/upload HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\nConnection: close\r\n"
                         f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n".encode() + head)
            for piece in pieces:
                wire.sendall(piece)
                time.sleep(0.2)  # nine seconds in all: more than twice the silence that is allowed
            equal(c.status(build)["status"], "assigned")
            wire.sendall(tail)
            check(wire.recv(65536).startswith(b"HTTP/1.1 200"), "it is taken")
        equal(c.status(build)["status"], "completed")
        names = [line["message"] for line in c.get(f"/api/builds/{build}/logs").json()["logs"]]
        check(not any("timeout" in name for name in names), names)


TESTS = {"forgotten": a_key_that_is_forgotten, "same": the_same_after_the_window, "unnamed": a_result_that_names_nobody_yet}
run([TESTS[sys.argv[2]]], "repeats")
