"""A node's history moves from its directory to Kafka, is served and written there, and moves back into a new directory. The copies are
killed again and again; the read models on both sides are the same bytes; nothing that was acknowledged is lost.

    copy_test.py <tidemark> <rows_digest> [seed]
"""

import os
import random
import tempfile
import time

from copies import BINARY, FLAGS, SEED, Work, at_rest, begins, copy, copy_with_kills
from kafka_broker import Broker
from tidemark_process import Node


def main():
    print(f"seed {SEED}", flush=True)
    draw = random.Random(SEED)
    work = Work()
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-copy-") as folder:
        log = "kafka://" + broker.bootstrap
        on_kafka = ["--to", log, "--to-prefix", "moved."]
        nodes = []

        def node(name, *flags):
            os.mkdir(os.path.join(folder, name))
            made = Node(BINARY, os.path.join(folder, name), [*FLAGS, *flags, "--keys", os.path.join(folder, "keys")])
            made.keys = os.path.join(folder, "keys")
            nodes.append(made)
            return made

        try:
            # In its directory, with old activity that retention has cut.
            first = node("first", "--log-segment-bytes", "65536").start()
            deadline = time.monotonic() + 120
            while not any(begins(first, "builds.activity")):
                assert time.monotonic() < deadline, first.log_text()[-3000:]
                work.run(first, 10)
            work.run(first, 30)
            in_use = copy("--from", first.data, *on_kafka, code=1)
            assert "is in use by process" in in_use.stderr, in_use.stderr
            assert first.stop() == 0, first.log_text()[-3000:]
            before = at_rest(first)

            # To Kafka. What is not whole is not served.
            moved = node("moved", "--log", log, "--kafka-prefix", "moved.")
            began = time.monotonic()
            copy("--from", first.data, "--to", log, "--to-prefix", "timed.")
            whole_s = time.monotonic() - began
            copy_with_kills(draw, whole_s, "--from", first.data, *on_kafka)
            assert at_rest(moved) == before, "the read models differ after the move to Kafka"
            verified = copy("--from", first.data, *on_kafka, "--verify")
            assert "the target holds what the source holds" in verified.stdout, verified.stdout
            # It has gone on; the directory is behind.
            behind = copy("--from", first.data, *on_kafka, code=1)
            assert "goes on to tmseq" in behind.stderr, behind.stderr
            moved.start()
            work.check(moved)
            work.run(moved, 20)
            assert moved.stop() == 0, moved.log_text()[-3000:]
            before = at_rest(moved)

            # And back, into a new directory; never over what is there.
            there = copy("--from", log, "--from-prefix", "moved.", "--to", first.data, code=1)
            assert "is no copy" in there.stderr, there.stderr
            back = node("back")
            began = time.monotonic()
            copy("--from", log, "--from-prefix", "moved.", "--to", os.path.join(folder, "timed"))
            whole_s = time.monotonic() - began
            copy_with_kills(draw, whole_s, "--from", log, "--from-prefix", "moved.", "--to", back.data, "--log-segment-bytes", "1048576")
            assert at_rest(back) == before, "the read models differ after the move back"
            back.start()
            work.check(back)
            work.run(back, 5)
            work.check(back)
            assert back.stop() == 0, back.log_text()[-3000:]
            print(f"moved to Kafka {broker.version} and back: {len(work.completed)} builds completed, {len(work.cancelled)} cancelled")
        except BaseException:
            print(f"failed with seed {SEED}")
            for one in nodes:
                print(f"end of {one.directory}:\n{one.log_text()[-2000:]}", flush=True)
            raise
        finally:
            for one in nodes:
                one.end()


if __name__ == "__main__":
    main()
