"""Commands of the platform may be asked of any node: what another one's lane has to decide goes there by Kafka, and is answered alike.

    forward_test.py <tidemark> <rows_digest> [seed]
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time

from installation import LANES, Installation, Load, drawn_seed, pool_in, registration, send, wait_for
from kafka_broker import Broker
from tidemark_process import Connection

TELLING = ("Tidemark-Position", "ETag", "Tidemark-Subject", "Content-Type")


class World:
    def __init__(self, all_of):
        self.all_of = all_of
        self.key = {"Authorization": "Bearer " + all_of.operator_key}

    def ask(self, node, path, body, **headers):
        connection = Connection(node.port, 45)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return connection.request("POST", path, body if isinstance(body, str) else json.dumps(body), {**self.key, "Content-Type": "application/json", **named})
        finally:
            connection.close()

    def owner_and_other(self, lane):
        a, b = self.all_of.nodes["a"], self.all_of.nodes["b"]
        return (a, b) if lane in self.all_of.lanes_of(a) else (b, a)


def told(answer):
    return answer.status, answer.body, {name: answer.headers.get(name) for name in TELLING}


def answered_alike(world, seed):
    """Of every lane: asked at who does not own it, asked again at its owner."""
    for lane in range(LANES):
        owner, other = world.owner_and_other(lane)
        key, pool = f"{seed}-alike-{lane}", pool_in(lane)
        first = send(other, world.all_of.operator_key, key, pool)
        assert first.status == 200 and "Tidemark-Replayed" not in first.headers, (lane, told(first))
        for node in (owner, other):
            again = send(node, world.all_of.operator_key, key, pool)
            assert told(again) == told(first) and again.headers["Tidemark-Replayed"] == "true", (told(first), told(again))
        for node in (owner, other):
            shown = node.request("GET", f"/streams/builds/{first.json()['events'][0]['subject']}", headers={**world.key, "Tidemark-At-Least": first.headers["Tidemark-Position"]})
            assert shown.status == 200 and len(shown.json()["events"]) == 1, shown.body
            decision = node.request("GET", f"/decisions/{first.json()['id']}", headers={**world.key, "Tidemark-At-Least": first.headers["Tidemark-Position"]})
            assert decision.status == 200, decision.body
        reused = [world.ask(node, "/commands/builds/RegisterWorker", registration(key + "x", pool), Idempotency_Key=key) for node in (owner, other)]
        assert [answer.status for answer in reused] == [422, 422] and reused[0].body == reused[1].body, [told(answer) for answer in reused]


def refused_alike(world, seed):
    """Refusals, expectations and bad data."""
    lane = 3
    owner, other = world.owner_and_other(lane)
    pool = pool_in(lane)
    subject = send(owner, world.all_of.operator_key, f"{seed}-known", pool).json()["events"][0]["subject"]

    def both(path, body, **headers):
        answers = [world.ask(node, path, body, **headers) for node in (owner, other)]
        bodies = [{name: value for name, value in answer.json().items() if name != "id"} for answer in answers]
        assert answers[0].status == answers[1].status and bodies[0] == bodies[1], [told(answer) for answer in answers]
        assert answers[0].headers.get("ETag") == answers[1].headers.get("ETag")
        return answers[0].status

    assert both("/commands/builds/CancelBuild", {"build_id": "nowhere", "pool_id": pool}) in (404, 409)
    assert both("/commands/builds/RegisterWorker", {"worker_id": 7}) == 400
    assert both("/commands/builds/Fly", {}) == 404
    again = registration(f"{seed}-known", pool)
    assert both("/commands/builds/RegisterWorker", again, If_Match='"7"', Tidemark_Subject=subject) == 412
    assert both("/commands/builds/RegisterWorker", again, If_None_Match="*", Tidemark_Subject=subject) == 412


def every_form(world, seed):
    """Plain, structured, binary and a batch over all lanes, at both nodes."""
    for name in ("a", "b"):
        node = world.all_of.nodes[name]

        def event(lane, which, name=name):
            key = f"{seed}-{name}-{which}-{lane}"
            return {"specversion": "1.0", "id": key, "source": "/forward-test", "type": "tidemark.builds.RegisterWorker.v1", "data": json.loads(registration(key, pool_in(lane)))}

        for lane in range(0, LANES, 3):
            structured = event(lane, "s")
            first = world.ask(node, "/commands", structured, Content_Type="application/cloudevents+json")
            assert first.status == 200, told(first)
            for other in world.all_of.nodes.values():
                again = world.ask(other, "/commands", structured, Content_Type="application/cloudevents+json")
                assert told(again) == told(first), (told(first), told(again))
            binary = event(lane, "b")
            answer = world.ask(node, "/commands/builds/RegisterWorker", binary["data"], ce_specversion="1.0", ce_id=binary["id"], ce_source=binary["source"], ce_type=binary["type"])
            assert answer.status == 200, told(answer)
        batch = [event(n % LANES, f"n{n}") for n in range(5 * LANES)]
        answer = world.ask(node, "/commands", batch, Content_Type="application/cloudevents-batch+json")
        assert answer.status == 200 and [item["status"] for item in answer.json()["items"]] == [200] * len(batch), told(answer)
        lines = "\n".join(json.dumps(event(n % LANES, f"n{n}")) for n in range(5 * LANES))
        again = world.ask(node, "/commands", lines, Content_Type="application/x-ndjson")
        assert [item["body"] for item in again.json()["items"]] == [item["body"] for item in answer.json()["items"]]
        assert all(item.get("replayed") for item in again.json()["items"])


def twice_at_once(world, seed):
    """A producer that sends the same command to two nodes, again and again."""
    for number in range(3 * LANES):
        key, answers = f"{seed}-twice-{number}", []
        threads = [threading.Thread(target=lambda node=node, key=key, lane=number % LANES, answers=answers: answers.append(send(node, world.all_of.operator_key, key, pool_in(lane))))
                   for node in list(world.all_of.nodes.values()) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status for answer in answers] == [200] * 4 and len({answer.body for answer in answers}) == 1, [told(answer) for answer in answers]
        assert sum("Tidemark-Replayed" not in answer.headers for answer in answers) == 1, [dict(answer.headers) for answer in answers]


def stranger(world, broker, seed):
    """Whoever can write to the topic and reads what nodes write there still speaks for nobody but the operator."""
    lane = 5
    _, other = world.owner_and_other(lane)
    assert send(other, world.all_of.operator_key, f"{seed}-real", pool_in(lane)).status == 200
    headers = {"ce_specversion": "1.0", "ce_id": f"{seed}-forged", "ce_source": "/tidemark/nodes/a", "ce_type": "tidemark.builds.RegisterWorker.v1", "ce_actor": "the king",
               "ce_commandid": "0190b6a8-0000-7000-8000-000000000001", "tidemark-not-after": str(int(time.time() * 1000) + 60000), "tidemark-node-proof": "mac-0123456789ab.AAAA"}
    flags = [word for name, value in headers.items() for word in ("-H", f"{name}={value}")]
    subprocess.run(["kcat", "-P", "-b", broker.bootstrap, "-t", world.all_of.prefix + "builds.commands", "-p", str(lane), *flags],
                   input=registration("forged", pool_in(lane)).encode(), check=True, timeout=60)
    node = world.all_of.nodes["a"]
    letters = wait_for("the forged record is put aside", lambda: world.all_of.records(node, "builds.dead-letters"))
    assert [(at, letter["data"]["code"]) for at, letter in letters] == [(lane, "BAD_PROOF")], letters


def owner_is_killed(world, seed, draw):
    """All load at one node; the other, which owns half of the lanes, is killed in the middle of it."""
    all_of = world.all_of
    with Load(all_of, f"{seed}-kill", "a") as load:
        load.wait_acknowledged(60)
        time.sleep(draw.uniform(0, 0.1))
        all_of.nodes["b"].kill()
        load.wait_acknowledged(60)
        all_of.start("b")
        all_of.wait_shared("a", "b")
        load.wait_acknowledged(60)
    print(f"the owner of half of the lanes was killed: {load}; log {all_of.check_log(all_of.nodes['a'], load)}")


def main():
    seed = drawn_seed(sys.argv, 3)
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-nodes-") as folder:
        all_of = Installation(sys.argv[1], sys.argv[2], broker, folder, "it.")
        try:
            for name in ("a", "b"):
                all_of.start(name, flags=("--metrics-open",))
            all_of.wait_shared("a", "b")
            world = World(all_of)
            for what, step in (("answers", lambda: answered_alike(world, seed)), ("refusals", lambda: refused_alike(world, seed)), ("forms", lambda: every_form(world, seed)),
                               ("twice at once", lambda: twice_at_once(world, seed)), ("a stranger", lambda: stranger(world, broker, seed)),
                               ("a kill", lambda: owner_is_killed(world, seed, random.Random(seed)))):
                began = time.monotonic()
                step()
                print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)
            metrics = all_of.nodes["a"].request("GET", "/metrics").body.decode()
            assert 'tidemark_lane_forwarded_total{domain="builds",outcome="answered"}' in metrics, metrics
            all_of.check_models("a", "b")
        except BaseException:
            print(f"failed with seed {seed}\n{all_of.logs()}", flush=True)
            raise
        finally:
            all_of.end()
        print(f"any node takes commands on Kafka {broker.version}: all well")


if __name__ == "__main__":
    main()
