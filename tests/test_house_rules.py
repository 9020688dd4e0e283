"""The house keeps its rules, and every rule is seen to catch what it is there to catch."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from house import PACKAGES, ROOT, RULES, Module, modules
from secret_scan import committed_files, main, scan_text

from config.settings import VARIABLES

OPENING = '"""It says what it is."""\n'

# For every rule: what it must catch (path, text), and what it must let pass.
CAUGHT: dict[str, list[tuple[str, str]]] = {
    "names say something": [
        ("agentes/utils.py", ""),
        ("agentes/wire/common.py", ""),
        ("orchestrator/base.py", ""),
        ("config/key_helpers.py", ""),
        ("agentes/x.py", "class BasePlatform: ..."),
        ("agentes/x.py", "class PlatformManager: ..."),
        ("agentes/x.py", "class TaskInfo: ..."),
        ("agentes/x.py", "def handle_order(): ..."),
        ("agentes/x.py", "async def _process_order(): ..."),
        ("agentes/x.py", "def f(data): ..."),
        ("agentes/x.py", "info = 1"),
        ("tests/x.py", "def helper(): ..."),
    ],
    "a module opens with a sentence": [
        ("agentes/x.py", "import json"),
        ("agentes/x/__init__.py", ""),
        ("tests/x.py", '"""Tests"""'),
    ],
    "a public function says what it promises": [("agentes/x.py", "def quote(): ...")],
    "exports are complete and sorted": [
        ("agentes/x.py", "def quote(): ..."),
        ("agentes/x.py", "__all__ = ['quote']\ndef quote(): ...\ndef plan(): ..."),
        ("agentes/x.py", "__all__ = ['quote', 'plan']\ndef quote(): ...\ndef plan(): ..."),
        ("agentes/x.py", "__all__ = ['gone']"),
    ],
    "only what is offered is taken": [
        ("agentes/x.py", "from shared_knowledge.offers import SECRET_LIMIT"),
        ("agentes/x.py", "def f():\n    from shared_knowledge.offers import _inner"),
    ],
    "only the wire builds clients": [
        ("agentes/photo_agent/agent.py", "import httpx\nhttpx.AsyncClient()"),
        ("orchestrator/brief/x.py", "import httpx\ndef f():\n    with httpx.Client() as c: ..."),
        ("agentes/media/shelf.py", "import httpx\nhttpx.get('x')"),
        ("agentes/media/shelf.py", "from httpx import AsyncClient"),
        ("agentes/media/shelf.py", "from urllib.request import urlopen"),
        ("config/x.py", "import requests"),
    ],
    "one launcher of processes": [
        ("agentes/media/probe.py", "import subprocess"),
        ("orchestrator/x.py", "from multiprocessing import Pool"),
        ("orchestrator/x.py", "import os\nos.system('x')"),
        ("orchestrator/x.py", "import os\nos.execvp('x', [])"),
        ("agentes/x.py", "import asyncio\nasyncio.create_subprocess_exec('x')"),
        ("agentes/x.py", "from concurrent import futures\nfutures.ProcessPoolExecutor()"),
    ],
    "libraries have owners": [
        ("agentes/media/x.py", "import httpx"),
        ("orchestrator/studio.py", "def f():\n    from langgraph.graph import END"),
        ("orchestrator/faces/cli.py", "import sqlite3"),
        ("config/settings.py", "from dotenv import dotenv_values"),
        ("orchestrator/store/x.py", "from rich.table import Table"),
        ("agentes/media_agent.py", "import tenacity"),
    ],
    "templates come from packages": [
        ("agentes/x.py", "environment.from_string(text)"),
        ("agentes/x.py", "import jinja2\njinja2.Template(text)"),
    ],
    "money is never a float": [
        ("agentes/x.py", "price_usd: float = 0"),
        ("agentes/x.py", "def f(cost: float | None): ..."),
        ("agentes/x.py", "def total_cost() -> 'float': ..."),
        ("agentes/x.py", "class Line:\n    amount: list[float]"),
        ("agentes/x.py", "float(offer.price)"),
    ],
    "the orchestra names no platform": [("orchestrator/x.py", "if platform == 'draft_clip': ...")],
    "only settings read the environment": [
        ("agentes/x.py", "import os\nos.environ.get('A')"),
        ("orchestrator/x.py", "import os\nos.environ['A']"),
        ("orchestrator/x.py", "import os\nos.getenv('A')"),
    ],
}
PASSED: dict[str, list[tuple[str, str]]] = {
    "names say something": [
        ("config/secrets.py", "class SecretManager: ..."),
        ("agentes/x.py", "base_url = database = information = processed = 1\ndef process(): ..."),
        ("agentes/x.py", "x.data = record.info()"),
        ("tests/x.py", "class Page(HTMLParser):\n    def handle_data(self, data): ..."),
    ],
    "a module opens with a sentence": [("agentes/x.py", OPENING)],
    "a public function says what it promises": [
        ("agentes/x.py", "def _f(): ...\ndef g():\n    'Promises something.'"),
        ("tests/x.py", "def test_x(): ..."),
    ],
    "exports are complete and sorted": [
        (
            "agentes/x.py",
            "__all__ = ['LIMIT', 'Quote', 'plan']\nLIMIT = 1\nclass Quote: ...\ndef plan(): ...",
        ),
        ("agentes/x.py", "__all__ = ['main']\n@app.command()\ndef make(): ...\ndef main(): ..."),
        ("agentes/x.py", "_LIMIT = 1\ndef _plan(): ..."),
        ("agentes/x.py", "from typing import TypeVar\n__all__ = ['TypeVar']\nT = TypeVar('T')\nLIMIT = 3"),
    ],
    "only what is offered is taken": [
        ("agentes/x.py", "from shared_knowledge.offers import plan\nfrom shared_knowledge import offers"),
        ("agentes/x.py", "from json import anything\nfrom agentes.not_written import anything"),
        ("tests/x.py", "from shared_knowledge.offers import _inner"),
    ],
    "only the wire builds clients": [
        ("agentes/wire/client.py", "import httpx\nhttpx.AsyncClient()"),
        (
            "agentes/photo_agent/api_integrations/x.py",
            "import httpx\nasync def f(http: httpx.AsyncClient): ...",
        ),
        ("agentes/x.py", "if TYPE_CHECKING:\n    from httpx import AsyncClient"),
        ("agentes/x.py", "from urllib.parse import urlsplit\nx.get('a')\nhttp.post('b')"),
    ],
    "one launcher of processes": [
        ("agentes/media/child.py", "import asyncio\nasyncio.create_subprocess_exec('x')"),
        ("orchestrator/x.py", "import os\nos.replace('a', 'b')\ndef subprocess_count(): ..."),
    ],
    "libraries have owners": [
        ("orchestrator/graph.py", "from langgraph.graph import END"),
        ("agentes/contract.py", "if typing.TYPE_CHECKING:\n    import httpx"),
    ],
    "templates come from packages": [("agentes/x.py", "environment.get_template('a.j2')")],
    "money is never a float": [
        ("shared_knowledge/vocabulary.py", "class Understanding:\n    budget_usd: float | None = None"),
        ("agentes/x.py", "duration_s: float\nprice: Money\nestimated: float\nprices: dict[float, Money]"),
    ],
    "the orchestra names no platform": [
        ("orchestrator/x.py", "'draft_clip is mentioned, not meant'"),
        ("agentes/x.py", "'draft_clip'"),
    ],
    "only settings read the environment": [
        ("config/x.py", "import os\nos.environ.get('A')"),
        ("agentes/x.py", "import os\nos.environ['A'] = 'b'\nsettings.get('A')"),
    ],
}


def test_the_house_keeps_every_rule() -> None:
    complaints = [
        f"{module.path}: {wrong} ({name})"
        for module in modules()
        for name, rule in RULES.items()
        for wrong in rule(module)
    ]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_catches_and_lets_pass(rule: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shared_knowledge/platforms").mkdir(parents=True)
    (tmp_path / "shared_knowledge/platforms/draft_clip.toml").touch()
    (tmp_path / "shared_knowledge/offers.py").write_text(
        "__all__ = ['plan']\nSECRET_LIMIT = _inner = plan = 1\n"
    )
    monkeypatch.setattr("house.ROOT", tmp_path)
    missed = [planted for planted in CAUGHT[rule] if not list(RULES[rule](Module.of(*planted)))]
    assert missed == []
    accused = [(plain, list(RULES[rule](Module.of(*plain)))) for plain in PASSED[rule]]
    assert [each for each in accused if each[1]] == []


# ── the name is the registry ───────────────────────────────────────────────────────────────────


def catalogue() -> dict[str, dict[str, object]]:
    files = (ROOT / "shared_knowledge/platforms").glob("*.toml")
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in files}


def adapters() -> dict[str, str]:
    """Every vendor's adapter that exists, and the medium of the agent it works for."""
    files = (ROOT / "agentes").glob("*_agent/api_integrations/*.py")
    return {file.stem: file.parts[-3].removesuffix("_agent") for file in files if file.stem != "__init__"}


def test_every_local_platform_has_its_module_and_every_draft_its_facts() -> None:
    local = {name for name, facts in catalogue().items() if facts.get("local")}
    drafts = {file.stem for file in (ROOT / "agentes/drafts").glob("draft_*.py")}
    assert local == drafts
    assert local


def test_every_adapter_has_its_twins() -> None:
    known = catalogue()
    for name, medium in adapters().items():
        assert known.get(name, {}).get("medium") == medium, f"{name} has no facts for {medium}"
        assert (ROOT / f"agentes/sandbox/{name}.py").exists(), f"{name} has no sandbox"
        assert (ROOT / f"cassettes/{medium}_agent/{name}").is_dir(), f"{name} has no cassettes"


def test_every_vendor_of_the_catalogue_has_its_adapter() -> None:
    vendors = {name for name, facts in catalogue().items() if not facts.get("local")}
    assert vendors == set(adapters())


def test_every_cassette_belongs_to_an_adapter() -> None:
    played = {folder.name for folder in (ROOT / "cassettes").glob("*_agent/*") if folder.is_dir()}
    assert played - set(adapters()) == set()


@pytest.mark.parametrize("pattern", ["agentes/*_agent/api_integrations/*.py", "agentes/drafts/draft_*.py"])
def test_an_adapter_is_one_class(pattern: str) -> None:
    for file in ROOT.glob(pattern):
        if file.stem != "__init__":
            assert re.search(r"^class Adapter\b", file.read_text(encoding="utf-8"), re.MULTILINE), file


def test_the_example_of_an_env_file_names_every_setting_and_every_key() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^# ?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    keys = {
        name
        for facts in catalogue().values()
        for secret in facts.get("secrets", [])  # type: ignore[attr-defined]
        for name in [secret["name"]]
    }
    assert (set(VARIABLES) | keys) - named == set()
    assert re.findall(r"^[^#\n].*", example, re.MULTILINE) == [], "everything in it is commented out"


# ── what no committed file may hold ────────────────────────────────────────────────────────────

MACHINE = re.compile(r"(?<![\w.~$}-])/(?:home|Users|root)/[\w.-]+")
REGISTRY = re.compile(
    r"(?i)https?://[\w.-]*(?:pypi|pythonhosted|npmjs|registry|artifactory|nexus|jfrog|deb\.debian)[\w.-]*"
    r"|https?://\S+/simple/?(?:\s|$)|--(?:extra-)?index-url|--find-links|file:///opt"
)
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")


def places(text: str) -> list[str]:
    """Lines that speak of one machine instead of the product."""
    here = str(ROOT) if len(ROOT.parts) > 2 else "\0"
    return [
        line for line in text.splitlines() if MACHINE.search(line) or REGISTRY.search(line) or here in line
    ]


def texts() -> dict[str, str]:
    found = {}
    for file in committed_files():
        raw = file.read_bytes() if file.is_file() else b""
        if b"\0" not in raw[:8192] and len(raw) < 2_000_000:
            found[file.relative_to(ROOT).as_posix()] = raw.decode("utf-8", errors="replace")
    return found


def test_no_file_speaks_of_one_machine_or_of_a_registry() -> None:
    spoken = {name: places(text) for name, text in texts().items() if name != "tests/test_house_rules.py"}
    assert {name: lines for name, lines in spoken.items() if lines} == {}


def test_places_are_recognised() -> None:
    slash = "/"
    for planted in (
        f"open('{slash}home/someone/project')",
        f"{slash}Users/someone/x",
        f"cd {slash}root/x",
        str(ROOT / "x"),
        f"https:{slash * 2}pypi.org/project/x",
        f"https:{slash * 2}mirror.corp.example/simple/",
        "pip install --index" + "-url x",
    ):
        assert places(planted), planted
    for plain in (
        "~/.local/share/agentes",
        "/run/secrets/NAME",
        "https://api.example.com/v1",
        "PyPI",
        "a/home/x",
    ):
        assert not places(plain), plain


def test_nothing_is_left_unfinished() -> None:
    ours = {
        name: text for name, text in texts().items() if name.startswith(PACKAGES) and name.endswith(".py")
    }
    assert [name for name, text in ours.items() if UNFINISHED.search(text)] == []


def test_no_secret_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out


KEY = "Zq8" + "x4LmN2pR7tV9wB1" * 3
PLANTED_SECRETS = [
    f"OPENAI_API_KEY=sk-proj-{KEY}",
    f"key: AIza{KEY[:35]}",
    f"runway = 'key_{'0123456789abcdef' * 8}'",
    "-----BEGIN " + "RSA PRIVATE KEY-----",
    "FAL_KEY=0a1b2c3d-1111-2222-3333-444455556666:" + "0123456789abcdef" * 2,
    f"authorization: Bearer {KEY}",
    f"uri: https://a.example/v1?key={KEY}",
    f"https://bucket.example/x.mp4?X-Amz-Signature={'ab12' * 16}",
    f"xi-api-key:\n- {KEY}".replace("\n", " "),
    f'"password": "{KEY}"',
    f"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJha2V5In0.{KEY}",
    f"{'sk'}_live_{KEY}",
    f"whsec_{KEY}",
]


@pytest.mark.parametrize("planted", PLANTED_SECRETS, ids=range(len(PLANTED_SECRETS)))
def test_a_planted_secret_is_found_and_not_printed(
    planted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cassette.yaml").write_text(f"interactions:\n{planted}\n")
    assert main([str(tmp_path / "cassette.yaml")]) == 1
    told = capsys.readouterr().out
    assert "cassette.yaml:2: " in told
    assert KEY not in told


@pytest.mark.parametrize(
    "innocent",
    [
        "    --hash=sha256:0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d \\",
        "OPENAI_API_KEY=",
        "secret = secrets.require('RUNWAYML_API_SECRET')",
        "password: your_password_goes_here_1234",
        "authorization: Bearer [RUNWAYML_API_SECRET hidden]",
        "the key `sk-...` is a placeholder",
        "https://a.example/page?token=abc&x=1",
        "cnry = 'sk-canary-0123456789012345678901234567'",
    ],
)
def test_innocent_text_is_let_pass(innocent: str) -> None:
    assert list(scan_text(innocent)) == []


def test_cassettes_hold_no_cookies_and_no_addresses_of_people() -> None:
    for planted in ("      Set-Cookie:", "cookie: a=b", "user: someone@corp.io"):
        assert list(scan_text(planted, is_cassette=True)), planted
        assert not list(scan_text(planted))


def test_the_scan_runs_by_itself(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(f"KEY = '{PLANTED_SECRETS[0]}'\n")
    ran = [sys.executable, str(ROOT / "tests/secret_scan.py"), str(tmp_path / "x.py")]
    assert subprocess.run(ran, capture_output=True, check=False).returncode == 1
