"""The answer to a purchase, kept on the desk of its order: its body, and sealed behind it status and headers.

Body and seal are one file that gets its name when it is whole. So an answer never lacks what an adapter
needs to read it again, and one without a seal was not whole, or was no answer to a purchase.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
from pydantic import Field, JsonValue

from agentes.wire.parts import Part, sync_folder
from shared_knowledge.errors import Broken
from shared_knowledge.vocabulary import Frozen, Order

__all__ = ["ANSWER", "Head", "Keeper", "Kept", "body_in"]

ANSWER = "answer"
"""What the answer that an order's media are in is called on its desk."""

_CUT = f"{ANSWER}.part"
_MARK = b"\0sealed by agentes\0"
_LENGTH = 4
_CHUNK = 256 * 1024
_LEFT_OFF = frozenset({"set-cookie", "content-encoding", "content-length", "transfer-encoding"})


class Head(Frozen):
    """What an adapter may read of an answer beside its body, and which order as it was sent it answers."""

    status: int
    headers: tuple[tuple[str, str], ...]
    cut: bool = False
    prepared: dict[str, JsonValue] = Field(default_factory=dict)
    inputs: tuple[str, ...] = ()


class Keeper:
    """Keeps what one order is answered."""

    def __init__(self, desk: Path, order: Order) -> None:
        self._desk = desk
        self._order = order

    @property
    def has_something(self) -> bool:
        """Whether an answer to an earlier sending lies there."""
        return (self._desk / ANSWER).exists() or (self._desk / _CUT).exists()

    def forget(self) -> None:
        """Takes away, for good, what an earlier sending was answered: it is no answer to the next one. It blocks."""
        try:
            for name in (ANSWER, _CUT):
                (self._desk / name).unlink(missing_ok=True)
            sync_folder(self._desk)
        except OSError as error:
            raise Broken(f"An earlier answer could not be taken away: {error.strerror or error}.") from error

    def seal(self, answer: httpx.Response, *, cut: bool = False) -> bytes:
        """What is to be written behind the body of an answer."""
        head = Head(
            status=answer.status_code,
            headers=tuple(pair for pair in answer.headers.multi_items() if pair[0].lower() not in _LEFT_OFF),
            cut=cut,
            prepared=self._order.prepared,
            inputs=self._order.inputs,
        )
        told = head.model_dump_json().encode()
        return told + len(told).to_bytes(_LENGTH, "big") + _MARK

    def keep(self, answer: httpx.Response) -> None:
        """Keeps an answer that is small and read already, such as a refusal. It blocks."""
        part = Part(self._desk / ANSWER)
        try:
            part.add([answer.content, self.seal(answer)])
            part.finish(self._desk / ANSWER)
        finally:
            part.drop()


@dataclass(frozen=True)
class Kept:
    """A sealed answer that lies on a desk."""

    head: Head
    file: Path

    @classmethod
    def on(cls, desk: Path) -> Kept | None:
        """The answer that lies there, whole, or known to be cut off; None if none does. It blocks."""
        for name in (ANSWER, _CUT):
            try:
                with (desk / name).open("rb") as file:
                    size, sealed = _measured(file)
                    file.seek(size)
                    head = Head.model_validate_json(file.read(sealed)) if sealed else None
            except (OSError, ValueError):
                continue
            if head is not None and head.cut == (name == _CUT):
                return cls(head, desk / name)
        return None

    def as_sent(self, order: Order) -> Order:
        """The order as it was when it was sent."""
        return order.model_copy(update={"prepared": self.head.prepared, "inputs": self.head.inputs})


def body_in(answer: Path) -> Iterator[bytes]:
    """The body of an answer on disk, in chunks, without its seal."""
    with answer.open("rb") as file:
        left, _ = _measured(file)
        file.seek(0)
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _measured(file: BinaryIO) -> tuple[int, int]:
    """How long the body is and how long the head behind it; 0 if there is no seal."""
    whole = file.seek(0, os.SEEK_END)
    end = len(_MARK) + _LENGTH
    file.seek(max(0, whole - end))
    last = file.read(end)
    if len(last) < end or not last.endswith(_MARK):
        return whole, 0
    told = int.from_bytes(last[:_LENGTH], "big")
    return (whole - end - told, told) if told <= whole - end else (whole, 0)
