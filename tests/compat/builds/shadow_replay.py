"""A recorded session of both generations of clients, replayed against a fresh controller with other ids, tokens and another key.

usage: shadow_replay.py <tidemark binary>
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from controller import Controller, check, equal, free_port, run
from recording import Recorded

BINARY = sys.argv[1]
SHADOW_KEY = "another-key-9876543210"


def Shadow():
    return Controller(BINARY, api_key=SHADOW_KEY)


def first_generation(c):
    build = c.submit(source=os.urandom(100_000), certs=b"raw p12")
    worker = c.register("first")
    job = c.poll(worker)
    equal(job["id"], build["id"])
    own = {"X-Worker-Id": worker, "X-Build-Id": job["id"]}
    equal(c.get(job["source_url"], headers=own).status, 200)
    equal(c.get(job["certs_url"], headers=own).status, 200)
    equal(c.post(f"/api/builds/{job['id']}/heartbeat?worker_id={worker}", {"progress": 42}).status, 200)
    equal(c.post(f"/api/builds/{job['id']}/logs", {"level": "info", "message": f"build {job['id']} \u00e9 on {worker}"}, headers=own).status, 200)
    c.status(job["id"])
    equal(c.get("/api/builds/active").status, 200)
    c.finish(job["id"], worker, result=os.urandom(100_000))
    equal(c.get(f"/api/builds/{job['id']}/download", key=None, headers={"X-Build-Token": build["access_token"]}).status, 200)
    equal(c.get(f"/api/builds/{job['id']}/logs").status, 200)
    again = c.post(f"/api/builds/{job['id']}/retry").json()
    c.poll(worker)
    c.finish(again["id"], worker, success=False, message=f"no {again['id']} today")
    equal(c.get(f"/api/builds/{again['id']}/status", key=None, headers={"X-Build-Token": again["access_token"]}).json()["status"], "failed")
    report = {"worker_id": worker, "status": "healthy", "duration_ms": 12, "checks": [{"name": "disk", "status": "pass", "message": "", "duration_ms": 1}]}
    equal(c.post("/api/diagnostics/report", report).status, 200)
    equal(c.get(f"/api/diagnostics/{worker}").status, 200)


def second_generation(c):
    build = c.submit("android", source=b"PK\x03\x04 \xff small")["id"]
    host = c.post("/api/workers/register", {"name": "second", "capabilities": {}}).json()
    token = {"X-Worker-Token": host["access_token"]}
    polled = c.get("/api/workers/poll", key=None, headers=token).json()
    token, otp = {"X-Worker-Token": polled["access_token"]}, polled["job"]["otp"]
    equal(c.post(f"/api/builds/{build}/authenticate", {"otp": "x" * 43}, key=None).status, 401)
    passed = c.post(f"/api/builds/{build}/authenticate", {"otp": otp}, key=None)
    equal(passed.status, 200)
    vm = {"X-VM-Token": passed.json()["vm_token"]}
    equal(c.get(f"/api/builds/{build}/source", key=None, headers=vm).status, 200)
    equal(c.post(f"/api/builds/{build}/vm-ready", key=None, headers=vm).status, 200)
    equal(c.get(f"/api/builds/{build}/vm-status", key=None).json()["vm_ready"], True)
    equal(c.post(f"/api/builds/{build}/telemetry", {"type": "cpu_snapshot", "timestamp": "2026-01-02T03:04:05Z",
                                                    "data": {"cpu_percent": 50, "memory_mb": 100}}, key=None, headers=vm).status, 200)
    equal(c.form(f"/api/builds/{build}/artifact", [("artifact", os.urandom(70_000), "app.apk", "application/octet-stream")], headers=vm,
                 key=None).status, 200)
    equal(c.form("/api/workers/upload", [("build_id", build), ("worker_id", host["id"]), ("success", "true")], headers=token, key=None).status, 200)
    equal(c.get(f"/api/builds/{build}/download").status, 200)


def what_is_refused(c):
    equal(c.get("/api/builds", key="a-wrong-key-012345").status, 403)
    equal(c.get("/api/builds/V1StGXR8_Z5jdHi6B-myT/status").status, 404)
    equal(c.post("/api/workers/register", '{"name":').status, 400)
    build = c.submit()["id"]
    equal(c.post(f"/api/builds/{build}/cancel").status, 200)
    equal(c.post(f"/api/builds/{build}/cancel").status, 400)
    equal(c.get("/api/stats", key=None).status, 200)
    equal(c.get("/health", key=None).status, 200)
    equal(c.get("/api/builds").status, 200)


def recorded():
    with Controller(BINARY) as controller:
        c = Recorded(controller, path_of("recorded.ndjson"), FOLDER)
        first_generation(c)
        second_generation(c)
        what_is_refused(c)
        c.close()
        return c.count


def path_of(name):
    return os.path.join(FOLDER, name)


def command(recording, port, out, *more):
    return [BINARY, "shadow", "replay", "--domain", "builds", recording, "--to", f"http://127.0.0.1:{port}", "--out", out,
            "--api-key-from", path_of("key"), *more]


def replay(recording, port, out, *more):
    return subprocess.run(command(recording, port, out, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)


def compare(pairs):
    done = subprocess.run([BINARY, "shadow", "compare", "--domain", "builds", "--json", "--report", path_of("report.ndjson"), pairs],
                          stdout=subprocess.PIPE, text=True, timeout=120)
    with open(path_of("report.ndjson"), encoding="utf-8") as lines:
        return done.returncode, json.loads(done.stdout), [json.loads(line) for line in lines]


def lines_of(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def same_request(pair, recorded):
    one, other = pair["request"], recorded["request"]
    return all(one[name] == other[name] for name in ("method", "target", "body")) and one["headers"] == {k.lower(): v for k, v in other["headers"].items()}


def a_session_is_the_same_on_the_shadow():
    """every request of the recording has an answer, nothing differs without a rule, and a planted change is found"""
    with Shadow() as shadow:
        done = replay(RECORDING, shadow.port, path_of("pairs.ndjson"), "--bodies", FOLDER)
        equal(done.returncode, 0, done.stderr)
        code, summary, findings = compare(path_of("pairs.ndjson"))
        equal((code, findings, summary["pairs"], summary["not_replayed"]), (0, [], COUNT, 0))
        pairs = lines_of(path_of("pairs.ndjson"))
        made = {side: json.loads(pairs[0][side]["body"]["text"])["id"] for side in ("primary", "shadow")}
        check(made["primary"] != made["shadow"], "the shadow makes ids of its own")
        check(all(same_request(*both) for both in zip(pairs, lines_of(RECORDING))), "requests stay as recorded")

        index = next(i for i, pair in enumerate(pairs) if pair["request"]["target"].endswith("/status"))
        pairs[index]["shadow"]["body"]["text"] = pairs[index]["shadow"]["body"]["text"].replace('"ios"', '"android"')
        with open(path_of("planted.ndjson"), "w", encoding="utf-8") as out:
            out.writelines(json.dumps(pair) + "\n" for pair in pairs)
        code, _, findings = compare(path_of("planted.ndjson"))
        equal((code, [(finding["line"], finding["at"]) for finding in findings]), (1, [(index + 1, "/platform")]))


def a_replay_goes_on_where_it_was_interrupted():
    """behind the last whole pair, with what the pairs of the first run show; and not behind another recording"""
    out = path_of("resumed.ndjson")
    with Shadow() as shadow:
        with open(RECORDING, "rb") as recording:
            lines = recording.readlines()
        half = subprocess.run(command("-", shadow.port, out, "--bodies", FOLDER), input=b"".join(lines[:COUNT // 2]), stdout=subprocess.DEVNULL, timeout=60)
        equal(half.returncode, 0)
        equal(len(lines_of(out)), COUNT // 2)
        with open(out, "ab") as torn:
            torn.write(lines[COUNT // 2][:-7])
        done = replay(RECORDING, shadow.port, out, "--bodies", FOLDER)
        equal(done.returncode, 2)
        check("--resume" in done.stderr, done.stderr)
        done = replay(RECORDING, shadow.port, out, "--bodies", FOLDER, "--resume")
        equal(done.returncode, 0, done.stderr)
        code, summary, findings = compare(out)
        equal((code, findings, summary["pairs"]), (0, [], COUNT))

        # Of another recording.
        with open(path_of("other.ndjson"), "wb") as other:
            other.writelines(lines[1:])
        done = replay(path_of("other.ndjson"), shadow.port, out, "--bodies", FOLDER, "--resume")
        equal(done.returncode, 2)
        check("line 1: not of this recording" in done.stderr, done.stderr)


def a_signal_lets_the_request_under_way_finish():
    """what was sent is written, and the exit code says that it is not all"""
    out = path_of("signalled.ndjson")
    with open(RECORDING, encoding="utf-8") as recording:
        line = next(line for line in recording if '"/health"' in line)
    with open(path_of("long.ndjson"), "w", encoding="utf-8") as long:
        long.writelines([line] * 100_000)
    with Shadow() as shadow:
        running = subprocess.Popen(command(path_of("long.ndjson"), shadow.port, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while not (os.path.exists(out) and os.path.getsize(out) > 10_000):
            check(time.monotonic() < deadline and running.poll() is None, "the replay writes")
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)
        error = running.communicate(timeout=60)[1]
        equal(running.returncode, 1, error)
        pairs = lines_of(out)
        check("interrupted" in error and f"{len(pairs)} pairs were replayed" in error, error)
        check(all(pair["shadow"]["status"] == 200 for pair in pairs), "every pair is whole")


def what_cannot_be_sent_is_counted():
    """a body that is missing, with the reason in its pair; the comparison does not pass it off as equal"""
    with Shadow() as shadow:
        done = replay(RECORDING, shadow.port, path_of("without.ndjson"))
        equal(done.returncode, 1)
        missing = [pair for pair in lines_of(path_of("without.ndjson")) if "shadow" not in pair]
        check(missing and all("only the hash" in pair["not_replayed"] for pair in missing), f"{missing}")
        check(f"{len(missing)} not replayable" in done.stdout and "line 1: not replayable" in done.stderr, done.stdout + done.stderr)
        code, summary, _ = compare(path_of("without.ndjson"))
        equal((code, summary["not_replayed"]), (1, len(missing)))


def faults_are_named():
    """a line that is no pair, before anything is sent; a shadow that is not there, with the line"""
    with open(RECORDING, "rb") as recording:
        lines = recording.readlines()
    with open(path_of("broken.ndjson"), "wb") as broken:
        broken.writelines(lines[:2] + [b'{"request":{}}\n'] + lines[2:])
    done = replay(path_of("broken.ndjson"), free_port(), path_of("none.ndjson"))
    equal(done.returncode, 2)
    check("line 3" in done.stderr and "/request/method" in done.stderr, done.stderr)
    check(not os.path.exists(path_of("none.ndjson")), "nothing was begun")
    done = replay(RECORDING, free_port(), path_of("none.ndjson"), "--bodies", FOLDER)
    equal(done.returncode, 1)
    check("line 1" in done.stderr and "did not answer" in done.stderr, done.stderr)


with tempfile.TemporaryDirectory(prefix="tidemark-shadow-") as FOLDER:
    with open(path_of("key"), "w", encoding="utf-8") as key:
        key.write(SHADOW_KEY + "\n")
    RECORDING = path_of("recorded.ndjson")
    COUNT = recorded()
    run([a_session_is_the_same_on_the_shadow, a_replay_goes_on_where_it_was_interrupted, a_signal_lets_the_request_under_way_finish,
         what_cannot_be_sent_is_counted, faults_are_named], "shadow replay")
