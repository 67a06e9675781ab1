"""What the tests of this folder share: a build in each state, and what a refusal looks like."""

from controller import equal

JSON = "application/json; charset=utf-8"
UNKNOWN = "A" * 21


class World:
    """One build in each state, made once."""

    def __init__(self, c):
        self.c = c
        self.owner, self.other = c.register("owner"), c.register("other")
        completer, failer = c.register("completer"), c.register("failer")
        self.completed = c.submit(certs=b"certs")
        equal(c.poll(completer)["id"], self.completed["id"])
        self.completer, self.failer = completer, failer
        c.finish(self.completed["id"], completer)
        self.failed = c.submit()
        equal(c.poll(failer)["id"], self.failed["id"])
        c.finish(self.failed["id"], failer, success=False)
        self.cancelled = c.submit()
        equal(c.poll(failer)["id"], self.cancelled["id"])
        equal(c.post(f"/api/builds/{self.cancelled['id']}/cancel").status, 200)
        self.active = c.submit()
        equal(c.poll(self.owner)["id"], self.active["id"])
        self.pending = c.submit()


def refused(reply, status, text, reason=None, what=""):
    equal((reply.status, reply.text), (status, '{"error":"%s"}' % text), what)
    equal(reply.headers.get("content-type"), JSON, what)
    if reason is not None:
        equal(reply.headers.get("x-reason-code"), reason, what)
