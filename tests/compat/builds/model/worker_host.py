"""Section 6.2: registration, the poll, outcomes, and what goes with them."""

import re

from . import credentials
from .state import Token, Worker
from .wire import NOT_JSON, OWN_ALPHABET, TOKEN, Answer, File, Learned, refuse

OPEN_TEXTS = {}


def open_text(name):
    """One text that the contract leaves open, the same wherever it is used."""
    return OPEN_TEXTS.setdefault(name, Learned())


def malformed():
    return refuse(400, open_text("malformed JSON"))


def new_token(worker, request, given, settings):
    text = given if isinstance(given, str) and TOKEN.match(given) and all(given != t.text for t in worker.tokens) else "<43 characters>"
    worker.tokens.append(Token(text, request, settings.worker_token))
    return text


def register(model, request, seen):
    settings, pool = model.settings, model.pool
    if not settings.open_registration:
        refused = credentials.key(model, request)
        if refused:
            return refused
    body = request.json()
    if body is NOT_JSON:
        return malformed()
    body = body if isinstance(body, dict) else {}
    if body.get("name") is None or body.get("capabilities") is None:
        return refuse(400, "Name and capabilities required", "NAME_OR_CAPABILITIES_MISSING")
    given = body.get("id")
    if given is not None and not re.match(r"^[A-Za-z0-9_-]+$", str(given)):
        return refuse(400, open_text("bad worker id"), "WORKER_ID_INVALID")
    worker = pool.workers.get(given) if given else None
    if worker:
        status = "re-registered"
        if body.get("active_build_count") == 0:
            worker.reset = worker.active is not None
        worker.offline = False
        worker.touch(request)
    else:
        status = "registered"
        if given is None:
            given = seen.value("id")
            if not isinstance(given, str) or not OWN_ALPHABET.match(given) or given in pool.workers:
                given = f"<a new id {len(pool.workers)}>"
        worker = pool.workers[given] = Worker(given, body["name"], request)
    pool.changes += 1
    token = new_token(worker, request, seen.value("access_token"), settings)
    return Answer(200, {"id": worker.id, "status": status, "baseImageId": settings.base_image, "access_token": token,
                        "message": open_text("message " + status)})


def job(model, build, seen, by_token):
    out = {"id": build.id, "platform": build.platform, "source_url": f"/api/builds/{build.id}/source",
           "certs_url": f"/api/builds/{build.id}/certs" if build.certs is not None else None}
    if by_token:
        out["submitted_at"] = build.submitted.shown_iso(seen.value("job", "submitted_at"))
        out["otp"] = build.otp
    if not by_token or model.settings.base_image_configured:
        out["baseImageId"] = model.settings.base_image
    return out


def rotated(model, worker, request, seen):
    """The token that a poll answers with: another one when the newest has less than the setting left."""
    newest, rotate = worker.tokens[-1], model.settings.worker_token_rotate
    given = seen.value("access_token")
    must = request.began + rotate > newest.expires_high
    may = request.ended + rotate >= newest.expires_low
    if must or (may and given != newest.text):
        return new_token(worker, request, given, model.settings)
    return newest.text


def poll(model, request, seen):
    pool, by_token = model.pool, request.header("x-worker-token") is not None
    if by_token:
        worker = credentials.worker_of_token(model, request)
        if worker is None:
            return credentials.bad_worker_token()
    else:
        refused = credentials.key(model, request)
        if refused:
            return refused
        if not request.query.get("worker_id"):
            return refuse(400, "worker_id required", "WORKER_ID_REQUIRED")
        worker = pool.workers.get(request.query["worker_id"])
        if worker is None:
            return refuse(404, "Worker not found", "WORKER_NOT_FOUND")
    if request.method == "HEAD":  # asks for nothing, so it is given nothing and changes nothing
        return Answer(200, {"job": None})
    worker.touch(request)
    pool.changes += worker.offline
    worker.offline = False
    build = worker.active
    if build is None:
        build = pool.next_pending()
        if build:
            pool.give(build, worker, request)
    elif worker.reset:
        pool.give(build, worker, request)
    token = {"access_token": rotated(model, worker, request, seen)} if by_token else {}
    nothing = Answer(200, {"job": None, **token})
    if build is None or (by_token and build.life == "yes"):
        return nothing
    offer = Answer(200, {"job": job(model, build, seen, by_token), **token})
    return [offer, nothing] if by_token and build.life == "maybe" else offer


# -- outcomes -------------------------------------------------------------------------------------------------------------


def refused_outcome():
    return refuse(409, "Build already finished", "BUILD_ALREADY_FINISHED")


def not_assigned():
    return refuse(403, "Build not assigned to this worker", "NOT_BUILD_OWNER")


def may_be_late(model, build, worker, request):
    """A timed-out build's late success: the same worker, within the window. None while the window ends."""
    if build.timed_out is None or build.worker is not worker:
        return False
    window = model.settings.late_success
    if request.ended < build.timed_out.low + window:
        return True
    return False if request.began > build.timed_out.high + window else None


def outcome(model, request, build, worker, content, text, by_token, done, failed):
    """Section 4 for a report that is complete. `content` is None for a failure."""
    pool = model.pool
    if build.status == "completed":
        return done if content is not None else refused_outcome()
    if build.status == "cancelled":
        return refused_outcome() if content is not None else failed
    if build.status == "failed":
        if content is None:
            return failed

        def late():
            pool.succeed(build, worker, content, request)
        may = may_be_late(model, build, worker, request)
        accepted = Answer(done.status, done.body, then=late)
        if build.timed_out is not None and build.worker is not worker:
            return [not_assigned(), refused_outcome()]
        return accepted if may else refused_outcome() if may is False else [accepted, refused_outcome()]
    if build.status == "pending":
        if build.attempt == 0:
            if by_token:
                return not_assigned()
            others, offline = worker.active, worker.offline
            pool.give(build, worker, request)
            worker.active, worker.offline = others, offline  # its other build is left alone, and only a poll or a registration brings it back
        elif content is None:
            return refused_outcome()
        else:
            def again():
                pool.succeed(build, worker, content, request)
            accepted = Answer(done.status, done.body, then=again)
            return accepted if build.last_worker is worker else [not_assigned(), accepted, refused_outcome()]
    elif build.worker is not worker:
        return not_assigned()
    if content is not None:
        pool.succeed(build, worker, content, request)
        return done
    pool.fail(build, worker, text, request)
    return failed


def report(model, request, seen, result_route):
    refused, by_token = credentials.key_or_worker_token(model, request)
    if refused:
        return refused
    fields = request.form()
    if fields is None:
        return refuse(400, "Content must be multipart/form-data", "NOT_MULTIPART")
    # Bytes that arrive are a sign of life, whatever becomes of them; before the form has said of what, of the worker's own build.
    speaker = by_token or model.pool.workers.get(fields.get("worker_id") or "")
    for on_the_way in (model.pool.builds.get(fields.get("build_id") or ""), speaker and speaker.active):
        if on_the_way:
            model.pool.sign_of_life(on_the_way, request, certain=False)
    file = fields.get("result")
    content = file.content if isinstance(file, File) else None
    if content is not None and len(content) > model.settings.result_max:
        return refuse(413, "Result file too large", "RESULT_TOO_LARGE")
    if not fields.get("build_id") or not fields.get("worker_id"):
        return refuse(400, "build_id and worker_id required")
    build, worker = model.pool.builds.get(fields["build_id"]), model.pool.workers.get(fields["worker_id"])
    if build is None:
        return credentials.no_build()
    if worker is None:
        return refuse(404, "Worker not found", "WORKER_NOT_FOUND")
    worker.touch(request, certain=False)
    if by_token and by_token is not worker:
        return not_assigned()
    success = fields.get("success", "true" if result_route else None) == "true"
    text = fields.get("error_message") or "Build failed"
    if result_route:
        done = Answer(200, {"success": True, "message": "Result uploaded successfully"})
        failed = Answer(200, {"success": True, "message": "Build marked as failed"})
        if success and content is None:
            missing = refuse(400, "Missing result file")
            # Of several faults the contract does not say which is told here.
            return [missing, done] if build.status == "completed" else [missing, not_assigned(), refused_outcome()]
    else:
        done, failed = Answer(200, {"status": "success"}), Answer(200, {"status": "failed"})
        if success and content is None and build.status == "completed":
            return done
    return outcome(model, request, build, worker, content if success else None, text, by_token, done, failed)


def upload(model, request, seen):
    return report(model, request, seen, False)


def result(model, request, seen):
    return report(model, request, seen, True)


def named_build(model, request, by_token):
    """(refusal, build, body) of a JSON body with build_id."""
    body = request.json()
    if body is NOT_JSON:
        return malformed(), None, None
    body = body if isinstance(body, dict) else {}
    if not isinstance(body.get("build_id"), str) or not body["build_id"]:
        return refuse(400, open_text("build_id missing")), None, None
    build = model.pool.builds.get(body["build_id"])
    return (credentials.no_build() if build is None else None), build, body


def fail(model, request, seen):
    refused, by_token = credentials.key_or_worker_token(model, request)
    if refused:
        return refused
    refused, build, body = named_build(model, request, by_token)
    if refused:
        return refused
    done = Answer(200, {"success": True, "message": open_text("fail message")})
    if build.is_active():
        if by_token and build.worker is not by_token:
            return not_assigned()
        model.pool.fail(build, build.worker, body.get("error") or "Build failed", request)
        return done
    if build.status == "completed":
        return refused_outcome()
    if build.status in ("failed", "cancelled"):
        return done
    return [not_assigned(), refused_outcome()]  # a pending build is nobody's


def heartbeat_answer(build, done):
    """What a sign of life is answered for a build that has ended."""
    return refused_outcome() if build.status == "cancelled" or (build.status == "failed" and build.reported) else done


def heartbeat(model, request, seen):
    refused, by_token = credentials.key_or_worker_token(model, request)
    if refused:
        return refused
    refused, build, _ = named_build(model, request, by_token)
    if refused:
        return refused
    done = Answer(200, model.mirrored(seen, {"success": True}))
    if build.status == "pending" or (by_token and build.worker is not by_token):
        return [not_assigned(), refused_outcome()] if build.status in ("failed", "cancelled") else not_assigned()
    if build.worker is None:
        return [refused_outcome(), not_assigned()]  # it never was anybody's
    if build.is_active():
        model.pool.sign_of_life(build, request)
        model.pool.start(build)
        return done
    return heartbeat_answer(build, done)


def abandon(model, request, seen):
    worker = credentials.worker_of_token(model, request)
    if worker is None:
        return credentials.bad_worker_token()
    refused, build, body = named_build(model, request, worker)
    if refused:
        return refused
    if not build.is_active() or build.worker is not worker:
        refusal = refuse(403, open_text("abandon by another"), "NOT_BUILD_OWNER")
        return [refusal, refused_outcome()] if not build.is_active() and build.status != "pending" else refusal
    model.pool.requeue(build, body.get("reason") or "", request)
    return Answer(200, {"success": True, "message": "Build requeued successfully"})


def leave(model, worker, request):
    count = 0
    if worker.active:
        build = worker.active
        model.pool.requeue(build, model.pool.requeued_because_unregistered, request)
        count = int(build.status == "pending")  # with its attempts used up it fails instead
    worker.offline = True
    worker.tokens.clear()  # who has left is not known by its token any more
    model.pool.changes += 1
    return Answer(200, {"success": True, "message": "Worker unregistered", "builds_reassigned": count})


def unregister(model, request, seen):
    worker = credentials.worker_of_token(model, request)
    return leave(model, worker, request) if worker else credentials.bad_worker_token()


def unregister_named(model, request, seen, id_):
    refused = credentials.key(model, request)
    if refused:
        return refused
    worker = model.pool.workers.get(id_)
    return leave(model, worker, request) if worker else refuse(404, "Worker not found", "WORKER_NOT_FOUND")


def uptime(ms):
    days, rest = divmod(ms // 1000, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {seconds}s" if minutes else f"{seconds}s"


def stats(model, request, seen, id_):
    refused = credentials.key(model, request)
    if refused:
        return refused
    worker = model.pool.workers.get(id_)
    if worker is None:
        return refuse(404, "Worker not found", "WORKER_NOT_FOUND")
    low, high = request.began - worker.registered.high, request.ended - worker.registered.low
    possible = [uptime(max(0, ms)) for ms in (high, (low + high) // 2, low)]
    return Answer(200, {"totalBuilds": worker.succeeded + worker.failed, "successfulBuilds": worker.succeeded,
                        "failedBuilds": worker.failed, "workerName": worker.name, "status": worker.status,
                        "uptime": seen.value("uptime") if seen.value("uptime") in possible else possible[0]})
