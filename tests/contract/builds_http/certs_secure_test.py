"""Signing material out of a bundle: what is taken, and which bundles are refused.

usage: certs_secure_test.py <tidemark binary>
"""

import base64
import io
import os
import sys
import threading
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import Controller, check, equal, run  # noqa: E402

BINARY = sys.argv[1]
MIB = 1 << 20


def archive(*entries, method=zipfile.ZIP_DEFLATED, stream=False):
    """Entries (name, content), in that order; as a stream with sizes behind each entry, as tools write to a pipe."""
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    target = Pipe() if stream else io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as out:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.filename = name  # as given: the constructor would mend it
            info.compress_type = method
            out.writestr(info, content)
    return target.data if stream else target.getvalue()


GOOD = archive(("first.p12", b"not this one"), ("b.mobileprovision", b"profile b"), ("notes.txt", b"x"), ("folder/last.p12", b"\x30\x82 key"),
               ("password.txt", b" \n pass \"word\" \r\n"), ("folder/password.txt", b"not this one"), ("a.mobileprovision", b"profile a"))


class World:
    def __init__(self, c):
        self.c = c

    def build(self, certs):
        """A build in a worker's hands; the headers of its worker."""
        worker = self.c.register()
        submitted = self.c.submit(certs=certs)
        job = self.c.poll(worker)
        equal(job["id"], submitted["id"])
        return submitted["id"], {"X-Worker-Id": worker, "X-Build-Id": submitted["id"]}

    def ask(self, certs):
        build, headers = self.build(certs)
        reply = self.c.get(f"/api/builds/{build}/certs-secure", headers=headers)
        equal(self.c.post(f"/api/builds/{build}/cancel").status, 200)
        return reply


def refused(reply, status, text, reason=None):
    equal(reply.headers.get("cache-control"), "no-store", f"{reply}")
    equal((reply.status, reply.text), (status, '{"error":"%s"}' % text), f"{reply}")
    if reason:
        equal(reply.headers.get("x-reason-code"), reason)


def decoded(reply):
    equal(reply.status, 200, f"{reply}")
    body = reply.json()
    return [base64.b64decode(body["p12"]), body["p12Password"], [base64.b64decode(p) for p in body["provisioningProfiles"]]]


def what_is_taken():
    """the last .p12, the trimmed password of password.txt, every profile in the archive's order"""
    with Controller(BINARY) as c:
        world = World(c)
        reply = world.ask(GOOD)
        equal(list(reply.json()), ["p12", "p12Password", "keychainPassword", "provisioningProfiles"])
        equal(decoded(reply), [b"\x30\x82 key", 'pass "word"', [b"profile b", b"profile a"]])
        equal((reply.headers["cache-control"], reply.headers["content-type"]), ("no-store", "application/json; charset=utf-8"))
        equal(decoded(world.ask(archive(("x.p12", b"k"))))[1:], ["", []])
        for around in ("\ufeff", "\u00a0", "\u2028\u3000 \u202f", "\u180e"):
            kept = "\u180e pass word \u180e" if around == "\u180e" else "pass word"  # no space since Unicode 6.3
            written = f"{around} pass word {around}".encode()
            equal(decoded(world.ask(archive(("x.p12", b"k"), ("password.txt", written))))[1], kept, f"{around!r}")
        for how in ({"method": zipfile.ZIP_STORED}, {"stream": True}):
            equal(decoded(world.ask(archive(("x.p12", b"k" * 100_000), ("password.txt", b"p"), **how))), [b"k" * 100_000, "p", []], f"{how}")
        large = os.urandom(9 * MIB)
        equal(decoded(world.ask(archive(("x.p12", large))))[0], large)


def the_keychain_password_is_fresh():
    """24 random bytes, others each time"""
    with Controller(BINARY) as c:
        build, headers = World(c).build(GOOD)
        seen = {c.get(f"/api/builds/{build}/certs-secure", headers=headers).json()["keychainPassword"] for _ in range(5)}
        equal(len(seen), 5)
        for password in seen:
            equal((len(password), len(base64.b64decode(password))), (32, 24))
        equal(c.request("HEAD", f"/api/builds/{build}/certs-secure", headers=headers).status, 200)


def who_may_ask():
    """the owner who names the build twice, or its VM; each refusal in its order"""
    with Controller(BINARY) as c:
        build, own = World(c).build(GOOD)
        other = c.register("other")
        path, unknown = f"/api/builds/{build}/certs-secure", f"/api/builds/{'A' * 21}/certs-secure"
        refused(c.get(path, key=None), 401, "Missing X-API-Key header", "API_KEY_MISSING")
        refused(c.get(path, key="wrong-key-0123456789"), 403, "Invalid API key", "API_KEY_INVALID")
        refused(c.get(unknown), 401, "Missing X-Worker-Id header", "WORKER_ID_MISSING")
        refused(c.get(unknown, headers={"X-Worker-Id": other}), 401, "Missing X-Build-Id header", "BUILD_ID_HEADER_MISSING")
        refused(c.get(unknown, headers=own), 403, "X-Build-Id header does not match build ID in URL", "BUILD_ID_HEADER_MISMATCH")
        refused(c.get(unknown, headers={"X-Worker-Id": other, "X-Build-Id": "A" * 21}), 404, "Build not found", "BUILD_NOT_FOUND")
        refused(c.get(path, headers={"X-Worker-Id": other, "X-Build-Id": build}), 403, "Worker not assigned to this build", "NOT_BUILD_OWNER")
        refused(c.get(path, headers={"X-VM-Token": "x" * 43}), 403, "VM token not issued. Authenticate first with OTP.", "VM_TOKEN_NOT_ISSUED")
        equal(c.get(path, headers=own).status, 200)
        c.post(f"/api/builds/{build}/cancel")
        token = c.post("/api/workers/register", {"name": "token worker", "capabilities": {}}).json()["access_token"]
        fresh = c.submit(certs=GOOD)["id"]
        job = c.get("/api/workers/poll", key=None, headers={"X-Worker-Token": token}).json()["job"]
        equal(job["id"], fresh)
        path = f"/api/builds/{fresh}/certs-secure"
        refused(c.get(path, key=None, headers={"X-Worker-Token": token}), 401, "Missing X-API-Key header")
        vm = c.post(f"/api/builds/{fresh}/authenticate", {"otp": job["otp"]}, key=None).json()["vm_token"]
        equal(decoded(c.get(path, key=None, headers={"X-VM-Token": vm}))[0], b"\x30\x82 key")


def bundles_that_are_refused():
    """no bundle is 404; one that is damaged, hostile or without a key is 500, and nothing of it is served"""
    with Controller(BINARY) as c:
        world = World(c)
        encrypted = bytearray(archive(("x.p12", b"k")))
        encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
        damaged = bytearray(archive(("x.p12", b"key" * 100), method=zipfile.ZIP_STORED))
        damaged[60] ^= 1
        lying = bytearray(archive(("x.p12", b"\0" * MIB)))
        at = lying.index(b"PK\x01\x02") + 24
        lying[at:at + 4] = (10).to_bytes(4, "little")
        table = {
            "a raw p12": b"\x30\x82 raw p12 bytes", "nothing": b"", "a cut archive": GOOD[:-10], "no p12": archive(("password.txt", b"x")),
            "a p12 of another case": archive(("x.P12", b"k")), "an empty archive": archive(),
            "a way up": archive(("../x.p12", b"k")), "dots": archive(("x..p12", b"k"), ("x.p12", b"k")), "absolute": archive(("/x.p12", b"k")),
            "a backslash": archive(("a\\x.p12", b"k")), "a bad name elsewhere": archive(("x.p12", b"k"), ("../y", b"")),
            "encrypted": bytes(encrypted), "damaged": bytes(damaged), "a lying size": bytes(lying),
            "another compression": archive(("x.p12", b"k"), method=zipfile.ZIP_BZIP2),
            "a bomb": archive(("x.p12", b"\0" * (50 * MIB + 1))),
            "a bomb that nobody wants": archive(("x.p12", b"k"), ("zeros", b"\0" * (50 * MIB))),
            "many bombs": archive(*[(f"{i}.mobileprovision", b"\0" * (10 * MIB)) for i in range(6)], ("x.p12", b"k")),
        }
        for what, certs in table.items():
            reply = world.ask(certs)
            refused(reply, 500, "Failed to process certs file")
            print(f"        {what}")
        refused(world.ask(None), 404, "Certs not found")
        equal(decoded(world.ask(archive(("x.p12", b"k"), ("zeros", b"\0" * (50 * MIB - 1)))))[0], b"k", "the limit is inclusive")


def too_large_to_open():
    """with a raised limit of uploads a bundle above 50 MiB is kept and not opened"""
    with Controller(BINARY, "--builds-certs-bytes-max", str(60 * MIB)) as c:
        refused(World(c).ask(b"\0" * (50 * MIB + 1)), 413, "Certs bundle too large", "CERTS_TOO_LARGE")
        refused(World(c).ask(b"\0" * (50 * MIB)), 500, "Failed to process certs file")


def the_node_goes_on():
    """while bundles are opened others are served, and memory does not grow with each"""
    with Controller(BINARY) as c:
        build, headers = World(c).build(archive(("x.p12", b"k"), ("zeros", b"\0" * (50 * MIB - 1))))

        def resident():
            with open(f"/proc/{c.process.pid}/status", encoding="ascii") as status:
                return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))
        c.get(f"/api/builds/{build}/certs-secure", headers=headers)
        before = resident()
        for _ in range(10):
            equal(c.get(f"/api/builds/{build}/certs-secure", headers=headers).status, 200)
        check(resident() - before < 30 * MIB, f"{resident() - before} bytes more after ten")


def many_at_once():
    """of many that ask at once one bundle is open at a time, and all are answered"""
    with Controller(BINARY) as c:
        build, headers = World(c).build(archive(("x.p12", os.urandom(8 * MIB)), ("zeros", b"\0" * (8 * MIB))))
        statuses, peak = [], [0]

        def ask():
            statuses.append(c.get(f"/api/builds/{build}/certs-secure", headers=headers).status)

        def resident():
            with open(f"/proc/{c.process.pid}/status", encoding="ascii") as status:
                return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))
        ask()
        before = resident()
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            peak[0] = max(peak[0], resident())
            equal(c.get("/health", key=None).status, 200)
            time.sleep(0.01)
        equal(statuses, [200] * 13)
        # Each answer is 11 MiB until its client has read it; 12 archives and contents besides would be some 200 MiB more.
        check(peak[0] - before < 12 * 12 * MIB + 70 * MIB, f"{(peak[0] - before) / MIB:.0f} MiB more at most")


run([what_is_taken, the_keychain_password_is_fresh, who_may_ask, bundles_that_are_refused, too_large_to_open, the_node_goes_on, many_at_once], "certs-secure")
