"""A history on Kafka moves to other topics of the same cluster, by copies of which two are killed in the middle: the read models are the same
bytes, what is served on the new topics is what was served on the old ones, and a source that goes on meanwhile is noticed.

    copy_between_test.py <tidemark> <rows_digest>
"""

import glob
import json
import os
import re
import signal
import subprocess
import tempfile
import time

from copies import BINARY, Work, at_rest, copy
from kafka_broker import Broker
from tidemark_process import Node, clean_environment

def size_of(broker, prefix):
    """Bytes of the events and decisions on the broker's disk."""
    paths = glob.glob(os.path.join(broker.data, "**", prefix + ".builds.*", "*.log"), recursive=True)
    return sum(os.path.getsize(path) for path in paths if ".commands-" not in path)


def killed_in_the_middle(broker, arguments, share):
    """When the target has that share of the source's bytes."""
    process = subprocess.Popen([BINARY, "topics", "copy", *arguments], env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    source = size_of(broker, "old")
    while process.poll() is None and size_of(broker, "new") < share * source:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == -signal.SIGKILL, (process.returncode, said)


def main():
    work = Work()
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="tidemark-copy-") as folder:
        log = "kafka://" + broker.bootstrap
        nodes = []

        def node(name):
            os.mkdir(os.path.join(folder, name))
            made = Node(BINARY, os.path.join(folder, name), ["--lanes", "3", "--keys", os.path.join(folder, "keys"), "--log", log, "--kafka-prefix", name + "."])
            made.keys = os.path.join(folder, "keys")
            nodes.append(made)
            return made

        def between(source, target):
            return ["--from", log, "--from-prefix", source + ".", "--to", log, "--to-prefix", target + "."]

        try:
            old = node("old").start()
            work.run(old, 40)
            assert old.stop() == 0, old.log_text()[-3000:]
            before = at_rest(old)

            itself = copy(*between("old", "old"), code=2)
            assert "are the same log" in itself.stderr, itself.stderr
            slowly = [*between("old", "new"), "--append-bytes", "1024"]
            for share in (0.2, 0.5):
                killed_in_the_middle(broker, slowly, share)
            done = copy(*slowly, "--json")
            report = json.loads(done.stdout)
            assert report["equal"] and report["sha256"] == report["target_sha256"], report
            there, copied = map(int, re.search(r"(\d+) records were there, (\d+) copied", done.stderr).groups())
            assert there > 0 and copied > 0 and there + copied == report["records"], done.stderr
            print(f"{there} of {report['records']} records were there after two kills", flush=True)
            assert json.loads(copy(*between("old", "new"), "--verify", "--json").stdout)["sha256"] == report["sha256"]
            new = node("new")
            assert at_rest(new) == before, "the read models differ on the other topics"
            new.start()
            work.check(new)
            work.run(new, 10)
            work.check(new)
            assert new.stop() == 0, new.log_text()[-3000:]

            # The old topics are whole still, and a copy that was served is no target any more.
            assert at_rest(old) == before, "the source was changed"
            behind = copy(*between("old", "new"), code=1)
            assert "goes on to tmseq" in behind.stderr, behind.stderr
            print(f"moved between topics of Kafka {broker.version}: {len(work.completed)} builds completed, {len(work.cancelled)} cancelled")
        except BaseException:
            for one in nodes:
                print(f"end of {one.directory}:\n{one.log_text()[-2000:]}", flush=True)
            raise
        finally:
            for one in nodes:
                one.end()


if __name__ == "__main__":
    main()
