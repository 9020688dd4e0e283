"""Files in parts: `Range` and `If-Range`, so that a download that broke off can be carried on."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from agentes.sandbox.kernel.calls import Answer, Call

__all__ = ["part_of"]


def part_of(answer: Answer, call: Call) -> Answer:
    """The part of a file that `Range` asks for, or all of it; with an ETag, so that more can be asked for later."""
    if answer.status != 200:
        return answer
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    whole = replace(answer, headers={**answer.headers, "accept-ranges": "bytes", "etag": tag})
    wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", call.headers.get("range", ""))
    if wanted is None or not any(wanted.groups()) or call.headers.get("if-range", tag) != tag:
        return whole
    size = len(answer.body)
    if wanted[1]:
        first, last = int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
    else:
        first, last = max(size - int(wanted[2]), 0), size - 1
    if first > last:
        return Answer(416, {"content-range": f"bytes */{size}"})
    named = {**whole.headers, "content-range": f"bytes {first}-{last}/{size}"}
    return Answer(206, named, answer.body[first : last + 1])
