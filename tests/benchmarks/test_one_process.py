"""The executor of the crossover: scripts of one process, with the outcomes that the product's executor has."""

from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from benchmarks.shared.one_process import OneProcess
from gome.executors.choose_sandbox import Sandbox, SandboxLevel
from gome.executors.launch import DATA, Cause, Launch, Limits, Outcome, Slot
from gome.executors.local import LocalExecutor

WRITES = """
import pathlib, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
rows = (pathlib.Path(options["--data"]) / "rows.csv").read_text()
pathlib.Path(options["--out"], "submission.csv").write_text(rows.upper())
print("rows", len(rows), __name__)
"""


def launch_of(place: Path, code: str, name: str, **limits: float) -> Launch:
    data, workspace = place / "data", place / name
    data.mkdir(exist_ok=True)
    workspace.mkdir()
    (data / "rows.csv").write_text("id,y\n1,a\n")
    (workspace / "solution.py").write_text(code)
    return Launch(
        script=workspace / "solution.py",
        arguments=("--data", str(DATA), "--out", "out"),
        workspace=workspace,
        read_only={data: DATA},
        limits=Limits.model_validate(limits),
        artefacts=("submission.csv", "evidence.json"),
    )


def test_a_script_finds_what_it_finds_in_the_product(tmp_path: Path) -> None:
    async def run() -> tuple[Outcome, Outcome]:
        local = LocalExecutor(Sandbox(SandboxLevel.NONE))
        async with aclosing(OneProcess(imports=())) as executor:
            return (
                await executor.run(launch_of(tmp_path, WRITES, "ours"), Slot(index=0)),
                await local.run(launch_of(tmp_path, WRITES, "theirs"), Slot(index=0)),
            )

    ours, theirs = anyio.run(run)
    same = ("cause", "words", "exit_status", "stdout", "stderr")
    assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]
    assert ours.cause is Cause.OK
    assert {name: path.read_text() for name, path in ours.artefacts.items()} == {"submission.csv": "ID,Y\n1,A\n"}


@pytest.mark.parametrize(
    ("code", "cause", "word"),
    [
        ("raise ValueError('no')", Cause.EXIT, "ValueError: no"),
        ("raise SystemExit(3)", Cause.EXIT, ""),
        ("while True: pass", Cause.CPU, ""),
        ("import os; os.abort()", Cause.SIGNAL, ""),
    ],
)
def test_what_a_script_does_to_itself_ends_the_script_alone(code: str, cause: Cause, word: str, tmp_path: Path) -> None:
    async def run() -> tuple[Outcome, Outcome]:
        async with aclosing(OneProcess(imports=())) as executor:
            bad = await executor.run(launch_of(tmp_path, code, "bad", cpu=0.3), Slot(index=0))
            return bad, await executor.run(launch_of(tmp_path, WRITES, "good"), Slot(index=0))

    bad, good = anyio.run(run)
    assert (bad.cause, bad.ok) == (cause, False)
    assert word in bad.stderr
    assert good.ok, "the next one runs, in another process where this one has ended"
