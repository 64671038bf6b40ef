"""Servers that do what a healthy store never does."""

import contextlib
import socket
import threading
import time


class Listener:
    """Listens on a port of 127.0.0.1 and hands each connection to `behave`, on a thread of its own, with
    the first request on it. With `tls`, an SSLContext, it speaks TLS.

    `endpoint` is its URL; `requests` are the first lines of what it was sent."""

    def __init__(self, behave, scheme="http", tls=None):
        self._behave = behave
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._connections = []
        self._threads = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.requests = []
        self.was_contacted = threading.Event()
        self.port = self._socket.getsockname()[1]
        self.endpoint = f"{'https' if tls else scheme}://127.0.0.1:{self.port}"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Wakes the threads up and waits for them. Only they close what they read and write: another
        thread's close() would free the descriptor's number for a file of somebody else's."""
        self._closing.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._socket.close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while not self._closing.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        if self._tls:
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        with self._lock:
            self._connections.append(connection)
        with connection, contextlib.suppress(OSError):
            # Nobody wakes up whoever comes to the list after this was set.
            if not self._closing.is_set():
                self._talk(connection)

    def _talk(self, connection):
        if self._tls:
            connection.do_handshake()
        request = connection.recv(65536)
        if request:
            self.requests.append(request.split(b"\r\n", 1)[0].decode("latin-1"))
            self.was_contacted.set()
            self._behave(connection, self._closing)


def _say_nothing(_connection, closing):
    closing.wait()


def silent():
    """Takes the request and never answers."""
    return Listener(_say_nothing)


def silent_in_tls():
    """Takes the first message of a TLS handshake and never answers."""
    return Listener(_say_nothing, "https")


def trickling():
    """Answers with an endless header, one byte after the other."""

    def behave(connection, closing):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not closing.wait(0.02):
            connection.sendall(b"x")

    return Listener(behave)


def answering(answer):
    """Sends the same bytes to everybody, and hangs up."""

    def behave(connection, _closing):
        connection.sendall(answer)
        connection.close()

    return Listener(behave)


def http(status, body="", **headers):
    """The bytes of an answer. Underscores in names of headers stand for hyphens."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def scripted(answer):
    """Sends what `answer` makes of the first line of a request, and hangs up."""

    def behave(connection, _closing):
        # Taken from the end of a list that other connections extend too: requests come singly.
        connection.sendall(answer(server.requests[-1]))
        connection.close()

    server = Listener(behave)
    return server


def closed_port():
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def unreachable():
    """A port of 127.0.0.1 where connecting takes for ever, since the queue of a listener that
    accepts nobody is full. Gives the endpoint."""
    with contextlib.ExitStack() as sockets:
        listening = sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        time.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
