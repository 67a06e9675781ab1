"""Following /events of a real node by Server-Sent Events and WebSocket: resuming, restarts, many followers, hostile ids."""

import base64
import json
import os
import socket
import struct
import sys
import tempfile
import unittest

from tidemark_process import Node

BINARY = sys.argv.pop(1)
DEADLINE_S = 30.0

SUBMIT = {"platform": "ios",
          "source": {"sha256": "ab" * 32, "size": 7, "kind": "source", "declared_name": "app.zip", "declared_type": "application/zip"},
          "access_token_sha256": "cd" * 32, "token_key_id": "k1"}


class Raw:
    """A socket read with a deadline; what was read too far stays in `rest`."""

    def __init__(self, port, request):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        self.rest = b""
        self.socket.sendall(request.encode())
        self.head = self.until(b"\r\n\r\n").decode()

    def until(self, mark):
        while mark not in self.rest:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError(self.rest)
            self.rest += piece
        found, self.rest = self.rest.split(mark, 1)
        return found

    def exactly(self, size):
        while len(self.rest) < size:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError(self.rest)
            self.rest += piece
        found, self.rest = self.rest[:size], self.rest[size:]
        return found

    def close(self):
        self.socket.close()


class Sse(Raw):
    def __init__(self, node, query="", last_id=None):
        extra = f"Last-Event-ID: {last_id}\r\n" if last_id is not None else ""
        super().__init__(node.port, f"GET /events{query} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
                                    f"X-Operator-Key: {node.read_key('operator.key')}\r\n{extra}\r\n")
        self.text = ""
        self.last_id = None

    def event(self):
        """The next event as (name, data); ids alone are passed over."""
        while True:
            while "\n\n" not in self.text:
                size = int(self.until(b"\r\n"), 16)
                if size == 0:
                    raise EOFError
                self.text += self.exactly(size).decode()
                self.exactly(2)
            block, self.text = self.text.split("\n\n", 1)
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                return fields.get("event", ""), json.loads(fields["data"])


class WebSocket(Raw):
    def __init__(self, node, query=""):
        key = base64.b64encode(os.urandom(16)).decode()
        super().__init__(node.port, f"GET /events{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: tidemark.events.v1\r\n"
                                    f"X-Operator-Key: {node.read_key('operator.key')}\r\n\r\n")

    def message(self):
        first, second = self.exactly(2)
        size = second & 0x7F
        if size == 126:
            size, = struct.unpack(">H", self.exactly(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.exactly(8))
        payload = self.exactly(size)
        return first & 0x0F, json.loads(payload) if first & 0x0F == 1 else payload

    def event(self):
        while True:
            opcode, message = self.message()
            if opcode == 1 and "event" in message:
                return message
            if opcode == 8:
                raise EOFError


class Events(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tidemark-events-")
        self.addCleanup(self.folder.cleanup)
        self.node = Node(BINARY, self.folder.name)
        self.addCleanup(self.node.end)
        self.node.start()

    def submit(self):
        answer = self.node.command("SubmitBuild", SUBMIT)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()["events"][0]["subject"]

    def get(self, path, headers=None):
        return self.node.request("GET", path, headers={"X-Operator-Key": self.node.read_key("operator.key"), **(headers or {})})

    def test_events_arrive_as_they_happen_and_after_a_restart(self):
        stream = Sse(self.node, "?type=BuildSubmitted")
        self.assertIn("text/event-stream", stream.head)
        builds = [self.submit() for _ in range(3)]
        seen = [stream.event()[1]["subject"] for _ in builds]
        self.assertEqual(seen, builds)
        last_id = stream.last_id
        self.assertEqual(self.node.stop(), 0)
        with self.assertRaises(EOFError):
            stream.event()
        stream.close()
        self.node.start()
        builds = [self.submit() for _ in range(2)]
        stream = Sse(self.node, "?type=BuildSubmitted", last_id)
        self.assertEqual([stream.event()[1]["subject"] for _ in builds], builds)
        stream.close()

    def test_a_websocket_carries_the_same_items_and_ids(self):
        build = self.submit()
        query = f"?subject={build}&type=BuildSubmitted,BuildCancelled&from=begin"
        stream, web_socket = Sse(self.node, query), WebSocket(self.node, query)
        self.assertIn("101", web_socket.head.split("\r\n")[0])
        self.assertIn("tidemark.events.v1", web_socket.head)
        self.node.command("CancelBuild", {"build_id": build})
        for _ in range(2):
            _, data = stream.event()
            message = web_socket.event()
            self.assertEqual(message["event"], data)
        page = self.get(f"/events{query.removesuffix('&from=begin')}&cursor={message['id']}").json()
        self.assertEqual(page["events"], [])
        stream.close()
        web_socket.close()

    def test_a_websocket_follower_that_speaks_or_closes_is_let_go(self):
        for opcode, payload, code in ((1, b"hello", 1008), (8, struct.pack(">H", 1000), 1000)):
            web_socket = WebSocket(self.node)
            web_socket.message()
            web_socket.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + b"\0\0\0\0" + payload)
            while True:
                kind, message = web_socket.message()
                if kind == 8:
                    break
            self.assertEqual(struct.unpack(">H", message[:2])[0], code)
            web_socket.close()
        self.assertEqual(self.node.stop(), 0)

    def test_many_followers_share_one_reader(self):
        streams = [Sse(self.node, f"?type=BuildSubmitted&tenant=t{i}" if i % 2 else "?type=BuildSubmitted") for i in range(200)]
        build = self.submit()
        for stream in streams[::2]:
            self.assertEqual(stream.event()[1]["subject"], build)
        for stream in streams:
            stream.close()
        self.assertEqual(self.node.stop(), 0)

    def test_a_follower_that_never_reads_harms_nobody(self):
        deaf = Sse(self.node)
        stream = Sse(self.node, "?type=BuildSubmitted")
        builds = [self.submit() for _ in range(60)]
        self.assertEqual([stream.event()[1]["subject"] for _ in builds], builds)
        deaf.close()
        stream.close()

    def test_ids_that_cannot_be_used_are_refused_before_a_stream_begins(self):
        self.submit()
        cursor = self.get("/events?domain=builds").json()["next"]
        for last_id, name in (("x", "cursor-malformed"), (cursor, "cursor-of-another-query"), (cursor[:-4] + "AAAA", "cursor-foreign"),
                              ("A" * 4000, "cursor-malformed")):
            answer = self.get("/events", {"Accept": "text/event-stream", "Last-Event-ID": last_id})
            self.assertEqual((answer.status, answer.json()["type"]), (400, "/problems/" + name))
        other = tempfile.TemporaryDirectory(prefix="tidemark-events-")
        self.addCleanup(other.cleanup)
        foreign = Node(BINARY, other.name)
        self.addCleanup(foreign.end)
        foreign.start()
        answer = foreign.request("GET", f"/events?domain=builds&cursor={cursor}", headers={"X-Operator-Key": foreign.read_key("operator.key")})
        self.assertEqual((answer.status, answer.json()["type"]), (400, "/problems/cursor-foreign"))

    def test_without_the_operator_key_nothing_is_followed(self):
        for headers in ({"Accept": "text/event-stream"}, {}):
            self.assertEqual(self.node.request("GET", "/events", headers=headers).status, 401)


if __name__ == "__main__":
    unittest.main()
