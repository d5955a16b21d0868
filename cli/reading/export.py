"""`export`: a run as JSON lines, OpenTelemetry spans, a Chrome trace for Perfetto; its solution as a package."""

import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import anyio
from cyclopts import Parameter

from gome.bus.store.reader import LogReader
from gome.cli.options import Output, Run, Runs, Sandbox, folder_of
from gome.errors import Outage, UsageError
from gome.viewer.export.chrome import chrome_trace
from gome.viewer.export.collector import send_spans
from gome.viewer.export.otlp import spans_of, trace_document
from gome.viewer.export.redaction import without_words
from gome.viewer.output import document, envelope_data, hint, say_aside
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["export"]

Format = Literal["jsonl", "otlp", "chrome-trace", "package", "mlflow", "wandb"]


def export(
    run: Run = "@last",
    output: Output = None,
    *,
    to: Format,
    data: Annotated[bool, Parameter(negative="--no-data", show_default=False)] = True,
    halves: Annotated[bool, Parameter(negative="--no-halves", show_default=False)] = True,
    sandbox: Sandbox = "auto",
    endpoint: str | None = None,
    send: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    redact: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    runs: Runs = None,
) -> int:
    """Export a run, or its solution. Repeated exports use the same ids, so nothing is duplicated.

    Parameters
    ----------
    output
        The file to write; for a package the folder. Default: standard output.
    to
        jsonl: every message; otlp: spans by the GenAI conventions; chrome-trace: a timeline for ui.perfetto.dev;
        package: the submitted solution as a folder that predicts new rows without gome; mlflow, wandb: the run and its
        trials, sent to the server that the tracker's own environment variables name.
    data
        For a package: include the labelled rows, on which it trains. With --no-data it is pointed to them.
    halves
        For a package: measure whether predictions depend on the other rows of their batch. It trains the solution
        twice, as `gome predict` does; --no-halves leaves it out.
    endpoint
        Send OTLP to this collector, such as http://127.0.0.1:4318, instead of writing a file. Headers and protocol
        (http/protobuf or grpc) are those of the environment (OTEL_EXPORTER_OTLP_HEADERS, …_PROTOCOL).
    send
        Send OTLP to the collector of the environment (OTEL_EXPORTER_OTLP_ENDPOINT).
    redact
        Replace all text written by agents and scripts; keep figures, verdicts and hashes.
    """
    if not data and to != "package":
        raise UsageError("--no-data requires --to package")
    if (send or endpoint is not None) and (to != "otlp" or output is not None):
        raise UsageError("--endpoint and --send require --to otlp and exclude --output")
    if to in ("mlflow", "wandb") and (output is not None or redact):
        raise UsageError(f"--to {to} sends the run to a server: it takes neither a file nor --redact")
    folder = folder_of(run, runs)
    if to in ("mlflow", "wandb"):
        return _sent(folder, to)
    if to == "package":
        return _package(folder, output, data, halves, unsandboxed=sandbox == "none")
    with open_reader(folder) as reader:
        if send or endpoint is not None:
            spans = spans_of(reader.envelopes(), reader.artefacts, redact)
            address = send_spans(spans, endpoint)
            say_aside(f"{len(spans)} spans of {folder.name} sent to {address}")
        elif output is None:
            for line in _lines(reader, to, redact):
                sys.stdout.write(line)
        else:
            _write(output, _lines(reader, to, redact))
            say_aside(f"{folder.name} exported to {output}")
    hint(f"gome view {as_opened(folder)}", f"gome cost {as_opened(folder)}")
    return 0


def _sent(folder: Path, to: str) -> int:
    """Send a run to a tracker."""
    from gome.api.tracking import send

    trials = send(folder, to)
    say_aside(f"{folder.name} with {trials} trials sent to {to}")
    return 0


def _package(folder: Path, output: Path | None, data: bool, halves: bool, *, unsandboxed: bool) -> int:
    """Write the solution of a run as a package, and say whether its predictions depend on their batch."""
    from gome.agents.runtime.predict import batch_effect
    from gome.viewer.export.package.writer import check_target, write_package  # pandas: only here

    if output is None:
        raise UsageError(f"name the folder to write: gome export {as_opened(folder)} --to package DIR")
    check_target(output)
    share = anyio.run(partial(batch_effect, folder, unsandboxed=unsandboxed)) if halves else None
    made = write_package(folder, output, data=data, halves=share)
    steps = f"step{'s' if len(made.steps) > 1 else ''} {' and '.join(made.steps)}"
    say_aside(f"{steps} of {folder.name} written to {made.folder} as the module {made.module}")
    if share:
        say_aside(f"beware: {share:.1%} of its predictions depend on which other rows are predicted with them")
    if not data:
        say_aside(f"without data: {made.folder / 'README.md'} lists the files that it trains on")
    hint(f"cat {made.folder / 'README.md'}")
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
