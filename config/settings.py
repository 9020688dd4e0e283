"""Settings: everything a person may set from outside, read once, then fixed.

Each has a default, so that nothing needs to be set; a wrong value is refused by the name of its
variable, and printing the settings shows no password.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import shared_knowledge
from config.secrets import Secret, SecretManager
from shared_knowledge.caps import ANY, Limits, OverCap
from shared_knowledge.errors import BadRequest
from shared_knowledge.money import Money

__all__ = ["VARIABLES", "Settings", "without_credentials"]

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "AGENTES_HOME": "a folder for the state: database, shelf, logs",
        "AGENTES_DATABASE_URL": "sqlite:///path/to/file or postgresql://user:password@host/name",
        "AGENTES_SHELF_URL": "a folder, or s3://bucket/prefix, gs://bucket/prefix, az://container/prefix",
        "AGENTES_SANDBOX_URL": "the address of the practice platforms, such as http://127.0.0.1:9100",
        "AGENTES_MAX_USD_PER_DAY": "an amount in dollars, such as 10 or 2.50",
        "AGENTES_MAX_USD_PER_TENANT": "an amount a day for each, or for some, such as 5 or acme=20,*=5",
        "AGENTES_MAX_USD_PER_KEY": "an amount a day for each, or for some, such as 5 or key_1a2b=20,*=5",
        "AGENTES_MAX_USD_PER_PLATFORM": "an amount a day for each, or for some, such as 5 or runway=2.50,kling=1",
        "AGENTES_OVER_CAP": "refuse, ask (the job pauses and keeps what it has) or warn",
        "AGENTES_ALLOW_PRIVATE_HOSTS": "hosts separated by commas, such as localhost,10.0.0.7:9000",
        "AGENTES_LOG": "text or json, and from which level on, such as json:info or text:debug",
        "AGENTES_PUBLIC_URL": "where the service is reached from outside, such as https://api.example.com",
        "AGENTES_LLM_URL": "the address of an OpenAI-compatible chat endpoint, such as http://127.0.0.1:11434/v1",
        "AGENTES_LLM_MODEL": "the model to ask for there",
        "AGENTES_LLM_KEY": "the key to ask with",
        "AGENTES_LLM_USD_PER_M_INPUT": "dollars for a million tokens that are sent, such as 0.15",
        "AGENTES_LLM_USD_PER_M_OUTPUT": "dollars for a million tokens that come back, such as 0.60",
    }
)
_A_DAY = Money.dollars("10")
_LOG = "text:warning"
_LEVELS = ("debug", "info", "warning", "error")
_BASE_URL = "AGENTES_BASE_URL_"
_FILE = "_FILE"
_HOST = (
    r"(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*"
)
_PRIVATE_PARAMETER = r"(?i)pass|secret|token|key|sig"


@dataclass(frozen=True, repr=False)
class Settings:
    """What is set from outside, whole and checked."""

    home: Path
    database_url: str
    shelf_url: str
    sandbox_url: str | None = None
    base_urls: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limits: Limits = field(default_factory=lambda: Limits(a_day=_A_DAY))
    allow_private_hosts: tuple[str, ...] = ()
    log: str = _LOG
    public_url: str | None = None
    llm_url: str | None = None
    llm_model: str | None = None
    llm_key: Secret | None = None
    llm_usd_per_m: tuple[Money, Money] | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        environ: Mapping[str, str] | None = None,
        dotenv: Path | None = None,
        *,
        secrets: SecretManager | None = None,
    ) -> Settings:
        """Reads and checks everything; raises BadRequest naming the variable and what it may be."""
        secrets = secrets or SecretManager(environ, dotenv)
        read = _Reader(secrets)
        home = read.folder("AGENTES_HOME") or _users_folder(secrets.sources.environ)
        sandbox_url = read.address("AGENTES_SANDBOX_URL")
        # Practice has a ledger of its own: what the sandbox "sold" never stands among real costs.
        ledger = "practice.db" if sandbox_url else "ledger.db"
        llm_url, llm_model = read.address("AGENTES_LLM_URL"), read.text("AGENTES_LLM_MODEL")
        if llm_url and not llm_model:
            raise _refused("AGENTES_LLM_MODEL", "is needed beside AGENTES_LLM_URL")
        return cls(
            home=home,
            database_url=read.database("AGENTES_DATABASE_URL") or f"sqlite:///{home / ledger}",
            shelf_url=read.shelf("AGENTES_SHELF_URL") or (home / "shelf").as_uri(),
            sandbox_url=sandbox_url,
            base_urls=read.base_urls(),
            limits=read.limits(),
            allow_private_hosts=read.hosts("AGENTES_ALLOW_PRIVATE_HOSTS"),
            log=read.log("AGENTES_LOG"),
            public_url=read.address("AGENTES_PUBLIC_URL"),
            llm_url=llm_url,
            llm_model=llm_model,
            llm_key=secrets.get("AGENTES_LLM_KEY"),
            llm_usd_per_m=read.prices("AGENTES_LLM_USD_PER_M_INPUT", "AGENTES_LLM_USD_PER_M_OUTPUT"),
            warnings=(*secrets.warnings, *read.strangers()),
        )

    @property
    def sqlite_file(self) -> Path | None:
        """The database file; None where the database is not SQLite."""
        scheme, _, path = self.database_url.partition(":///")
        return Path(path) if scheme == "sqlite" else None

    @property
    def shelf_folder(self) -> Path | None:
        """The folder of the shelf; None where it is a bucket."""
        parts = urlsplit(self.shelf_url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    def reach(self, platform: str, usual: str) -> str:
        """Where a platform is reached: its own setting, else the sandbox, else its usual address."""
        if platform in self.base_urls:
            return self.base_urls[platform]
        return f"{self.sandbox_url}/{platform}" if self.sandbox_url else usual

    def shown(self) -> dict[str, str]:
        """Every setting under its variable's name, without passwords, for a person to read."""
        rows = {
            "AGENTES_HOME": str(self.home),
            "AGENTES_DATABASE_URL": without_credentials(self.database_url),
            "AGENTES_SHELF_URL": without_credentials(self.shelf_url),
            "AGENTES_SANDBOX_URL": without_credentials(self.sandbox_url or ""),
            **{
                f"{_BASE_URL}{name.upper()}": without_credentials(url) for name, url in self.base_urls.items()
            },
            "AGENTES_MAX_USD_PER_DAY": self.limits.a_day.usd,
            "AGENTES_MAX_USD_PER_TENANT": _amounts(self.limits.by_tenant),
            "AGENTES_MAX_USD_PER_KEY": _amounts(self.limits.by_key),
            "AGENTES_MAX_USD_PER_PLATFORM": _amounts(self.limits.by_platform),
            "AGENTES_OVER_CAP": self.limits.over_cap,
            "AGENTES_ALLOW_PRIVATE_HOSTS": ",".join(self.allow_private_hosts),
            "AGENTES_LOG": "" if self.log == _LOG else self.log,
            "AGENTES_PUBLIC_URL": without_credentials(self.public_url or ""),
            "AGENTES_LLM_URL": without_credentials(self.llm_url or ""),
            "AGENTES_LLM_MODEL": self.llm_model or "",
            "AGENTES_LLM_KEY": str(self.llm_key or ""),
            "AGENTES_LLM_USD_PER_M_INPUT": self.llm_usd_per_m[0].usd if self.llm_usd_per_m else "",
            "AGENTES_LLM_USD_PER_M_OUTPUT": self.llm_usd_per_m[1].usd if self.llm_usd_per_m else "",
        }
        return {name: text for name, text in rows.items() if text}

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={text}' for name, text in self.shown().items())})"


def without_credentials(url: str) -> str:
    """The address without user, password or any parameter that is nobody's business."""
    parts = urlsplit(url)
    if "@" not in parts.netloc and not parts.query:
        return url
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(
        name if re.search(_PRIVATE_PARAMETER, name) else f"{name}={value}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return parts._replace(netloc=f"…@{host}" if "@" in parts.netloc else host, query=query).geturl()


def _amount(variable: str, text: str) -> Money:
    try:
        return Money.dollars(text)
    except ValueError:
        raise _refused(variable, "is not an amount") from None


def _amounts(limits: Mapping[str, Money]) -> str:
    return ",".join(f"{name}={limit.usd}" for name, limit in limits.items())


class _Reader:
    """Reads one kind of value at a time, refusing what it cannot be."""

    def __init__(self, secrets: SecretManager) -> None:
        self._secrets = secrets

    def text(self, variable: str) -> str | None:
        return self._secrets.plain(variable) or None

    def folder(self, variable: str) -> Path | None:
        text = self.text(variable)
        if text is None:
            return None
        folder = _absolute(variable, text)
        if folder.is_file():
            raise _refused(variable, "names a file")
        return folder

    def address(self, variable: str) -> str | None:
        text = self.text(variable)
        if text is None:
            return None
        parts = self._split(variable, text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _refused(variable, "is not an http address")
        if parts.query or parts.fragment:
            raise _refused(variable, "has more than host and path")
        return text.rstrip("/")

    def database(self, variable: str) -> str | None:
        text = self.text(variable)
        if text is None:
            return None
        parts = self._split(variable, text)
        if parts.scheme == "sqlite":
            if parts.netloc or len(parts.path) < 2 or parts.query:
                raise _refused(variable, "is not a path to a file (sqlite:/// and then the path)")
            return f"sqlite:///{_absolute(variable, parts.path[1:])}"
        if parts.scheme not in ("postgresql", "postgres"):
            raise _refused(variable, "is not a database this program knows")
        for name, value in parse_qsl(parts.query):
            if re.search(_PRIVATE_PARAMETER, name):
                self._secrets.remember(variable, value)
        return parts._replace(scheme="postgresql").geturl()

    def shelf(self, variable: str) -> str | None:
        text = self.text(variable)
        if text is None:
            return None
        scheme = text.partition("://")[0] if "://" in text else ""
        if scheme in ("", "file"):
            path = unquote(urlsplit(text).path) if scheme else text
            return _absolute(variable, path).as_uri()
        parts = self._split(variable, text)
        if scheme not in ("s3", "gs", "az") or not parts.hostname:
            raise _refused(variable, "is neither a folder nor a bucket")
        return text.rstrip("/")

    def base_urls(self) -> Mapping[str, str]:
        urls: dict[str, str] = {}
        for variable in self._secrets.sources.names(_BASE_URL):
            platform = variable.removeprefix(_BASE_URL).removesuffix(_FILE).lower()
            known = _platform_ids()
            if known and platform not in known:
                raise BadRequest(
                    f"{variable} names no platform.", todo=f"The platforms are {', '.join(sorted(known))}."
                )
            url = self.address(variable.removesuffix(_FILE))
            if url:
                urls[platform] = url
        return MappingProxyType(urls)

    def limits(self) -> Limits:
        over_cap = (self.text("AGENTES_OVER_CAP") or OverCap.REFUSE).lower()
        if over_cap not in set(OverCap):
            raise _refused("AGENTES_OVER_CAP", "is none of the three")
        a_day = self.text("AGENTES_MAX_USD_PER_DAY")
        return Limits(
            a_day=_A_DAY if a_day is None else _amount("AGENTES_MAX_USD_PER_DAY", a_day),
            by_tenant=self.amounts("AGENTES_MAX_USD_PER_TENANT"),
            by_key=self.amounts("AGENTES_MAX_USD_PER_KEY"),
            by_platform=self.amounts("AGENTES_MAX_USD_PER_PLATFORM"),
            over_cap=OverCap(over_cap),
        )

    def prices(self, sent: str, received: str) -> tuple[Money, Money] | None:
        told = self.text(sent), self.text(received)
        if told == (None, None):
            return None
        for variable, text in zip((sent, received), told, strict=True):
            if text is None:
                raise _refused(variable, "is missing: half a price is none")
        return _amount(sent, told[0] or ""), _amount(received, told[1] or "")

    def amounts(self, variable: str) -> dict[str, Money]:
        amounts: dict[str, Money] = {}
        for part in (self.text(variable) or "").split(","):
            name, says, amount = part.rpartition("=")
            name = name.strip() if says else ANY
            if not part.strip():
                continue
            if not name or name in amounts:
                raise _refused(variable, "names nobody, or somebody twice")
            amounts[name] = _amount(variable, amount.strip())
        return amounts

    def log(self, variable: str) -> str:
        form, _, level = (self.text(variable) or _LOG).lower().partition(":")
        level = level or ("info" if form == "json" else "warning")
        if form not in ("text", "json") or level not in _LEVELS:
            raise _refused(variable, "is no kind of log")
        return f"{form}:{level}"

    def hosts(self, variable: str) -> tuple[str, ...]:
        hosts = tuple(host.strip().lower() for host in (self.text(variable) or "").split(",") if host.strip())
        if not all(re.fullmatch(_HOST, host) for host in hosts):
            raise _refused(variable, "holds something that is not a host")
        return hosts

    def strangers(self) -> tuple[str, ...]:
        ours = {*VARIABLES, *(f"{name}{_FILE}" for name in VARIABLES)}
        return tuple(
            f"{name} is not a setting{_meant(name)}"
            for name in self._secrets.sources.names("AGENTES_")
            if name not in ours and not name.startswith(_BASE_URL)
        )

    def _split(self, variable: str, text: str) -> SplitResult:
        parts = _parts(text)
        if parts is None:
            raise _refused(variable, "is not an address")
        if parts.password:
            for password in {parts.password, unquote(parts.password)}:
                self._secrets.remember(variable, password)
        return parts


def _parts(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - asking for the port is what checks it
    except ValueError:
        return None
    return parts


def _refused(variable: str, why: str) -> BadRequest:
    return BadRequest(f"{variable} {why}.", todo=f"It may be {VARIABLES.get(variable, 'an http address')}.")


def _meant(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, VARIABLES, n=1, cutoff=0.8)
    return f"; did you mean {near[0]}?" if near else "."


def _absolute(variable: str, text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise _refused(variable, "names the home folder of nobody on this machine") from None


def _users_folder(environ: Mapping[str, str]) -> Path:
    stated = environ.get("XDG_DATA_HOME", "")
    if stated.startswith("/"):
        return Path(stated) / "agentes"
    try:
        user = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError:
        raise _refused("AGENTES_HOME", "must be set, for this user has no home folder") from None
    if sys.platform == "darwin":
        return user / "Library" / "Application Support" / "agentes"
    return user.absolute() / ".local" / "share" / "agentes"


def _platform_ids() -> frozenset[str]:
    folder = Path(shared_knowledge.__file__ or "").parent / "platforms"
    return frozenset(file.stem for file in folder.glob("*.toml"))
