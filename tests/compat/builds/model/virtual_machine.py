"""Sections 6.2 and 6.3: what a build's own VM and its host ask about one build."""

import base64
import io
import re
import zipfile

from . import credentials
from .files import download
from .state import Moment, Token
from .wire import NOT_JSON, TOKEN, Answer, File, refuse
from .worker_host import heartbeat_answer, malformed, may_be_late, not_assigned, open_text, refused_outcome

STAGES = "initializing|running|building|compiling|linking|archiving|exporting".split("|")


def guard(model, request, id_, with_build_id=False, worker_token=False):
    """(refusal, build) for OWN or VM, or with a worker's token where that is allowed. A pass is a sign of life."""
    build = model.pool.builds.get(id_)
    if request.header("x-vm-token") is not None:
        refused = credentials.vm(model, request, build)
        if refused is None:
            credentials.vm_used(model, build, request)
    elif worker_token and request.header("x-worker-token") is not None:
        worker = credentials.worker_of_token(model, request)
        refused = credentials.bad_worker_token() if worker is None else credentials.no_build() if build is None else None
        if refused is None and build.worker is not worker:
            refused = refuse(403, "Worker not authorized for this build", "NOT_BUILD_OWNER")
    elif with_build_id:
        refused = credentials.owner_with_build_id(model, request, build, id_)
    else:
        refused = credentials.owner(model, request, build)
    return refused, build


def source(model, request, seen, id_):
    refused, build = guard(model, request, id_, worker_token=True)
    if refused:
        return refused
    model.pool.sign_of_life(build, request)
    return download(request, build.source, "application/zip", f"{id_}.zip")


def certs(model, request, seen, id_):
    refused, build = guard(model, request, id_)
    if refused:
        return refused
    model.pool.sign_of_life(build, request)
    if build.certs is None:
        return refuse(404, "Certs not found")
    # Of these bytes, which lie encrypted, neither tag nor ranges are asked for.
    return Answer(200, build.certs, "application/zip", {"Content-Disposition": f'attachment; filename="{id_}-certs.zip"'})


def opened(bundle):
    """{p12, password, profiles}, or None for a bundle that cannot be used."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(bundle))
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        if any(".." in name or "\\" in name or name.startswith("/") for name in names) or any(e.flag_bits & 1 for e in entries):
            return None
        keys = [name for name in names if name.endswith(".p12")]
        if not keys or sum(entry.file_size for entry in entries) > 50 << 20:
            return None
        return {"p12": archive.read(keys[-1]),
                "password": archive.read("password.txt").decode().strip() if "password.txt" in names else "",
                "profiles": [archive.read(name) for name in names if name.endswith(".mobileprovision")]}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None


def certs_secure(model, request, seen, id_):
    refused, build = guard(model, request, id_, with_build_id=True)
    if refused:
        return refused
    model.pool.sign_of_life(build, request)
    if build.certs is None:
        return refuse(404, "Certs not found")
    if len(build.certs) > 50 << 20:
        return refuse(413, "Certs bundle too large")
    bundle = opened(build.certs)
    if bundle is None:
        return refuse(500, "Failed to process certs file")
    password = seen.value("keychainPassword")
    try:
        fresh = isinstance(password, str) and len(base64.b64decode(password, validate=True)) == 24 and password not in model.passwords
    except ValueError:
        fresh = False
    model.passwords.add(password)
    return Answer(200, {"p12": base64.b64encode(bundle["p12"]).decode(), "p12Password": bundle["password"],
                        "keychainPassword": password if fresh else "<24 fresh bytes>",
                        "provisioningProfiles": [base64.b64encode(p).decode() for p in bundle["profiles"]]},
                  headers={"Cache-Control": "no-store"})


def append_logs(model, request, seen, id_):
    refused, build = guard(model, request, id_)
    if refused:
        return refused
    model.pool.sign_of_life(build, request, certain=False)
    body = request.json()
    if body is NOT_JSON:
        return malformed()
    body = body if isinstance(body, dict) else {}
    levels = ("info", "warn", "error")
    if isinstance(body.get("logs"), list):
        for entry in body["logs"]:
            if isinstance(entry, dict) and isinstance(entry.get("message"), str) and entry.get("level") in levels:
                model.pool.line(build, request, entry["message"], entry["level"])
        model.pool.sign_of_life(build, request)
        return Answer(200, {"success": True, "count": len(body["logs"])})
    if body.get("level") is None or not isinstance(body.get("message"), str):
        return refuse(400, "Invalid body. Expected { level, message } or { logs: [...] }", "LOG_BODY_INVALID")
    if body["level"] not in levels:
        return refuse(400, "Invalid log level. Must be: info, warn, or error", "LOG_LEVEL_INVALID")
    model.pool.line(build, request, body["message"], body["level"])
    model.pool.sign_of_life(build, request)
    return Answer(200, {"success": True})


def heartbeat(model, request, seen, id_):
    build, pool = model.pool.builds.get(id_), model.pool
    by_vm = request.header("x-vm-token") is not None
    if by_vm:
        refused = credentials.vm(model, request, build)
        if refused:
            return refused
        credentials.vm_used(model, build, request)
    else:
        refused = credentials.key(model, request)
        if refused:
            return refused
        if not request.query.get("worker_id"):
            return refuse(400, "worker_id required", "WORKER_ID_REQUIRED")
        if build is None:  # or that the body is malformed, when it is; below, too
            refused = credentials.no_build()
        elif build.worker is None or build.worker.id != request.query["worker_id"]:
            refused = not_assigned()
    body = request.json()
    if body is NOT_JSON:
        if not refused:
            pool.sign_of_life(build, request, certain=False)
        return [refused, malformed()] if refused else malformed()
    if refused:
        return refused
    done = Answer(200, {"status": "ok", "timestamp": model.free_ms(request, seen.value("timestamp"))})
    pool.sign_of_life(build, request)
    if not build.is_active():
        return heartbeat_answer(build, done)
    pool.start(build)
    if isinstance(body, dict) and body.get("progress") is not None:
        pool.line(build, request, f"Build progress: {body['progress']}%")
    return done


def number(value):
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if re.match(r"^-?\d+(\.\d+)?$", value) else None
    return value if isinstance(value, (int, float)) else None


def telemetry(model, request, seen, id_):
    refused, build = guard(model, request, id_, with_build_id=True)
    if refused:
        return refused
    pool = model.pool
    body = request.json()
    if body is NOT_JSON:
        pool.sign_of_life(build, request, certain=False)
        return malformed()
    body = body if isinstance(body, dict) else {}
    if any(body.get(name) is None for name in ("type", "timestamp", "data")):
        pool.sign_of_life(build, request, certain=False)
        return refuse(400, "Invalid telemetry data", "TELEMETRY_INVALID")
    done = Answer(200, {"status": "ok"})
    if not build.is_active():
        pool.sign_of_life(build, request)
        refusal = refused_outcome()
        return done if heartbeat_answer(build, done) is done else [done, refusal]
    pool.sign_of_life(build, request)
    pool.start(build)
    data = body["data"]
    if body["type"] == "monitor_started":
        pool.line(build, request, "[VM] Monitor started")
    elif body["type"] == "heartbeat":
        metrics = data["metrics"]
        pool.line(build, request, f"[VM] Stage: {data['stage']} | CPU: {metrics['cpu_percent']:.1f}% | Mem: {metrics['memory_mb']}MB"
                                  f" | Disk: {metrics['disk_percent']}% | Beat: {data['heartbeat_count']}", "debug")
    elif body["type"] == "cpu_snapshot":
        cpu, memory = number(data.get("cpu_percent")), number(data.get("memory_mb"))
        if cpu is not None and memory is not None and 0 <= cpu <= 1000 and 0 <= memory <= 1_000_000:
            pool.snapshots.append(cpu)
            pool.changes += 1
    return done


def vm_status(model, request, seen, id_):
    build = model.pool.builds.get(id_)
    if build is None:
        return credentials.no_build()
    told = build.vm_ready is not None and (build.is_active() or build.status == "completed")
    if not told:
        return Answer(200, {"vm_ready": False})
    return Answer(200, {"vm_ready": True, "vm_token": build.vm_token.text, "vm_ready_at": build.vm_ready.shown_iso(seen.value("vm_ready_at"))})


def authenticate(model, request, seen, id_):
    build = model.pool.builds.get(id_)
    body = request.json()
    if body is NOT_JSON:
        return malformed()
    if not isinstance(body, dict) or not body.get("otp"):
        return refuse(400, "Missing required parameter: otp", "OTP_MISSING")
    if build is None:
        return credentials.no_build()
    if build.otp is None:
        return refuse(401, "No OTP configured for this build", "OTP_NOT_CONFIGURED")
    if not build.is_active():
        return refuse(401, open_text(f"otp of {build.status}"))
    over = build.otp_ends.is_over(request)
    if body["otp"] != build.otp.value:
        return refuse(401, "Invalid OTP", "OTP_INVALID")
    if build.vm_ready is not None:
        return refuse(401, open_text("otp spent"))
    if over:
        return refuse(401, "OTP expired", "OTP_EXPIRED")
    given, settings = seen.value("vm_token"), model.settings
    text = given if isinstance(given, str) and TOKEN.match(given) and (build.vm_token is None or given != build.vm_token.text) else "<43 characters>"
    token, ends = Token(text, request, settings.vm_token), Moment(request)
    ends.low, ends.high = ends.low + settings.vm_token, ends.high + settings.vm_token

    def accept():
        build.vm_token, build.vm_token_cap = token, Token("", request, settings.vm_token_max)
        model.pool.sign_of_life(build, request)
        model.pool.line(build, request, "VM authenticated with OTP")
    accepted = Answer(200, {"vm_token": text, "expires_at": ends.shown_iso(seen.value("expires_at"))}, then=accept)
    return [accepted, refuse(401, "OTP expired", "OTP_EXPIRED")] if over is None else accepted


def vm_ready(model, request, seen, id_):
    build = model.pool.builds.get(id_)
    refused = credentials.vm(model, request, build)
    if refused:
        return refused
    credentials.vm_used(model, build, request)
    if not build.is_active() and build.vm_ready is None:
        return [Answer(200, model.mirrored(seen, {"success": True})), refused_outcome()]
    if build.vm_ready is None:
        build.vm_ready = Moment(request)
        model.pool.sign_of_life(build, request)
        model.pool.line(build, request, "VM signaled ready")
    else:
        model.pool.sign_of_life(build, request, certain=False)
    return Answer(200, {"success": True, "vm_ready_at": build.vm_ready.shown_iso(seen.value("vm_ready_at"))})


def artifact(model, request, seen, id_):
    build, pool = model.pool.builds.get(id_), model.pool
    refused = credentials.vm(model, request, build)
    if refused:
        return refused
    credentials.vm_used(model, build, request)
    fields = request.form()
    pool.sign_of_life(build, request, certain=False)
    if fields is None:
        return refuse(400, open_text("artifact without form"))
    file = fields.get("artifact")
    if not isinstance(file, File):
        return refuse(400, "No artifact file provided")
    if len(file.content) > model.settings.result_max:
        return refuse(413, open_text("artifact too large"), "RESULT_TOO_LARGE")
    done = Answer(200, {"success": True})
    if build.status == "completed":
        return done
    if build.status == "cancelled" or (build.status == "failed" and may_be_late(model, build, build.worker, request) is False):
        return refused_outcome()
    pool.succeed(build, build.worker, file.content, request)
    return done
