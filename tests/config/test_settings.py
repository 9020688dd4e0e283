"""Settings: a default for everything, a sentence for every wrong value, no password in print."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from config.secrets import SecretManager
from config.settings import VARIABLES, Settings, without_credentials
from shared_knowledge.caps import Limits
from shared_knowledge.errors import BadRequest
from shared_knowledge.money import Money

PASSWORD = "cnry-8f3a91c7-word"


def read(folder: Path, **environ: str) -> Settings:
    return Settings.read({"HOME": "/home-of-someone", **environ}, folder / ".env")


def test_nothing_needs_to_be_set(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.limits == Limits(a_day=Money.dollars("10.00"))
    assert settings.sqlite_file == settings.home / "ledger.db"
    assert settings.shelf_folder == settings.home / "shelf"
    assert settings.sandbox_url is None
    assert settings.llm_key is None
    assert settings.allow_private_hosts == ()
    assert dict(settings.base_urls) == {}
    assert settings.warnings == ()


def test_practice_has_a_ledger_of_its_own(tmp_path: Path) -> None:
    practice = read(tmp_path, AGENTES_SANDBOX_URL="http://127.0.0.1:9100")
    assert practice.sqlite_file == practice.home / "practice.db"
    stated = read(
        tmp_path, AGENTES_SANDBOX_URL="http://127.0.0.1:9100", AGENTES_DATABASE_URL="sqlite:////x/own.db"
    )
    assert stated.sqlite_file == Path("/x/own.db")


@pytest.mark.skipif(sys.platform == "darwin", reason="the folders of Linux")
def test_the_home_follows_the_platform(tmp_path: Path) -> None:
    assert read(tmp_path).home == Path("/home-of-someone/.local/share/agentes")
    assert read(tmp_path, XDG_DATA_HOME="/elsewhere").home == Path("/elsewhere/agentes")
    assert read(tmp_path, XDG_DATA_HOME="not/absolute").home == Path("/home-of-someone/.local/share/agentes")


def test_the_home_is_absolute_and_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read(tmp_path, AGENTES_HOME="here").home == tmp_path / "here"
    assert not (tmp_path / "here").exists()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read(tmp_path, AGENTES_HOME="~/there").home == tmp_path / "there"


def test_dotenv_and_mounted_files_count_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "AGENTES_MAX_USD_PER_DAY=2.50\nAGENTES_BASE_URL_LUMA=http://localhost:1/x/\n"
    )
    (tmp_path / ".env").chmod(0o600)
    (tmp_path / "url").write_text("postgresql://me:pw@db/agentes\n")
    settings = read(tmp_path, AGENTES_DATABASE_URL_FILE=str(tmp_path / "url"))
    assert settings.limits.a_day == Money.dollars("2.5")
    assert settings.base_urls["luma"] == "http://localhost:1/x"
    assert settings.database_url == "postgresql://me:pw@db/agentes"
    assert settings.sqlite_file is None
    assert settings.warnings == ()


def test_a_cap_of_nothing_is_a_cap(tmp_path: Path) -> None:
    assert read(tmp_path, AGENTES_MAX_USD_PER_DAY="0").limits.a_day == 0


@pytest.mark.parametrize(
    ("variable", "wrong"),
    [
        ("AGENTES_MAX_USD_PER_DAY", "ten"),
        ("AGENTES_MAX_USD_PER_DAY", "-1"),
        ("AGENTES_MAX_USD_PER_DAY", "1e3"),
        ("AGENTES_MAX_USD_PER_DAY", "NaN"),
        ("AGENTES_MAX_USD_PER_DAY", "1_000"),
        ("AGENTES_MAX_USD_PER_DAY", "$5"),
        ("AGENTES_DATABASE_URL", "mysql://h/db"),
        ("AGENTES_DATABASE_URL", "sqlite://relative.db"),
        ("AGENTES_DATABASE_URL", "sqlite:///"),
        ("AGENTES_DATABASE_URL", "ledger.db"),
        ("AGENTES_SHELF_URL", "ftp://bucket/prefix"),
        ("AGENTES_SHELF_URL", "s3:///prefix"),
        ("AGENTES_SANDBOX_URL", "127.0.0.1:9100"),
        ("AGENTES_SANDBOX_URL", "http://"),
        ("AGENTES_SANDBOX_URL", "http://h:99999"),
        ("AGENTES_SANDBOX_URL", "http://[::1"),
        ("AGENTES_SANDBOX_URL", "http://h/?key=1"),
        ("AGENTES_SANDBOX_URL", "file:///etc"),
        ("AGENTES_BASE_URL_LUMA", "luma.example"),
        ("AGENTES_ALLOW_PRIVATE_HOSTS", "http://localhost"),
        ("AGENTES_ALLOW_PRIVATE_HOSTS", "a b"),
        ("AGENTES_LOG", "xml"),
        ("AGENTES_LOG", "json:loud"),
        ("AGENTES_LLM_URL", "api.example.com/v1"),
        ("AGENTES_HOME", "~nobody-of-that-name/x"),
        ("AGENTES_HOME", "a\nb"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, variable: str, wrong: str) -> None:
    with pytest.raises(BadRequest, match=variable) as refused:
        read(tmp_path, **{variable: wrong})
    assert variable == "AGENTES_HOME" or refused.value.todo


def test_the_home_may_not_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadRequest, match="AGENTES_HOME names a file"):
        read(tmp_path, AGENTES_HOME=str(tmp_path / "file"))


def test_a_platform_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A typing error here would send practice orders to the true vendor.
    monkeypatch.setattr("config.settings._platform_ids", lambda: frozenset({"luma", "runway"}))
    with pytest.raises(BadRequest, match=r"AGENTES_BASE_URL_RUNAWAY names no platform.*luma, runway"):
        read(tmp_path, AGENTES_BASE_URL_RUNAWAY="http://localhost:1")


def test_a_setting_that_is_not_one_is_mentioned(tmp_path: Path) -> None:
    settings = read(tmp_path, AGENTES_MAX_USD_DAY="1", AGENTES_BUTTERFLY="blue")
    assert settings.warnings == (
        "AGENTES_BUTTERFLY is not a setting.",
        "AGENTES_MAX_USD_DAY is not a setting; did you mean AGENTES_MAX_USD_PER_DAY?",
    )


def test_a_chat_endpoint_needs_its_model(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="AGENTES_LLM_MODEL"):
        read(tmp_path, AGENTES_LLM_URL="http://localhost:11434/v1")
    settings = read(
        tmp_path,
        AGENTES_LLM_URL="http://localhost:11434/v1/",
        AGENTES_LLM_MODEL="small",
        AGENTES_LLM_KEY=PASSWORD,
    )
    assert (settings.llm_url, settings.llm_model) == ("http://localhost:11434/v1", "small")
    assert settings.llm_key is not None
    assert settings.llm_key.reveal() == PASSWORD


def test_a_platform_is_reached_where_it_was_set_then_at_the_sandbox_then_as_usual(tmp_path: Path) -> None:
    usual = "https://api.example.com"
    assert read(tmp_path).reach("luma", usual) == usual
    sandboxed = {"AGENTES_SANDBOX_URL": "http://127.0.0.1:9100/"}
    assert read(tmp_path, **sandboxed).reach("luma", usual) == "http://127.0.0.1:9100/luma"
    own = {"AGENTES_BASE_URL_LUMA": "http://127.0.0.1:7000", **sandboxed}
    assert read(tmp_path, **own).reach("luma", usual) == "http://127.0.0.1:7000"


@pytest.mark.parametrize(
    "hosts", ["localhost", "LocalHost, 10.0.0.7:9000 ,", "[::1]:80,::1,fe80::1", "a_b.internal"]
)
def test_private_hosts_are_a_list(tmp_path: Path, hosts: str) -> None:
    allowed = read(tmp_path, AGENTES_ALLOW_PRIVATE_HOSTS=hosts).allow_private_hosts
    assert allowed == tuple(host.strip().lower() for host in hosts.split(",") if host.strip())


def test_shelves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("a shelf", str(tmp_path / "a shelf"), (tmp_path / "a shelf").as_uri()):
        assert read(tmp_path, AGENTES_SHELF_URL=text).shelf_folder == tmp_path / "a shelf"
    bucket = read(tmp_path, AGENTES_SHELF_URL="s3://bucket/prefix/")
    assert bucket.shelf_url == "s3://bucket/prefix"
    assert bucket.shelf_folder is None


def test_a_database_file_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read(tmp_path, AGENTES_DATABASE_URL="sqlite:///x.db").sqlite_file == tmp_path / "x.db"
    stated = f"sqlite:///{tmp_path}/y.db"
    assert read(tmp_path, AGENTES_DATABASE_URL=stated).sqlite_file == tmp_path / "y.db"
    assert read(tmp_path, AGENTES_DATABASE_URL="postgres://h/d").database_url == "postgresql://h/d"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AGENTES_DATABASE_URL", f"postgresql://me:{PASSWORD}@db.example/agentes"),
        (
            "AGENTES_DATABASE_URL",
            f"postgresql://db.example/agentes?user=me&password={PASSWORD}&sslmode=require",
        ),
        ("AGENTES_SANDBOX_URL", f"http://me:{PASSWORD}@127.0.0.1:9100"),
        ("AGENTES_BASE_URL_LUMA", f"http://{PASSWORD}:@127.0.0.1:9100"),
        ("AGENTES_LLM_KEY", PASSWORD),
    ],
)
def test_passwords_are_not_printed_and_are_known_to_the_mask(
    tmp_path: Path, variable: str, value: str
) -> None:
    secrets = SecretManager({variable: value, "HOME": "/h"}, tmp_path / ".env")
    settings = Settings.read(secrets=secrets)
    for text in (repr(settings), str(settings), f"{settings}", repr([settings]), str(settings.shown())):
        assert PASSWORD not in text
        assert variable in text
    if f":{PASSWORD}" in value or f"password={PASSWORD}" in value:
        assert PASSWORD not in secrets.mask(f"connecting to {value}")


def test_addresses_without_credentials() -> None:
    assert without_credentials("https://a.example/x?y=1") == "https://a.example/x?y=1"
    assert without_credentials("https://u:p@a.example:8/x") == "https://…@a.example:8/x"
    assert (
        without_credentials("https://a.example/x?api_key=123&page=2") == "https://a.example/x?api_key&page=2"
    )
    assert without_credentials("sqlite:////var/lib/ledger.db") == "sqlite:////var/lib/ledger.db"


def test_settings_never_change(tmp_path: Path) -> None:
    settings = read(tmp_path)
    with pytest.raises(FrozenInstanceError):
        settings.home = Path()  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.base_urls["luma"] = "x"  # type: ignore[index]


def test_every_variable_is_shown_when_it_is_set(tmp_path: Path) -> None:
    values = {
        "AGENTES_SANDBOX_URL": "http://h",
        "AGENTES_MAX_USD_PER_TENANT": "5",
        "AGENTES_MAX_USD_PER_KEY": "key_1=5",
        "AGENTES_MAX_USD_PER_PLATFORM": "runway=2.5,*=1",
        "AGENTES_ALLOW_PRIVATE_HOSTS": "h",
        "AGENTES_LOG": "json",
        "AGENTES_PUBLIC_URL": "http://h",
        "AGENTES_LLM_URL": "http://h",
        "AGENTES_LLM_MODEL": "m",
        "AGENTES_LLM_KEY": PASSWORD,
        "AGENTES_LLM_USD_PER_M_INPUT": "0.15",
        "AGENTES_LLM_USD_PER_M_OUTPUT": "0.60",
    }
    assert set(read(tmp_path, **values).shown()) == set(VARIABLES)


def test_reading_settings_is_cheap() -> None:
    probe = (
        "import sys\n"
        "from config.settings import Settings\n"
        "import config.log_setup\n"
        "Settings.read()\n"
        "heavy = {'dotenv', 'httpx', 'sqlite3', 'langgraph', 'PIL', 'jinja2', 'asyncio', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("[]\n", "")


class TestLimits:
    def test_one_amount_holds_for_each_and_a_name_for_itself(self, tmp_path: Path) -> None:
        limits = read(
            tmp_path,
            AGENTES_MAX_USD_PER_TENANT="5",
            AGENTES_MAX_USD_PER_PLATFORM=" runway=2.50 , *=1,",
            AGENTES_OVER_CAP="Ask",
        ).limits
        assert limits.by_tenant == {"*": Money.dollars("5")}
        assert limits.by_platform == {"runway": Money.dollars("2.50"), "*": Money.dollars("1")}
        assert limits.by_key == {}
        assert limits.over_cap == "ask"

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("AGENTES_MAX_USD_PER_TENANT", "much"),
            ("AGENTES_MAX_USD_PER_TENANT", "acme=-1"),
            ("AGENTES_MAX_USD_PER_KEY", "=5"),
            ("AGENTES_MAX_USD_PER_PLATFORM", "runway=1,runway=2"),
            ("AGENTES_OVER_CAP", "sometimes"),
        ],
    )
    def test_what_would_hold_nothing_back_is_refused(self, tmp_path: Path, variable: str, value: str) -> None:
        with pytest.raises(BadRequest, match=variable):
            read(tmp_path, **{variable: value})


def test_the_price_of_a_model_is_whole_or_not_there(tmp_path: Path) -> None:
    told = {"AGENTES_LLM_USD_PER_M_INPUT": "0.15", "AGENTES_LLM_USD_PER_M_OUTPUT": "0.60"}
    assert read(tmp_path).llm_usd_per_m is None
    assert read(tmp_path, **told).llm_usd_per_m == (Money(150_000), Money(600_000))
    for variable in told:
        with pytest.raises(BadRequest, match=variable):
            read(tmp_path, **{name: text for name, text in told.items() if name != variable})
        with pytest.raises(BadRequest, match=variable):
            read(tmp_path, **{**told, variable: "-1"})


def test_the_log_is_text_for_people_and_json_for_machines(tmp_path):
    assert read(tmp_path).log == "text:warning"
    assert read(tmp_path, AGENTES_LOG="json").log == "json:info"
    assert read(tmp_path, AGENTES_LOG="Text:Debug").shown()["AGENTES_LOG"] == "text:debug"
