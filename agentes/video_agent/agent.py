"""What is different about clips: they are told in shots, and some are grown out of pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from agentes.media.join import join_clips
from agentes.media_agent import Errand, MediaAgent
from agentes.video_agent.wording import write_prompt
from shared_knowledge.prompts import Prompt
from shared_knowledge.vocabulary import (
    Asset,
    Medium,
    Offer,
    Piece,
    Task,
    VideoSpec,
)

__all__ = ["VideoAgent"]


class VideoAgent(MediaAgent):
    """Gets clips made; asks the photo agent for the pictures they grow out of."""

    medium: ClassVar[Medium] = Medium.VIDEO

    def write_prompt(self, task: Task, offer: Offer, piece: Piece) -> Prompt:
        """The stretch of the clip that one piece covers, shot by shot, in the platform's dialect."""
        before_s = sum(one.duration_s or 0 for one in offer.pieces if one.number < piece.number)
        return write_prompt(task, self.dialect(offer), from_s=before_s, length_s=piece.duration_s)

    async def inputs(self, errand: Errand, offer: Offer) -> tuple[str, ...]:
        """The pictures a clip starts from: those that are there, and those a colleague must make."""
        spec = errand.task.spec
        assert isinstance(spec, VideoSpec)
        given = await super().inputs(errand, offer)
        first = errand.colleagues.asset(spec.first_frame) if spec.first_frame else None
        every_shot = self._tells_every_shot(offer)
        if first is not None and not every_shot:
            given = (first.path, *given)
        wanted = len(spec.shots) if every_shot else int(offer.keyframe)
        return (*given, *await self._keyframes(errand, spec, range(len(given) + 1, wanted + 1)))

    def _tells_every_shot(self, offer: Offer) -> bool:
        """Whether a clip is grown out of one picture per shot, drawn to be seen under captions."""
        model = self._room.catalogue.platform(offer.platform).model(offer.model)
        return model is not None and model.keyframe == "per_shot"

    async def _keyframes(self, errand: Errand, spec: VideoSpec, shots: Sequence[int]) -> Sequence[str]:
        """A picture for each shot; one that fails lets the others come to their end first."""
        asking = [asyncio.ensure_future(self._keyframe(errand, spec, number)) for number in shots]
        await asyncio.gather(*asking, return_exceptions=True)
        return [asked.result().path for asked in asking]

    async def _keyframe(self, errand: Errand, spec: VideoSpec, number: int) -> Asset:
        task = Task(id=f"{errand.task.id}.frame-{number}", spec=spec.keyframe(number))
        because = f"keyframe for shot {number} ({spec.shots[number - 1].label})"
        return await errand.colleagues.ask(task, because=because)

    async def join(self, pieces: Sequence[Path], task: Task, desk: Path) -> Path:
        """The pieces in one clip of the task's exact length."""
        assert isinstance(task.spec, VideoSpec)
        return await join_clips(pieces, task.spec, desk / "clip.mp4")
