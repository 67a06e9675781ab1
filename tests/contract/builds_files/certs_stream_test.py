"""Certificates as they are sent to the worker: a frame at a time, with ranges and conditions, whole or not at all.

usage: certs_stream_test.py <tidemark binary>
"""

import hashlib
import os
import socket
import sys

from store import API_KEY, Store, check, equal, run, until

BINARY = sys.argv[1]
FRAME = 64 << 10


def resident(c):
    with open(f"/proc/{c.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS"))


def slow_reader(c, path, worker):
    """Reads the head and then nothing."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.settimeout(60)
    wire.connect(("127.0.0.1", c.port))
    wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\nX-Worker-Id: {worker}\r\n\r\n".encode())
    check(wire.recv(12).endswith(b" 200"), "it is answered")
    return wire


def conditions_and_ranges():
    """ETag, ranges within and across frames, and conditions of certificates are those of every file"""
    for size in (3 * FRAME + 500, 2 * FRAME, 1, 0):
        with Store(BINARY) as c:
            content = os.urandom(size)
            worker, build = c.register(), c.submit(certs=content)["id"]
            equal(c.poll(worker)["id"], build)
            tag = '"' + hashlib.sha256(content).hexdigest() + '"'

            def get(method="GET", **headers):
                sent = {"X-Worker-Id": worker, **{k.replace("_", "-"): v for k, v in headers.items()}}
                reply = c.request(method, f"/api/builds/{build}/certs", headers=sent)
                return reply.status, reply.body, reply.headers
            status, body, headers = get()
            check((status, body) == (200, content), f"{size} bytes: the whole")
            equal((headers["etag"], headers["accept-ranges"], headers["content-length"], headers["cache-control"]),
                  (tag, "bytes", str(size), "no-store"))
            status, body, headers = get("HEAD")
            equal((status, body, headers["content-length"], headers["etag"]), (200, b"", str(size), tag))
            equal(get(If_None_Match=tag)[:2], (304, b""))
            equal(get(Range=f"bytes={size}-")[0], 416)
            for first, last in ((0, 0), (10, 99), (FRAME - 1, FRAME), (FRAME, 2 * FRAME - 1), (100, 3 * FRAME + 20), (size - 1, size - 1)):
                if not 0 <= first <= last < size:
                    continue
                status, body, headers = get(Range=f"bytes={first}-{last}")
                equal((status, headers["content-range"]), (206, f"bytes {first}-{last}/{size}"))
                check(body == content[first:last + 1], f"the bytes {first}-{last} of {size}")
            check(get(If_Range='"other"', Range="bytes=0-0")[1] == content, "another tag: the whole")


def damage_is_never_sent():
    """a byte changed in any frame: 500, and not the frames before it"""
    with Store(BINARY) as c:
        worker, build = c.register(), c.submit(certs=os.urandom(3 * FRAME))["id"]
        equal(c.poll(worker)["id"], build)
        with open(c.certs_file(build), "r+b") as file:
            file.seek(-5, os.SEEK_END)
            byte = file.read(1)
            file.seek(-5, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))
        reply = c.get(f"/api/builds/{build}/certs", headers={"X-Worker-Id": worker})
        equal((reply.status, reply.text), (500, '{"error":"Internal server error"}'))
        until(lambda: c.metric("tidemark_blob_damaged_total") == 1, "it is counted")


def slow_readers_hold_little():
    """thirty readers that take nothing hold a frame each, not the file"""
    size, readers = 10 << 20, 30
    with Store(BINARY) as c:
        worker, build = c.register(), c.submit(certs=os.urandom(size))["id"]
        equal(c.poll(worker)["id"], build)
        path = f"/api/builds/{build}/certs"
        equal(len(c.get(path, headers={"X-Worker-Id": worker}).body), size)
        before = resident(c)
        wires = [slow_reader(c, path, worker) for _ in range(readers)]
        grown = resident(c) - before
        check(grown < 8 * size, f"{readers} answers under way hold {grown} bytes")
        equal(c.get("/health", key=None).status, 200)
        for wire in wires:
            wire.close()


run([conditions_and_ranges, damage_is_never_sent, slow_readers_hold_little], "certificates as they are sent")
