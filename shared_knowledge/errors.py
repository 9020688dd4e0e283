"""Every error of Agentes is named after what should happen next.

AgentesError
 ├ NeedsPerson       a person must act; nobody else can
 │  ├ MissingSecret     a key is not there (drafts need none)
 │  ├ UnclearBrief      the words cannot be turned into work
 │  ├ BadRequest        the way it was asked is wrong: an option, a file, a folder
 │  ├ OverBudget        a cap would be passed
 │  ├ QuoteChanged      prices are no longer those that were accepted
 │  ├ InDoubt           an order may or may not have been booked
 │  └ Refused           the vendor's content rules said no
 ├ TryAgain          the wire repeats these, nobody else does
 │  ├ Throttled         wait, then the same again
 │  └ Unreachable       nothing was sent, or a free read failed
 │     └ Garbled           an answer that makes no sense, or says it is made and shows nothing
 ├ TryElsewhere      this platform cannot; the next offer may
 │  ├ Unsuitable        limits, or a file that is not what was asked for
 │  ├ Unavailable       key, credit, model or circuit: not now, not here
 │  └ Failed            the vendor tried and could not make it
 └ Broken            our own side failed: disk, a killed child, a damaged install
    └ LedgerAway        the books do not answer; whoever runs the job carries on when they do
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Literal

from shared_knowledge.money import Money

__all__ = [
    "AgentesError",
    "BadRequest",
    "Broken",
    "Failed",
    "Garbled",
    "InDoubt",
    "LedgerAway",
    "MissingSecret",
    "NeedsPerson",
    "OverBudget",
    "PlatformError",
    "QuoteChanged",
    "Refused",
    "Throttled",
    "TryAgain",
    "TryElsewhere",
    "Unavailable",
    "UnclearBrief",
    "Unreachable",
    "Unsuitable",
]


class AgentesError(Exception):
    """What went wrong, in a sentence, and what to do about it, in another."""

    def __init__(self, what: str, *, todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what} {self.todo}".strip()


class PlatformError(AgentesError):
    """An error a platform caused, with its own sentence and the number its support will ask for.

    `charged` is what it took all the same, where that is known: nothing, or an amount.
    """

    def __init__(
        self,
        what: str,
        *,
        platform: str = "",
        request_id: str = "",
        vendor_says: str = "",
        todo: str = "",
        charged: Money | None = None,
    ) -> None:
        super().__init__(what, todo=todo)
        self.platform = platform
        self.request_id = request_id
        self.vendor_says = vendor_says
        self.charged = charged

    def __str__(self) -> str:
        quoted = f"They say: “{self.vendor_says}”" if self.vendor_says else ""
        return " ".join(part for part in (self.what, quoted, self.todo) if part)


class NeedsPerson(AgentesError):
    """A person must act."""


class MissingSecret(NeedsPerson):
    """A key is not set; names the variable, and reminds that drafts need none."""

    def __init__(self, *names: str) -> None:
        self.names = names
        super().__init__(
            f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not set.",
            todo="Put it in the environment or in .env, or add --draft: the draft platforms need no key.",
        )


class UnclearBrief(NeedsPerson):
    """The words cannot be turned into work."""


class BadRequest(NeedsPerson):
    """The way it was asked is wrong: an option, a file, a folder."""

    @classmethod
    def about_folder(cls, folder: PurePath, why: str, todo: str) -> BadRequest:
        return cls(f"{folder}: {why}.", todo=todo)


class OverBudget(NeedsPerson):
    """A cap would be passed; nothing was spent."""


class QuoteChanged(NeedsPerson):
    """What was accepted is no longer what it would cost; nothing was spent."""


class InDoubt(NeedsPerson, PlatformError):
    """An order may have been booked; its money stays set aside until somebody knows."""


class Refused(NeedsPerson, PlatformError):
    """The vendor's content rules said no; it goes elsewhere only if the person said so."""


class TryAgain(PlatformError):
    """The same again may work; only the wire repeats."""


class Throttled(TryAgain):
    """The vendor asks for patience, sometimes for a stated number of seconds."""

    def __init__(self, what: str, *, after_s: float | None = None, **told: Any) -> None:
        super().__init__(what, **told)
        self.after_s = after_s


class Unreachable(TryAgain):
    """No byte of the request left, or a free read failed."""


class Garbled(Unreachable):
    """An answer nobody can read, or a finished order that shows nothing; asked again, but not for ever."""


class TryElsewhere(PlatformError):
    """This platform cannot do it; the next offer may."""


class Unsuitable(TryElsewhere):
    """Outside its limits, or what came back is not what was asked for."""


class Unavailable(TryElsewhere):
    """Not now, not here: the key is refused, the purse is empty, the model is gone, or the door is shut."""

    def __init__(
        self, what: str, *, because: Literal["key", "credit", "model", "resting"] | None = None, **told: Any
    ) -> None:
        super().__init__(what, **told)
        self.because = because


class Failed(TryElsewhere):
    """The vendor tried and could not make it."""


class Broken(AgentesError):
    """Our own side failed: the disk, a child process, the installation."""


class LedgerAway(Broken):
    """The books do not answer, so nothing is decided: it is neither made nor failed, and is carried on later."""
