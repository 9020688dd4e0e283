"""Every error of the service: one shape, one type and one code each, and a sentence a person can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared_knowledge.errors import AgentesError, BadRequest, Broken, OverBudget, QuoteChanged, UnclearBrief

__all__ = [
    "PROBLEM",
    "TYPES",
    "Refusal",
    "bad_input",
    "document",
    "forbidden",
    "invalid",
    "not_found",
    "problem",
    "refusal_of",
    "unknown_key",
]

PROBLEM = "application/problem+json"
TYPES: Mapping[int, tuple[str, str, str]] = {
    400: ("validation_error", "INVALID_INPUT", "Something in the request is not as it must be."),
    401: ("auth_error", "INVALID_API_KEY", "The API key is missing, unknown, expired or revoked."),
    403: ("permission_error", "NOT_PERMITTED", "The key or its tier does not allow this."),
    404: ("not_found_error", "NOT_FOUND", "There is no such thing, or it is somebody else's."),
    405: ("method_error", "METHOD_NOT_ALLOWED", "This path does not know that method."),
    408: ("timeout_error", "BODY_TOO_SLOW", "The request did not arrive in time."),
    409: ("conflict_error", "CONFLICT", "It is not in a state in which that can be done."),
    413: ("size_error", "BODY_TOO_LARGE", "The request body is too large."),
    416: ("range_error", "RANGE_NOT_SATISFIABLE", "That stretch of the file does not exist."),
    422: ("idempotency_error", "IDEMPOTENCY_KEY_REUSED", "The idempotency key was used with another body."),
    429: ("rate_limit_error", "RATE_LIMITED", "Too many requests; `retry_after` says how long to wait."),
    431: ("size_error", "HEADERS_TOO_LARGE", "The request headers are too large."),
    500: ("server_error", "INTERNAL_ERROR", "The mistake is ours; the same request may work later."),
    503: ("unavailable_error", "UNAVAILABLE", "The service cannot do it right now; try again soon."),
}
_SOON_S = 5
_SAID = {
    "json_invalid": "Must be a JSON object",
    "extra_forbidden": "Unknown field",
    "missing": "Required",
    "model_type": "Must be a JSON object",
    "model_attributes_type": "Must be a JSON object",
}


class Refusal(AgentesError):
    """A request that is not done: with which status, of which type, and what a program can read of it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, str] | None = None,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type, usual, _ = TYPES[status]
        self.code = code or usual
        self.details = dict(details or {})
        self.retry_after_s = retry_after_s
        self.headers = dict(headers or {})


def bad_input(**details: str) -> Refusal:
    """Fields that are not as they must be, each with the reason."""
    return Refusal(400, "Invalid input", details=details)


def unknown_key() -> Refusal:
    """No key, or none that is good."""
    return Refusal(401, "Invalid API key", headers={"WWW-Authenticate": 'Bearer realm="agentes"'})


def forbidden(message: str, code: str) -> Refusal:
    """A key that is good, but not for this."""
    return Refusal(403, message, code=code)


def not_found(what: str) -> Refusal:
    """Nothing there; the same words whether it never was or is somebody else's."""
    return Refusal(404, f"{what} not found")


def invalid(errors: Sequence[Mapping[str, Any]], *, dropped: frozenset[str] = frozenset()) -> Refusal:
    """What pydantic found, field by field, in words; `dropped` are names that stand in no request."""
    details: dict[str, str] = {}
    for error in errors:
        details.setdefault(_place(error["loc"], dropped), _reason(error))
    return Refusal(400, "Invalid input", details=details)


def refusal_of(error: AgentesError) -> Refusal:
    """How an error of the house looks from outside."""
    match error:
        case Refusal():
            return error
        case QuoteChanged():
            return Refusal(409, str(error), code="QUOTE_CHANGED")
        case OverBudget():
            return Refusal(400, str(error), code="OVER_BUDGET")
        case UnclearBrief():
            return Refusal(400, str(error), code="UNCLEAR_BRIEF")
        case BadRequest():
            return Refusal(400, str(error))
        case Broken():
            return Refusal(503, "The service cannot do it right now.", retry_after_s=_SOON_S)
        case _:
            return Refusal(500, "Internal server error")


def document(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """The error as every client reads it."""
    error: dict[str, Any] = {"type": refusal.type, "message": refusal.what, "code": refusal.code}
    if refusal.details:
        error["details"] = refusal.details
    if refusal.retry_after_s is not None:
        error["retry_after"] = refusal.retry_after_s
    return {"error": error | {"request_id": request_id}}


def problem(refusal: Refusal, request_id: str, path: str) -> dict[str, Any]:
    """The same error as problem details (RFC 9457), for whoever asks for them."""
    said: dict[str, Any] = {
        "type": f"urn:agentes:error:{refusal.type}",
        "title": TYPES[refusal.status][2],
        "status": refusal.status,
        "detail": refusal.what,
        "instance": path,
        "code": refusal.code,
        "request_id": request_id,
    }
    if refusal.details:
        said["errors"] = refusal.details
    if refusal.retry_after_s is not None:
        said["retry_after"] = refusal.retry_after_s
    return said


def _place(loc: Sequence[str | int], dropped: frozenset[str]) -> str:
    place = ""
    for part in loc:
        if isinstance(part, int):
            place += f"[{part}]"
        elif part not in dropped:
            place += f".{part}" if place else part
    return place[:200] or "body"


def _reason(error: Mapping[str, Any]) -> str:
    said = _SAID.get(error["type"]) or str(error["msg"])
    return said.removeprefix("Value error, ")[:300]
