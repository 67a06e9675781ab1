"""The whole life of a build as the first generation of clients (CLI, Swift worker, VM scripts) drives it, through curl and sockets.

usage: first_generation_flow.py <tidemark binary>
"""

import hashlib
import os
import re
import socket
import sys
import tempfile
import threading
import time

from controller import API_KEY, Controller, check, equal, run

BINARY = sys.argv[1]
ID = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_-]{20}$")
ISO_MS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def temporary_file(data):
    handle, path = tempfile.mkstemp()
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    return path


def whole_flow(file_first):
    source = os.urandom(2 * 1024 * 1024 + 17)  # above 1 MiB curl asks with Expect: 100-continue
    result = os.urandom(3 * 1024 * 1024 + 5)
    certs = b"\x30\x82 raw p12 bytes"
    source_path, result_path, certs_path = (temporary_file(data) for data in (source, result, certs))
    with Controller(BINARY) as c:
        # The CLI submits.
        files = ["-F", f"source=@{source_path};filename=project.tar.gz;type=application/gzip",
                 "-F", f"certs=@{certs_path};filename=certs.zip"]
        texts = ["-F", "platform=ios", "-F", "appleId=someone@example.com", "-F", "applePassword=abcd-efgh-ijkl-mnop"]
        reply = c.curl("-H", "Expect: 100-continue", *(files + texts if file_first else texts + files), "/api/builds/submit")
        equal(reply.status, 200, f"submit: {reply}")
        check(b" " not in reply.body, f"answers are compact: {reply}")
        equal(reply.body.count(b'"id":"'), 1, "one id in a submit answer")
        submitted = reply.json()
        equal(sorted(submitted), ["access_token", "id", "status", "submitted_at"])
        build, token = submitted["id"], submitted["access_token"]
        check(ID.match(build), f"id {build}")
        check(re.match(r"^[A-Za-z0-9_-]{43}$", token), f"token {token}")
        equal(submitted["status"], "pending")
        check(abs(submitted["submitted_at"] - time.time() * 1000) < 60_000, "milliseconds")

        health = c.get("/health", key=None)
        equal(health.body.count(b'"pending":1'), 1, f"{health}")
        equal(health.json()["queue"], {"pending": 1, "active": 0, "total": 1})

        # Its token alone is enough.
        status = c.get(f"/api/builds/{build}/status", key=None, headers={"X-Build-Token": token})
        equal(status.status, 200)
        equal(status.body.count(b'"status":'), 1)
        equal(status.json(), {"id": build, "status": "pending", "platform": "ios", "worker_id": None,
                              "submitted_at": submitted["submitted_at"], "started_at": None, "completed_at": None,
                              "error_message": None})

        # The worker registers under a name of its own and polls.
        reply = c.post("/api/workers/register", {"name": "mac-mini", "capabilities": {"xcode": "15"}, "apiKey": API_KEY})
        equal(reply.status, 200, f"register: {reply}")
        registered = reply.json()
        equal(registered["status"], "registered")
        worker = registered["id"]
        check(ID.match(worker), worker)
        job = c.poll(worker)
        equal(job["id"], build)
        equal(job["platform"], "ios")
        equal(job["source_url"], f"/api/builds/{build}/source")
        equal(job["certs_url"], f"/api/builds/{build}/certs")
        check(job["baseImageId"], "the first generation reads baseImageId")
        equal(c.poll(worker), job, "the same job comes again")
        equal(c.status(build)["status"], "assigned")
        active = c.get("/api/builds/active").json()
        equal([(b["id"], b["status"], b["worker_id"]) for b in active["builds"]], [(build, "assigned", worker)])
        check(isinstance(active["builds"][0]["started_at"], int), "an integer")

        # Source and certificates go to the owner only.
        own = {"X-Worker-Id": worker, "X-Build-Id": build}
        got = c.get(job["source_url"], headers=own)
        equal((got.status, got.headers["content-type"]), (200, "application/zip"))
        equal(hashlib.sha256(got.body).hexdigest(), hashlib.sha256(source).hexdigest())
        equal(got.headers["etag"], '"%s"' % hashlib.sha256(source).hexdigest())
        got = c.get(job["certs_url"], headers=own)
        equal((got.status, got.body, got.headers["content-type"]), (200, certs, "application/zip"))

        # Heartbeats make it build.
        beat = c.post(f"/api/builds/{build}/heartbeat?worker_id={worker}", {"progress": 42})
        equal(beat.status, 200, f"{beat}")
        equal(beat.json()["status"], "ok")
        check(isinstance(beat.json()["timestamp"], int), "timestamp")
        equal(c.status(build)["status"], "building")

        # Logs are appended and sliced by index.
        equal(c.post(f"/api/builds/{build}/logs", {"level": "info", "message": "one\u00e9\n\"quoted\""}, headers=own).json(),
              {"success": True})
        seen = c.get(f"/api/builds/{build}/logs").json()["logs"]
        reply = c.post(f"/api/builds/{build}/logs",
                       {"logs": [{"level": "warn", "message": "two"}, {"level": "debug", "message": "skipped"},
                                 {"message": "skipped"}, {"level": "error", "message": "three"}]}, headers=own)
        equal(reply.json(), {"success": True, "count": 4}, "counts what was sent")
        logs = c.get(f"/api/builds/{build}/logs").json()
        equal(logs["build_id"], build)
        equal(logs["logs"][:len(seen)], seen, "a stable prefix")
        equal([(e["level"], e["message"]) for e in logs["logs"][len(seen):]], [("warn", "two"), ("error", "three")])
        messages = [e["message"] for e in logs["logs"]]
        equal(messages[:2], ["Build submitted", "Assigned to worker mac-mini"])
        check("Build progress: 42%" in messages, f"{messages}")
        equal(c.get(f"/api/builds/{build}/logs?limit=2").json()["logs"], logs["logs"][:2])
        equal(c.get(f"/api/builds/{build}/logs?limit=0").json()["logs"], [])

        # The result.
        texts = ["-F", f"build_id={build}", "-F", f"worker_id={worker}", "-F", "success=true"]
        files = ["-F", f"result=@{result_path};filename=App.ipa"]
        reply = c.curl("-H", "Expect: 100-continue", *(files + texts if file_first else texts + files), "/api/workers/upload")
        equal((reply.status, reply.body), (200, b'{"status":"success"}'))
        equal(c.post(f"/api/builds/{build}/logs", {"level": "info", "message": "trailing"}, headers=own).status, 200,
              "log lines trail the result")

        done = c.status(build)
        equal(done["status"], "completed")
        check(done["submitted_at"] <= done["started_at"] <= done["completed_at"], f"{done}")
        listed = c.get("/api/builds")
        check(isinstance(listed.json(), list), "a bare array")
        equal(sorted(listed.json()[0]), ["completedAt", "createdAt", "id", "status"])
        check(ISO_MS.match(listed.json()[0]["completedAt"]), f"{listed}")

        got = c.get(f"/api/builds/{build}/download", key=None, headers={"X-Build-Token": token})
        equal((got.status, got.headers["content-type"]), (200, "application/octet-stream"))
        equal(got.headers["content-disposition"], f'attachment; filename="{build}.ipa"')
        equal(got.body, result)
        equal(int(got.headers["content-length"]), len(result))
        part = c.get(f"/api/builds/{build}/download/result", headers={"Range": "bytes=10-19"})
        equal((part.status, part.body), (206, result[10:20]))
        same = c.get(f"/api/builds/{build}/download", headers={"If-None-Match": got.headers["etag"]})
        equal((same.status, same.body), (304, b""))
        equal(c.get(f"/api/builds/{build}/download/source").body, source)

        stats = c.get(f"/api/workers/{worker}/stats").json()
        equal((stats["totalBuilds"], stats["successfulBuilds"], stats["failedBuilds"], stats["workerName"], stats["status"]),
              (1, 1, 0, "mac-mini", "idle"))
        check(re.match(r"^\d+[dhms]( \d+[hms])?$", stats["uptime"]), stats["uptime"])
        equal(c.poll(worker), None)
        public = c.get("/public/stats", key=None).json()
        equal((public["nodesOnline"], public["buildsQueued"], public["activeBuilds"]), (1, 0, 0))
    for path in (source_path, result_path, certs_path):
        os.unlink(path)


def flow_with_files_first():
    """a build completes when the files are the first parts (CLI, mock worker)"""
    whole_flow(True)


def flow_with_files_last():
    """a build completes when the files are the last parts (Swift worker, curl)"""
    whole_flow(False)


def cancel_with_an_empty_json_body():
    """cancel takes an empty JSON body and frees worker and queue at once"""
    with Controller(BINARY) as c:
        worker = c.register()
        first, second, third = (c.submit()["id"] for _ in range(3))
        equal(c.poll(worker)["id"], first)
        empty = ["-X", "POST", "-H", "Content-Type: application/json", "-H", "Content-Length: 0"]
        for build in (first, second):
            reply = c.curl(*empty, f"/api/builds/{build}/cancel")
            equal((reply.status, reply.body), (200, b'{"status":"cancelled"}'))
            status = c.status(build)
            equal((status["status"], status["error_message"]), ("failed", "Build cancelled by user"))
            check(isinstance(status["completed_at"], int), "a cancelled build has an end")
        equal(c.curl(*empty, f"/api/builds/{first}/cancel").json(), {"error": "Build already finished"})
        equal(c.poll(worker)["id"], third, "the cancelled ones are never handed out")
        equal(c.get("/api/builds/statistics").json(),
              {"total": 3, "pending": 0, "assigned": 1, "building": 0, "completed": 0, "failed": 0, "cancelled": 2})
        equal([b["id"] for b in c.get("/api/builds?status=failed").json()], [second, first])


def retry_makes_a_new_build():
    """retry refers to the same source and certificates in a new build with a token of its own"""
    with Controller(BINARY) as c:
        worker = c.register()
        old = c.submit(source=b"the source", certs=b"the certs", platform="android")
        c.poll(worker)
        equal(c.finish(old["id"], worker, success=False, message="no such scheme"), {"status": "failed"})
        equal(c.status(old["id"])["error_message"], "no such scheme")
        reply = c.curl("-X", "POST", "-H", "Content-Type: application/json", "-H", "Content-Length: 0",
                       "-H", f"X-Build-Token: {old['access_token']}", f"/api/builds/{old['id']}/retry", key=None)
        equal(reply.status, 200, f"{reply}")
        new = reply.json()
        equal((new["original_build_id"], new["status"]), (old["id"], "pending"))
        check(new["id"] != old["id"] and new["access_token"] != old["access_token"], "a build of its own")
        job = c.poll(worker)
        equal((job["id"], job["platform"]), (new["id"], "android"))
        own = {"X-Worker-Id": worker}
        equal(c.get(job["source_url"], headers=own).body, b"the source")
        equal(c.get(job["certs_url"], headers=own).body, b"the certs")
        equal([e["message"] for e in c.get(f"/api/builds/{new['id']}/logs").json()["logs"]][0],
              f"Build submitted (retry of {old['id']})")
        equal([e["message"] for e in c.get(f"/api/builds/{old['id']}/logs").json()["logs"]][-1],
              f"Retried as build {new['id']}")


def unregister_requeues_at_the_original_position():
    """a worker that leaves gives its build back to the front of the queue"""
    with Controller(BINARY) as c:
        first, second = c.register("first"), c.register("second")
        builds = [c.submit()["id"] for _ in range(2)]
        equal(c.poll(first)["id"], builds[0])
        reply = c.post(f"/api/workers/{first}/unregister")
        equal(reply.json(), {"success": True, "message": "Worker unregistered", "builds_reassigned": 1})
        equal(c.status(builds[0])["status"], "pending")
        equal(c.poll(second)["id"], builds[0])
        equal(c.get(f"/api/workers/{first}/stats").json()["status"], "offline")


def nothing_answered_is_lost_by_kill():
    """kill -9 between any two steps loses nothing that was answered"""
    with Controller(BINARY) as c:
        source = os.urandom(100_000)

        def crash():
            c.kill()
            c.start()

        worker = c.register("survivor")
        crash()
        submitted = c.submit(source=source, certs=b"certs")
        build = submitted["id"]
        crash()
        job = c.poll(worker)
        equal(job["id"], build)
        crash()
        equal(c.poll(worker), job, "the assignment is known")
        own = {"X-Worker-Id": worker}
        equal(c.get(job["source_url"], headers=own).body, source)
        equal(c.get(job["certs_url"], headers=own).body, b"certs")
        c.post(f"/api/builds/{build}/heartbeat?worker_id={worker}")
        crash()
        equal(c.status(build)["status"], "building")
        c.post(f"/api/builds/{build}/logs", {"level": "info", "message": "before"}, headers=own)
        crash()
        equal(c.finish(build, worker, result=source), {"status": "success"})
        crash()
        equal(c.get(f"/api/builds/{build}/download", key=None, headers={"X-Build-Token": submitted["access_token"]}).body, source)
        messages = [e["message"] for e in c.get(f"/api/builds/{build}/logs").json()["logs"]]
        check("before" in messages and messages[-1] == "Build completed successfully", f"{messages}")
        equal(c.get(f"/api/workers/{worker}/stats").json()["successfulBuilds"], 1)


def an_idempotency_key_submits_once():
    """the same Idempotency-Key gives the same build and the same token, also after a restart"""
    with Controller(BINARY) as c:
        named = {"Idempotency-Key": "release-42"}
        first = c.submit(source=b"x", headers=named)
        equal(c.submit(source=b"x", headers=named), first)
        c.stop()
        c.start()
        equal(c.submit(source=b"x", headers=named), first)
        equal(len(c.get("/api/builds").json()), 1)


def a_client_that_goes_away_leaves_no_staging_file():
    """a client that disconnects in the middle of a submission leaves neither build nor file"""
    with Controller(BINARY) as c:
        def files():
            return sorted(os.path.join(folder, name) for folder, _, names in os.walk(c.storage) for name in names
                          if "stag" in folder or "stag" in name)
        before = files()
        with socket.create_connection(("127.0.0.1", c.port)) as connection:
            connection.sendall((f"POST /api/builds/submit HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\n"
                                "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 10000000\r\n\r\n"
                                '--b\r\nContent-Disposition: form-data; name="source"; filename="a"\r\n\r\n').encode()
                               + b"z" * 1_000_000)
            deadline = time.monotonic() + 10
            while files() == before and time.monotonic() < deadline:
                time.sleep(0.01)
            check(files() != before, "the upload is staged under a folder that says so")
        deadline = time.monotonic() + 10
        while files() != before and time.monotonic() < deadline:
            time.sleep(0.01)
        equal(files(), before)
        equal(c.get("/api/builds").json(), [])


def no_secret_reaches_the_disk():
    """the API key, the tokens and the Apple credentials are in no file of the data directory"""
    with Controller(BINARY) as c:
        reply = c.form("/api/builds/submit", [("appleId", "drained@example.com"), ("applePassword", "drained-password"),
                                              ("source", b"s", "a", "b"), ("platform", "ios"),
                                              ("profile", b"drained profile", "p", "q")])
        equal(reply.status, 200, f"{reply}")
        worker = c.post("/api/workers/register", {"name": "w", "capabilities": {}, "apiKey": API_KEY}).json()
        job = c.poll(worker["id"])
        equal(job["id"], reply.json()["id"])
        c.stop()
        secrets = [API_KEY, reply.json()["access_token"], worker["access_token"], "drained"]
        for folder, _, names in os.walk(c.storage):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                for secret in secrets:
                    check(secret.encode() not in data, f"{secret[:6]}... is in {folder}/{name}")
        output = c.read_output()
        for secret in secrets:
            check(secret not in output, f"{secret[:6]}... is in the output")


def many_submit_at_once():
    """100 submissions at once are all accepted, each once"""
    with Controller(BINARY) as c:
        ids, errors = [], []

        def one():
            try:
                ids.append(c.submit()["id"])
            except Exception as error:  # noqa: BLE001 - reported below
                errors.append(error)
        threads = [threading.Thread(target=one) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(errors, [])
        equal(len(set(ids)), 100)
        listed = [b["id"] for b in c.get("/api/builds").json()]
        equal(sorted(listed), sorted(ids))
        worker = c.register()
        handed = []
        for _ in range(5):
            build = c.poll(worker)["id"]
            handed.append(build)
            c.finish(build, worker)
        equal(handed, listed[::-1][:5], "first in, first out")


run([flow_with_files_first, flow_with_files_last, cancel_with_an_empty_json_body, retry_makes_a_new_build,
     unregister_requeues_at_the_original_position, nothing_answered_is_lost_by_kill, an_idempotency_key_submits_once,
     a_client_that_goes_away_leaves_no_staging_file, no_secret_reaches_the_disk, many_submit_at_once],
    "first generation flow")
