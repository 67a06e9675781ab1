"""Files of builds on two nodes over a real broker: an upload that was answered is on both, so that it survives the node that took it;
what a node lacks it fetches; a purged certificate goes from both. Uploads go on when a node dies, and what is left on one node then gets a
second copy when another node comes.

    blobs_test.py <tidemark>
"""

import json
import os
import random
import shutil
import sys
import tempfile

import exposition
from installation import LANES, Installation, drawn_seed, murmur2, wait_for
from kafka_broker import Broker
from tidemark_process import BuildsClient, multipart

LANE = murmur2("default") % LANES


def path_of(node, sha256):
    return os.path.join(node.data, "blobs", "objects", sha256[:2], sha256)


def content_at(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def objects(node):
    """Of all hashes."""
    found = {}
    for folder, _, names in os.walk(os.path.join(node.data, "blobs", "objects")):
        for name in names:
            found[name] = content_at(os.path.join(folder, name))
    return found


def owner_of(all_of, *names):
    return next((name for name in names if LANE in all_of.lanes_of(all_of.nodes[name])), None)


def answered(what, ask):
    """The 200; a node whose lease is not certain for a moment says 503, and is asked again."""
    def once():
        answer = ask()
        assert answer.status in (200, 503), (what, answer.status, answer.body)
        return answer if answer.status == 200 else None
    return wait_for(what, once)


def submit(client, source, certs, key="the-build"):
    content_type, body = multipart([("platform", "ios")], [("source", "app.zip", source), ("certs", "certs.zip", certs)])
    headers = {"Content-Type": content_type, "Idempotency-Key": key}
    return answered("the build is submitted", lambda: client.call("POST", "/builds/submit", body, headers)).json()["id"]


def purge(all_of, node, build):
    answered("the certificates are purged", lambda: node.request(
        "POST", "/commands/builds/PurgeBlob", json.dumps({"build_id": build, "kind": "certs", "at_once": True}),
        {"Authorization": "Bearer " + all_of.operator_key, "Content-Type": "application/json", "Idempotency-Key": "purge"}))


def metrics(all_of, node):
    answer = node.request("GET", "/metrics", headers={"Authorization": "Bearer " + all_of.operator_key})
    assert answer.status == 200, answer.body
    return exposition.parse(answer.body.decode())


def certs_of(node, build):
    return content_at(os.path.join(node.data, "blobs", "private", build))


def main():
    binary = sys.argv[1]
    draw = random.Random(drawn_seed(sys.argv, 2))
    source, result, certs = draw.randbytes(3_000_001), draw.randbytes(2_000_003), draw.randbytes(150_000)
    sources = [draw.randbytes(1_000_001), draw.randbytes(500_001)]
    often = ("--blobs-check-interval", "1s")
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-blobs-") as folder:
        all_of = Installation(binary, None, broker, folder, "bl.")
        try:
            all_of.start("a", flags=often)
            all_of.start("b", flags=often)
            all_of.wait_shared("a", "b")
            name = wait_for("the pool has an owner", lambda: owner_of(all_of, "a", "b"))
            first, second = all_of.nodes[name], all_of.nodes["b" if name == "a" else "a"]
            for node in (first, second):
                wait_for("each sees both", lambda node=node: len([n for n in all_of.get(node, "/cluster")["nodes"]]) == 2)

            client = BuildsClient(first)
            build = submit(client, source, certs)
            held = objects(second)
            assert source in held.values(), "the source of an upload that was answered is on the other node"
            private = [content_at(os.path.join(node.data, "blobs", "private", build)) for node in (first, second)]
            assert private[0] and private[0] == private[1] and certs[:64] not in private[1], "so are the certificates, encrypted"
            answered("the worker is registered", lambda: client.register("w-1"))
            assigned = answered("the build is assigned", lambda: client.poll("w-1"))
            assert assigned.json()["job"]["id"] == build, assigned.body
            answered("the result is stored", lambda: client.upload(build, "w-1", result))
            assert result in objects(second).values(), "and the result"
            api_key = client.api_key

            first.kill()  # it owns the queue
            between = submit(BuildsClient(second, api_key), sources[0], certs, "at the death of the owner")
            wait_for("the other has the lane", lambda: LANE in all_of.lanes_of(second))
            client = BuildsClient(second, api_key)
            answer = answered("the result is served", lambda: client.call("GET", f"/builds/{build}/download"))
            assert answer.body == result, len(answer.body)
            answer = answered("the source is served", lambda: client.call("GET", f"/builds/{build}/download/source"))
            assert answer.body == source, len(answer.body)

            all_of.start(name)
            all_of.wait_shared("a", "b")
            wait_for("each sees both", lambda: len(all_of.get(second, "/cluster")["nodes"]) == 2 and len(all_of.get(first, "/cluster")["nodes"]) == 2)
            sha256 = next(hash for hash, content in objects(second).items() if content == result)
            owner = all_of.nodes[wait_for("the pool has an owner", lambda: owner_of(all_of, "a", "b"))]
            os.remove(path_of(owner, sha256))
            client = BuildsClient(owner, api_key)
            answer = answered("what is lacking is fetched", lambda: client.call("GET", f"/builds/{build}/download"))
            assert answer.body == result, len(answer.body)
            assert content_at(path_of(owner, sha256)) == result, "what was fetched stays"
            stranger = owner.request("GET", f"/cluster/blobs/{sha256}?size={len(result)}", headers={"Authorization": "Bearer " + all_of.operator_key})
            assert stranger.status == 401 and stranger.json()["type"] == "/problems/node-key-wrong", stranger.body

            purge(all_of, owner, build)
            for node in (first, second):
                wait_for("the certificates are gone", lambda node=node: not os.path.exists(os.path.join(node.data, "blobs", "private", build)))

            name = wait_for("the pool has an owner", lambda: owner_of(all_of, "a", "b"))
            owner, lost = all_of.nodes[name], all_of.nodes["b" if name == "a" else "a"]
            wait_for("what was stored while one node was away is on both", lambda: all(
                {source, result, sources[0]} <= set(objects(node).values()) and certs_of(node, between) for node in (first, second)))
            lost.kill()
            client = BuildsClient(owner, api_key)
            later = submit(client, sources[1], certs, "at the death of another node")
            shutil.rmtree(lost.data)
            wait_for("files with one copy are counted", lambda: metrics(all_of, owner)["tidemark_blob_copies_single_files"].value() == 6)
            third = all_of.start("c", flags=often)
            wanted = {source, result, *sources}
            wait_for("what one node has is on two again", lambda: wanted <= set(objects(third).values()))
            wait_for("certificates too", lambda: all(
                certs_of(third, one) is not None and certs_of(third, one) == certs_of(owner, one) for one in (between, later)))
            wait_for("no file has one copy", lambda: metrics(all_of, owner)["tidemark_blob_copies_single_files"].value() == 0)
            assert metrics(all_of, owner)["tidemark_blob_copies_remade_total"].value() >= 6
            assert certs_of(third, build) is None and certs_of(owner, build) is None, "what was purged does not come back"

            owner.kill()
            shutil.rmtree(owner.data)
            wait_for("the third has the lane", lambda: LANE in all_of.lanes_of(third))
            client = BuildsClient(third, api_key)
            answer = answered("the result is served by the third", lambda: client.call("GET", f"/builds/{build}/download"))
            assert answer.body == result, len(answer.body)
            answer = answered("and the last source", lambda: client.call("GET", f"/builds/{later}/download/source"))
            assert answer.body == sources[1], len(answer.body)
        except BaseException:
            print(all_of.logs(), flush=True)
            raise
        finally:
            all_of.end()
        print(f"files on two nodes, Kafka {broker.version}: all well")


if __name__ == "__main__":
    main()
