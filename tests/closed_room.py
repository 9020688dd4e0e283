"""The network, closed below every library by an audit hook, so that nothing can be patched around it.

A process that is closed stays watched, and so does every fork of it; this machine may talk to itself.
"""

from __future__ import annotations

import ipaddress
import socket
import sys

__all__ = ["NetworkClosed", "close_network", "open_network"]

_NAMED = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_SENT = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_watched = False
_closed = False


class NetworkClosed(RuntimeError):
    """A test reached for the network."""


def close_network() -> None:
    """From now on, whoever reaches beyond this machine is stopped."""
    global _closed, _watched
    if not _watched:
        sys.addaudithook(_guard)
    _closed = _watched = True


def open_network() -> None:
    """The tests are over."""
    global _closed
    _closed = False


def _guard(event: str, args: tuple[object, ...]) -> None:
    if not _closed or not event.startswith("socket."):
        return
    if event in _SENT and isinstance(args[1], tuple) and not _is_here(args[1][0]):
        raise NetworkClosed(f"a test tried to reach {args[1][0]}")
    if event in _NAMED and not _is_here(args[0]) and not _is_number(args[0]):
        raise NetworkClosed(f"a test tried to look up {args[0]!r}")


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in ("", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_number(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True
