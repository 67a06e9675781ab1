"""Limits in bytes, requests of unusual shape, timeouts, and settings of the builds surface.

usage: limits_and_liveness.py <tidemark binary>
"""

import os
import sys
import threading
import time

from controller import Controller, check, equal, run

BINARY = sys.argv[1]


def until(condition, what, seconds=15):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"did not happen: {what}")


def limits_are_inclusive():
    """source, certs and result: the limit itself passes, one byte more is 413, and nothing stays staged"""
    with Controller(BINARY, "--builds-source-bytes-max", "200000", "--builds-certs-bytes-max", "1000",
                    "--builds-result-bytes-max", "300000") as c:
        def post(path, *parts):
            reply = c.form(path, parts)
            return reply.status, reply.headers.get("x-reason-code"), reply.text
        platform = ("platform", "ios")

        def source(size):
            return ("source", os.urandom(size), "a", "b")
        for path in ("/api/builds/submit", "/api/builds"):
            equal(post(path, source(200_001), platform), (413, "SOURCE_TOO_LARGE", '{"error":"Source file too large"}'))
            equal(post(path, platform, source(3_000_000)), (413, "SOURCE_TOO_LARGE", '{"error":"Source file too large"}'))
            equal(post(path, platform, source(10), ("certs", b"c" * 1001, "c", "d")),
                  (413, "CERTS_TOO_LARGE", '{"error":"Certs file too large"}'))
        equal(c.get("/api/builds").json(), [])
        build = c.submit(source=os.urandom(200_000), certs=b"c" * 1000)["id"]
        worker = c.register()
        equal(c.poll(worker)["id"], build)
        about = [("build_id", build), ("worker_id", worker), ("success", "true")]
        for parts in (about + [("result", b"r" * 300_001, "r", "s")], [("result", b"r" * 2_000_000, "r", "s")] + about):
            equal(post("/api/workers/upload", *parts), (413, "RESULT_TOO_LARGE", '{"error":"Result file too large"}'))
        equal(c.status(build)["status"], "assigned", "a result that was refused ends nothing")
        staged = [name for folder, _, names in os.walk(c.storage) if folder.endswith("staging") for name in names]
        equal(staged, [])
        equal(c.finish(build, worker, result=b"r" * 300_000), {"status": "success"})


def chunked_bodies_and_expect():
    """curl's chunked uploads and 100-continue are taken; more than 20 parts are not"""
    with Controller(BINARY) as c:
        reply = c.curl("-H", "Transfer-Encoding: chunked", "-F", f"source=@{BINARY};filename=a", "-F", "platform=android",
                       "/api/builds/submit")
        equal(reply.status, 200, f"{reply}")
        with open(BINARY, "rb") as file:
            equal(c.get(f"/api/builds/{reply.json()['id']}/download/source").body, file.read())
        parts = [(f"field{i}", "x") for i in range(20)] + [("source", b"s", "a", "b"), ("platform", "ios")]
        check(c.form("/api/builds/submit", parts).status in (400, 413), "at most 20 parts")


def a_silent_build_times_out():
    """silence fails a build, heartbeats keep one alive, and a late success of the same worker is taken"""
    with Controller(BINARY, "--builds-assigned-silence", "2s", "--builds-building-silence", "2s", "--builds-activity-mark", "1s") as c:
        silent, beating = c.register("silent"), c.register("beating")
        lost, kept = c.submit()["id"], c.submit()["id"]
        equal(c.poll(silent)["id"], lost)
        equal(c.poll(beating)["id"], kept)
        stop = threading.Event()

        def beat():
            while not stop.wait(0.3):
                equal(c.post(f"/api/builds/{kept}/heartbeat?worker_id={beating}").status, 200)
        thread = threading.Thread(target=beat)
        thread.start()
        until(lambda: c.status(lost)["status"] == "failed", "the silent build fails", 20)
        check(c.status(lost)["error_message"].startswith("Build timeout - no heartbeat from worker for "), f"{c.status(lost)}")
        equal([e["message"] for e in c.get(f"/api/builds/{lost}/logs").json()["logs"]][-1],
              "Build timeout - worker stopped responding")
        time.sleep(2)  # the other must outlive more silence than is allowed
        equal(c.status(kept)["status"], "building")
        stop.set()
        thread.join()
        equal(c.post(f"/api/builds/{lost}/heartbeat?worker_id={silent}").status, 200, "a timed-out build answers heartbeats")
        equal(c.finish(lost, silent), {"status": "success"})
        equal(c.status(lost)["status"], "completed")
        stats = c.get(f"/api/workers/{silent}/stats").json()
        equal((stats["successfulBuilds"], stats["failedBuilds"]), (1, 0), "one outcome, counted once")


def a_restart_is_nobodys_silence():
    """after a restart every active build counts as just seen"""
    with Controller(BINARY, "--builds-assigned-silence", "3s") as c:
        worker = c.register()
        build = c.submit()["id"]
        equal(c.poll(worker)["id"], build)
        c.kill()
        time.sleep(3.5)  # an outage longer than the silence that is allowed
        c.start()
        equal(c.status(build)["status"], "assigned")
        equal(c.post(f"/api/builds/{build}/heartbeat?worker_id={worker}").status, 200)
        equal(c.status(build)["status"], "building")


def settings_reach_the_surface():
    """open registration and the base image come from the command line or the old environment names"""
    with Controller(BINARY, "--builds-open-registration", environment={"BASE_IMAGE_ID": "registry.example/base:9"}) as c:
        reply = c.post("/api/workers/register", {"name": "w", "capabilities": {}}, key=None)
        equal((reply.status, reply.json()["baseImageId"]), (200, "registry.example/base:9"))
        c.submit()
        equal(c.poll(reply.json()["id"])["baseImageId"], "registry.example/base:9")


def answers_are_seen_by_anyone_at_once():
    """whatever was answered is observed by the next request of anyone, under concurrent load"""
    with Controller(BINARY) as c:
        errors = []

        def life(name):
            try:
                worker = c.register(name)
                for _ in range(10):
                    submitted = c.submit()
                    check(submitted["id"] in [b["id"] for b in c.get("/api/builds").json()], "listed at once")
                    job = c.poll(worker)
                    equal(c.status(job["id"])["worker_id"], worker)
                    check(job["id"] in [b["id"] for b in c.get("/api/builds/active").json()["builds"]], "active at once")
                    line = {"level": "info", "message": f"by {name}"}
                    c.post(f"/api/builds/{job['id']}/logs", line, headers={"X-Worker-Id": worker})
                    equal(c.get(f"/api/builds/{job['id']}/logs").json()["logs"][-1]["message"], f"by {name}")
                    c.finish(job["id"], worker)
                    equal(c.status(job["id"])["status"], "completed")
            except Exception as error:  # noqa: BLE001 - reported below
                errors.append(error)
        threads = [threading.Thread(target=life, args=(f"w{i}",)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(errors, [])
        equal(c.get("/health", key=None).json()["queue"], {"pending": 0, "active": 0, "total": 0})
        equal(c.get("/api/builds/statistics").json()["completed"], 80)


run([limits_are_inclusive, chunked_bodies_and_expect, a_silent_build_times_out, a_restart_is_nobodys_silence,
     settings_reach_the_surface, answers_are_seen_by_anyone_at_once], "builds limits and liveness")
