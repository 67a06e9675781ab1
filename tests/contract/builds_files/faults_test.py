"""What becomes of files when a client goes, the process dies or the disk fails: each row of the contract's table of faults.

usage: faults_test.py <tidemark binary> <disk fault library>
"""

import os
import socket
import sys
import threading

from store import API_KEY, Store, check, digest_of, equal, run, until

BINARY, FAULTS = sys.argv[1], sys.argv[2]
SOON = ("--builds-housekeeping", "1s", "--builds-orphan-age", "1s")
UPLOAD = "/api/workers/upload"


def open_upload(c, size=5_000_000, sent=300_000):
    """A submission that has sent a part of its source."""
    head = (b'--b\r\nContent-Disposition: form-data; name="source"; filename="a"\r\n\r\n')
    connection = socket.create_connection(("127.0.0.1", c.port), timeout=30)
    connection.sendall((f"POST /api/builds/submit HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\n"
                        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {size}\r\n\r\n").encode()
                       + head + b"s" * sent)
    return connection


def lost(c, path, parts, headers=None):
    """Sends a form whose answer never comes."""
    try:
        reply = c.form(path, parts, headers=headers)
    except OSError:
        return
    except Exception as error:  # noqa: BLE001 - http.client has many names for a connection that ended
        check("HTTP" in type(error).__name__ or "Remote" in type(error).__name__ or "Incomplete" in type(error).__name__, f"{error!r}")
        return
    raise AssertionError(f"answered: {reply}")


def submission(source, certs=None):
    parts = [("source", source, "a.zip", "application/zip"), ("platform", "ios")]
    if certs is not None:
        parts.append(("certs", certs, "c.zip", "application/zip"))
    return parts


def a_client_that_goes_leaves_nothing():
    """disconnect during the body: no build, the staging file goes at once, the slot is free again"""
    with Store(BINARY) as c:
        handles = len(os.listdir(f"/proc/{c.process.pid}/fd"))
        for _ in range(5):
            connections = [open_upload(c) for _ in range(10)]
            until(lambda: len(c.staging()) == 10, "ten uploads are staged")
            for i, connection in enumerate(connections):
                if i % 2:  # a reset instead of an end
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                connection.close()
            until(lambda: c.staging() == [], "their files are gone")
        until(lambda: len(os.listdir(f"/proc/{c.process.pid}/fd")) <= handles + 2, "their descriptors are closed")
        equal((c.builds(), c.files("objects")), ([], []))
        equal(c.submit()["status"], "pending")


def a_crash_during_the_body_leaves_nothing():
    """killed during the body: the start removes what was staged"""
    with Store(BINARY) as c:
        connection = open_upload(c)
        until(lambda: len(c.staging()) == 1, "it is staged")
        c.kill()
        connection.close()
        equal(len(c.staging()), 1)
        c.start()
        equal((c.staging(), c.builds(), c.files("objects")), ([], [], []))


def killed_between_rename_and_append():
    """killed after the rename and before the append: no build, and the orphan is collected; what is referred to stays"""
    with Store(BINARY, *SOON, faults=FAULTS) as c:
        kept, orphan = b"kept" * 1000, b"orphan" * 1000
        build = c.submit(source=kept)["id"]
        c.fail("rename /objects/ kill-after")
        lost(c, "/api/builds/submit", submission(orphan))
        c.ended()
        check(os.path.exists(c.object_of(orphan)), "the file has its address")
        c.restart()
        equal(c.builds(), [build])
        until(lambda: not os.path.exists(c.object_of(orphan)), "the orphan is collected")
        c.fail("rename /private/ kill-after")
        lost(c, "/api/builds/submit", submission(kept, certs=b"certificates"))
        c.ended()
        equal(len(c.files("private")), 1)
        c.restart()
        until(lambda: c.files("private") == [], "certificates of no build are deleted")
        equal(c.builds(), [build])
        equal(c.get(f"/api/builds/{build}/download/source").body, kept)


def an_orphan_is_young_for_an_hour():
    """by default nothing unreferenced is touched in its first hour"""
    with Store(BINARY, "--builds-housekeeping", "1s", faults=FAULTS) as c:
        c.fail("rename /objects/ kill-after")
        lost(c, "/api/builds/submit", submission(b"young"))
        c.restart()
        old = c.object_of(b"old")
        os.makedirs(os.path.dirname(old), exist_ok=True)
        with open(old, "wb") as file:
            file.write(b"old")
        os.utime(old, (1_600_000_000, 1_600_000_000))
        c.restart()
        until(lambda: not os.path.exists(old), "one of last year is collected")
        check(os.path.exists(c.object_of(b"young")), "one of a minute ago is not")


def without_its_reply(c, act, happened):
    """Does `act` and kills the process when the log has it, before anyone hears. The log also syncs on its own account: until
    `happened` it is tried again."""
    for _ in range(20):
        c.fail("sync /log/ kill-after")
        act()
        c.ended()
        c.restart()
        if happened():
            return
    raise AssertionError("the process never died between append and reply")


def a_submission_whose_reply_was_lost():
    """append acknowledged, reply lost: the build exists, and submitting again makes a second one"""
    with Store(BINARY, faults=FAULTS) as c:
        without_its_reply(c, lambda: lost(c, "/api/builds/submit", submission(b"source")), lambda: len(c.builds()) == 1)
        equal(c.get(f"/api/builds/{c.builds()[0]}/download/source").body, b"source")
        c.submit(source=b"source")
        equal(len(c.builds()), 2)


def a_named_submission_whose_reply_was_lost():
    """the same with an Idempotency-Key: submitting again gets the first build with its access token, certificates intact"""
    with Store(BINARY, faults=FAULTS) as c:
        key = {"Idempotency-Key": "one-intention"}
        parts = submission(b"source", certs=b"certificates")
        without_its_reply(c, lambda: lost(c, "/api/builds/submit", parts, key), lambda: len(c.builds()) == 1)
        again = [c.form("/api/builds/submit", parts, headers=key) for _ in range(2)]
        equal([r.status for r in again], [200, 200])
        equal(again[0].text, again[1].text, "the same answer")
        equal(c.builds(), [again[0].json()["id"]])
        token = {"X-Build-Token": again[0].json()["access_token"]}
        equal(c.get(f"/api/builds/{c.builds()[0]}/status", key=None, headers=token).status, 200, "its token is the build's")
        worker = c.register()
        c.poll(worker)
        equal(c.get(f"/api/builds/{c.builds()[0]}/certs", headers={"X-Worker-Id": worker}).body, b"certificates")
        equal(c.form("/api/builds/submit", submission(b"another"), headers=key).status, 422, "another intention")


def a_result_whose_reply_was_lost():
    """result appended, reply lost: the failure that the worker then reports is refused and the build stays completed"""
    with Store(BINARY, faults=FAULTS) as c:
        worker, build = c.register(), c.submit()["id"]
        equal(c.poll(worker)["id"], build)
        about = [("build_id", build), ("worker_id", worker)]
        parts = about + [("success", "true"), ("result", b"IPA", "a.ipa", "application/octet-stream")]
        without_its_reply(c, lambda: lost(c, UPLOAD, parts), lambda: c.status(build)["status"] == "completed")
        reply = c.form(UPLOAD, about + [("success", "false"), ("error_message", "upload failed")])
        equal((reply.status, reply.text), (409, '{"error":"Build already finished"}'))
        equal(c.form(UPLOAD, parts).json(), {"status": "success"}, "a success again is no news")
        equal(c.status(build)["status"], "completed")
        equal(c.get(f"/api/builds/{build}/download").body, b"IPA")
        equal(c.get(f"/api/workers/{worker}/stats").json()["successfulBuilds"], 1)


def an_append_whose_outcome_is_unknown():
    """the log's sync fails: nothing is answered from what may not be, and after the start the truth is"""
    with Store(BINARY, faults=FAULTS) as c:
        first = c.submit()["id"]
        key = {"Idempotency-Key": "unknown"}
        c.fail("sync /log/ eio")
        try:
            reply = c.form("/api/builds/submit", submission(b"unknown"), headers=key)
            check(reply.status in (500, 503), f"{reply}")
            check(reply.text in ('{"error":"Build submission failed"}',), f"{reply}")
        except Exception as error:  # noqa: BLE001 - or the connection ends with the process
            check(not isinstance(error, AssertionError), f"{error}")
        c.ended("a node whose log failed ends")
        c.restart()
        there = [b for b in c.builds() if b != first]
        reply = c.form("/api/builds/submit", submission(b"unknown"), headers=key)
        equal(reply.status, 200)
        check(there in ([], [reply.json()["id"]]), "either it had been recorded, or it is now")
        equal(sorted(c.builds()), sorted([first, reply.json()["id"]]))


def finished(c, result):
    worker, build = c.register(), c.submit(source=b"source of " + result)["id"]
    equal(c.poll(worker)["id"], build)
    c.finish(build, worker, result=result)
    return build


def missing_and_damaged_files():
    """a file that is missing or is not what was stored: 404, retry 400, alarm and log line; the right bytes heal it"""
    with Store(BINARY) as c:
        gone, changed, shorter = (finished(c, content) for content in (b"gone" * 999, b"changed" * 999, b"shorter" * 999))
        os.unlink(c.object_of(b"gone" * 999))
        with open(c.object_of(b"changed" * 999), "r+b") as file:
            file.seek(5000)
            file.write(b"X")
        os.truncate(c.object_of(b"shorter" * 999), 100)
        for i, build in enumerate((gone, changed, shorter)):
            reply = c.get(f"/api/builds/{build}/download")
            equal((reply.status, reply.text), (404, '{"error":"Build result not found"}'))
            equal(c.get(f"/api/builds/{build}/download/result").status, 404)
            check(c.logged("stored file cannot be used", f"{build}.ipa"), "a line for the operator")
        check(c.metric("tidemark_blob_missing_total") >= 2, "alarm of the missing one")
        check(c.metric("tidemark_blob_damaged_total") >= 4, "alarm of the damaged ones")
        os.unlink(c.object_of(b"source of " + b"gone" * 999))
        reply = c.post(f"/api/builds/{gone}/retry")
        equal((reply.status, reply.text),
              (400, '{"error":"Original build source no longer available. Please submit a new build."}'))
        equal(finished(c, b"changed" * 999) != changed, True)
        equal(c.get(f"/api/builds/{changed}/download").body, b"changed" * 999, "the same content again heals it")


def read_slowly(c, path):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", c.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\nConnection: close\r\n\r\n".encode())
    return connection


def damage_while_it_is_sent():
    """a byte that changes while the file is being sent never arrives: the connection is cut before it"""
    with Store(BINARY) as c:
        content = os.urandom(1 << 20) * 16
        build = finished(c, content)
        connection = read_slowly(c, f"/api/builds/{build}/download")
        got = connection.recv(100_000)
        at = 14 * (1 << 20) + 77
        with open(c.object_of(content), "r+b") as file:
            file.seek(at)
            file.write(bytes([content[at] ^ 1]))
        try:
            while piece := connection.recv(1 << 20):
                got += piece
        except ConnectionError:
            pass
        head, _, body = got.partition(b"\r\n\r\n")
        check(head.startswith(b"HTTP/1.1 200 ") and b"Content-Length: %d" % len(content) in head, f"{head!r}")
        check(10 << 20 < len(body) <= at, f"{len(body)} of {len(content)} bytes arrived, damage at {at}")
        check(content.startswith(body), "what arrived is right")
        equal(c.metric("tidemark_blob_damaged_total"), 1)
        check(c.logged("stored file cannot be used", f"{build}.ipa", "changed since"), "a line for the operator")
        equal(c.get(f"/api/builds/{build}/download").status, 404, "and the next one gets nothing")
        tail = c.get(f"/api/builds/{build}/download", headers={"Range": "bytes=0-9"})
        equal(tail.status, 404, "nor the part that is right")


def a_full_disk():
    """disk full in each step: 500 with the route's text, alarm, no event, nothing staged; then everything works again"""
    with Store(BINARY, faults=FAULTS) as c:
        worker, build = c.register(), c.submit(source=b"first")["id"]
        equal(c.poll(worker)["id"], build)
        before = len(c.get(f"/api/builds/{build}/logs").json()["logs"])
        objects = c.files("objects")
        result = [("build_id", build), ("worker_id", worker), ("success", "true"), ("result", b"r" * 400_000, "r", "s")]
        alarms = 0
        for fault in ("write /staging/ enospc", "sync /staging/ enospc", "rename /objects/ enospc"):
            c.fail(fault)
            for path, parts, text in (("/api/builds/submit", submission(b"s" * 400_000), "Build submission failed"),
                                      ("/api/builds", submission(b"small"), "Build submission failed"),
                                      (UPLOAD, result, "Upload failed"), ("/api/workers/result", result, "Upload failed")):
                reply = c.form(path, parts)
                equal((reply.status, reply.text), (500, '{"error":"%s"}' % text), f"{fault}: {path}")
                alarms += 1
                equal(c.metric("tidemark_blob_disk_full_total"), alarms)
                check(c.logged("upload not stored", "No space left on device"), "a line for the operator")
            until(lambda: c.staging() == [], "nothing is staged")
        for fault in ("write /staging/ enospc", "rename /private/ enospc"):
            c.fail(fault)
            reply = c.form("/api/builds/submit", submission(b"", certs=b"c" * 200_000))
            equal((reply.status, reply.text), (500, '{"error":"Build submission failed"}'), fault)
            until(lambda: c.staging() == [], "nothing is staged")
        equal((c.builds(), c.files("private")), ([build], []))
        equal([f for f in c.files("objects") if f not in objects and digest_of(b"") not in f], [])
        equal(len(c.get(f"/api/builds/{build}/logs").json()["logs"]), before)
        equal(c.status(build)["status"], "assigned")
        c.heal()
        equal(c.form(UPLOAD, result).json(), {"status": "success"})
        equal(c.get(f"/api/builds/{build}/download").body, b"r" * 400_000)
        c.submit(source=b"s" * 400_000, certs=b"c" * 200_000)


def nothing_is_collected_that_a_request_needs():
    """the collector and requests for the same content, at the same time: no accepted build ever lacks its source"""
    with Store(BINARY, *SOON, "--builds-sources-kept", "1s", "--builds-certs-kept", "1s") as c:
        errors, stop, rounds = [], threading.Event(), [0]

        def submit_and_cancel(i):
            try:
                while not stop.is_set():
                    source = b"the same content" if i % 2 else b"content of %d" % i
                    build = c.submit(source=source, certs=b"certificates")["id"]
                    equal(c.get(f"/api/builds/{build}/download/source").body, source, "its source is there")
                    retry = c.post(f"/api/builds/{build}/retry")
                    equal(retry.status, 200)
                    for each in (build, retry.json()["id"]):
                        check(os.path.exists(c.certs_file(each)), "its certificates are there")
                        equal(c.post(f"/api/builds/{each}/cancel").status, 200)
                    equal(c.get(f"/api/builds/{build}/download/source").body, source, "not yet a second old")
                    rounds[0] += 1
                    stop.wait(0.4 + i * 0.17)  # so that references end and begin around the collector's passes
            except Exception as error:  # noqa: BLE001 - reported below
                errors.append(error)
        threads = [threading.Thread(target=submit_and_cancel, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        stop.wait(12)
        stop.set()
        for thread in threads:
            thread.join()
        equal(errors, [])
        check(rounds[0] > 20, f"{rounds[0]} rounds")
        until(lambda: c.files("objects") == [] and c.files("private") == [], "and in the end everything is collected")
        check(c.metric("tidemark_blob_collected_total") > 20, "counted")


run([a_client_that_goes_leaves_nothing, a_crash_during_the_body_leaves_nothing, killed_between_rename_and_append,
     an_orphan_is_young_for_an_hour, a_submission_whose_reply_was_lost, a_named_submission_whose_reply_was_lost,
     a_result_whose_reply_was_lost, an_append_whose_outcome_is_unknown, missing_and_damaged_files, damage_while_it_is_sent,
     a_full_disk, nothing_is_collected_that_a_request_needs], "faults of files")
