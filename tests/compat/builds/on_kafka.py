"""Runs a flow of this folder with the log on a real Kafka broker: every controller is an installation of its own.

usage: on_kafka.py <tidemark binary> <flow> [arguments of the flow]
"""

import os
import runpy
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "support", "process"))

import controller  # noqa: E402
from kafka_broker import Broker  # noqa: E402

binary, flow, *arguments = sys.argv[1:]
with Broker() as broker:
    print(f"Kafka {broker.version} at {broker.bootstrap}", flush=True)
    made = 0
    plain = controller.Controller.__init__

    def with_kafka(self, *given, environment=None, **named):
        global made
        made += 1
        kafka = {"TIDEMARK_LOG": f"kafka://{broker.bootstrap}", "TIDEMARK_KAFKA_PREFIX": f"flow-{made}."}
        plain(self, *given, environment={**kafka, **(environment or {})}, **named)

    controller.Controller.__init__ = with_kafka
    controller.START_PATIENCE_S = 120
    sys.argv = [flow, binary, *arguments]
    runpy.run_path(os.path.join(HERE, flow), run_name="__main__")
