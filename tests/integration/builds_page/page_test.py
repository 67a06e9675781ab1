"""The status page in a real browser, against the real binary.

usage: page_test.py <tidemark binary>
"""

import os
import sys
import tempfile

for folder in (("compat", "builds"), ("support", "process")):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", *folder))

from browser import Browser, wait_for  # noqa: E402
from controller import API_KEY, Controller, check, equal, run  # noqa: E402
from tidemark_process import Node  # noqa: E402

BINARY = os.path.abspath(sys.argv[1])
HOSTILE = "<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>\u202e&amp;" + "W" * 120


def url(c, path="/"):
    return f"http://127.0.0.1:{c.port}{path}"


def sign_in(browser):
    browser.type("#key", API_KEY)
    browser.click("#key-submit")
    wait_for(lambda: browser.text("#state") == "Live", "the stream")


def no_wider_than_the_window(browser, what):
    """Nothing sticks out to the right; what scrolls in a frame of its own may be wider inside it."""
    width, window, wide = browser.run("""
        const wide = [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility() && !e.closest(".scroll table") && !e.closest(".unseen, .skip")
            && e.getBoundingClientRect().right > innerWidth + 0.5);
        return [document.documentElement.scrollWidth, innerWidth, wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 120))];""")
    check(width <= window and not wide, f"{what}: {width} in a window of {window}: {wide}")


def the_public_page():
    """without the key: figures, no builds, nothing in the console"""
    with Controller(BINARY) as c, Browser() as b:
        c.submit()
        c.register("secret-name")
        b.open(url(c))
        wait_for(lambda: b.text("#figure-pending") == "1", "the public figures")
        equal((b.text("#figure-active"), b.text("#figure-workers"), b.text("#figure-finished")), ("0", "1", "0"))
        equal(b.text("#board"), "")
        check("secret-name" not in b.run("return document.documentElement.outerHTML"), "a worker's name is not public")
        equal(b.console(), [])
        loaded = b.run("return performance.getEntriesByType('resource').map((e) => e.name)")
        check(loaded and all(name.startswith(url(c)) for name in loaded), loaded)
        equal(b.run("return document.querySelectorAll('[style], [onclick]').length"), 0)


def below_the_main_port():
    """on the main port the page lives below /builds, with the slash or without"""
    with tempfile.TemporaryDirectory() as folder, Browser() as b:
        node = Node(BINARY, folder).start()
        try:
            for path in ("/builds", "/builds/", "/builds?x=1"):
                b.open(f"http://127.0.0.1:{node.port}{path}")
                wait_for(lambda: b.text("#figure-pending") == "0", path)
            equal(b.console(), [])
        finally:
            node.end()


def a_wrong_key():
    """a wrong key is refused in words, and another can be given"""
    with Controller(BINARY) as c, Browser() as b:
        b.open(url(c))
        b.type("#key", "wrong-key-0123456789")
        b.click("#key-submit")
        wait_for(lambda: b.text("#key-error") == "That key was not accepted.", "the refusal")
        equal(b.run("return sessionStorage.length + localStorage.length"), 0)
        equal(b.text("#board"), "")
        b.run("document.querySelector('#key').value = ''")
        b.type("#key", "na\u00efve")
        b.click("#key-submit")
        wait_for(lambda: b.text("#key-error").startswith("That is no key"), "a key that no header can carry")
        b.run("document.querySelector('#key').value = ''")
        sign_in(b)
        equal(b.text("#sign-in"), "")
        check(API_KEY not in b.run("return location.href + document.cookie + JSON.stringify(localStorage) + performance.getEntries().map((e) => e.name)"),
              "the key is in no address, no cookie and nothing that lasts")
        b.click("#sign-out")
        wait_for(lambda: b.text("#sign-in") != "" and b.text("#board") == "", "signing out")
        equal(b.run("return sessionStorage.length"), 0)


def empty_states():
    """with nothing to show each part says so"""
    with Controller(BINARY) as c, Browser() as b:
        b.open(url(c))
        sign_in(b)
        wait_for(lambda: b.text("#queue-empty") == "The queue is empty.", "the empty queue")
        equal(b.text("#active-empty"), "Nothing is being built.")
        equal(b.text("#workers-empty"), "No worker has registered.")
        equal(b.text("#failures-empty"), "No failure so far.")
        check(b.text("#plot-empty") != "" and b.text("#plot") == "", "no plot without builds")


def a_life_of_builds():
    """submitted, assigned, progress, failed, completed: all without a reload"""
    with Controller(BINARY) as c, Browser() as b:
        b.open(url(c))
        sign_in(b)
        b.run("window.sameDocument = true")
        build = c.submit("android")["id"]
        wait_for(lambda: b.texts("#queue .id") == [build], "the submitted build in the queue")
        equal(b.texts("#queue .platform"), ["Android"])
        worker = c.register("Mac mini")
        wait_for(lambda: b.texts("#workers .name") == ["Mac mini"], "the worker")
        equal(c.poll(worker)["id"], build)
        wait_for(lambda: b.texts("#active .id") == [build] and b.count("#queue .row") == 0, "the build under way")
        equal(b.texts("#active .phase"), ["Preparing"])
        equal(b.run("return document.querySelector('#active progress').hasAttribute('value')"), False)
        for progress in (5, 40, 85.5):
            c.post(f"/api/builds/{build}/heartbeat?worker_id={worker}", {"progress": progress})
            wait_for(lambda: b.run("return document.querySelector('#active progress').value") == progress, f"{progress} %")
        check(b.text("#active .phase").startswith("Building, 8"), b.text("#active .phase"))
        c.finish(build, worker, success=False, message="error: no signing certificate")
        wait_for(lambda: b.texts("#failures .message") == ["error: no signing certificate"], "the failure")
        equal(b.texts("#failures .id"), [build])
        equal(b.text("#active-empty"), "Nothing is being built.")
        wait_for(lambda: b.count("#plot .mark.failed") == 1, "the failure in the plot")
        for count in range(1, 4):
            c.submit()
            done = c.poll(worker)["id"]
            c.finish(done, worker)
            wait_for(lambda: b.count("#plot .mark.completed") == count, f"{count} completed in the plot")
        wait_for(lambda: done in b.run("return document.querySelector('#announce').textContent"), "the end in the live region")
        wait_for(lambda: b.text("#figure-finished") == "4", "the figure")
        equal(b.run("return window.sameDocument"), True)
        equal(b.console(), [])

        # The same as a table, and from the keyboard.
        b.click("#plot-table summary")
        wait_for(lambda: b.count("#plot-table tbody tr") == 4, "the table")
        equal(b.texts("#plot-table tbody tr:last-child td.id"), [build])
        equal(b.texts("#plot-table tbody tr:last-child td.failed"), ["Failed"])
        b.run("document.querySelector('#plot').focus()")
        b.type("#plot", "\ue011")  # Home
        check("Failed" in b.run("return document.querySelector('#plot').getAttribute('aria-valuetext')"), "the first build is told")
        check(build in b.text("#plot .tip"), b.text("#plot .tip"))
        b.type("#plot", "\ue014")  # right
        check("Completed" in b.run("return document.querySelector('#plot').getAttribute('aria-valuetext')"), "and the next")

        # Kept over a reload of the tab.
        b.open(url(c))
        wait_for(lambda: b.text("#state") == "Live" and b.count("#failures .row") == 1, "the reloaded page")


def a_killed_server():
    """the page says that the server is gone, and catches up by itself"""
    with Controller(BINARY) as c, Browser() as b:
        before = c.submit()["id"]
        b.open(url(c))
        sign_in(b)
        wait_for(lambda: b.texts("#queue .id") == [before], "the queue")
        b.run("window.sameDocument = true")
        c.kill()
        wait_for(lambda: b.text("#state") == "Reconnecting", "the lost connection")
        equal(b.texts("#queue .id"), [before], "what was known stays")
        c.start()
        after = c.submit()["id"]
        wait_for(lambda: b.text("#state") == "Live" and b.texts("#queue .id") == [before, after], "the page to catch up", 90)
        equal(b.run("return window.sameDocument"), True)


def hostile_text():
    """names and messages are text, on a narrow phone too"""
    with Controller(BINARY) as c, Browser(360, 740) as b:
        worker = c.register(HOSTILE)
        failed, active = c.submit()["id"], c.submit()["id"]
        equal(c.poll(worker)["id"], failed)
        c.finish(failed, worker, success=False, message=HOSTILE * 3)
        equal(c.poll(worker)["id"], active)
        for _ in range(60):
            c.submit()
        b.open(url(c))
        no_wider_than_the_window(b, "the public page")
        sign_in(b)
        wait_for(lambda: b.count("#active .row") == 1 and b.count("#failures .row") == 1, "the rows")
        equal(b.run("return document.querySelector('#workers .name').textContent"), HOSTILE)
        equal(b.run("return document.querySelector('#active bdi').textContent"), HOSTILE)
        check(HOSTILE in b.run("return document.querySelector('#failures .message').textContent"), "the message")
        equal(b.text("#queue-more"), "and 10 more")
        equal(b.run("return [window.broken, document.querySelectorAll('main img, main script').length]"), [None, 0])
        no_wider_than_the_window(b, "the board at 360")
        b.click("#failures .link")
        b.click("#plot-table summary")
        b.run("document.querySelector('#plot').focus()")
        b.type("#plot", "\ue010")  # End
        check(HOSTILE in b.run("return document.querySelector('#plot .tip').textContent"), "the tip")
        no_wider_than_the_window(b, "everything open at 360")
        b.emulate(320, 640)
        no_wider_than_the_window(b, "everything open at 320")
        # The browser itself would refuse what the page never does.
        equal(b.run("""try { document.querySelector("main").insertAdjacentHTML("beforeend", "<p></p>"); return "inserted"; }
                       catch (error) { return error.name; }"""), "TypeError")
        equal([line for line in b.console() if "insertAdjacentHTML" not in line and "TrustedHTML" not in line], [])


def contrast():
    """text stands out from its ground, light and dark"""
    with Controller(BINARY) as c, Browser() as b:
        worker = c.register("w")
        for success in (True, False):
            c.submit()
            c.finish(c.poll(worker)["id"], worker, success=success, message=None if success else "broken")
        c.submit()
        c.poll(worker)
        c.submit()
        b.open(url(c))
        for dark in (False, True):
            b.emulate(1280, 800, dark)
            if not dark:
                sign_in(b)
            wait_for(lambda: b.count("#failures .row") == 1, "the rows")
            poor = b.run("""
                const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
                const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
                                       return .2126 * r + .7152 * g + .0722 * b; };
                const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
                                        return [255, 255, 255]; };
                return [...document.body.querySelectorAll("*")].filter((e) => e.checkVisibility() && !e.closest("button:disabled, .skip, svg")
                    && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
                  const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e).slice(0, 3));
                  return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.outerHTML.slice(0, 100)];
                }).filter(([ratio]) => ratio < 4.5);""")
            equal(poor, [], "dark" if dark else "light")
            unnamed = b.run("""return [...document.querySelectorAll("button, input, progress, [role=slider], [role=region]")].filter((e) => e.checkVisibility()
                && !(e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim())).map((e) => e.outerHTML.slice(0, 100))""")
            equal(unnamed, [])


run([the_public_page, below_the_main_port, a_wrong_key, empty_states, a_life_of_builds, a_killed_server, hostile_text, contrast], "status page")
