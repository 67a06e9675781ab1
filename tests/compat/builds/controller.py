"""Runs the real binary as the old controller's command line does, and speaks to it as its old clients do.

Standard library and curl only. Used by the tests of this folder and by tests/contract/builds_http.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

API_KEY = "test-api-key-0123456789"
START_PATIENCE_S = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # lower-case names
        self.body = body

    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Controller:
    """One running controller with its own storage. Use as a context manager."""

    def __init__(self, binary, *extra, environment=None, api_key=API_KEY):
        self.binary = os.path.abspath(binary)
        self.extra = list(extra)
        self.api_key = api_key
        self.storage = tempfile.mkdtemp(prefix="tidemark-builds-")
        self.port = free_port()
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.output = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        if self.process and self.process.poll() is None:
            self.stop()
        if kind is not None:
            sys.stderr.write(self.read_output()[-8000:])
        shutil.rmtree(self.storage, ignore_errors=True)
        shutil.rmtree(self.storage + ".keys", ignore_errors=True)  # the ring lies beside the data
        return False

    def start(self):
        self.output = open(os.path.join(self.storage, "..", os.path.basename(self.storage) + ".out"), "ab+")
        os.unlink(self.output.name)
        self.process = subprocess.Popen(
            [self.binary, "builds", "serve", "--port", str(self.port), "--storage", self.storage, "--api-key", self.api_key,
             *self.extra],
            stdout=self.output, stderr=subprocess.STDOUT, env=self.environment)
        deadline = time.monotonic() + START_PATIENCE_S
        while True:
            try:
                if self.get("/health", key=None).status == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                raise AssertionError(f"controller ended with {self.process.returncode}:\n{self.read_output()}")
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"controller not ready within {START_PATIENCE_S} s:\n{self.read_output()}")
            time.sleep(0.02)

    def read_output(self):
        self.output.seek(0)
        return self.output.read().decode("utf-8", "replace")

    def stop(self):
        """SIGTERM drains and exits 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        if code != 0:
            raise AssertionError(f"SIGTERM: exit code {code}:\n{self.read_output()[-4000:]}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    # -- requests -----------------------------------------------------------------------------------------------------

    def request(self, method, path, body=None, headers=None, key=API_KEY):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = dict(headers or {})
            if key is not None:
                sent["X-API-Key"] = key
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                sent.setdefault("Content-Type", "application/json")
            if isinstance(body, str):
                body = body.encode()
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path, **arguments):
        return self.request("GET", path, **arguments)

    def post(self, path, body=None, **arguments):
        return self.request("POST", path, body=body, **arguments)

    def form(self, path, parts, headers=None, key=API_KEY):
        """parts: (name, value) for text, (name, bytes, filename, type) for a file; sent in the given order."""
        boundary = "----tidemarkformboundary7MA4YWxk"
        out = b""
        for part in parts:
            out += f"--{boundary}\r\n".encode()
            if len(part) == 2:
                out += f'Content-Disposition: form-data; name="{part[0]}"\r\n\r\n'.encode() + part[1].encode() + b"\r\n"
            else:
                name, data, filename, kind = part
                out += (f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
                        f"Content-Type: {kind}\r\n\r\n").encode() + data + b"\r\n"
        out += f"--{boundary}--\r\n".encode()
        sent = dict(headers or {})
        sent["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        return self.request("POST", path, body=out, headers=sent, key=key)

    def curl(self, *arguments, key=API_KEY):
        """Runs curl; the last argument is the path. Returns a Reply (without headers)."""
        *options, path = arguments
        if key is not None:
            options += ["-H", f"X-API-Key: {key}"]
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "30", "-w", "\n%{http_code}", *options, f"http://127.0.0.1:{self.port}{path}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise AssertionError(f"curl {arguments}: exit {done.returncode}: {done.stderr.decode()}")
        body, _, status = done.stdout.rpartition(b"\n")
        return Reply(int(status), {}, body)

    # -- what every flow needs ----------------------------------------------------------------------------------------

    def submit(self, platform="ios", source=b"PK\x03\x04 source", certs=None, headers=None):
        parts = [("source", source, "project.tar.gz", "application/gzip")]
        if certs is not None:
            parts.append(("certs", certs, "certs.zip", "application/zip"))
        parts.append(("platform", platform))
        reply = self.form("/api/builds/submit", parts, headers=headers)
        assert reply.status == 200, reply
        return reply.json()

    def register(self, name="worker", **more):
        reply = self.post("/api/workers/register", {"name": name, "capabilities": {"platforms": ["ios"]}, **more})
        assert reply.status == 200, reply
        return reply.json()["id"]

    def poll(self, worker):
        reply = self.get(f"/api/workers/poll?worker_id={worker}")
        assert reply.status == 200, reply
        return reply.json()["job"]

    def status(self, build):
        reply = self.get(f"/api/builds/{build}/status")
        assert reply.status == 200, reply
        return reply.json()

    def finish(self, build, worker, success=True, result=b"IPA bytes", message=None):
        parts = [("build_id", build), ("worker_id", worker), ("success", "true" if success else "false")]
        if message is not None:
            parts.append(("error_message", message))
        if success:
            parts.append(("result", result, "app.ipa", "application/octet-stream"))
        reply = self.form("/api/workers/upload", parts)
        assert reply.status == 200, reply
        return reply.json()


def equal(given, expected, what=""):
    if given != expected:
        raise AssertionError(f"{what}: got {given!r}, expected {expected!r}")


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def run(tests, title):
    """Runs the test functions, each named by its docstring; exits non-zero when one fails."""
    import traceback
    failed = 0
    for test in tests:
        started = time.monotonic()
        name = (test.__doc__ or test.__name__).strip().splitlines()[0]
        try:
            test()
            print(f"ok    {time.monotonic() - started:6.2f}s  {name}", flush=True)
        except Exception:  # noqa: BLE001 - one failure must not hide the others
            failed += 1
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
    print(f"{title}: {len(tests) - failed} of {len(tests)} passed")
    sys.exit(1 if failed else 0)
