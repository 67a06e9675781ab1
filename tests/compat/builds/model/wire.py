"""Requests and answers as the model sees them: no sockets."""

import datetime
import json
import re

JSON_TYPE = "application/json; charset=utf-8"
OWN_ALPHABET = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_-]{20}$")
TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$")
NOT_JSON = object()


class Request:
    def __init__(self, method, target, headers, body, began, ended):
        self.method, self.target, self.body = method, target, body
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.path, _, query = target.partition("?")
        self.query = dict(part.partition("=")[::2] for part in query.split("&") if part)
        self.began, self.ended = began, ended  # ms: the server's clock was between them

    def header(self, name):
        return self.headers.get(name)

    def json(self):
        """The document, None for an empty body, NOT_JSON when it is malformed."""
        if not self.body:
            return None
        try:
            return json.loads(self.body.decode("utf-8"))
        except ValueError:
            return NOT_JSON

    def form(self):
        """{name: text or File}; None when the body is no form. Of equal names the first."""
        kind = self.header("content-type") or ""
        match = re.match(r"multipart/form-data;.*boundary=([^;]+)", kind)
        if not match:
            return None
        fields = {}
        for piece in (b"\r\n" + self.body).split(b"\r\n--" + match.group(1).encode())[1:-1]:
            head, _, content = piece[2:].partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]*)"', head).group(1).decode()
            filename = re.search(rb'filename="([^"]*)"', head)
            fields.setdefault(name, File(content) if filename else content.decode("utf-8"))
        return fields


class File:
    def __init__(self, content):
        self.content = content


class Seen:
    """What the real server answered: the model takes ids, tokens and times from it, after a look at them."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None

    def value(self, *path):
        at = self.json
        for step in path:
            if isinstance(at, dict):
                at = at.get(step)
            elif isinstance(at, list) and isinstance(step, int) and step < len(at):
                at = at[step]
            else:
                return None
        return at


class Answer:
    def __init__(self, status, body=None, kind=JSON_TYPE, headers=None, then=None):
        self.status, self.body, self.kind = status, body, kind
        self.headers = headers or {}
        self.then = then  # what the choice of this answer changes

    def is_error(self, text):
        return isinstance(self.body, dict) and self.body.get("error") == text


class Learned:
    """A text that the contract leaves open: the server's first word for it holds from then on."""

    def __init__(self, kind=str):
        self.kind, self.value = kind, None

    def resolve(self, seen):
        if self.value is None and isinstance(seen, self.kind):
            self.value = seen
        return "<not said by the contract>" if self.value is None else self.value


class Open:
    """A value of which the contract says nothing."""


def refuse(status, text, code=None):
    """An error of the contract; `text` may be a Learned. Without `code` the reason is not compared."""
    return Answer(status, {"error": text}, headers={"X-Reason-Code": code} if code else {})


def resolved(expected, seen):
    if isinstance(expected, Learned):
        return expected.resolve(seen)
    if isinstance(expected, Open):
        return seen
    if isinstance(expected, dict):
        return {name: resolved(value, seen.get(name) if isinstance(seen, dict) else None) for name, value in expected.items()}
    if isinstance(expected, list):
        return [resolved(value, seen[i] if isinstance(seen, list) and i < len(seen) else None) for i, value in enumerate(expected)]
    return expected


def fits(expected, seen):
    """True when `expected` may be what was seen, as far as a choice between answers needs it."""
    if expected.status != seen.status:
        return False
    if not isinstance(expected.body, dict) or not isinstance(seen.json, dict):
        return True
    given = seen.json.get("error")
    wanted = expected.body.get("error")
    if isinstance(wanted, Learned):
        return given is not None
    if "job" in expected.body:
        return (expected.body["job"] is None) == (seen.json.get("job") is None)
    return wanted == given


def iso(ms):
    moment = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def from_iso(text):
    if not isinstance(text, str) or not re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", text):
        return None
    whole = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(whole.timestamp()) * 1000 + int(text[20:23])
