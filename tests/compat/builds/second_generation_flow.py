"""The life of a build as the second generation of clients drives it: worker tokens, one-time passwords, a VM with a token of its own.

usage: second_generation_flow.py <tidemark binary>
"""

import os
import re
import sys
import time

from controller import Controller, check, equal, run

BINARY = sys.argv[1]
TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$")
ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$")


def until(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"did not happen: {what}")


class Worker:
    """Holds its token as the later worker hosts do: each poll may bring a newer one."""

    def __init__(self, controller, name="mac"):
        self.c = controller
        reply = controller.post("/api/workers/register", {"name": name, "capabilities": {"platforms": ["ios"]}}).json()
        self.id, self.token = reply["id"], reply["access_token"]
        check(TOKEN.match(self.token), f"token {self.token}")

    def headers(self):
        return {"X-Worker-Token": self.token}

    def poll(self):
        reply = self.c.get("/api/workers/poll", key=None, headers=self.headers())
        equal(reply.status, 200, f"{reply}")
        self.token = reply.json()["access_token"]
        return reply.json()["job"]

    def post(self, path, body=None):
        return self.c.post(path, body, key=None, headers=self.headers())

    def upload(self, build, *parts, worker=None):
        fields = [("build_id", build), ("worker_id", worker or self.id), *parts]
        return self.c.form("/api/workers/upload", fields, headers=self.headers(), key=None)


def authenticate(c, build, otp):
    return c.post(f"/api/builds/{build}/authenticate", {"otp": otp}, key=None)


def refused(reply, status, text):
    equal((reply.status, reply.text), (status, '{"error":"' + text + '"}'), f"{reply}")


def whole_flow():
    """a build, from submit to artifact, with tokens only"""
    source, certs, result = os.urandom(200_000), b"raw p12", os.urandom(300_000)
    with Controller(BINARY) as c:
        build = c.submit(source=source, certs=certs)["id"]
        worker = Worker(c)
        job = worker.poll()
        equal(sorted(job), ["certs_url", "id", "otp", "platform", "source_url", "submitted_at"], "no base image unless configured")
        equal((job["id"], job["source_url"], job["certs_url"]),
              (build, f"/api/builds/{build}/source", f"/api/builds/{build}/certs"))
        check(TOKEN.match(job["otp"]) and ISO.match(job["submitted_at"]), f"{job}")
        equal(worker.poll(), job, "the same job while the attempt shows no sign of life")
        equal(c.get(f"/api/builds/{build}/vm-status", key=None).json(), {"vm_ready": False})

        # The VM proves itself.
        refused(authenticate(c, build, "x" * 43), 401, "Invalid OTP")
        refused(c.post(f"/api/builds/{build}/authenticate", {}, key=None), 400, "Missing required parameter: otp")
        refused(authenticate(c, build, "x" * 4096), 413, "Request body too large")
        refused(authenticate(c, "unknown", job["otp"]), 404, "Build not found")
        refused(c.post(f"/api/builds/{build}/vm-ready", key=None, headers={"X-VM-Token": "y" * 43}), 403,
                "VM token not issued. Authenticate first with OTP.")
        first = authenticate(c, build, job["otp"]).json()
        again = authenticate(c, build, job["otp"]).json()
        check(TOKEN.match(again["vm_token"]) and ISO.match(again["expires_at"]), f"{again}")
        check(first["vm_token"] != again["vm_token"], "each success replaces the token")
        old, vm = {"X-VM-Token": first["vm_token"]}, {"X-VM-Token": again["vm_token"]}
        refused(c.get(f"/api/builds/{build}/source", key=None, headers=old), 403, "Invalid VM token")
        refused(c.get("/api/builds/unknown/source", key=None, headers=vm), 404, "Build not found")

        # What it needs, with its token; the worker's token opens the source and not the certificates.
        equal(c.get(f"/api/builds/{build}/source", key=None, headers=vm).body, source)
        equal(c.get(f"/api/builds/{build}/certs", key=None, headers=vm).body, certs)
        equal(c.get(f"/api/builds/{build}/source", key=None, headers=worker.headers()).body, source)
        equal(c.get(f"/api/builds/{build}/certs", key=None, headers=worker.headers()).status, 401)
        stranger = Worker(c, "other")
        refused(c.get(f"/api/builds/{build}/source", key=None, headers=stranger.headers()), 403, "Worker not authorized for this build")

        ready = c.curl("-X", "POST", "-H", "Content-Type: application/json", "-H", f"X-VM-Token: {again['vm_token']}",
                       f"/api/builds/{build}/vm-ready", key=None)
        equal(ready.status, 200, f"{ready}")
        equal(sorted(ready.json()), ["success", "vm_ready_at"])
        seen = c.get(f"/api/builds/{build}/vm-status", key=None).json()
        equal((seen["vm_ready"], seen["vm_token"], seen["vm_ready_at"]), (True, again["vm_token"], ready.json()["vm_ready_at"]))
        refused(authenticate(c, build, job["otp"]), 401, "OTP expired")

        equal(c.post(f"/api/builds/{build}/logs", {"level": "info", "message": "compiling"}, key=None, headers=vm).json(), {"success": True})
        beat = c.post(f"/api/builds/{build}/heartbeat", {}, key=None, headers=vm)
        equal(beat.json()["status"], "ok", f"{beat}")
        equal(c.status(build)["status"], "building")
        equal(worker.poll(), None, "a build that lives is not given twice to a worker with a token")

        refused(c.form(f"/api/builds/{build}/artifact", [("other", "x")], headers=vm, key=None), 400, "No artifact file provided")
        equal(c.form(f"/api/builds/{build}/artifact", [("artifact", result, "app.ipa", "application/octet-stream")], headers=vm,
                     key=None).json(), {"success": True})
        equal(c.form(f"/api/builds/{build}/artifact", [("artifact", b"another", "app.ipa", "application/octet-stream")], headers=vm,
                     key=None).json(), {"success": True}, "the first artifact wins")
        equal(worker.upload(build, ("success", "true")).json(), {"status": "success"}, "without a file, after the VM has sent it")
        equal(c.status(build)["status"], "completed")
        equal(c.get(f"/api/builds/{build}/download").body, result)
        # What trails the result.
        equal(c.post(f"/api/builds/{build}/heartbeat", {}, key=None, headers=vm).status, 200)
        equal(c.post(f"/api/builds/{build}/logs", {"logs": [{"level": "info", "message": "bye"}]}, key=None, headers=vm).json(),
              {"success": True, "count": 1})
        equal(worker.post("/api/workers/heartbeat", {"build_id": build}).status, 200)
        equal(c.get(f"/api/builds/{build}/vm-status", key=None).json()["vm_ready"], True, "for a while after the end")


def tokens_of_others():
    """a token opens nothing but its own"""
    with Controller(BINARY) as c:
        one, two = c.submit()["id"], c.submit()["id"]
        a, b = Worker(c, "a"), Worker(c, "b")
        job_a, job_b = a.poll(), b.poll()
        equal((job_a["id"], job_b["id"]), (one, two))
        refused(authenticate(c, one, job_b["otp"]), 401, "Invalid OTP")
        vm_b = {"X-VM-Token": authenticate(c, two, job_b["otp"]).json()["vm_token"]}
        authenticate(c, one, job_a["otp"])
        refused(c.post(f"/api/builds/{one}/heartbeat", {}, key=None, headers=vm_b), 403, "Invalid VM token")
        refused(c.form(f"/api/builds/{one}/artifact", [("artifact", b"x", "a", "b")], headers=vm_b, key=None), 403, "Invalid VM token")
        refused(a.upload(two, ("success", "false")), 403, "Build not assigned to this worker")
        refused(a.upload(two, ("success", "false"), worker=b.id), 403, "Build not assigned to this worker")
        refused(a.post("/api/workers/fail", {"build_id": two, "error": "no"}), 403, "Build not assigned to this worker")
        refused(a.post("/api/workers/abandon", {"build_id": two, "reason": "no"}), 403, "Build not assigned to this worker")
        refused(c.get("/api/workers/poll", key=None, headers={"X-Worker-Token": "z" * 43}), 401, "Authentication required")
        refused(c.get("/api/workers/poll", headers={"X-Worker-Token": "z" * 43}), 401, "Authentication required")
        equal(c.status(two)["status"], "assigned", "none of it did anything")
        # The worker gives it back, and it keeps its place.
        equal(b.post("/api/workers/abandon", {"build_id": two, "reason": "disk full"}).json(),
              {"success": True, "message": "Build requeued successfully"})
        equal(c.status(two)["status"], "pending")
        refused(c.post(f"/api/builds/{two}/heartbeat", {}, key=None, headers=vm_b), 403,
                "VM token not issued. Authenticate first with OTP.")
        equal(b.poll()["id"], two)
        equal(b.post("/api/workers/unregister").json(), {"success": True, "message": "Worker unregistered", "builds_reassigned": 1})
        equal(c.status(two)["status"], "pending")


def what_expires():
    """tokens and passwords end: a poll renews a worker's token, use renews a VM's, nothing renews a password"""
    with Controller(BINARY, "--builds-worker-token", "6s", "--builds-worker-token-rotate", "5s", "--builds-otp", "3s",
                    "--builds-vm-token", "6s", "--builds-vm-token-max", "9s") as c:
        build = c.submit()["id"]
        worker = Worker(c)
        first = worker.token
        job = worker.poll()
        vm = {"X-VM-Token": authenticate(c, build, job["otp"]).json()["vm_token"]}
        beats = [0]

        def beat():
            beats[0] += 1
            return c.post(f"/api/builds/{build}/heartbeat", {}, key=None, headers=vm).status

        def renewed():
            worker.poll()
            equal(beat(), 200, "use keeps the VM's token alive")
            return worker.token != first and beats[0] > 20
        until(renewed, "the token rotates")

        def password_ended():
            reply = authenticate(c, build, job["otp"])
            if reply.status == 200:
                vm["X-VM-Token"] = reply.json()["vm_token"]
            return reply.text == '{"error":"OTP expired"}'
        until(password_ended, "the password ends")
        until(lambda: c.get("/api/workers/poll", key=None, headers={"X-Worker-Token": first}).status == 401, "the first token ends")
        until(lambda: beat() == 403, "the VM's token has an end however it is used")
        refused(c.post(f"/api/builds/{build}/heartbeat", {}, key=None, headers=vm), 403, "VM token expired")


def restart_keeps_secrets():
    """after a kill the same passwords and tokens hold, and none of them is on the disk"""
    with Controller(BINARY) as c:
        build = c.submit()["id"]
        worker = Worker(c)
        job = worker.poll()
        c.kill()
        c.start()
        equal(worker.poll()["otp"], job["otp"])
        vm = authenticate(c, build, job["otp"]).json()["vm_token"]
        c.kill()
        c.start()
        equal(worker.poll(), None, "a machine that has authenticated is a sign of life")
        equal(c.post(f"/api/builds/{build}/vm-ready", key=None, headers={"X-VM-Token": vm}).status, 200)
        equal(c.get(f"/api/builds/{build}/vm-status", key=None).json()["vm_token"], vm)
        for folder, _, names in os.walk(c.storage):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                for secret in (vm, job["otp"], worker.token):
                    check(secret.encode() not in content, f"a secret lies in {folder}/{name}")


def guessing():
    """wrong passwords are slowed down, the right one still works"""
    with Controller(BINARY) as c:
        build = c.submit()["id"]
        job = Worker(c).poll()
        answers = [authenticate(c, build, f"{i:043}").status for i in range(30)]
        check(401 in answers and 429 in answers, f"{answers}")
        equal(authenticate(c, build, job["otp"]).status, 200)


run([whole_flow, tokens_of_others, what_expires, restart_keeps_secrets, guessing], "builds second generation")
