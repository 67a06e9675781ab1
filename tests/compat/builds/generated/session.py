"""One running server beside its model: sends, asks the model, writes pairs, and keeps away from moments that are open."""

import collections
import http.client
import re
import time

from model.model import Model
from model.wire import Request, Seen

from . import pairs

MARGIN_MS = 250


def now_ms():
    return int(time.time() * 1000)


class OpenMoment(Exception):
    """A request took so long that a timer came due meanwhile: nobody can say which of the two the server saw first."""


class Session:
    def __init__(self, controller, settings, out):
        self.controller, self.model, self.out = controller, Model(settings), out
        self.connection = None
        self.count = 0
        self.reached = collections.Counter()  # (route, status, text)

    # -- the wire -----------------------------------------------------------------------------------------------------

    def exchange(self, method, target, headers, body):
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.controller.port, timeout=60)
            try:
                self.connection.request(method, target, body=body or (b"" if method == "POST" else None), headers=headers)
                answer = self.connection.getresponse()
                content = answer.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                # An idle connection may be closed at any time; a fresh one may not.
                self.connection.close()
                self.connection = None
                if fresh:
                    raise
                continue
            names = {name.lower(): value for name, value in answer.getheaders()}
            if answer.will_close:
                self.connection.close()
                self.connection = None
            return Seen(answer.status, names, content)
        raise AssertionError("not sent")

    def send(self, drawn):
        """Sends one request and writes its pair. Returns what the server answered."""
        self.wait_for_certainty(drawn.headers)
        began = now_ms()
        seen = self.exchange(drawn.method, drawn.target, drawn.headers, drawn.body)
        request = Request(drawn.method, drawn.target, drawn.headers, drawn.body, began, now_ms())
        if self.is_open(names_of(drawn.headers), request):
            raise OpenMoment(f"{request.method} {request.target} took {request.ended - request.began} ms")
        route, answer = self.model.answer(request, seen)
        self.out.write(pairs.line(request, answer, seen) + "\n")
        self.count += 1
        self.reached[(route, answer.status, text_of(answer.body))] += 1
        return seen

    # -- time ---------------------------------------------------------------------------------------------------------

    def wait_for_certainty(self, headers):
        """Timers fire when the server sees to it: the model waits for what is due, and for tokens that are about to end."""
        waited = True
        while waited:  # each wait takes time, in which something else may come due
            waited = self.wait_for_tokens(names_of(headers)) or self.wait_for_timers()

    def wait_for_tokens(self, names):
        waited = False
        for token in self.tokens_named(names):
            while token.is_over(Request("GET", "/", {}, b"", now_ms(), now_ms() + MARGIN_MS)) is None:
                time.sleep(0.05)
                waited = True
        return waited

    def wait_for_timers(self):
        waited = False
        for build in [w.active for w in self.model.pool.workers.values() if w.active]:
            if now_ms() + MARGIN_MS > self.timeout_at(build):
                self.wait_for_timeout(build, self.silence(build))
                waited = True
        for worker in self.model.pool.workers.values():
            if not worker.offline and worker.active is None and now_ms() + MARGIN_MS > worker.seen_low + self.model.settings.worker_offline:
                self.wait_for_offline(worker)
                waited = True
        return waited

    def silence(self, build):
        settings = self.model.settings
        return settings.assigned_silence if build.status == "assigned" else settings.building_silence

    def timeout_at(self, build):
        return build.active_since.began + self.silence(build)

    def is_open(self, names, request):
        workers = self.model.pool.workers.values()
        return (any(token.is_over(request) is None for token in self.tokens_named(names))
                or any(self.timeout_at(w.active) <= request.ended for w in workers if w.active)
                or any(w.seen_low + self.model.settings.worker_offline <= request.ended
                       for w in workers if not w.offline and w.active is None))

    def tokens_named(self, names):
        pool = self.model.pool
        if "x-worker-token" in names:
            return [t for w in pool.workers.values() for t in w.tokens if t.text == names["x-worker-token"]]
        if "x-vm-token" in names:
            return [b.vm_token for b in pool.builds.values() if b.vm_token and b.vm_token.text == names["x-vm-token"]]
        return []

    def ask(self, target):
        return self.exchange("GET", target, {"X-API-Key": self.model.settings.api_key}, b"").json

    def wait_for_timeout(self, build, silence):
        began = build.active_since.began + silence - 3
        deadline = time.monotonic() + 60
        while True:
            shown = self.ask(f"/api/builds/{build.id}/status")
            if shown["status"] == "failed":
                break
            if time.monotonic() > deadline:
                raise AssertionError(f"no timeout within 60 s of {silence} ms of silence: {shown}")
            time.sleep(0.05)
        text = shown["error_message"]
        told = re.match(r"^Build timeout - no heartbeat from worker for (\d+)s$", text or "")
        if not told or not silence // 1000 <= int(told.group(1)) <= silence // 1000 + 61:
            raise AssertionError(f"timeout after {silence} ms of silence says {text!r}")
        self.model.pool.time_out(build, text, Request("", "", {}, b"", began, now_ms()))

    def wait_for_offline(self, worker):
        deadline = time.monotonic() + 60
        while self.ask(f"/api/workers/{worker.id}/stats")["status"] != "offline":
            if time.monotonic() > deadline:
                raise AssertionError(f"worker {worker.id} is not offline after {self.model.settings.worker_offline} ms")
            time.sleep(0.05)
        worker.offline = True
        self.model.pool.changes += 1


def names_of(headers):
    return {name.lower(): value for name, value in headers.items()}


def text_of(body):
    """What distinguishes an answer within its status: an error's text, or the state that it tells."""
    if not isinstance(body, dict):
        return ""
    if "job" in body:
        return "job" if body["job"] else "no job"
    for name in ("error", "message", "status"):
        if isinstance(body.get(name), str):
            return body[name]
    return ""
