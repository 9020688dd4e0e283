"""What is known about a platform, and nothing it does: models, abilities, limits, prices and manners.

Every class here is one table of a file in `platforms/`; the field names are the keys of that table.
"""

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from shared_knowledge.vocabulary import Frozen, Medium, Quality

__all__ = [
    "Audio",
    "Hooks",
    "Mode",
    "Model",
    "PictureLimits",
    "Platform",
    "Price",
    "PromptLimit",
    "Recovery",
    "Resolution",
    "SecretName",
    "Settling",
    "SignIn",
    "Stretch",
    "Tier",
    "Unit",
    "plain",
]


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """A name without case, spaces and punctuation: "DALL-E 3" and "dalle3" are one."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


class Recovery(StrEnum):
    """How an order whose answer was lost can be found again."""

    IDEMPOTENT = "IDEMPOTENT"
    CLIENT_REF = "CLIENT_REF"
    LISTABLE = "LISTABLE"
    REFETCHABLE = "REFETCHABLE"
    OPAQUE = "OPAQUE"


class Mode(StrEnum):
    """What a model makes out of what."""

    TEXT_TO_IMAGE = "text_to_image"
    EDIT = "edit"
    TEXT_TO_VIDEO = "text_to_video"
    IMAGE_TO_VIDEO = "image_to_video"
    VIDEO_TO_VIDEO = "video_to_video"
    TEXT_TO_SPEECH = "text_to_speech"


class Audio(StrEnum):
    """Whether a clip comes with sound."""

    NEVER = "never"
    OPTIONAL = "optional"
    ALWAYS = "always"


class Unit(StrEnum):
    """What a vendor counts."""

    IMAGE = "image"
    FIRST_MEGAPIXEL = "first megapixel"
    FURTHER_MEGAPIXEL = "further megapixel"
    REFERENCE_MEGAPIXEL = "reference megapixel"
    REFERENCE = "reference image"
    SECOND = "second"
    CLIP = "clip"
    CHARACTERS = "1M characters"
    TEXT_IN = "1M text input tokens"
    IMAGE_IN = "1M image input tokens"
    TEXT_OUT = "1M text output tokens"
    IMAGE_OUT = "1M image output tokens"
    AUDIO_OUT = "1M audio output tokens"
    VIDEO_OUT = "1M video output tokens"


class Price(Frozen):
    """One line of a price list: what it counts, on which conditions, who said so and when."""

    unit: Unit
    usd: Decimal = Field(ge=0)
    source: str
    seen_on: date
    confirmed: bool = True
    estimate: bool = False
    quality: str | None = None
    resolution: str | None = None
    audio: bool | None = None
    seconds: int | None = None
    region: Literal["global", "regional"] | None = None
    least_usd: Decimal | None = Field(default=None, ge=0)
    tokens_per_s: Decimal | None = Field(default=None, gt=0)
    valid_from: date | None = None
    valid_until: date | None = None
    remark: str = ""

    def holds(self, today: date) -> bool:
        """Whether this price is in force on that day; both of its ends are included."""
        begun = self.valid_from is None or self.valid_from <= today
        return begun and (self.valid_until is None or today <= self.valid_until)

    def fits(self, **terms: object) -> bool:
        """Whether nothing that is known about the purchase contradicts its conditions."""
        return all(
            wanted is None or getattr(self, name) is None or getattr(self, name) == wanted
            for name, wanted in terms.items()
        )

    def clashes(self, other: Self) -> bool:
        """Whether both could claim the same purchase on the same day."""
        if self.unit != other.unit:
            return False
        for name in ("quality", "resolution", "audio", "seconds", "region"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is not None and theirs is not None and mine != theirs:
                return False
        later_start = max(self.valid_from or date.min, other.valid_from or date.min)
        return later_start <= min(self.valid_until or date.max, other.valid_until or date.max)


class Resolution(Frozen):
    """A size a model can be asked for: the vendor's word for it, and for every ratio it has there."""

    name: str
    word: str | None = None
    ratios: dict[str, str] = Field(default_factory=dict)
    image_ratios: dict[str, str] = Field(default_factory=dict)
    any_ratio: bool = False
    short_side: int | None = Field(default=None, gt=0)
    megapixels: Decimal | None = Field(default=None, gt=0)
    step: int = Field(default=2, gt=0)
    longest_side: int | None = None
    steepest: int | None = None

    @model_validator(mode="after")
    def _free_shapes_have_a_size(self) -> Self:
        if self.any_ratio and self.short_side is None and self.megapixels is None:
            raise ValueError("any_ratio needs short_side or megapixels")
        return self


class Tier(Frozen):
    """What one of our three qualities means here: the vendor's setting, and the least resolution."""

    setting: str | None = None
    resolution: str | None = None


class PromptLimit(Frozen):
    """How long the words may be, in the vendor's own measure."""

    most: int = Field(gt=0)
    unit: Literal["characters", "utf-16 units", "bytes", "tokens"] = "characters"


class Stretch(Frozen):
    """Any length between two ends, in seconds."""

    least: Decimal = Field(gt=0)
    most: Decimal = Field(gt=0)


def _spelled_out(lengths: Any) -> Any:
    """A range such as { least = 2, most = 10 } as the list of its lengths."""
    if not isinstance(lengths, dict):
        return lengths
    if not {"least", "most"} <= lengths.keys() <= {"least", "most", "step"}:
        raise ValueError("a range of lengths has least, most and, if it is not 1, step")
    return list(range(lengths["least"], lengths["most"] + 1, lengths.get("step", 1)))


class Model(Frozen):
    """One model: who made it, what it can do, within which limits, for how much, until when."""

    id: str = Field(min_length=1)
    makers: tuple[str, ...] = Field(min_length=1)
    modes: tuple[Mode, ...] = Field(min_length=1)
    quality: dict[Quality, Tier]
    resolutions: tuple[Resolution, ...] = ()
    durations_s: Annotated[tuple[int, ...], BeforeValidator(_spelled_out)] = ()
    any_duration_s: Stretch | None = None
    audio: Audio = Audio.NEVER
    references: int = 0
    keyframe: Literal["one", "per_shot"] = "one"
    languages: tuple[str, ...] | Literal["all"] = ()
    prompt: PromptLimit | None = None
    longest_s: int | None = None
    regions: tuple[str, ...] = ()
    retires_on: date | None = None
    prices: tuple[Price, ...] = ()
    remark: str = ""

    @property
    def abilities(self) -> dict[str, JsonValue]:
        """What it can do, as plain JSON."""
        own_words = {"id", "prices", "retires_on", "remark"}
        return self.model_dump(mode="json", exclude=own_words, exclude_defaults=True)

    def made_by(self, brand: str) -> bool:
        """Whether the brand made this model, whoever serves it."""
        return plain(brand) in map(plain, self.makers)

    def speaks(self, language: str) -> bool:
        """Whether it can say that language; "pt" is met by any Portuguese, "es-MX" by Spanish."""
        if self.languages == "all":
            return True
        wanted = language.casefold()
        base = wanted.split("-")[0]
        known = {name.casefold() for name in self.languages}
        return bool({wanted, base} & known) or (wanted == base and base in {k.split("-")[0] for k in known})

    @model_validator(mode="after")
    def _conditions_make_sense(self) -> Self:
        names = {resolution.name for resolution in self.resolutions}
        settings = {tier.setting for tier in self.quality.values()}
        for tier in self.quality.values():
            if tier.resolution is not None and tier.resolution not in names:
                raise ValueError(f"a quality names the resolution {tier.resolution!r}, which is not listed")
        for number, price in enumerate(self.prices):
            if price.resolution is not None and price.resolution not in names:
                raise ValueError(f"prices[{number}] names the resolution {price.resolution!r}, not listed")
            if price.quality is not None and settings == {None}:
                raise ValueError(f"prices[{number}] depends on a quality that no tier asks for")
            if any(price.clashes(other) for other in self.prices[:number]):
                raise ValueError(f"prices[{number}] overlaps an earlier price of the same unit")
        return self


class SecretName(Frozen):
    """A variable the platform needs: its name, older names still read, and whether it must be masked."""

    name: str
    older: tuple[str, ...] = ()
    hidden: bool = True


class SignIn(Frozen):
    """How a request shows who sends it: a key in a header, a token signed here, or one fetched from Google."""

    by: Literal["header", "kling_token", "google_token"]
    header: str = "Authorization"
    prefix: str = ""


class PictureLimits(Frozen):
    """What a picture may be that is sent along: its kinds, its weight, its sides."""

    kinds: tuple[Literal["png", "jpeg", "webp"], ...] = ("png", "jpeg", "webp")
    most_mb: Decimal = Field(gt=0)
    megapixels: Decimal | None = Field(default=None, gt=0)
    shortest_side: int | None = Field(default=None, gt=0)


class Settling(Frozen):
    """After how long a list that does not show an order proves that it was never booked; who said so, and when."""

    after_s: float = Field(gt=0)
    source: str
    seen_on: date
    confirmed: bool = True


class Hooks(Frozen):
    """How the vendor calls us back, if we ask it to: signed with what, and where its words name the work.

    `keys` is the address of its public keys, `secret` the variable of a shared one; who signs neither way is
    believed as far as it can name the work. `number` lists the places at which that may stand.
    """

    by: Literal["fal_signature", "standard_webhooks", "number"]
    number: tuple[str, ...] = Field(min_length=1)
    keys: str = ""
    secret: str = ""

    @model_validator(mode="after")
    def _signatures_can_be_checked(self) -> Self:
        if (self.by == "fal_signature") != bool(self.keys) or (self.by == "standard_webhooks") != bool(
            self.secret
        ):
            raise ValueError(
                "fal_signature needs keys, standard_webhooks needs a secret, and number needs neither"
            )
        return self


class Platform(Frozen):
    """One company's door: where it is, what it takes to enter, and how it behaves.

    `not_booked` lists answers to a paid start of which the vendor says that nothing was booked;
    `negatives` says whether what must not be seen goes into the words or has a field of its own.
    """

    id: str
    name: str
    medium: Medium
    brands: tuple[str, ...] = ()
    local: bool = False
    base_url: str = ""
    base_urls: dict[str, str] = Field(default_factory=dict)
    key_hosts: tuple[str, ...] = ()
    secrets: tuple[SecretName, ...] = ()
    sign_in: SignIn | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    pictures: PictureLimits | None = None
    negatives: Literal["in_words", "apart"] = "in_words"
    not_booked: tuple[int, ...] = ()
    recovery: Recovery
    settling: Settling | None = None
    hooks: Hooks | None = None
    look_again_s: float = Field(ge=0)
    deadline_s: float = Field(gt=0)
    concurrency: int | None = Field(default=None, gt=0)
    requests_per_minute: int | None = Field(default=None, gt=0)
    models: tuple[Model, ...] = ()
    remark: str = ""

    def model(self, model_id: str) -> Model | None:
        """The model of that name, if it is here."""
        return next((model for model in self.models if model.id == model_id), None)

    @property
    def settles_s(self) -> float | None:
        """The seconds after which its list may be trusted with money; None where nobody has confirmed any."""
        return self.settling.after_s if self.settling and self.settling.confirmed else None

    def belongs_to(self, brand: str) -> bool:
        """Whether the brand is the company one deals with here."""
        return plain(brand) in map(plain, self.brands)

    def may_see_key(self, host: str) -> bool:
        """Whether our key may travel to that host."""
        return any(fnmatchcase(host.casefold().rstrip("."), pattern) for pattern in self.key_hosts)

    @model_validator(mode="after")
    def _doors_have_addresses(self) -> Self:
        door = self.base_url.startswith("https://") and self.key_hosts and self.secrets and self.sign_in
        if not self.local and not door:
            raise ValueError(
                "a platform that is not local needs an https base_url, key_hosts, secrets and sign_in"
            )
        if self.settling is not None and self.recovery in (Recovery.OPAQUE, Recovery.IDEMPOTENT):
            raise ValueError(f"settling is about a list, and {self.recovery} says that there is none")
        ids = [model.id for model in self.models]
        if len(ids) != len(set(ids)):
            raise ValueError("two models have the same id")
        return self
