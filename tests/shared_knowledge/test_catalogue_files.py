"""A mistake in a file of the catalogue is reported with its file, its line and what is wrong."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_knowledge import catalogue as own
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Broken
from shared_knowledge.toml_lines import line_of

HERE = Path(own.__file__).parent
FILES = sorted((HERE / "platforms").glob("*.toml"))

GOOD = """\
name = "Test"
medium = "video"
base_url = "https://api.example.com"
key_hosts = ["api.example.com"]
recovery = "OPAQUE"
look_again_s = 5
deadline_s = 60
sign_in = { by = "header" }
[[secrets]]
name = "TEST_KEY"

[sources.list]
source = "a list"
seen_on = 2026-11-20

[[models]]
id = "one"
makers = ["test"]
modes = ["text_to_video"]
quality = { draft = { resolution = "720p" }, standard = { resolution = "720p" } }
resolutions = [
  { name = "720p", short_side = 720, ratios = { "9:16" = "9:16" } },
]
durations_s = [5, 10]

[[models]]
id = "two"
makers = ["test"]
modes = ["text_to_video"]
quality = { draft = {} }
durations_s = { least = 2, most = 4 }
prices = [
  { unit = "second", usd = 0.1, source = "list" },
  { unit = "clip", seconds = 5, usd = 0.2, source = "list" },
]
"""


def catalogue_with(tmp_path: Path, text: str | bytes) -> Catalogue:
    (tmp_path / "facts/platforms").mkdir(parents=True)
    shutil.copy(HERE / "retired.toml", tmp_path / "facts")
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "facts/platforms/test.toml").write_bytes(content)
    return Catalogue.load(tmp_path / "facts")


def test_a_good_file_is_read(tmp_path: Path) -> None:
    platform = catalogue_with(tmp_path, GOOD).platform("test")
    assert [model.durations_s for model in platform.models] == [(5, 10), (2, 3, 4)]
    assert platform.models[1].prices[0].source == "a list"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('name = "Test"', 'name = "Test', 1, "TOML|Illegal|Invalid"),
        ('medium = "video"', 'medium = "smell"', 2, "medium"),
        ('recovery = "OPAQUE"', 'recovery = "MAYBE"', 5, "recovery"),
        ("deadline_s = 60", "deadline_s = 60\ndedline_s = 5", 8, "dedline_s"),
        ("deadline_s = 60\n", "", 1, "deadline_s: Field required"),
        ('base_url = "https://', 'base_url = "http://', 1, "https"),
        ('id = "two"', 'id = "one"', 1, "same id"),
        (
            'modes = ["text_to_video"]\nquality = { draft = {} }',
            'modes = ["x"]\nquality = { draft = {} }',
            29,
            "modes",
        ),
        ("durations_s = { least = 2, most = 4 }", "durations_s = { least = 2 }", 31, "least, most"),
        ("usd = 0.1", "usd = -0.1", 33, r"models\[1\]\.prices\[0\]\.usd"),
        ("usd = 0.2", 'usd = "free"', 34, r"models\[1\]\.prices\[1\]\.usd"),
        ('usd = 0.2, source = "list"', 'usd = 0.2, source = "lost"', 34, "'lost' is not one of"),
        ('unit = "clip", seconds = 5', 'unit = "second"', 26, r"prices\[1\] overlaps"),
        ('unit = "second", usd', 'unit = "second", resolution = "8k", usd', 26, "'8k', not listed"),
        ("seconds = 5, usd = 0.2", 'seconds = 5, usd = 0.2, valid_from = "soon"', 34, "valid_from"),
    ],
)
def test_a_mistake_is_found_where_it_stands(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(Broken, match=says) as caught:
        catalogue_with(tmp_path, GOOD.replace(old, new))
    assert caught.value.what.startswith(f"facts/platforms/test.toml, line {line}: ")
    assert caught.value.todo


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"facts/platforms/test\.toml is not UTF-8 text"):
        catalogue_with(tmp_path, b'name = "\xff"')


def test_a_folder_without_its_register(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"retired\.toml cannot be read"):
        Catalogue.load(tmp_path)


def test_a_mistake_in_the_register(tmp_path: Path) -> None:
    (tmp_path / "retired.toml").write_text('[renamed]\n\n[[retired]]\nnames = []\nwhat = "x"\nwhy = "y"\n')
    with pytest.raises(Broken, match=r"retired\.toml, line 4: retired\[0\]\.names"):
        Catalogue.load(tmp_path)


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


@pytest.mark.parametrize("file", [*FILES, HERE / "retired.toml"], ids=lambda file: file.stem)
def test_every_value_of_every_file_is_found_on_its_line(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    leaves = list(_leaves(tomllib.loads(text, parse_float=str)))
    assert leaves
    for path, value in leaves[:: max(1, len(leaves) // 150)]:
        found = lines[line_of(text, path) - 1]
        shown = str(value).lower() if isinstance(value, bool) else str(value).splitlines()[0]
        assert shown in found or found.endswith('"""'), (path, value, found)
