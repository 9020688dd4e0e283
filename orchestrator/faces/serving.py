"""The service at the command line: a door is opened, said where, and answered at until it is told to stop."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared_knowledge.errors import BadRequest

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from socket import socket

    Commands = _SubParsersAction[ArgumentParser]

__all__ = ["do", "teach"]

_MOST_WORKERS = 64
_BACKLOG = 2048


def teach(commands: Commands, command: Callable[..., ArgumentParser]) -> None:
    """Adds what can be said to the service to a command line."""
    serve = command(
        commands,
        "serve",
        "answer over HTTP: jobs, keys, webhooks, and a document of it all at /docs",
        "agentes keys create --name 'First key' --tier pro && agentes serve",
        "AGENTES_DATABASE_URL=postgresql://… agentes serve --host 0.0.0.0 --workers 4",
    )
    serve.add_argument("--host", default="127.0.0.1", metavar="HOST", help="where to listen (127.0.0.1)")
    serve.add_argument(
        "--port", type=int, default=8080, metavar="N", help="at which port (8080); 0: any free one"
    )
    serve.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="how many processes (1); more than one need PostgreSQL",
    )


def do(said: Namespace) -> None:
    """Serves until SIGTERM or Ctrl-C; what runs then is let go at a safe point, and carried on by the next start."""
    from orchestrator import assembly

    if not 0 <= said.port <= 65535:
        raise BadRequest(f"--port {said.port} is not possible.", todo="Write a number from 0 to 65535.")
    if not 1 <= said.workers <= _MOST_WORKERS:
        raise BadRequest(
            f"--workers {said.workers} is not possible.", todo=f"Write a number from 1 to {_MOST_WORKERS}."
        )
    if said.workers > 1 and not assembly.settings().database_url.startswith("postgresql://"):
        raise BadRequest(
            "Several processes share a ledger on PostgreSQL, and yours is a file.",
            todo="Set AGENTES_DATABASE_URL=postgresql://…, or leave --workers away.",
        )
    assembly.set_up_logging()
    from orchestrator.faces.web.serve import serve

    with _listening(said.host, said.port) as listening:
        host, port = listening.getsockname()[:2]
        _announce(host, port, as_json=said.json)
        serve(listening, said.workers)


def _listening(host: str, port: int) -> socket:
    import socket

    try:
        family, kind, proto, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, proto)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        raise BadRequest(
            f"The service cannot listen at {host}, port {port}: {(error.strerror or str(error)).lower()}.",
            todo="Choose another with --port, or any free one with --port 0.",
        ) from error
    return listening


def _announce(host: str, port: int, *, as_json: bool) -> None:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if as_json:
        print(json.dumps({"url": f"http://{place}", "docs": f"http://{place}/docs"}), flush=True)
        return
    print(f"The service answers at http://{place}; its document is at http://{place}/docs.", file=sys.stderr)
    print("Keys are made with `agentes keys create`. Ctrl-C ends it.", file=sys.stderr, flush=True)
