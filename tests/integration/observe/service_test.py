"""What a node tells its service manager: this test is the manager at the other end of the notify socket."""

import os
import signal
import socket
import sys
import tempfile
import time
import unittest

from tidemark_process import Node

BINARY = sys.argv.pop(1)
WAIT_S = 60.0


class Service(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidemark-service-")
        self.addCleanup(folder.cleanup)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        path = os.path.join(folder.name, "notify")
        self.manager.bind(path)
        self.manager.settimeout(WAIT_S)
        self.node = Node(BINARY, folder.name, environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "300000"})
        self.addCleanup(self.node.end)
        self.told = []

    def next_with(self, name):
        """The fields of the next message that has `name`; what came before it is in `told`."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            fields = dict(line.split("=", 1) for line in self.manager.recv(4096).decode().splitlines())
            self.told.append(fields)
            if name in fields:
                return fields
        raise AssertionError(f"no {name} in {self.told}")

    def test_a_start_is_patient_and_ends_with_ready(self):
        self.node.spawn()
        self.assertGreaterEqual(int(self.next_with("EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"]), 1_000_000)
        ready = self.next_with("READY")
        self.assertEqual(ready["READY"], "1")
        self.assertIn("STATUS", ready)
        self.assertEqual(self.node.request("GET", "/readyz").status, 200)
        self.assertFalse([fields for fields in self.told[:-1] if "WATCHDOG" in fields], "the watchdog waits for the start")

    def test_a_node_that_lives_says_so_again_and_again(self):
        self.node.spawn()
        self.next_with("READY")
        for _ in range(3):
            self.assertEqual(self.next_with("WATCHDOG")["WATCHDOG"], "1")

    def test_a_node_that_stands_still_is_silent(self):
        self.node.spawn()
        self.next_with("READY")
        self.next_with("WATCHDOG")
        self.node.process.send_signal(signal.SIGSTOP)
        self.manager.settimeout(1.5)  # five times what the watchdog allows
        with self.assertRaises(TimeoutError):
            while True:
                self.manager.recv(4096)
        self.node.process.send_signal(signal.SIGCONT)
        self.manager.settimeout(WAIT_S)
        self.next_with("WATCHDOG")

    def test_hangup_reloads_and_the_node_goes_on(self):
        self.node.spawn()
        self.next_with("READY")
        for _ in range(2):
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            self.node.process.send_signal(signal.SIGHUP)
            self.assertGreaterEqual(int(self.next_with("RELOADING")["MONOTONIC_USEC"]), before)
            self.next_with("READY")
        self.assertEqual(self.node.request("GET", "/readyz").status, 200)

    def test_a_stop_is_announced(self):
        self.node.spawn()
        self.next_with("READY")
        self.node.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.next_with("STOPPING")["STOPPING"], "1")
        self.assertEqual(self.node.process.wait(WAIT_S), 0)

    def test_a_failed_start_is_never_ready(self):
        self.node.flags = ["--listen", "main=off", "--listen", "192.0.2.1:1"]
        self.node.spawn()
        self.assertNotEqual(self.node.process.wait(WAIT_S), 0)
        self.manager.setblocking(False)
        try:
            while True:
                self.assertNotIn(b"READY=1", self.manager.recv(4096))
        except BlockingIOError:
            pass


if __name__ == "__main__":
    unittest.main()
