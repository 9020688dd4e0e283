"""What is different about clips: they are told in shots, and some are grown out of pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import ClassVar

from agentes.media.join import join_clips
from agentes.media.last_frame import last_frame
from agentes.media.shelf import disk_in_words
from agentes.media_agent import Errand, MediaAgent, Progress
from agentes.video_agent.wording import write_prompt
from shared_knowledge.clip_tariff import goes_on
from shared_knowledge.prompts import Prompt
from shared_knowledge.vocabulary import (
    Asset,
    Medium,
    Offer,
    Order,
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
        seen = piece.number == 1 or self._goes_on(task, offer)
        prompt = write_prompt(
            task, self.dialect(offer), from_s=before_s, length_s=piece.duration_s, from_frame=seen
        )
        if piece.number != 2 or not (note := _about_further(task, offer, seen=seen)):
            return prompt
        return Prompt(prompt, (*prompt.notes, note))

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

    async def inputs_after(
        self, errand: Errand, offer: Offer, before: Order, inputs: tuple[str, ...]
    ) -> tuple[str, ...]:
        """A further piece begins with the last frame of the one before it, which is free, where the model can."""
        if not self._goes_on(errand.task, offer):
            return inputs
        goes_on = f"piece {before.piece + 1} goes on from the last frame of piece {before.piece}"
        errand.say(Progress(errand.task, "preparing", offer, note=goes_on))
        shelf, desk_name = self._room.shelf, f"{errand.job}-{errand.task.id}"
        with disk_in_words(f"The last frame of {errand.task.id}, piece {before.piece}, could not be kept"):
            try:
                clip = await asyncio.to_thread(self.shelved, before)
                frame = await last_frame(clip, shelf.desk(desk_name) / "last-frame.png")
                stored = await asyncio.to_thread(shelf.put, frame)
            finally:
                shelf.clear(desk_name)
        return (stored.path,)

    def _goes_on(self, task: Task, offer: Offer) -> bool:
        """Whether a further piece is shown the frame it goes on from, or only told."""
        model = self._room.catalogue.platform(offer.platform).model(offer.model)
        assert isinstance(task.spec, VideoSpec)
        return model is not None and goes_on(model, task.spec)

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


def _about_further(task: Task, offer: Offer, *, seen: bool) -> str:
    """What a person should know of the pieces after the first, if anything."""
    assert isinstance(task.spec, VideoSpec)
    if seen:
        given = len(task.spec.references) + (task.spec.first_frame is not None)
        return (
            "Of the given pictures only its first piece is made; the rest goes on from it."
            if given > 1
            else ""
        )
    lengths_s = [piece.duration_s or 0 for piece in offer.pieces]
    seams = ", ".join(f"{seam_s:g} s" for seam_s in list(accumulate(lengths_s))[:-1])
    return (
        f"{offer.model} cannot begin with a given picture, so its pieces match by their words alone: "
        f"a cut may be seen at {seams}."
    )
