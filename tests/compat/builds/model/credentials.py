"""Section 5: who may ask. Each returns the refusal, or None."""

import hmac

from .wire import Learned, refuse

VM_TOKEN_ABSENT = Learned()


def same(a, b):
    return hmac.compare_digest(a.encode(), b.encode())


def key(model, request):
    given = request.header("x-api-key")
    if given is None:
        return refuse(401, "Missing X-API-Key header", "API_KEY_MISSING")
    if not same(given, model.settings.api_key):
        return refuse(403, "Invalid API key", "API_KEY_INVALID")
    return None


def key_or_build_token(model, request, build):
    refused = key(model, request)
    if refused is None:
        return None
    token = request.header("x-build-token")
    if token is None:
        if request.header("x-api-key") is None:
            return refuse(401, "Missing X-API-Key or X-Build-Token header", "BUILD_CREDENTIAL_MISSING")
        return refused
    if build is None or not same(token, build.token):
        return refuse(403, "Invalid or expired build token", "BUILD_TOKEN_INVALID")
    return None


def no_build():
    return refuse(404, "Build not found", "BUILD_NOT_FOUND")


def owner(model, request, build):
    refused = key(model, request)
    if refused:
        return refused
    worker = request.header("x-worker-id")
    if worker is None:
        return refuse(401, "Missing X-Worker-Id header", "WORKER_ID_MISSING")
    if build is None:
        return no_build()
    if build.worker is None or build.worker.id != worker:
        return refuse(403, "Worker not authorized for this build", "NOT_BUILD_OWNER")
    return None


def owner_with_build_id(model, request, build, build_id):
    refused = key(model, request)
    if refused:
        return refused
    worker = request.header("x-worker-id")
    if worker is None:
        return refuse(401, "Missing X-Worker-Id header", "WORKER_ID_MISSING")
    named = request.header("x-build-id")
    if named is None:
        return refuse(401, "Missing X-Build-Id header", "BUILD_ID_HEADER_MISSING")
    if named != build_id:
        return refuse(403, "X-Build-Id header does not match build ID in URL", "BUILD_ID_HEADER_MISMATCH")
    if build is None:
        return no_build()
    if build.worker is None or build.worker.id != worker:
        return refuse(403, "Worker not assigned to this build", "NOT_BUILD_OWNER")
    return None


def worker_of_token(model, request):
    """The worker whose token was sent; None when there is none or it is over. Uncertain while it ends."""
    given = request.header("x-worker-token")
    if given is None:
        return None
    for worker in model.pool.workers.values():
        for token in worker.tokens:
            if token.text == given and token.is_over(request) is not True:
                return worker
    return None


def bad_worker_token():
    return refuse(401, "Authentication required", "WORKER_TOKEN_INVALID")


def key_or_worker_token(model, request):
    """(refusal, worker): the worker when a token was used."""
    if request.header("x-worker-token") is None:
        return key(model, request), None
    worker = worker_of_token(model, request)
    return (None, worker) if worker else (bad_worker_token(), None)


def vm(model, request, build):
    if build is None:
        return no_build()
    given = request.header("x-vm-token")
    if given is None:
        return refuse(401, VM_TOKEN_ABSENT, "VM_TOKEN_MISSING")
    if build.vm_token is None:
        return refuse(403, "VM token not issued. Authenticate first with OTP.", "VM_TOKEN_NOT_ISSUED")
    if build.vm_token.is_over(request):
        return refuse(403, "VM token expired", "VM_TOKEN_EXPIRED")
    if given != build.vm_token.text:
        return refuse(403, "Invalid VM token", "VM_TOKEN_INVALID")
    return None


def vm_used(model, build, request):
    """Its lifetime slides on use, up to the cap."""
    token = build.vm_token
    token.expires_low = min(request.began + model.settings.vm_token, build.vm_token_cap.expires_low)
    token.expires_high = min(request.ended + model.settings.vm_token, build.vm_token_cap.expires_high)
