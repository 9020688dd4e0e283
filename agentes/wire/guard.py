"""May we dial this address? Decided on the resolved address, at the moment of dialling, and on nothing else.

A name is looked up once. If a single answer is not a public address the whole name is refused, and
what is dialled is the very address that was checked, so that a name cannot change its mind in between.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import httpcore
import httpx

from config.settings import Settings
from shared_knowledge.errors import BadRequest, Unsuitable

__all__ = ["Dialler", "Guard", "is_public", "look_up"]

LookUp = Callable[[str, int], Awaitable[list[str]]]

_LOOK_UP_S = 5.0
_PORTS = (443, 8443)
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?")
_ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$")
_TODO = "AGENTES_ALLOW_PRIVATE_HOSTS may name hosts of your own network."

_PRIVATE_4 = tuple(
    ip_network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform channel: a public number that never leaves the host
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_UNICAST_6 = IPv6Network("2000::/3")
_PRIVATE_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


def is_public(address: str) -> bool:
    """Whether anybody on the internet would mean the same machine by this address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in net for net in _PRIVATE_4)
    return ip.scope_id is None and ip in _UNICAST_6 and not any(ip in net for net in _PRIVATE_6)


async def look_up(host: str, port: int) -> list[str]:
    """Every address of a name, in the order in which this machine would try them."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Guard:
    """The rule: public addresses only, but for the hosts a person has allowed by name."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = frozenset(map(_host_and_port, allowed))

    @classmethod
    def of(cls, settings: Settings) -> Guard:
        """The guard these settings ask for: their private hosts, the sandbox, and every address set by hand."""
        addresses = [*settings.base_urls.values(), *filter(None, [settings.sandbox_url])]
        return cls([*settings.allow_private_hosts, *map(_place, addresses)])

    def allows(self, host: str, port: int) -> bool:
        """Whether a person has allowed this host, on this port or on all."""
        name = _plain_host(host)
        return (name, port) in self._allowed or (name, None) in self._allowed

    def check_url(self, url: str) -> httpx.URL:
        """An address that was given from outside, read once; BadRequest says what is wrong with it."""
        try:
            read = httpx.URL(url)
            readable = read.host.isprintable()
        except (httpx.InvalidURL, ValueError):
            raise BadRequest(f"{_shown(url)} is not an address.") from None
        host = read.raw_host.decode("ascii")
        port = read.port or {"https": 443, "http": 80}.get(read.scheme, 0)
        if not host or not readable or read.scheme not in ("http", "https") or read.port == 0:
            raise BadRequest(f"{_shown(url)} is not an https address.")
        if read.userinfo:
            raise BadRequest(f"{_shown(url)} carries a user name or a password.", todo="Leave it out.")
        if self.allows(host, port):
            return read
        if read.scheme != "https" or port not in _PORTS:
            raise BadRequest(
                f"{_shown(url)} is not https on port 443 or 8443.",
                todo=_TODO,
            )
        if not _may_be_public(host):
            raise BadRequest(f"{_shown(url)} does not lead to a public machine.", todo=_TODO)
        return read


class Dialler(httpcore.AsyncNetworkBackend):
    """Dials for the connection pools; nothing leaves this machine past its guard."""

    def __init__(
        self,
        guard: Guard,
        *,
        look_up: LookUp = look_up,
        line: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._guard = guard
        self._look_up = look_up
        self._line = line or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the name and the place are httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to a checked address of that name; Unsuitable if it may not be reached."""
        addresses = await self._addresses(host, port)
        if not self._guard.allows(host, port) and not all(map(is_public, addresses)):
            raise Unsuitable(f"{host} does not lead to a public machine, so it was not called.", todo=_TODO)
        share = None if timeout is None else timeout / len(addresses)
        for address in addresses[:-1]:
            try:
                return _Line(
                    await self._line.connect_tcp(address, port, share, local_address, socket_options)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return _Line(await self._line.connect_tcp(addresses[-1], port, share, local_address, socket_options))

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                addresses = await self._look_up(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in {_LOOK_UP_S:g} s") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError(f"there is no machine called {host}") from None
        if not addresses:
            raise httpcore.ConnectError(f"there is no machine called {host}")
        return addresses

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the name and the place are httpcore's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never: a platform is not a file of this machine."""
        raise Unsuitable("No platform is reached through a file of this machine.")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


class _Line(httpcore.AsyncNetworkStream):
    """A connection that hangs up when its handshake is broken off, which httpcore's own forgets to do."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self.read = stream.read  # type: ignore[method-assign]
        self.write = stream.write  # type: ignore[method-assign]
        self.get_extra_info = stream.get_extra_info  # type: ignore[method-assign]

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the name and the place are httpcore's
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()


def _may_be_public(host: str) -> bool:
    if ":" in host:
        return is_public(host)
    name = _plain_host(host)
    if not _NAME.fullmatch(host) or name == "localhost" or name.endswith(".localhost"):
        return False
    return is_public(name) if _ENDS_IN_A_NUMBER.search(host) else True


def _host_and_port(text: str) -> tuple[str, int | None]:
    bracketed = re.fullmatch(r"\[(.+)\](?::(\d+))?", text)
    if bracketed:
        return _plain_host(bracketed[1]), int(bracketed[2]) if bracketed[2] else None
    host, _, port = text.partition(":")
    if ":" in port:
        return _plain_host(text), None
    return _plain_host(host), int(port) if port else None


def _plain_host(host: str) -> str:
    name = host.casefold().rstrip(".").strip("[]")
    if ":" in name:
        try:
            return str(IPv6Address(name))
        except ValueError:
            return name
    return name


def _place(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{parts.hostname}]:{port}" if ":" in (parts.hostname or "") else f"{parts.hostname}:{port}"


def _shown(url: str) -> str:
    """The address without what might be private in it, and not too long of it."""
    bare = re.sub(r"[?#].*", "", re.sub(r"//[^/]*@", "//…@", url), flags=re.DOTALL)
    return "".join(each if each.isprintable() else "�" for each in bare[:80]) or "An empty text"
