"""Keys: found where they may be, refused where they are malformed, shown by no door at all."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from config.secrets import KeyState, Secret, SecretManager
from shared_knowledge.errors import BadRequest, MissingSecret

CANARY = "cnry-8f3a91c7e2d64b05-9d1e"
OTHER = "cnry-77aa02bb19cc33dd-4411"


@pytest.fixture
def corner(tmp_path: Path) -> Path:
    (tmp_path / "mounted").mkdir()
    return tmp_path


def keys_at(corner: Path, **environ: str) -> SecretManager:
    return SecretManager(environ, corner / ".env", corner / "mounted")


def closed_dotenv(corner: Path, text: str) -> None:
    (corner / ".env").write_text(text)
    (corner / ".env").chmod(0o600)


# ── where a key is found ───────────────────────────────────────────────────────────────────────


def test_the_environment_comes_first_then_file_then_dotenv_then_mounted(corner: Path) -> None:
    (corner / "mounted" / "FAL_KEY").write_text("from-mounted-4444\n")
    assert keys_at(corner).require("FAL_KEY").reveal() == "from-mounted-4444"
    closed_dotenv(corner, "export FAL_KEY='from-dotenv-3333' # a remark\n")
    assert keys_at(corner).require("FAL_KEY").reveal() == "from-dotenv-3333"
    (corner / "elsewhere").write_text("from-file-2222\r\n")
    pointed = {"FAL_KEY_FILE": str(corner / "elsewhere")}
    assert keys_at(corner, **pointed).require("FAL_KEY").reveal() == "from-file-2222"
    assert keys_at(corner, FAL_KEY="from-env-1111", **pointed).require("FAL_KEY").reveal() == "from-env-1111"


def test_dotenv_may_name_a_file_too(corner: Path) -> None:
    (corner / "key.txt").write_text(CANARY)
    closed_dotenv(corner, f"FAL_KEY_FILE={corner / 'key.txt'}\n")
    assert keys_at(corner).validate(["FAL_KEY"])["FAL_KEY"].source == "FAL_KEY_FILE"


def test_a_dollar_sign_in_dotenv_is_part_of_the_key(corner: Path) -> None:
    closed_dotenv(corner, "FAL_KEY=abc${HOME}def-123456\n")
    assert keys_at(corner).require("FAL_KEY").reveal() == "abc${HOME}def-123456"


def test_an_older_name_is_accepted_and_the_present_one_wins(corner: Path) -> None:
    old = keys_at(corner, RUNWAY_API_KEY=OTHER)
    assert old.require("RUNWAYML_API_SECRET", "RUNWAY_API_KEY") == Secret(OTHER)
    both = keys_at(corner, RUNWAY_API_KEY=OTHER, RUNWAYML_API_SECRET=CANARY)
    assert both.require("RUNWAYML_API_SECRET", "RUNWAY_API_KEY") == Secret(CANARY)


def test_empty_is_not_set(corner: Path) -> None:
    closed_dotenv(corner, "FAL_KEY=\nBFL_API_KEY\n")
    assert keys_at(corner, FAL_KEY="", BFL_API_KEY="").get("FAL_KEY", "BFL_API_KEY") is None


def test_a_missing_key_is_named_and_drafts_are_offered(corner: Path) -> None:
    with pytest.raises(MissingSecret, match=r"RUNWAYML_API_SECRET is not set.*--draft.*need no key"):
        keys_at(corner).require("RUNWAYML_API_SECRET", "RUNWAY_API_KEY")


def test_at_the_sandbox_a_missing_key_counts_as_sandbox(corner: Path) -> None:
    secrets = keys_at(corner, AGENTES_SANDBOX_URL="http://127.0.0.1:9100", FAL_KEY="your_key_here")
    assert secrets.require("KLING_ACCESS_KEY").reveal() == "sandbox"
    assert secrets.plain("AZURE_SPEECH_REGION") == "sandbox"
    assert secrets.require("FAL_KEY").reveal() == "your_key_here"
    assert secrets.get("AGENTES_LLM_KEY") is None
    assert secrets.validate(["LUMA_API_KEY"])["LUMA_API_KEY"] == KeyState("LUMA_API_KEY", "sandbox")
    assert secrets.mask("http://127.0.0.1:9100/_sandbox/ledger") == "http://127.0.0.1:9100/_sandbox/ledger"


# ── what is refused, by name and never by value ────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wrong",
    [
        f"{CANARY}\n",
        f"{CANARY}\nX-Header: 1",
        f"{CANARY}\x00",
        f"{CANARY}\u200b",
        f"{CANARY}\u00a0",
        f" {CANARY}",
        f"{CANARY} ",
        f'"{CANARY}"',
        "changeme",
        "CHANGE_ME",
        "your_key_here",
        "your-openai-api-key",
        "sk-your-key-here",
        "xxx",
        "sk-xxxxxxxxxxxx",
        "sk-...",
        "sk-proj-…",
        "<your key>",
        "<paste it here>",
        "{{ key }}",
        "${FAL_KEY}",
        "API_KEY",
        "replace-with-real-key",
        "none",
    ],
)
def test_a_malformed_key_is_refused_by_name_only(corner: Path, wrong: str) -> None:
    secrets = keys_at(corner, FAL_KEY=wrong)
    with pytest.raises(BadRequest, match="FAL_KEY") as refused:
        secrets.get("FAL_KEY")
    told = "".join(traceback.format_exception(refused.value))
    assert wrong not in told
    assert CANARY not in told
    report = secrets.validate(["FAL_KEY"])["FAL_KEY"]
    assert report.state == "refused"
    assert report.shown == ""
    assert not secrets.holds("FAL_KEY")


@pytest.mark.parametrize(
    "right", [CANARY, "a1b2", "sk-proj-cnry-Zx9_long31", "key_3f", "ção-clé-ключ", "xx-9", "none-such-9f2"]
)
def test_a_plausible_key_is_taken(corner: Path, right: str) -> None:
    assert keys_at(corner, FAL_KEY=right).require("FAL_KEY").reveal() == right


def test_a_file_that_cannot_be_read_is_refused_without_its_path(corner: Path) -> None:
    # Whoever puts the key itself into NAME_FILE must not find it in the error.
    with pytest.raises(BadRequest, match="FAL_KEY_FILE") as refused:
        keys_at(corner, FAL_KEY_FILE=CANARY).get("FAL_KEY")
    assert CANARY not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__context__ is None
    (corner / "binary").write_bytes(b"\xff\xfe\x00k")
    with pytest.raises(BadRequest, match="not UTF-8"):
        keys_at(corner, FAL_KEY_FILE=str(corner / "binary")).get("FAL_KEY")


def test_a_world_readable_dotenv_is_warned_about_once(corner: Path, caplog: pytest.LogCaptureFixture) -> None:
    (corner / ".env").write_text(f"FAL_KEY={CANARY}\n")
    (corner / ".env").chmod(0o644)
    secrets = keys_at(corner)
    secrets.get("FAL_KEY")
    secrets.get("BFL_API_KEY")
    assert len(caplog.records) == 1
    assert "chmod 600" in caplog.text
    assert secrets.warnings == (caplog.records[0].getMessage(),)
    (corner / ".env").chmod(0o600)
    quiet = keys_at(corner)
    quiet.get("FAL_KEY")
    assert quiet.warnings == ()


def test_a_folder_called_dotenv_is_passed_over(corner: Path) -> None:
    (corner / ".env").mkdir()
    assert keys_at(corner).get("FAL_KEY") is None


# ── the report ─────────────────────────────────────────────────────────────────────────────────


def test_the_report_shows_four_characters_of_long_keys_and_none_of_short_ones(corner: Path) -> None:
    secrets = keys_at(corner, FAL_KEY=CANARY, BFL_API_KEY="elevenchars", RUNWAY_API_KEY="twelve-chars")
    report = secrets.validate(
        ["FAL_KEY", "BFL_API_KEY", ("RUNWAYML_API_SECRET", "RUNWAY_API_KEY"), "LUMA_API_KEY"]
    )
    assert report["FAL_KEY"] == KeyState("FAL_KEY", "found", "environment", "…9d1e")
    assert report["BFL_API_KEY"].shown == "…"
    assert report["RUNWAYML_API_SECRET"] == KeyState("RUNWAY_API_KEY", "found", "environment", "…hars")
    assert report["LUMA_API_KEY"] == KeyState("LUMA_API_KEY", "missing")
    assert [state.ready for state in report.values()] == [True, True, True, False]
    assert CANARY[:12] not in repr(report)


def test_what_the_report_has_seen_is_hidden_as_well(corner: Path) -> None:
    secrets = keys_at(corner, FAL_KEY=CANARY)
    secrets.validate(["FAL_KEY"])
    assert secrets.mask(f"key={CANARY}") == "key=[FAL_KEY hidden]"


def test_a_region_is_no_secret_and_stays_readable(corner: Path) -> None:
    secrets = keys_at(corner, AZURE_SPEECH_REGION=" brazilsouth ", GCP_PROJECT_ID="p\n1")
    assert secrets.plain("AZURE_SPEECH_REGION") == "brazilsouth"
    report = secrets.validate([], plain=["AZURE_SPEECH_REGION", "GCP_PROJECT_ID"])
    assert report["AZURE_SPEECH_REGION"].shown == "brazilsouth"
    assert report["GCP_PROJECT_ID"].state == "refused"
    assert secrets.mask("brazilsouth") == "brazilsouth"
    with pytest.raises(BadRequest, match="GCP_PROJECT_ID"):
        secrets.plain("GOOGLE_CLOUD_PROJECT", "GCP_PROJECT_ID")


# ── the doors through which a key could leave ──────────────────────────────────────────────────


@pytest.fixture
def secret() -> Secret:
    return Secret(CANARY, "FAL_KEY")


def no_trace(text: str) -> None:
    assert CANARY not in text
    assert not any(CANARY[at : at + 12] in text for at in range(len(CANARY) - 11))


def test_printing_shows_the_name_only(secret: Secret) -> None:
    doors = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:.4}",
        f"Bearer {secret:>60}",
        "%s %r" % (secret, secret),  # noqa: UP031 - the old door is a door too
        repr({"key": secret}),
        repr([secret]),
        pprint.pformat({"headers": {"authorization": secret}}),
        json.dumps({"key": secret}, default=str),
        str(vars(type(secret))),
    ]
    for text in doors:
        no_trace(text)
        assert "FAL_KEY" in text or "Secret" in text


def test_it_cannot_be_serialised(secret: Secret) -> None:
    with pytest.raises(TypeError, match="not JSON serializable") as refused:
        json.dumps({"key": secret})
    no_trace(str(refused.value))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="cannot be pickled") as refused:
            pickle.dumps({"key": secret}, protocol)
        no_trace(str(refused.value))
    with pytest.raises(TypeError):
        bytes(secret)  # type: ignore[call-overload]
    assert not hasattr(secret, "__dict__")
    assert not hasattr(secret, "__iter__")
    assert not hasattr(secret, "__len__")


def test_copies_are_the_same_secret(secret: Secret) -> None:
    @dataclass
    class Signature:
        key: Secret

    assert copy.copy(secret) is secret
    assert copy.deepcopy({"key": secret})["key"] is secret
    no_trace(repr(asdict(Signature(secret))))


def test_it_never_changes(secret: Secret) -> None:
    with pytest.raises(AttributeError):
        secret.name = "OTHER"
    with pytest.raises(AttributeError):
        del secret.name
    with pytest.raises(ValueError, match="never empty"):
        Secret("")


def test_equality_is_of_secrets_only(secret: Secret) -> None:
    assert secret == Secret(CANARY, "ANOTHER_NAME")
    assert hash(secret) == hash(Secret(CANARY))
    assert secret != Secret(OTHER)
    assert secret != CANARY
    assert Secret("ключ") == Secret("ключ")


def test_equality_goes_through_the_constant_time_comparison(
    secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.extend((left, right))
        return True

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert secret == Secret(OTHER)
    assert compared == [CANARY.encode(), OTHER.encode()]


def test_pydantic_shows_nothing(secret: Secret) -> None:
    class Door(BaseModel):
        key: Secret
        number: int = 0

    class Wrong(BaseModel):
        number: int

    door = Door(key=secret)
    for text in (
        repr(door),
        str(door.model_dump()),
        door.model_dump_json(),
        repr(door.model_copy(deep=True)),
    ):
        no_trace(text)
    assert door.key.reveal() == CANARY
    with pytest.raises(ValidationError) as refused:
        Door(key=secret, number="x")
    no_trace(str(refused.value) + repr(refused.value.errors()))
    with pytest.raises(ValidationError) as refused:
        Wrong(number=secret)
    no_trace(str(refused.value) + repr(refused.value.errors()))
    with pytest.raises(TypeError, match="never as bare text") as bare:
        Door(key=CANARY)
    no_trace(str(bare.value))


def test_a_traceback_with_locals_shows_nothing(secret: Secret) -> None:
    def sign(key: Secret) -> None:
        raise LookupError(f"no such header for {key}")

    try:
        sign(secret)
    except LookupError as wrong:
        shown = traceback.TracebackException.from_exception(wrong, capture_locals=True)
        text = "".join(shown.format())
    assert "key = Secret(FAL_KEY)" in text
    assert "[FAL_KEY hidden]" in text
    no_trace(text.replace(f"CANARY = '{CANARY}'", ""))


def test_an_unmasked_log_shows_nothing_either(secret: Secret, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("anyone").warning("with %s and %r", secret, {"key": secret}, extra={"key": secret})
    no_trace(caplog.text + repr(vars(caplog.records[0])))


def test_all_that_was_given_out_is_hidden(corner: Path) -> None:
    secrets = keys_at(corner, FAL_KEY=CANARY, BFL_API_KEY=OTHER)
    assert secrets.mask(CANARY) == CANARY  # nobody asked for it yet, so nobody can have leaked it
    secrets.require("FAL_KEY")
    secrets.require("BFL_API_KEY")
    token = secrets.remember("KLING_TOKEN", "eyJhbGciOi.J9.made-from-a-key")
    text = f"a {CANARY} b {OTHER} c {token.reveal()} d"
    assert secrets.mask(text) == "a [FAL_KEY hidden] b [BFL_API_KEY hidden] c [KLING_TOKEN hidden] d"
