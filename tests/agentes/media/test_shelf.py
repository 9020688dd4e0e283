"""The shelf: whole files under their digest, wherever it stands, and nothing half-made."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agentes.contract import Done, File
from agentes.drafts import draft_picture
from agentes.drafts.line import LocalLine
from agentes.media.shelf import Shelf
from shared_knowledge.errors import Broken
from shared_knowledge.vocabulary import Money, Order, PhotoSpec

WORDS = b"a finished file"
ORDER = Order(
    id="ord_1",
    job="job_1",
    task="photo-1",
    piece=1,
    attempt=1,
    platform="draft_picture",
    model="storyboard",
    price=Money(0),
    prompt="a candle",
    spec=PhotoSpec(subject="a candle"),
)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf", tmp_path / "desks")


def written(shelf: Shelf) -> Path:
    file = shelf.desk("ord_1") / "picture.png"
    file.write_bytes(WORDS)
    return file


@pytest.mark.parametrize("linked", [True, False])
def test_a_file_is_kept_read_only_and_may_be_put_again(shelf, tmp_path, monkeypatch, linked):
    if not linked:

        def another_disk(place: Path, file: Path) -> None:
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(Path, "hardlink_to", another_disk)
    file = written(shelf)
    stored = shelf.put(file)
    assert shelf.put(file) == stored
    assert stored.sha256 == hashlib.sha256(WORDS).hexdigest()
    kept = Path(stored.path)
    assert kept.read_bytes() == WORDS
    assert kept.stat().st_mode & 0o222 == 0
    assert [path for path in (tmp_path / "shelf").rglob("*") if path.is_file()] == [kept]
    shelf.clear("ord_1")
    assert kept.read_bytes() == WORDS
    assert shelf.find(stored.sha256) == kept


def test_a_file_that_is_gone_or_a_shelf_that_is_no_folder_is_said_in_words(shelf, tmp_path):
    with pytest.raises(Broken, match=r"kept on the shelf: No such file.*resume"):
        shelf.put(shelf.desk("ord_1") / "nothing.png")
    (tmp_path / "shelf").write_text("a file where the shelf should be")
    with pytest.raises(Broken, match="kept on the shelf"):
        shelf.put(written(shelf))


async def test_a_draft_whose_desk_was_cleaned_is_made_again(shelf, monkeypatch):
    async def draw(self: object, desk: Path, order: Order) -> Done:
        (desk / "picture.png").write_bytes(WORDS)
        return Done(File("picture.png"))

    monkeypatch.setattr(draft_picture.Adapter, "start", draw)
    line = LocalLine("draft_picture", shelf)
    done = await line.start(ORDER)
    shelf.clear(ORDER.id)
    assert (await line.collect(ORDER, done)).read_bytes() == WORDS


async def test_a_draft_that_finds_no_room_says_so(shelf, monkeypatch):
    async def run_out_of_room(self: object, desk: Path, order: Order) -> Done:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draft_picture.Adapter, "start", run_out_of_room)
    with pytest.raises(Broken, match=r"draft_picture could not write its file: No space left"):
        await LocalLine("draft_picture", shelf).start(ORDER)
