"""What is different about voices: long texts come in several takes, spoken one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from agentes.media.join import join_speech
from agentes.media_agent import MediaAgent
from agentes.voice_agent.wording import write_prompt
from shared_knowledge.prompts import Prompt
from shared_knowledge.vocabulary import Medium, Offer, Piece, Task

__all__ = ["VoiceAgent"]


class VoiceAgent(MediaAgent):
    """Gets words spoken."""

    medium: ClassVar[Medium] = Medium.VOICE

    def write_prompt(self, task: Task, offer: Offer, piece: Piece) -> Prompt:
        """What is to be said, and for some platforms how."""
        return write_prompt(task, self.dialect(offer))

    async def join(self, pieces: Sequence[Path], task: Task, desk: Path) -> Path:
        """The takes in one file."""
        return await join_speech(pieces, desk / "voice.wav")
