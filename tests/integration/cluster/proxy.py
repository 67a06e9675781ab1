"""A TCP proxy that can stop forwarding: the network between one node and the brokers."""

import os
import selectors
import socket
import threading


class Proxy:
    """Listens on a port of its own. Cut off, it keeps connections open and carries nothing, as a network that loses every packet."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.whole = threading.Event()
        self.whole.set()
        self.wake_in, self.wake_out = os.pipe()
        self.ended = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def cut(self):
        self.whole.clear()
        os.write(self.wake_out, b"x")

    def heal(self):
        self.whole.set()
        os.write(self.wake_out, b"x")

    def end(self):
        self.ended = True
        os.write(self.wake_out, b"x")
        self.thread.join(10)

    def run(self):
        ways = {}  # socket -> the other end
        with selectors.DefaultSelector() as selector:
            selector.register(self.wake_in, selectors.EVENT_READ)
            selector.register(self.listener, selectors.EVENT_READ)
            while not self.ended:
                for event, _ in selector.select():
                    if event.fileobj == self.wake_in:
                        os.read(self.wake_in, 16)
                        # Nobody is listened to while the network is cut.
                        for end in (self.listener, *ways):
                            known = end in selector.get_map()
                            if self.whole.is_set() and not known:
                                selector.register(end, selectors.EVENT_READ)
                            elif not self.whole.is_set() and known:
                                selector.unregister(end)
                        break
                    if event.fileobj is self.listener:
                        self.accept(selector, ways)
                    elif event.fileobj in ways:
                        self.forward(selector, ways, event.fileobj)
        for end in (self.listener, *ways):
            end.close()

    def accept(self, selector, ways):
        near, _ = self.listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
        except OSError:
            near.close()
            return
        ways[near], ways[far] = far, near
        selector.register(near, selectors.EVENT_READ)
        selector.register(far, selectors.EVENT_READ)

    @staticmethod
    def forward(selector, ways, end):
        other = ways[end]
        try:
            piece = end.recv(65536)
            if piece:
                other.sendall(piece)
                return
        except OSError:
            pass
        for closed in (end, other):
            selector.unregister(closed)
            ways.pop(closed, None)
            closed.close()
