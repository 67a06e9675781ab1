"""Nodes that share a log on a real broker: lanes are shared, a node is killed under load, an owner is stopped and wakes up late,
nodes come and go all the time.

    faults_test.py <tidemark> <rows_digest> owners|storm <seconds of storm> [seed]
"""

import random
import signal
import sys
import tempfile
import threading
import time

from installation import LANES, Installation, Load, drawn_seed, pool_in, send, wait_for
from kafka_broker import Broker
from tidemark_process import BuildsClient


def share(all_of, seed):
    """Lanes follow the nodes that are there; what a node is told when it stops well is done at once."""
    a = all_of.start("a")
    wait_for("the first node has all lanes", lambda: all_of.lanes_of(a) == list(range(LANES)))
    b = all_of.start("b")
    all_of.wait_shared("a", "b")
    cluster = wait_for("each sees both", lambda: both_seen(all_of, a) and both_seen(all_of, b))
    assert [(n["id"], n["self"]) for n in cluster["nodes"]] == [("a", False), ("b", True)], cluster
    assert cluster["nodes"][0]["url"] == f"http://127.0.0.1:{a.port}", cluster
    owners = [lane["owner"] for lane in cluster["lanes"]]
    assert sorted(set(owners)) == ["a", "b"] and all(owners), cluster
    theirs = owners.index("a")
    assert send(b, all_of.operator_key, "wrong-node", pool_in(theirs)).status == 200
    with Load(all_of, seed, "a", "b") as load:
        load.wait_acknowledged(100)
        began = time.monotonic()
        load.names = ["a"]
        assert b.stop() == 0, b.log_text()[-2500:]
        wait_for("the other has all lanes", lambda: all_of.lanes_of(a) == list(range(LANES)))
        print(f"a node that is stopped well: {time.monotonic() - began:.2f} s until the other serves all lanes, its end included")
        load.wait_acknowledged(50)
        all_of.start("b")
        all_of.wait_shared("a", "b")
        load.names = ["a", "b"]
        load.wait_acknowledged(50)
    print(f"shared: {load}; log {all_of.check_log(a, load)}")


def both_seen(all_of, node):
    cluster = all_of.get(node, "/cluster")
    return cluster if cluster["seen"] and [n["lanes"] for n in cluster["nodes"]] == [LANES // 2] * 2 else None


def kill(all_of, draw, seed, rounds):
    """kill -9 of an owner under load, anywhere in its transactions; who remains has its lanes."""
    a, b = all_of.nodes["a"], all_of.nodes["b"]
    takeovers = []
    for number in range(rounds):
        lanes = all_of.lanes_of(b)
        with Load(all_of, f"{seed}-kill-{number}", "a", "b") as load:
            load.wait_acknowledged(40)
            time.sleep(draw.uniform(0, 0.1))
            b.kill()
            load.names = ["a"]
            began = time.monotonic()
            taken = {}

            def probe(lane, began=began, taken=taken, number=number, load=load):
                key = f"{seed}-probe-{number}-{lane}"
                wait_for(f"lane {lane} is served again", lambda: getattr(load.register(a, key, pool_in(lane)), "status", 0) == 200)
                taken[lane] = time.monotonic() - began

            probes = [threading.Thread(target=probe, args=(lane,)) for lane in lanes]
            for thread in probes:
                thread.start()
            for thread in probes:
                thread.join()
            assert sorted(taken) == lanes, (taken, lanes)
            takeovers += taken.values()
            load.wait_acknowledged(40)
            all_of.start("b")
            all_of.wait_shared("a", "b")
            load.names = ["a", "b"]
            load.wait_acknowledged(40)
        all_of.check_log(a, load)
    takeovers.sort()
    print(f"killed {rounds} times: a lane of the killed owner was served again after {takeovers[len(takeovers) // 2]:.2f} s (median), {takeovers[-1]:.2f} s (slowest); {load}")


def stopped(all_of, draw, seed, rounds):
    """An owner stands still past its session and another takes its lanes. When it wakes nothing of it is taken or told any more,
    whatever waited in its sockets: not an append, not an idle poll, not a repeat."""
    for number in range(rounds):
        with Load(all_of, f"{seed}-stop-{number}", "a", "b") as load:
            load.wait_acknowledged(30)
            lane = murmur_of_default_pool()
            names = ["a", "b"] if lane in all_of.lanes_of(all_of.nodes["a"]) else ["b", "a"]
            owner, other = (all_of.nodes[name] for name in names)
            client = BuildsClient(owner)
            worker = f"idle-{number}"
            assert wait_for("the owner registers a worker", lambda: client.register(worker).status == 200)
            assert wait_for("the owner answers an idle poll", lambda: client.poll(worker).status == 200)
            kept = f"{seed}-kept-{number}"
            first = wait_for("the owner decides", lambda: (lambda answer: answer if answer.status == 200 else None)(send(owner, all_of.operator_key, kept, "default")))
            lanes = all_of.lanes_of(owner)
            known = len(takings(all_of, other, lane))
            load.names = [names[1]]
            time.sleep(draw.uniform(0, 0.1))
            owner.process.send_signal(signal.SIGSTOP)
            wait_for("the other has its lanes", lambda: all_of.lanes_of(other) == list(range(LANES)))
            assert load.register(other, f"{seed}-after-{number}", "default").status == 200
            refused = {}

            def ask(what, call, refused=refused):
                refused[what] = call().status

            asked = [threading.Thread(target=ask, args=asking) for asking in (
                ("append", lambda: send(owner, all_of.operator_key, f"{seed}-late-{number}", "default")),
                ("repeat", lambda: send(owner, all_of.operator_key, kept, "default")),
                ("poll", lambda: BuildsClient(owner, client.api_key).poll(worker)))]
            for thread in asked:
                thread.start()
            time.sleep(0.5)  # so that they lie in its sockets when it wakes
            owner.process.send_signal(signal.SIGCONT)
            for thread in asked:
                thread.join()
            all_of.wait_shared("a", "b")
            # What it could not decide itself the lane's owner did. Only one that the group has given the lane again meanwhile may tell itself.
            assert refused["append"] in (200, 503) and refused["repeat"] in (200, 503), refused
            behind, took_back = decided_behind(all_of, other, lane, names, f"{seed}-late-{number}", known)
            assert behind and (refused["poll"] == 503 or took_back), (refused, behind, took_back)
            load.names = ["a", "b"]
            load.wait_acknowledged(30)
            again = wait_for("the repeat gets its first answer",
                             lambda: next((answer for answer in (send(node, all_of.operator_key, kept, "default") for node in (owner, other)) if answer.status == 200), None))
            assert again.json()["id"] == first.json()["id"] and again.headers["Tidemark-Replayed"] == "true"
            client.close()
        all_of.check_log(other, load)
    print(f"stopped {rounds} times, of {len(lanes)} lanes: late appends and repeats decided by the next owner or by nobody, polls refused; {load}")


def takings(all_of, reader, lane):
    """(tmseq, node) of who has taken the lane, in order."""
    return [(int(event["tmseq"]), event["data"]["node"]) for at, event in all_of.records(reader, "builds.ledger") if at == lane and ".LaneTaken." in event["type"]]


def decided_behind(all_of, reader, lane, names, late, known):
    """Whether `late` was decided only after the other (names[1]) took the lane from the owner that stood still, behind the first `known` takings; and
    whether that one has taken it back."""
    wait_for("the reader has caught up", lambda: all_of.caught_up(reader))
    since = takings(all_of, reader, lane)[known:]
    others = min(at for at, node in since if node == names[1])
    decided = [int(event["tmseq"]) for at, event in all_of.records(reader, "builds.ledger")
               if at == lane and event["type"].endswith(".WorkerRegistered.v1") and event["data"].get("name") == late]
    return all(at > others for at in decided), any(node == names[0] and at > others for at, node in since)


def murmur_of_default_pool():
    return next(lane for lane in range(LANES) if pool_is_in("default", lane))


def pool_is_in(pool, lane):
    from installation import murmur2  # pylint: disable=import-outside-toplevel
    return murmur2(pool) % LANES == lane


def storm(all_of, draw, seed, seconds):
    """Every second a node joins, leaves or is killed."""
    a = all_of.start("a")
    others = ["b", "c", "d"]
    for name in others:
        all_of.node(name)
    changes = {"joins": 0, "leaves": 0, "kills": 0}
    leaving = []
    with Load(all_of, seed, "a") as load:
        wait_for("the first node has all lanes", lambda: all_of.lanes_of(a) == list(range(LANES)))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            node = all_of.nodes[draw.choice(others)]
            if node.process is None or node.process.poll() is not None:
                node.spawn()
                changes["joins"] += 1
            elif draw.random() < 0.5:
                node.process.send_signal(signal.SIGTERM)
                leaving.append(node)
                changes["leaves"] += 1
            else:
                node.process.kill()
                node.process.wait()
                changes["kills"] += 1
            load.names = ["a", *others]
            time.sleep(1)
        for node in all_of.nodes.values():
            if node.process.poll() is not None:
                node.start()
        for name in ["a", *others]:
            wait_for(f"{name} is ready", lambda name=name: is_ready(all_of, name))
        all_of.wait_shared("a", *others)
        load.wait_acknowledged(40)
    assert len(load.acknowledged) >= 40
    print(f"storm of {seconds} s: {changes}; {load}; log {all_of.check_log(a, load)}")
    all_of.check_models("a", *others)


def is_ready(all_of, name):
    node = all_of.nodes[name]
    if node.process is None or node.process.poll() is not None:
        node.start()  # one that was leaving when the storm ended
    try:
        return node.request("GET", "/readyz").status == 200
    except OSError:
        return False


def main():
    binary, digest, what, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    seed = drawn_seed(sys.argv, 5)
    draw = random.Random(seed)
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-nodes-") as folder:
        all_of = Installation(binary, digest, broker, folder, "it.")
        try:
            if what == "owners":
                share(all_of, seed)
                kill(all_of, draw, seed, 2)
                stopped(all_of, draw, seed, 2)
                all_of.check_models("a", "b")
            else:
                storm(all_of, draw, seed, seconds)
        except BaseException:
            print(f"failed with seed {seed}\n{all_of.logs()}", flush=True)
            raise
        finally:
            all_of.end()
        print(f"{what} on Kafka {broker.version}: all well")


if __name__ == "__main__":
    main()
