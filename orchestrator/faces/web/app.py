"""The service as one ASGI application: each path is a window that lets in, reads, has done, and answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from config.log_context import log_about
from orchestrator.access import (
    AlreadyAnswered,
    Begun,
    Caller,
    Standing,
    TooManyJobs,
    Verdict,
    name_of,
    request_digest,
)
from orchestrator.faces.web.calls import Answer, Call
from orchestrator.faces.web.errors import (
    PROBLEM,
    Refusal,
    bad_input,
    document,
    forbidden,
    not_found,
    problem,
    refusal_of,
    unknown_key,
)
from orchestrator.faces.web.lots import draw_name
from orchestrator.faces.web.operations import Operation, operations
from orchestrator.faces.web.reading import (
    MOST_HEADER_BYTES,
    Gone,
    body_of,
    host_of,
    query_of,
    read_body,
    request_id_of,
)
from orchestrator.faces.web.saying import as_json, hang_up, say, without_secrets
from orchestrator.faces.web.service import Service
from orchestrator.store.database import Transaction
from orchestrator.webhooks.signing import DELIVERY
from shared_knowledge.errors import AgentesError, BadRequest

__all__ = ["Window", "web_app"]

_ROOM_AGAIN_S = 30
_MOST_IDS = 200
_MOST_HEADERS = 100
_NOT_STORED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_log = logging.getLogger("agentes.web")


def web_app(service: Service) -> ASGIApp:
    """The whole service."""
    by_path: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations():
        by_path[operation.path].append(operation)
    routes = [Route(path, Window(service, found)) for path, found in by_path.items()]
    return _Hall(Router(routes, redirect_slashes=False, default=Window(service, ())), service)


class _Hall:
    """Holds so many requests and no more: one too many is told to come again, and waits for nobody."""

    def __init__(self, windows: Router, service: Service) -> None:
        self.routes = windows.routes
        self._windows = windows
        self._service = service
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._inside >= self._service.most_at_once and scope["type"] == "http":
            visit = _Visit(self._service, scope)
            answer = visit.refuse(Refusal(503, "Too many requests are being served", retry_after_s=1))
            await say(send, answer, visit.headers(answer), headless=scope["method"] == "HEAD")
            return
        self._inside += 1
        try:
            await self._windows(scope, receive, send)
        finally:
            self._inside -= 1


class Window:
    """One path: lets in whoever may, reads what they ask, has it done, and answers in the shape of the house."""

    def __init__(self, service: Service, known: Sequence[Operation]) -> None:
        self.operations = {operation.method: operation for operation in known}
        self._service = service
        if "GET" in self.operations:
            self.operations["HEAD"] = self.operations["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await hang_up(send)
            return
        visit = _Visit(self._service, scope)
        operation = self.operations.get(scope["method"])
        try:
            with log_about(request=visit.request_id):
                answer = await visit.answer(operation, self._allowed, receive)
        except Gone:
            return
        except AgentesError as error:
            answer = visit.refuse(_refusal(error))
        except Exception:  # noqa: BLE001 - whatever it was, it is told in the log and answered in our shape
            _log.exception("request %s failed", visit.request_id)
            answer = visit.refuse(Refusal(500, "Internal server error"))
        await say(send, answer, visit.headers(answer), headless=scope["method"] == "HEAD")
        visit.note(operation, answer.status)

    @property
    def _allowed(self) -> str | None:
        return ", ".join(sorted(self.operations)) or None


class _Visit:
    """One request from its first line to its answer."""

    def __init__(self, service: Service, scope: Scope) -> None:
        self._began = time.perf_counter()
        self._service = service
        self._scope = scope
        said = scope["headers"]
        self._said: Mapping[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in said
        }
        self.request_id = request_id_of(self._said.get("x-request-id"), draw_name("req", 8))
        client = scope.get("client")
        self._client = client[0] if client else "unknown"
        self._caller: Caller | None = None
        self._standing: Standing | None = None

    async def answer(self, operation: Operation | None, allowed: str | None, receive: Receive) -> Answer:
        if operation is None:
            self._count_stranger()
            if allowed is None:
                raise not_found("Path")
            raise Refusal(405, "This path does not know that method", headers={"Allow": allowed})
        if DELIVERY.lower() in self._said:
            raise Refusal(400, "A webhook of ours came back to us; that would never end", code="WEBHOOK_LOOP")
        if len(said := self._scope["headers"]) > _MOST_HEADERS or sum(map(_size, said)) > MOST_HEADER_BYTES:
            raise Refusal(431, "The request headers are too large", headers={"Connection": "close"})
        await self._let_in(operation)
        call = Call(
            service=self._service,
            method=self._scope["method"],
            path=self._scope["path"],
            request_id=self.request_id,
            headers=self._said,
            host=host_of(self._said.get("host"), self._scope.get("server")),
            scheme=self._scope.get("scheme", "http"),
            client=self._client,
            params=self._scope.get("path_params", {}),
            known=self._caller,
            admit=self.admit,
        )
        if any(len(value) > _MOST_IDS for value in call.params.values()):
            raise not_found("Path")
        if operation.query is not None:
            call.query = query_of(self._scope["query_string"], operation.query)
        if operation.body is not None or operation.takes_bytes:
            call.raw = await read_body(receive, self._said.get("content-length"))
        if operation.body is not None:
            call.asked = body_of(call.raw, operation.body, may_be_empty=operation.may_ask_nothing)
        return await self._once(operation, call)

    async def _let_in(self, operation: Operation) -> None:
        """A key that is good, has not asked too often, and may do this; or a path that is open to all."""
        shown = self._said.get("authorization")
        if not operation.needs_key or (operation.opens_to_links and shown is None):
            self._count_stranger(refuses=operation.is_counted)
            return
        scheme, _, secret = (shown or "").partition(" ")
        if scheme.lower() == "bearer" and secret:
            self._caller = await self._service.keys.check(secret.strip())
        if self._caller is None:
            self._count_stranger()
            raise unknown_key()
        await self.admit(1)
        if operation.scope and operation.scope not in self._caller.scopes:
            raise forbidden(f"This key lacks the scope {operation.scope}", "SCOPE_MISSING")

    async def admit(self, cost: int) -> None:
        assert self._caller is not None
        self._standing = await self._service.limiter.admit(self._caller, cost)
        _pass(self._standing)

    def _count_stranger(self, *, refuses: bool = True) -> None:
        self._standing = self._service.strangers.count(self._client)
        if refuses:
            _pass(self._standing)

    async def _once(self, operation: Operation, call: Call) -> Answer:
        """Has it done; under an idempotency key no more than once, and the same is answered each time."""
        header = self._said.get("idempotency-key")
        if header is None or not operation.repeats_safely:
            return await operation.do(call)
        try:
            name = name_of(header)
        except BadRequest as error:
            raise bad_input(**{"Idempotency-Key": error.what}) from None
        named = (call.tenant, name, request_digest(operation.method, call.path, call.raw))
        service = self._service
        if operation.keeps_its_promise:
            call.promise = lambda transaction, answer: service.idempotency.insist(
                transaction, *named, without_secrets(answer, operation.hides)
            )
            return await operation.do(call)
        begun = await service.database.write(lambda t: service.idempotency.begin(t, *named))
        if begun.verdict is not Verdict.FRESH:
            raise AlreadyAnswered(begun)

        def keep(transaction: Transaction, answer: Answer) -> None:
            service.idempotency.finish(
                transaction, call.tenant, name, without_secrets(answer, operation.hides)
            )

        try:
            answer = await operation.do(call)
        except BaseException:
            await asyncio.shield(
                service.database.write(lambda t: service.idempotency.drop(t, call.tenant, name))
            )
            raise
        await service.database.write(lambda t: keep(t, answer))
        return answer

    def refuse(self, refusal: Refusal | Answer) -> Answer:
        """The error as whoever asked reads it."""
        if isinstance(refusal, Answer):
            return refusal
        headers = dict(refusal.headers)
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(refusal.retry_after_s)
        if PROBLEM in self._said.get("accept", ""):
            said = problem(refusal, self.request_id, self._scope["path"])
            return Answer(refusal.status, as_json(said), PROBLEM, headers)
        return Answer(refusal.status, as_json(document(refusal, self.request_id)), headers=headers)

    def headers(self, answer: Answer) -> dict[str, str]:
        """Every header of the answer."""
        standing = self._standing or self._service.strangers.count(self._client)
        return {
            **_NOT_STORED,
            **standing.headers(),
            "X-Request-Id": self.request_id,
            "Content-Type": answer.kind,
            **answer.headers,
        }

    def note(self, operation: Operation | None, status: int) -> None:
        """Counts the request and writes its line in the log."""
        took_s = time.perf_counter() - self._began
        name = operation.name if operation else "none"
        if self._service.watcher is not None:
            self._service.watcher.served(name, status, took_s)
        if _log.isEnabledFor(logging.INFO):
            who = self._caller.key_id if self._caller else "-"
            place = ascii(self._scope["path"][:200])
            _log.info(
                "%s %s %s %s %s %d %.1f ms",
                self.request_id, self._client, who, self._scope["method"], place, status, took_s * 1000,
            )  # fmt: skip


def _size(line: tuple[bytes, bytes]) -> int:
    return len(line[0]) + len(line[1])


def _refusal(error: AgentesError) -> Refusal | Answer:
    match error:
        case AlreadyAnswered():
            return _again(error.begun)
        case TooManyJobs():
            return Refusal(429, str(error), code="TOO_MANY_JOBS", retry_after_s=_ROOM_AGAIN_S)
        case _:
            return refusal_of(error)


def _again(begun: Begun) -> Refusal | Answer:
    """What is answered to a request that came before under the same idempotency key."""
    if begun.verdict is Verdict.REPLAY and begun.answer is not None:
        body = begun.answer.body.encode()
        return Answer(begun.answer.status, body, headers={"Idempotency-Replayed": "true"})
    if begun.verdict is Verdict.CONFLICT:
        return Refusal(422, "This idempotency key was used with another request")
    return Refusal(
        409, "A request with this idempotency key is still being done", code="IN_FLIGHT", retry_after_s=1
    )


def _pass(standing: Standing) -> None:
    if standing.retry_after_s is not None:
        raise Refusal(429, "Rate limit exceeded", retry_after_s=standing.retry_after_s)
