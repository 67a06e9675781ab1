"""A real node as a child process, and the HTTP its tests speak. Python's standard library only."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import uuid

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 60.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment(extra=None):
    """This environment without anything that configures a node."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("TIDEMARK_") and k not in ("CONTROLLER_API_KEY", "BASE_IMAGE_ID")}
    kept.update(extra or {})
    return kept


class Node:
    """`tidemark serve` over `directory`/data. The port stays the same over restarts."""

    def __init__(self, binary, directory, flags=(), environment=None):
        self.binary = binary
        self.directory = directory
        self.data = os.path.join(directory, "data")
        self.keys = self.data + ".keys"
        self.port = free_port()
        self.flags = list(flags)
        self.environment = environment
        self.process = None
        self.log_path = os.path.join(directory, "node.log")

    def spawn(self):
        """Starts the process without waiting for anything."""
        command = [self.binary, "serve", "--data", self.data, "--port", str(self.port), *self.flags]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.directory, env=clean_environment(self.environment),
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        return self

    def start(self):
        self.spawn()
        deadline = time.monotonic() + START_DEADLINE_S
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"the node ended with {self.process.returncode}:\n{self.log_text()[-4000:]}")
            try:
                if self.request("GET", "/readyz").status == 200:
                    return self
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"the node is not ready after {START_DEADLINE_S} s:\n{self.log_text()[-4000:]}")
            time.sleep(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_DEADLINE_S)
        self.process.stdout.close()

    def stop(self, number=signal.SIGTERM):
        """The exit code after that signal."""
        self.process.send_signal(number)
        code = self.process.wait(STOP_DEADLINE_S)
        self.process.stdout.close()
        return code

    def end(self):
        """For tearDown: whatever its state, it is gone after this."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()

    def log_text(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def read_key(self, name):
        with open(os.path.join(self.keys, name), encoding="ascii") as key:
            return key.read().strip()

    def connect(self):
        return Connection(self.port)

    def request(self, method, path, body=None, headers=None):
        connection = Connection(self.port)
        try:
            return connection.request(method, path, body, headers)
        finally:
            connection.close()

    def command(self, name, data, key=None, **headers):
        """POST /commands/builds/<name> with the operator key."""
        sent = {"Authorization": "Bearer " + self.read_key("operator.key"), "Content-Type": "application/json"}
        if key:
            sent["Idempotency-Key"] = key
        sent.update(headers)
        return self.request("POST", "/commands/builds/" + name, json.dumps(data), sent)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Connection:
    """One keep-alive connection."""

    def __init__(self, port, timeout_s=30.0):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)

    def request(self, method, path, body=None, headers=None):
        if isinstance(body, str):
            body = body.encode()
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except http.client.HTTPException as error:
            self.connection.close()
            raise ConnectionError(str(error)) from error

    def close(self):
        self.connection.close()


def multipart(fields, files):
    """(content type, body) of a form: fields are (name, text), files are (name, file name, bytes)."""
    boundary = "form-" + uuid.uuid4().hex
    body = b""
    for name, text in fields:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
    for name, file_name, content in files:
        body += (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
                 "Content-Type: application/zip\r\n\r\n").encode() + content + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


class BuildsClient:
    """The routes of the builds surface that tests use, over one connection. Each gives an Answer."""

    def __init__(self, node, api_key=None):
        self.prefix = "/builds/api"
        self.connection = node.connect()
        self.api_key = api_key or node.read_key("builds-api.key")

    def close(self):
        self.connection.close()

    def call(self, method, path, body=None, headers=None):
        sent = {"X-API-Key": self.api_key}
        sent.update(headers or {})
        return self.connection.request(method, self.prefix + path, body, sent)

    def post_json(self, path, data, headers=None):
        return self.call("POST", path, json.dumps(data), {"Content-Type": "application/json", **(headers or {})})

    def submit(self, content=b"source", platform="ios", idempotency_key=None):
        content_type, body = multipart([("platform", platform)], [("source", "app.zip", content)])
        headers = {"Content-Type": content_type}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        return self.call("POST", "/builds/submit", body, headers)

    def register(self, worker_id):
        return self.post_json("/workers/register", {"id": worker_id, "name": worker_id, "capabilities": {"platforms": ["ios"]}})

    def poll(self, worker_id):
        return self.call("GET", "/workers/poll?worker_id=" + worker_id)

    def heartbeat(self, build_id, worker_id):
        return self.post_json(f"/builds/{build_id}/heartbeat?worker_id={worker_id}", {})

    def log(self, build_id, worker_id, message):
        return self.post_json(f"/builds/{build_id}/logs", {"level": "info", "message": message}, {"X-Worker-Id": worker_id})

    def upload(self, build_id, worker_id, content):
        content_type, body = multipart([("build_id", build_id), ("worker_id", worker_id), ("success", "true")],
                                       [("result", "app.ipa", content)])
        return self.call("POST", "/workers/upload", body, {"Content-Type": content_type})

    def cancel(self, build_id):
        return self.call("POST", f"/builds/{build_id}/cancel")
