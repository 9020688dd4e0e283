"""Files come into the folder whole or not at all, under names that are readable and safe."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.composer import placing
from orchestrator.composer.placing import file_name, keep_original, place, whole_file
from shared_knowledge.errors import BadRequest, Broken
from shared_knowledge.vocabulary import PhotoIntent, PhotoSpec, Shot, Task, VideoSpec, VoiceSpec


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


def test_files_have_readable_names() -> None:
    photo = Task(id="photo-1", spec=PhotoSpec(subject="mug"))
    clip = Task(
        id="video-1",
        spec=VideoSpec(subject="mug", shots=(Shot(label="1", scene="", duration_s=5),), duration_s=5),
    )
    voice = Task(id="voice-1", spec=VoiceSpec(script="Olá", language="pt-BR"))
    keyframe = Task(id="video-1/keyframe-2", spec=PhotoSpec(subject="mug", intent=PhotoIntent.KEYFRAME))
    assert file_name(photo, "image/png") == "photo-1-hero.png"
    assert file_name(clip, "video/mp4") == "video-1.mp4"
    assert file_name(clip, "video/mp4", piece=2) == "video-1-piece-2.mp4"
    assert file_name(voice, "audio/wav; rate=24000") == "voice-1-pt-BR.wav"
    assert file_name(keyframe, "image/jpeg") == "video-1-keyframe-2.jpg"


@given(
    st.text(max_size=200), st.text(max_size=50), st.sampled_from(["image/png", "audio/mpeg", "text/html", ""])
)
def test_no_file_name_can_leave_the_folder(task: str, language: str, mime: str) -> None:
    name = file_name(Task(id=task, spec=VoiceSpec(script="x", language=language)), mime)
    assert placing._inside(Path("/folder"), name) == Path("/folder") / name


@pytest.fixture
def shelf_file(tmp_path: Path) -> Path:
    file = tmp_path / "shelf" / "ab12.png"
    file.parent.mkdir()
    file.write_bytes(os.urandom(3 << 20))
    return file


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_placed_file_is_a_whole_copy_of_its_own(folder: Path, shelf_file: Path) -> None:
    for _ in range(2):
        placed = place(folder, shelf_file, "photo-1-hero.png")
        assert placed.read_bytes() == shelf_file.read_bytes()
        assert placed.stat().st_ino != shelf_file.stat().st_ino
    assert everything_in(folder) == {"photo-1-hero.png"}


@pytest.mark.parametrize("trouble", ["missing", "refuses", "answers nothing", "stops half way"])
def test_a_file_is_copied_where_blocks_cannot_be_shared(
    tmp_path: Path, shelf_file: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    calls = []

    def poor(source: int, target: int, count: int) -> int:
        calls.append(count)
        if trouble == "refuses":
            raise OSError(errno.EXDEV, "")
        if trouble == "stops half way" and len(calls) == 1:
            return os.write(target, os.read(source, 1000))
        return 0

    if trouble == "missing":
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    else:
        monkeypatch.setattr(os, "copy_file_range", poor, raising=False)
    assert place(tmp_path, shelf_file, "a.png").read_bytes() == shelf_file.read_bytes()


@pytest.mark.parametrize("copies", [True, False], ids=["shared blocks", "plain copy"])
def test_a_disk_that_fills_half_way_leaves_no_half_file(
    folder: Path, shelf_file: Path, monkeypatch: pytest.MonkeyPatch, copies: bool
) -> None:
    if not copies:
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    (folder / "film.mp4").write_bytes(b"the film of before")
    with files_no_larger_than(1 << 20):
        for name in ("film.mp4", "photo-1.png"):
            with pytest.raises(Broken, match="the disk is full") as full:
                place(folder, shelf_file, name)
            assert "resume" in full.value.todo
        with pytest.raises(Broken, match="the disk is full"):
            keep_original(folder, shelf_file, "photo-1.png")
    assert everything_in(folder) == {"film.mp4", "originals"}
    assert (folder / "film.mp4").read_bytes() == b"the film of before"
    assert place(folder, shelf_file, "photo-1.png").read_bytes() == shelf_file.read_bytes()


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with whole_file(tmp_path / "out.txt") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert not list(tmp_path.glob("out*"))


def test_a_lost_shelf_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"ab12\.png cannot be read"):
        place(tmp_path, tmp_path / "ab12.png", "a.png")
    assert not list(tmp_path.glob("a.png*"))


@pytest.mark.parametrize(
    "name", ["../a", "/etc/a", "a/b/c", "", ".", "..", "a b", ".hidden", "con.png", "é", "x" * 81]
)
def test_unsafe_names_are_refused(tmp_path: Path, shelf_file: Path, name: str) -> None:
    with pytest.raises(BadRequest, match="safe file name"):
        place(tmp_path, shelf_file, name)


def test_a_linked_room_inside_the_folder_is_refused(tmp_path: Path, shelf_file: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "originals").symlink_to(outside)
    with pytest.raises(BadRequest):
        keep_original(tmp_path, shelf_file, "a.png")
    assert not list(outside.iterdir())


def test_originals_are_linked_only_if_nobody_can_write_them(tmp_path: Path, shelf_file: Path) -> None:
    copied = keep_original(tmp_path, shelf_file, "copied.png")
    shelf_file.chmod(0o444)
    for _ in range(2):
        linked = keep_original(tmp_path, shelf_file, "linked.png")
        assert linked.stat().st_ino == shelf_file.stat().st_ino
    assert copied.stat().st_ino != shelf_file.stat().st_ino
    assert copied.read_bytes() == linked.read_bytes() == shelf_file.read_bytes()
    assert not copied.stat().st_mode & 0o222
    assert {path.name for path in (tmp_path / "originals").iterdir()} == {"copied.png", "linked.png"}


def test_an_original_is_copied_where_links_are_impossible(
    tmp_path: Path, shelf_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "")

    shelf_file.chmod(0o444)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert keep_original(tmp_path, shelf_file, "a.png").read_bytes() == shelf_file.read_bytes()


def test_a_disk_that_is_full_at_the_last_byte_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Broken, match="the disk is full"), whole_file(tmp_path / "a.json") as file:
        file.write(b"{}")
    assert not list(tmp_path.glob("a.json*"))
