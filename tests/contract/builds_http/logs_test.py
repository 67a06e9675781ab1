"""Log lines as they come and go: bytes of other encodings, large batches and lines, and long answers that delay nobody.

usage: logs_test.py <tidemark binary>
"""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import API_KEY, Controller, check, equal, run  # noqa: E402

from builds_world import refused  # noqa: E402

BINARY = sys.argv[1]
MIB = 1 << 20
controller = Controller(BINARY)


class Running:
    """A build under way and what is known of it."""

    def __init__(self, c):
        self.c, self.worker, self.id = c, c.register(), c.submit()["id"]
        while (job := c.poll(self.worker))["id"] != self.id:
            c.finish(job["id"], self.worker, success=False)
        self.path = f"/api/builds/{self.id}/logs"
        self.before = len(self.lines())

    def add(self, body):
        return self.c.post(self.path, body, headers={"X-Worker-Id": self.worker, "Content-Type": "application/json"})

    def lines(self):
        return self.c.get(self.path).json()["logs"]

    def added(self):
        return [line["message"] for line in self.lines()[self.before:]]


def other_encodings():
    """a byte that is not UTF-8 costs itself, not its batch"""
    build = Running(controller)
    reply = build.add(b'{"logs":[{"level":"info","message":"good"},{"level":"error","message":"caf\xe9 \xf0\x9f\x93 \xc3\xa9"},'
                      b'{"level":"info","message":"after"}]}')
    equal((reply.status, reply.text), (200, '{"success":true,"count":3}'))
    equal(build.added(), ["good", "caf\ufffd \ufffd\ufffd\ufffd \u00e9", "after"])
    equal(build.add(b'{"level":"info","message":"\xff"}').status, 200)
    equal(build.added()[3:], ["\ufffd"])
    refused(build.add(b'{"level":"info","message":"\xff'), 400, "Invalid JSON body")
    reply = controller.post("/api/workers/fail", b'{"build_id":"' + build.id.encode() + b'","error":"stra\xdfe"}')
    equal(reply.status, 200, reply)
    equal(controller.status(build.id)["error_message"], "stra\ufffde")


def large_batches():
    """up to 8 MiB in one request: every line is there once and in order, whatever it becomes in JSON"""
    build = Running(controller)
    messages = [f"{i} " + "x" * 1000 for i in range(4000)] + ["\x01" * 200_000, "\u20ac" * 200_000, "end"]
    body = '{"logs":[' + ",".join('{"level":"info","message":"%s"}' % m.replace("\x01", "\\u0001") for m in messages) + "]}"
    body = body.encode()
    check(5 * MIB < len(body) <= 8 * MIB, len(body))
    reply = build.add(body)
    equal((reply.status, reply.text), (200, '{"success":true,"count":%d}' % len(messages)))
    check(build.added() == messages, "all of them, in order")
    room = 8 * MIB - len('{"level":"info","message":""}')
    refused(build.add('{"level":"info","message":"%s"}' % ("y" * (room + 1))), 413, "Request body too large")


def long_lines():
    """a line that is longer than one may be goes on in the next, never inside a character"""
    build = Running(controller)
    text = "a" + "\u20ac" * (5 * MIB // 3)
    equal(build.add('{"level":"warn","message":"%s"}' % text).status, 200)
    parts = build.added()
    check("".join(parts) == text, "nothing is lost")
    equal([len(part.encode()) <= MIB for part in parts], [True] * 6)
    equal({line["level"] for line in build.lines()[build.before:]}, {"warn"})


def long_answers_delay_nobody():
    """while many lines are made into an answer, others are answered"""
    build = Running(controller)
    line = '{"level":"info","message":""}'
    for _ in range(9):
        equal(build.add('{"logs":[' + ",".join([line] * 30_000) + "]}").status, 200)

    def ask(wire, path):
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\n\r\n".encode())
    for _ in range(20):  # a busy machine may let either be first
        with socket.create_connection(("127.0.0.1", controller.port), timeout=60) as slow, \
                socket.create_connection(("127.0.0.1", controller.port), timeout=60) as quick:
            ask(quick, "/health")
            quick.recv(65536)
            ask(slow, build.path)
            time.sleep(0.05)  # it is being made by now
            ask(quick, "/health")
            check(quick.recv(65536).startswith(b"HTTP/1.1 200"), "healthy")
            slow.setblocking(False)
            try:
                slow.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return
    raise AssertionError("health never came before the lines")


with controller:
    run([other_encodings, large_batches, long_lines, long_answers_delay_nobody], "log lines")
