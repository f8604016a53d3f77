"""Somebody who listens on the wire: passes on what clients say to a broker and keeps all of it.

    with Tap(fleet.url) as tap:
        ...                       # talk to tap.url
    tap.said, tap.heard           # what went to the broker, and what came back
"""

import socket
import threading

from zmtp import address


class Tap:
    def __init__(self, url):
        self.said, self.heard = bytearray(), bytearray()
        self.target = address(url)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.threads = []
        self.start(self.accept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Waits for the clients to go."""
        self.server.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:  # the first is the one that starts the others
            thread.join(10)
        self.server.close()

    def start(self, run, *arguments):
        self.threads.append(threading.Thread(target=run, args=arguments, daemon=True))
        self.threads[-1].start()

    def accept(self):
        while True:
            try:
                here, _ = self.server.accept()
            except OSError:
                return
            there = socket.create_connection(self.target)
            self.start(self.pass_on, here, there, self.said)
            self.start(self.pass_on, there, here, self.heard)

    def pass_on(self, source, sink, kept):
        try:
            while data := source.recv(65536):
                kept += data
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
