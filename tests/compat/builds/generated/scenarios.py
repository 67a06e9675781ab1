"""Short stories for what chance seldom reaches. The model judges each answer; nothing is expected here."""

import hashlib
import json
import os
import time

from .requests import FORM_TYPE, JSON_TYPE, Drawn, bundle, form


class Story:
    def __init__(self, session, draw):
        self.session, self.draw = session, draw
        self.pool, self.key = session.model.pool, {"X-API-Key": session.model.settings.api_key}

    def send(self, method, target, headers=None, body=b""):
        if isinstance(body, (dict, list)):
            headers, body = {**(headers or {}), **JSON_TYPE}, json.dumps(body).encode()
        return self.session.send(Drawn(method, target, headers, body))

    def form(self, target, parts, headers=None):
        return self.send("POST", target, {**(self.key if headers is None else headers), **FORM_TYPE}, form(parts))

    def submit(self, **headers):
        seen = self.form("/api/builds/submit", [("source", self.draw.blob()), ("platform", "ios"), ("certs", self.draw.certs())], {**self.key, **headers})
        return self.pool.builds.get((seen.json or {}).get("id"))

    def register(self, **more):
        seen = self.send("POST", "/api/workers/register", self.key, {"name": "Story", "capabilities": {}, **more})
        return self.pool.workers[seen.json["id"]]

    def token(self, worker):
        return {"X-Worker-Token": worker.tokens[-1].text if worker.tokens else "none"}

    def given(self, worker, by_token=True):
        """A build that the worker holds."""
        if self.pool.next_pending() is None:
            self.submit()
        self.poll(worker, by_token)
        return worker.active

    def poll(self, worker, by_token=True):
        return self.send("GET", "/api/workers/poll", self.token(worker)) if by_token else self.send(
            "GET", f"/api/workers/poll?worker_id={worker.id}", self.key)

    def report(self, build, worker, success="true", result=b"app", route="upload", headers=None):
        parts = [("build_id", build.id), ("worker_id", worker.id), ("success", success), ("error_message", "it failed")]
        return self.form(f"/api/workers/{route}", parts + ([("result", result)] if result else []), headers)

    def beat(self, build, worker, **headers):
        return self.send("POST", f"/api/builds/{build.id}/heartbeat?worker_id={worker.id}", headers or self.key, b"")

    def look(self, build):
        self.send("GET", f"/api/builds/{build.id}/status", self.key)
        self.send("GET", f"/api/builds/{build.id}", {"X-Build-Token": build.token})
        self.send("GET", f"/api/builds/{build.id}/logs", self.key)

    def empty_the_queue(self):
        while self.pool.next_pending():
            self.send("POST", f"/api/builds/{self.pool.next_pending().id}/cancel", self.key)

    def authenticate(self, build, **body):
        return self.send("POST", f"/api/builds/{build.id}/authenticate", {}, body or {"otp": build.otp.value})

    def vm(self, build):
        return {"X-VM-Token": build.vm_token.text}


def a_vm_from_password_to_artifact(s):
    worker = s.register()
    build = s.given(worker)
    s.authenticate(build, otp="wrong")
    s.authenticate(build)
    old = s.vm(build)
    s.authenticate(build)
    s.send("POST", f"/api/builds/{build.id}/vm-ready", old)
    s.send("GET", f"/api/builds/{build.id}/vm-status")
    s.poll(worker)
    s.poll(worker, by_token=False)
    s.send("POST", f"/api/builds/{build.id}/vm-ready", s.vm(build))
    s.send("GET", f"/api/builds/{build.id}/vm-status")
    s.authenticate(build)
    for route in ("source", "certs", "certs-secure"):
        s.send("GET", f"/api/builds/{build.id}/{route}", s.vm(build))
        s.send("HEAD", f"/api/builds/{build.id}/{route}", s.vm(build)) if route != "certs-secure" else None
    s.form(f"/api/builds/{build.id}/artifact", [("artifact", "no file")], s.vm(build))
    s.form(f"/api/builds/{build.id}/artifact", [("artifact", b"the app")], s.vm(build))
    s.form(f"/api/builds/{build.id}/artifact", [("artifact", b"another")], s.vm(build))
    s.report(build, worker, result=None)
    s.report(build, worker, result=None, route="result")
    s.report(build, worker, result=b"another")
    s.report(build, worker, "false", None)
    s.beat(build, worker)
    s.beat(build, worker, **s.vm(build))
    s.send("POST", f"/api/builds/{build.id}/logs", s.vm(build), {"level": "info", "message": "trailing"})
    s.send("GET", f"/api/builds/{build.id}/vm-status")
    tag = '"' + hashlib.sha256(b"the app").hexdigest() + '"'
    s.send("GET", f"/api/builds/{build.id}/download", {**s.key, "If-None-Match": tag})
    s.send("GET", f"/api/builds/{build.id}/download", {**s.key, "Range": "bytes=4-"})
    s.send("HEAD", f"/api/builds/{build.id}/download", s.key)
    s.send("POST", f"/api/builds/{build.id}/cancel", s.key)
    s.look(build)


def a_worker_that_has_lost_its_build(s):
    worker = s.register()
    build = s.given(worker)
    s.authenticate(build)
    s.send("GET", f"/api/builds/{build.id}/source", s.token(worker))
    s.register(id=worker.id, active_build_count=1)
    s.poll(worker)
    s.poll(worker, by_token=False)
    old = s.vm(build)
    s.register(id=worker.id, active_build_count=0)
    s.look(build)
    s.poll(worker)
    s.send("POST", f"/api/builds/{build.id}/vm-ready", old)
    s.look(build)
    s.beat(build, worker)
    s.report(build, worker)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)


def results_of_pending_builds(s):
    busy = s.register()
    s.given(busy)
    for success in ("true", "false"):
        for route in ("upload", "result"):
            build = s.submit()
            s.send("GET", f"/api/builds/{build.id}/source", {**s.key, "X-Worker-Id": busy.id})
            s.send("POST", f"/api/builds/{build.id}/authenticate", {}, {"otp": "early"})
            s.report(build, busy, success, route=route, headers=s.token(busy))
            s.report(build, busy, success, route=route)
            s.look(build)
    s.poll(busy, by_token=False)
    s.send("GET", f"/api/workers/{busy.id}/stats", s.key)


def results_of_builds_that_were_taken_back(s):
    for success in ("true", "false"):
        worker = s.register()
        build = s.given(worker)
        s.beat(build, worker)
        s.send("POST", "/api/workers/abandon", s.token(worker), {"build_id": build.id, "reason": "no disk"})
        s.look(build)
        s.report(build, worker, success)
        s.look(build)
        s.send("GET", f"/api/workers/{worker.id}/stats", s.key)


def cancelled_builds(s):
    worker = s.register()
    build = s.given(worker)
    s.authenticate(build)
    s.send("POST", f"/api/builds/{build.id}/cancel", {**s.key, **JSON_TYPE})
    s.beat(build, worker)
    s.form(f"/api/builds/{build.id}/artifact", [("artifact", b"late")], s.vm(build))
    s.report(build, worker)
    s.report(build, worker, "false", None)
    s.report(build, worker, route="result")
    s.send("POST", "/api/workers/fail", s.key, {"build_id": build.id, "error": "x"})
    s.send("POST", "/api/workers/heartbeat", s.key, {"build_id": build.id})
    s.send("POST", f"/api/builds/{build.id}/logs", {**s.key, "X-Worker-Id": worker.id}, {"level": "warn", "message": "trailing"})
    s.look(build)
    s.send("GET", "/api/builds/statistics", s.key)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)
    s.poll(worker)


def failed_builds(s):
    worker = s.register()
    build = s.given(worker, by_token=False)
    s.report(build, worker, "maybe")
    for success, result in (("true", b"x"), ("false", None), ("true", None)):
        s.report(build, worker, success, result)
    s.report(build, worker, "false", route="result")
    s.beat(build, worker)
    s.send("POST", "/api/workers/heartbeat", s.token(worker), {"build_id": build.id})
    s.send("GET", f"/api/builds/{build.id}/download", s.key)
    s.look(build)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)


def workers_that_leave(s):
    worker = s.register()
    build = s.given(worker)
    old = s.token(worker)
    s.send("POST", "/api/workers/unregister", old)
    s.look(build)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)
    s.poll(worker, by_token=False)
    s.send("POST", f"/api/workers/{worker.id}/unregister", s.key)
    s.send("POST", f"/api/workers/{worker.id}/unregister", s.key)
    s.register(id=worker.id, active_build_count=0)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)


def named_intentions(s):
    parts = [("source", b"named"), ("platform", "android")]
    name = s.draw.text(16)
    for route in ("/api/builds/submit", "/api/builds/submit", "/api/builds"):
        s.form(route, parts, {**s.key, "Idempotency-Key": name + route[-1]})
    s.send("GET", "/api/builds?platform=android", s.key)


def certificates(s):
    good = bundle([("a/first.p12", b"1"), ("last.p12", b"2"), ("password.txt", b"\n pass word \r\n"), ("z.mobileprovision", b"z"), ("b.mobileprovision", b"b")])
    for certs in (good, bundle([("only.p12", b"3")]), bundle([("password.txt", b"x")]), bundle([("../a.p12", b"4")]), b"raw p12", None):
        worker = s.register()
        s.empty_the_queue()
        s.form("/api/builds/submit", [("platform", "ios"), ("source", b"s")] + ([("certs", certs)] if certs else []))
        build = s.given(worker, by_token=False)
        own = {**s.key, "X-Worker-Id": worker.id}
        s.send("GET", f"/api/builds/{build.id}/certs", own)
        s.send("GET", f"/api/builds/{build.id}/certs-secure", own)
        s.send("GET", f"/api/builds/{build.id}/certs-secure", {**own, "X-Build-Id": "other"})
        s.send("GET", f"/api/builds/{build.id}/certs-secure", {**own, "X-Build-Id": build.id})
        s.send("GET", f"/api/builds/{build.id}/certs", s.token(worker))


def a_bundle_that_is_too_large(s):
    worker = s.register()
    s.empty_the_queue()
    s.form("/api/builds/submit", [("platform", "ios"), ("source", b"s"), ("certs", bytes((50 << 20) + 1))])
    build = s.given(worker, by_token=False)
    s.send("GET", f"/api/builds/{build.id}/certs-secure", {**s.key, "X-Worker-Id": worker.id, "X-Build-Id": build.id})


def sources_that_are_gone(s):
    content = b"this source is deleted " + s.draw.text(20).encode()
    s.form("/api/builds/submit", [("source", content), ("platform", "ios")])
    build = list(s.pool.builds.values())[-1]
    name = hashlib.sha256(content).hexdigest()
    removed = 0
    for folder, _, names in os.walk(os.path.join(s.session.controller.storage, "blobs")):
        for file in names:
            if name in file or name[2:] == file:
                os.unlink(os.path.join(folder, file))
                removed += 1
    if removed != 1:
        raise AssertionError(f"{removed} files hold the source {name}")
    build.source_gone = True
    s.send("POST", f"/api/builds/{build.id}/retry", s.key)
    s.send("GET", f"/api/builds/{build.id}/download/source", s.key)
    s.send("POST", f"/api/builds/{build.id}/cancel", s.key)


def attempts_that_are_used_up(s):
    worker = s.register()
    build = s.given(worker)
    while build.is_active():
        s.send("POST", "/api/workers/abandon", s.token(worker), {"build_id": build.id, "reason": "again"})
        if build.status == "pending":
            s.poll(worker)
    s.look(build)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)


def every_refusal_of_a_credential(s):
    worker, other = s.register(), s.register()
    build = s.given(worker)
    path, own = f"/api/builds/{build.id}", {**s.key, "X-Worker-Id": worker.id}
    wrong = {"X-API-Key": "wrong-key-0123456789"}
    for suffix in ("", "/status", "/logs", "/download", "/download/source"):
        for headers in ({}, wrong, {"X-Build-Token": "x"}, {**wrong, "X-Build-Token": "x"}, {**wrong, "X-Build-Token": build.token}):
            s.send("GET", path + suffix, headers)
        s.send("GET", "/api/builds/" + "z" * 21 + suffix, {"X-Build-Token": build.token})
        s.send("GET", "/api/builds/" + "z" * 21 + suffix, s.key)
    for method, suffix in (("GET", "/source"), ("GET", "/certs"), ("POST", "/logs")):
        for headers in ({}, wrong, s.key, {**s.key, "X-Worker-Id": other.id}, {"X-VM-Token": "x"}, {"X-Worker-Token": "x"}, s.token(other)):
            s.send(method, path + suffix, headers)
        s.send(method, "/api/builds/" + "z" * 21 + suffix, own)
        s.send(method, "/api/builds/" + "z" * 21 + suffix, {"X-VM-Token": "x"})
    for method, suffix in (("GET", "/certs-secure"), ("POST", "/telemetry")):
        for headers in ({}, wrong, s.key, own, {**own, "X-Build-Id": "other"}, {**s.key, "X-Worker-Id": other.id, "X-Build-Id": build.id}):
            s.send(method, path + suffix, headers)
        s.send(method, "/api/builds/" + "z" * 21 + suffix, {**own, "X-Build-Id": "z" * 21})
    for suffix in ("/vm-ready", "/artifact"):
        for target in (path, "/api/builds/" + "z" * 21):
            s.send("POST", target + suffix, {})
            s.send("POST", target + suffix, {"X-VM-Token": "x"})
    s.authenticate(build)
    s.send("POST", path + "/vm-ready", {"X-VM-Token": "x"})
    s.send("POST", path + "/artifact", {"X-VM-Token": "x"})
    for method, suffix in (("GET", "/source"), ("GET", "/certs"), ("GET", "/certs-secure"), ("POST", "/logs"), ("POST", "/telemetry")):
        s.send(method, path + suffix, {"X-VM-Token": "x"})
    fine = {"worker_id": worker.id, "status": "healthy", "duration_ms": 1, "checks": []}
    s.send("GET", f"/api/diagnostics/{worker.id}/latest", s.key)
    for changed in ({"checks": {}}, {"status": "fine"}, {"worker_id": "nobody"}, {"checks": None}, {}):
        s.send("POST", "/api/diagnostics/report", s.key, {**fine, **changed})
    for target in ("/api/builds", "/api/builds/active", "/api/builds/statistics", f"/api/workers/{worker.id}/stats", "/api/workers/poll",
                   f"/api/workers/poll?worker_id={worker.id}", f"/api/diagnostics/{worker.id}", f"/api/diagnostics/{worker.id}/latest"):
        s.send("GET", target, {})
        s.send("GET", target, wrong)
    nowhere = "/api/builds/" + "z" * 21
    s.send("GET", nowhere + "/vm-status")
    s.send("POST", nowhere + "/authenticate", {}, {"otp": "x"})
    s.send("POST", path + "/authenticate", {}, {})
    s.send("POST", nowhere + "/cancel", s.key)
    s.send("POST", nowhere + "/retry", s.key)
    s.send("POST", nowhere + f"/heartbeat?worker_id={worker.id}", s.key)
    s.send("GET", "/api/workers/nobody/stats", s.key)
    s.send("POST", "/api/workers/nobody/unregister", s.key)
    for route in ("fail", "heartbeat", "abandon"):
        s.send("POST", f"/api/workers/{route}", s.token(worker), {"build_id": "z" * 21, "error": "x", "reason": "x"})
        s.send("POST", f"/api/workers/{route}", s.token(other), {"build_id": build.id, "error": "x", "reason": "x"})
    for target in ("/api/builds/submit", "/api/builds", path + "/cancel", path + "/retry", path + "/heartbeat", "/api/workers/register",
                   "/api/workers/upload", "/api/workers/result", "/api/workers/fail", "/api/workers/heartbeat", "/api/workers/abandon",
                   "/api/workers/unregister", f"/api/workers/{worker.id}/unregister", "/api/diagnostics/report"):
        s.send("POST", target, {})
        s.send("POST", target, wrong)
        s.send("POST", target, {"X-Worker-Token": "x"})
    s.send("POST", path + "/heartbeat", s.key)
    s.beat(build, other)


# -- with short timers ----------------------------------------------------------------------------------------------------


def silence_and_late_success(s):
    worker = s.register()
    lost = s.given(worker)
    s.authenticate(lost)
    s.session.wait_for_timeout(lost, s.session.model.settings.assigned_silence)
    s.look(lost)
    s.beat(lost, worker)
    s.report(lost, worker, "false", None)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)
    s.report(lost, s.register(), "true")
    s.report(lost, worker)
    s.look(lost)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)


def success_that_is_too_late(s):
    worker = s.register()
    lost = s.given(worker)
    s.beat(lost, worker)
    s.session.wait_for_timeout(lost, s.session.model.settings.building_silence)
    time.sleep(s.session.model.settings.late_success / 1000 + 0.3)
    s.report(lost, worker)
    s.look(lost)


def passwords_and_tokens_that_end(s):
    settings, worker = s.session.model.settings, s.register()
    build = s.given(worker)
    s.authenticate(build)
    stop = time.monotonic() + settings.otp / 1000 + 0.3
    while time.monotonic() < stop:
        s.beat(build, worker)
        time.sleep(0.5)
    s.authenticate(build)
    stop = time.monotonic() + settings.vm_token / 1000 + 0.3
    while time.monotonic() < stop:
        s.beat(build, worker)
        time.sleep(0.5)
    s.send("POST", f"/api/builds/{build.id}/vm-ready", s.vm(build))
    s.report(build, worker)


def worker_tokens_that_turn(s):
    worker = s.register()
    first = s.token(worker)
    stop = time.monotonic() + s.session.model.settings.worker_token / 1000 + 0.5
    while time.monotonic() < stop:
        s.poll(worker)
        if worker.active:
            s.beat(worker.active, worker)
        time.sleep(0.3)
    s.send("GET", "/api/workers/poll", first)
    s.poll(worker)


def a_worker_that_goes_and_comes_back(s):
    worker = s.register()
    s.session.wait_for_offline(worker)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)
    s.poll(worker, by_token=False)
    s.send("GET", f"/api/workers/{worker.id}/stats", s.key)


def a_vm_token_slides_up_to_its_cap(s):
    settings, worker = s.session.model.settings, s.register()
    build = s.given(worker)
    s.authenticate(build)
    stop = time.monotonic() + settings.vm_token_max / 1000 + 0.3
    while time.monotonic() < stop:
        s.beat(build, worker, **s.vm(build))
        time.sleep(0.4)
    s.beat(build, worker)
    s.report(build, worker)


MAIN = [a_vm_from_password_to_artifact, a_worker_that_has_lost_its_build, results_of_pending_builds, results_of_builds_that_were_taken_back,
        cancelled_builds, failed_builds, workers_that_leave, named_intentions, every_refusal_of_a_credential, certificates]
OTHER_SETTINGS = [attempts_that_are_used_up, a_bundle_that_is_too_large, sources_that_are_gone]
TIMERS = [silence_and_late_success, success_that_is_too_late, passwords_and_tokens_that_end, worker_tokens_that_turn,
          a_worker_that_goes_and_comes_back, a_vm_token_slides_up_to_its_cap]
