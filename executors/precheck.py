"""Static check of a script before it runs: it takes milliseconds, saves a slot, and reports the line to fix.

This is not a security boundary (the sandbox is): it finds code that cannot work in the sandbox.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Refusal", "avoided_imports", "check", "imported_modules", "why_refused"]

_NO_NETWORK = "there is no network"
_NO_PROCESSES = "a solution starts no other programs"
_FORBIDDEN_MODULES = {
    **dict.fromkeys(
        (
            "aiohttp",
            "ftplib",
            "httpx",
            "huggingface_hub",
            "imaplib",
            "kaggle",
            "openai",
            "paramiko",
            "poplib",
            "requests",
            "smtplib",
            "socket",
            "socketserver",
            "telnetlib",
            "urllib3",
            "xmlrpc",
        ),
        _NO_NETWORK,
    ),
    **dict.fromkeys(("http.client", "http.server", "urllib.request"), _NO_NETWORK),
    **dict.fromkeys(("pip", "pty", "subprocess"), _NO_PROCESSES),
    "ctypes": "a solution calls no foreign code",
}
_FORBIDDEN_CALLS = {
    "os.system": _NO_PROCESSES,
    "os.popen": _NO_PROCESSES,
    "os.fork": "use joblib or multiprocessing for parallel work",
    **dict.fromkeys((f"os.{name}" for name in ("execv", "execve", "execvp", "posix_spawn", "spawnv")), _NO_PROCESSES),
}
_FORBIDDEN_PATHS = ("/proc/", "/sys/", "/etc/", "/root/", "/home/", "/var/", "/dev/mem")
_MODULES = {"scikit-learn": "sklearn", "pytorch": "torch"}
"""Module of a library whose users call it by another name."""
_ANSWERS = ("prepared/private", "private/answers", "test_answers", "answers.csv")


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """Why a script is not run; `line` counts from 1."""

    line: int
    code: str
    message: str


@lru_cache(maxsize=16)
def check(source: str, importable: frozenset[str]) -> tuple[Refusal, ...]:
    """All reasons not to run `source`, sorted by line. `importable` holds the top-level modules of its interpreter.

    Imports inside `try … except ImportError` need not be installed. A trial asks once per split, hence the cache.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return (Refusal(error.lineno or 1, "syntax", f"does not parse: {error.msg}"),)
    except (ValueError, RecursionError, MemoryError) as error:
        return (Refusal(1, "syntax", f"does not parse: {error}"),)
    optional = set(_optional_imports(tree))
    found = set[Refusal]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(_imports(node, importable, optional=node in optional))
        elif isinstance(node, ast.Call):
            found.update(_calls(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(_paths(node, node.value))
    return tuple(sorted(found))


def imported_modules(source: str) -> frozenset[str]:
    """The top-level modules that `source`, which parses, imports anywhere."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level):
            found.update(name.partition(".")[0] for name in _names(node))
    return frozenset(found)


def avoided_imports(source: str, avoided: Iterable[str]) -> dict[str, Refusal]:
    """What of `avoided` a script imports, each with its first import. Empty where `source` does not parse.

    A word stands for a library, a module, or a class or function by its own name, without regard to case: `lightgbm`,
    `scikit-learn`, `sklearn.neural_network`, `ridge`. An import that may fail counts too.
    """
    try:
        imports = sorted(_imported(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, Refusal] = {}
    for word in avoided:
        plain = word.strip().lower()
        plain = _MODULES.get(plain, plain.replace("-", "_"))
        for line, name in imports:
            if plain and (f"{name.lower()}.".startswith(f"{plain}.") or name.lower().rpartition(".")[2] == plain):
                found[word] = Refusal(line, "avoided", f"imports {name}, which the user of this run asks to avoid")
                break
    return found


def why_refused(refusals: Sequence[Refusal]) -> str:
    """Why a script is not run, in words for who repairs it."""
    return "refused before it ran: " + "; ".join(f"line {each.line}: {each.message}" for each in refusals)


def _imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported, also by a call with a constant name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, name) for name in _names(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            first = node.args[0]
            if called in ("import_module", "__import__") and isinstance(first, ast.Constant):
                yield node.lineno, str(first.value)


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The full names that an import names: modules, and what is taken from them."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]


def _optional_imports(tree: ast.AST) -> Iterator[ast.AST]:
    """Imports in a `try` block that catches ImportError."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(map(_catches_import_error, node.handlers)):
            for statement in node.body:
                yield from ast.walk(statement)


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    caught = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    names = {each.id for each in caught if isinstance(each, ast.Name)}
    return handler.type is None or bool(names & {"ImportError", "ModuleNotFoundError", "Exception"})


def _imports(node: ast.Import | ast.ImportFrom, importable: frozenset[str], *, optional: bool) -> Iterator[Refusal]:
    """Refusals for modules that are not installed or cannot work in the sandbox."""
    if isinstance(node, ast.ImportFrom) and node.level:
        yield Refusal(node.lineno, "import", "a relative import: a solution is one file")
        return
    for name in _names(node):
        top = name.partition(".")[0]
        reason = _FORBIDDEN_MODULES.get(name) or _FORBIDDEN_MODULES.get(top)
        if reason is not None:
            yield Refusal(node.lineno, "forbidden", f"imports {name}: {reason}")
            return
        if top not in importable and not optional:
            yield Refusal(node.lineno, "import", f"imports {top}, which is not installed")
            return


def _calls(node: ast.Call) -> Iterator[Refusal]:
    """Refusals for calls that start other programs."""
    called = node.func
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        name = f"{called.value.id}.{called.attr}"
        if name in _FORBIDDEN_CALLS:
            yield Refusal(node.lineno, "forbidden", f"calls {name}: {_FORBIDDEN_CALLS[name]}")


def _paths(node: ast.Constant, text: str) -> Iterator[Refusal]:
    """Refusals for string constants that are forbidden paths. Text with spaces is taken for prose and allowed."""
    if any(character.isspace() for character in text):
        return
    if text.startswith(_FORBIDDEN_PATHS) or any(part in text for part in _ANSWERS):
        yield Refusal(
            node.lineno, "path", f"names the path {text[:80]!r}: a solution reads --data and writes --out alone"
        )
