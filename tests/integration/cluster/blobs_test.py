"""Files of builds on two nodes over a real broker: an upload that was answered is on both, so that it survives the node that took it;
what a node lacks it fetches; a purged certificate goes from both.

    blobs_test.py <tidemark>
"""

import json
import os
import random
import sys
import tempfile

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


def submit(client, source, certs):
    content_type, body = multipart([("platform", "ios")], [("source", "app.zip", source), ("certs", "certs.zip", certs)])
    headers = {"Content-Type": content_type, "Idempotency-Key": "the-build"}
    return answered("the build is submitted", lambda: client.call("POST", "/builds/submit", body, headers)).json()["id"]


def purge(all_of, node, build):
    answered("the certificates are purged", lambda: node.request(
        "POST", "/commands/builds/PurgeBlob", json.dumps({"build_id": build, "kind": "certs", "at_once": True}),
        {"Authorization": "Bearer " + all_of.operator_key, "Content-Type": "application/json", "Idempotency-Key": "purge"}))


def main():
    binary = sys.argv[1]
    draw = random.Random(drawn_seed(sys.argv, 2))
    source, result, certs = draw.randbytes(3_000_001), draw.randbytes(2_000_003), draw.randbytes(150_000)
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-blobs-") as folder:
        all_of = Installation(binary, None, broker, folder, "bl.")
        try:
            all_of.start("a")
            all_of.start("b")
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

            first.kill()
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
        except BaseException:
            print(all_of.logs(), flush=True)
            raise
        finally:
            all_of.end()
        print(f"files on two nodes, Kafka {broker.version}: all well")


if __name__ == "__main__":
    main()
