"""Finds what must not be committed: keys, tokens, signed addresses, private keys.

Run with file names it looks at those; without, at every file git knows or would add. It reads
cassettes like everything else, prints where and what kind, and never prints what it found.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["committed_files", "scan", "scan_text"]

ROOT = Path(__file__).resolve().parent.parent
_LARGEST = 2_000_000
_TELLING_BITS = 3.0

_KEYS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "an OpenAI-like key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "a Google key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a Google token": r"\bya29\.[0-9A-Za-z_-]{20,}",
    "a Runway key": r"\bkey_[0-9a-f]{40,}",
    "a fal key": r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{32}\b",
    "an AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[0-9A-Za-z]{36,}|\bgithub_pat_\w{40,}",
    "a Slack token": r"\bxox[abposr]-[0-9A-Za-z-]{20,}",
    "a Hugging Face or Replicate token": r"\b(?:hf|r8)_[0-9A-Za-z]{30,}",
    "a key of our own service": r"\b[sp]k_(?:live|test)_[0-9A-Za-z]{20,}",
    "a webhook secret": r"\bwhsec_[0-9A-Za-z+/=]{24,}",
    "a signed token": r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{20,}",
    "a bearer token": r"(?i)\bbearer\s+[0-9A-Za-z._~+/=-]{24,}",
    "a signed address": r"(?i)[?&](?:key|api_?key|token|access_token|sig|signature|x-amz-signature|"
    r"x-goog-signature|_jwt|policy)=[0-9A-Za-z%._~+/=-]{20,}",
}
_IN_CASSETTES = {
    "a cookie": r"(?i)^\s*-?\s*['\"]?(?:set-)?cookie['\"]?\s*:",
    "an e-mail address": r"(?<![\w.+-])[\w.+-]+@(?!example\.)[\w-]+\.[a-z]{2,}",
}
# What stands in every such key: most files hold none of it, and need not be searched for the rest.
_TELLTALES = {
    "a private key": ("-----BEGIN ",),
    "an OpenAI-like key": ("sk-",),
    "a Google key": ("AIza",),
    "a Google token": ("ya29.",),
    "a Runway key": ("key_",),
    "an AWS key": ("AKIA", "ASIA"),
    "a GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "a Slack token": ("xox",),
    "a Hugging Face or Replicate token": ("hf_", "r8_"),
    "a key of our own service": ("k_live_", "k_test_"),
    "a webhook secret": ("whsec_",),
    "a signed token": ("eyJ",),
    "an e-mail address": ("@",),
}
_ASSIGNED = re.compile(
    r"""(?ix) (?: api[-_]?key | secret(?:[-_]?key)? | access[-_]?(?:key|token) | auth[-_]?token | password
                | xi-api-key | x-goog-api-key | x-key | authorization | cookie )
        ["']? [ \t]* (?: [:=] | =>) \s* (?:\[?\s*-?\s*)? ["']? (?:key\s+)? (?P<value>[A-Za-z0-9+/_=.:-]{20,}) """
)
_MADE_UP = re.compile(
    r"(?i)canary|cnry|example|sandbox|placeholder|your[-_]|fake|made[-_]?up|dummy|hidden|scrubbed"
)


def scan(paths: Sequence[Path]) -> Iterator[str]:
    """Where something was found, and of what kind; one line each."""
    for path in paths:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        raw = path.read_bytes()
        if b"\0" not in raw[:8192]:
            shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            found = scan_text(raw.decode(errors="replace"), is_cassette="cassettes" in shown.parts)
            yield from (f"{shown}:{line}: {kind}" for line, kind in found)


def scan_text(text: str, *, is_cassette: bool = False) -> Iterator[tuple[int, str]]:
    """The number of each line that holds something, and what kind of thing it is."""
    patterns = _KEYS | _IN_CASSETTES if is_cassette else _KEYS
    kinds = {}
    for at, kind, found in _suspects(text, patterns):
        if not _MADE_UP.search(found):
            kinds[text.count("\n", 0, at) + 1] = kind
    yield from sorted(kinds.items())


def _suspects(text: str, patterns: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    for found in _ASSIGNED.finditer(text):
        value = found["value"]
        if _bits(value) >= _TELLING_BITS and re.search(r"\d", value) and re.search(r"[A-Za-z]", value):
            yield found.start("value"), "a value that looks like a key", value
    for kind, pattern in patterns.items():
        if not any(telltale in text for telltale in _TELLTALES.get(kind, ("",))):
            continue
        yield from ((found.start(), kind, found[0]) for found in re.finditer(pattern, text, re.MULTILINE))


def _bits(value: str) -> float:
    counts = Counter(value)
    return -sum(each / len(value) * math.log2(each / len(value)) for each in counts.values())


def committed_files() -> list[Path]:
    """Every file git has, or would take with `git add`; without git, every file that is not hidden."""
    asked = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(asked, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        hidden = re.compile(r"/(?:\.|__pycache__)")
        return [file for file in ROOT.rglob("*") if not hidden.search(f"/{file.relative_to(ROOT)}")]
    return [ROOT / name for name in listed.split("\0") if name]


def main(names: Sequence[str]) -> int:
    """Prints what it finds; 1 if it finds anything."""
    found = list(scan([Path(name).resolve() for name in names] or committed_files()))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
