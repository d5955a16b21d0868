"""Parse one YAML document into plain values with positions. Safe: no tags, no objects, limited size and depth.

Reads the node graph instead of using a constructor, to see duplicate keys, aliases and positions.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gome.scenarios.reading.problems import Problem

__all__ = ["Document", "KeyPath", "Place", "parse_value", "read_document", "show_path"]

KeyPath = tuple[str | int, ...]

_MOST_WHOLE = 2**53
"""Larger whole numbers differ from what other readers of YAML and JSON make of them."""
_MOST_BYTES = 1 << 16
_MOST_NODES = 20_000
_DEEPEST = 32


@dataclass(frozen=True)
class Place:
    """A position; line and column count from 1 and are None for a command-line option."""

    file: str
    line: int | None
    column: int | None


@dataclass
class Document:
    """A parsed file: its plain `value`, the position of each key or item (`places`), and the problems found."""

    file: str
    value: Any = None
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: KeyPath) -> Place:
        """The position of a path, or of its nearest parent that has one."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.file, 1, 1))

    def report(self, code: str, path: KeyPath, message: str, suggestion: str | None = None) -> None:
        """Add a problem at the position of `path`."""
        place = self.place(path)
        self.problems.append(Problem(place.file, place.line, place.column, code, show_path(path), message, suggestion))


def show_path(path: KeyPath) -> str:
    """Format a path, such as `executors.timeout.debug` or `targets[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_document(path: Path) -> Document:
    """Read a YAML file with one mapping. Errors are added to `problems`; `value` is then what could be read."""
    document = Document(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        document.report("unreadable", (), f"cannot be read: {error.strerror}")
        return document
    if len(content) > _MOST_BYTES:
        document.report("too-large", (), f"at most {_MOST_BYTES:,} bytes are read, this has more")
        return document
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        document.places[()] = Place(document.file, line, 1)
        document.report("encoding", (), f"not UTF-8: byte {error.start + 1} is {content[error.start]:#04x}")
        return document
    _Reader(document).read(text)
    return document


def parse_value(text: str) -> Any:
    """Parse one YAML value (`30s`, `null`, `[1, 2]`). Raises ValueError if it is invalid."""
    document = Document("")
    _Reader(document, anything=True).read(text)
    if document.problems:
        raise ValueError(document.problems[0].message)
    return document.value


class _Reader:
    """Converts a node graph to plain values. Aliases count every time, which limits the expanded size."""

    def __init__(self, document: Document, anything: bool = False) -> None:
        self._document = document
        self._anything = anything
        self._nodes = 0
        self._yaml = YAML(typ="safe", pure=True)

    def read(self, text: str) -> None:
        try:
            nodes = list(self._yaml.compose_all(text))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            if mark is not None:
                self._document.places[()] = Place(self._document.file, mark.line + 1, mark.column + 1)
            self._document.report("syntax", (), " ".join(filter(None, (error.context, error.problem))) or "not YAML")
            return
        except (YAMLError, RecursionError, ValueError) as error:
            self._document.report("syntax", (), str(error).splitlines()[0] if str(error) else "nested too deeply")
            return
        if len(nodes) > 1:
            self._mark((), nodes[1])
            self._document.report("documents", (), "a second document begins here; a file may have only one")
            del self._document.places[()]
        if not self._anything and (not nodes or not isinstance(nodes[0], MappingNode)):
            self._document.report("not-a-mapping", (), "the file must be a mapping of keys to values")
            return
        try:
            self._document.value = self._value(nodes[0], ()) if nodes else None
        except _TooMuchError as error:
            self._document.report("too-large", error.path, str(error))
            self._document.value = None

    def _mark(self, path: KeyPath, node: Node) -> None:
        self._document.places[path] = Place(self._document.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _value(self, node: Node, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _TooMuchError(path, f"more than {_MOST_NODES:,} values once aliases are expanded")
        if len(path) > _DEEPEST:
            raise _TooMuchError(path[:4], f"nested more than {_DEEPEST} deep")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return self._sequence(node, path)
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, ScalarNode):
                self._mark(path, key)
                self._document.report("key", path, "a key must be a plain scalar")
                continue
            name = str(key.value)
            here = (*path, name)
            if name in values:
                first = self._document.places[here]
                self._mark(here, key)
                self._document.report("duplicate-key", here, f"duplicate key, first in line {first.line}")
                self._document.places[here] = first
                continue
            self._mark(here, key)
            values[name] = self._value(item, here)
        return values

    def _sequence(self, node: SequenceNode, path: KeyPath) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self._mark((*path, index), item)
            values.append(self._value(item, (*path, index)))
        return values

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        tag = str(node.tag).rsplit(":", 1)[-1]
        text = str(node.value)
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag not in ("int", "float"):
            if tag not in ("str", "timestamp", "merge", "value"):
                self._document.report("tag", path, f"tags such as {node.tag} are not supported")
            return text
        try:
            number = self._yaml.constructor.construct_object(node)
        except (ValueError, OverflowError):
            self._document.report("number", path, f"{text[:40]} is not a valid number")
            return None
        if isinstance(number, int) and abs(number) > _MOST_WHOLE:
            self._document.report("number", path, f"{text[:40]} is too large: whole numbers go to {_MOST_WHOLE:,}")
            return None
        if isinstance(number, float) and number - number != 0:
            self._document.report("number", path, f"{text} is not a finite number")
            return None
        return number


class _TooMuchError(Exception):
    """The document has too many values or is nested too deeply."""

    def __init__(self, path: KeyPath, message: str) -> None:
        self.path = path
        super().__init__(message)
