"""Start and stop of a real node: key files, the lock on the data, taken ports, signals, health."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

from tidemark_process import BuildsClient, Node, clean_environment, free_port

BINARY = sys.argv.pop(1)


class Lifecycle(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tidemark-lifecycle-")
        self.addCleanup(self.folder.cleanup)
        self.node = Node(BINARY, self.folder.name)
        self.addCleanup(self.node.end)

    def serve(self, *arguments):
        """A start that is expected to end by itself."""
        return subprocess.run([BINARY, "serve", *arguments], cwd=self.folder.name, env=clean_environment(), capture_output=True,
                              text=True, timeout=60, check=False)

    def mode(self, path):
        return stat.S_IMODE(os.stat(path).st_mode)

    def test_the_first_start_makes_keys_that_only_the_owner_can_read(self):
        self.node.start()
        self.assertEqual(self.mode(self.node.keys), 0o700)
        for name in ("ring.json", "operator.key", "builds-api.key"):
            self.assertEqual(self.mode(os.path.join(self.node.keys, name)), 0o600, name)
        self.assertGreaterEqual(len(self.node.read_key("builds-api.key")), 16)
        self.assertNotEqual(self.node.read_key("builds-api.key"), self.node.read_key("operator.key"))

    def test_keys_stay_the_same_over_a_restart(self):
        self.node.start()
        before = [self.node.read_key(name) for name in ("operator.key", "builds-api.key")]
        self.assertEqual(self.node.stop(), 0)
        self.node.start()
        self.assertEqual(before, [self.node.read_key(name) for name in ("operator.key", "builds-api.key")])

    def test_no_key_is_written_to_the_log_of_the_process(self):
        self.node.start()
        text = self.node.log_text()
        self.assertNotIn(self.node.read_key("operator.key"), text)
        self.assertNotIn(self.node.read_key("builds-api.key"), text)

    def test_sigterm_and_sigint_end_with_zero(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.node.start()
            self.assertEqual(self.node.stop(number), 0, self.node.log_text())

    def test_sigterm_lets_a_request_under_way_finish(self):
        self.node.start()
        with socket.create_connection(("127.0.0.1", self.node.port), timeout=30) as slow:
            body = b"{}"
            head = (f"POST /commands/builds/CancelBuild HTTP/1.1\r\nHost: x\r\nX-Operator-Key: {self.node.read_key('operator.key')}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n")
            slow.sendall(head.encode())
            self.assertIn(b"100 Continue", slow.recv(4096), "the handler reads the body now")
            self.node.process.send_signal(signal.SIGTERM)
            slow.sendall(body)
            answer = b""
            while chunk := slow.recv(4096):
                answer += chunk
            self.assertRegex(answer, rb"^HTTP/1.1 400 ")
        self.assertEqual(self.node.process.wait(30), 0)

    def test_a_damaged_file_of_owner_memory_is_said_and_does_no_harm(self):
        self.node.start()
        self.assertEqual(self.node.stop(), 0)
        path = os.path.join(self.node.data, "owner-memory")
        with open(path, "wb") as file:
            file.write(b"TMVOLAT1" + os.urandom(100))
        self.node.start()
        self.assertIn("owner memory of the last run not taken over", self.node.log_text())
        client = BuildsClient(self.node)
        client.register("w1")
        client.poll("w1")
        self.assertEqual(self.node.stop(), 0)

    def test_a_second_start_on_the_same_data_names_the_first(self):
        self.node.start()
        done = self.serve("--data", self.node.data, "--port", str(free_port()))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"process {self.node.process.pid}", done.stderr)
        self.assertIn(self.node.data, done.stderr)
        self.assertEqual(self.node.request("GET", "/readyz").status, 200)

    def test_a_taken_port_is_named_with_its_process_and_a_way_out(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            done = self.serve("--data", self.node.data, "--port", str(port))
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(port), done.stderr)
            self.assertIn(str(os.getpid()), done.stderr)
            self.assertIn("--port", done.stderr)

    def test_a_log_without_its_key_ring_is_refused(self):
        self.node.start()
        self.assertEqual(self.node.stop(), 0)
        os.rename(self.node.keys, self.node.keys + ".away")
        done = self.serve("--data", self.node.data, "--port", str(self.node.port))
        self.assertEqual(done.returncode, 1)
        self.assertIn("key ring", done.stderr)
        self.assertIn("--keys", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.node.keys, "ring.json")), "no new ring in place of the lost one")

    def test_the_key_ring_of_another_installation_is_refused(self):
        self.node.start()
        self.assertEqual(self.node.stop(), 0)
        with tempfile.TemporaryDirectory(prefix="tidemark-other-") as other_folder:
            other = Node(BINARY, other_folder)
            self.addCleanup(other.end)
            other.start()
            self.assertEqual(other.stop(), 0)
            done = self.serve("--data", self.node.data, "--keys", other.keys, "--port", str(self.node.port))
        self.assertEqual(done.returncode, 1)
        self.assertIn("was made with ring", done.stderr)

    def test_another_number_of_lanes_is_refused(self):
        self.node.flags = ["--lanes", "3"]
        self.node.start()
        self.assertEqual(self.node.stop(), 0)
        done = self.serve("--data", self.node.data, "--port", str(self.node.port), "--lanes", "4")
        self.assertEqual(done.returncode, 1)
        self.assertIn("lanes", done.stderr)
        self.node.flags = []
        self.node.start()

    def test_a_window_longer_than_decisions_are_kept_is_refused(self):
        done = self.serve("--data", self.node.data, "--port", str(self.node.port), "--idempotency-window", "8d")
        self.assertEqual(done.returncode, 2)
        self.assertIn("idempotency_window", done.stderr)
        self.assertIn("at most 168h", done.stderr)

    def test_data_may_be_moved_with_its_keys(self):
        self.node.start()
        client = BuildsClient(self.node)
        build = client.submit().json()["id"]
        client.close()
        self.assertEqual(self.node.stop(), 0)
        with tempfile.TemporaryDirectory(prefix="tidemark-moved-") as other_folder:
            shutil.move(self.node.data, other_folder)
            shutil.move(self.node.keys, other_folder)
            moved = Node(BINARY, other_folder)
            self.addCleanup(moved.end)
            moved.start()
            client = BuildsClient(moved)
            self.assertEqual([b["id"] for b in client.call("GET", "/builds").json()], [build])
            client.close()
            self.assertEqual(moved.stop(), 0)

    def test_damage_in_the_log_is_found_and_named(self):
        self.node.start()
        client = BuildsClient(self.node)
        for _ in range(5):
            self.assertEqual(client.submit().status, 200)
        client.close()
        self.assertEqual(self.node.stop(), 0)
        whole = subprocess.run([BINARY, "topics", "verify", "--data", self.node.data], capture_output=True, text=True, timeout=60,
                               env=clean_environment(), check=False)
        self.assertEqual(whole.returncode, 0, whole.stdout + whole.stderr)
        segment, offset = self.find_in_log(b"BuildSubmitted")
        with open(segment, "r+b") as file:
            file.seek(offset)
            file.write(b"X")
        damaged = subprocess.run([BINARY, "topics", "verify", "--data", self.node.data], capture_output=True, text=True, timeout=60,
                                 env=clean_environment(), check=False)
        self.assertEqual(damaged.returncode, 1, damaged.stdout)
        self.assertRegex(damaged.stdout, rf"DAMAGE: .*segment {int(os.path.basename(segment).split('.')[0])} offset \d+")
        done = self.serve("--data", self.node.data, "--port", str(self.node.port))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"segment \d+.* offset \d+")

    def find_in_log(self, needle):
        """(file, offset) of the first place in the log that holds these bytes."""
        for folder, _, names in os.walk(os.path.join(self.node.data, "log")):
            for name in sorted(names):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    at = file.read().find(needle)
                if at >= 0:
                    return path, at
        raise AssertionError("nothing in the log holds " + repr(needle))

    def test_a_surface_has_a_listener_of_its_own(self):
        port = free_port()
        self.node.flags = ["--listen", f"builds=127.0.0.1:{port}"]
        self.node.start()
        main = self.node.request("GET", "/builds/api/health")
        self.node.port, main_port = port, self.node.port
        own = self.node.request("GET", "/api/health")
        self.assertEqual((main.status, own.status), (200, 200))
        self.assertEqual(self.node.request("GET", "/livez").status, 404, "the platform's routes are on the main port only")
        self.node.port = main_port
        self.assertEqual(self.node.request("GET", "/livez").status, 200)

    def test_the_old_command_line_serves_the_builds_surface_at_the_root(self):
        port = free_port()
        self.node.process = subprocess.Popen(
            [BINARY, "builds", "serve", "--port", str(port), "--storage", self.node.data], cwd=self.folder.name,
            env=clean_environment({"CONTROLLER_API_KEY": "an-old-controller-key"}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.node.process.stderr.close)
        for line in self.node.process.stderr:
            if "node ready" in line:
                break
        self.node.port = port
        answer = self.node.request("GET", "/api/builds", headers={"X-API-Key": "an-old-controller-key"})
        self.assertEqual((answer.status, answer.json()), (200, []))
        self.assertFalse(os.path.exists(os.path.join(self.node.keys, "builds-api.key")), "no key is made when one is given")
        self.assertEqual(self.node.stop(), 0)


if __name__ == "__main__":
    unittest.main()
