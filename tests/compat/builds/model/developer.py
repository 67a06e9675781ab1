"""Section 6.1: what developers and their command line ask."""

from . import credentials
from .files import download
from .state import Build, Moment
from .wire import OWN_ALPHABET, TOKEN, Answer, File, Learned, refuse

SOURCE_KIND = Learned()


def new_build(model, request, seen, platform, source, certs):
    pool = model.pool
    given = seen.value("id") if seen.status in (200, 201) else None
    if not isinstance(given, str) or not OWN_ALPHABET.match(given) or given in pool.builds:
        given = f"<a new id {len(pool.builds)}>"
    token = seen.value("access_token") if seen.status in (200, 201) else None
    if not isinstance(token, str) or not TOKEN.match(token):
        token = "<43 characters>"
    build = Build(given, platform, source, certs, token, Moment(request))
    pool.builds[given] = build
    return build


def submit(model, request, seen, created=False):
    refused = credentials.key(model, request)
    if refused:
        return refused
    fields = request.form()
    if fields is None:
        return refuse(400, "Content must be multipart/form-data", "NOT_MULTIPART")
    source, certs, platform = fields.get("source"), fields.get("certs"), fields.get("platform")
    oversize = [answer for part, limit, answer in (
        (source, model.settings.source_max, refuse(413, "Source file too large", "SOURCE_TOO_LARGE")),
        (certs, model.settings.certs_max, refuse(413, "Certs file too large", "CERTS_TOO_LARGE")))
        if isinstance(part, File) and len(part.content) > limit]
    if oversize:
        return oversize
    if not isinstance(source, File):
        return refuse(400, "Source file required", "SOURCE_MISSING")
    if platform not in ("ios", "android"):
        return refuse(400, "Valid platform required (ios|android)", "PLATFORM_INVALID")
    key = request.header("idempotency-key")
    if key is not None and (key, request.path) in model.pool.idempotent:
        return model.pool.idempotent[(key, request.path)]
    build = new_build(model, request, seen, platform, source.content, certs.content if isinstance(certs, File) else None)
    model.pool.line(build, request, "Build submitted")
    if created:
        answer = Answer(201, {"id": build.id, "status": "pending", "platform": platform,
                              "submitted_at": build.submitted.shown_iso(seen.value("submitted_at")), "access_token": build.token})
    else:
        answer = Answer(200, {"id": build.id, "status": "pending", "submitted_at": build.submitted.shown(seen.value("submitted_at")),
                              "access_token": build.token})
    if key is not None:
        model.pool.idempotent[(key, request.path)] = answer
    return answer


def create(model, request, seen):
    return submit(model, request, seen, created=True)


def list_builds(model, request, seen):
    refused = credentials.key(model, request)
    if refused:
        return refused
    status, worker, platform = (request.query.get(name) for name in ("status", "worker_id", "platform"))
    out = []
    for build in reversed(model.pool.builds.values()):
        if (status and build.wire_status != status) or (platform and build.platform != platform):
            continue
        if worker and (build.worker is None or build.worker.id != worker):
            continue
        one = {"id": build.id, "status": build.wire_status,
               "createdAt": build.submitted.shown_iso(seen.value(len(out), "createdAt"))}
        if build.completed:
            one["completedAt"] = build.completed.shown_iso(seen.value(len(out), "completedAt"))
        out.append(one)
    return Answer(200, out)


def active(model, request, seen):
    refused = credentials.key(model, request)
    if refused:
        return refused
    builds = {b.id: b for b in model.pool.builds.values() if b.is_active()}
    shown = seen.value("builds") if isinstance(seen.value("builds"), list) else []
    order = [one.get("id") for one in shown if isinstance(one, dict)]
    if sorted(map(str, order)) != sorted(builds):  # the contract says nothing about the order
        order = list(builds)
    return Answer(200, {"builds": [
        {"id": id_, "status": builds[id_].status, "platform": builds[id_].platform, "worker_id": builds[id_].worker.id,
         "started_at": builds[id_].started.shown(seen.value("builds", i, "started_at"))} for i, id_ in enumerate(order)]})


def statistics(model, request, seen):
    refused = credentials.key(model, request)
    if refused:
        return refused
    counts = {name: 0 for name in ("total", "pending", "assigned", "building", "completed", "failed", "cancelled")}
    for build in model.pool.builds.values():
        counts["total"] += 1
        counts[build.status] += 1
    return Answer(200, counts)


def guarded(model, request, build):
    refused = credentials.key_or_build_token(model, request, build)
    if refused:
        return refused
    return credentials.no_build() if build is None else None


def show(model, request, seen, id_):
    build = model.pool.builds.get(id_)
    refused = guarded(model, request, build)
    if refused:
        return refused
    return Answer(200, {
        "id": build.id, "platform": build.platform, "status": build.wire_status, "worker_id": build.worker and build.worker.id,
        "worker_name": build.worker and build.worker.name, "submitted_at": build.submitted.shown_iso(seen.value("submitted_at")),
        "createdAt": build.submitted.shown_iso(seen.value("createdAt")), "updated_at": model.free_iso(request, seen.value("updated_at")),
        "error_message": build.error, "has_result": build.result is not None})


def status(model, request, seen, id_):
    build = model.pool.builds.get(id_)
    refused = guarded(model, request, build)
    if refused:
        return refused
    return Answer(200, {
        "id": build.id, "status": build.wire_status, "platform": build.platform, "worker_id": build.worker and build.worker.id,
        "submitted_at": build.submitted.shown(seen.value("submitted_at")),
        "started_at": build.started and build.started.shown(seen.value("started_at")),
        "completed_at": build.completed and build.completed.shown(seen.value("completed_at")), "error_message": build.error})


def logs(model, request, seen, id_):
    build = model.pool.builds.get(id_)
    refused = guarded(model, request, build)
    if refused:
        return refused
    lines = build.logs
    if "limit" in request.query:
        lines = lines[:int(request.query["limit"])]
    return Answer(200, {"build_id": id_, "logs": [
        {"timestamp": at.shown(seen.value("logs", i, "timestamp")), "level": level, "message": text}
        for i, (at, level, text) in enumerate(lines)]})


def result(model, request, seen, id_):
    build = model.pool.builds.get(id_)
    refused = guarded(model, request, build)
    if refused:
        return refused
    if build.status != "completed":
        return refuse(400, "Build not completed")
    if build.result is None:
        return refuse(404, "Build result not found")
    return download(request, build.result, "application/octet-stream", id_ + (".ipa" if build.platform == "ios" else ".apk"))


def typed(model, request, seen, id_, kind):
    build = model.pool.builds.get(id_)
    refused = credentials.key_or_build_token(model, request, build)
    if refused:
        return refused
    missing = refuse(404, "Build or file not found")
    if kind not in ("result", "source"):
        return [refuse(400, "Invalid file type"), missing] if build is None else refuse(400, "Invalid file type")
    if build is None:  # the route's own text, or that of all per-build routes
        return [missing, credentials.no_build()]
    if kind == "source":
        return missing if build.source_gone else download(request, build.source, SOURCE_KIND, f"{id_}.zip")
    if build.result is None:
        return [missing, refuse(400, "Build not completed")]
    return download(request, build.result, "application/octet-stream", id_ + (".ipa" if build.platform == "ios" else ".apk"))


def cancel(model, request, seen, id_):
    refused = credentials.key(model, request)
    if refused:
        return refused
    build = model.pool.builds.get(id_)
    if build is None:
        return credentials.no_build()
    if build.status in ("completed", "failed", "cancelled"):
        return refuse(400, "Build already finished", "BUILD_ALREADY_FINISHED")
    model.pool.cancel(build, request)
    return Answer(200, {"status": "cancelled"})


def retry(model, request, seen, id_):
    original = model.pool.builds.get(id_)
    refused = guarded(model, request, original)
    if refused:
        return refused
    if original.source_gone:
        return refuse(400, "Original build source no longer available. Please submit a new build.", "SOURCE_GONE")
    build = new_build(model, request, seen, original.platform, original.source, original.certs)
    model.pool.line(build, request, f"Build submitted (retry of {id_})")
    model.pool.line(original, request, f"Retried as build {build.id}")
    return Answer(200, {"id": build.id, "status": "pending", "submitted_at": build.submitted.shown(seen.value("submitted_at")),
                        "access_token": build.token, "original_build_id": id_})
