"""What is different about pictures: they come in one piece, and may start from other pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from agentes.media_agent import MediaAgent
from agentes.photo_agent.wording import write_prompt
from shared_knowledge.errors import Broken
from shared_knowledge.prompts import Prompt
from shared_knowledge.vocabulary import Medium, Offer, Piece, Task

__all__ = ["PhotoAgent"]


class PhotoAgent(MediaAgent):
    """Gets pictures made."""

    medium: ClassVar[Medium] = Medium.PHOTO

    def write_prompt(self, task: Task, offer: Offer, piece: Piece) -> Prompt:
        """The picture in words, in the platform's dialect."""
        return write_prompt(task, self.dialect(offer))

    async def join(self, pieces: Sequence[Path], task: Task, desk: Path) -> Path:
        """A picture is one piece; a catalogue that says otherwise is wrong."""
        raise Broken(f"{task.id} was offered in {len(pieces)} pieces, but a picture is one piece.")
