"""A shelf that many machines share: what one puts the others find, whole, and believed by its digest alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore
from small_s3 import small_s3

from agentes.media.bucket import Bucket, open_bucket
from agentes.media.shelf import Shelf
from shared_knowledge.errors import BadRequest, Broken

WORDS = b"a finished film"
DIGEST = hashlib.sha256(WORDS).hexdigest()


def machine(home: Path, store: MemoryStore | LocalStore, **more: int) -> Shelf:
    return Shelf(home / "shelf", home / "desks", Bucket(store, "s3://films"), **more)


def written(shelf: Shelf, words: bytes = WORDS, order: str = "ord_1") -> Path:
    file = shelf.desk(order) / "clip.mp4"
    file.write_bytes(words)
    return file


@pytest.fixture(params=["memory", "folder"])
def store(request, tmp_path: Path) -> MemoryStore | LocalStore:
    if request.param == "memory":
        return MemoryStore()
    return LocalStore(tmp_path / "bucket", mkdir=True)


def test_what_one_machine_puts_another_finds_by_the_path_of_the_first(store, tmp_path):
    here, there = machine(tmp_path / "a", store), machine(tmp_path / "b", store)
    stored = here.put(written(here))
    (tmp_path / "a").rename(tmp_path / "another machine")
    brought = there.here(stored.path)
    assert (brought, brought.read_bytes()) == (there.path(DIGEST, ".mp4"), WORDS)
    assert brought.stat().st_mode & 0o222 == 0
    assert there.find(DIGEST) == brought
    assert machine(tmp_path / "c", store).find(DIGEST).read_bytes() == WORDS
    assert there.is_shared
    assert not Shelf(tmp_path, tmp_path).is_shared


def test_a_file_is_sent_once_and_nothing_half_is_left(store, tmp_path):
    here = machine(tmp_path / "a", store)
    assert here.put(written(here)) == here.put(written(here, order="ord_2"))
    machine(tmp_path / "b", store).here(here.path(DIGEST, ".mp4"))
    assert not list(tmp_path.rglob("*.part"))


def test_what_is_nowhere_or_no_file_of_the_shelf_stays_as_it_was_named(store, tmp_path):
    shelf = machine(tmp_path, store)
    gone, mine = shelf.path("ab" * 32, ".mp4"), tmp_path / "mine.png"
    assert shelf.here(gone) == gone
    assert shelf.here(mine) == mine
    assert shelf.find("ab" * 32) is None


def test_bytes_that_are_not_the_file_are_refused_and_thrown_away(tmp_path):
    store = MemoryStore()
    here, there = machine(tmp_path / "a", store), machine(tmp_path / "b", store)
    path = here.put(written(here)).path
    store.put(f"{DIGEST[:2]}/{DIGEST}.mp4", b"another film!!!")
    (tmp_path / "a").rename(tmp_path / "another machine")
    with pytest.raises(Broken, match="its digest is another"):
        there.here(path)
    assert not [file for file in (tmp_path / "b").rglob("*") if file.is_file()]


def test_what_is_removed_is_gone_here_and_there(store, tmp_path):
    here, there = machine(tmp_path / "a", store), machine(tmp_path / "b", store)
    path = here.put(written(here)).path
    here.remove(path)
    here.remove(path)
    assert not there.here(path).exists()
    assert here.find(DIGEST) is None
    keep = tmp_path / "keep.txt"
    keep.write_text("mine")
    here.remove(keep)
    assert keep.exists()


def test_copies_that_nobody_used_for_longest_make_room(tmp_path):
    store = MemoryStore()
    shelf = machine(tmp_path, store, here_most=250)
    paths = []
    for number in range(4):
        paths.append(Path(shelf.put(written(shelf, bytes([number]) * 100, f"ord_{number}")).path))
        if number < 3:  # the first was used an hour after the others
            long_ago = 1_000_000 + (10_000 if number == 0 else 0)
            os.utime(paths[-1], (long_ago, long_ago))
    assert [path.exists() for path in paths] == [True, False, False, True]
    assert shelf.here(paths[1]).read_bytes() == bytes([1]) * 100


def test_a_shelf_says_whether_it_can_be_written(store, tmp_path):
    shelf = machine(tmp_path / "a", store)
    assert "s3://films" in shelf.try_out()
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Broken):
        Shelf(blocked / "shelf", tmp_path).try_out()


def test_over_http_every_part_is_sent_with_its_digest_and_signed(tmp_path):
    big = bytes(range(256)) * (40 << 10)
    with small_s3() as server:
        options = {
            "access_key_id": "AKIAEXAMPLE",
            "secret_access_key": "not-so-secret-key",
            "region": "eu-west-1",
            "endpoint": f"http://127.0.0.1:{server.server_port}",
        }
        url = "s3://films/studio/one"
        here = Shelf(tmp_path / "a", tmp_path / "desks", open_bucket(url, options))
        there = Shelf(tmp_path / "b", tmp_path / "desks", open_bucket(url, options))
        small, large = here.put(written(here)), here.put(written(here, big, "ord_2"))
        assert set(server.objects) == {
            f"studio/one/{one.sha256[:2]}/{one.sha256}.mp4" for one in (small, large)
        }
        assert all(server.digests)
        assert len(server.digests) == 3
        (tmp_path / "a").rename(tmp_path / "another machine")
        assert there.here(large.path).read_bytes() == big
        assert there.find(small.sha256).read_bytes() == WORDS
        assert all(said.startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/") for said in server.signed)
        there.remove(small.path)
        assert len(server.objects) == 1
        server.broken = True
        with pytest.raises(Broken, match="could not be kept in s3://films"):
            there.put(written(there, b"more", "ord_3"))


@pytest.mark.parametrize("url", ["s3://films", "gs://films/a", "az://films/a"])
def test_a_bucket_is_opened_without_dialling_or_refused_in_words(url, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "AZURE_"))]:
        monkeypatch.delenv(name)
    known = {"az": {"account_name": "films", "account_key": "Zm9v"}, "gs": {"skip_signature": "true"}}
    assert open_bucket(url, known.get(url[:2], {})).where == url
    if url.startswith("az"):
        with pytest.raises(BadRequest, match="AGENTES_SHELF_URL cannot be used"):
            open_bucket(url, {})
