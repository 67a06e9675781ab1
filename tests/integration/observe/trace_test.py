"""A trace through a node: request, command, event, log line. And what the log may say."""

import json
import os
import sys
import tempfile
import time
import unittest

from tidemark_process import BuildsClient, Node

BINARY = sys.argv.pop(1)
WAIT_S = 30.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Trace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tidemark-trace-")
        cls.node = Node(BINARY, cls.folder.name, ["--log-format", "json", "--access-log"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.node.end()
        cls.folder.cleanup()

    def records(self, topic):
        """Every event of the topic, as CloudEvents."""
        key = {"X-Operator-Key": self.node.read_key("operator.key")}
        topics = self.node.request("GET", "/topics", headers=key).json()
        lanes = next(t for t in topics["topics"] if t["name"] == topic)["lanes"]
        return [json.loads(line) for lane in range(len(lanes))
                for line in self.node.request("GET", f"/topics/{topic}/lanes/{lane}/records?from=0", headers=key).body.splitlines()]

    def submit(self, traceparent):
        client = BuildsClient(self.node)
        try:
            client_call = client.call
            client.call = lambda m, p, body=None, headers=None: client_call(m, p, body, {**(headers or {}), **traceparent})
            return client.submit()
        finally:
            client.close()

    def lines(self):
        return [json.loads(line) for line in self.node.log_text().splitlines()]

    def line_of(self, trace_id):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for line in self.lines():
                if line.get("trace_id") == trace_id:
                    return line
            time.sleep(0.05)
        raise AssertionError("no line of trace " + trace_id)

    def test_a_trace_goes_from_the_request_to_events_decision_answer_and_log(self):
        answer = self.submit({"traceparent": PARENT})
        self.assertEqual(answer.status, 200)
        step = answer.headers["traceresponse"]
        self.assertRegex(step, f"^00-{TRACE}-[0-9a-f]{{16}}-01$")
        self.assertNotEqual(step, PARENT)
        build = answer.json()["id"]
        event = next(e for e in self.records("builds.ledger") if e.get("subject") == build)
        self.assertEqual(event["traceparent"], step)
        decision = next(d for d in self.records("builds.decisions") if d["subject"] == event["commandid"])
        self.assertEqual(decision["traceparent"], step)
        self.assertEqual(event["correlationid"], decision["correlationid"])
        line = self.line_of(TRACE)
        self.assertEqual((line["msg"], line["surface"], line["route"], line["status"]), ("request", "builds", "/api/builds/submit", 200))
        self.assertIsInstance(line["took_us"], int)

    def test_a_command_without_a_trace_begins_one_that_is_not_sampled(self):
        answer = self.submit({})
        step = answer.headers["traceresponse"]
        self.assertRegex(step, "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")
        event = next(e for e in self.records("builds.ledger") if e.get("subject") == answer.json()["id"])
        self.assertEqual(event["traceparent"], step)

    def test_a_broken_traceparent_is_as_good_as_none(self):
        for broken in ("", "00-", PARENT.upper(), PARENT + "-x", "00-" + "0" * 32 + PARENT[35:], "ff" + PARENT[2:], "é" * 40, "x" * 4000):
            answer = self.submit({"traceparent": broken.encode().decode("latin-1")})
            self.assertEqual(answer.status, 200, broken[:60])
            step = answer.headers["traceresponse"]
            self.assertRegex(step, "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")
            self.assertNotIn(TRACE, step)

    def test_a_read_outside_a_trace_makes_none(self):
        self.assertIsNone(self.node.request("GET", "/livez").headers["traceresponse"])
        other = "00-" + "ab" * 16 + "-b7ad6b7169203331-00"
        self.assertIn("ab" * 16, self.node.request("GET", "/livez", headers={"traceparent": other}).headers["traceresponse"])

    def test_the_log_is_json_and_holds_no_secret(self):
        key = self.node.read_key("builds-api.key")
        self.node.request("GET", f"/builds/api/builds?api_key={key}&secret=hunter2-in-the-query", headers={"X-API-Key": key})
        self.submit({"traceparent": "00-" + "cd" * 16 + "-b7ad6b7169203331-01"})
        self.line_of("cd" * 16)
        for line in self.lines():
            self.assertLessEqual({"time", "level", "msg"}, set(line))
        text = self.node.log_text()
        for secret in (key, self.node.read_key("operator.key"), "hunter2-in-the-query"):
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
