"""The real store as if it were far away, and a store that counts."""

import socket
import threading
import time
from urllib.parse import urlsplit


class DistantStore:
    """Hands what it gets to the store at `endpoint`, and back, and lets every request wait for
    `latency` seconds. Counts connections, and those that are open at the same time."""

    def __init__(self, endpoint, latency):
        self._store = urlsplit(endpoint)
        self._latency = latency
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._lock = threading.Lock()
        self._open = []
        self.requests = self.connections = self.most_open = 0
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        store = socket.create_connection((self._store.hostname, self._store.port))
        for end in (connection, store):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.append(connection)
            self.connections += 1
            self.most_open = max(self.most_open, len(self._open))
        threading.Thread(target=self._forward, args=(store, connection), daemon=True).start()
        try:
            self._forward(connection, store, self._latency)
        finally:
            with self._lock:
                self._open.remove(connection)

    def _forward(self, source, target, latency=0):
        try:
            # The requests are small enough to come in one piece.
            while data := source.recv(65536):
                if latency:
                    with self._lock:
                        self.requests += 1
                    time.sleep(latency)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
