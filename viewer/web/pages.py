"""Shared parts of all pages: template environment, style, scripts, content security policy.

Pages are self-contained: style and scripts are inlined, and the policy allows only these, by hash.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gome.viewer import text
from gome.viewer.model.steps import MARKS
from gome.viewer.model.submitted import briefly
from gome.viewer.web import charts, error_charts

__all__ = ["environment", "frame"]

_TEMPLATES = Path(__file__).parent / "templates"
_STATIC = ("report.js",)
_LIVE = (*_STATIC, "idiomorph.min.js", "runs.js", "live.js")


@cache
def environment() -> Environment:
    """The template environment: escapes all values, removes control characters, fails on undefined names."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: text.clean(value) if type(value) is str else value,
    )
    made.globals.update(marks=MARKS, width=charts.WIDTH, small=error_charts.SMALL)
    made.filters.update(
        score=text.score,
        gain=text.gain,
        duration=text.duration,
        percent=text.percent,
        money=text.money,
        number=text.count,
        spread=text.spread,
        several=text.several,
        briefly=briefly,
    )
    return made


def frame(events: str | None) -> dict[str, Any]:
    """Template variables of the page frame: style, script and content security policy.

    `events` is the path of the server-sent events of a live page (None: static page). A live page may connect only to
    its own server.
    """
    live = events is not None
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    names = _LIVE if live else _STATIC
    script = "\n".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in names)
    sources = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'" + ("; connect-src 'self'" if live else "")
    forms = "'self'" if live else "'none'"
    return {
        "style": Markup(style),  # noqa: S704  our own file, not untrusted text
        "script": Markup(script),  # noqa: S704
        "policy": Markup(f"default-src 'none'; {sources}; base-uri 'none'; form-action {forms}"),  # noqa: S704
        "live": live,
        "events": events,
    }


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"sha256-{digest}"
