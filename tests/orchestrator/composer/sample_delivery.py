"""A realistic delivery to test with: a Portuguese brief, made on drafts or bought from platforms."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from orchestrator.composer.manifest import Delegated, DeliveredFilm, Delivery, Original
from shared_knowledge.money import Money
from shared_knowledge.vocabulary import (
    Asset,
    Attempt,
    BriefTask,
    Delegation,
    Film,
    Medium,
    Offer,
    Order,
    OrderState,
    PaidPiece,
    PhotoIntent,
    PhotoSpec,
    Piece,
    Plan,
    PlatformWishes,
    Quote,
    QuoteLine,
    Shortfall,
    Shot,
    Span,
    Spec,
    Task,
    Understanding,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

__all__ = [
    "BRIEF",
    "SCRIPT",
    "SHOTS",
    "SRT",
    "Span",
    "bought",
    "draft",
    "fill",
    "money",
    "sample_plan",
    "sample_quote",
]

BRIEF = (
    "Um vídeo vertical de 15 s para Reels da nossa caneca de cerâmica azul, feita à mão, "
    "vapor ao amanhecer, com locução em português e uma foto hero. Sem plástico. "
    "Até US$ 2, e que cheire a café."
)
SCRIPT = "De manhã cedo, a luz encontra a caneca. Feita à mão, uma a uma. O seu café merece um lugar só dele."
SRT = """1
00:00:00,400 --> 00:00:04,200
De manhã cedo, a luz encontra a caneca.

2
00:00:04,800 --> 00:00:08,100
Feita à mão, uma a uma.

3
00:00:08,900 --> 00:00:13,600
O seu café merece um lugar
só dele.
"""
SHOTS = (
    Shot(label="O amanhecer", scene="a janela da cozinha, vapor que sobe devagar", duration_s=5),
    Shot(label="As mãos", scene="mãos de oleiro alisam a borda azul", duration_s=5),
    Shot(label="O primeiro gole", scene="a caneca sobre a mesa de madeira, luz quente", duration_s=5),
)
_SIZE = {"width": 720, "height": 1280, "aspect_ratio": "9:16"}


def money(dollars: str) -> Money:
    return Money.dollars(dollars)


def digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def _span(words: str, means: str) -> Span:
    start = BRIEF.index(words)
    return Span(text=words, start=start, end=start + len(words), means=means)


def sample_plan() -> Plan:
    photo = PhotoSpec(
        intent=PhotoIntent.HERO,
        subject="caneca de cerâmica azul",
        scene="vapor ao amanhecer",
        language="pt",
        negative=("plástico",),
        **_SIZE,
    )
    video = VideoSpec(
        subject="caneca de cerâmica azul",
        shots=SHOTS,
        duration_s=15,
        language="pt",
        negative=("plástico",),
        **_SIZE,
    )
    voice = VoiceSpec(script=SCRIPT, language="pt-BR", at_most_s=14.4)
    return Plan(
        brief=BRIEF,
        brief_language="pt",
        understanding=Understanding(
            tasks=(
                BriefTask(medium=Medium.VIDEO, duration_s=15.0, aspect_ratio="9:16"),
                BriefTask(medium=Medium.VOICE, language="pt-BR"),
                BriefTask(medium=Medium.PHOTO),
            ),
            compose=True,
            budget_usd=2.0,
            platform=PlatformWishes(),
            negative=("plástico",),
        ),
        coverage=(
            _span("vídeo", "tasks[0].medium"),
            _span("vertical", "tasks[0].aspect_ratio"),
            _span("15 s", "tasks[0].duration_s"),
            _span("Reels", "tasks[0].aspect_ratio"),
            _span("caneca de cerâmica azul, feita à mão", "creative"),
            _span("vapor ao amanhecer", "creative"),
            _span("locução em português", "tasks[1].language"),
            _span("uma foto hero", "tasks[2].count"),
            _span("Sem plástico", "negative"),
            _span("Até US$ 2", "budget_usd"),
            _span("que cheire a café", "cannot be met"),
        ),
        tasks=(
            Task(id="voice-1", spec=voice),
            Task(id="photo-1", spec=photo),
            Task(id="video-1", spec=video, depends_on=("photo-1", "voice-1")),
        ),
        film=Film(
            width=720, height=1280, duration_s=15, clips=("video-1",), voices=("voice-1",), language="pt-BR"
        ),
        budget=money("2"),
        assumptions=(
            "The film runs at 30 frames a second.",
            "The words to be spoken were written from the brief: none were given.",
            "The photo has the shape of the film, 9:16.",
        ),
        questions=("Should the maker's name be spoken at the end?",),
        warnings=("“que cheire a café” cannot be shown or heard; it changes nothing.",),
    )


def _vendor_offers(task: str, ready: bool) -> tuple[Offer, ...]:
    """The dear ones of each medium; without keys nobody of them is ready."""
    table: dict[str, tuple[tuple[str, str, str | None, str, tuple[WhyNot, ...]], ...]] = {
        "photo-1": (
            ("openai_images", "gpt-image-2", "0.0412", "1 image 1024x1536 medium", ()),
            ("google_images", "gemini-3.1-flash-image", "0.067", "1 image 1K", ()),
            ("bfl_flux", "flux-2-pro", "0.045", "1 megapixel", ()),
            ("runway_images", "gen4_image", None, "", (WhyNot.UNPRICED,)),
            ("vertex_images", "imagen-4", "0.04", "1 image", (WhyNot.RETIRED,)),
        ),
        "video-1": (
            ("runway", "gen4_turbo", "0.75", "10 s + 5 s at $0.05 a second", ()),
            ("kling", "kling-v2-6", "1.05", "10 s + 5 s", ()),
            ("google_veo", "veo-3.1-fast", "2.4", "8 s + 8 s", (WhyNot.OVER_BUDGET,)),
            ("luma", "ray-2", "1.42", "9 s + 6 s", (WhyNot.RESTING,)),
            ("pika", "pika-2.2", "0.9", "10 s + 5 s", (WhyNot.ASPECT_RATIO,)),
        ),
        "voice-1": (
            ("elevenlabs", "eleven_v3", "0.0206", "103 characters", ()),
            ("openai_speech", "gpt-4o-mini-tts", "0.0041", "about 14 s", (WhyNot.LANGUAGE,)),
            ("azure_speech", "neural", "0.0016", "103 characters", (WhyNot.REGION, WhyNot.QUALITY)),
        ),
    }
    return tuple(
        Offer(
            task=task,
            platform=platform,
            model=model,
            price=money(price) if price else None,
            billed_as=billed_as,
            pieces=(Piece(number=1, price=money(price)),) if price else (),
            price_seen_on=date(2026, 11, 20),
            why_not=why_not if ready or why_not else (WhyNot.NO_KEY,),
        )
        for platform, model, price, billed_as, why_not in table[task]
    )


_DRAFTS = {
    "photo-1": ("draft_picture", "storyboard", "1 frame"),
    "video-1": ("draft_clip", "camera", "15 s"),
    "voice-1": ("draft_speech", "espeak-ng", "103 characters"),
}


def _draft_offer(task: str, why_not: tuple[WhyNot, ...] = ()) -> Offer:
    platform, model, billed_as = _DRAFTS[task]
    pieces = (Piece(number=1, price=money("0")),)
    return Offer(
        task=task,
        platform=platform,
        model=model,
        price=money("0"),
        billed_as=billed_as,
        pieces=pieces,
        why_not=why_not,
    )


def sample_quote(*, drafts: bool) -> Quote:
    lines = tuple(
        QuoteLine(
            task=task,
            offers=(_draft_offer(task), *_vendor_offers(task, ready=False))
            if drafts
            else (*_vendor_offers(task, ready=True), _draft_offer(task, (WhyNot.QUALITY,))),
        )
        for task in ("voice-1", "photo-1", "video-1")
    )
    chosen = [line.chosen for line in lines if line.chosen]
    return Quote(
        lines=lines,
        estimate=Money(sum(offer.price or 0 for offer in chosen)),
        ceiling=money("0") if drafts else money("1.95"),
        oldest_price=None if drafts else date(2026, 11, 20),
        hash="q-7f3a91c2",
        expires_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        warnings=() if drafts else ("The price of luma is 40 days old.",),
    )


def _order(task: str, spec: Spec, platform: str, model: str, **said: Any) -> Order:
    number = said.pop("number", 1)
    price = said.pop("price", money("0"))
    return Order(
        id=f"{task}.{number}",
        job="job_5a1be2c07d11",
        task=task,
        piece=said.pop("piece", 1),
        attempt=said.pop("attempt", 1),
        platform=platform,
        model=model,
        price=price,
        prompt=said.pop("prompt", f"{platform}: caneca de cerâmica azul, vapor ao amanhecer, sem plástico"),
        spec=spec,
        state=said.pop("state", OrderState.SETTLED),
        cost=said.pop("cost", price),
        **said,
    )


def _asset(
    folder: Path, task: str, name: str, medium: Medium, mime: str, maker: tuple[str, str], **facts: Any
) -> Asset:
    return Asset(
        task=task,
        medium=medium,
        path=str(folder / name),
        sha256=digest(name),
        size_bytes=facts.pop("size_bytes", 184_220),
        mime=mime,
        platform=maker[0],
        model=maker[1],
        cost=facts.pop("cost", money("0")),
        **facts,
    )


def _film(folder: Path) -> DeliveredFilm:
    return DeliveredFilm(
        path=str(folder / "film.mp4"),
        sha256=digest("film.mp4"),
        size_bytes=3_412_880,
        width=720,
        height=1280,
        duration_s=15.0,
        fps=30,
        frames=450,
        captions=str(folder / "captions.srt"),
        measured={
            "lufs": -16.12,
            "true_peak_dbtp": -1.4,
            "silence_share": 0.18,
            "black_share": 0.0,
            "frozen_share": 0.02,
        },
    )


def _keyframe(number: int) -> PhotoSpec:
    return PhotoSpec(
        intent=PhotoIntent.KEYFRAME, subject="caneca de cerâmica azul", label=SHOTS[number - 1].label
    )


def draft(folder: Path) -> Delivery:
    """The brief made without any key: three keyframes asked of the photo agent, everything for 0.00."""
    plan = sample_plan()
    picture, speech, clip = (
        ("draft_picture", "storyboard"),
        ("draft_speech", "espeak-ng"),
        ("draft_clip", "camera"),
    )
    keyframes = [f"video-1-keyframe-{number}" for number in (1, 2, 3)]
    return Delivery(
        job="job_5a1be2c07d11",
        created_at=datetime(2026, 11, 20, 9, 30, 4, tzinfo=UTC),
        ended_at=datetime(2026, 11, 20, 9, 30, 46, tzinfo=UTC),
        status="done",
        folder=str(folder),
        plan=plan,
        quote=sample_quote(drafts=True),
        assets=(
            _asset(
                folder,
                "voice-1",
                "voice-1-pt-BR.wav",
                Medium.VOICE,
                "audio/wav",
                speech,
                duration_s=13.2,
                size_bytes=582_144,
                measured={"lufs": -16.0},
            ),
            _asset(
                folder,
                "photo-1",
                "photo-1-hero.png",
                Medium.PHOTO,
                "image/png",
                picture,
                width=720,
                height=1280,
            ),
            _asset(
                folder,
                "video-1",
                "video-1.mp4",
                Medium.VIDEO,
                "video/mp4",
                clip,
                width=720,
                height=1280,
                duration_s=15.0,
                fps=30.0,
                size_bytes=2_204_100,
            ),
        ),
        delegations=tuple(
            Delegated(
                delegation=Delegation(
                    asked_by="video-1",
                    task=name,
                    medium=Medium.PHOTO,
                    because=f"keyframe for shot {number}: {SHOTS[number - 1].label}",
                    cost=money("0"),
                ),
                asset=_asset(
                    folder,
                    name,
                    f"keyframes/{number}.png",
                    Medium.PHOTO,
                    "image/png",
                    picture,
                    width=720,
                    height=1280,
                ),
            )
            for number, name in enumerate(keyframes, start=1)
        ),
        orders=(
            _order("voice-1", plan.task("voice-1").spec, *speech, prompt=SCRIPT),
            _order("photo-1", plan.task("photo-1").spec, *picture),
            *(_order(name, _keyframe(number), *picture) for number, name in enumerate(keyframes, start=1)),
            _order("video-1", plan.task("video-1").spec, *clip),
        ),
        originals=(
            Original(
                path=str(folder / "originals/video-1.mp4"),
                sha256=digest("original"),
                size_bytes=2_204_100,
                task="video-1",
                platform="draft_clip",
                model="camera",
            ),
        ),
        film=_film(folder),
        draft=True,
        version="0.1.0",
    )


def bought(folder: Path) -> Delivery:
    """The same brief bought from platforms: two pieces, one failure that was charged, no voice."""
    plan = sample_plan()
    runway, pictures = ("runway", "gen4_turbo"), ("openai_images", "gpt-image-2")
    clip = plan.task("video-1").spec
    return draft(folder).model_copy(
        update={
            "status": "in_doubt",
            "quote": sample_quote(drafts=False),
            "draft": False,
            "film": None,
            "assets": (
                _asset(
                    folder,
                    "photo-1",
                    "photo-1-hero.png",
                    Medium.PHOTO,
                    "image/png",
                    pictures,
                    width=1024,
                    height=1536,
                    cost=money("0.0412"),
                ),
                _asset(
                    folder,
                    "video-1",
                    "video-1.mp4",
                    Medium.VIDEO,
                    "video/mp4",
                    runway,
                    width=720,
                    height=1280,
                    duration_s=15.0,
                    fps=24.0,
                    cost=money("0.75"),
                    pieces=(
                        PaidPiece(duration_s=10, cost=money("0.5")),
                        PaidPiece(duration_s=5, cost=money("0.25")),
                    ),
                    warnings=("runway takes no negative prompt; “plástico” was written into the prompt.",),
                ),
            ),
            "shortfalls": (
                Shortfall(
                    task="voice-1",
                    why="elevenlabs may have booked this voice, but its answer never came.",
                    kind="in_doubt",
                    tried=(Attempt(platform="elevenlabs", outcome="answer lost"),),
                ),
            ),
            "delegations": (
                Delegated(
                    delegation=Delegation(
                        asked_by="video-1",
                        task="video-1-keyframe-1",
                        medium=Medium.PHOTO,
                        because="keyframe for shot 2",
                        cost=money("0.0412"),
                    ),
                    asset=_asset(
                        folder,
                        "video-1-keyframe-1",
                        "keyframes/1.png",
                        Medium.PHOTO,
                        "image/png",
                        pictures,
                        cost=money("0.0412"),
                    ),
                ),
                Delegated(
                    delegation=Delegation(
                        asked_by="video-1-keyframe-1",
                        task="video-1-keyframe-1-edit",
                        medium=Medium.PHOTO,
                        because="the label had to go",
                        cost=money("0"),
                    ),
                ),
            ),
            "orders": (
                _order("photo-1", plan.task("photo-1").spec, *pictures, price=money("0.0412")),
                _order(
                    "video-1",
                    clip,
                    "kling",
                    "kling-v2-6",
                    price=money("0.35"),
                    cost=money("0.35"),
                    state=OrderState.FAILED_CHARGED,
                    why="no output",
                ),
                _order("video-1", clip, *runway, number=2, attempt=2, price=money("0.5")),
                _order("video-1", clip, *runway, number=3, attempt=2, piece=2, price=money("0.25")),
                _order("video-1-keyframe-1", _keyframe(2), *pictures, price=money("0.0412")),
                _order(
                    "voice-1",
                    plan.task("voice-1").spec,
                    "elevenlabs",
                    "eleven_v3",
                    price=money("0.0206"),
                    cost=None,
                    state=OrderState.IN_DOUBT,
                    why="answer lost",
                    receipt={"poll": "https://secret.example/signed"},
                ),
            ),
            "warnings": ("One order is in doubt.",),
        }
    )


def fill(folder: Path, delivery: Delivery) -> None:
    """Puts a small file under every name the delivery speaks of."""
    paths = [asset.path for asset in delivery.assets]
    paths += [one.asset.path for one in delivery.delegations if one.asset]
    paths += [original.path for original in delivery.originals]
    if delivery.film:
        paths.append(delivery.film.path)
        (folder / "captions.srt").write_text(SRT, "utf-8")
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode())
