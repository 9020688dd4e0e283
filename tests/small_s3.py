"""A very small S3: enough of its language for one bucket, with a check of every digest it is told."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

__all__ = ["SmallS3", "small_s3"]


class SmallS3(BaseHTTPRequestHandler):
    """One conversation; the bucket is a dictionary of the server's."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_PUT(self) -> None:
        """An object, or one part of one."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = self.headers.get("x-amz-checksum-sha256")
        self.server.digests.append(told)
        if self.server.broken or (told and base64.b64decode(told) != hashlib.sha256(body).digest()):
            return self._say(400, b"<Error><Code>BadDigest</Code></Error>")
        name, asked = self._asked()
        if "partNumber" in asked:
            self.server.parts[asked["uploadId"][0]][int(asked["partNumber"][0])] = body
        else:
            self.server.objects[name] = body
        return self._say(200, ETag='"e"')

    def do_POST(self) -> None:
        """The beginning or the end of a file in parts."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name, asked = self._asked()
        if "uploads" in asked:
            number = f"u{len(self.server.parts)}"
            self.server.parts[number] = {}
            told = f"<InitiateMultipartUploadResult><UploadId>{number}</UploadId></InitiateMultipartUploadResult>"
            return self._say(200, told.encode())
        parts = self.server.parts[asked["uploadId"][0]]
        self.server.objects[name] = b"".join(parts[number] for number in sorted(parts))
        told = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
        return self._say(200, told.encode())

    def do_DELETE(self) -> None:
        """An object less."""
        self.server.objects.pop(self._asked()[0], None)
        self._say(204)

    def do_HEAD(self) -> None:
        """Whether there is such an object, and how large."""
        self._object()

    def do_GET(self) -> None:
        """An object, or the list of them."""
        _, asked = self._asked()
        if "list-type" not in asked:
            return self._object()
        prefix = asked.get("prefix", [""])[0]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size><ETag>e</ETag>"
            "<LastModified>2026-11-20T12:00:00.000Z</LastModified></Contents>"
            for key, body in self.server.objects.items()
            if key.startswith(prefix)
        )
        return self._say(200, f"<ListBucketResult>{rows}</ListBucketResult>".encode())

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def _object(self) -> None:
        self.server.signed.append(self.headers.get("Authorization", ""))
        body = self.server.objects.get(self._asked()[0])
        if body is None:
            return self._say(404)
        return self._say(200, body, ETag='"e"', **{"Last-Modified": "Fri, 20 Nov 2026 12:00:00 GMT"})

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        _, _, name = unquote(parts.path).lstrip("/").partition("/")
        return name, parse_qs(parts.query, keep_blank_values=True)

    def _say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def small_s3() -> Iterator[Any]:
    """The server: `objects`, `digests` it was told, `signed` requests, and `broken` to have it refuse."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), SmallS3)
    server.objects, server.parts, server.digests, server.signed, server.broken = {}, {}, [], [], False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
