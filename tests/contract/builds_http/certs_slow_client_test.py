"""Large signing material for a client that does not read: one such answer lives at a time, and nobody waits for ever.

usage: certs_slow_client_test.py <tidemark binary>
"""

import base64
import io
import os
import select
import socket
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import API_KEY, Controller, check, equal, run  # noqa: E402

BINARY = sys.argv[1]
MIB = 1 << 20
LARGE = 45 * MIB


def bundle():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("x.p12", b"\0" * LARGE)
    return target.getvalue()


def an_answer_begins(clients):
    readable, _, _ = select.select([client.socket for client in clients], [], [], 90)
    check(readable, "an answer begins")


class Silent:
    """Asks, and reads nothing of the answer but its beginning."""

    def __init__(self, port, path, headers):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        self.socket.connect(("127.0.0.1", port))
        lines = [f"GET {path} HTTP/1.1", "Host: x", f"X-API-Key: {API_KEY}"] + [f"{name}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())

    def rest(self):
        """All that still comes, to the end of the connection or of the answer."""
        self.socket.settimeout(60)
        got = bytearray()
        try:
            while piece := self.socket.recv(1 << 16):
                got += piece
                if got.endswith(b"0\r\n\r\n") or len(got) > LARGE * 4 // 3:
                    break
        except ConnectionError:
            pass
        return bytes(got)


def a_client_that_does_not_read():
    """the next is answered when the first has been given up, and the first never gets the whole"""
    with Controller(BINARY) as c:
        worker = c.register()
        build = c.submit(certs=bundle())["id"]
        equal(c.poll(worker)["id"], build)
        path, headers = f"/api/builds/{build}/certs-secure", {"X-Worker-Id": worker, "X-Build-Id": build}

        def resident():
            with open(f"/proc/{c.process.pid}/status", encoding="ascii") as status:
                return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))
        silent = Silent(c.port, path, headers)
        an_answer_begins([silent])
        before = resident()
        waiting = [Silent(c.port, path, headers) for _ in range(3)]
        equal(c.get("/health", key=None).status, 200)
        an_answer_begins(waiting)  # when the first was given up
        check(resident() - before < 2 * LARGE, f"{(resident() - before) / MIB:.0f} MiB more with three that wait")
        check(len(silent.rest()) < LARGE, "the first was cut")
        for client in waiting:
            client.socket.close()
        reply = c.get(path, headers=headers)
        equal(reply.status, 200)
        equal(len(base64.b64decode(reply.json()["p12"])), LARGE)


run([a_client_that_does_not_read], "certs-secure and slow clients")
