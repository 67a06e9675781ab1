"""Bodies at their edges: long messages, malformed JSON where a body is optional, forms over their limits, HEAD.

usage: bodies_test.py <tidemark binary>
"""

import json
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import API_KEY, Controller, check, equal, run  # noqa: E402

from builds_world import refused  # noqa: E402

BINARY = sys.argv[1]
MIB = 1 << 20
KEPT = 262_144


def in_hand(c, **more):
    """A build in a worker's hands."""
    worker = c.register()
    build = c.submit(**more)["id"]
    equal(c.poll(worker)["id"], build)
    return build, worker


def a_long_message_is_cut_and_the_report_counts():
    """a message whose escapes would outgrow a command ends the build like any other, cut between characters"""
    with Controller(BINARY) as c:
        # Each character is one byte here and six as an escape of JSON.
        for path in ("/api/workers/upload", "/api/workers/result"):
            build, worker = in_hand(c)
            reply = c.form(path, [("build_id", build), ("worker_id", worker), ("success", "false"), ("error_message", "\x01" * MIB)])
            equal(reply.status, 200, f"{path}: {reply}")
            status = c.status(build)
            equal((status["status"], len(status["error_message"])), ("failed", KEPT), path)
        for message, kept in (("\u00e9" * (MIB // 2), "\u00e9" * (KEPT // 2)), ("\x01" * MIB, "\x01" * KEPT),
                              ("m" * (KEPT - 1) + "\u20ac" * 1000, "m" * (KEPT - 1))):
            build, worker = in_hand(c)
            reply = c.post("/api/workers/fail", {"build_id": build, "error": message}, headers={"X-Worker-Id": worker})
            equal(reply.status, 200, f"{reply}")
            status = c.status(build)
            check((status["status"], status["error_message"]) == ("failed", kept), f"{len(status['error_message'])} characters kept")
        too_much = json.dumps({"build_id": build, "error": "m" * (8 * MIB)})
        refused(c.post("/api/workers/fail", too_much), 413, "Request body too large")
        token = c.post("/api/workers/register", {"name": "token", "capabilities": {}}).json()["access_token"]
        build = c.submit()["id"]
        job = c.get("/api/workers/poll", key=None, headers={"X-Worker-Token": token}).json()
        equal(job["job"]["id"], build)
        reply = c.post("/api/workers/abandon", {"build_id": build, "reason": "\x01" * (MIB // 4 + 5)}, key=None, headers={"X-Worker-Token": token})
        equal(reply.status, 200, f"{reply}")


def malformed_json_is_refused_where_a_body_is_optional():
    """cancel, retry, unregister and vm-ready: nothing and {} are fine, what is no JSON is refused and changes nothing"""
    with Controller(BINARY) as c:
        worker = c.post("/api/workers/register", {"name": "token", "capabilities": {}}).json()
        token = {"X-Worker-Token": worker["access_token"]}
        build = c.submit()["id"]
        job = c.get("/api/workers/poll", key=None, headers=token).json()["job"]
        equal(job["id"], build)
        vm = {"X-VM-Token": c.post(f"/api/builds/{build}/authenticate", {"otp": job["otp"]}, key=None).json()["vm_token"]}
        bad = {"Content-Type": "application/json"}
        routes = [(f"/api/builds/{build}/cancel", API_KEY, {}), (f"/api/builds/{build}/retry", API_KEY, {}),
                  (f"/api/workers/{worker['id']}/unregister", API_KEY, {}), ("/api/workers/unregister", None, token),
                  (f"/api/builds/{build}/vm-ready", None, vm)]
        for path, key, headers in routes:
            equal(c.post(path, "{bad", key=None, headers=bad).status, 401, f"credentials come first: {path}")
            for body in ("{bad", "{", "[1,", "{} x"):
                refused(c.post(path, body, key=key, headers={**bad, **headers}), 400, "Invalid JSON body", None, f"{path} {body}")
        equal(len(c.get("/api/builds").json()), 1, "nothing was retried")
        check(c.status(build)["status"] in ("assigned", "building"), "nothing was cancelled or requeued")
        equal(c.get(f"/api/builds/{build}/vm-status").json(), {"vm_ready": False})
        check(c.get(f"/api/workers/{worker['id']}/stats").json()["status"] != "offline", "nobody was unregistered")
        nothing = {**bad, "Content-Length": "0"}
        equal(c.post(f"/api/builds/{build}/vm-ready", b"", key=None, headers={**nothing, **vm}).status, 200)
        equal(c.post(f"/api/builds/{build}/retry", {}).status, 200)
        equal(c.post(f"/api/builds/{build}/cancel", b"", headers=nothing).json(), {"status": "cancelled"})
        equal(c.post("/api/workers/unregister", {}, key=None, headers=token).status, 200)
        equal(c.post(f"/api/workers/{worker['id']}/unregister", b"", headers=nothing).status, 200)


def only_a_file_over_its_limit_gets_its_own_text():
    """a form that is too large by what nobody asked for is a body too large, with a length and in chunks"""
    with Controller(BINARY, "--builds-source-bytes-max", "300000", "--builds-certs-bytes-max", "70000") as c:
        profile = ("profile", b"p" * (70 * MIB), "p.mobileprovision", "application/octet-stream")
        source, platform = ("source", b"s", "s.zip", "application/zip"), ("platform", "ios")
        for parts in ([profile, source, platform], [source, platform, profile]):
            refused(c.form("/api/builds/submit", parts), 413, "Request body too large", None, parts[0][0])
        large = ("source", b"s" * (70 * MIB), "s.zip", "application/zip")
        for parts in ([large, platform], [platform, ("certs", b"c", "c", "t"), large]):
            refused(c.form("/api/builds/submit", parts), 413, "Source file too large", "SOURCE_TOO_LARGE", parts[0][0])
        refused(c.form("/api/builds/submit", [source, platform, ("certs", b"c" * (70 * MIB), "c", "t")]), 413, "Certs file too large", "CERTS_TOO_LARGE")
        with socket.create_connection(("127.0.0.1", c.port), timeout=30) as wire:
            wire.sendall((f"POST /api/builds/submit HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\nTransfer-Encoding: chunked\r\n"
                          "Content-Type: multipart/form-data; boundary=b\r\n\r\n").encode())
            head = b'--b\r\nContent-Disposition: form-data; name="profile"; filename="p"\r\n\r\n'
            piece = b"p" * MIB
            try:
                wire.sendall(b"%x\r\n" % len(head) + head + b"\r\n")
                for _ in range(70):
                    wire.sendall(b"%x\r\n" % MIB + piece + b"\r\n")
            except OSError:
                pass  # it has been answered
            got = wire.recv(65536)
        check(got.startswith(b"HTTP/1.1 413 ") and b'{"error":"Request body too large"}' in got, f"{got!r}")
        equal(c.get("/api/builds").json(), [])


def a_file_that_was_not_chosen_is_absent():
    """a part without file name and bytes is how a browser says that no file was chosen"""
    with Controller(BINARY) as c:
        unchosen = ("certs", b"", "", "application/octet-stream")
        reply = c.form("/api/builds/submit", [("source", b"s", "s.zip", "application/zip"), unchosen, ("platform", "ios")])
        equal(reply.status, 200, f"{reply}")
        worker = c.register()
        job = c.poll(worker)
        equal((job["id"], job["certs_url"]), (reply.json()["id"], None))
        refused(c.get(f"/api/builds/{job['id']}/certs", headers={"X-Worker-Id": worker}), 404, "Certs not found")
        for named in (("certs", b"", "empty.zip", "application/zip"), ("certs", b"c", "", "application/zip")):
            build = c.form("/api/builds/submit", [named, ("source", b"s", "s.zip", "application/zip"), ("platform", "ios")]).json()["id"]
            job = c.poll(c.register())
            equal((job["id"], job["certs_url"]), (build, f"/api/builds/{build}/certs"), f"{named}")


def head_of_a_poll_assigns_nothing():
    """HEAD of a poll: the headers of a poll without a job, and the build waits on"""
    with Controller(BINARY) as c:
        worker = c.register()
        reply = c.post("/api/workers/register", {"name": "token", "capabilities": {}}).json()
        token = {"X-Worker-Token": reply["access_token"]}
        build = c.submit()["id"]
        empty = c.get(f"/api/workers/poll?worker_id={worker}")
        equal(empty.json()["job"]["id"], build, "it is there to be had")
        c.post(f"/api/builds/{build}/cancel")
        none = c.get(f"/api/workers/poll?worker_id={worker}")
        none_by_token = c.get("/api/workers/poll", key=None, headers=token)
        equal((none.json()["job"], none_by_token.json()["job"]), (None, None))
        build = c.submit()["id"]
        for _ in range(3):
            head = c.request("HEAD", f"/api/workers/poll?worker_id={worker}")
            equal((head.status, head.body, head.headers["content-length"]), (200, b"", none.headers["content-length"]))
            head = c.request("HEAD", "/api/workers/poll", key=None, headers=token)
            equal((head.status, head.body, head.headers["content-length"]), (200, b"", none_by_token.headers["content-length"]))
        equal(c.status(build)["status"], "pending")
        equal(c.request("HEAD", "/api/workers/poll?worker_id=nobody").status, 404)
        equal(c.poll(worker)["id"], build)


run([a_long_message_is_cut_and_the_report_counts, malformed_json_is_refused_where_a_body_is_optional, only_a_file_over_its_limit_gets_its_own_text,
     a_file_that_was_not_chosen_is_absent, head_of_a_poll_assigns_nothing], "builds bodies")
