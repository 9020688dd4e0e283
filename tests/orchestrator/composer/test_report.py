"""The report opens from disk, asks nothing of the network, and shows every word as a word."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from sample_delivery import BRIEF, SCRIPT, SHOTS, SRT, bought, draft, fill, money

from orchestrator.composer.manifest import Delivery
from orchestrator.composer.report import Still, render_report, write_report
from orchestrator.composer.report.cards import cues, storyboard, webvtt
from orchestrator.composer.report.checks import check_all
from orchestrator.composer.report.choices import draft_line, weigh
from orchestrator.composer.report.marked_brief import legend, mark_up
from orchestrator.composer.report.page import _environment
from orchestrator.composer.report.receipt import make_receipt, who_asked_whom
from orchestrator.composer.report.words import in_step, listed, size
from shared_knowledge.errors import Broken
from shared_knowledge.money import Money
from shared_knowledge.vocabulary import Plan, Shortfall, Span, Understanding

_VOID = {"meta", "img", "br", "link", "input", "track", "path", "circle", "source", "hr", "col"}
STILLS = tuple(Still(shot.label, f"frames/{number}.jpg", 5.0 * number) for number, shot in enumerate(SHOTS))
EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&lt;{{ 7*7 }}{% raw %}</title></style>"


class Page(HTMLParser):
    """A page read back: its elements, its words, and a complaint if its tags do not pair."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> says something twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(params=[draft, bought], ids=["draft", "bought"])
def delivery(request: pytest.FixtureRequest, tmp_path: Path) -> Delivery:
    made: Delivery = request.param(tmp_path)
    return made


def test_the_page_is_sound_and_asks_nothing_of_the_network(delivery: Delivery, tmp_path: Path) -> None:
    fill(tmp_path, delivery)
    (tmp_path / "frames").mkdir()
    for number in range(3):
        (tmp_path / f"frames/{number}.jpg").write_bytes(b"frame")
    (tmp_path / "manifest.json").write_text("{}")
    html = write_report(tmp_path, delivery, STILLS if delivery.film else ()).read_text("utf-8")
    page = Page(html)
    assert not re.search(r"https?:|//[a-z]", html.replace("http-equiv", ""))
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.elements:
        for name in ("src", "href", "poster"):
            address = attrs.get(name)
            if address is None or address.startswith("data:"):
                continue
            if address.startswith("#"):
                assert address[1:] in ids
            else:
                assert (tmp_path / unquote(address).partition("#")[0]).is_file(), address
        for label in (attrs.get("aria-labelledby") or "").split():
            assert label in ids
    assert all(attrs.get("alt") is not None for attrs in page.all("img"))
    assert [name for name, _ in page.elements].count("h1") == 1
    assert all("scope" in attrs for attrs in page.all("th"))


def test_only_our_own_script_may_run(delivery: Delivery) -> None:
    html = render_report(delivery)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def with_words(delivery: Delivery, words: str) -> Delivery:
    """The same delivery with hostile words wherever words come from outside."""
    plan = delivery.plan
    tasks = []
    for task in plan.tasks:
        update: dict[str, Any] = {"language": 'pt" onload="x'}
        if task.medium == "voice":
            update["script"] = words
        else:
            update["subject"] = words
        if task.medium == "video":
            update["shots"] = tuple(
                shot.model_copy(update={"label": words, "scene": words}) for shot in SHOTS
            )
        tasks.append(task.model_copy(update={"spec": task.spec.model_copy(update=update)}))
    span = Span(text=words, start=0, end=len(words), means=words)
    return delivery.model_copy(
        update={
            "plan": plan.model_copy(
                update={
                    "brief": words + " and more",
                    "brief_language": 'en"><b>',
                    "coverage": (span,),
                    "tasks": tuple(tasks),
                    "assumptions": (words,),
                    "questions": (words,),
                    "warnings": (words,),
                }
            ),
            "assets": tuple(
                asset.model_copy(update={"warnings": (words,), "model": words}) for asset in delivery.assets
            ),
            "orders": tuple(order.model_copy(update={"prompt": words}) for order in delivery.orders),
            "shortfalls": (Shortfall(task=words, why=words),),
            "warnings": (words,),
        }
    )


def test_every_word_from_outside_stays_a_word(delivery: Delivery) -> None:
    srt = SRT.replace("Feita à mão, uma a uma.", EVIL)
    stills = [Still(EVIL, f"frames/{EVIL}.jpg", 1.0)]
    page = Page(render_report(with_words(delivery, EVIL), stills, captions=srt))
    assert len(page.all("script")) == 1
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert "x" not in {attrs.get("src") for attrs in page.all("img")}
    assert page.text.count("{{ 7*7 }}{% raw %}") >= 8
    assert "javascript:" not in {(attrs.get("href") or "")[:11] for attrs in page.all("a")}


def test_an_address_cannot_become_a_command(tmp_path: Path) -> None:
    delivery = draft(tmp_path)
    asset = delivery.assets[1].model_copy(update={"path": "javascript:alert(1)"})
    page = Page(render_report(delivery.model_copy(update={"assets": (asset,)})))
    assert any(attrs.get("href") == "javascript%3Aalert%281%29" for attrs in page.all("a"))
    assert not any((attrs.get("href") or "").startswith("javascript:") for attrs in page.all("a"))


def test_a_missing_fact_is_an_error_not_a_blank() -> None:
    with pytest.raises(UndefinedError):
        _environment().from_string("{{ nobody_said_this }}").render()
    with pytest.raises(UndefinedError):
        _environment().get_template("page.html.j2").render()


def test_the_brief_speaks_its_own_language(tmp_path: Path) -> None:
    page = Page(render_report(draft(tmp_path), STILLS, captions=SRT))
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("h1")[0]["lang"] == "pt"
    assert [quote["lang"] for quote in page.all("blockquote")] == ["pt-BR", "pt"]
    assert {track["srclang"] for track in page.all("track")} == {"pt-BR"}
    assert SCRIPT in page.text


def test_the_film_plays_with_its_captions(tmp_path: Path) -> None:
    delivery = draft(tmp_path)
    fill(tmp_path, delivery)
    html = write_report(
        tmp_path, delivery, [*STILLS[:2], (SHOTS[2].label, "data:image/png;base64,AAAA")]
    ).read_text()
    page = Page(html)
    player = page.all("video")[0]
    assert player["src"] == "film.mp4"
    assert player["poster"] == "frames/0.jpg"
    assert "720 / 1280" in (player["style"] or "")
    track = base64.b64decode((page.all("track")[0]["src"] or "").partition("base64,")[2]).decode()
    assert track.startswith("WEBVTT\n\n00:00:00.400 --> 00:00:04.200\nDe manhã cedo")
    assert "O seu café merece um lugar só dele." in page.text
    assert "data:image/png;base64,AAAA" in {image["src"] for image in page.all("img")}
    assert [button["data-at"] for button in page.all("button")] == ["0.4", "4.8", "8.9", "0.0", "5.0", "10.0"]


@pytest.mark.parametrize(
    ("width", "height", "shape"), [(720, 1280, "tall"), (1280, 720, "wide"), (720, 720, "square")]
)
def test_every_shape_of_film_has_its_page(tmp_path: Path, width: int, height: int, shape: str) -> None:
    delivery = draft(tmp_path)
    assert delivery.film is not None
    film = delivery.film.model_copy(update={"width": width, "height": height})
    page = Page(render_report(delivery.model_copy(update={"film": film})))
    assert page.all("header")[0]["class"] == f"masthead night {shape}"


def test_stills_without_a_time_take_it_from_the_shots(tmp_path: Path) -> None:
    sheet = storyboard(draft(tmp_path), [Still(SHOTS[1].label, "a.png"), Still("A stranger", "b.png")])
    assert [(shot.at_s, shot.when, shot.scene) for shot in sheet] == [
        (5.0, "0:05 · 5 s", SHOTS[1].scene),
        (None, "", ""),
    ]
    told = storyboard(draft(tmp_path), [])
    assert [(shot.label, shot.src, shot.when) for shot in told][2] == (SHOTS[2].label, "", "0:10 · 5 s")


def test_a_delivery_of_almost_nothing_has_a_page_too(tmp_path: Path) -> None:
    bare = draft(tmp_path).model_copy(
        update={
            "status": "failed",
            "ended_at": None,
            "plan": Plan(
                brief="?", brief_language="en", understanding=Understanding(), coverage=(), tasks=()
            ),
            "assets": (),
            "delegations": (),
            "orders": (),
            "originals": (),
            "film": None,
            "shortfalls": (Shortfall(task="video-1", why="The disk was full."),),
        }
    )
    text = Page(render_report(bare)).text
    assert "Not made" in text
    assert "nothing yet" in text
    assert "The disk was full." in text
    assert "agentes resume job_5a1be2c07d11" in text


def test_files_outside_the_folder_are_not_pointed_at(tmp_path: Path) -> None:
    delivery = draft(tmp_path)
    assert delivery.film is not None
    film = delivery.film.model_copy(update={"path": "/elsewhere/film.mp4", "captions": "/etc/hostname"})
    lost = delivery.model_copy(
        update={"film": film, "assets": (delivery.assets[1].model_copy(update={"path": "/x.png"}),)}
    )
    page = Page(write_report(tmp_path, lost).read_text("utf-8"))
    assert not page.all("video")
    assert "The film is not in this folder" in page.text
    assert "Not in this folder" in page.text


def test_the_same_delivery_gives_the_same_page(delivery: Delivery) -> None:
    assert render_report(delivery, STILLS, captions=SRT) == render_report(delivery, STILLS, captions=SRT)


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(Broken):
        write_report(tmp_path, draft(tmp_path))
    assert [path.name for path in tmp_path.glob("report*")] == ["report.html"]


# ── the brief, marked ──────────────────────────────────────────────────────────────────────────


def test_every_stretch_of_the_brief_has_its_ink(tmp_path: Path) -> None:
    stretches = mark_up(draft(tmp_path).plan)
    inks = {stretch.text: (stretch.ink, stretch.meaning) for stretch in stretches}
    assert inks["15 s"] == ("fact", "Video · length: 15 s")
    assert inks["locução em português"] == ("fact", "Voice · language: pt-BR")
    assert inks["Até US$ 2"] == ("fact", "Budget: $2.00")
    assert inks["Sem plástico"] == ("fact", "Must not be shown: plástico")
    assert inks["vapor ao amanhecer"] == ("creative", "Goes into the prompts")
    assert inks["que cheire a café"] == ("unmet", "Cannot be met")
    assert [ink for ink, _, _ in legend(stretches)] == ["fact", "creative", "unmet"]


@given(
    st.text(max_size=40),
    st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50), st.text(max_size=12)), max_size=8),
)
@settings(max_examples=60)
def test_no_letter_of_the_brief_is_lost(brief: str, spans: list[tuple[int, int, str]]) -> None:
    coverage = tuple(Span(text="", start=start, end=end, means=means) for start, end, means in spans)
    plan = Plan(brief=brief, brief_language="en", understanding=Understanding(), coverage=coverage, tasks=())
    assert "".join(stretch.text for stretch in mark_up(plan)) == brief


@pytest.mark.parametrize(
    ("means", "meaning"),
    [
        ("tasks[9].duration_s", "length"),
        ("tasks[2]", "Photo · to be made"),
        ("platform.avoid", "Platform to avoid: kling and veo"),
        ("budget_amount", "Budget: 10 BRL"),
        ("something_new", "Something new"),
    ],
)
def test_meanings_are_told_in_words(tmp_path: Path, means: str, meaning: str) -> None:
    plan = draft(tmp_path).plan
    understanding = plan.understanding.model_dump() | {
        "budget_usd": None,
        "budget_amount": 10,
        "budget_currency": "BRL",
        "platform": {"avoid": ("kling", "veo")},
    }
    span = Span(text=BRIEF[:2], start=0, end=2, means=means)
    marked = plan.model_copy(
        update={"coverage": (span,), "understanding": Understanding.model_validate(understanding)}
    )
    assert mark_up(marked)[0].meaning == meaning


# ── the receipt, the choices, the checks ───────────────────────────────────────────────────────


def test_the_receipt_adds_up_as_it_is_printed(tmp_path: Path) -> None:
    receipt = make_receipt(bought(tmp_path))
    costs = [row.cost for row in receipt.rows if row.cost != "in doubt"]
    assert (
        sum(Money.dollars(cost[1:]) for cost in costs) == Money.dollars(receipt.total[1:]) == money("1.1824")
    )
    assert [(row.task, row.depth) for row in receipt.rows] == [
        ("voice-1", 0),
        ("photo-1", 0),
        ("video-1", 0),
        ("video-1-keyframe-1", 1),
        ("video-1-keyframe-1-edit", 2),
    ]
    voice, photo, clip = receipt.rows[:3]
    assert (voice.cost, voice.remarks) == ("in doubt", ("$0.0206 at elevenlabs in doubt, held",))
    assert photo.billed_as == "1 image 1024x1536 medium"
    assert clip.billed_as == "10 s $0.50 + 5 s $0.25"
    assert clip.remarks == ("kling charged $0.35 and failed", "2 attempts")
    assert receipt.held == "$0.0206"
    assert (receipt.spent_share, receipt.quoted_share) == (60.64, 41.63)
    assert make_receipt(draft(tmp_path)).spent_share is None


@given(st.lists(st.integers(0, 10**12), max_size=6))
def test_amounts_of_one_table_are_written_alike_and_exactly(micros: list[int]) -> None:
    amounts = [Money(amount) for amount in micros]
    shown = [in_step(amounts)(amount) for amount in amounts]
    assert len({len(text.partition(".")[2]) for text in shown}) <= 1
    assert all(
        Money.dollars(text[1:]) == amount
        for text, amount in zip(shown, amounts, strict=True)
        if amount < 10**12
    )


def test_who_asked_whom_is_a_tree(tmp_path: Path) -> None:
    ((asker, (keyframe,)),) = who_asked_whom(bought(tmp_path))
    assert (asker, keyframe.task, keyframe.picture) == ("video-1", "video-1-keyframe-1", "keyframes/1.png")
    assert [(ask.task, ask.made_by) for ask in keyframe.then] == [("video-1-keyframe-1-edit", "")]
    assert "not made" in Page(render_report(bought(tmp_path))).text


def test_each_choice_says_why_not_the_others(tmp_path: Path) -> None:
    clip = weigh(bought(tmp_path))[2]
    assert clip.chosen is not None
    assert (clip.chosen.platform, clip.chosen.price) == ("runway", "$0.75")
    assert {option.platform: option.verdict for option in clip.others} == {
        "kling": "could, $0.30 more",
        "draft_clip": "below the quality asked for",
        "pika": "cannot make this shape",
        "luma": "resting after errors",
        "google_veo": "over the budget",
    }
    assert clip.others[0].platform == "kling"
    assert clip.summary == "5 others weighed, 1 possible"
    voice = {option.platform: option.verdict for option in weigh(bought(tmp_path))[0].others}
    assert voice["azure_speech"] == "not offered in this region and below the quality asked for"


def test_a_draft_says_so_in_one_line_and_what_keys_would_change(tmp_path: Path) -> None:
    line = draft_line(draft(tmp_path))
    assert line.startswith(
        "This is a draft, made on this machine for $0.00: drawn pictures and a synthetic voice."
    )
    assert "starts at about $0.82: eleven_v3 (elevenlabs) for voice-1" in line
    assert line in Page(render_report(draft(tmp_path))).text
    unpriced = draft(tmp_path).model_copy(update={"quote": bought(tmp_path).quote})
    assert draft_line(unpriced).endswith(
        "This version makes drafts; what paid platforms would charge is in the plan."
    )
    assert "This is a draft" not in Page(render_report(bought(tmp_path))).text


def test_checks_compare_what_was_asked_with_what_was_measured(tmp_path: Path) -> None:
    delivery = draft(tmp_path)
    film = check_all(delivery)[0]
    assert (film.file, film.passed, film.failed) == ("film.mp4", 10, 0)
    assert delivery.film is not None
    poor = delivery.film.model_copy(
        update={
            "frames": 449,
            "duration_s": 14.9667,
            "captions": None,
            "measured": {
                "lufs": -70.0,
                "true_peak_dbtp": 0.4,
                "black_share": 1.0,
                "video_codec": "h264",
                "faststart": True,
                "title": "shown elsewhere",
                "marks": [{"at_s": 1}],
            },
        }
    )
    checks = {check.what: check for check in check_all(delivery.model_copy(update={"film": poor}))[0].checks}
    wrong = {name for name, check in checks.items() if check.ok is False}
    assert wrong == {"Length", "Frames", "Captions", "Loudness", "True peak", "Black"}
    assert (checks["Loudness"].wanted, checks["Loudness"].measured) == ("−16 ± 1 LUFS", "−70 LUFS")
    assert checks["Video codec"].measured == "h264"
    assert checks["Plays while it loads"].measured == "yes"
    assert not {"Title", "Marks"} & set(checks)


def test_a_film_without_a_voice_may_be_silent(tmp_path: Path) -> None:
    delivery = draft(tmp_path)
    assert delivery.plan.film is not None
    assert delivery.film is not None
    silent = delivery.plan.film.model_copy(update={"voices": (), "duration_s": None})
    film = delivery.film.model_copy(
        update={"measured": {"lufs": -70.0, "silence_share": 1.0}, "captions": None}
    )
    quiet = delivery.model_copy(
        update={"plan": delivery.plan.model_copy(update={"film": silent}), "film": film}
    )
    assert check_all(quiet)[0].failed == 0


def test_a_picture_is_held_to_a_size_only_if_the_brief_said_one(tmp_path: Path) -> None:
    delivery = bought(tmp_path)
    assert [check.ok for check in check_all(delivery)[0].checks if check.what == "Picture"] == [None]
    spec = delivery.plan.task("photo-1").spec.model_copy(update={"size_is_stated": True})
    tasks = tuple(
        task.model_copy(update={"spec": spec}) if task.id == "photo-1" else task
        for task in delivery.plan.tasks
    )
    strict = delivery.model_copy(update={"plan": delivery.plan.model_copy(update={"tasks": tasks})})
    assert [check.ok for check in check_all(strict)[0].checks if check.what == "Picture"] == [False]


# ── small words ────────────────────────────────────────────────────────────────────────────────


def test_captions_are_read_and_written_back() -> None:
    found = cues(SRT.replace("\n", "\r\n"))
    assert [(cue.at_s, cue.clock, cue.text) for cue in found] == [
        (0.4, "0:00", "De manhã cedo, a luz encontra a caneca."),
        (4.8, "0:04", "Feita à mão, uma a uma."),
        (8.9, "0:08", "O seu café merece um lugar só dele."),
    ]
    assert cues("no captions here") == ()
    assert webvtt(()) == ""


def test_words_for_lists_and_sizes() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b", "c"])] == ["", "a", "a, b and c"]
    assert [size(512), size(84_400), size(3_120_000)] == ["512 B", "84 kB", "3.1 MB"]
