"""Speaks with espeak-ng, in a process of its own: espeak-ng is free software under the GPL, and is not ours.

Reads one JSON question on standard input, writes a WAV file, and answers in JSON on standard output.
It imports nothing of ours, and is run as a program, never imported.
"""

from __future__ import annotations

import array
import ctypes
import json
import sys
import wave
from typing import Any, NamedTuple

__all__ = ["Reading", "Speaker", "Take", "answer"]

_UTF8 = 1
_RATE, _PITCH, _RANGE, _WORD_GAP = 1, 3, 4, 7
_ENDED, _WORD = 0, 1
_HUSH = 160
_BREATH_S = 0.02
_TIGHTEST, _LOOSEST = 0.3, 2.5
_ROUNDS = 6


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("rest", ctypes.c_char * 16),
    )


class Take(NamedTuple):
    """One line as spoken: its samples without the silence around, and where each word begins."""

    samples: array.array[int]
    words: tuple[tuple[int, int], ...]


class Speaker:
    """The library, with a voice chosen."""

    def __init__(self) -> None:
        import espeakng_loader  # type: ignore[import-untyped]

        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        self._samples: array.array[int] = array.array("h")
        self._words: list[tuple[int, int]] = []
        self.rate = self._lib.espeak_Initialize(1, 0, espeakng_loader.get_data_path().encode(), 0)
        heard = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
        )
        # The library keeps no reference: without ours the callback would be collected.
        self._heard = heard(self._hear)
        self._lib.espeak_SetSynthCallback(self._heard)
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))

    def languages(self) -> list[str]:
        """Every language tag that some voice speaks."""
        found: set[str] = set()
        voices = self._lib.espeak_ListVoices(None)
        number = 0
        while voices[number]:
            tags, place = voices[number].contents.languages, 0
            while tags[place] != b"\0":
                tag = ctypes.string_at(ctypes.addressof(tags.contents) + place + 1)
                found.add(tag.decode("ascii", "replace"))
                place += len(tag) + 2
            number += 1
        return sorted(found - {"variant"})

    def speak(self, line: dict[str, Any], language: str, rate: int) -> Take:
        """Speaks one line, and trims the silence around it."""
        del self._samples[:], self._words[:]
        self._lib.espeak_SetVoiceByName(f"{language}+{line['variant']}".encode())
        for parameter, value in (
            (_RATE, rate),
            (_PITCH, line["pitch"]),
            (_RANGE, line["range"]),
            (_WORD_GAP, 0),
        ):
            self._lib.espeak_SetParameter(parameter, value, 0)
        # The breath in some voices is noise, and the library seeds it with the time of day.
        self._lib.espeak_ng_SetRandSeed(ctypes.c_long(1))
        text = line["text"].encode()
        self._lib.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
        self._lib.espeak_Synchronize()
        loud = [place for place in range(0, len(self._samples), 32) if self._is_loud(place)]
        if not loud:
            return Take(array.array("h"), ())
        breath = int(_BREATH_S * self.rate)
        first, last = max(loud[0] - breath, 0), loud[-1] + 32 + breath
        words = tuple((at, max(sample - first, 0)) for at, sample in self._words)
        return Take(self._samples[first:last], words)

    def _is_loud(self, place: int) -> bool:
        return any(abs(sample) > _HUSH for sample in self._samples[place : place + 32])

    def _hear(self, sound: Any, count: int, events: Any) -> int:
        if sound and count > 0:
            self._samples.frombytes(ctypes.string_at(sound, count * 2))
        number = 0
        while events[number].type != _ENDED:
            event = events[number]
            if event.type == _WORD:
                self._words.append((event.text_position - 1, event.sample))
            number += 1
        return 0


class Reading:
    """A script spoken at one rate, with its pauses stretched or squeezed to fit."""

    def __init__(self, speaker: Speaker, asked: dict[str, Any], language: str) -> None:
        self._speaker, self._asked, self._language = speaker, asked, language
        self.pauses_s: float = sum(line["pause_s"] for line in asked["lines"][:-1])
        self.around_s: float = asked["lead_s"] + asked["tail_s"]
        self.stretch = 1.0
        self.read(asked["rate"])

    def read(self, rate: int) -> None:
        self.rate = rate
        self.takes = [self._speaker.speak(line, self._language, rate) for line in self._asked["lines"]]

    @property
    def speech_s(self) -> float:
        samples = sum(len(take.samples) for take in self.takes)
        return samples / float(self._speaker.rate)

    def lasts(self, stretch: float) -> float:
        length_s: float = self.around_s + self.speech_s + self.pauses_s * stretch
        return length_s

    def fit(self, target_s: float) -> None:
        """Changes the pace, within bounds, then the pauses, until it lasts as long as asked."""
        slowest, fastest = self._asked["slowest"], self._asked["fastest"]
        tried = {self.rate}
        for _ in range(_ROUNDS):
            wanted = max(target_s - self.around_s - self.pauses_s, 0.1)
            rate = min(max(round(self.rate * self.speech_s / wanted), slowest), fastest)
            if rate in tried:
                break
            tried.add(rate)
            self.read(rate)
        while self.lasts(_TIGHTEST if self.pauses_s else 1) > target_s and self.rate < fastest:
            self.read(self.rate + 1)
        if self.pauses_s:
            room = (target_s - self.around_s - self.speech_s) / self.pauses_s
            self.stretch = min(max(room, _TIGHTEST), _LOOSEST)

    def write(self, path: str) -> dict[str, Any]:
        """Writes the WAV file; says how long it lasts and where every line and word begins."""
        hz = self._speaker.rate
        sound = array.array("h", bytes(2 * round(self._asked["lead_s"] * hz)))
        lines = []
        for number, (take, line) in enumerate(zip(self.takes, self._asked["lines"], strict=True)):
            start = len(sound)
            sound += take.samples
            words = [[at, round((start + sample) / hz, 3)] for at, sample in take.words]
            lines.append(
                {"start_s": round(start / hz, 3), "end_s": round(len(sound) / hz, 3), "words": words}
            )
            last = number == len(self.takes) - 1
            silence_s = self._asked["tail_s"] if last else line["pause_s"] * self.stretch
            sound.frombytes(bytes(2 * round(silence_s * hz)))
        if sys.byteorder == "big":
            sound.byteswap()
        with wave.open(path, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(hz)
            file.writeframes(sound.tobytes())
        return {"rate": self.rate, "lasts_s": len(sound) / hz, "speech_s": self.speech_s, "lines": lines}


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Speaks what was asked, or says which languages there are."""
    speaker = Speaker()
    known = speaker.languages()
    language = next((tag for tag in asked["languages"] if tag in known), None)
    if language is None:
        return {"unknown_language": known}
    reading = Reading(speaker, asked, language)
    goal_s, limit_s = asked["goal_s"], asked["limit_s"]
    if goal_s is not None:
        reading.fit(goal_s if limit_s is None else min(goal_s, limit_s))
    elif limit_s is not None and reading.lasts(1) > limit_s:
        reading.fit(limit_s)
    return {"language": language, **reading.write(asked["into"])}


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
