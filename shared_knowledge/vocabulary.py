"""The nouns of Agentes: the only types that cross a border between rooms.

In order of flow: a Brief is what a person asked, a Job is that brief in our keeping, a Plan is its
Tasks and what each waits for, an Offer says which platform would do a task for how much, an Order
is one piece bought, and an Asset is a finished, checked file. Its twin, the Shortfall, says what
could not be made and why.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from shared_knowledge.money import Money
from shared_knowledge.narrated_words import (
    address_of,
    language_tag,
    one_of,
    plain_address,
    shortened,
    spoken_words,
)

__all__ = [
    "TEST_REALM",
    "Asset",
    "AssetWords",
    "Attempt",
    "Brand",
    "Brief",
    "BriefTask",
    "Choice",
    "Delegation",
    "Film",
    "Frozen",
    "Job",
    "JobState",
    "Medium",
    "Money",
    "MusicStyle",
    "Narration",
    "Offer",
    "Order",
    "OrderState",
    "Outcome",
    "PaidPiece",
    "PhotoIntent",
    "PhotoSpec",
    "Piece",
    "Plan",
    "PlatformWishes",
    "Quality",
    "Quote",
    "QuoteLine",
    "Recording",
    "Shortfall",
    "Shot",
    "Size",
    "Span",
    "Spec",
    "Task",
    "Understanding",
    "VideoIntent",
    "VideoSpec",
    "VoiceIntent",
    "VoiceSpec",
    "WhyNot",
    "Words",
    "is_rehearsal",
    "pixels",
]


class Frozen(BaseModel):
    """A fact that nobody changes after it was said."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Medium(StrEnum):
    PHOTO = "photo"
    VIDEO = "video"
    VOICE = "voice"


class Quality(StrEnum):
    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"


# ── what a person asked ────────────────────────────────────────────────────────────────────────


class Choice(Frozen):
    """A platform a person names in an option: `runway`, `video=runway`, `openai_images:gpt-image-2`."""

    platform: str
    medium: Medium | None = None
    model: str | None = None


class AssetWords(Frozen):
    """What a language model wrote for one asset; `of` tells for which facts, as the rules found them."""

    of: str
    asset: str
    scene: str | None = None
    shots: tuple[str, ...] = ()
    script: str | None = None
    style: str | None = None


class Words(Frozen):
    """What a language model was asked for once, kept: for which brief, what it wrote, what went wrong."""

    brief: str
    model: str
    assets: tuple[AssetWords, ...] = ()
    warnings: tuple[str, ...] = ()


class MusicStyle(StrEnum):
    """The styles of music that can be laid under a film."""

    ORCHESTRAL = "orchestral"
    UPBEAT = "upbeat"
    AMBIENT = "ambient"
    CINEMATIC = "cinematic"
    CORPORATE = "corporate"
    ACOUSTIC = "acoustic"
    ELECTRONIC = "electronic"
    JAZZ = "jazz"
    NONE = "none"


class Narration(Frozen):
    """A film the person has, the words to be spoken over it, in which language, and the music beneath.

    The words are spoken and never followed: whatever they ask for, they change nothing in the plan.
    """

    video_url: Annotated[str, AfterValidator(address_of)]
    voice_text: Annotated[str | None, AfterValidator(spoken_words)] = None
    voice_language: Annotated[str, AfterValidator(language_tag)] = "en"
    music_style: Annotated[MusicStyle, BeforeValidator(one_of(MusicStyle, "style"))] = MusicStyle.NONE
    preset: str | None = None
    captions: bool = True

    @property
    def in_words(self) -> str:
        """The same as a sentence for lists and folders; the address without what may be a key in it."""
        said = f"“{shortened(self.voice_text, 60)}”" if self.voice_text else "No words"
        return f"{said} over {self.shown_url.rpartition('/')[2] or 'film'}, music: {self.music_style.value}"

    @property
    def shown_url(self) -> str:
        """The address as it may be shown to anybody."""
        return plain_address(self.video_url)


class Brand(Frozen):
    """How somebody's things look and sound wherever a brief does not say otherwise."""

    palette: tuple[str, ...] = ()
    look: str | None = None
    never: tuple[str, ...] = ()
    voice_gender: Literal["female", "male"] | None = None
    voice_style: str | None = None


class Brief(Frozen):
    """What a person asked: the words, and the conditions they put on them."""

    text: str
    budget: Money | None = None
    quality: Quality | None = None
    draft: bool = False
    use: tuple[Choice, ...] = ()
    avoid: tuple[Choice, ...] = ()
    on_refusal: Literal["stop", "elsewhere"] = "stop"
    on_doubt: Literal["hold", "buy-again"] = "hold"
    approval: Literal["ask", "given"] = "given"
    accepted_quote: str | None = None
    from_job: str | None = None
    may_read_files: bool = True  # of this machine; never what somebody sends from afar
    words: Words | None = None
    narration: Narration | None = None
    brand: Brand | None = None


class BriefTask(Frozen):
    """One group of equal assets, exactly as the words say it; null where they say nothing."""

    medium: Medium
    count: int = 1
    duration_s: float | None = None
    aspect_ratio: str | None = None
    language: str | None = None
    quality: Quality | None = None
    script: str | None = None
    depends_on: tuple[int, ...] = ()
    reference: str | None = None


class PlatformWishes(Frozen):
    """Brands named in the text, lower case: the maker of the model, wherever it is hosted."""

    prefer: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()


class Understanding(Frozen):
    """What the text says, and nothing it does not say."""

    tasks: tuple[BriefTask, ...] = ()
    compose: bool = False
    budget_usd: float | None = None
    budget_currency: str | None = None
    budget_amount: float | None = None
    platform: PlatformWishes = PlatformWishes()
    negative: tuple[str, ...] = ()
    ambiguous: bool = False


class Span(Frozen):
    """A stretch of the brief and what became of it: a field, creative content, or nothing."""

    text: str
    start: int
    end: int
    means: str


# ── what will be done ──────────────────────────────────────────────────────────────────────────


class PhotoIntent(StrEnum):
    HERO = "hero"
    PACKSHOT = "packshot"
    LIFESTYLE = "lifestyle"
    KEYFRAME = "keyframe"
    THUMBNAIL = "thumbnail"
    EDIT = "edit"


class VideoIntent(StrEnum):
    TEXT_TO_VIDEO = "text_to_video"
    IMAGE_TO_VIDEO = "image_to_video"
    CONTINUATION = "continuation"
    B_ROLL = "b_roll"


class VoiceIntent(StrEnum):
    NARRATION = "narration"
    DIALOGUE = "dialogue"


class PhotoSpec(Frozen):
    """A picture: what is on it, its shape, and what it must not show."""

    medium: Literal[Medium.PHOTO] = Medium.PHOTO
    intent: PhotoIntent = PhotoIntent.HERO
    subject: str
    scene: str = ""
    label: str | None = None
    badge: str | None = None
    aspect_ratio: str = "1:1"
    width: int = 1080
    height: int = 1080
    size_is_stated: bool = False
    quality: Quality = Quality.STANDARD
    language: str = "en"
    references: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()
    seed: int = 0


class Shot(Frozen):
    """One take inside a clip: what it is called, what it shows, how long it lasts."""

    label: str
    scene: str
    duration_s: float


class VideoSpec(Frozen):
    """A clip of an exact length, told as shots."""

    medium: Literal[Medium.VIDEO] = Medium.VIDEO
    intent: VideoIntent = VideoIntent.TEXT_TO_VIDEO
    subject: str
    shots: tuple[Shot, ...] = Field(min_length=1)
    duration_s: float = Field(gt=0)
    fps: Literal[24, 25, 30] = 30
    aspect_ratio: str = "16:9"
    width: int = 1280
    height: int = 720
    size_is_stated: bool = False
    audio: bool = False
    quality: Quality = Quality.STANDARD
    language: str = "en"
    references: tuple[str, ...] = ()
    first_frame: str | None = None
    negative: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()
    seed: int = 0

    def keyframe(self, number: int) -> PhotoSpec:
        """The picture a shot may grow out of: one of a family, by subject, colours and seed."""
        shot = self.shots[number - 1]
        return PhotoSpec(
            intent=PhotoIntent.KEYFRAME,
            subject=self.subject,
            scene=shot.scene,
            label=f"{number} · {shot.label}",
            badge=f"{self.aspect_ratio} · {round(shot.duration_s, 1):g} s",
            aspect_ratio=self.aspect_ratio,
            width=self.width,
            height=self.height,
            quality=self.quality,
            language=self.language,
            references=self.references,
            negative=self.negative,
            palette=self.palette,
            seed=self.seed,
        )


class VoiceSpec(Frozen):
    """Words to be spoken, in which language, and how long they may take."""

    medium: Literal[Medium.VOICE] = Medium.VOICE
    intent: VoiceIntent = VoiceIntent.NARRATION
    script: str = Field(min_length=1)
    script_is_given: bool = False
    language: str = "en"
    duration_s: float | None = None
    at_most_s: float | None = None
    gender: Literal["female", "male"] | None = None
    style: str = ""
    quality: Quality = Quality.STANDARD
    references: tuple[str, ...] = ()
    seed: int = 0


Spec = Annotated[PhotoSpec | VideoSpec | VoiceSpec, Field(discriminator="medium")]


class Task(Frozen):
    """One deliverable: a picture, a clip of any length, or a voice; those of one group share a model."""

    id: str
    spec: Spec
    depends_on: tuple[str, ...] = ()
    group: str | None = None
    asked_by: str | None = None
    because: str | None = None

    @property
    def medium(self) -> Medium:
        return self.spec.medium


class Recording(Frozen):
    """A sound the person gave: heard as it is, with its length, its pauses, and its words where they are known."""

    path: str
    lasts_s: float | None = None
    pauses_s: tuple[float, ...] = ()
    says: str = ""


class Film(Frozen):
    """The deliverable that joins clips and voice: its canvas, clock and captions.

    The length of the `open` clips was foreseen from the words; once these are spoken, they set it.
    A film laid `over` a given one has no clips, and takes its canvas and clock from it: until that one
    was seen, its width and height are 0.
    """

    width: int
    height: int
    fps: Literal[24, 25, 30] = 30
    duration_s: float | None = None
    clips: tuple[str, ...]
    voices: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    recording: Recording | None = None
    over: str | None = None
    music: MusicStyle = MusicStyle.NONE
    captions: bool = True
    language: str = "en"


class WhyNot(StrEnum):
    """The reason codes of an offer that cannot be taken."""

    DURATION = "duration"
    ASPECT_RATIO = "aspect_ratio"
    RESOLUTION = "resolution"
    LANGUAGE = "language"
    REFERENCE = "reference"
    AUDIO = "audio"
    QUALITY = "quality"
    NO_KEY = "no_key"
    NO_ADAPTER = "no_adapter"
    RETIRED = "retired"
    UNPRICED = "unpriced"
    AVOIDED = "avoided"
    RESTING = "resting"
    REGION = "region"
    PROMPT_TOO_LONG = "prompt_too_long"
    OVER_BUDGET = "over_budget"


class Piece(Frozen):
    """One purchase within an offer: its length where it has one, and its price."""

    number: int
    price: Money
    duration_s: float | None = None


class Offer(Frozen):
    """This platform and model would do this task, in these pieces, for this much."""

    task: str
    platform: str
    model: str
    price: Money | None
    billed_as: str = ""
    pieces: tuple[Piece, ...] = ()
    keyframe: bool = False
    price_seen_on: date | None = None
    why_not: tuple[WhyNot, ...] = ()

    @property
    def suitable(self) -> bool:
        return self.price is not None and not self.why_not


class QuoteLine(Frozen):
    """What one task would cost, and every offer that was weighed, the chosen one first.

    `kept` stands for what an earlier job has made already: it costs nothing, and nobody is asked.
    """

    task: str
    offers: tuple[Offer, ...]
    kept: Offer | None = None

    @property
    def chosen(self) -> Offer | None:
        return self.kept or next((offer for offer in self.offers if offer.suitable), None)

    @property
    def suitable(self) -> tuple[Offer, ...]:
        return tuple(offer for offer in self.offers if offer.suitable)


class Quote(Frozen):
    """A promise: lines, a ceiling nothing may pass, the age of its prices and when it lapses."""

    lines: tuple[QuoteLine, ...]
    estimate: Money
    ceiling: Money
    oldest_price: date | None
    hash: str
    expires_at: datetime
    questions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    for_words: Money = Money(0)  # of the estimate, what asking a language model may take

    def line(self, task: str) -> QuoteLine:
        return next(line for line in self.lines if line.task == task)


class Plan(Frozen):
    """What will be done: the tasks, what each waits for, and everything that was assumed.

    `given` holds the digests of the person's own files, by the names the brief has for them, once a run has begun.
    """

    brief: str
    brief_language: str
    understanding: Understanding
    coverage: tuple[Span, ...]
    tasks: tuple[Task, ...]
    film: Film | None = None
    budget: Money | None = None
    assumptions: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    words: Words | None = None
    given: dict[str, str] = Field(default_factory=dict)

    def task(self, task_id: str) -> Task:
        return next(task for task in self.tasks if task.id == task_id)


# ── what was bought ────────────────────────────────────────────────────────────────────────────


class OrderState(StrEnum):
    """Where one purchase stands; written down before each step that matters."""

    PLANNED = "planned"
    RESERVED = "reserved"
    SENDING = "sending"
    SUBMITTED = "submitted"
    READY = "ready"
    STORED = "stored"
    SETTLED = "settled"
    FAILED_FREE = "failed_free"
    FAILED_CHARGED = "failed_charged"
    IN_DOUBT = "in_doubt"
    NEEDS_REVIEW = "needs_review"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more can happen to the money of this order."""
        return self in _OVER


_OVER = frozenset(
    {OrderState.SETTLED, OrderState.FAILED_FREE, OrderState.FAILED_CHARGED, OrderState.CANCELLED}
)


class Order(Frozen):
    """One piece bought: the words sent, the money set aside and, once started, the receipt.

    `prepared` is what free work before the purchase brought: an upload, a voice; it is done again when in doubt.
    `fence` is the number of the run that holds it: once a later run has taken the job, it moves nothing any more.
    """

    id: str
    job: str
    tenant: str = "local"
    key: str | None = None
    fence: int | None = None
    task: str
    piece: int
    attempt: int
    platform: str
    model: str
    price: Money
    prompt: str
    spec: Spec
    duration_s: float | None = None
    inputs: tuple[str, ...] = ()
    prepared: dict[str, JsonValue] = Field(default_factory=dict)
    state: OrderState = OrderState.PLANNED
    sent_at: datetime | None = None
    receipt: dict[str, JsonValue] | None = None
    cost: Money | None = None
    file: str | None = None
    why: str | None = None
    warnings: tuple[str, ...] = ()


class PaidPiece(Frozen):
    """What one piece of an asset lasted and cost, and the digest of the frame it goes on from, if it does."""

    duration_s: float | None
    cost: Money
    grown_from: str | None = None


class Asset(Frozen):
    """A finished, checked file: where it came from, what it cost, what was measured in it."""

    task: str
    medium: Medium
    path: str
    sha256: str
    size_bytes: int
    mime: str
    platform: str
    model: str
    cost: Money
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    fps: float | None = None
    prompt: str = ""
    pieces: tuple[PaidPiece, ...] = ()
    warnings: tuple[str, ...] = ()
    measured: dict[str, Any] = Field(default_factory=dict)


class Attempt(Frozen):
    """One platform that was tried, and how it ended."""

    platform: str
    outcome: str


class Shortfall(Frozen):
    """What could not be made, and why."""

    task: str
    why: str
    kind: Literal["failed", "refused", "in_doubt", "over_budget", "waiting", "cancelled"] = "failed"
    tried: tuple[Attempt, ...] = ()


Outcome = Asset | Shortfall


class Delegation(Frozen):
    """One agent asked another: who, for which task, why, and what it cost."""

    asked_by: str
    task: str
    medium: Medium
    because: str
    cost: Money


# ── that brief in our keeping ──────────────────────────────────────────────────────────────────


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    PAUSED = "paused"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in {JobState.DONE, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED}


TEST_REALM = "~test"  # ends the tenant of whoever came with a test key: no customer can have such a name


def is_rehearsal(tenant: str) -> bool:
    """Whether everything of this tenant is played: on drafts, by hands that cannot reach a vendor."""
    return tenant.endswith(TEST_REALM)


class Job(Frozen):
    """A brief in our keeping, from the moment it was accepted until its files are handed over."""

    id: str
    brief: Brief
    state: JobState
    folder: str
    created_at: datetime
    ended_at: datetime | None = None
    plan: Plan | None = None
    quote: Quote | None = None
    why: str | None = None
    tenant: str = "local"
    key: str | None = None


class Size(NamedTuple):
    width: int
    height: int


def pixels(aspect_ratio: str, short_side: int) -> Size:
    """The canvas of a ratio such as "9:16" whose shorter side is given; both sides are even."""
    across, down = (float(part) for part in aspect_ratio.split(":"))
    if across <= 0 or down <= 0:
        raise ValueError(f"{aspect_ratio!r} is not an aspect ratio")
    longer = 2 * round(short_side * max(across, down) / min(across, down) / 2)
    return Size(short_side, longer) if across <= down else Size(longer, short_side)
