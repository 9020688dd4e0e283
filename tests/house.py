"""The rules of the house, as functions: each reads one module and says what is wrong with it.

They know rules, not lists: a new module is under them from its first line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

__all__ = ["PACKAGES", "ROOT", "RULES", "Module", "modules"]

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("shared_knowledge", "config", "agentes", "orchestrator")

_SAY_NOTHING = frozenset(
    {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "data", "info"}
)
# by html.parser, httpx and asyncio, to their subclasses
_DICTATED = re.compile(
    r"handle_(?:start|end|startend)tag|handle_data|handle_async_request|data_received|_process_events"
)
_PROMISED_NAMES = frozenset({"SecretManager"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MONEY = re.compile(r"(?i)(?:^|_)(?:usd|prices?|costs?|amounts?|budgets?|dollars)(?:_|$)")
_FLOAT_BY_CONTRACT = frozenset({"Understanding"})  # its JSON is promised to the outside as numbers
_CLIENTS = frozenset({"Client", "AsyncClient", "get", "post", "put", "patch", "delete", "request", "stream"})
_OTHER_HTTP = frozenset({"requests", "aiohttp", "urllib3", "httpx2", "httpcore", "ftplib", "smtplib"})
_OTHER_HTTP_PARTS = ("urllib.request", "http.client")
_READERS = ("config/", "agentes/media/ffmpeg.py")  # FFMPEG is a variable of the trade, not a setting of ours
_LAUNCHERS = ("agentes/media/child.py", "agentes/drafts/")
_LAUNCHING = re.compile(
    r"^(?:subprocess|multiprocessing|pty)\.|^os\.(?:system|popen|fork|forkpty|posix_spawnp?|exec\w+|spawn\w+)$"
    r"|(?:^|\.)(?:create_subprocess_(?:exec|shell)|subprocess_(?:exec|shell)|ProcessPoolExecutor)$"
)
_OWNERS: dict[str, tuple[str, ...]] = {
    "h11": ("agentes/sandbox/",),
    "httpx": ("agentes/wire/", "agentes/sandbox/", "agentes/*/api_integrations/"),
    "tenacity": ("agentes/wire/",),
    "sqlite3": ("orchestrator/store/",),
    "aiosqlite": ("orchestrator/checkpoints/",),
    "psycopg": ("orchestrator/store/", "orchestrator/checkpoints/"),
    "procrastinate": ("orchestrator/store/", "orchestrator/dispatch/"),
    "langgraph": ("orchestrator/graph.py", "orchestrator/checkpoints/"),
    "dotenv": ("config/sources.py",),
    "typer": ("orchestrator/faces/",),
    "rich": ("orchestrator/faces/",),
    "starlette": ("orchestrator/faces/web/",),
    "uvicorn": ("orchestrator/faces/web/",),
    "obstore": ("agentes/media/bucket.py",),
    "prometheus_client": ("orchestrator/watch/",),
    "imageio_ffmpeg": ("agentes/media/ffmpeg.py",),
    "espeakng_loader": ("agentes/drafts/",),
}


@dataclass(frozen=True)
class Module:
    """One file of Python: where it lies, as text and as a tree, which is gone through once for all rules."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Everything in the tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def imports(self) -> tuple[tuple[str, int], ...]:
        """What is imported at run time, and in which line."""
        return tuple(_imports(self.tree))

    @cached_property
    def calls(self) -> tuple[tuple[str, int], ...]:
        """What is called by a dotted name, and in which line."""
        return tuple(_calls(self.nodes))

    @classmethod
    def of(cls, path: str, text: str) -> Module:
        return cls(path, text, ast.parse(text, filename=path))

    @property
    def is_ours(self) -> bool:
        """Whether it is shipped, not a test or a benchmark."""
        return self.path.startswith(tuple(f"{package}/" for package in PACKAGES))


def modules() -> Iterator[Module]:
    """Every module of the packages, the tests and the benchmarks."""
    files = [file for folder in (*PACKAGES, "tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    for file in sorted(files):
        if "__pycache__" not in file.parts:
            yield Module.of(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))


def _names_say_something(module: Module) -> Iterator[str]:
    parts = module.path.removesuffix(".py").split("/")
    for part in parts:
        if part == "base" or _SAY_NOTHING & set(part.lower().split("_")):
            yield f"the file name {part!r} says nothing"
    for node in _but_dictated(module.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            words = {word.lower() for word in _WORDS.findall(node.name)}
            prefixed = re.match(r"_*(?:handle|process)_", node.name)
            empty = words & _SAY_NOTHING or re.match(r"_*Base[A-Z]|_*Base$", node.name)
            if empty and node.name not in _PROMISED_NAMES and not node.name.startswith("__"):
                yield f"line {node.lineno}: the name {node.name} says nothing"
            elif prefixed and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"line {node.lineno}: {node.name} hides its verb behind {prefixed[0]}"
        elif isinstance(node, ast.arg | ast.Name):
            bound = node.arg if isinstance(node, ast.arg) else node.id
            is_bound = isinstance(node, ast.arg) or isinstance(node.ctx, ast.Store)
            if is_bound and bound.strip("_") in _SAY_NOTHING:
                yield f"line {node.lineno}: the name {bound} says nothing"


def _but_dictated(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node, without the methods whose names a parent from outside dictates."""
    waiting = list(ast.iter_child_nodes(tree))
    while waiting:
        node = waiting.pop()
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if not (named and _DICTATED.fullmatch(node.name)):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def _opens_with_a_sentence(module: Module) -> Iterator[str]:
    opening = (ast.get_docstring(module.tree) or "").partition("\n\n")[0].strip()
    if not re.search(r"\w.*[.?!:…]$", opening, re.DOTALL):
        yield "it does not open with a sentence"


def _functions_promise(module: Module) -> Iterator[str]:
    if not module.is_ours:
        return
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"line {node.lineno}: {node.name} does not say what it promises"


def _exports_are_complete(module: Module) -> Iterator[str]:
    if not module.is_ours or module.path.endswith(("__init__.py", "__main__.py")):
        return
    stated = _stated_exports(module.tree)
    public = {name for name in _made_here(module.tree) if not name.startswith("_")}
    if stated is None:
        if public:
            yield "it has no __all__"
        return
    if missing := sorted(public - set(stated)):
        yield f"__all__ leaves out {', '.join(missing)}"
    if absent := sorted(set(stated) - _bound_names(module.nodes)):
        yield f"__all__ promises {', '.join(absent)}, which is not there"
    if stated != sorted(set(stated), key=lambda name: (not name.isupper(), name[:1].islower(), name)):
        yield "__all__ is not sorted (constants, classes, functions)"


def _only_what_is_offered_is_taken(module: Module) -> Iterator[str]:
    if not module.is_ours:
        return
    for node in module.nodes:
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(PACKAGES):
            continue
        file = ROOT / f"{(node.module or '').replace('.', '/')}.py"
        offered = _offered_by(file)
        if offered is not None:
            for name in sorted({alias.name for alias in node.names} - offered):
                yield f"line {node.lineno}: {node.module} does not offer {name} in its __all__"


@cache
def _offered_by(file: Path) -> frozenset[str] | None:
    stated = _stated_exports(ast.parse(file.read_text(encoding="utf-8"))) if file.exists() else None
    return None if stated is None else frozenset(stated)


def _stated_exports(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
        ):
            return list(ast.literal_eval(node.value))
    return None


def _made_here(tree: ast.Module) -> Iterator[str]:
    """The classes and functions of a module, but for those a decorator hands to somebody else."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not _is_registered(node):
            yield node.name


def _bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    names = set()
    for node in nodes:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _is_registered(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = [each.func for each in node.decorator_list if isinstance(each, ast.Call)]
    return any(_dotted(call).endswith((".command", ".callback")) for call in calls)


def _only_the_wire_builds_clients(module: Module) -> Iterator[str]:
    if not module.is_ours or module.path.startswith("agentes/wire/"):
        return
    for name, line in module.imports:
        if name.partition(".")[0] in _OTHER_HTTP or name.startswith(_OTHER_HTTP_PARTS):
            yield f"line {line}: {name} is a way to the network; only agentes/wire has one"
        elif name.startswith("httpx.") and name.removeprefix("httpx.") in _CLIENTS:
            yield f"line {line}: {name} builds a client; only agentes/wire does"
    for called, line in module.calls:
        if called.startswith("httpx.") and called.removeprefix("httpx.") in _CLIENTS:
            yield f"line {line}: {called}() builds a client; only agentes/wire does"


def _one_launcher_of_processes(module: Module) -> Iterator[str]:
    if not module.is_ours or module.path.startswith(_LAUNCHERS):
        return
    for name, line in (*module.imports, *module.calls):
        if _LAUNCHING.search(name if "." in name else f"{name}."):
            yield f"line {line}: {name} starts processes; only {' and '.join(_LAUNCHERS)} may"


def _libraries_have_owners(module: Module) -> Iterator[str]:
    if not module.is_ours:
        return
    for name, line in module.imports:
        owners = _OWNERS.get(name.partition(".")[0])
        if owners and not any(_lies_in(module.path, owner) for owner in owners):
            yield f"line {line}: {name} is imported by {' and '.join(owners)} alone"


def _lies_in(path: str, owner: str) -> bool:
    return re.match(re.escape(owner).replace(r"\*", "[^/]+"), path) is not None


def _templates_come_from_packages(module: Module) -> Iterator[str]:
    if not module.is_ours:
        return
    for called, line in module.calls:
        if called.endswith((".from_string", "jinja2.Template")):
            yield f"line {line}: {called}() takes a template from a string"


def _money_is_never_float(module: Module) -> Iterator[str]:
    if not module.is_ours:
        return
    for owner, name, annotation, line in _annotated(module.tree):
        mentioned = _names_in(annotation)
        # Beside Decimal or Money a float is a length, or a number on its way to become exact.
        loose = "float" in mentioned and not mentioned & {"Decimal", "Money"}
        if loose and _MONEY.search(name) and owner not in _FLOAT_BY_CONTRACT:
            yield f"line {line}: {name} is money, and money is never a float"
    for node in module.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            asked = [_dotted(argument).rpartition(".")[2] for argument in node.args]
            if any(_MONEY.search(name) for name in asked):
                yield f"line {node.lineno}: {asked[0]} is money, and money is never a float"


def _annotated(tree: ast.AST, owner: str = "") -> Iterator[tuple[str, str, ast.expr, int]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.AnnAssign):
            yield owner, _dotted(node.target).rpartition(".")[2], node.annotation, node.lineno
        elif isinstance(node, ast.arg) and node.annotation is not None:
            yield owner, node.arg, node.annotation, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield owner, node.name, node.returns, node.lineno
        yield from _annotated(node, node.name if isinstance(node, ast.ClassDef) else owner)


def _names_in(annotation: ast.expr) -> set[str]:
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    quoted = [node.value for node in ast.walk(annotation) if isinstance(node, ast.Constant)]
    return names.union(*(re.findall(r"\w+", text) for text in quoted if isinstance(text, str)))


def _the_orchestra_names_no_platform(module: Module) -> Iterator[str]:
    if not module.path.startswith("orchestrator/"):
        return
    ids = {file.stem for file in (ROOT / "shared_knowledge/platforms").glob("*.toml")}
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in ids:
            yield f"line {node.lineno}: {node.value!r} is a platform, and only the catalogue knows platforms"


def _only_settings_read_the_environment(module: Module) -> Iterator[str]:
    if not module.is_ours or module.path.startswith(_READERS):
        return
    for node in module.nodes:
        if isinstance(node, ast.Attribute):
            asked = _dotted(node)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            asked = f"{_dotted(node.value)}[…]"
        else:
            continue
        if asked in {"os.environ.get", "os.environ[…]", "os.getenv"}:
            yield f"line {node.lineno}: {asked} reads the environment, which config alone does"


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Everything imported at run time: what stands under TYPE_CHECKING does not count."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _dotted(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        waiting.extend(ast.iter_child_nodes(node))


def _calls(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield _dotted(node.func), node.lineno


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


RULES: dict[str, Callable[[Module], Iterator[str]]] = {
    "names say something": _names_say_something,
    "a module opens with a sentence": _opens_with_a_sentence,
    "a public function says what it promises": _functions_promise,
    "exports are complete and sorted": _exports_are_complete,
    "only what is offered is taken": _only_what_is_offered_is_taken,
    "only the wire builds clients": _only_the_wire_builds_clients,
    "one launcher of processes": _one_launcher_of_processes,
    "libraries have owners": _libraries_have_owners,
    "templates come from packages": _templates_come_from_packages,
    "money is never a float": _money_is_never_float,
    "the orchestra names no platform": _the_orchestra_names_no_platform,
    "only settings read the environment": _only_settings_read_the_environment,
}
