"""Who wants to be told: registered, changed, tested, replayed, and taken off the list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from orchestrator.faces.web.answered import (
    Deleted,
    Delivered,
    Page,
    Tested,
    WebhookMade,
    WebhookShown,
    page_of,
)
from orchestrator.faces.web.asked import NewWebhook, PageQuery, Rotation, WebhookChange
from orchestrator.faces.web.calls import Answer, Call, aside, good
from orchestrator.faces.web.checks import check_callback
from orchestrator.faces.web.errors import Refusal, not_found
from orchestrator.faces.web.operations import Operation
from orchestrator.webhooks.outbox import Delivery, Endpoint, NoWebhook
from shared_knowledge.errors import BadRequest

__all__ = ["OPERATIONS"]

T = TypeVar("T")
_CALLBACKS = "callbacks"
_EXAMPLE = {
    "url": "https://yourserver.com/aiprod-webhook",
    "events": ["job.completed", "job.failed"],
    "active": True,
}
_EXAMPLE_MADE = {
    "webhook_id": "wh_abc123",
    "url": "https://yourserver.com/aiprod-webhook",
    "events": ["job.completed", "job.failed"],
    "active": True,
    "created_at": "2026-02-04T10:30:00Z",
    "switched_off_because": None,
    "secret": "whsec_xxxxxxxxxxxxxxxx",
}


def _fields(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "webhook_id": endpoint.webhook_id,
        "url": endpoint.url,
        "events": endpoint.events,
        "active": endpoint.active,
        "created_at": endpoint.created_at,
        "switched_off_because": endpoint.switched_off_because,
    }


def _shown(endpoint: Endpoint) -> WebhookShown:
    return WebhookShown(**_fields(endpoint))


def _made(endpoint: Endpoint) -> WebhookMade:
    return WebhookMade(**_fields(endpoint), secret=endpoint.secret)


def _sent(delivery: Delivery) -> Delivered:
    return Delivered.model_validate(delivery.model_dump())


async def _look(look: Callable[..., T], *given: object, **named: Any) -> T:
    try:
        return await aside(look, *given, **named)
    except NoWebhook:
        raise not_found("Webhook") from None


async def _register(call: Call) -> Answer:
    asked: NewWebhook = call.asked
    check_callback(call, asked.url, "url")
    outbox = call.service.outbox
    try:
        endpoint = await outbox.register(call.tenant, asked.url, asked.events, active=asked.active)
    except BadRequest as error:
        raise Refusal(409, str(error), code="TOO_MANY_WEBHOOKS") from None
    return good(_made(endpoint), 201)


async def _list(call: Call) -> Answer:
    query: PageQuery = call.query
    known = await aside(call.service.outbox.list, call.tenant)
    first = (query.page - 1) * query.limit
    items = tuple(map(_shown, known[first : first + query.limit]))
    return good(Page[WebhookShown](items=items, pagination=page_of(query.page, query.limit, len(known))))


async def _get(call: Call) -> Answer:
    return good(_shown(await _look(call.service.outbox.get, call.tenant, call.params["webhook_id"])))


async def _change(call: Call) -> Answer:
    asked: WebhookChange = call.asked
    if asked.url is not None:
        check_callback(call, asked.url, "url")
    try:
        endpoint = await call.service.outbox.update(
            call.tenant, call.params["webhook_id"], url=asked.url, events=asked.events, active=asked.active
        )
    except NoWebhook:
        raise not_found("Webhook") from None
    return good(_shown(endpoint))


async def _delete(call: Call) -> Answer:
    webhook_id = call.params["webhook_id"]
    try:
        await call.service.outbox.delete(call.tenant, webhook_id)
    except NoWebhook:
        raise not_found("Webhook") from None
    return good(Deleted(id=webhook_id))


async def _test(call: Call) -> Answer:
    webhook_id = call.params["webhook_id"]
    try:
        delivery = await call.service.outbox.test(call.tenant, webhook_id)
    except NoWebhook:
        raise not_found("Webhook") from None
    return good(Tested(webhook_id=webhook_id, delivery_id=delivery.delivery_id, status=delivery.state), 202)


async def _rotate(call: Call) -> Answer:
    asked: Rotation = call.asked
    webhook_id, outbox = call.params["webhook_id"], call.service.outbox
    try:
        if webhook_id == _CALLBACKS:
            secret = await outbox.callback_secret(
                call.tenant, rotates=True, overlap_s=float(asked.overlap_seconds)
            )
            return good(_of_callbacks(secret, datetime.now().astimezone()))
        return good(_made(await outbox.rotate(call.tenant, webhook_id, float(asked.overlap_seconds))))
    except NoWebhook:
        raise not_found("Webhook") from None


def _of_callbacks(secret: str, now: datetime) -> WebhookMade:
    return WebhookMade(
        webhook_id=_CALLBACKS,
        url=None,
        events=("job.completed", "job.failed", "job.cancelled"),
        active=True,
        created_at=now,
        switched_off_because=None,
        secret=secret,
    )


async def _deliveries(call: Call) -> Answer:
    query: PageQuery = call.query
    skip = (query.page - 1) * query.limit
    look = call.service.outbox.deliveries
    sent, total = await _look(look, call.tenant, call.params["webhook_id"], skip=skip, most=query.limit)
    items = tuple(map(_sent, sent))
    return good(Page[Delivered](items=items, pagination=page_of(query.page, query.limit, total)))


async def _replay(call: Call) -> Answer:
    webhook_id, delivery_id = call.params["webhook_id"], call.params["delivery_id"]
    try:
        return good(_sent(await call.service.outbox.replay(call.tenant, webhook_id, delivery_id)), 202)
    except NoWebhook:
        raise not_found("Webhook") from None


_A_WEBHOOK = "/webhooks/{webhook_id}"

OPERATIONS = (
    Operation(
        name="registerWebhook",
        method="POST",
        path="/webhooks/register",
        tag="Webhooks",
        summary="Register webhook",
        about="Deliveries carry `X-AIPROD-Signature`, the hex HMAC-SHA256 of the body under the secret, and the "
        "headers of Standard Webhooks. An attempt takes at most 30 s; the next ones follow after 1 s, 5 s, 30 s and "
        "24 h.",
        do=_register,
        scope="webhooks",
        asks=NewWebhook,
        answers={201: WebhookMade},
        refuses=(409,),
        examples={"webhook": _EXAMPLE},
        shown=_EXAMPLE_MADE,
        hides=("secret",),
    ),
    Operation(
        name="listWebhooks",
        method="GET",
        path="/webhooks",
        tag="Webhooks",
        summary="List webhooks",
        do=_list,
        scope="webhooks",
        query=PageQuery,
        answers={200: Page[WebhookShown]},
    ),
    Operation(
        name="getWebhook",
        method="GET",
        path=_A_WEBHOOK,
        tag="Webhooks",
        summary="Get webhook",
        do=_get,
        scope="webhooks",
        answers={200: WebhookShown},
    ),
    Operation(
        name="updateWebhook",
        method="PUT",
        path=_A_WEBHOOK,
        tag="Webhooks",
        summary="Update webhook",
        about="What is left out stays. What waits for a webhook that is switched off goes out when it is on again.",
        do=_change,
        scope="webhooks",
        asks=WebhookChange,
        answers={200: WebhookShown},
        examples={"pause": {"active": False}},
    ),
    Operation(
        name="deleteWebhook",
        method="DELETE",
        path=_A_WEBHOOK,
        tag="Webhooks",
        summary="Delete webhook",
        do=_delete,
        scope="webhooks",
        answers={200: Deleted},
    ),
    Operation(
        name="testWebhook",
        method="POST",
        path=f"{_A_WEBHOOK}/test",
        tag="Webhooks",
        summary="Test webhook delivery",
        do=_test,
        scope="webhooks",
        answers={202: Tested},
    ),
    Operation(
        name="rotateWebhookSecret",
        method="POST",
        path=f"{_A_WEBHOOK}/rotate",
        tag="Webhooks",
        summary="Give a webhook a new secret",
        about="While both are good, deliveries are signed with both. The id `callbacks` means the secret that signs "
        "every `callback_url`.",
        do=_rotate,
        scope="webhooks",
        asks=Rotation,
        may_ask_nothing=True,
        answers={200: WebhookMade},
        examples={"overlap": {"overlap_seconds": 86400}},
        hides=("secret",),
    ),
    Operation(
        name="listDeliveries",
        method="GET",
        path=f"{_A_WEBHOOK}/deliveries",
        tag="Webhooks",
        summary="List what was sent to a webhook, and how it was received",
        do=_deliveries,
        scope="webhooks",
        query=PageQuery,
        answers={200: Page[Delivered]},
    ),
    Operation(
        name="replayDelivery",
        method="POST",
        path=f"{_A_WEBHOOK}/deliveries/{{delivery_id}}/replay",
        tag="Webhooks",
        summary="Send something once more, under the id it had",
        do=_replay,
        scope="webhooks",
        answers={202: Delivered},
    ),
)
