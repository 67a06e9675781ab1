"""Writes the NDJSON of docs/formats/shadow-pairs.md."""

import base64
import hashlib
import json

INLINE_MAX = 64 << 10


def body(content):
    if not content:
        return None
    if len(content) > INLINE_MAX:
        return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    try:
        return {"text": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def line(request, answer, seen):
    primary = answer.body
    if not isinstance(primary, (bytes, type(None))):
        primary = json.dumps(primary, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if answer.kind:
        headers["content-type"] = answer.kind
    return json.dumps({
        "request": {"method": request.method, "target": request.target, "headers": request.headers, "body": body(request.body)},
        "primary": {"status": answer.status, "headers": headers, "body": body(primary)},
        "shadow": {"status": seen.status, "headers": seen.headers, "body": body(seen.body)}}, ensure_ascii=False)
