"""From a typed request to a prompt: one Jinja file a request, fenced material, a bound on the size.

A template sees `request`, the `clip` that fences and shortens, the reply's `schema` and `form`, and a `complaint`
where the question is put again. What others wrote (data, descriptions, scripts and their output, earlier reasoning)
goes through `clip`: it stands between two lines that carry an id which the material itself does not contain, so it
cannot end its fence.

Where a prompt is larger than the limit, every ceiling in the template is scaled down until it fits. A cut is named
where it was made and in `Rendered.cut`; scripts are never cut, because an edit needs the whole.
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
from gome.agents.protocol.requests import RepairSolution, Request, Script, SolveStep, TuneSolution, WriteSolution
from gome.agents.redaction import redact
from gome.errors import UsageError

__all__ = [
    "TEMPLATES",
    "CodeForm",
    "PromptTooLargeError",
    "Rendered",
    "base_script",
    "estimate_tokens",
    "render",
    "request_kind",
    "version",
]

CodeForm = Literal["fenced", "json"]
Item = TypeVar("Item")

TEMPLATES = Path(__file__).parents[2] / "prompts"
_SCALES = (1.0, 0.5, 0.25, 0.12, 0.06, 0.03)
_BYTES_PER_TOKEN = 3  # on the safe side for English, code and figures alike
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# Blank lines that templates leave behind are closed up; what is fenced stays as it is, for edits must match it exactly.
_MESSAGE = re.compile(r"(, line [\d?]+(?: \(.*\))?): .*", re.DOTALL)
_GAPS = re.compile(r"(?P<material><material id=(?P<id>\w+) .*?</material id=(?P=id)>)|\n{3,}", re.DOTALL)


class PromptTooLargeError(UsageError):
    """What may not be cut does not fit into the model's window."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt. `cut` names what was left out of it, `version` the templates, `tokens` is an estimate of its size."""

    system: str
    user: str
    cut: tuple[str, ...]
    version: str
    tokens: int

    @property
    def text(self) -> str:
        """Both parts, as they are kept in the log."""
        return f"[prompts {self.version}]\n[system]\n{self.system}\n[user]\n{self.user}"


@dataclass(slots=True)
class Clip:
    """What templates fence and shorten with. `scale` multiplies every ceiling; `cut` gathers what it left out."""

    scale: float
    cut: list[str] = field(default_factory=list)

    def material(self, what: str, text: str, ceiling: int | None = None) -> str:
        """The text in its fence; beyond `ceiling` characters the middle is left out. Empty text gives no fence."""
        text = _CONTROL.sub("", text.replace("\r\n", "\n")).strip("\n")
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
        """A short piece within a line: no line breaks, no control characters, at most `ceiling` characters."""
        line = " ".join(_CONTROL.sub("", text).split())
        return line if len(line) <= ceiling else line[: ceiling - 1] + "…"

    def first(self, items: Sequence[Item], ceiling: int, what: str) -> Sequence[Item]:
        """The first items, as many as fit."""
        kept = max(5, int(ceiling * self.scale))
        self._note(what, len(items) - kept, len(items))
        return items[:kept]

    def newest(self, items: Sequence[Item], ceiling: int, what: str) -> Sequence[Item]:
        """The last items, as many as fit."""
        kept = max(2, int(ceiling * self.scale))
        self._note(what, len(items) - kept, len(items))
        return items[-kept:]

    def _shorten(self, what: str, text: str, ceiling: int) -> str:
        if len(text) <= ceiling:
            return text
        head = ceiling * 2 // 5  # the end says how it failed; the beginning, what it began with
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
    templates: Path = TEMPLATES,
) -> Rendered:
    """The prompt of a request in at most `limit` tokens, as estimated.

    `complaint` says why an earlier answer could not be used; `secrets` are blotted out; without `schema` the reply's
    schema goes to the server beside the prompt; else it stands in the prompt, as a type is written, and exactly where
    there is a complaint. `templates` is their folder.
    Raises UsageError where a template names what is not there, with its file and line, and PromptTooLargeError where
    the prompt does not fit at any scale.
    """
    kind = request_kind(request)
    is_code = issubclass(request.reply_type(), Script)
    values: dict[str, Any] = {
        "request": request,
        "kind": kind,
        "form": "fenced" if is_code and code == "fenced" else "json",
        "editable": base_script(request) is not None,
        "schema": _form(request, exact=bool(complaint)) if schema else "",
        "complaint": complaint,
    }
    blotted = tuple(secrets)
    size = 0
    for scale in _SCALES:
        clip = Clip(scale)
        system = redact(_fill(templates, "_system.j2", values | {"clip": clip}), blotted)
        user = redact(_fill(templates, f"{kind}.j2", values | {"clip": clip}), blotted)
        size = estimate_tokens(system) + estimate_tokens(user)
        if size <= limit:
            return Rendered(system, user, tuple(clip.cut), version(templates), size)
    raise PromptTooLargeError(
        f"the prompt of {kind} needs about {size} tokens at its smallest and may have {limit}: "
        "give the backend a larger `context`, or a smaller `max_tokens`"
    )


def _form(request: Request[Any], exact: bool) -> str:
    return (
        json.dumps(reply_schema(request), ensure_ascii=False, separators=(",", ":")) if exact else reply_shape(request)
    )


def request_kind(request: Request[Any]) -> str:
    """Name of a request as templates, headers and schemas carry it: `SurveyTask` → `survey_task`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(request).__name__).lower()


def base_script(request: Request[Any]) -> str | None:
    """The script that edits refer to, None where the request has none."""
    match request:
        case WriteSolution():
            return request.base
        case SolveStep():
            return request.base.script if request.base else None
        case RepairSolution() | TuneSolution():
            return request.script
        case _:
            return None


def estimate_tokens(text: str) -> int:
    """How many tokens a text has, roughly and rather too many: no tokenizer is the right one for every model."""
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)


@cache
def version(templates: Path = TEMPLATES) -> str:
    """Names the templates by their content, so that two prompts of one version were made by the same words."""
    digest = blake2b(digest_size=5)
    for path in sorted(templates.glob("*.j2")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"1.{digest.hexdigest()}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"


def _words(words: str, rows: int) -> str:
    """How a script failed; where no row may be shown without the message of its error, in which a cell may stand."""
    return words if rows else _MESSAGE.sub(r"\1", words)


@cache
def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        autoescape=select_autoescape(()),  # a prompt is not HTML: nothing is escaped, what is foreign is fenced
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
    """An id that does not occur in the text, and is the same each time for the same text."""
    salt = 0
    while (mark := blake2b(f"{salt}\x1f{text}".encode(errors="replace"), digest_size=4).hexdigest()) in text:
        salt += 1
    return mark
