"""SecretManager: where keys come from, and the promise that nobody ever sees one.

A key travels as a Secret, which shows its name wherever it is printed, logged, copied or dumped.
`reveal()` is the one way to the value, and whatever was once given out is hidden from then on in
every text that passes through `mask`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, final

from config.masking import Mask, cover
from config.sources import Found, Sources
from shared_knowledge.errors import BadRequest, MissingSecret

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["KeyState", "Secret", "SecretManager"]

_SANDBOX = "sandbox"
_PUBLIC_KEYS = frozenset({_SANDBOX, "bad-key"})
_INVISIBLE = "holds a line break or an invisible character"
_OUR_OWN = "AGENTES_"
_LONG_ENOUGH_FOR_A_TAIL = 12
# Patterns stay text until a key is looked at: compiling them would be paid by every `--help`.
_PLACEHOLDER = r"""(?ix)
    ([a-z0-9]{1,6}[-_])*                        # a vendor's prefix, as in sk-...
    ( (change|replace)[-_\ ]?(me|this|with.*)
    | (your|my|the|put|insert|enter|add|paste)[-_\ ].*(key|secret|token|id|here|password)
    | (api[-_\ ]?)?(key|secret|token)([-_\ ]?here)?
    | placeholder | none | null | undefined | example | password
    | x{3,} | \*{3,} | \.{3,} | …
    | <.*> | \{\{.*\}\} | \$\{.*\} | \[.*\]
    )
    """


@final
class Secret:
    """A value that shows only its name; `reveal()` is the one way to it."""

    __slots__ = ("__value", "name")

    name: str

    def __init__(self, value: str, name: str = "secret") -> None:
        if not value:
            raise ValueError("a secret is never empty")
        object.__setattr__(self, "_Secret__value", value)
        object.__setattr__(self, "name", name)

    def reveal(self) -> str:
        """The value itself: for the line that signs a request, and for nothing else."""
        value: str = object.__getattribute__(self, "_Secret__value")
        return value

    def __repr__(self) -> str:
        return f"Secret({self.name})"

    def __str__(self) -> str:
        return cover(self.name)

    def __format__(self, spec: str) -> str:
        return cover(self.name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        from hmac import compare_digest

        return compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((Secret, self.reveal()))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            _only_a_secret, serialization=core_schema.to_string_ser_schema(when_used="json")
        )


def _only_a_secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    # Not a ValueError: pydantic would print the input beside it.
    raise TypeError("a secret comes from SecretManager, never as bare text")


class KeyState(NamedTuple):
    """One line of the report on keys: what is there, from where, and never what it is."""

    name: str
    state: Literal["found", "sandbox", "missing", "refused"]
    source: str = ""
    shown: str = ""
    why: str = ""

    @property
    def ready(self) -> bool:
        return self.state in ("found", "sandbox")


class SecretManager:
    """Finds keys in the environment, `.env` and mounted files, and hides all it has found.

    Where a key has older names, give them all, the present one first.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        dotenv: Path | None = None,
        mounted: Path | None = None,
    ) -> None:
        self.sources = Sources(environ, dotenv, mounted)
        self._mask = Mask()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the places keys were read from."""
        return self.sources.warnings

    def get(self, *names: str) -> Secret | None:
        """The key under the first of these names that is set; a malformed one is refused by name."""
        found = self.sources.find(*names)
        if found is None:
            return self._practice_key(names)
        flaw = self._flaw(found)
        if flaw:
            raise BadRequest(
                f"{found.name} ({found.source}) {flaw}.",
                todo="Set it to the key exactly as the platform shows it, or unset it.",
            )
        return self.remember(found.name, found.value)

    def require(self, *names: str) -> Secret:
        """The key, or MissingSecret naming the variable and saying that drafts need none."""
        secret = self.get(*names)
        if secret is None:
            raise MissingSecret(names[0])
        return secret

    def holds(self, *names: str) -> bool:
        """Whether `get` would bring a key; never raises."""
        try:
            found = self.sources.find(*names)
        except BadRequest:
            return False
        return self._practice_key(names) is not None if found is None else self._flaw(found) is None

    def plain(self, *names: str) -> str | None:
        """What a platform needs that is no secret, such as a region or a project: never hidden."""
        found = self.sources.find(*names)
        if found is not None:
            if not found.value.strip().isprintable():
                raise BadRequest(
                    f"{found.name} ({found.source}) holds a line break or an invisible character."
                )
            return found.value.strip()
        return None if self._practice_key(names) is None else _SANDBOX

    def remember(self, name: str, value: str) -> Secret:
        """Takes in a secret made elsewhere, such as a signed token; it is hidden from now on."""
        if value not in _PUBLIC_KEYS:
            self._mask.add(value, name)
        return Secret(value, name)

    def mask(self, text: str) -> str:
        """The text without any value that was ever found or remembered, whatever its coat."""
        return self._mask(text)

    def validate(
        self, required: Iterable[str | tuple[str, ...]], *, plain: Iterable[str | tuple[str, ...]] = ()
    ) -> dict[str, KeyState]:
        """A report on these keys (older names as tuples), showing at most four characters of each.

        Those given as `plain` are no secrets and are shown whole.
        """
        states = {}
        for hidden, asked in ((True, required), (False, plain)):
            for names in asked:
                listed = (names,) if isinstance(names, str) else names
                states[listed[0]] = self._state(listed, hidden=hidden)
        return states

    def _state(self, names: tuple[str, ...], *, hidden: bool) -> KeyState:
        try:
            return self._examine(names, hidden=hidden)
        except BadRequest as wrong:
            return KeyState(names[0], "refused", why=wrong.what)

    def _examine(self, names: tuple[str, ...], *, hidden: bool) -> KeyState:
        found = self.sources.find(*names)
        if found is None:
            return KeyState(names[0], "missing" if self._practice_key(names) is None else "sandbox")
        if not hidden:
            return KeyState(found.name, "found", found.source, shown=self.plain(*names) or "")
        flaw = self._flaw(found)
        if flaw:
            return KeyState(found.name, "refused", found.source, why=flaw)
        self.remember(found.name, found.value)
        tail = found.value[-4:] if len(found.value) >= _LONG_ENOUGH_FOR_A_TAIL else ""
        return KeyState(found.name, "found", found.source, shown=f"…{tail}")

    def _practice_key(self, names: tuple[str, ...]) -> Secret | None:
        ours = names[0].startswith(_OUR_OWN)
        return Secret(_SANDBOX, names[0]) if not ours and self._at_the_sandbox() else None

    def _at_the_sandbox(self) -> bool:
        return self.sources.find("AGENTES_SANDBOX_URL") is not None

    def _flaw(self, found: Found) -> str | None:
        value = found.value
        if not value.isprintable():
            return _INVISIBLE
        if value != value.strip():
            return "begins or ends with a space"
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            return "is wrapped in quotes"
        if not self._at_the_sandbox() and re.fullmatch(_PLACEHOLDER, value):
            return "holds a placeholder, not a key"
        return None
