"""Templates come from four folders only, what a person wrote stays text, and limits are kept between words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateNotFound, UndefinedError

from shared_knowledge.errors import BadRequest
from shared_knowledge.prompts import (
    Dialect,
    Prompt,
    Wording,
    compose_prompt,
    fits,
    manner_of,
    named_in,
    render,
    size_of,
    tidy,
)

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("photo", "video", "voice")

ATTACKS = [
    "{{ 7 * 7 }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self._TemplateReference__context }}",
    "{{ lipsum.__globals__['os'].environ }}",
    "{% for x in range(10 ** 9) %}x{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% import 'parts/words.j2' as w %}{{ w }}",
    "{# a comment that would vanish #}",
    "{{ 'a' * 10 ** 8 }}",
    "{% raw %}{{ x }}{% endraw %}",
    "${7*7} #{7*7} <%= 7*7 %> %(os)s {0.__class__}",
    "{%- set negative = 'gone' -%}",
]


def script(*lines: str) -> str:
    return render("voice/script.j2", lines=list(lines))


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_looks_like_code_stays_text(attack: str) -> None:
    assert script(f"a {attack} b", "c") == f"a {attack} b c"


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../wording.py",
        "photo/../wording.py",
        "photo/../../voice_agent/prompts/script.j2",
        "photo//hero.j2",
        "photo/dialects/../hero.j2",
        "photo/hero.j2\n",
        "photo/HERO.j2",
        "photo/intents.toml",
        "parts/dialects.toml",
        "drafts/x.j2",
        "photo/nothing.j2",
        "",
    ],
)
def test_only_our_templates_can_be_named(name: str) -> None:
    with pytest.raises(TemplateNotFound):
        render(name)


def test_a_fact_that_is_missing_is_an_error_not_a_gap() -> None:
    with pytest.raises(UndefinedError, match="lines"):
        render("voice/script.j2")


def test_only_plain_values_reach_a_template() -> None:
    with pytest.raises(TypeError, match="PosixPath"):
        script(Path("/"))  # type: ignore[arg-type]


def test_characters_that_steer_a_terminal_or_turn_text_around_are_dropped() -> None:
    assert script("a\x1b[31mb\x00c\u202ed\ud800e") == "a [31mb c d e"
    assert script("line\none") == "line\none"


def test_a_prompt_has_a_length_it_cannot_pass() -> None:
    with pytest.raises(BadRequest, match="40,000"):
        script("word " * 10_000)


def test_jinja_is_only_imported_when_something_is_written() -> None:
    code = "import sys, shared_knowledge.prompts, agentes.photo_agent.wording; print('jinja2' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_every_manner_has_its_partial_and_every_partial_its_manner() -> None:
    for room in ROOMS:
        folder = ROOT / f"agentes/{room}_agent/prompts/dialects"
        partials = {file.stem for file in folder.glob("*.j2")}
        assert {manner_of(room, partial) for partial in partials} == partials


def test_a_platform_speaks_its_manner_and_a_newcomer_the_plainest() -> None:
    assert manner_of("photo", "bfl_flux") == "descriptors"
    assert manner_of("video", "runway") == "motion_first"
    assert manner_of("voice", "azure_speech") == "verbatim"
    assert manner_of("photo", "someone_new") == "sentences"
    assert manner_of("voice", "someone_new") == "verbatim"


@pytest.mark.parametrize(
    ("unit", "size"), [("characters", 4), ("utf-16 units", 5), ("bytes", 9), ("tokens", 3)]
)
def test_a_text_is_as_long_as_its_reader_counts(unit: str, size: int) -> None:
    assert size_of("ãé😀x", unit) == size  # type: ignore[arg-type]


def test_words_are_found_whole() -> None:
    assert named_in("A PACKSHOT, please", ["hero", "packshot"]) == "packshot"
    assert named_in("heroes", ["hero"]) is None
    assert named_in("weißem Hintergrund", ["weissem hintergrund"]) == "weissem hintergrund"


def test_tidy_keeps_lines_and_drops_holes() -> None:
    assert tidy("  a   b .\n\n\n\n c ,d ") == "a b.\n\nc ,d"


def wording(words: str) -> Wording:
    advice = ("Soft light from one side.", "Eye level.", "")
    return Wording(words, lambda told, brevity: f"Mug. {told}. {advice[brevity]} Leave out: glass.")


def test_a_limit_costs_the_advice_before_the_words() -> None:
    full = compose_prompt(wording("On a table"), Dialect("x"))
    assert full == "Mug. On a table. Soft light from one side. Leave out: glass."
    assert full.notes == ()
    tight = compose_prompt(wording("On a table"), Dialect("x", 45))
    assert tight == "Mug. On a table. Eye level. Leave out: glass."
    assert tight.notes == ("Advice on style was left out of the prompt to fit 45 characters.",)


def test_a_limit_costs_the_end_of_the_words_but_not_what_must_be_left_out() -> None:
    told = compose_prompt(wording("On a table in the kitchen of an old house by the sea"), Dialect("x", 50))
    assert told == "Mug. On a table in the kitchen. Leave out: glass."
    assert len(told.notes) == 2
    assert "50 characters" in told.notes[1]


def test_a_sentence_is_kept_whole_where_that_costs_little() -> None:
    told = compose_prompt(
        Wording("", lambda _, __: "One two three four five. Six seven eight."), Dialect("x", 30)
    )
    assert told == "One two three four five."


def test_text_without_spaces_is_cut_between_characters() -> None:
    told = compose_prompt(
        Wording("", lambda _, __: "ゆっくりと目の前にあるものを見てください"), Dialect("x", 10)
    )
    assert told == "ゆっくりと目の前にあ"


@settings(max_examples=80, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=400),
    st.integers(30, 200),
    st.sampled_from(["characters", "utf-16 units", "bytes", "tokens"]),
)
def test_no_prompt_passes_its_limit_or_ends_inside_a_word(text: str, limit: int, unit: str) -> None:
    dialect = Dialect("x", limit, unit)  # type: ignore[arg-type]
    prompt = compose_prompt(Wording("", lambda _, __: text), dialect)
    whole = tidy(text)
    assert fits(prompt, dialect)
    assert whole.startswith(prompt)
    rest = whole[len(prompt) :]
    unspaced = prompt[-1:] > "\u2fff"
    assert not rest or not prompt or unspaced or not (prompt[-1].isalnum() and rest[0].isalnum())
    assert isinstance(prompt, Prompt)
    assert bool(prompt.notes) == (prompt != whole)
