"""Warm interpreters: scripts behave as after a cold start, are isolated, and start cold where needed."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import psutil
import pytest

from gome.executors.choose_sandbox import Sandbox, SandboxLevel, probe
from gome.executors.launch import Cause, Launch, Outcome, Slot
from gome.executors.local import LocalExecutor
from gome.executors.warm import forking
from gome.executors.warm.executor import WarmExecutor
from gome.executors.warm.template import Template
from tests.executors.contract import MIB, NamespaceContract
from tests.executors.place import DATA, MARK, Place, survivors

SLOT = Slot(index=0)


@cache
def sandbox() -> Sandbox:
    """The level that works on this machine."""
    return anyio.run(probe)


class HandedOver:
    """An executor that fails where a script starts cold without need."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        executor = WarmExecutor(sandbox(), self._folder, [DATA], libraries=())
        try:
            await executor.seat(launch, slot)
            assert await executor.ready(slot)
            outcome = await executor.run(launch, slot, on_line)
            assert executor.handed_over == (b"environ" not in launch.script.read_bytes())
            return outcome
        finally:
            await executor.aclose()
            assert not self._folder.exists()


@pytest.mark.skipif(sandbox().level is not SandboxLevel.BUBBLEWRAP, reason="warm interpreters need bubblewrap")
class TestHandedOver(NamespaceContract):
    """The whole contract, including malicious scripts. Nothing is imported in advance, to save minutes."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return Place(tmp_path, HandedOver(tmp_path / "standby"))

    def test_all_that_a_script_can_see_of_its_start_is_as_in_a_cold_one(self, place: Place) -> None:
        cold = Place(place.folder / "cold", LocalExecutor(sandbox()))
        seen = [each.script(_SELF_PORTRAIT, "--data", "/gome/data", "a b\n", "") for each in (place, cold)]
        assert seen[0].stdout == seen[1].stdout != ""
        assert seen[0].stderr == seen[1].stderr
        assert 'File "/gome/solution.py", line' in seen[0].stderr
        assert seen[0].exit_status == seen[1].exit_status == 1

    def test_a_status_of_its_own(self, place: Place) -> None:
        outcome = place.script("import atexit, sys\natexit.register(print, 'bye')\nsys.exit(7)")
        assert (outcome.exit_status, outcome.stdout) == (7, "bye\n")

    def test_a_script_that_does_not_parse(self, place: Place) -> None:
        outcome = place.script("def f(:\n")
        assert outcome.exit_status == 1
        assert outcome.stderr.startswith('  File "/gome/solution.py", line 1\n    def f(:')

    def test_processes_of_a_pool_start_anew(self, place: Place) -> None:
        source = (
            "from multiprocessing import get_context\n"
            "def twice(x): return 2 * x\n"
            "if __name__ == '__main__':\n"
            "    with get_context('spawn').Pool(1) as pool: print(pool.map(twice, [1, 2]))\n"
        )
        assert place.script(source).stdout == "[2, 4]\n"

    def test_folders_of_data_are_there_with_all_that_is_below(self, place: Place) -> None:
        (place.data / "images" / "train").mkdir(parents=True)
        (place.data / "images" / "train" / "1.png").write_text("a picture")
        (place.data / "images" / "link").symlink_to("train/1.png")
        source = "for name in ('train/1.png', 'link'): print(open('/gome/data/images/' + name).read())"
        assert place.script(source).stdout == "a picture\na picture\n"


_SELF_PORTRAIT = """
import gc, inspect, os, random, signal, stat, sys, threading
print(sys.argv, sys.orig_argv, __name__, __file__, __spec__, __builtins__, sorted(globals()))
print(sys.path, [each.__qualname__ for each in sys.path_hooks], sys.flags, sys.warnoptions, sys.dont_write_bytecode)
print(os.getcwd(), sorted(os.listdir(".")), os.stat(".").st_mode, os.stat(__file__).st_mode, os.getuid(), os.umask(0))
print(sorted(each for each in vars(os)["env" + "iron"].items() if each[0] not in ("GOME_LAUNCH", "GOME_TEST_MARK")))
print(hash("gome"), os.getpid(), os.getppid(), os.nice(0), os.sched_getscheduler(0), len(os.sched_getaffinity(0)))
print(repr(sys.stdin.read()), sys.stdin.seekable(), sys.stdout.line_buffering, sys.stdout.encoding, os.isatty(1))
print(len(inspect.stack()), threading.active_count(), threading.Thread().name, threading.current_thread().name)
print(sorted(os.listdir("/proc/self/fd")), os.listdir("/tmp"), gc.isenabled(), "torch" in sys.modules)
print([signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)])
def fail(): raise ValueError("as it is")
try: fail()
finally: fail()
"""


def _launches(place: Place, *sources: str) -> list[Launch]:
    """One launch for each source, each with its own workspace, otherwise equal."""
    found = []
    for number, source in enumerate(sources):
        workspace = place.folder / f"workspace-{number}"
        workspace.mkdir()
        (workspace / "solution.py").write_text(source)
        launch = place.launch("pass").model_copy(
            update={"workspace": workspace, "environment": {MARK: place.folder.name}}
        )
        found.append(launch.model_copy(update={"script": workspace / "solution.py"}))
    return found


async def _in_turn(executor: WarmExecutor, launches: list[Launch], slot: Slot = SLOT) -> list[Outcome]:
    """Run them on one slot, each as soon as a warm interpreter is ready."""
    outcomes = []
    try:
        for launch in launches:
            await executor.seat(launch, slot)
            await executor.ready(slot)
            outcomes.append(await executor.run(launch, slot))
    finally:
        await executor.aclose()
    return outcomes


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, LocalExecutor(sandbox()))


def make(place: Place, *libraries: str, level: Sandbox | None = None) -> WarmExecutor:
    return WarmExecutor(level or sandbox(), place.folder / "standby", [DATA], libraries)


@pytest.mark.skipif(sandbox().level is not SandboxLevel.BUBBLEWRAP, reason="warm interpreters need bubblewrap")
class TestStandbys:
    """Which scripts run warm, and that scripts of one slot do not affect each other."""

    def test_a_script_finds_nothing_of_the_one_before(self, place: Place) -> None:
        leave = (
            "import json\n"
            "for name in ('/tmp/mine', 'mine', 'out/mine', '/dev/shm/mine'): open(name, 'w')\n"
            "json.mine = 1\n"
        )
        look = (
            "import json, os\n"
            "left = [os.path.exists(each) for each in ('/tmp/mine', 'mine', 'out/mine', '/dev/shm/mine')]\n"
            "print(left, os.listdir('out'), sorted(os.listdir('.')), hasattr(json, 'mine'))"
        )
        executor = make(place)
        launches = _launches(place, leave, look)
        outcomes = anyio.run(_in_turn, executor, launches)
        # /tmp itself is not searched: mounts from below it are visible there.
        assert outcomes[1].stdout == "[False, False, False, False] [] ['out', 'solution.py'] False\n"
        assert executor.handed_over == 2
        assert (launches[0].workspace / "mine").exists()

    def test_a_script_sees_its_own_data_and_no_others(self, place: Place) -> None:
        other = place.folder / "other"
        other.mkdir()
        (other / "secret.csv").write_text("hold-out")
        first, second = _launches(
            place, *["import os; print(os.listdir('/gome/data'), sorted(os.listdir('/gome')))"] * 2
        )
        first = first.model_copy(update={"read_only": {other: DATA}})
        executor = make(place)
        told = [outcome.stdout for outcome in anyio.run(_in_turn, executor, [first, second])]
        assert told == [f"['{name}.csv'] ['data', 'solution.py', 'standby', 'work']\n" for name in ("secret", "train")]
        assert executor.handed_over == 2

    def test_what_was_used_before_the_script_counts_towards_no_limit(self, place: Place) -> None:
        source = "import os, pandas, sys\nheld = bytearray(b'x') * (80 << 20)\nprint('sklearn.metrics' in sys.modules)"
        launch = _launches(place, source)[0]
        launch = launch.model_copy(
            update={"limits": launch.limits.model_copy(update={"memory": 110 * MIB, "cpu": 0.9})}
        )
        outcome = anyio.run(_in_turn, make(place, "pandas", "sklearn.metrics"), [launch])[0]
        assert (outcome.cause, outcome.stdout) == (Cause.OK, "True\n")
        assert outcome.cpu_seconds < 0.9
        assert outcome.peak_memory < 110 * MIB

    @pytest.mark.parametrize(
        ("source", "cause"),
        [
            ("import time\nheld = bytearray(b'x') * (250 << 20)\ntime.sleep(10)", Cause.MEMORY),
            ("while True: pass", Cause.CPU),
        ],
    )
    def test_what_the_script_uses_counts_from_its_start(self, place: Place, source: str, cause: Cause) -> None:
        launch = _launches(place, source)[0]
        launch = launch.model_copy(
            update={"limits": launch.limits.model_copy(update={"memory": 200 * MIB, "cpu": 0.5})}
        )
        assert anyio.run(_in_turn, make(place, "pandas"), [launch])[0].cause is cause

    def test_what_libraries_print_as_they_are_imported_is_not_the_scripts(self, place: Place) -> None:
        outcome = anyio.run(_in_turn, make(place, "this"), _launches(place, "print('mine')"))[0]
        assert outcome.stdout == "mine\n"

    def test_the_low_priority_of_imports_is_not_the_scripts(self, place: Place) -> None:
        source = (
            "import os\n"
            "print(sorted({os.getpriority(os.PRIO_PROCESS, int(each)) for each in os.listdir('/proc/self/task')}))\n"
            "print(open('/proc/self/autogroup').read().split()[1:] if os.path.exists('/proc/self/autogroup') else '')\n"
        )
        executor = WarmExecutor(sandbox(), place.folder / "standby", [DATA], ["json.tool"])
        warm = anyio.run(_in_turn, executor, _launches(place, source))[0]
        assert executor.handed_over == 1
        assert warm.stdout == place.script(source).stdout
        assert warm.stdout.startswith(f"[{os.getpriority(os.PRIO_PROCESS, 0)}]")

    def test_a_library_that_is_missing_is_done_without(self, place: Place) -> None:
        executor = make(place, "no_such_library", "json")
        anyio.run(_in_turn, executor, _launches(place, "pass"))
        assert executor.handed_over == 1

    @pytest.mark.parametrize("change", ["environment", "memory", "script", "mounts"])
    def test_a_script_with_other_needs_goes_cold(self, place: Place, change: str) -> None:
        first, second = _launches(place, "pass", "print('ran')")
        other = second.script.with_name("other.py")
        other.write_text("print('ran')")
        updates: dict[str, dict[str, Any]] = {
            "environment": {"environment": {**second.environment, "SOME_SETTING": "1"}},
            "memory": {"limits": second.limits.model_copy(update={"memory": 1 << 30})},
            "script": {"script": other},
            "mounts": {"read_only": {**second.read_only, other.parent: Path("/gome/assets")}},
        }
        second = second.model_copy(update=updates[change])
        executor = make(place)
        outcomes = anyio.run(_in_turn, executor, [first, second])
        assert outcomes[1].stdout == "ran\n"
        assert executor.handed_over == 1

    def test_another_interpreter_goes_cold(self, place: Place) -> None:
        first, second = _launches(place, "pass", "print('ran')")
        executor = make(place)
        outcomes = anyio.run(_in_turn, executor, [first, second.model_copy(update={"python": Path(sys.executable)})])
        assert (outcomes[1].stdout, executor.handed_over) == ("ran\n", 1)

    def test_a_script_that_sets_what_libraries_read_goes_cold(self, place: Place) -> None:
        source = "import os\nos.environ['OPENBLAS_NUM_THREADS'] = '1'\nimport sys; print('json.tool' in sys.modules)"
        executor = make(place, "json.tool")
        assert anyio.run(_in_turn, executor, _launches(place, source))[0].stdout == "False\n"
        assert executor.handed_over == 0

    def test_a_level_with_real_paths_goes_cold(self, place: Place) -> None:
        executor = make(place, level=Sandbox(SandboxLevel.NONE))

        async def main() -> Outcome:
            return await executor.run(_launches(place, "print('ran')")[0], SLOT)

        assert anyio.run(main).stdout == "ran\n"
        assert executor.handed_over == 0

    def test_the_first_script_waits_for_the_imports_and_the_template_stays_for_the_next(self, place: Place) -> None:
        first, second = _launches(place, "print('first')", "print('second')")

        async def main() -> list[str]:
            executor = make(place, "pandas")
            told = [(await executor.run(first, SLOT)).stdout]
            assert executor.handed_over == 1
            told.append((await executor.run(second, SLOT)).stdout)
            assert executor.handed_over == 2
            await executor.aclose()
            return told

        assert anyio.run(main) == ["first\n", "second\n"]

    def test_a_standby_that_has_died_is_no_harm(self, place: Place) -> None:
        first, second = _launches(place, "print('cold')", "print('warm')")

        async def main() -> list[str]:
            executor = make(place)
            await executor.seat(first, SLOT)
            await executor.ready(SLOT)
            for process in survivors(first):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            while await executor.ready(SLOT):
                await anyio.lowlevel.checkpoint()
            told = [(await executor.run(first, SLOT)).stdout]
            await executor.ready(SLOT)
            told.append((await executor.run(second, SLOT)).stdout)
            assert executor.handed_over == 1
            await executor.aclose()
            return told

        assert anyio.run(main) == ["cold\n", "warm\n"]
        assert survivors(first) == []

    def test_who_is_cancelled_leaves_neither_script_nor_standby(self, place: Place) -> None:
        launch = _launches(place, "import time\nprint('up')\ntime.sleep(60)")[0]

        async def main() -> None:
            executor = make(place)
            await executor.seat(launch, SLOT)
            await executor.ready(SLOT)
            async with anyio.create_task_group() as group:
                try:
                    await executor.run(launch, SLOT, lambda line: group.cancel_scope.cancel())
                finally:
                    await executor.aclose()

        anyio.run(main)
        assert survivors(launch) == []
        assert not (place.folder / "standby").exists()

    def test_where_no_template_can_be_had_scripts_go_cold_and_none_is_tried_for_ever(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = place.folder / "broken.py"
        broken.write_text("def enclose(): raise SystemExit(1)")
        monkeypatch.setattr(forking, "__file__", str(broken))
        launches = _launches(place, *["print('ran')"] * 4)

        async def main() -> list[int]:
            executor, left = make(place), []
            for launch in launches:
                await executor.seat(launch, SLOT)
                assert not await executor.ready(SLOT)
                assert (await executor.run(launch, SLOT)).stdout == "ran\n"
                left.append(len(list((place.folder / "standby").iterdir())))
            await executor.aclose()
            assert executor.handed_over == 0
            return left

        assert anyio.run(main) == [1, 0, 0, 0]

    def test_a_script_that_cannot_be_begun_is_run_cold(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        first, second = _launches(place, "print('cold')", "print('warm')")
        fill = Template.fill

        def wrong(*arguments: Any) -> tuple[Launch, list[list[str]]]:
            moved, mounts = fill(*arguments)
            return moved, [["nowhere", "/gome/data"], *mounts]

        async def main() -> list[str]:
            executor = make(place)
            await executor.seat(first, SLOT)
            assert await executor.ready(SLOT)
            with monkeypatch.context() as patch:
                patch.setattr(Template, "fill", wrong)
                told = [(await executor.run(first, SLOT)).stdout]
            assert executor.handed_over == 0
            assert await executor.ready(SLOT)
            told.append((await executor.run(second, SLOT)).stdout)
            assert executor.handed_over == 1
            await executor.aclose()
            return told

        assert anyio.run(main) == ["cold\n", "warm\n"]

    def test_what_a_killed_process_left_is_removed_at_the_end(self, place: Place) -> None:
        (place.folder / "standby" / "0-old" / "work").mkdir(parents=True)
        anyio.run(make(place).aclose)
        assert not (place.folder / "standby").exists()


_LOOK_ROUND = """
import colorsys, os, resource, signal, socket
state = [sorted(vars(os)["env" + "iron"].items()), hasattr(colorsys, "mine"), os.umask(0), os.nice(0), os.getcwd()]
state += [os.getpid(), os.getppid(), os.getpgrp(), os.getsid(0), os.sched_getaffinity(0), sorted(os.listdir("."))]
state += [sorted(each for each in os.listdir("/proc") if each.isdigit()), sorted(os.listdir("/proc/self/fd"))]
state += [open(f"/proc/sysvipc/{each}").read() for each in ("shm", "sem", "msg")]
state += [open(f"/proc/net/{each}").read() for each in ("dev", "unix", "snmp", "tcp")]
state += [resource.getrlimit(each) for each in range(16)] + [signal.getsignal(each) for each in range(1, 32)]
for folder in ("/tmp", "/dev/shm", "/dev/pts", ".", "/gome", "/gome/data"):
    found = os.stat(folder)
    names = sorted(os.listdir(folder)) if folder != "/tmp" else ""
    state.append((folder, names, oct(found.st_mode), found.st_uid, os.listxattr(folder)))
# Mount and tmpfs numbers are counted by the machine, for cold scripts too.
mounts = [line.split() for line in open("/proc/self/mountinfo")]
state += [[each[3:], each[2].startswith("0:") or each[2]] for each in mounts]
state += [open("/proc/self/status").read().split("SigQ")[0].split("Umask")[0], open("/proc/self/limits").read()]
print(*state, sep="\\n")
print(vars(os)["env" + "iron"]["GOME_LAUNCH"])
"""
_PRELUDE = """
import colorsys, ctypes, os, resource, signal, socket, subprocess, time
libc = ctypes.CDLL(None, use_errno=True)
def attempt(act, *arguments):
    try: print(act.__name__, act(*arguments))
    except (OSError, ValueError) as error: print(error)
def write(path, text="x"):
    with open(path, "r+b" if path.endswith("mem") else "wb", buffering=0) as out: out.write(text.encode())
parent = os.getppid()
"""
_ATTACKS = {
    "files": (
        "for each in ('/tmp/a', '/dev/shm/a', '/dev/pts/a', 'a', '/gome/a', '/gome/data/a', '/a'):\n"
        "    attempt(write, each)\n"
    ),
    "folders": (
        "for each in ('/tmp', '/dev/shm', '.', '/gome', '/gome/data'):\n"
        "    attempt(os.chmod, each, 0o700)\n"
        "    attempt(os.setxattr, each, 'user.mine', b'1')\n"
    ),
    "a closed workspace": "os.mkdir('deep'); os.chmod('deep', 0); os.chmod('.', 0)",
    "daemons": (
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork(): os._exit(0)\n"
        "        [signal.signal(each, signal.SIG_IGN) for each in range(1, 32) if each not in (9, 19)]\n"
        "        while True:\n"
        "            attempt(write, '/tmp/daemon'); os.fork() and os._exit(0); time.sleep(0.01)\n"
    ),
    "System V objects": "print(libc.shmget(7, 4096, 0o1666), libc.semget(7, 1, 0o1666), libc.msgget(7, 0o1666))",
    "POSIX objects": "print(libc.mq_open(b'/mine', 0o102, 0o666, None), libc.shm_open(b'/mine', 0o102, 0o666))",
    "a module": "colorsys.mine = 1; colorsys.rgb_to_hsv = None; import builtins; builtins.len = None",
    "its surroundings": (
        "vars(os)['env' + 'iron']['MINE'] = '1'; os.umask(0o77); os.nice(5)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    ),
    "sockets": (
        "heard = socket.create_server(('127.0.0.1', 5000))\n"
        "for _ in range(20): socket.create_connection(('127.0.0.1', 5000)).sendall(b'x')\n"
        "named = socket.socket(socket.AF_UNIX); named.bind('\\0mine'); named.listen()\n"
        "kept = [libc.fcntl(1, 1031, 1 << 16)]\n"
    ),
    "its parent's memory": "attempt(write, f'/proc/{parent}/mem'); attempt(os.listdir, f'/proc/{parent}/fd')",
    "tracing": "print(libc.ptrace(16, parent, 0, 0), libc.ptrace(0x4206, parent, 0, 0))",
    "its parent's descriptors": (
        "held = os.pidfd_open(parent)\nfor each in range(20): attempt(libc.syscall, 438, held, each, 0)\n"
    ),
    "its parent's limits": (
        "for each in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CPU):\n"
        "    attempt(resource.prlimit, parent, each, (0, 0))\n"
        "attempt(os.setpriority, os.PRIO_PROCESS, parent, 19); attempt(os.sched_setaffinity, parent, {0})\n"
    ),
    "signals": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for number in (signal.SIGINT, signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):\n"
        "    for each in (parent, *range(3, 100)): attempt(os.kill, each, number)\n"
    ),
    "signals to all": "os.kill(-1, signal.SIGKILL); os.kill(0, signal.SIGKILL)",
    "descriptors": 'for each in range(3, 200): attempt(os.write, each, b\'ready\\n{"told": "0"}\\n\')',
    "mounts": (
        "for each in (b'/gome/work', b'/gome/data', b'/tmp', b'/proc', b'/dev/shm'): print(libc.umount2(each, 2))\n"
        "print(libc.unshare(0x10000000), libc.unshare(0x20000), libc.setns(os.open('/proc/self/ns/pid', 0), 0))\n"
    ),
    "its input and output": "import fcntl\nfor each in (0, 1, 2): fcntl.fcntl(each, fcntl.F_SETFL, os.O_NONBLOCK)",
    "an end by a signal": "os.abort()",
    "an end by status": "os._exit(3)",
}


@pytest.mark.skipif(sandbox().level is not SandboxLevel.BUBBLEWRAP, reason="warm interpreters need bubblewrap")
class TestNothingOfAScriptReachesALaterOne:
    """Two scripts in sequence on one slot: whatever the first does, the second finds a fresh environment."""

    @pytest.mark.parametrize("attack", _ATTACKS)
    def test_whatever_it_tries(self, place: Place, attack: str) -> None:
        sources = [_LOOK_ROUND, _LOOK_ROUND, _PRELUDE + _ATTACKS[attack], _LOOK_ROUND]
        executor = make(place, "colorsys", "socket")
        untouched, after_one, attacker, after = anyio.run(_in_turn, executor, _launches(place, *sources))
        assert after.ok, after.stderr
        (first, token), (second, token_after_one), (last, token_after) = (
            each.stdout.rstrip().rsplit("\n", 1) for each in (untouched, after_one, after)
        )
        assert first.replace(token, "T") == second.replace(token_after_one, "T") == last.replace(token_after, "T")
        assert attacker.cause in (Cause.OK, Cause.EXIT, Cause.SIGNAL)
        assert token == token_after_one == token_after, "one template served all: nothing of a script outlives it"
        assert executor.handed_over == 4

    def test_a_script_that_is_ended_leaves_its_template(self, place: Place) -> None:
        source = "import os; print(vars(os)['env' + 'iron']['GOME_LAUNCH'])\nimport time; time.sleep({})"
        launches = _launches(place, source.format(60), source.format(0))
        limits = launches[0].limits.model_copy(update={"wall": 0.6})
        launches[0] = launches[0].model_copy(update={"limits": limits})
        executor = make(place)
        first, second = anyio.run(_in_turn, executor, launches)
        assert (first.cause, second.cause) == (Cause.TIMEOUT, Cause.OK)
        assert first.stdout == second.stdout != ""
        assert executor.handed_over == 2

    def test_a_script_that_is_abandoned_leaves_its_template(self, place: Place) -> None:
        source = "import os; print(vars(os)['env' + 'iron']['GOME_LAUNCH'], flush=True)\nimport time; time.sleep({})"
        before, abandoned, after = _launches(place, source.format(0), source.format(60), source.format(0))

        async def main() -> tuple[str, str]:
            executor = make(place)
            first = (await executor.run(before, SLOT)).stdout
            with anyio.CancelScope() as scope:
                await executor.run(abandoned, SLOT, lambda _: scope.cancel())
            last = (await executor.run(after, SLOT)).stdout
            assert survivors(abandoned) == survivors(before)
            await executor.aclose()
            return first, last

        first, last = anyio.run(main)
        assert first == last != ""

    def test_what_was_not_closed_is_written_and_what_is_to_be_called_at_the_end_is_called(self, place: Place) -> None:
        source = (
            "import atexit, ctypes\n"
            "class Last:\n"
            "    def __del__(self): print('collected')\n"
            "kept = Last()\n"
            "out = open('out/a', 'w'); out.write('not closed')\n"
            "atexit.register(print, 'called')\n"
            "ctypes.CDLL(None).printf(b'in C\\n')\n"
        )
        launch = _launches(place, source)[0].model_copy(update={"artefacts": ("a",)})
        outcome = anyio.run(_in_turn, make(place, "pandas"), [launch])[0]
        assert sorted(outcome.stdout.split("\n")) == ["", "called", "collected", "in C"]
        assert outcome.artefacts["a"].read_text() == "not closed"


_FITS = """
import sys
print(*(name in sys.modules for name in ("torch", "sklearn.ensemble", "pandas")), file=sys.stderr)
import numpy as np, pandas as pd, torch
from hashlib import sha256
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
X = pd.DataFrame(np.random.default_rng(3).normal(size=(200, 4)), columns=list("abcd"))
y = X["a"] ** 2 + X["b"]
for model in (HistGradientBoostingRegressor(max_iter=3), ExtraTreesRegressor(5, random_state=3), Ridge()):
    print(sha256(model.fit(X, y).predict(X).tobytes()).hexdigest())
torch.manual_seed(3)
print(sha256(torch.nn.Linear(4, 8)(torch.tensor(X.to_numpy(dtype="float32"))).detach().numpy().tobytes()).hexdigest())
"""


@pytest.mark.skipif(sandbox().level is not SandboxLevel.BUBBLEWRAP, reason="warm interpreters need bubblewrap")
def test_what_most_scripts_import_is_there_and_gives_to_the_byte_what_a_cold_start_gives(place: Place) -> None:
    """The second fit shows that what one fork computes leaves no trace in the next; random numbers differ."""
    executor = WarmExecutor(sandbox(), place.folder / "standby", [DATA])
    draws = "import random, numpy, torch\nprint(random.random(), numpy.random.random(), torch.rand(1).item())"
    slot = Slot(index=0, threads=2)
    first, *drawn, again = anyio.run(_in_turn, executor, _launches(place, _FITS, *[draws] * 3, _FITS), slot)
    assert (first.stderr, executor.handed_over) == ("True True True\n", 5)
    cold = Place(place.folder / "cold", LocalExecutor(sandbox()))
    alike = cold.run(cold.launch(_FITS), slot)
    assert alike.stderr == "False False False\n"
    assert first.stdout == again.stdout == alike.stdout
    assert len(set(first.stdout.split())) == 4
    assert len({number for each in drawn for number in each.stdout.split()}) == 9
