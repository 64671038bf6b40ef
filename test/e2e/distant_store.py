"""The real store as if it were far away, and a store that counts."""

import socket
import threading
import time
from urllib.parse import urlsplit

from listener import Listener


class DistantStore(Listener):
    """Hands what it gets to the store at `endpoint`, and back, and lets every request wait for
    `latency` seconds. Counts requests, connections, and those that are open at the same time."""

    def __init__(self, endpoint, latency):
        self._store = urlsplit(endpoint)
        self._latency = latency
        self._open = 0
        self.request_count = self.connections = self.most_open = 0
        super().__init__(None)

    def _talk(self, connection):
        with socket.create_connection((self._store.hostname, self._store.port)) as store:
            for end in (connection, store):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open += 1
                self.connections += 1
                self.most_open = max(self.most_open, self._open)
            answers = threading.Thread(target=self._forward, args=(store, connection), daemon=True)
            answers.start()
            try:
                self._forward(connection, store, self._latency)
            finally:
                answers.join()
                with self._lock:
                    self._open -= 1

    def _forward(self, source, target, latency=0):
        try:
            # The requests are small enough to come in one piece.
            while data := source.recv(65536):
                if latency:
                    with self._lock:
                        self.request_count += 1
                    time.sleep(latency)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
