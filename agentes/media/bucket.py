"""A bucket: the far half of a shelf that many machines share, on S3, Google Cloud Storage or Azure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from shared_knowledge.errors import BadRequest, Broken

if TYPE_CHECKING:
    from datetime import timedelta

    from obstore.store import ObjectStore

__all__ = ["Bucket", "open_bucket"]

_PART = 8 << 20
_AT_ONCE = 4
_TRIES = 2
_ANSWERS_WITHIN_S = 60
_GIVES_UP_AFTER_S = 120


class Bucket:
    """Whole files by name, in a store that many machines reach; what is not whole is never seen there."""

    def __init__(self, store: ObjectStore, where: str) -> None:
        self._store = store
        self.where = where

    def size(self, name: str) -> int | None:
        """How many bytes a file has there; None if there is none of that name."""
        import obstore

        with self._in_words(f"{name} could not be looked for"):
            try:
                return obstore.head(self._store, name)["size"]
            except FileNotFoundError:
                return None

    def name_of(self, beginning: str) -> str | None:
        """The first name that begins like this: folder, a slash, and part of a name."""
        import obstore

        folder, _, begins = beginning.rpartition("/")
        with self._in_words(f"{beginning} could not be looked for"):
            for some in obstore.list(self._store, prefix=folder or None):
                for one in some:
                    name = str(one["path"])
                    if name.rpartition("/")[2].startswith(begins):
                        return name
        return None

    def put(self, name: str, file: Path) -> None:
        """Copies a file there, unless it is there already; it is whole, or it is not there."""
        import obstore

        size = file.stat().st_size
        if self.size(name) == size:
            return
        with self._in_words(f"{name} could not be kept"):
            obstore.put(self._store, name, file, chunk_size=_PART, max_concurrency=_AT_ONCE)
        if (arrived := self.size(name)) != size:
            raise Broken(
                f"Of the {size:,} bytes of {name}, {arrived or 0:,} arrived in {self.where}.",
                todo="`agentes resume` copies it again.",
            )

    def bring(self, name: str, place: Path, sha256: str) -> bool:
        """Copies a file here, read-only and whole; False if it is not there.

        What comes is believed by its digest alone: bytes that are not those are thrown away.
        """
        for tries_left in reversed(range(_TRIES)):
            part = place.with_name(f"{uuid4().hex}.part")
            try:
                digest = self._copy(name, part)
                if digest is None:
                    return False
                if digest == sha256:
                    part.chmod(0o444)
                    part.replace(place)
                    return True
            finally:
                part.unlink(missing_ok=True)
            if not tries_left:
                break
        raise Broken(
            f"{name} in {self.where} is not the file that was put there: its digest is another.",
            todo="Somebody changed it, or the store lost some of it: bring it back from a backup.",
        )

    def take_away(self, name: str) -> None:
        """Removes a file for good, if it is there."""
        import obstore

        with self._in_words(f"{name} could not be taken away"):
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                return

    def _copy(self, name: str, part: Path) -> str | None:
        import obstore

        digest = hashlib.sha256()
        with self._in_words(f"{name} could not be fetched"):
            try:
                answer = obstore.get(self._store, name)
            except FileNotFoundError:
                return None
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("xb") as file:
                for some in answer.stream():
                    digest.update(some)
                    file.write(some)
        return digest.hexdigest()

    @contextmanager
    def _in_words(self, what: str) -> Iterator[None]:
        from obstore import exceptions

        try:
            yield
        except exceptions.BaseError as error:
            raise Broken(
                f"{what} in {self.where}: {_first_line(error)}",
                todo="`agentes doctor` tries it; then `agentes resume` carries on, and buys nothing again.",
            ) from error


def open_bucket(url: str, options: Mapping[str, str]) -> Bucket:
    """The bucket at an address such as s3://bucket/prefix; nothing is dialled yet."""
    try:
        from obstore import exceptions, store
    except ImportError as error:
        raise BadRequest(
            "AGENTES_SHELF_URL names a bucket, and what speaks to one is not installed.",
            todo="pip install 'agentes[s3]'",
        ) from error
    parts = urlsplit(url)
    kinds: dict[str, Any] = {"s3": store.S3Store, "gs": store.GCSStore, "az": store.AzureStore}
    config: dict[str, Any] = dict(options)
    if parts.scheme == "s3":
        config.setdefault("checksum_algorithm", "SHA256")  # the store then checks what it was sent
        config.setdefault("disable_bulk_delete", "true")  # not every store of the kind knows it
    plain = any(config.get(name, "").startswith("http://") for name in ("endpoint", "base_url"))
    try:
        opened = kinds[parts.scheme](
            parts.netloc,
            prefix=unquote(parts.path).strip("/") or None,
            config=config,
            client_options={"timeout": _seconds(_ANSWERS_WITHIN_S), "allow_http": plain},
            retry_config={"max_retries": 5, "retry_timeout": _seconds(_GIVES_UP_AFTER_S)},
        )
    except (exceptions.BaseError, ValueError) as error:
        raise BadRequest(
            f"AGENTES_SHELF_URL cannot be used: {_first_line(error)}",
            todo="The credentials of a bucket are set by the usual variables of its store.",
        ) from error
    return Bucket(opened, url)


def _seconds(count: int) -> timedelta:
    from datetime import timedelta

    return timedelta(seconds=count)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300] or type(error).__name__
