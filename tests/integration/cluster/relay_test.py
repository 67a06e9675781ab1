"""The clients of one surface may ask any node: what another owns is passed on to it, bodies and streams included.

usage: relay_test.py <tidemark binary> <rows_digest>
"""

import hashlib
import http.client
import json
import random
import sys
import tempfile

from installation import Installation, drawn_seed, murmur2, wait_for
from kafka_broker import Broker
from tidemark_process import multipart

API_KEY = "relay-test-key-0123456789"
LANE = murmur2("default") % 12
POLL = "/api/workers/poll?worker_id=nobody"  # only an owner can say that there is no such worker


def ask(node, method, path, body=None, headers=None, key=API_KEY):
    """(status, fields, body) of the builds surface."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=45)
    try:
        sent = dict(headers or {})
        if key is not None:
            sent["X-API-Key"] = key
        connection.request(method, "/builds" + path, body, sent)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def form(node, path, texts, files):
    kind, body = multipart(texts, files)
    return ask(node, "POST", path, body, {"Content-Type": kind})


def submit(node, source):
    status, _, body = form(node, "/api/builds/submit", [("platform", "ios")], [("source", "a.zip", source)])
    return json.loads(body)["id"] if status == 200 else None


def owner_and_other(all_of):
    """The node that answers the surface itself, and the one that passes on."""
    nodes = [all_of.nodes["a"], all_of.nodes["b"]]
    owner = wait_for("somebody serves the lane", lambda: next((n for n in nodes if LANE in all_of.lanes_of(n)), None))
    other = next(n for n in nodes if n is not owner)
    wait_for("the owner's lease has begun, and the other knows the owner", lambda: all(ask(node, "GET", POLL)[0] == 404 for node in nodes))
    return owner, other


def one_build(all_of, seed):
    draw = random.Random(seed)
    owner, other = owner_and_other(all_of)
    alone = {"Tidemark-Relayed": "1"}
    assert ask(other, "GET", POLL, headers=alone)[0] == 503, "this node should not answer by itself"
    source, result = draw.randbytes(3_000_017), draw.randbytes(5_000_003)
    build = submit(other, source)
    assert build
    status, _, body = ask(other, "POST", "/api/workers/register", json.dumps({"name": "w", "capabilities": {}}), {"Content-Type": "application/json"})
    assert status == 200, body
    worker = json.loads(body)["id"]
    status, _, body = ask(other, "GET", f"/api/workers/poll?worker_id={worker}")
    assert status == 200 and json.loads(body)["job"]["id"] == build, (status, body)
    for node in (other, owner):
        status, fields, body = ask(node, "GET", f"/api/builds/{build}/source", headers={"X-Worker-Id": worker, "X-Build-Id": build})
        assert (status, hashlib.sha256(body).digest()) == (200, hashlib.sha256(source).digest()), (status, body[:200])
    status, fields, body = ask(other, "GET", f"/api/builds/{build}/source", headers={"X-Worker-Id": worker, "Range": "bytes=1000-1999"})
    assert (status, body, fields["content-range"]) == (206, source[1000:2000], f"bytes 1000-1999/{len(source)}"), status
    status, _, body = ask(other, "POST", f"/api/builds/{build}/logs", json.dumps({"level": "info", "message": "through another node"}),
                          {"Content-Type": "application/json", "X-Worker-Id": worker})
    assert status == 200, body
    status, _, body = form(other, "/api/workers/upload", [("build_id", build), ("worker_id", worker), ("success", "true")], [("result", "a.ipa", result)])
    assert status == 200, body
    answers = [ask(node, "GET", path) for node in (owner, other) for path in (f"/api/builds/{build}", f"/api/builds/{build}/logs", "/api/builds", "/nowhere")]
    for here, there in zip(answers[:4], answers[4:]):
        assert (here[0], here[2]) == (there[0], there[2]), (here, there)
        assert {n for n in here[1] if n != "date"} == {n for n in there[1] if n != "date"}, (here[1], there[1])
    assert b"through another node" in answers[5][2]
    for node in (owner, other):
        status, _, body = ask(node, "GET", f"/api/builds/{build}/download")
        assert (status, hashlib.sha256(body).digest()) == (200, hashlib.sha256(result).digest()), status
    assert ask(other, "GET", "/api/builds", key="wrong")[0] == ask(owner, "GET", "/api/builds", key="wrong")[0] == 403


def stream(all_of):
    """The status page's events, through the node that does not own the lane."""
    _, other = owner_and_other(all_of)
    connection = http.client.HTTPConnection("127.0.0.1", other.port, timeout=45)
    connection.request("GET", "/builds/api/status/stream", headers={"X-API-Key": API_KEY})
    answer = connection.getresponse()
    assert answer.status == 200, (answer.status, answer.read())
    build = submit(other, b"source of the stream")
    seen = b""
    while build.encode() not in seen:
        line = answer.readline()
        assert line, "the stream has ended: " + repr(seen[-300:])
        seen += line
    connection.close()


def owner_is_killed(all_of):
    """Whoever is left takes the lane, and answers itself."""
    owner, other = owner_and_other(all_of)
    owner.kill()
    wait_for("the node that is left takes builds", lambda: submit(other, b"after the kill"))
    wait_for("it answers itself", lambda: ask(other, "GET", POLL, headers={"Tidemark-Relayed": "1"})[0] == 404)
    owner.start()
    all_of.wait_shared("a", "b")
    for node in (owner, other):
        assert wait_for("a build is taken", lambda node=node: submit(node, b"at last"))


def main():
    seed = drawn_seed(sys.argv, 3)
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-nodes-") as folder:
        all_of = Installation(sys.argv[1], sys.argv[2], broker, folder, "it.")
        try:
            for name in ("a", "b"):  # the keys of the second are those of the first
                all_of.start(name, flags=("--builds-api-key", API_KEY))
            all_of.wait_shared("a", "b")
            one_build(all_of, seed)
            stream(all_of)
            owner_is_killed(all_of)
        except BaseException:
            print(f"failed with seed {seed}\n{all_of.logs()}", flush=True)
            raise
        finally:
            all_of.end()
        print(f"any node answers on Kafka {broker.version}: all well")


if __name__ == "__main__":
    main()
