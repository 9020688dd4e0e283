"""Names and addresses from outside, looked at before anything is taken in; nothing is called to find out."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from orchestrator.faces.web.asked import choices
from orchestrator.faces.web.calls import Call
from orchestrator.faces.web.errors import Refusal, bad_input
from shared_knowledge.errors import BadRequest
from shared_knowledge.presets import preset

__all__ = ["check_callback", "check_platforms", "check_preset", "check_video"]

_NOT_ALLOWED = "URL_NOT_ALLOWED"


def check_video(call: Call, url: str, name: str) -> None:
    """Refuses an address that leads nowhere public. Where a public name truly leads is decided when it is dialled."""
    try:
        call.service.guard.check_url(url)
    except BadRequest as error:
        raise Refusal(400, "Invalid input", code=_NOT_ALLOWED, details={name: error.what}) from None
    if "@" in url.partition("#")[2]:  # no two readers agree where such an address leads
        raise Refusal(400, "Invalid input", code=_NOT_ALLOWED, details={name: "Has an @ behind a #"})


def check_callback(call: Call, url: str | None, name: str) -> None:
    """Refuses an address that may not be told, and our own: a webhook to ourselves would never end."""
    if url is None:
        return
    check_video(call, url, name)
    theirs = urlsplit(url)
    for place in (f"//{call.host}", call.base):
        ours = urlsplit(place)
        is_same_host = (theirs.hostname or "").rstrip(".") == (ours.hostname or "").rstrip(".")
        if is_same_host and ours.port in (None, theirs.port):
            raise Refusal(
                400, "Invalid input", code=_NOT_ALLOWED, details={name: "Leads back to this service"}
            )


def check_preset(named: str | None, name: str) -> None:
    """Refuses a preset that does not exist."""
    if named is None:
        return
    try:
        preset(named)
    except BadRequest as error:
        raise bad_input(**{name: str(error)}) from None


def check_platforms(call: Call, named: Sequence[str], name: str) -> None:
    """Refuses platforms that do not exist, and says what became of those that once did."""
    for number, choice in enumerate(choices(tuple(named))):
        try:
            call.service.catalogue.platform(choice.platform)
        except BadRequest as error:
            raise bad_input(**{f"{name}[{number}]": str(error)}) from None
