"""Conversations with a language model that are kept as cassettes, and how each is recorded against the sandbox.

python tests/words_sessions.py     records them all afresh
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from practice import Practice

from agentes.wire.chat import Chat, Reply
from cassettes import FOLDER, Scrubber, recorder
from config.secrets import Secret
from orchestrator import planner
from orchestrator.brief import read
from orchestrator.brief.model.question import Question, question_about
from shared_knowledge.errors import PlatformError
from shared_knowledge.vocabulary import Brief

__all__ = ["ADDRESS", "BRIEF", "SESSIONS", "Session", "cassette", "outcome_of", "play", "question"]

ADDRESS = "https://llm.example.com"
BRIEF = "Vídeo vertical de 12 s da nossa caneca de cerâmica azul, com locução em português e uma foto, sem pessoas"


@dataclass(frozen=True)
class Session:
    """One way it can go: with which model and key, what goes wrong, and what must come of it."""

    name: str
    outcome: str
    model: str = "able"
    key: str = "sandbox"
    fault: str | None = None


SESSIONS = (
    Session("finished", "Reply"),
    Session("no_json_mode", "Reply", model="plain"),
    Session("bad_key", "Unavailable", key="bad-key"),
    Session("throttled", "Unavailable", fault="429:retry_after=1"),
    Session("refused", "empty", fault="refuse"),
    Session("failed", "Failed", fault="fail"),
    Session("nonsense", "Failed", fault="bad_json"),
    Session("html", "Failed", fault="html"),
)


def cassette(session: Session) -> Path:
    """Where a session is kept."""
    return FOLDER / "llm" / f"{session.name}.yaml"


def question() -> Question:
    """What is asked about the brief, without the cards, which change with the catalogue."""
    reading = read(BRIEF)
    plan = planner.plan(reading, Brief(text=BRIEF))
    asked = question_about(plan, subject=reading.subject, written=(), craft=lambda _: "")
    assert asked is not None
    return asked


async def play(session: Session, address: str = ADDRESS) -> Reply | PlatformError:
    """Asks as the program asks; what came of it."""
    asked = question()
    chat = Chat(f"{address}/v1", session.model, key=Secret(session.key))
    try:
        return await chat.ask(asked.system, asked.user, most_tokens=asked.most_tokens)
    except PlatformError as error:
        return error


def outcome_of(ended: Reply | PlatformError) -> str:
    """How it ended, in a word."""
    return "empty" if isinstance(ended, Reply) and not ended.text else type(ended).__name__


def main() -> int:
    """Records every session; 1 if one did not end as it must."""
    failed = 0
    practice = Practice(port=9178)
    practice.open()
    model: Any = SimpleNamespace(id="llm", base_url=ADDRESS)
    try:
        for session in SESSIONS:
            practice.reset()
            if session.fault:
                practice.fault("llm", "start", session.fault)
            with recorder(cassette(session), Scrubber(model, sandbox=practice.url)):
                ended = outcome_of(asyncio.run(play(session, f"{practice.url}/llm")))
            failed += ended != session.outcome
            print(f"{'ok ' if ended == session.outcome else 'BAD'} {session.name:14} {ended}")
    finally:
        practice.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
