"""What clients meet while a controller starts.

usage: start_test.py <tidemark binary>
"""

import http.client
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "compat", "builds"))

from controller import API_KEY, Controller, check, equal, run  # noqa: E402

BINARY = sys.argv[1]
PATIENCE_S = 90


def ask(port, path):
    """Status, fields as they came, body; None when nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"X-API-Key": API_KEY})
        response = connection.getresponse()
        return response.status, [(name.lower(), value) for name, value in response.getheaders()], response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def starting():
    """until the node is ready 503 with its reason and one Retry-After, and the page all the same"""
    with Controller(BINARY) as c:
        refused, pages = [], []

        def ask_on():
            while not ended.is_set():
                for path in ("/api/builds", "/", "/page/page.css"):
                    reply = ask(c.port, path)
                    if reply is None:
                        continue
                    if path != "/api/builds":
                        pages.append((path, reply[0]))
                    elif reply[0] != 200:
                        refused.append(reply)
        deadline = time.monotonic() + PATIENCE_S
        while not refused:  # from listening to ready is a short while: again until somebody came in it
            check(time.monotonic() < deadline, "nobody came while it started")
            c.kill()
            ended = threading.Event()
            threads = [threading.Thread(target=ask_on) for _ in range(3)]
            for thread in threads:
                thread.start()
            try:
                c.start()
            finally:
                ended.set()
                for thread in threads:
                    thread.join()
        for status, headers, body in refused:
            equal((status, body), (503, b'{"error":"Service unavailable"}'))
            equal([value for name, value in headers if name in ("x-reason-code", "retry-after")].count("LEDGER_UNAVAILABLE"), 1, f"{headers}")
            equal([value for name, value in headers if name == "retry-after"], ["1"])
        check(pages, "the page was asked for")
        equal(sorted({status for _, status in pages}), [200])


run([starting], "builds start")
