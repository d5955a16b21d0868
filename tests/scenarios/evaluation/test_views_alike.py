"""In the real sandbox a script sees no difference between a validation view and the full view except the rows."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import pytest

from gome.agents.scripts.execution import ForwardPass
from gome.agents.scripts.known_runs import KnownRuns
from gome.agents.scripts.script_run import ScriptRun
from gome.bus.store.artefacts import Artefacts
from gome.executors.choose_sandbox import probe
from gome.executors.launch import Cause, Limits, Slot
from gome.executors.local import LocalExecutor
from gome.executors.resources.slots import SlotPool
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_kinds import KINDS
from tests.scenarios.helpers.make_task import make_task

LOOK_AROUND = """
import json, os, platform, resource, stat, sys
from pathlib import Path

here, data = Path.cwd(), Path(sys.argv[sys.argv.index("--data") + 1])
status = dict(line.split(":", 1) for line in Path("/pr" + "oc/self/status").read_text().splitlines())
described = {}
for path in sorted(data.rglob("*")):
    kept = path.stat()
    described[str(path.relative_to(data))] = [stat.filemode(kept.st_mode), kept.st_uid, kept.st_gid]
seen = {
    "argv": sys.argv,
    "cwd": str(here),
    "files here": sorted(str(path.relative_to(here)) for path in here.rglob("*")),
    "environment": dict(os.environ),
    "mounts": Path("/pr" + "oc/self/mountinfo").read_text().splitlines(),
    "root": sorted(os.listdir("/")),
    "temporary": sorted(os.listdir("/tmp")),
    "beside the data": sorted(os.listdir(data.parent)),
    "files": described,
    "data": [str(data), str(data.resolve()), os.statvfs(data).f_flag],
    "task": json.loads((data / "task.json").read_text()),
    "headers": {path.name: path.open().readline() for path in sorted(data.glob("*.csv"))},
    "blank": (data / "sample_submission.csv").read_text().splitlines()[1].split(",")[1:],
    "status": {name: status.get(name) for name in ("Uid", "Gid", "Groups", "Seccomp", "NoNewPrivs", "CapEff")},
    "limits": [resource.getrlimit(which) for which in range(16)],
    "machine": [platform.node(), os.getuid(), os.getppid(), os.getpid(), os.nice(0)],
    "cpus": sorted(os.sched_getaffinity(0)),
    "handles": sorted(os.listdir("/pr" + "oc/self/fd")),
}
print(json.dumps(seen, indent=1))
rows = (data / "sample_submission.csv").read_text().splitlines()
Path(sys.argv[sys.argv.index("--out") + 1], "submission.csv").write_text("\\n".join(rows) + "\\n")
"""
_HEX = re.compile(r"[0-9a-f]{8,}")
_MOUNT = re.compile(r"(?<=\")\d+ \d+ \d+:\d+ (?=/)")


SECONDS = 60.0


def plain(folder: Path) -> None:
    make_task(folder)


async def look(harness: Harness, folder: Path, source: str, views: Sequence[str]) -> dict[str, str]:
    """What the script prints in each view, through the forward pass of a run."""
    artefacts = Artefacts(folder / "run")
    forward = ForwardPass(
        executor=LocalExecutor(await probe()),
        slots=SlotPool([Slot(index=0)]),
        harness=harness,
        artefacts=artefacts,
        folder=folder / "work",
        limits=Limits(),
        importable=frozenset(sys.stdlib_module_names),
        known=KnownRuns(artefacts),
    )
    ref, printed = await artefacts.put(source), {}
    for view in views:
        ran = await forward.run(ScriptRun(script_ref=ref, view=view, seed=3, seconds=SECONDS), "0")
        assert ran.cause is Cause.OK and ran.output_ref is not None, ran.words
        assert ran.evaluation is not None
        assert [note.code for note in ran.evaluation.defects] == ["constant"] * (view != "debug")
        printed[view] = await artefacts.text(ran.output_ref)
    return printed


def comparable(told: object) -> str:
    """As text, with opaque tokens masked at their length and the kernel's mount numbers removed."""
    return _MOUNT.sub("", _HEX.sub(lambda found: "#" * len(found[0]), json.dumps(told)))


@pytest.mark.parametrize("make", [plain, KINDS["days"], KINDS["joins"]], ids=["plain", "days", "joins"])
def test_a_script_is_told_the_same_in_every_view(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "task")
    harness = Harness(Task.load(tmp_path / "task"), tmp_path / "data", seed=3)
    views = ("full", harness.splits[0], harness.splits[-1], "holdout", "debug")
    printed = anyio.run(look, harness, tmp_path, LOOK_AROUND, views)
    seen = {view: json.loads(text) for view, text in printed.items()}
    assert seen["full"]["task"]["name"] == "task" and "train.csv" in seen["full"]["files"], "it did look"
    assert len(seen["full"]["mounts"]) > 3 and seen["full"]["data"][0] == "/gome/data"
    for view in views:
        differing = {
            name: (told, seen["full"][name])
            for name, told in seen[view].items()
            if comparable(told) != comparable(seen["full"][name])
        }
        assert differing == {}, view
