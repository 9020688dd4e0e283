"""A window into a process that serves nobody: its figures, and that it lives, for whoever watches over workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from shared_knowledge.errors import BadRequest

__all__ = ["open_window"]

_PATIENCE_S = 10


@contextmanager
def open_window(host: str, port: int, page: Callable[[], bytes]) -> Iterator[int]:
    """Shows `/metrics` and `/health` at a port for as long as it is open; 0 finds one that is free."""

    class Looking(BaseHTTPRequestHandler):
        timeout = _PATIENCE_S

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/metrics":
                    status, kind, body = 200, "text/plain; version=0.0.4", page()
                case "/health":
                    status, kind, body = 200, "application/json", b'{"status":"healthy"}'
                case _:
                    status, kind, body = 404, "text/plain", b""
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    try:
        window = ThreadingHTTPServer((host, port), Looking)
    except OSError as error:
        raise BadRequest(
            f"The figures cannot be shown at {host}:{port}: {error.strerror}.", todo="Choose another port."
        ) from error
    window.daemon_threads = True
    watching = threading.Thread(target=window.serve_forever, name="window", daemon=True)
    watching.start()
    try:
        yield window.server_port
    finally:
        window.shutdown()
        window.server_close()
        watching.join()
