"""No address leads the wire to a machine that is nobody's business, however it is spelled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpcore
import pytest

from agentes.wire import guard as guard_module
from agentes.wire.guard import Dialler, Guard, is_public, look_up
from config.secrets import SecretManager
from config.settings import Settings
from shared_knowledge.errors import BadRequest, Unsuitable

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:a9fe:a9fe::1",
    "2002:7f00:1::",
    "2001::1",
    "2001:0:4136:e378::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2000::1%eth0",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "100.63.255.254",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450::1",
    "2001:4860:4860::8888",
]

REFUSED_TEXTS = [
    "",
    "not an address",
    "//example.com/x",
    "example.com",
    "file:///etc/passwd",
    "gopher://example.com/",
    "ftp://example.com/",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "http:127.0.0.1",
    "https:///x",
    "https://",
    "http://example.com/",
    "http://example.com:443/",
    "https://example.com:0/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:80/",
    "https://example.com:6379/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://user@example.com/",
    "https://user:word@example.com/",
    "https://ok@127.0.0.1/",
    "https://evil\\@127.0.0.1/",
    "https://example.com%2f@127.0.0.1/",
    "https://example.com\\.evil.com/",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x7F.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127。0。0。1/",
    "https://127．0．0．1/",
    "https://①②⑦.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://metadata.localhost/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%25lo]/",
    "https://[fd00:ec2::254]/",
    "https://[::1",
    "https://10.0.0.1/",
    "https://192.168.0.1:8443/",
    "https://example.com%00.evil.com/",
    "https://exam ple.com/",
    "https://127.0.0.1\t/",
    "https://127.0.0.1\r\nhost: x/",
    "https://example.com\n/",
    "https://-example.com/",
    "https://exa$mple.com/",
    "https://xn--a/",
    "https://*/",
]
ALLOWED_TEXTS = [
    "https://example.com/picture.png?sig=1#x",
    "https://EXAMPLE.com:443/",
    "https://files.example.com:8443/a",
    "https://bücher.example/",
    "https://under_score.example.com/",
    "https://8.8.8.8/x",
    "https://[2606:4700:4700::1111]/",
    "https://example.com./",
    "https://1.example.com/",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_none_we_call(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_one_we_call(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "127.1", "0x7f000001", "example.com", "1.2.3", "1.2.3.4.5", "٨.8.8.8"])
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize("text", REFUSED_TEXTS)
def test_an_address_from_outside_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Guard().check_url(text)
    assert refused.value.what.endswith(".")
    assert refused.value.what.isprintable()
    assert "word@" not in refused.value.what


@pytest.mark.parametrize("text", ALLOWED_TEXTS)
def test_an_ordinary_address_passes(text: str) -> None:
    assert Guard().check_url(text).scheme == "https"


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("localhost", "http://localhost:9100/x"),
        ("localhost", "http://LOCALHOST./x"),
        ("10.0.0.7:9000", "http://10.0.0.7:9000/"),
        ("[::1]:9100", "http://[::1]:9100/"),
        ("[::1]", "https://[0:0:0:0:0:0:0:1]:7/"),
        ("fd00::5", "http://[fd00::5]/"),
        ("files.lan:80", "http://files.lan/"),
    ],
)
def test_a_person_may_allow_hosts_of_their_own(allowed: str, url: str) -> None:
    assert Guard([allowed]).check_url(url)
    with pytest.raises(BadRequest):
        Guard().check_url(url)


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("10.0.0.7:9000", "http://10.0.0.7:9001/"),
        ("10.0.0.7:9000", "http://10.0.0.8:9000/"),
        ("localhost", "http://localhost.evil.com/"),
        ("localhost", "http://notlocalhost/"),
        ("localhost:9100", "http://user@localhost:9100/"),
        ("localhost:9100", "ftp://localhost:9100/"),
    ],
)
def test_what_is_allowed_is_allowed_exactly(allowed: str, url: str) -> None:
    with pytest.raises(BadRequest):
        Guard([allowed]).check_url(url)


def test_the_settings_say_who_is_allowed(tmp_path: Path) -> None:
    environ = {
        "AGENTES_HOME": str(tmp_path),
        "AGENTES_SANDBOX_URL": "http://127.0.0.1:9100",
        "AGENTES_BASE_URL_RUNWAY": "https://[::1]/runway",
        "AGENTES_ALLOW_PRIVATE_HOSTS": "localhost,10.0.0.7:9000",
    }
    guard = Guard.of(Settings.read(environ, tmp_path / "none"))
    assert guard.allows("127.0.0.1", 9100)
    assert guard.allows("::1", 443)
    assert guard.allows("localhost", 1)
    assert guard.allows("10.0.0.7", 9000)
    assert not guard.allows("127.0.0.1", 9101)
    assert not guard.allows("10.0.0.7", 80)
    assert SecretManager(environ, tmp_path / "none").get("AGENTES_LLM_KEY") is None


class Phone(httpcore.AsyncNetworkBackend):
    """Notes what was dialled; some addresses do not answer."""

    def __init__(self, dead: Iterable[str] = ()) -> None:
        self.dialled: list[tuple[str, int]] = []
        self._dead = set(dead)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.dialled.append((host, port))
        if host in self._dead:
            raise httpcore.ConnectError("nobody there")
        return httpcore.AsyncMockStream([])


class Book:
    """A directory of names that may change its mind from one question to the next."""

    def __init__(self, *pages: list[str]) -> None:
        self._pages: Iterator[list[str]] = iter(pages)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return next(self._pages)


async def test_the_checked_address_is_the_dialled_one() -> None:
    phone, book = Phone(), Book(["93.184.216.34"])
    await Dialler(Guard(), look_up=book, line=phone).connect_tcp("example.com", 443)
    assert phone.dialled == [("93.184.216.34", 443)]


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_to_a_private_address_is_not_called(address: str) -> None:
    phone = Phone()
    with pytest.raises(Unsuitable, match="public machine"):
        await Dialler(Guard(), look_up=Book([address]), line=phone).connect_tcp("evil.example", 443)
    assert phone.dialled == []


@pytest.mark.parametrize("answers", [["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"]])
async def test_one_private_answer_refuses_the_whole_name(answers: list[str]) -> None:
    phone = Phone()
    with pytest.raises(Unsuitable):
        await Dialler(Guard(), look_up=Book(answers), line=phone).connect_tcp("mixed.example", 443)
    assert phone.dialled == []


async def test_a_name_that_changes_its_mind_is_asked_once_only() -> None:
    phone, book = Phone(), Book(["93.184.216.34"], ["127.0.0.1"])
    dialler = Dialler(Guard(), look_up=book, line=phone)
    await dialler.connect_tcp("rebind.example", 443)
    assert (book.asked, phone.dialled) == (["rebind.example"], [("93.184.216.34", 443)])
    with pytest.raises(Unsuitable):
        await dialler.connect_tcp("rebind.example", 443)
    assert len(phone.dialled) == 1


async def test_the_next_address_is_tried_where_one_is_dead() -> None:
    phone = Phone(dead=["2606:4700::1"])
    dialler = Dialler(Guard(), look_up=Book(["2606:4700::1", "93.184.216.34"]), line=phone)
    await dialler.connect_tcp("example.com", 443, timeout=5)
    assert [host for host, _ in phone.dialled] == ["2606:4700::1", "93.184.216.34"]


async def test_an_allowed_host_is_called_wherever_it_leads() -> None:
    phone = Phone()
    dialler = Dialler(Guard(["nas.lan:9000"]), look_up=Book(["10.0.0.7"], ["10.0.0.7"]), line=phone)
    await dialler.connect_tcp("NAS.lan", 9000)
    with pytest.raises(Unsuitable):
        await dialler.connect_tcp("nas.lan", 9001)
    assert phone.dialled == [("10.0.0.7", 9000)]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0x7f.1"])
async def test_odd_spellings_are_judged_by_what_they_resolve_to(host: str) -> None:
    phone, as_the_resolver_reads_it = Phone(), socket.inet_ntoa(socket.inet_aton(host))
    with pytest.raises(Unsuitable):
        await Dialler(Guard(), look_up=Book([as_the_resolver_reads_it]), line=phone).connect_tcp(host, 443)
    assert phone.dialled == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
async def test_this_machine_is_not_called(host: str) -> None:
    phone = Phone()
    with pytest.raises(Unsuitable):
        await Dialler(Guard(), line=phone).connect_tcp(host, 443)
    assert phone.dialled == []


async def test_a_name_that_is_not_resolved_in_time_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        raise AssertionError("it was not interrupted")

    monkeypatch.setattr(guard_module, "_LOOK_UP_S", 0.01)
    with pytest.raises(httpcore.ConnectTimeout, match="not resolved"):
        await Dialler(Guard(), look_up=never, line=Phone()).connect_tcp("slow.example", 443)


@pytest.mark.parametrize("trouble", [OSError("no such host"), UnicodeError("label too long")])
async def test_a_name_that_is_not_there_is_no_connection(trouble: Exception) -> None:
    async def fails(host: str, port: int) -> list[str]:
        raise trouble

    with pytest.raises(httpcore.ConnectError, match="no machine called gone"):
        await Dialler(Guard(), look_up=fails, line=Phone()).connect_tcp("gone.example", 443)
    with pytest.raises(httpcore.ConnectError):
        await Dialler(Guard(), look_up=Book([]), line=Phone()).connect_tcp("empty.example", 443)


async def test_no_file_of_this_machine_is_a_platform() -> None:
    with pytest.raises(Unsuitable):
        await Dialler(Guard()).connect_unix_socket("/run/docker.sock")


async def test_this_machine_answers_for_itself() -> None:
    assert set(await look_up("localhost", 80)) <= {"127.0.0.1", "::1"}
