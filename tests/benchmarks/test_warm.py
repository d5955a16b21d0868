"""The benchmarks' executor: what comes of a script is what a cold start gives."""

from pathlib import Path

import anyio
import pytest

from benchmarks.crossover.tasks import write_task
from benchmarks.shared.warm import warm_executor
from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.plan import Family, Plan
from gome.executors.choose_sandbox import Sandbox, SandboxLevel
from gome.executors.launch import Cause, Executor, Launch, Limits, Outcome, Slot
from gome.executors.local import LocalExecutor
from gome.scenarios.evaluation.harness import FILES, Harness
from gome.scenarios.task.task import Task

SLOT = Slot(index=0, threads=1)
NONE = Limits()


def launch(folder: Path, source: str, *arguments: str, data: Path | None = None, limits: Limits = NONE) -> Launch:
    workspace = folder / "workspace"
    workspace.mkdir(parents=True)
    script = workspace / "solution.py"
    script.write_text(source)
    shown = {} if data is None else {data: Path("/gome/data")}
    return Launch(
        script=script, arguments=arguments, workspace=workspace, read_only=shown, limits=limits, artefacts=FILES
    )


def outcomes(*launches: Launch) -> list[Outcome]:
    """Of launches one after the other in one slot."""

    async def run() -> list[Outcome]:
        async with warm_executor() as executor:
            return [await executor.run(each, SLOT) for each in launches]

    return anyio.run(run)


FAMILIES: tuple[tuple[Family, ...], ...] = (("boosting", "extra_trees", "linear"), ("network",))


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Harness]:
    folder = tmp_path_factory.mktemp("loans")
    loaded = Task.load(write_task("loans", folder / "task", (200, 100)))
    harness = Harness(loaded, folder / "data", seed=0)
    return loaded, harness


@pytest.mark.xdist_group("warm")
def test_predictions_are_those_of_a_cold_start_byte_for_byte(task: tuple[Task, Harness], tmp_path: Path) -> None:
    loaded, harness = task
    scripts = [compose(loaded.brief, harness.profile, Plan(models=models)) for models in FAMILIES]

    def asked(place: Path) -> list[Launch]:
        words = ("--data", "/gome/data", "--out", "out", "--seed", "3")
        data = harness.data("full")
        return [launch(place / str(number), script, *words, data=data) for number, script in enumerate(scripts)]

    async def cold(executor: Executor) -> list[Outcome]:
        return [await executor.run(each, SLOT) for each in asked(tmp_path / "cold")]

    held = anyio.run(cold, LocalExecutor(Sandbox(SandboxLevel.NONE)))
    # The first again shows that what one fork computes leaves no trace in the next.
    forked = outcomes(*asked(tmp_path / "first"), *asked(tmp_path / "second")[:1])
    for number, outcome in enumerate(forked):
        before = held[number % len(scripts)]
        assert (outcome.cause, outcome.words, outcome.exit_status) == (before.cause, before.words, 0), outcome.stderr
        assert (outcome.stdout, outcome.stderr) == (before.stdout, before.stderr)
        assert set(outcome.artefacts) == set(FILES)
        for name, path in outcome.artefacts.items():
            assert path.read_bytes() == before.artefacts[name].read_bytes(), name
        assert outcome.cpu_seconds < before.cpu_seconds, "nothing was imported"


@pytest.mark.xdist_group("warm")
def test_endings_are_told_as_of_a_cold_start(tmp_path: Path) -> None:
    failed, said, killed, busy, idle, nan, last = outcomes(
        launch(tmp_path / "0", "def f():\n    raise ValueError('no such column')\nf()\n"),
        launch(tmp_path / "1", "import sys; sys.exit('enough')"),
        launch(tmp_path / "2", "import os; os.kill(os.getpid(), 9)"),
        launch(tmp_path / "3", "while True: pass", limits=Limits(cpu=1.0)),
        launch(tmp_path / "idle", "import time; time.sleep(60)", limits=Limits(wall=0.5)),
        launch(tmp_path / "4", "print('epoch 1/3')\nprint('loss nan')"),
        launch(tmp_path / "5", "import sys; print(__name__, sys.argv[1:], sys.flags.hash_randomization)", "a", "b"),
    )
    assert (failed.cause, failed.exit_status) == (Cause.EXIT, 1)
    assert failed.stderr.startswith("Traceback (most recent call last):\n  File")
    assert 'solution.py", line 3, in <module>' in failed.stderr.splitlines()[1], "and no line of ours"
    assert failed.stderr.endswith("ValueError: no such column\n")
    assert (said.cause, said.exit_status, said.stderr) == (Cause.EXIT, 1, "enough\n")
    assert (killed.cause, killed.signal) == (Cause.SIGNAL, 9)
    assert (busy.cause, busy.words) == (Cause.CPU, "used more than 1 s of CPU time")
    assert (idle.cause, idle.words) == (Cause.TIMEOUT, "ran longer than 0.5 s")
    assert (nan.cause, nan.exit_status) == (Cause.NOT_A_NUMBER, None)
    assert (last.cause, last.stdout) == (Cause.OK, "__main__ ['a', 'b'] 0\n")


@pytest.mark.xdist_group("warm")
def test_an_abandoned_script_is_killed_and_its_interpreter_serves_the_next(tmp_path: Path) -> None:
    async def run() -> tuple[int, Outcome, int]:
        async with warm_executor() as executor:
            started = tmp_path / "0" / "workspace" / "started"
            sleeper = launch(
                tmp_path / "0", "import os, time\nopen('started', 'w').write(str(os.getpid()))\ntime.sleep(60)"
            )
            async with anyio.create_task_group() as group:
                group.start_soon(executor.run, sleeper, SLOT)
                while not (started.exists() and started.read_text()):  # noqa: ASYNC110 - another process writes it
                    await anyio.sleep(0.01)
                group.cancel_scope.cancel()
            parent = launch(tmp_path / "1", "import os; print(os.getppid())")
            outcome = await executor.run(parent, SLOT)
            return int(started.read_text()), outcome, executor.templates[SLOT.index].process.pid

    abandoned, outcome, template = anyio.run(run)
    assert not Path(f"/proc/{abandoned}").exists()
    assert outcome.stdout == f"{template}\n"
