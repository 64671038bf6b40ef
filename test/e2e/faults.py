"""What a store, a network or a name server can do wrong, each on demand. The names are those of the
page docs/faults.md."""

import contextlib
import socket
import ssl
import struct
import time
from email.utils import formatdate

import listener
from listener import Listener, answering, http

MEGABYTE = 1024 * 1024
OBJECT = listener.http("200 OK", Content_Type="text/plain")
KEPT_OBJECT = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Type: text/plain\r\n\r\n"


def with_error(code, message=""):
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"


def sending(*pieces, pause=0, then="close"):
    """Sends the pieces one after the other, again and again where the last is `...`."""

    def behave(connection, closing):
        endless = pieces[-1] is ...
        chosen = pieces[:-1] if endless else pieces
        while True:
            for piece in chosen:
                connection.sendall(piece)
                if closing.wait(pause):
                    return
            if not endless:
                break
            chosen = chosen[-1:]
        if then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if then == "silence":
            closing.wait()
        connection.close()

    return Listener(behave)


def slowly(head, byte):
    """One byte a second; in a tenth of the time."""
    return sending(head, byte, ..., pause=0.1)


@contextlib.contextmanager
def redirecting(status):
    with listener.silent() as elsewhere:
        with answering(http(status, Location=elsewhere.endpoint + "/x")) as server:
            yield server
            assert not elsewhere.was_contacted.is_set()


@contextlib.contextmanager
def at(endpoint):
    """An endpoint without a server of ours."""

    class Nobody:
        requests = []

    Nobody.endpoint = endpoint
    yield Nobody


@contextlib.contextmanager
def unreachable():
    with listener.unreachable() as endpoint:
        with at(endpoint) as nobody:
            yield nobody


def refusing(body):
    """A HEAD and a GET are refused alike, but only one has a body."""

    def answer(request):
        return http("403 Forbidden", "" if request.startswith("HEAD") else body)

    return listener.scripted(answer)


def asking_to_wait(value=None, seconds=None):
    def answer(_request):
        headers = {"Date": formatdate(time.time() + 5000, usegmt=True)}
        headers["Retry_After"] = value or formatdate(time.time() + 5000 + seconds, usegmt=True)
        return http("503 Slow Down", **headers)

    return listener.scripted(answer)


def with_skewed_clock():
    def answer(request):
        body = "" if request.startswith("HEAD") else with_error("RequestTimeTooSkewed")
        return http("403 Forbidden", body, Date=formatdate(time.time() - 3600, usegmt=True))

    return listener.scripted(answer)


def send_object(connection, _closing):
    connection.sendall(OBJECT)
    connection.close()


def in_tls(certificate, old=False, behave=send_object):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return Listener(behave, tls=context)


def without_answer(authority):
    """Faults in which a registration has no answer, or one that is no registration's."""
    status_line = b"HTTP/1.1 200 OK\r\n"
    return {
        "no host of that name": lambda: at("http://host.invalid:9000"),
        "a name server that does not answer": lambda: at("http://store.silent.example:9000"),
        "nobody listens": lambda: at(f"http://127.0.0.1:{listener.closed_port()}"),
        "a TCP handshake that never completes": unreachable,
        "a TLS handshake that never completes": listener.silent_in_tls,
        "an expired certificate": lambda: in_tls(authority.issue("expired", is_expired=True)),
        "a certificate that nobody vouches for": lambda: in_tls(authority.self_signed()),
        "a certificate for another host": lambda: in_tls(
            authority.issue("other", subject="DNS:other.example")
        ),
        "TLS 1.1": lambda: in_tls(authority.issue("old"), old=True),
        "accepts and stays silent": listener.silent,
        "one byte a second in the headers": lambda: slowly(status_line + b"X: ", b"x"),
        "closes before the headers": lambda: sending(b""),
        "closes inside the headers": lambda: sending(status_line + b"Content-Le"),
        "resets the connection": lambda: sending(status_line, then="reset"),
        "a status line that is none": lambda: sending(b"220 smtp.example.com ESMTP\r\n"),
        "10 MB of headers": lambda: sending(status_line, b"X-A: 0123456789\r\n" * 655360),
        "a header of 10 MB": lambda: sending(status_line, b"X: " + b"x" * 10 * MEGABYTE),
        "a Content-Length that is no number": lambda: sending(
            status_line + b"Content-Length: ten\r\n\r\n"
        ),
        "no Content-Length": lambda: sending(status_line + b"Content-Type: text/plain\r\n\r\n"),
    }


def refused():
    """Faults in which a registration is refused."""
    statuses = {
        "408": "408 Request Timeout",
        "429": "429 Too Many Requests",
        "500": "500 Internal Server Error",
        "502": "502 Bad Gateway",
        "503": "503 Slow Down",
        "504": "504 Gateway Timeout",
    }
    faults = {
        name: (lambda status=status: answering(http(status))) for name, status in statuses.items()
    }
    redirects = {"301": "Moved", "302": "Found", "307": "Temporary", "308": "Permanent"}
    for name, reason in redirects.items():
        faults[name] = lambda status=f"{name} {reason}": redirecting(status)
    # Billions of laughs, in the element that would be shown.
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    faults.update(
        {
            "503 with `Retry-After: 1`": lambda: asking_to_wait("1"),
            "503 with `Retry-After: 3600`": lambda: asking_to_wait("3600"),
            "503 with a date in a second": lambda: asking_to_wait(seconds=1),
            "403 with a code": lambda: refusing(with_error("AccessDenied", "not entitled")),
            "403 because of the clock": with_skewed_clock,
            "403 with XML that ends early": lambda: refusing(with_error("AccessDenied")[:-3]),
            "403 with an entity bomb": lambda: refusing(
                f"<!DOCTYPE Error [{bomb}]>" + with_error("AccessDenied", "&e9;")
            ),
            "403 with XML 100,000 levels deep": lambda: refusing(
                "<a>" * 100000 + "</a>" * 100000
            ),
            "403 with NULs in its XML": lambda: refusing(with_error("Access\0Denied", "\0")),
            "403 with XML in another encoding": lambda: refusing(
                "<?xml version='1.0' encoding='EBCDIC-CP-US'?>" + with_error("AccessDenied")
            ),
            "403 with 10 MB of XML": lambda: refusing(with_error("A", "x" * 10 * MEGABYTE)),
        }
    )
    return faults


def in_body():
    """Faults in the answer to a listing, for b2_check()."""
    head = b"HTTP/1.1 200 OK\r\n"
    empty = b"<ListBucketResult></ListBucketResult>"
    return {
        "an endless body": lambda: sending(head + b"\r\n", b"x" * 65536, ...),
        "one byte a second in the body": lambda: slowly(head + b"Content-Length: 99\r\n\r\n", b"x"),
        "closes after the headers": lambda: sending(head + b"Content-Length: 99\r\n\r\n"),
        "closes inside the body": lambda: sending(head + b"Content-Length: 99\r\n\r\n<Li"),
        "a Content-Length that is too large": lambda: sending(
            head + b"Content-Length: 99\r\n\r\n" + empty, then="silence"
        ),
        "a Content-Length that is too small": lambda: sending(
            head + b"Content-Length: 9\r\n\r\n" + empty
        ),
        "chunks that are none": lambda: sending(
            head + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"
        ),
        "a page of HTML": lambda: answering(http("200 OK", "<html>Please log in</html>")),
        "an error with status 200": lambda: answering(
            http("200 OK", with_error("InternalError", "Try again."))
        ),
    }
