"""Keys at the command line: shown once, listed without themselves, ended, replaced, accounted for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typed import Ask

KEY = re.compile(r"sk_(live|test)_[A-Za-z0-9_-]{32,}")


def test_the_life_of_a_key(ask: Ask, tmp_path: Path):
    made = ask(tmp_path, "keys", "create", "--name", "Shop", "--tier", "pro", "--json").json
    assert KEY.fullmatch(made["key"])[1] == "live"
    assert made["key_id"].startswith("key_")
    assert (made["tenant"], made["tier"], made["is_test"]) == ("shop", "pro", False)
    words = ("keys", "create", "--name", "CI", "--tenant", "shop", "--test", "--scope", "jobs:read", "--json")
    test = ask(tmp_path, *words).json
    assert (KEY.fullmatch(test["key"])[1], test["tenant"], test["scopes"]) == (
        "test",
        "shop~test",
        ["jobs:read"],
    )
    new = ask(tmp_path, "keys", "rotate", made["key_id"], "--overlap", "60", "--json").json
    assert KEY.fullmatch(new["key"])
    assert (new["replaces"]["key_id"], new["replaces"]["state"]) == (made["key_id"], "ending")
    assert ask(tmp_path, "keys", "revoke", new["key_id"], "--json").json["state"] == "revoked"
    rows = ask(tmp_path, "keys", "list", "--json")
    assert {row["key_id"]: row["state"] for row in rows.json} == {
        made["key_id"]: "ending",
        new["key_id"]: "revoked",
        test["key_id"]: "active",
    }
    assert [
        row["key_id"] for row in ask(tmp_path, "keys", "list", "--tenant", "shop~test", "--json").json
    ] == [test["key_id"]]
    deeds = ask(tmp_path, "keys", "audit", "--tenant", "shop", "--json")
    assert [(deed["what"], deed["by"]) for deed in deeds.json] == [
        ("key.revoked", "operator"),
        ("key.rotated", "operator"),
        ("key.created", "operator"),
    ]
    for told in (rows, deeds, ask(tmp_path, "keys", "list"), ask(tmp_path, "keys", "audit", "--limit", "2")):
        assert (told.code, told.err) == (0, "")
        assert not KEY.search(told.out)


def test_for_people_the_key_stands_on_a_line_of_its_own(ask: Ask, tmp_path: Path):
    told = ask(
        tmp_path, "keys", "create", "--name", "Shop", "--tier", "free", "--days", "30", "--budget", "2"
    )
    assert (told.code, told.err) == (0, "")
    assert len([line for line in told.out.splitlines() if KEY.fullmatch(line.strip())]) == 1
    assert "shown this once" in told.out
    (row,) = ask(tmp_path, "keys", "list", "--json").json
    assert (row["usd_a_day"], row["last_used_at"]) == ("2.000000", None)
    assert row["expires_at"] > row["created_at"]
    tenant = ask(tmp_path, "keys", "tenant", "shop", "--tier", "pro", "--budget", "5", "--json").json
    assert (tenant["tier"], tenant["usd_a_day"]) == ("pro", "5.000000")
    assert "without a limit" in ask(tmp_path, "keys", "tenant", "shop", "--budget", "none").out


@pytest.mark.parametrize(
    "words",
    [
        ("create", "--name", "Shop", "--tier", "gold"),
        ("create", "--name", "Shop"),
        ("create", "--name", "", "--tier", "free"),
        ("create", "--name", "Shop", "--tier", "free", "--tenant", "a/b"),
        ("create", "--name", "Shop", "--tier", "free", "--scope", "all"),
        ("create", "--name", "Shop", "--tier", "free", "--days", "0"),
        ("create", "--name", "Shop", "--tier", "free", "--budget", "much"),
        ("revoke", "key_0000000000000000"),
        ("rotate", "key_0000000000000000"),
        ("audit", "--page", "0"),
        ("tenant", "nobody"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(ask: Ask, tmp_path: Path, words: tuple[str, ...]):
    told = ask(tmp_path, "keys", *words, "--json")
    assert told.code == 2
    assert told.json["error"]["type"] in {"BadRequest", "UnknownKey"}
    assert told.json["error"]["todo"]
    assert told.err.startswith("agentes: ")
    assert ask(tmp_path, "keys", *words).code == 2


def test_without_a_verb_it_says_which_there_are(ask: Ask, tmp_path: Path):
    assert ask(tmp_path, "keys").code == 2
    helped = ask(tmp_path, "keys", "--help")
    assert all(verb in helped.out for verb in ("create", "list", "revoke", "rotate", "audit", "tenant"))
