"""Render a typed request as a prompt: one Jinja template per request, fenced material, limited size.

A template sees `request`, the `clip` that fences and shortens, the reply's `schema` and `form`, and a `complaint`
when the request is repeated. Untrusted text (data, descriptions, scripts and their output, earlier reasoning) goes
through `clip`: it is put between two lines with an id that the text itself does not contain, so it cannot close its
fence.

If a prompt exceeds the limit, every ceiling in the template is scaled down until it fits. A cut is marked where it was
made and listed in `Rendered.cut`; scripts are never cut, because an edit needs the whole script.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from traceback import extract_tb
from typing import Any, Literal, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError, select_autoescape

from gome.agents.backends.llm.reply_schema import reply_schema, reply_shape
from gome.agents.protocol.replies import Script
from gome.agents.protocol.requests import Request
from gome.agents.redaction import redact
from gome.errors import UsageError
from gome.scenarios.figures import plain

__all__ = [
    "TEMPLATES",
    "CodeForm",
    "PromptTooLargeError",
    "Rendered",
    "estimate_tokens",
    "render",
    "request_kind",
    "shown_text",
    "version",
]

CodeForm = Literal["fenced", "json"]
Item = TypeVar("Item")

TEMPLATES = Path(__file__).parents[2] / "prompts"
_SCALES = (1.0, 0.5, 0.25, 0.12, 0.06, 0.03)
_BYTES_PER_TOKEN = 3  # a conservative value for English, code and numbers
_LONG_WORD = 20
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_END_OF_SHARED = "\x1e"
"""Stands in a template where the part ends that all prompts of a run share; material has no control characters."""
_MESSAGE = re.compile(r"(, line [\d?]+(?: \(.*\))?): .*", re.DOTALL)
# Removes blank lines that templates leave behind, but not within fences: edits must match that text exactly.
_GAPS = re.compile(r"(?P<material><material id=(?P<id>\w+) .*?</material id=(?P=id)>)|\n{3,}", re.DOTALL)


class PromptTooLargeError(UsageError):
    """The parts of a prompt that must not be cut do not fit into the context window; they need `least` tokens."""

    def __init__(self, message: str, least: int) -> None:
        self.least = least
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt. `cut` lists what was left out, `version` identifies the templates, `tokens` is its estimated size.

    `shared` is the number of characters with which the user part of every prompt of a run begins. `says_form`: it says
    in which form the reply is asked, without a schema that is sent beside it.
    """

    system: str
    user: str
    cut: tuple[str, ...]
    version: str
    tokens: int
    shared: int = 0
    says_form: bool = True

    @property
    def alone(self) -> tuple[str, int]:
        """Both parts as one text, for a model without a system role, and how much of it all prompts share."""
        before = f"{self.system}\n"
        return before + self.user, len(before) + self.shared

    @property
    def cache_key(self) -> str:
        """Names what all prompts of a run share, so that a server finds them by it: a hash of it."""
        return blake2b(f"{self.system}\0{self.user[: self.shared]}".encode(), digest_size=16).hexdigest()

    @property
    def text(self) -> str:
        """Both parts, in the form stored in the log."""
        return f"[prompts {self.version}]\n[system]\n{self.system}\n[user]\n{self.user}"


@dataclass(slots=True)
class Clip:
    """Fences and shortens text in templates. `scale` multiplies every ceiling; `cut` collects what was left out."""

    scale: float
    cut: list[str] = field(default_factory=list)

    def material(self, what: str, text: str, ceiling: int | None = None) -> str:
        """The text in a fence; beyond `ceiling` characters the middle is left out. Empty text gives an empty result."""
        text = shown_text(text.replace("\r\n", "\n")).strip("\n")
        if not text.strip():
            return ""
        if ceiling is not None:
            text = self._shorten(what, text, max(200, int(ceiling * self.scale)))
        mark = _mark(text)
        return f'<material id={mark} what="{what}">\n{text}\n</material id={mark}>'

    def block(self, what: str, *, caller: Callable[[], str]) -> str:
        """The same for a block of the template: `{% call clip.block("…") %}`."""
        return self.material(what, caller()) + "\n"

    def inline(self, text: str, ceiling: int) -> str:
        """The text on one line: no line breaks, no control characters, at most `ceiling` characters.

        A longer text is cut after a word, if it has short ones.
        """
        line = " ".join(shown_text(text).split())
        if len(line) <= ceiling:
            return line
        kept, _, cut = line[: ceiling - 1].rpartition(" ")
        return (kept if kept and len(cut) <= _LONG_WORD else line[: ceiling - 1]) + "…"

    def first(self, items: Sequence[Item], ceiling: int, what: str) -> Sequence[Item]:
        """The first items, at most the scaled `ceiling` but at least 5."""
        kept = max(5, int(ceiling * self.scale))
        self._note(what, len(items) - kept, len(items))
        return items[:kept]

    def newest(self, items: Sequence[Item], ceiling: int, what: str) -> Sequence[Item]:
        """The last items, at most the scaled `ceiling` but at least 2."""
        kept = max(2, int(ceiling * self.scale))
        self._note(what, len(items) - kept, len(items))
        return items[-kept:]

    def _shorten(self, what: str, text: str, ceiling: int) -> str:
        if len(text) <= ceiling:
            return text
        head = ceiling * 2 // 5  # keep beginning and end: the end usually shows the error
        left_out = len(text) - ceiling
        self._note(f"characters: {what}", left_out, len(text))
        return f"{text[:head]}\n[… cut: {left_out} of {len(text)} characters …]\n{text[-(ceiling - head) :]}"

    def _note(self, what: str, left_out: int, whole: int) -> None:
        if left_out > 0:
            self.cut.append(f"{left_out} of {whole} {what}")


def render(
    request: Request[Any],
    limit: int,
    *,
    code: CodeForm = "fenced",
    complaint: str = "",
    secrets: Iterable[str] = (),
    schema: bool = True,
    wide: bool = False,
    templates: Path = TEMPLATES,
) -> Rendered:
    """Render the prompt of a request with at most `limit` estimated tokens.

    `complaint` is the reason why an earlier answer was invalid; `secrets` are removed from the prompt. With `schema`,
    the prompt contains the reply's schema: as a short type, or as JSON Schema if there is a complaint. Without it, the
    schema is sent to the server separately; `wide`: the server is sent one that has more fields, beside the short type.
    `templates` is the folder of the templates.

    Raises UsageError, with file and line, where a template is invalid or refers to an undefined name, and
    PromptTooLargeError where the prompt does not fit at any scale.
    """
    kind = request_kind(request)
    is_code = issubclass(request.reply_type(), Script)
    values: dict[str, Any] = {
        "request": request,
        "kind": kind,
        "form": "fenced" if is_code and code == "fenced" else "json",
        "editable": request.edited is not None,
        "schema": _form(request, exact=bool(complaint)) if schema else "",
        "wide": wide,
        "complaint": complaint,
        "end_of_shared": _END_OF_SHARED,
    }
    redacted = tuple(secrets)
    size = 0
    for scale in _SCALES:
        clip = Clip(scale)
        system = redact(_fill(templates, "_system.j2", values | {"clip": clip}), redacted)
        user, shared = _marked(redact(_fill(templates, f"{kind}.j2", values | {"clip": clip}), redacted))
        size = estimate_tokens(system) + estimate_tokens(user)
        if size <= limit:
            return Rendered(
                system,
                user,
                tuple(clip.cut),
                version(templates),
                size,
                shared,
                schema or values["form"] == "fenced",
            )
    raise PromptTooLargeError(
        f"the prompt of {kind} needs at least about {size} tokens, but only {limit} are available: "
        "give the backend a larger `context`, or a smaller `max_tokens`",
        size,
    )


def _marked(text: str) -> tuple[str, int]:
    """A user prompt without the mark of its shared part, and the length of that part; 0 without a mark."""
    head, mark, tail = text.partition(_END_OF_SHARED)
    shared = head.rstrip("\n")
    return (f"{shared}\n\n{tail.lstrip()}", len(shared)) if mark else (head, 0)


def _form(request: Request[Any], exact: bool) -> str:
    return (
        json.dumps(reply_schema(request), ensure_ascii=False, separators=(",", ":")) if exact else reply_shape(request)
    )


def request_kind(request: Request[Any]) -> str:
    """Name of a request in templates, headers and schemas: `SurveyTask` → `survey_task`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(request).__name__).lower()


def shown_text(text: str) -> str:
    """The text as prompts show it: without control characters and invisible separators."""
    return _CONTROL.sub("", text)


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text, rather too high; no tokenizer fits every model."""
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)


@cache
def version(templates: Path = TEMPLATES) -> str:
    """Version of the templates, a hash of their content: prompts of one version come from identical templates."""
    digest = blake2b(digest_size=5)
    for path in sorted(templates.glob("*.j2")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"1.{digest.hexdigest()}"


def _figure(value: float | None, digits: int = 5) -> str:
    return "–" if value is None else plain(value, digits)


def _words(words: str, rows: int) -> str:
    """How a script failed; if no rows may be shown (`rows` = 0), without the error's message, which may hold a cell."""
    return words if rows else _MESSAGE.sub(r"\1", words)


@cache
def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        autoescape=select_autoescape(()),  # a prompt is not HTML: nothing is escaped, untrusted text is fenced
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    environment.filters["words"] = _words
    return environment


def _fill(templates: Path, name: str, values: dict[str, Any]) -> str:
    try:
        text = _environment(templates).get_template(name).render(values)
    except TemplateSyntaxError as error:
        raise UsageError(f"{error.filename or name}:{error.lineno}: {error.message}") from error
    except TemplateError as error:
        places = [frame for frame in extract_tb(error.__traceback__) if frame.filename.endswith((".j2", ".md"))]
        place = f"{places[-1].filename}:{places[-1].lineno}" if places else name
        raise UsageError(f"{place}: {error.message}") from error
    return _GAPS.sub(lambda found: found["material"] or "\n\n", text).strip() + "\n"


def _mark(text: str) -> str:
    """An id that does not occur in the text; the same text always gives the same id."""
    salt = 0
    while (mark := blake2b(f"{salt}\x1f{text}".encode(errors="replace"), digest_size=4).hexdigest()) in text:
        salt += 1
    return mark
