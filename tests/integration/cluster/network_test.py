"""Two nodes under load when the broker is killed and comes back, and when the network between one of them and the broker is cut.

    network_test.py <tidemark> <rows_digest> [seed]
"""

import os
import random
import sys
import tempfile
import time

from installation import LANES, Installation, Load, drawn_seed, wait_for
from kafka_broker import Broker
from proxy import Proxy
from tidemark_process import free_port


def restart(all_of, draw, seed):
    a = all_of.nodes["a"]
    with Load(all_of, f"{seed}-restart", "a", "b") as load:
        for _ in range(2):
            load.wait_acknowledged(40)
            time.sleep(draw.uniform(0, 0.3))
            all_of.broker.kill()
            time.sleep(draw.uniform(0, 3))
            began = time.monotonic()
            all_of.broker.start()
            answers = time.monotonic()
            load.wait_acknowledged(1)
            print(f"broker back after {answers - began:.1f} s, the first command decided {time.monotonic() - answers:.1f} s later")
            all_of.wait_shared("a", "b")
    print(f"broker killed twice: {load}; log {all_of.check_log(a, load)}")


def cut(all_of, proxy, seed):
    """The node that is cut off answers everybody, and owns nothing in the end; the other has all lanes until it is back."""
    a, b = all_of.nodes["a"], all_of.nodes["b"]
    with Load(all_of, f"{seed}-cut", "a", "b") as load:
        load.wait_acknowledged(40)
        proxy.cut()
        wait_for("who is not cut off has all lanes", lambda: all_of.lanes_of(a) == list(range(LANES)))
        before = len(load.acknowledged)
        load.wait_acknowledged(100)
        wait_for("who is cut off serves none", lambda: all_of.lanes_of(b) == [])
        proxy.heal()
        all_of.wait_shared("a", "b")
        load.wait_acknowledged(40)
    print(f"cut off: {len(load.acknowledged) - before} acknowledged since; {load}; log {all_of.check_log(a, load)}")
    all_of.check_log(b, load)


def main():
    binary, digest = sys.argv[1], sys.argv[2]
    seed = drawn_seed(sys.argv, 3)
    port, second, controller = free_port(), free_port(), free_port()
    proxy = Proxy(second)
    # A second listener, of which clients are told the proxy's address.
    os.environ["KAFKA_PROPERTIES"] = "\n".join([
        f"listeners=PLAINTEXT://127.0.0.1:{port},CUT://127.0.0.1:{second},CONTROLLER://127.0.0.1:{controller}",
        f"advertised.listeners=PLAINTEXT://127.0.0.1:{port},CUT://127.0.0.1:{proxy.port}",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CUT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        f"controller.quorum.voters=1@127.0.0.1:{controller}"])
    with Broker("--port", str(port)) as broker, tempfile.TemporaryDirectory(prefix="tidemark-nodes-") as folder:
        all_of = Installation(binary, digest, broker, folder, "it.")
        try:
            all_of.start("a")
            all_of.node("b", bootstrap=f"127.0.0.1:{proxy.port}")
            all_of.start("b")
            all_of.wait_shared("a", "b")
            restart(all_of, random.Random(seed), seed)
            cut(all_of, proxy, seed)
            all_of.check_models("a", "b")
        except BaseException:
            print(f"failed with seed {seed}\n{all_of.logs()}", flush=True)
            raise
        finally:
            all_of.end()
            proxy.end()
        print(f"network on Kafka {broker.version}: all well")


if __name__ == "__main__":
    main()
