"""The folder is found or claimed once, before any work, or it is said why it cannot be used."""

from __future__ import annotations

import errno
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.composer import folder as rooms
from orchestrator.composer.folder import MARKER, give_back, open_folder, slug
from shared_knowledge.errors import BadRequest


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("caneca de cerâmica", "caneca-de-ceramica"),
        ("Straße in Łódź, bei Ærø", "strasse-in-lodz-bei-aero"),
        ("l'été d'un œuf", "lete-dun-oeuf"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "con-film"),
        ("com1", "com1-film"),
        ("nul.txt", "nul-txt"),
        ("   ", "film-1be2c07d"),
        ("陶器のマグカップ", "film-1be2c07d"),
        ("🍵", "film-1be2c07d"),
    ],
)
def test_a_title_becomes_a_plain_name(title: str, name: str) -> None:
    assert slug(title, "job_5a1be2c07d") == name


@given(st.text(max_size=300), st.text(max_size=30))
def test_every_title_becomes_a_safe_name(title: str, job: str) -> None:
    name = slug(title, job)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(name) <= 76
    assert not re.fullmatch(r"con|prn|aux|nul|com\d|lpt\d", name)


def test_a_long_title_is_cut_between_words() -> None:
    name = slug("uma caneca azul " * 30, "job_1")
    assert len(name) <= 64
    assert name.rsplit("-", 1)[1] in {"uma", "caneca", "azul"}


def test_without_a_wish_the_subject_names_the_folder() -> None:
    folder = open_folder(None, "job_1", "caneca de cerâmica")
    assert folder == Path.cwd() / "caneca-de-ceramica"
    assert everything_in(folder) == {MARKER}


def test_a_folder_that_holds_a_run_is_left_alone(tmp_path: Path) -> None:
    wanted = tmp_path / "mug"
    (wanted / "originals").mkdir(parents=True)
    (wanted / "manifest.json").write_text("{}")
    assert open_folder(wanted, "job_2", "").name == "mug-2"
    assert open_folder(wanted, "job_3", "").name == "mug-3"
    assert (wanted / "manifest.json").read_text() == "{}"
    assert not (wanted / MARKER).exists()


def test_foreign_files_are_left_alone_but_an_empty_folder_is_taken(tmp_path: Path) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.mkdir()
    empty.mkdir()
    (full / "holiday.jpg").write_bytes(b"mine")
    (empty / ".DS_Store").write_bytes(b"noise")
    assert open_folder(full, "job_1", "").name == "full-2"
    assert open_folder(empty, "job_1", "") == empty


def test_a_resumed_job_finds_its_folder_and_loses_its_half_files(tmp_path: Path) -> None:
    first = open_folder(tmp_path / "mug", "job_1", "")
    second = open_folder(tmp_path / "mug", "job_2", "")
    (second / "film.mp4.part").write_bytes(b"half")
    (second / "originals").mkdir()
    (second / "originals" / "a.png.part").write_bytes(b"half")
    (second / "photo-1.png").write_bytes(b"whole")
    give_back(first, "job_1")
    assert open_folder(tmp_path / "mug", "job_2", "") == second
    assert everything_in(second) == {MARKER, "originals", "photo-1.png"}


def test_many_jobs_at_once_get_a_folder_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda n: open_folder(tmp_path / "mug", f"job_{n}", ""), range(24)))
    assert len(set(claimed)) == 24
    assert all(
        (folder / MARKER).read_text().splitlines()[0] == f"job_{n}" for n, folder in enumerate(claimed)
    )


def test_here_means_in_here() -> None:
    (Path.cwd() / "work.txt").write_text("mine")
    assert open_folder(Path(), "job_1", "blue mug") == Path.cwd() / "blue-mug"
    assert open_folder(Path("..") / Path.cwd().name / "out", "job_2", "") == Path.cwd() / "out"


def test_give_back_takes_only_what_nobody_used(tmp_path: Path) -> None:
    unused, used = open_folder(tmp_path / "a", "job_1", ""), open_folder(tmp_path / "b", "job_1", "")
    (used / "photo-1.png").write_bytes(b"whole")
    for folder in (unused, used, tmp_path / "never"):
        give_back(folder, "job_1")
    give_back(open_folder(tmp_path / "c", "job_2", ""), "job_1")
    assert not unused.exists()
    assert used.exists()
    assert (tmp_path / "c").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "film").write_text("mine")
    with pytest.raises(BadRequest, match="a file, not a folder") as no:
        open_folder(tmp_path / "film", "job_1", "")
    assert "--out" in no.value.todo
    with pytest.raises(BadRequest, match="part of this path is a file"):
        open_folder(tmp_path / "film" / "deep", "job_1", "")


def test_a_dangling_or_circling_link_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name in ("lost", "circle"):
        with pytest.raises(BadRequest):
            open_folder(tmp_path / name, "job_1", "")
    with pytest.raises(BadRequest):
        open_folder(tmp_path / "circle" / "deep", "job_1", "")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [("x" * 300, "too long"), ("deep/" * 1100 + "end", "too long"), ("a\0b", "cannot be used")],
)
def test_impossible_paths_are_refused_with_a_reason(tmp_path: Path, wanted: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why) as no:
        open_folder(tmp_path / wanted, "job_1", "")
    assert no.value.todo
    assert "\0" not in str(no.value)
    assert len(str(no.value)) < 400
    assert not everything_in(tmp_path) - {"desk"}


def test_a_path_whose_files_would_not_fit_is_refused_before_any_work(tmp_path: Path) -> None:
    deep = tmp_path
    while len(str(deep)) < 4096 - 130:
        deep /= "d" * min(100, 4096 - 60 - len(str(deep)))
    with pytest.raises(BadRequest, match="too long"):
        open_folder(deep, "job_1", "")
    assert not everything_in(tmp_path) - {"desk"}


@pytest.mark.parametrize(
    ("code", "why"),
    [(errno.EACCES, "may not write"), (errno.EROFS, "read-only"), (errno.ENOSPC, "no room")],
)
def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, why: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(rooms, "_mark", refuse)
    with pytest.raises(BadRequest, match=why) as no:
        open_folder(tmp_path / "a" / "b" / "c", "job_1", "")
    assert "--out" in no.value.todo
    assert not (tmp_path / "a").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(BadRequest, match="may not write"):
        open_folder(tmp_path / "shut" / "out", "job_1", "")


def test_a_full_disk_is_seen_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no room on this disk"):
        open_folder(tmp_path / "a" / "b", "job_1", "", room_bytes=1 << 60)
    assert not (tmp_path / "a").exists()


def test_an_empty_folder_with_the_mark_of_a_job_that_never_came_to_be_is_taken(tmp_path: Path) -> None:
    claimed = open_folder(tmp_path / "out", "job_never", "mug")
    soon_after = open_folder(tmp_path / "out", "job_2", "mug", is_known=lambda job: False)
    assert soon_after.name == "out-2"  # whoever marked it may be about to write its job down
    long_ago = time.time() - 3600
    os.utime(claimed / MARKER, (long_ago, long_ago))
    assert open_folder(tmp_path / "out", "job_3", "mug", is_known=lambda job: job != "job_never") == claimed
    assert open_folder(tmp_path / "out", "job_4", "mug", is_known=lambda job: True).name == "out-3"


def test_the_mark_of_a_process_that_is_dead_is_taken_off_at_once(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        open_folder(tmp_path / "out", "job_never", "mug")
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "out" / MARKER).read_text().startswith("job_never\n")
    assert open_folder(tmp_path / "out", "job_2", "mug", is_known=lambda job: False) == tmp_path / "out"
