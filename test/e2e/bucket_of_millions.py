"""A store whose bucket has any number of objects, which it makes up page by page."""

from urllib.parse import parse_qs, urlsplit

from listener import Listener, http

PAGE = 1000


def version(n):
    return (
        f"<Version><Key>o{n:09}</Key><VersionId>v{n}</VersionId><IsLatest>true</IsLatest>"
        f"<LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>&quot;e{n}&quot;</ETag>"
        f"<Size>{n}</Size></Version>"
    )


def page(first, count):
    last = min(first + PAGE, count)
    more = last < count
    markers = f"<NextKeyMarker>o{last - 1:09}</NextKeyMarker>" if more else ""
    return (
        "<ListVersionsResult>"
        f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{markers}"
        f"{''.join(map(version, range(first, last)))}</ListVersionsResult>"
    )


def bucket_of(count):
    """Answers requests for lists of versions, by the first line of the request alone."""

    def answer(connection, _closing):
        line = server.requests[-1]
        while True:
            query = parse_qs(urlsplit(line.split(" ")[1]).query)
            marker = query.get("key-marker", ["o-1"])[0]
            body = page(int(marker[1:]) + 1, count)
            connection.sendall(http("200 OK", body).replace(b"Connection: close\r\n", b""))
            request = connection.recv(65536)
            if not request:
                return
            line = request.split(b"\r\n", 1)[0].decode()

    server = Listener(answer)
    return server
