"""`tidemark schema` and the documents that a node serves, with the real program. Documents are checked against the meta-schema
of JSON Schema 2020-12; real answers and golden samples against the schemas that describe them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from html.parser import HTMLParser

import jsonschema

from tidemark_process import Node, clean_environment

BINARY = sys.argv.pop(1)
SOURCE = os.environ["TIDEMARK_SOURCE"]
METHODS = {"get", "put", "post", "patch", "delete", "options", "head"}


def schema(*arguments, cwd=None):
    return subprocess.run([BINARY, "schema", *arguments], cwd=cwd, env=clean_environment(), capture_output=True, text=True,
                          timeout=60, check=False)


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def load(path):
    return json.loads(read(path))


class InDirectory(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidemark-schema-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.out = os.path.join(self.folder, "out")

    def edit(self, path, found, replacement):
        path = os.path.join(self.out, path)
        text = read(path)
        self.assertIn(found, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(found, replacement, 1))

    def export(self):
        done = schema("export", "--out", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done


class Export(InDirectory):
    def test_writes_each_file_and_the_same_bytes_again(self):
        written = self.export().stdout.split()
        self.assertEqual([os.path.relpath(path, self.out) for path in written], ["builds/builds.schema.json", "openapi.json", "asyncapi.json"])
        before = [read(path) for path in written]
        self.export()
        self.assertEqual(before, [read(path) for path in written])
        self.assertEqual(schema("export", "--out", self.out, "--check").returncode, 0)

    def test_check_names_each_file_that_differs_and_writes_nothing(self):
        self.export()
        self.edit("openapi.json", "Tidemark", "Watermark")
        os.remove(os.path.join(self.out, "asyncapi.json"))
        done = schema("export", "--out", self.out, "--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("openapi.json is not what this program exports", done.stderr)
        self.assertIn("asyncapi.json is not there", done.stderr)
        self.assertNotIn("builds.schema.json", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.out, "asyncapi.json")))

    def test_a_name_dropped_earlier_stays_in_the_file(self):
        self.export()
        self.edit("builds/builds.schema.json", '"properties": {\n        "pool_id"',
                  '"properties": {\n        "former": {"type": "string"},\n        "pool_id"')
        self.export()
        bundle = load(os.path.join(self.out, "builds", "builds.schema.json"))
        kept = [d["x-dropped"] for d in bundle["$defs"].values() if "x-dropped" in d]
        self.assertEqual(kept, [{"former": {"type": "string"}}])
        self.assertEqual(schema("export", "--out", self.out, "--check").returncode, 0)

    def test_a_damaged_earlier_file_is_not_overwritten(self):
        self.export()
        self.edit("builds/builds.schema.json", '"type": "object"', '"type": "thing"')
        done = schema("export", "--out", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("builds/builds.schema.json: /$defs/", done.stderr)

    def test_a_place_that_cannot_be_written_is_named(self):
        with open(self.out, "w", encoding="utf-8"):
            pass
        done = schema("export", "--out", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.out, done.stderr)


class Check(InDirectory):
    def setUp(self):
        super().setUp()
        self.export()

    def test_an_export_of_this_program_is_compatible(self):
        done = schema("check", self.out)
        self.assertEqual((done.returncode, done.stdout), (0, f"{self.out}: 0 changes, 0 of them breaking\n"))

    def test_a_breaking_change_is_named_and_fails(self):
        self.edit("builds/builds.schema.json", '"android"', '"android", "windows"')
        done = schema("check", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn('BREAKING    command SubmitBuild.v1 /platform: value "windows" is gone', done.stdout)

    def test_a_compatible_change_is_named_and_passes(self):
        self.edit("builds/builds.schema.json", '"enum": ["api_key", "worker_token", "vm_token"]', '"enum": ["api_key", "worker_token"]')
        done = schema("check", self.out)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn('compatible  command RecordSignOfLife.v1 /credential: value "vm_token" is new', done.stdout)

    def test_a_domain_that_is_gone_is_breaking(self):
        shutil.copytree(os.path.join(self.out, "builds"), os.path.join(self.out, "games"))
        os.rename(os.path.join(self.out, "games", "builds.schema.json"), os.path.join(self.out, "games", "games.schema.json"))
        done = schema("check", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("BREAKING    domain games: is gone", done.stdout)

    def test_a_file_edited_by_hand_is_refused_with_the_place(self):
        self.edit("builds/builds.schema.json", '"maximum": 4294967295', '"maximum": "many"')
        done = schema("check", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"builds/builds\.schema\.json: /\$defs/\S+/maximum must be a number")

    def test_a_file_cut_short_is_refused(self):
        path = os.path.join(self.out, "openapi.json")
        os.truncate(path, os.path.getsize(path) // 2)
        done = schema("check", self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("openapi.json: ", done.stderr)

    def test_a_directory_without_an_export_is_refused(self):
        self.assertEqual(schema("check", os.path.join(self.folder, "none")).returncode, 2)
        os.mkdir(os.path.join(self.folder, "empty"))
        done = schema("check", os.path.join(self.folder, "empty"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("openapi.json is not there", done.stderr)


class Committed(unittest.TestCase):
    """What lies in schemas/ is valid, and describes what is really written."""

    @classmethod
    def setUpClass(cls):
        cls.bundle = load(os.path.join(SOURCE, "schemas", "builds", "builds.schema.json"))
        cls.openapi = load(os.path.join(SOURCE, "schemas", "openapi.json"))
        cls.asyncapi = load(os.path.join(SOURCE, "schemas", "asyncapi.json"))

    def test_every_schema_is_valid_2020_12(self):
        validator = jsonschema.Draft202012Validator
        validator.check_schema(self.bundle)
        for definitions in (self.bundle["$defs"], self.openapi["components"]["schemas"], self.asyncapi["components"]["schemas"]):
            for definition in definitions.values():
                validator.check_schema(definition)

    def test_openapi_is_well_formed(self):
        self.assertEqual(self.openapi["openapi"], "3.1.0")
        operations = set()
        for path, item in self.openapi["paths"].items():
            names = {part[1:-1] for part in path.split("/") if part.startswith("{")}
            for method, operation in item.items():
                place = f"{method} {path}"
                self.assertIn(method, METHODS, place)
                self.assertNotIn(operation["operationId"], operations, place)
                operations.add(operation["operationId"])
                declared = [(p["in"], p["name"]) for p in operation.get("parameters", [])]
                self.assertEqual(len(declared), len(set(declared)), place)
                self.assertEqual({name for where, name in declared if where == "path"}, names, place)
                self.assertTrue(operation["responses"], place)
                for status, answer in operation["responses"].items():
                    self.assertRegex(status, "^[1-5][0-9][0-9]$", place)
                    self.assertTrue(answer["description"], place)
                for way in operation["security"]:
                    self.assertLessEqual(set(way), set(self.openapi["components"]["securitySchemes"]), place)

    def test_asyncapi_is_well_formed(self):
        self.assertEqual(self.asyncapi["asyncapi"], "3.0.0")
        for name, operation in self.asyncapi["operations"].items():
            self.assertIn(operation["action"], ("send", "receive"), name)
        channels = self.asyncapi["channels"]
        self.assertEqual(channels["builds.activity"]["bindings"]["kafka"]["topicConfiguration"]["retention.ms"], 24 * 3600 * 1000)
        self.assertIn("builds.SubmitBuild.v1", channels["builds.commands"]["messages"])
        self.assertIn("builds.BuildSubmitted.v1", channels["builds.ledger"]["messages"])

    def test_golden_samples_are_what_their_schemas_say(self):
        folder = os.path.join(SOURCE, "tests", "golden", "builds")
        seen = 0
        for file in sorted(os.listdir(folder)):
            if not file.endswith(".json"):
                continue
            name = file[:-len(".json")]
            self.assertIn(name, self.bundle["$defs"])
            validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": self.bundle["$defs"]})
            validator.validate(load(os.path.join(folder, file)))
            seen += 1
        self.assertGreater(seen, 20)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links = [], set(), set()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if "id" in attrs:
            assert attrs["id"] not in self.ids, attrs["id"]
            self.ids.add(attrs["id"])
        if tag == "a":
            self.links.add(attrs["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


class Served(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tidemark-schema-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.node = Node(BINARY, cls.folder.name).start()
        cls.addClassCleanup(cls.node.end)
        cls.openapi = load(os.path.join(SOURCE, "schemas", "openapi.json"))

    def ask(self, path, headers=None):
        return self.node.request("GET", path, headers=headers or {})

    def test_documents_are_those_exported_and_open(self):
        for path in ("openapi.json", "asyncapi.json"):
            answer = self.ask("/" + path)
            self.assertEqual(answer.status, 200)
            self.assertEqual(json.loads(answer.body), load(os.path.join(SOURCE, "schemas", path)))

    def test_one_surface_alone(self):
        document = json.loads(self.ask("/openapi.json?surface=builds").body)
        self.assertIn("/api/builds", document["paths"])
        self.assertNotIn("/livez", document["paths"])
        self.assertEqual(self.ask("/openapi.json?surface=" + urllib.parse.quote("no such")).status, 404)

    def test_the_page_is_whole_and_its_links_lead_somewhere(self):
        answer = self.ask("/docs")
        self.assertEqual(answer.status, 200)
        page = Page()
        page.feed(answer.body.decode())
        self.assertEqual(page.open, [])
        for link in page.links:
            self.assertTrue(link[1:] in page.ids if link.startswith("#") else self.ask("/" + link).status == 200, link)

    def test_answers_are_what_the_document_says(self):
        schemas = {"components": self.openapi["components"]}
        key = {"X-API-Key": self.node.read_key("builds-api.key")}
        asked = {"/version": {}, "/builds/health": {}, "/builds/public/stats": {}, "/builds/api/builds": key, "/builds/api/builds/active": key,
                 "/builds/api/builds/statistics": key, "/builds/api/workers/none/stats": key, "/builds/api/builds/none": {}}
        for path, headers in asked.items():
            template = path.replace("none", "{id}")
            answer = self.ask(path, headers)
            content = self.openapi["paths"][template]["get"]["responses"][str(answer.status)]["content"]
            jsonschema.Draft202012Validator({**schemas, **content["application/json"]["schema"]}).validate(json.loads(answer.body))


if __name__ == "__main__":
    unittest.main()
