"""How files end: certificates after their build, sources and results by retention; what a retry and a crash make of it.

usage: ends_test.py <tidemark binary> <disk fault library>
"""

import os
import sys
import time

from store import Store, check, equal, run, until

BINARY, FAULTS = sys.argv[1], sys.argv[2]
SECRET = b"-----BEGIN CERTIFICATE----- of the team"
GONE = "Original build source no longer available. Please submit a new build."


def holds_secret(c):
    """Whether any file of the data directory has the certificates in the clear."""
    for where, _, names in os.walk(c.storage):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                if SECRET in file.read():
                    return True
    return False


def certs_of(c, build, worker):
    return c.get(f"/api/builds/{build}/certs", headers={"X-Worker-Id": worker})


def encrypted_under_a_key_of_their_own():
    """certificates are nowhere in the clear and never shared; a retry wraps them anew"""
    with Store(BINARY) as c:
        first, second = (c.submit(certs=SECRET * 50)["id"] for _ in range(2))
        third = c.post(f"/api/builds/{first}/retry").json()["id"]
        contents = []
        for build in (first, second, third):
            with open(c.certs_file(build), "rb") as file:
                contents.append(file.read())
            worker = c.register()
            equal(c.poll(worker)["id"], build)
            reply = certs_of(c, build, worker)
            equal((reply.body, reply.headers["cache-control"]), (SECRET * 50, "no-store"))
        equal(len({content[7:] for content in contents}), 3, "three keys")
        check(not holds_secret(c), "in no file in the clear")
        equal(len(c.files("private")), 3)
        equal(len([f for f in c.files("objects")]), 1, "the sources are shared")
        os.rename(c.certs_file(second), c.certs_file(second) + "-aside")
        os.link(c.certs_file(first), c.certs_file(second))
        check(certs_of(c, second, c.register()).status in (403, 500), "another build's file does not open")


def certificates_end_after_their_build():
    """certificates are deleted with their key when their time is over, over a restart too; then a retry has none"""
    with Store(BINARY, "--builds-certs-kept", "4s") as c:
        worker = c.register()
        ended = c.submit(certs=SECRET)["id"]
        equal(c.poll(worker)["certs_url"], f"/api/builds/{ended}/certs")
        c.finish(ended, worker)
        early = c.post(f"/api/builds/{ended}/retry").json()["id"]
        running = c.submit(certs=SECRET)["id"]
        c.stop()
        c.start()
        check(os.path.exists(c.certs_file(ended)), "not yet")
        until(lambda: not os.path.exists(c.certs_file(ended)), "the file is deleted")
        reply = certs_of(c, ended, worker)
        equal((reply.status, reply.text), (404, '{"error":"Certs not found"}'))
        late = c.post(f"/api/builds/{ended}/retry").json()["id"]
        check(not os.path.exists(c.certs_file(late)), "nothing to wrap")
        equal(c.poll(worker)["id"], early)
        equal(certs_of(c, early, worker).body, SECRET, "a retry while they existed has its own")
        c.finish(early, worker)
        equal(c.poll(worker)["id"], running)
        equal(certs_of(c, running, worker).body, SECRET, "a build that has not ended keeps its")
        c.finish(running, worker, success=False)
        job = c.poll(worker)
        equal((job["id"], job["certs_url"]), (late, None))
        until(lambda: c.files("private") == [], "every end is followed by theirs")
        equal(c.status(ended)["status"], "completed")
        # One for the start, and at least one for the ends after it: how many ends a pass takes is chance.
        until(lambda: c.metric("tidemark_blob_collections_total", 'files="private"') >= 2, "passes follow the ends")
        equal(c.metric("tidemark_blob_collections_total", 'files="public"'), 1, "sources and results are not listed for it")


def a_crash_between_purge_and_deletion():
    """killed after the purge was recorded and before the file is gone: the next start deletes it"""
    with Store(BINARY, "--builds-certs-kept", "1s", faults=FAULTS) as c:
        for fault in ("unlink /private/ kill", "write /private/ kill"):
            build = c.submit(certs=SECRET)["id"]
            c.fail(fault)
            equal(c.post(f"/api/builds/{build}/cancel").status, 200)
            c.ended()
            equal(c.files("private"), [c.certs_file(build) + ".removed"], "the file is still there")
            c.heal()
            c.start()
            until(lambda: c.files("private") == [], "and now it is not")


def sources_and_results_by_retention():
    """sources and results are kept for ever, or as long as the settings say: then download 404 and retry 400"""
    age = ("--builds-housekeeping", "1s", "--builds-orphan-age", "1s")
    with Store(BINARY, *age, "--builds-sources-kept", "2s", "--builds-results-kept", "5s") as c:
        worker, shared, alone = c.register(), b"shared source", b"a source of its own"
        first, second, third = c.submit(source=shared)["id"], c.submit(source=alone)["id"], c.submit(source=shared)["id"]
        for build in (first, second):
            equal(c.poll(worker)["id"], build)
            c.finish(build, worker, result=b"result of " + build.encode())
        ended = time.monotonic()
        until(lambda: c.get(f"/api/builds/{first}/download/source").status == 404, "the source is gone")
        until(lambda: not os.path.exists(c.object_of(alone)), "its file too")
        check(time.monotonic() - ended >= 1.9, "not before its time")
        for build in (first, second):
            until(lambda: c.get(f"/api/builds/{build}/download/source").status == 404, "of each build")
            reply = c.post(f"/api/builds/{build}/retry")
            equal((reply.status, reply.text, reply.headers["x-reason-code"]), (400, '{"error":"%s"}' % GONE, "SOURCE_GONE"))
        equal(c.get(f"/api/builds/{third}/download/source").body, shared, "one that a waiting build needs stays")
        until(lambda: c.get(f"/api/builds/{first}/download").status == 404, "results later")
        reply = c.get(f"/api/builds/{first}/download")
        equal((reply.status, reply.text), (404, '{"error":"Build result not found"}'))
        equal(c.get(f"/api/builds/{first}").json()["has_result"], False)
        until(lambda: len(c.files("objects")) == 1, "only the shared source is left")
        equal(c.poll(worker)["id"], third)
        equal(c.get(f"/api/builds/{third}/source", headers={"X-Worker-Id": worker}).body, shared)
        check(c.metric("tidemark_blob_missing_total") == 0, "what was purged is not missed")
    with Store(BINARY, *age) as c:
        worker, build = c.register(), c.submit()["id"]
        c.poll(worker)
        c.finish(build, worker)
        passed = c.metric("tidemark_blob_collections_total", 'files="public"')
        orphan = c.orphan()
        until(lambda: not os.path.exists(orphan), "what nobody refers to goes")
        until(lambda: c.metric("tidemark_blob_collections_total", 'files="public"') >= passed + 2, "and passes go on")
        equal(c.get(f"/api/builds/{build}/download").status, 200)
        equal(c.post(f"/api/builds/{build}/retry").status, 200)


run([encrypted_under_a_key_of_their_own, certificates_end_after_their_build, a_crash_between_purge_and_deletion,
     sources_and_results_by_retention], "ends of files")
