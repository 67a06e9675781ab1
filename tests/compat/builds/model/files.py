"""Section 7: downloads with length, tag, ranges and conditions."""

import hashlib
import re

from .wire import Answer, Open


def download(request, content, kind, filename):
    named = {"Content-Disposition": f'attachment; filename="{filename}"'}
    tag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = {"ETag": tag, "Accept-Ranges": "bytes", **named}
    if request.header("if-none-match") in (tag, "*"):
        return Answer(304, None, None, {"ETag": tag})
    wanted = re.match(r"^bytes=(\d*)-(\d*)$", request.header("range") or "")
    if not wanted or wanted.group(0) == "bytes=-" or request.method == "HEAD":
        return Answer(200, content, kind, headers)
    first, last = wanted.groups()
    size = len(content)
    if first == "":
        begin, end = max(0, size - int(last)), size - 1
        satisfiable = int(last) > 0 and size > 0
    else:
        begin, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < int(first):
            return Answer(200, content, kind, headers)
        satisfiable = begin < size
    if not satisfiable:
        return Answer(416, Open(), Open(), {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {begin}-{end}/{size}"
    return Answer(206, content[begin:end + 1], kind, headers)
