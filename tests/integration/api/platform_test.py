"""The platform's routes of a real node: batches, expected versions, decisions, streams, projections, health."""

import json
import sys
import tempfile
import time
import unittest

from tidemark_process import BuildsClient, Node

BINARY = sys.argv.pop(1)

SUBMIT = {"platform": "ios",
          "source": {"sha256": "ab" * 32, "size": 7, "kind": "source", "declared_name": "app.zip", "declared_type": "application/zip"},
          "access_token_sha256": "cd" * 32, "token_key_id": "k1"}


def event(number, command="SubmitBuild", data=None, **attributes):
    return {"specversion": "1.0", "id": str(number), "source": "/tests", "type": f"tidemark.builds.{command}.v1", "data": data or SUBMIT, **attributes}


class Platform(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tidemark-platform-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.node = Node(BINARY, cls.folder.name)
        cls.addClassCleanup(cls.node.end)
        cls.node.start()
        cls.key = {"X-Operator-Key": cls.node.read_key("operator.key")}

    def get(self, path, headers=None):
        return self.node.request("GET", path, headers={**self.key, **(headers or {})})

    def post(self, path, data, media="application/json", headers=None):
        body = data if isinstance(data, (str, bytes)) else json.dumps(data)
        return self.node.request("POST", path, body, {**self.key, "Content-Type": media, **(headers or {})})

    def problem(self, answer, status, name):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.json()["type"], "/problems/" + name)
        return answer.json()

    def batch(self, events):
        return self.post("/commands", events, "application/cloudevents-batch+json")

    def test_a_batch_of_a_thousand_is_decided_in_order(self):
        answer = self.batch([event(f"thousand-{i}") for i in range(1000)])
        self.assertEqual(answer.status, 200, answer.body[:500])
        items = answer.json()["items"]
        self.assertEqual([item["status"] for item in items], [200] * 1000)
        page, orders, cursor = None, {}, ""
        while page is None or not page["end"]:
            page = self.get(f"/events?type=BuildSubmitted&limit=1000{cursor}").json()
            cursor = "&cursor=" + page["next"]
            for one in page["events"]:
                orders[one["subject"]] = len(orders)
        places = [orders[item["body"]["events"][0]["subject"]] for item in items]
        self.assertEqual(places, sorted(places))
        again = self.batch([event(f"thousand-{i}") for i in range(1000)]).json()["items"]
        self.assertTrue(all(item["replayed"] for item in again))
        self.assertEqual([item["body"] for item in again], [item["body"] for item in items])

    def test_one_bad_item_does_not_spoil_the_others(self):
        answer = self.batch([event("mixed-1"), {"specversion": "1.0"}, event("mixed-2", "CancelBuild", {"build_id": "nobody"}), "x", event("mixed-3")])
        self.assertEqual([item["status"] for item in answer.json()["items"]], [200, 400, 404, 400, 200])
        self.problem(self.batch([event(f"over-{i}") for i in range(1001)]), 413, "batch-too-large")
        self.problem(self.post("/commands", "[" + "[" * 200, "application/cloudevents-batch+json"), 400, "bad-input")
        self.assertEqual(self.post("/commands", b" " * (17 << 20), "application/cloudevents-batch+json").status, 413)

    def test_a_decision_and_a_stream_are_found_by_what_the_answer_says(self):
        answer = self.post("/commands", event("found"), "application/cloudevents+json")
        build = answer.json()["events"][0]["subject"]
        decision = self.get("/decisions/" + answer.json()["id"]).json()
        self.assertEqual((decision["type"], decision["data"]["verdict"]), ("tidemark.builds.CommandDecided.v1", "accepted"))
        stream = self.get(f"/streams/builds/{build}", {"Tidemark-At-Least": answer.headers["Tidemark-Position"]})
        self.assertEqual(stream.status, 200, stream.body)
        self.assertEqual(stream.headers["ETag"], answer.headers["ETag"])
        version = json.loads(answer.headers["ETag"].strip('"'))
        self.assertEqual([int(one["sequence"]) for one in stream.json()["events"]], list(range(version + 1)))

    def test_an_event_about_a_build_and_a_worker_is_in_both_streams(self):
        client = BuildsClient(self.node)
        self.addCleanup(client.close)
        client.register("worker-two")
        build = client.submit().json()["id"]
        self.assertEqual(client.poll("worker-two").status, 200)
        deadline = time.monotonic() + 30  # the poll waits for no read model
        by_worker = []
        while "tidemark.builds.BuildAssigned.v1" not in by_worker and time.monotonic() < deadline:
            events = self.get("/streams/builds/worker-two").json().get("events", [])
            by_worker = [one["type"] for one in events if one["subject"] != "worker-two"]
        self.assertIn("tidemark.builds.BuildAssigned.v1", by_worker)
        self.assertTrue(build)

    def test_a_command_on_an_old_version_is_refused(self):
        answer = self.node.command("SubmitBuild", SUBMIT)
        subject = answer.headers["Tidemark-Subject"]
        headers = {"Tidemark-Subject": subject, "If-Match": answer.headers["ETag"]}
        done = self.post("/commands/builds/CancelBuild", {"build_id": subject}, headers=headers)
        self.assertEqual(done.status, 200, done.body)
        conflict = self.post("/commands/builds/CancelBuild", {"build_id": subject}, headers=headers)
        document = self.problem(conflict, 412, "version-conflict")
        self.assertEqual(done.headers["ETag"], f'"{document["version"]}"')

    def test_positions_of_another_installation_are_refused_at_once(self):
        self.node.command("SubmitBuild", SUBMIT)
        position = self.node.command("SubmitBuild", SUBMIT).headers["Tidemark-Position"]
        with tempfile.TemporaryDirectory(prefix="tidemark-platform-") as folder:
            other = Node(BINARY, folder)
            try:
                other.start()
                key = {"X-Operator-Key": other.read_key("operator.key")}
                build = other.command("SubmitBuild", SUBMIT).headers["Tidemark-Subject"]
                for path in ("/events", f"/streams/builds/{build}"):
                    answer = other.request("GET", path, headers={**key, "Tidemark-At-Least": position})
                    self.problem(answer, 400, "position-foreign")
            finally:
                other.end()

    def test_projections_are_shown(self):
        names = {one["name"]: one for one in self.get("/projections").json()["projections"]}
        self.assertIn("builds.index", names)
        for name, one in names.items():
            self.assertEqual((one["state"], one["faults"]), ("following", []), name)
        self.problem(self.get("/projections/nobody"), 404, "no-such-projection")
        bad = self.post("/projections/builds.index/skip", {"topic": "builds.ledger", "colour": "red"})
        pointers = [error["pointer"] for error in self.problem(bad, 400, "bad-input")["errors"]]
        self.assertEqual(set(pointers), {"/colour", "/lane", "/event_id", "/reason"})

    def test_a_rebuilt_index_takes_over_and_answers_the_same(self):
        answer = self.node.command("SubmitBuild", SUBMIT)
        build = answer.headers["Tidemark-Subject"]
        headers = {"Tidemark-At-Least": answer.headers["Tidemark-Position"]}
        before = self.get(f"/streams/builds/{build}", headers)
        begun = self.post("/projections/builds.index/rebuild", "")
        self.assertEqual(begun.status, 202, begun.body)
        deadline = time.monotonic() + 60
        while self.get("/projections/builds.index").json()["rebuild"] is not None:
            self.assertLess(time.monotonic(), deadline)
        self.assertNotIn("rebuild_failure", self.get("/projections/builds.index").json())
        after = self.get(f"/streams/builds/{build}", headers)
        self.assertEqual((after.status, after.body), (before.status, before.body))
        self.assertEqual(self.get("/decisions/" + answer.json()["id"]).status, 200)

    def test_operations_that_the_state_does_not_allow_are_refused(self):
        self.assertEqual(self.post("/projections/builds.index/retry", "").status, 200)
        skip = {"topic": "builds.ledger", "lane": 0, "event_id": "x", "reason": "it does not decode"}
        self.problem(self.post("/projections/builds.index/skip", skip), 409, "not-stopped-here")

    def test_a_receiver_of_signed_calls_has_a_secret_of_its_own(self):
        secrets = {name: self.get("/signing-secrets/" + name).json()["secret"] for name in ("people", "people2")}
        self.assertNotEqual(secrets["people"], secrets["people2"])
        for secret in secrets.values():
            self.assertRegex(secret, r"^whsec_[A-Za-z0-9+/]{43}=$")
        self.assertEqual(self.get("/signing-secrets/people").json()["secret"], secrets["people"])
        self.assertEqual(self.get("/signing-secrets/people").headers["Cache-Control"], "no-store")
        self.assertEqual(self.node.request("GET", "/signing-secrets/people").status, 401)

    def test_health_is_one_word_for_strangers(self):
        self.assertEqual(self.node.request("GET", "/health").json(), {"status": "ok"})
        deep = self.get("/health").json()
        self.assertEqual(deep["status"], "ok")
        self.assertGreaterEqual(set(deep), {"version", "epoch", "lanes", "projections"})
        self.assertEqual(self.node.request("GET", "/health", headers={"X-Operator-Key": "wrong"}).status, 403)

    def test_strangers_see_and_do_nothing(self):
        for method, path in (("POST", "/commands"), ("GET", "/decisions/x"), ("GET", "/streams/builds/x"), ("GET", "/events"), ("GET", "/projections"),
                             ("GET", "/projections/x"), ("POST", "/projections/x/retry"), ("POST", "/projections/x/skip"), ("POST", "/projections/x/rebuild")):
            self.problem(self.node.request(method, path), 401, "operator-key-missing")


if __name__ == "__main__":
    unittest.main()
