"""`export`: a run as JSON lines, OpenTelemetry spans, or a Chrome trace for Perfetto."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from gome.bus.store.reader import LogReader
from gome.cli.options import Output, Run, Runs, folder_of
from gome.errors import Outage, UsageError
from gome.viewer.export.chrome import chrome_trace
from gome.viewer.export.collector import post_spans
from gome.viewer.export.otlp import spans_of, trace_document
from gome.viewer.export.redaction import without_words
from gome.viewer.output import document, envelope_data, hint, say_aside
from gome.viewer.run_folders import open_reader

__all__ = ["export"]

Format = Literal["jsonl", "otlp", "chrome-trace"]


def export(
    run: Run = "@last",
    *,
    to: Format,
    output: Output = None,
    endpoint: str | None = None,
    redact: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    runs: Runs = None,
) -> int:
    """Export a run. Repeated exports use the same ids, so nothing is duplicated.

    Parameters
    ----------
    to
        jsonl: every message; otlp: spans by the GenAI conventions; chrome-trace: a timeline for ui.perfetto.dev.
    output
        The file to write. Default: standard output.
    endpoint
        Send OTLP to this collector, such as http://127.0.0.1:4318, instead of writing a file.
    redact
        Replace all text written by agents and scripts; keep figures, verdicts and hashes.
    """
    if endpoint is not None and (to != "otlp" or output is not None):
        raise UsageError("--endpoint requires --to otlp and excludes --output")
    folder = folder_of(run, runs)
    with open_reader(folder) as reader:
        if endpoint is not None:
            sent = post_spans(endpoint, spans_of(reader.envelopes(), reader.artefacts, redact))
            say_aside(f"{sent} spans of {folder.name} sent to {endpoint}")
        elif output is None:
            for line in _lines(reader, to, redact):
                sys.stdout.write(line)
        else:
            _write(output, _lines(reader, to, redact))
            say_aside(f"{folder.name} exported to {output}")
    hint(f"gome view {folder.name}", f"gome cost {folder.name}")
    return 0


def _lines(reader: LogReader, to: Format, redact: bool) -> Iterator[str]:
    if to == "jsonl":
        for each in reader.envelopes():
            data = envelope_data(each)
            yield document("message", {**data, "message": without_words(data["message"])} if redact else data) + "\n"
    elif to == "otlp":
        yield json.dumps(trace_document(spans_of(reader.envelopes(), reader.artefacts, redact))) + "\n"
    else:
        yield json.dumps(chrome_trace(reader.envelopes(), redact)) + "\n"


def _write(target: Path, lines: Iterator[str]) -> None:
    """Write a file atomically. Raises Outage where it cannot be written."""
    half = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with half.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        half.replace(target)
    except OSError as error:
        raise Outage(f"{target} could not be written: {error.strerror}. Free disk space or change --output.") from error
    finally:
        half.unlink(missing_ok=True)
