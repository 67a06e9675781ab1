"""A recording of a controller, made by its clients: each request and its answer become a pair without the shadow's side.

Requests are written when they were answered. Clients that wait for each answer give the order in which things happened.
"""

import base64
import hashlib
import json
import os

from controller import API_KEY, Reply

KEPT_BYTES_MAX = 64 << 10


def body_of(data, folder=None):
    """As docs/formats/shadow-pairs.md has it. With a folder, large ones by hash, and their bytes in a file of that name."""
    if not data:
        return None
    if folder and len(data) > KEPT_BYTES_MAX:
        name = hashlib.sha256(data).hexdigest()
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)
        return {"sha256": name, "size": len(data)}
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


class Recorded:
    """Stands before a Controller: the same methods, and every exchange is written down."""

    def __init__(self, controller, path, bodies):
        self.controller = controller
        self.out = open(path, "w", encoding="utf-8")
        self.bodies = bodies
        self.count = 0

    def __getattr__(self, name):
        # What is made of request(), made of the recorded one.
        member = getattr(type(self.controller), name, None)
        if member is None:
            raise AttributeError(name)
        return member.__get__(self)

    def request(self, method, path, body=None, headers=None, key=API_KEY):
        sent = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        reply = self.controller.request(method, path, body=body, headers=sent, key=key)
        if key is not None:
            sent["X-API-Key"] = key
        sent["Host"], sent["Content-Length"] = "builds.example.com", str(len(body or b""))
        pair = {"request": {"method": method, "target": path, "headers": sent, "body": body_of(body, self.bodies)},
                "primary": {"status": reply.status, "headers": reply.headers, "body": body_of(reply.body, self.bodies)}}
        self.out.write(json.dumps(pair) + "\n")
        self.count += 1
        return Reply(reply.status, reply.headers, reply.body)

    def close(self):
        self.out.close()
