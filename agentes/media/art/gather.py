"""Rebuilds `pictograms.zip` and `keywords/` from the two npm packages that NOTICE names.

python -m agentes.media.art.gather FOLDER_OF_FLUENT_EMOJI_FLAT FOLDER_OF_EMOJIBASE_DATA
"""

from __future__ import annotations

import json
import sys
import tomllib
import zipfile
from pathlib import Path

__all__ = ["gather_keywords", "gather_pictograms"]

HERE = Path(__file__).parent
LANGUAGES = ("de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "zh")
_TONES = ("-light", "-medium", "-medium-light", "-medium-dark", "-dark", "-default")
_CLOCKS = ("-oclock", "-thirty")


def gather_pictograms(fluent: Path, archive: Path) -> tuple[str, ...]:
    """Writes the selected pictograms, unchanged, as one SVG file each; says which."""
    bodies = json.loads((fluent / "icons.json").read_text("utf-8"))["icons"]
    groups = json.loads((fluent / "metadata.json").read_text("utf-8"))["categories"]
    selection = tomllib.loads((HERE / "selection.toml").read_text("utf-8"))
    wanted = {name for group in selection["whole_groups"] for name in groups[group]} | set(selection["also"])
    wanted -= set(selection["left_behind"])
    names = sorted(name for name in wanted & bodies.keys() if not name.endswith(_TONES + _CLOCKS))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name in names:
            entry = zipfile.ZipInfo(f"{name}.svg", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{bodies[name]["body"]}</svg>'
            packed.writestr(entry, svg)
    return tuple(names)


def gather_keywords(fluent: Path, emojibase: Path, names: tuple[str, ...], folder: Path) -> None:
    """Writes one file a language: name, emoji and label of each pictogram, a line each.

    The tags stay behind: they are associations ("luxury" is a speedboat), and a brief wants the thing.
    """
    characters = json.loads((fluent / "chars.json").read_text("utf-8"))
    name_of = {code.upper().replace("-FE0F", ""): name for code, name in characters.items()}
    folder.mkdir(exist_ok=True)
    for language in LANGUAGES:
        lines = []
        for emoji in json.loads((emojibase / language / "data.json").read_text("utf-8")):
            name = name_of.get(emoji["hexcode"].replace("-FE0F", ""))
            if name in names:
                lines.append(f"{name}\t{emoji['emoji']}\t{emoji['label']}")
        (folder / f"{language}.tsv").write_text("\n".join(sorted(lines)) + "\n", "utf-8")


if __name__ == "__main__":
    fluent_folder, emojibase_folder = map(Path, sys.argv[1:3])
    shipped = gather_pictograms(fluent_folder, HERE / "pictograms.zip")
    gather_keywords(fluent_folder, emojibase_folder, shipped, HERE / "keywords")
