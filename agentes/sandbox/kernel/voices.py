"""Practice speech: a soft murmur of syllables, as long as somebody would need for the words."""

from __future__ import annotations

import array
import io
import math
import tempfile
import wave
from functools import lru_cache
from pathlib import Path

from agentes.media import ffmpeg
from shared_knowledge.speech_pace import predicted_s

__all__ = ["lasting_s", "speech"]

_SHORTEST_S = 0.4
_PITCHES_HZ = (165.0, 185.0, 147.0, 196.0, 175.0)
_SYLLABLE_S = 0.18
_PAUSE_S = 0.05
_LOUDNESS = 9000
_AS_FILE = {
    "audio/mpeg": ("mp3", "-c:a", "libmp3lame", "-b:a", "64k"),
    "audio/ogg": ("ogg", "-c:a", "libopus", "-b:a", "32k"),
}


def lasting_s(text: str, language: str = "default") -> float:
    """How long the speech of a text is, to the millisecond."""
    return max(round(predicted_s(text, language), 3), _SHORTEST_S)


async def speech(text: str, mime: str, rate: int, seconds: float) -> bytes:
    """Sound of that kind, rate and length, the same for the same words; a ValueError for other kinds."""
    samples = _samples(text, rate, seconds)
    if mime == "audio/l16":
        return samples
    if mime == "audio/wav":
        return _as_wav(samples, rate)
    if mime not in _AS_FILE:
        raise ValueError(f"speech is made as audio/wav, audio/l16, {', '.join(_AS_FILE)}; not as {mime}")
    return await _encoded(samples, mime, rate)


@lru_cache(maxsize=64)
def _syllable(rate: int, pitch_hz: float) -> bytes:
    """One syllable and the breath after it, in 16-bit samples."""
    voiced = round(_SYLLABLE_S * rate)
    sound = array.array("h", bytes(2 * (voiced + round(_PAUSE_S * rate))))
    for number in range(voiced):
        turn = 2 * math.pi * pitch_hz * number / rate
        swell = math.sin(math.pi * number / voiced) ** 0.7
        sound[number] = round(_LOUDNESS * swell * (math.sin(turn) + 0.5 * math.sin(2 * turn)) / 1.5)
    return sound.tobytes()


def _samples(text: str, rate: int, seconds: float) -> bytes:
    wanted = 2 * round(seconds * rate)
    letters = [letter for letter in text if letter.isalnum()] or ["a"]
    murmur = bytearray()
    while len(murmur) < wanted:
        letter = letters[len(murmur) // 2 // max(rate // 5, 1) % len(letters)]
        murmur += _syllable(rate, _PITCHES_HZ[ord(letter) % len(_PITCHES_HZ)])
    return bytes(murmur[:wanted])


def _as_wav(samples: bytes, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples)
    return file.getvalue()


async def _encoded(samples: bytes, mime: str, rate: int) -> bytes:
    form, *codec = _AS_FILE[mime]
    with tempfile.TemporaryDirectory(prefix="agentes-sandbox-") as folder:
        raw, made = Path(folder, "speech.wav"), Path(folder, f"speech.{form}")
        raw.write_bytes(_as_wav(samples, rate))
        await ffmpeg.run(
            ["-i", ffmpeg.local(raw), *codec, *ffmpeg.BITEXACT],
            deadline_s=60,
            into=made,
            form=form,
        )
        return made.read_bytes()
