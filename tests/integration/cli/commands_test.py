"""Commands by hand: POST /commands/..., and the client commands produce, tail and topics against a real node."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from tidemark_process import BuildsClient, Node, clean_environment

BINARY = sys.argv.pop(1)

SUBMIT = {"platform": "ios",
          "source": {"sha256": "ab" * 32, "size": 7, "kind": "source", "declared_name": "app.zip", "declared_type": "application/zip"},
          "access_token_sha256": "cd" * 32, "token_key_id": "k1"}


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tidemark-commands-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.node = Node(BINARY, cls.folder.name)
        cls.addClassCleanup(cls.node.end)
        cls.node.start()

    def cli(self, *arguments, text=None, environment=None):
        server = {"TIDEMARK_SERVER": f"http://127.0.0.1:{self.node.port}", "TIDEMARK_DATA": self.node.data}
        server.update(environment or {})
        return subprocess.run([BINARY, *arguments], input=text, env=clean_environment(server), capture_output=True, text=True,
                              timeout=60, check=False)

    def problem(self, answer, status, name):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"].split(";")[0], "application/problem+json")
        document = answer.json()
        self.assertEqual((document["type"], document["status"]), ("/problems/" + name, status))
        return document

    def test_an_accepted_command_answers_with_its_events_and_position(self):
        answer = self.node.command("SubmitBuild", SUBMIT)
        self.assertEqual(answer.status, 200, answer.body)
        body = answer.json()
        self.assertEqual(sorted(body), ["events", "id", "position", "reply"])
        self.assertEqual(answer.headers["Tidemark-Position"], body["position"])
        submitted = body["events"][0]
        self.assertEqual(sorted(submitted), ["id", "sequence", "subject", "type"])
        self.assertRegex(submitted["type"], r"^tidemark\.builds\.BuildSubmitted\.v\d+$")
        self.assertEqual(submitted["sequence"], 0)
        self.assertIsNone(answer.headers["Tidemark-Replayed"])

    def test_a_repeat_gets_the_same_answer_and_says_so(self):
        first = self.node.command("SubmitBuild", SUBMIT, key="repeat-1")
        again = self.node.command("SubmitBuild", SUBMIT, key="repeat-1")
        self.assertEqual((first.status, again.status), (200, 200), again.body)
        self.assertEqual(first.json(), again.json())
        self.assertEqual(again.headers["Tidemark-Replayed"], "true")
        self.assertEqual(first.headers["Tidemark-Position"], again.headers["Tidemark-Position"])

    def test_a_key_used_with_another_body_is_refused(self):
        self.assertEqual(self.node.command("SubmitBuild", SUBMIT, key="reuse-1").status, 200)
        other = self.node.command("SubmitBuild", {**SUBMIT, "platform": "android"}, key="reuse-1")
        self.problem(other, 422, "idempotency-key-reused")

    def test_a_refusal_carries_its_reason_and_status(self):
        document = self.problem(self.node.command("CancelBuild", {"build_id": "nosuchbuild"}), 404, "refused")
        self.assertEqual(document["reason"], "BUILD_NOT_FOUND")
        self.assertTrue(document["detail"])

    def test_a_repeated_refusal_is_the_same_again(self):
        first = self.node.command("CancelBuild", {"build_id": "nosuchbuild"}, key="refused-1")
        again = self.node.command("CancelBuild", {"build_id": "nosuchbuild"}, key="refused-1")
        self.assertEqual((first.status, first.json()), (again.status, again.json()))
        self.assertEqual(again.headers["Tidemark-Replayed"], "true")

    def test_bad_input_lists_every_bad_field(self):
        answer = self.node.command("SubmitBuild", {**SUBMIT, "platform": "palm", "colour": "red", "source": {"size": "x"}})
        pointers = [error["pointer"] for error in self.problem(answer, 400, "bad-input")["errors"]]
        for pointer in ("/platform", "/colour", "/source/size", "/source/sha256"):
            self.assertIn(pointer, pointers)

    def test_what_is_not_json_is_bad_input(self):
        headers = {"X-Operator-Key": self.node.read_key("operator.key")}
        self.problem(self.node.request("POST", "/commands/builds/CancelBuild", "{", headers), 400, "bad-input")
        answer = self.node.request("POST", "/commands/builds/CancelBuild", "build_id=1",
                                   {**headers, "Content-Type": "application/x-www-form-urlencoded"})
        self.problem(answer, 415, "media-type-unsupported")

    def test_unknown_domains_and_commands_are_not_found(self):
        self.problem(self.node.command("PaintBuild", {}), 404, "unknown-command")
        headers = {"X-Operator-Key": self.node.read_key("operator.key")}
        self.problem(self.node.request("POST", "/commands/games/Move", "{}", headers), 404, "unknown-command")

    def test_without_the_operator_key_nothing_is_shown_or_done(self):
        for method, path in (("POST", "/commands/builds/CancelBuild"), ("GET", "/topics"),
                             ("GET", "/topics/builds.ledger/lanes/0/records")):
            missing = self.node.request(method, path)
            self.problem(missing, 401, "operator-key-missing")
            self.assertIn("Bearer", missing.headers["WWW-Authenticate"])
            wrong = self.node.request(method, path, headers={"Authorization": "Bearer " + "x" * 43})
            self.problem(wrong, 403, "operator-key-wrong")
        api_key = {"Authorization": "Bearer " + self.node.read_key("builds-api.key")}
        self.problem(self.node.request("GET", "/topics", headers=api_key), 403, "operator-key-wrong")

    def test_a_malformed_idempotency_key_is_refused(self):
        self.problem(self.node.command("CancelBuild", {"build_id": "x"}, key="with space"), 400, "idempotency-key-malformed")
        self.problem(self.node.command("CancelBuild", {"build_id": "x"}, key="k" * 256), 400, "idempotency-key-malformed")

    def test_an_oversized_command_is_refused_before_it_is_read(self):
        self.assertEqual(self.node.command("CancelBuild", {"build_id": "x" * (5 << 20)}).status, 413)

    def test_health_is_open(self):
        for path in ("/livez", "/readyz", "/version"):
            self.assertEqual(self.node.request("GET", path).status, 200, path)
            self.assertEqual(self.node.request("HEAD", path).body, b"")

    def test_produce_sends_arguments_and_standard_input(self):
        done = self.cli("produce", "builds", "SubmitBuild", json.dumps(SUBMIT), "--idempotency-key", "produce-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        again = self.cli("produce", "builds", "SubmitBuild", "--idempotency-key", "produce-1", text=json.dumps(SUBMIT))
        self.assertEqual((again.returncode, again.stdout), (0, done.stdout))

    def test_produce_ends_with_one_and_the_reason_when_refused(self):
        done = self.cli("produce", "builds", "CancelBuild", '{"build_id":"nosuchbuild"}')
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("BUILD_NOT_FOUND", done.stderr)
        bad = self.cli("produce", "builds", "CancelBuild", '{"build":"x"}')
        self.assertEqual(bad.returncode, 1)
        self.assertIn("/build", bad.stderr)

    def test_a_client_command_without_a_node_says_how_to_name_one(self):
        done = self.cli("topics", "list", environment={"TIDEMARK_SERVER": "http://127.0.0.1:1"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("--server", done.stderr)
        keyless = self.cli("topics", "list", environment={"TIDEMARK_DATA": "/nonexistent"})
        self.assertIn("operator key", keyless.stderr)

    def test_topics_lists_class_retention_and_ends(self):
        self.node.command("SubmitBuild", SUBMIT)
        output = self.cli("topics", "list").stdout
        self.assertRegex(output, r"(?m)^builds\.ledger +fact +for ever +[1-9]")
        self.assertRegex(output, r"(?m)^builds\.activity +ephemeral +")
        self.assertRegex(output, r"(?m)^builds\.decisions +decisions +")
        listed = json.loads(self.cli("topics", "list", "--json").stdout)
        self.assertEqual(len(listed["topics"][0]["lanes"]), listed["lanes"])

    def test_tail_prints_cloudevents_one_per_line(self):
        command = self.node.command("SubmitBuild", SUBMIT).json()
        lines = self.cli("tail", "--topic", "builds.ledger", "--json").stdout.splitlines()
        events = [json.loads(line) for line in lines]
        mine = [event for event in events if event["id"] == command["events"][0]["id"]]
        self.assertEqual(len(mine), 1)
        self.assertEqual(mine[0]["specversion"], "1.0")
        self.assertEqual(mine[0]["subject"], command["events"][0]["subject"])
        self.assertEqual(mine[0]["data"]["platform"], "ios")
        human = self.cli("tail").stdout
        self.assertIn(command["events"][0]["subject"], human)
        self.assertIn("BuildSubmitted", human)

    def test_tail_reads_more_than_a_page(self):
        connection = self.node.connect()
        headers = {"X-Operator-Key": self.node.read_key("operator.key"), "Content-Type": "application/json"}
        made = set()
        for _ in range(1100):
            answer = connection.request("POST", "/commands/builds/SubmitBuild", json.dumps(SUBMIT), headers)
            made.add(answer.json()["events"][0]["id"])
        connection.close()
        seen = [json.loads(line)["id"] for line in self.cli("tail", "--topic", "builds.ledger", "--json").stdout.splitlines()]
        self.assertTrue(made <= set(seen))
        self.assertEqual(len(seen), len(set(seen)), "no event twice")

    def test_tail_follows(self):
        with subprocess.Popen([BINARY, "tail", "--topic", "builds.ledger", "--json", "--from", "end", "--follow"], stdout=subprocess.PIPE,
                              text=True, env=clean_environment({"TIDEMARK_SERVER": f"http://127.0.0.1:{self.node.port}",
                                                                "TIDEMARK_DATA": self.node.data})) as follower:
            try:
                client = BuildsClient(self.node)
                made = set()
                # The follower notes the end when it starts, so events are made until it has seen one of them.
                os.set_blocking(follower.stdout.fileno(), False)
                seen = None
                for _ in range(400):
                    made.add(client.submit().json()["id"])
                    line = follower.stdout.readline()
                    if line:
                        seen = json.loads(line)["subject"]
                        break
                client.close()
                self.assertIn(seen, made)
            finally:
                follower.kill()

    def test_tail_names_an_unknown_topic(self):
        done = self.cli("tail", "--topic", "builds.gossip")
        self.assertEqual(done.returncode, 1)
        self.assertIn("builds.gossip", done.stderr)


if __name__ == "__main__":
    unittest.main()
