"""One HTTP request with exactly the bytes and headers that a test wants."""

import http.client
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT = 60


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def send(method, url, body=None, headers=None):
    """Sends the URL's path and query as they stand, and no header but Host, Content-Length (where
    there is a body) and `headers`."""
    parts = urlsplit(url)
    https = parts.scheme == "https"
    connection_class = http.client.HTTPSConnection if https else http.client.HTTPConnection
    # RFC 6761 has every name under localhost lead here, but not every resolver does.
    host = "127.0.0.1" if parts.hostname.endswith(".localhost") else parts.hostname
    connection = connection_class(host, parts.port, timeout=TIMEOUT)
    try:
        target = parts.path + ("?" + parts.query if parts.query else "")
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", parts.netloc)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def put(presigned, body, **headers):
    """PUTs `body` as a row of b2_presign_put() says; `headers` (underscores for hyphens) replace
    the row's own."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return send("PUT", presigned.presigned_url, body, {**presigned.headers, **given})


def get(url):
    return send("GET", url)
