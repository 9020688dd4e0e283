"""A mask finds a value in whatever coat it wears, and leaves everything else alone."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.masking import Mask

KEY = "cnry/8f+3a91 c7e2=d64b&05'9d1e\"ção"
FENCE = "-----{} PRIVATE " + "KEY-----\n"
PEM = f"{FENCE.format('BEGIN')}MIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n{FENCE.format('END')}"


def mask_of(*values: str) -> Mask:
    mask = Mask()
    for number, value in enumerate(values):
        mask.add(value, f"KEY_{number}")
    return mask


COATS = {
    "plain": KEY,
    "percent": quote(KEY),
    "percent, all": quote(KEY, safe=""),
    "percent, small letters": quote(KEY, safe="").lower(),
    "form": quote_plus(KEY),
    "query": urlencode({"key": KEY}),
    "json": json.dumps({"k": KEY}),
    "json, as it is": json.dumps({"k": KEY}, ensure_ascii=False),
    "python": repr(KEY + "'"),
    "html": html.escape(KEY),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "base64 of a pair": base64.b64encode(b"user:" + KEY.encode() + b"!").decode(),
    "base64, one further": base64.b64encode(b"users:" + KEY.encode() + b"!!").decode(),
    "base64, two further": base64.b64encode(b"a.user:" + KEY.encode()).decode(),
}


@pytest.mark.parametrize("coat", COATS)
def test_every_coat_is_seen_through(coat: str) -> None:
    worn = COATS[coat]
    hidden = mask_of(KEY)(f"before {worn} after")
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert "[KEY_0 hidden]" in hidden
    left = hidden.replace("[KEY_0 hidden]", " ")
    assert not any(worn[at : at + 12] in left for at in range(len(worn) - 11) if "user" not in worn[at:])


@given(st.integers(0, 40), st.integers(12, 40))
def test_a_piece_of_twelve_characters_is_hidden(start: int, length: int) -> None:
    value = "cnry-8f3a91c7e2d64b05-9d1e-77aa02bb19cc33dd-4411"
    piece = value[start : start + length]
    text = f"<{piece}>"
    assert mask_of(value)(text) == ("<[KEY_0 hidden]>" if len(piece) >= 12 else text)


@given(st.text(min_size=12, max_size=60), st.text(max_size=40), st.text(max_size=40))
def test_no_value_survives_in_any_text(value: str, before: str, after: str) -> None:
    assert value not in mask_of(value)(before + value + after)


@given(st.text(max_size=200))
def test_other_text_is_left_alone(text: str) -> None:
    assert mask_of("cnry-8f3a91c7e2d64b05-9d1e")(text) == text


def test_the_longest_value_is_hidden_first() -> None:
    short, long = "cnry-8f3a91c7", "cnry-8f3a91c7e2d64b05"
    assert mask_of(short, long)(f"a {long} b") == "a [KEY_1 hidden] b"
    assert short not in mask_of(short, long)(f"{long} {short}")


def test_short_values_are_hidden_as_words_and_shorter_words_only_whole() -> None:
    mask = mask_of("k9x", "abcdef7")
    assert mask("k9x") == "[KEY_0 hidden]"
    assert mask("key=k9x&x=1 ak9x k9xy") == "key=[KEY_0 hidden]&x=1 ak9x k9xy"
    assert mask("zabcdef7z") == "z[KEY_1 hidden]z"


def test_every_line_of_a_private_key_is_hidden() -> None:
    mask = mask_of(PEM)
    for text in (PEM, json.dumps({"private_key": PEM}), "\n".join(reversed(PEM.splitlines()))):
        hidden = mask(text)
        assert "MIIEvQIBADAN" not in hidden
        assert "EFAASCBKcwgg" not in hidden
    assert json.loads(mask(json.dumps({"private_key": PEM})))["private_key"].startswith("[KEY_0")


def test_a_value_of_one_letter_repeated_ends() -> None:
    assert mask_of("a" * 30)("a" * 200).count("a") < 12


def test_masking_twice_changes_nothing() -> None:
    mask = mask_of(KEY)
    once = mask(f"x {KEY} y")
    assert mask(once) == once
