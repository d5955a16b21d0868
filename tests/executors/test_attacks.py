"""What hostile scripts try, at every sandbox level, as root and as an ordinary user."""

import contextlib
import os
import site
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gome.executors.choose_sandbox import Sandbox, SandboxLevel
from gome.executors.launch import Cause, Outcome, Slot
from gome.executors.local import LocalExecutor
from gome.executors.sandbox import bubblewrap, landlock
from tests.executors import attacks
from tests.executors.contract import MIB
from tests.executors.place import DATA, Place
from tests.executors.test_local import sandbox

_NOBODY = 65534
_WAYS = ("bubblewrap", "bubblewrap in a user namespace", "landlock")
_RUNNER = """
import site, sys
for folder in sys.argv[2:]:
    site.addsitedir(folder)
import anyio
from gome.executors.choose_sandbox import probe
from gome.executors.launch import Launch, Slot
from gome.executors.local import LocalExecutor
from gome.executors.sandbox.levels import Sandbox, SandboxLevel

async def main():
    sandbox = Sandbox(SandboxLevel.LANDLOCK) if sys.argv[1] == "landlock" else await probe()
    assert sandbox.level == sys.argv[1]
    launch = Launch.model_validate_json(sys.stdin.read())
    print((await LocalExecutor(sandbox).run(launch, Slot(index=0))).model_dump_json())

anyio.run(main)
"""


class Ground(Place):
    """A place at one level, with a file and a process outside that a script shall not change."""

    def __init__(self, folder: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        level = SandboxLevel(way.split()[0])
        super().__init__(folder, LocalExecutor(sandbox() if level is SandboxLevel.BUBBLEWRAP else Sandbox(level)))
        if way.endswith("namespace"):
            monkeypatch.setattr(bubblewrap, "slot_user", lambda slot: None)
        self.way = way
        self.level = level


@pytest.fixture(params=_WAYS)
def ground(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    way = str(request.param)
    if way == "landlock" and not landlock.available():
        pytest.skip("this kernel has no Landlock")
    if way != "landlock" and sandbox().level is not SandboxLevel.BUBBLEWRAP:
        pytest.skip("bubblewrap does not work here")
    return Ground(tmp_path, way, monkeypatch)


@pytest.fixture
def victim() -> Iterator[psutil.Process]:
    """A process of the same user, outside."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield psutil.Process(process.pid)
        process.kill()


def _attributes(path: Path) -> tuple[object, ...]:
    found = path.stat()
    return found.st_mode, found.st_uid, found.st_gid, found.st_mtime, os.listxattr(path)


def _state(process: psutil.Process) -> tuple[object, ...]:
    of_the_kernel = process.rlimit(psutil.RLIMIT_NOFILE), os.sched_getscheduler(process.pid)
    return process.is_running(), process.nice(), process.ionice(), process.cpu_affinity(), of_the_kernel


def test_the_attributes_of_files_outside_stay_as_they_are(ground: Ground) -> None:
    """At the Landlock level a script reaches a readable file by its real path; elsewhere it is mounted read-only."""
    target = ground.data / "train.csv"
    before = _attributes(target)
    seen = str(target) if ground.level is SandboxLevel.LANDLOCK else f"{DATA}/train.csv"
    outcome = ground.script(attacks.ATTRIBUTES, seen, artefacts=("mine",))
    assert (outcome.cause, outcome.stdout, outcome.stderr) == (Cause.OK, "done\n", "")
    assert _attributes(target) == before
    assert outcome.artefacts["mine"].read_text() == "x"


def test_no_process_outside_is_reached(ground: Ground, victim: psutil.Process) -> None:
    before, own = _state(victim), psutil.Process().nice()
    outcome = ground.script(attacks.PROCESSES, str(victim.pid))
    assert outcome.stdout.splitlines()[-1] == "done", outcome.stderr
    assert _state(victim) == before
    assert psutil.Process().nice() == own


def test_a_script_keeps_to_its_cores(ground: Ground) -> None:
    core = min(psutil.Process().cpu_affinity())
    source = "import os\nos.sched_setaffinity(0, range(64))\nprint(os.sched_getaffinity(0))"
    assert ground.run(ground.launch(source), Slot(index=0, cpus=(core,))).stdout == f"{{{core}}}\n"


def test_no_object_outlives_a_script_and_no_socket_leads_out(ground: Ground) -> None:
    outcome = ground.script(attacks.OBJECTS)
    names = ("shared memory", "queue", "semaphore", "posix queue", "key")
    assert outcome.stdout.splitlines() == [f"{name} False" for name in names], outcome.stderr


def test_what_lies_in_the_page_cache_is_not_told(ground: Ground) -> None:
    outcome = ground.script(attacks.RESIDENCY)
    lines = outcome.stdout.splitlines()
    assert lines[:2] == ["mincore False", "cachestat False"], outcome.stderr
    again = ground.script(attacks.RESIDENCY).stdout.splitlines()
    assert again == lines, "what one script left in shared memory, the next one finds"
    assert not Path("/dev/shm/gome-attack").exists()


def test_no_socket_of_the_machine_is_reached(ground: Ground) -> None:
    path = ground.data / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener, contextlib.chdir(ground.data):
        listener.bind(path.name)
        path.chmod(0o777)
        listener.setblocking(False)
        seen = str(path) if ground.level is SandboxLevel.LANDLOCK else "/nowhere"
        assert ground.script(attacks.DATAGRAMS, seen).stdout == "done\n"
        with pytest.raises(BlockingIOError):
            listener.recv(1)


@pytest.mark.parametrize("source", [attacks.STRANGE_NAMES, attacks.STRANGE_PROGRESS])
def test_what_a_script_names_and_prints_does_not_break_its_watch(ground: Ground, source: str) -> None:
    outcome = ground.script(source)
    assert (outcome.cause, outcome.stdout[-5:]) == (Cause.OK, "done\n"), outcome.stderr


def test_the_first_process_cannot_be_taken_over(ground: Ground) -> None:
    outcome = ground.script(attacks.FIRST_PROCESS)
    assert [line for line in outcome.stdout.splitlines() if line != "taken []"] == ["1000"], outcome.stderr


def test_no_file_runs_as_somebody_else(ground: Ground) -> None:
    outcome = ground.script(attacks.SPECIAL_BITS)
    assert (outcome.stdout, outcome.stderr) == ("[]\n", "")


def test_page_tables_are_memory(ground: Ground) -> None:
    assert ground.script(attacks.PAGE_TABLES, memory=150 * MIB).cause is Cause.MEMORY


@pytest.mark.parametrize("size", [4096, 20 * MIB])
def test_deleted_files_that_are_only_mapped_take_room(ground: Ground, size: int) -> None:
    outcome = ground.script(attacks.MAPPED.format(folder="out", size=size), disk=60 * MIB)
    assert outcome.cause is Cause.DISK


@pytest.mark.parametrize("source", [attacks.IN_FLIGHT, attacks.MAPPED.format(folder="/dev/shm", size=4096)])
def test_files_in_memory_count_whoever_holds_them(ground: Ground, source: str) -> None:
    source = "heap = bytearray(b'x') * (200 << 20)\n" + source
    outcome = ground.script(source, memory=330 * MIB)
    if ground.level is SandboxLevel.LANDLOCK:  # there are no such files
        assert (outcome.cause, "PermissionError" in outcome.stderr) == (Cause.EXIT, True)
    else:
        assert outcome.cause is Cause.MEMORY


def test_many_files_in_memory(ground: Ground) -> None:
    outcome = ground.script(attacks.MANY_IN_MEMORY, files=5000)
    assert outcome.cause is (Cause.EXIT if ground.level is SandboxLevel.LANDLOCK else Cause.FILES)


def test_memory_of_a_memfd_cannot_be_had(ground: Ground) -> None:
    outcome = ground.script("import os\ntry: os.memfd_create('x')\nexcept OSError as error: print(error.strerror)")
    assert outcome.stdout == "Function not implemented\n"


def _python() -> Path:
    """An interpreter of this version that every user may run."""
    system = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    for candidate in (Path(sys.executable).resolve(), system):
        if candidate.exists() and all(each.stat().st_mode & 1 for each in (candidate, *candidate.parents)):
            return candidate
    pytest.skip("no interpreter of this version is open to other users")


def _as_nobody(level: str, source: str, *arguments: str) -> tuple[Outcome, os.stat_result]:
    """Run a script as an ordinary user runs gome; returns the outcome and the state of that user's own file."""
    python = _python()
    with tempfile.TemporaryDirectory(prefix="gome-attack-") as folder:
        place = Place(Path(folder, "place"), LocalExecutor(Sandbox(SandboxLevel.NONE)))
        launch = place.launch(source, *(each.format(data=place.data) for each in arguments))
        launch = launch.model_copy(update={"python": python})
        for each in (Path(folder), *Path(folder).rglob("*")):
            os.chown(each, _NOBODY, _NOBODY)
        before = (place.data / "train.csv").stat()
        ids = (f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
        ended = subprocess.run(
            ["setpriv", *ids, str(python), "-c", _RUNNER, level, *site.getsitepackages()],
            input=launch.model_dump_json(), capture_output=True, text=True, check=False, cwd="/",
            env={"PATH": os.environ["PATH"], "HOME": folder},
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        after = (place.data / "train.csv").stat()
        assert (before.st_mode, before.st_mtime) == (after.st_mode, after.st_mtime)
        return Outcome.model_validate_json(ended.stdout), after


@pytest.mark.skipif(os.geteuid() != 0, reason="what the other tests have tried already")
@pytest.mark.parametrize("level", ["landlock", "bubblewrap"])
def test_an_ordinary_users_files_and_processes(level: str, victim: psutil.Process) -> None:
    seen = "{data}/train.csv" if level == "landlock" else f"{DATA}/train.csv"
    outcome, found = _as_nobody(level, attacks.ATTRIBUTES, seen)
    assert (outcome.cause, outcome.stdout, found.st_uid) == (Cause.OK, "done\n", _NOBODY), outcome.stderr
    outcome, _ = _as_nobody(level, attacks.FIRST_PROCESS)
    assert [line for line in outcome.stdout.splitlines() if line != "taken []"] == ["1000"], outcome.stderr
