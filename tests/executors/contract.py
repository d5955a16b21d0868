"""Contract tests for every executor and sandbox level. A test class inherits them and creates the executor.

The scripts are malicious, but each limits itself, so that a broken sandbox cannot harm the machine.
"""

from pathlib import Path

import anyio
import psutil
import pytest
from anyio.abc import SocketAttribute

from gome.executors.launch import Cause, Executor, Slot
from tests.executors.place import Place, survivors

MIB = 1 << 20
KILL_SLACK = 3 * 0.6
"""Seconds that a kill may take past its limit: three times the target."""


class ExecutorContract:
    """Ends, limits and artefacts."""

    def make(self) -> Executor:
        """The executor under test."""
        raise NotImplementedError

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return Place(tmp_path, self.make())

    def test_a_script_reads_its_data_and_its_output_is_collected(self, place: Place) -> None:
        outcome = place.script(
            "import sys, pathlib\n"
            "data, out = map(pathlib.Path, sys.argv[1:])\n"
            "print((data / 'train.csv').read_text())\n"
            "(out / 'submission.csv').write_text('id,y')\n",
            "/gome/data",
            "/gome/work/out",
            artefacts=("submission.csv", "oof.csv"),
        )
        assert (outcome.cause, outcome.exit_status) == (Cause.OK, 0)
        assert outcome.stdout == "x,y\n1,2\n"
        assert outcome.artefacts["submission.csv"].read_text() == "id,y"
        assert not outcome.artefacts["submission.csv"].is_relative_to(place.workspace)
        assert outcome.refused_artefacts == {"oof.csv": "was not written"}

    def test_a_failing_script_ends_with_its_status_and_its_words(self, place: Place) -> None:
        outcome = place.script("raise SystemExit('no such column')")
        assert (outcome.cause, outcome.exit_status) == (Cause.EXIT, 1)
        assert outcome.stderr == "no such column\n"

    @pytest.mark.parametrize("number", [11, 9, 6])
    def test_a_script_that_dies_of_a_signal_is_told_apart(self, place: Place, number: int) -> None:
        outcome = place.script(f"import os; os.kill(os.getpid(), {number})")
        assert (outcome.cause, outcome.signal) == (Cause.SIGNAL, number)

    def test_a_segmentation_fault(self, place: Place) -> None:
        assert place.script("import ctypes; ctypes.string_at(0)").signal == 11

    def test_each_line_is_handed_on_as_it_comes(self, place: Place) -> None:
        seen: list[str] = []
        place.run(place.launch("for i in (1, 2): print('split', i, flush=True)"), on_line=seen.append)
        assert seen == ["split 1", "split 2"]

    def test_a_slot_binds_its_cores_and_threads(self, place: Place) -> None:
        launch = place.launch("import os; print(os.sched_getaffinity(0), os.environ['OMP_NUM_THREADS'])")
        core = min(psutil.Process().cpu_affinity())
        assert place.run(launch, Slot(index=0, cpus=(core,), threads=3)).stdout == f"{{{core}}} 3\n"

    def test_the_environment_is_made_from_nothing(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOME_API_KEY", "sk-secret")
        outcome = place.script("import os; print(os.environ)")
        assert "sk-secret" not in outcome.stdout
        assert "'PYTHONHASHSEED': '0'" in outcome.stdout

    def test_a_script_is_the_first_to_go_when_the_machine_is_out_of_memory(self, place: Place) -> None:
        assert place.script("print(open('/proc/self/oom_score_adj').read())").stdout == "1000\n"

    def test_a_bounded_fork_bomb(self, place: Place) -> None:
        source = "import os, time\nfor _ in range(400):\n    if os.fork() == 0: break\ntime.sleep(10)"
        assert place.script(source, processes=50).cause is Cause.PROCESSES

    def test_one_process_over_memory(self, place: Place) -> None:
        outcome = place.script("import time\nheld = bytearray(b'x') * (300 << 20)\ntime.sleep(10)", memory=150 * MIB)
        assert outcome.cause is Cause.MEMORY
        assert outcome.peak_memory > 150 * MIB
        assert "150 MiB are allowed" in outcome.words

    def test_four_children_over_memory_together(self, place: Place) -> None:
        outcome = place.script(
            "import os, time\n"
            "for _ in range(4):\n"
            "    if os.fork() == 0:\n"
            "        held = bytearray(b'x') * (80 << 20)\n"
            "        break\n"
            "time.sleep(10)\n",
            memory=200 * MIB,
        )
        assert outcome.cause is Cause.MEMORY

    def test_children_that_share_memory_are_not_over_it(self, place: Place) -> None:
        outcome = place.script(
            "import os, time\n"
            "held = bytearray(b'x') * (80 << 20)\n"
            "children = [pid for _ in range(4) if (pid := os.fork()) or time.sleep(0.5) or os._exit(0)]\n"
            "for pid in children: os.waitpid(pid, 0)\n",
            memory=200 * MIB,
        )
        assert outcome.cause is Cause.OK

    def test_a_daemon_does_not_outlive_its_script(self, place: Place) -> None:
        source = (
            "import os, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    if os.fork() == 0:\n"
            "        os.closerange(0, 3)\n"
            "        time.sleep(60)\n"
            "    os._exit(0)\n"
            "os.wait()\n"
        )
        assert place.script(source).cause is Cause.OK

    def test_a_daemon_that_forks_anew_all_the_time(self, place: Place) -> None:
        source = (
            "import os, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    for _ in range(1000):\n"
            "        if os.fork(): os._exit(0)\n"
            "        time.sleep(0.01)\n"
            "    os._exit(0)\n"
            "time.sleep(0.2)\n"
        )
        assert place.script(source).cause is Cause.OK

    def test_a_daemon_that_holds_stdout_holds_nobody_up(self, place: Place) -> None:
        source = "import os, time\nprint('done', flush=True)\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(15)"
        outcome = place.script(source)
        assert outcome.cause is Cause.OK
        assert outcome.stdout == "done\n"
        assert outcome.seconds < 15

    def test_a_script_that_ignores_the_request_to_end_with_three_daemons(self, place: Place) -> None:
        source = (
            "import os, signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "for _ in range(3):\n"
            "    if os.fork() == 0:\n"
            "        os.setsid()\n"
            "        break\n"
            "while True: time.sleep(1)\n"
        )
        outcome = place.script(source, wall=1.0)
        assert (outcome.cause, outcome.words) == (Cause.TIMEOUT, "ran longer than 1 s by the clock")
        assert outcome.seconds < 1.0 + KILL_SLACK

    def test_a_script_may_save_its_work_when_it_is_asked_to_end(self, place: Place) -> None:
        source = (
            "import signal, sys, time\n"
            "def save(*_):\n"
            "    open('out/submission.csv', 'w').write('best so far')\n"
            "    sys.exit(0)\n"
            "signal.signal(signal.SIGTERM, save)\n"
            "while True: time.sleep(1)\n"
        )
        outcome = place.script(source, wall=2.0, grace=1.0, artefacts=("submission.csv",))
        assert outcome.cause is Cause.TIMEOUT
        assert outcome.artefacts["submission.csv"].read_text() == "best so far"

    def test_a_limit_on_computing_is_of_the_whole_tree(self, place: Place) -> None:
        outcome = place.script("import os\nos.fork()\nwhile True: pass", cpu=0.5)
        assert outcome.cause is Cause.CPU
        assert outcome.cpu_seconds > 0.5

    def test_fifty_megabytes_of_output_are_kept_head_and_tail(self, place: Place) -> None:
        source = "print('first')\nfor _ in range(50): print(('x' * 79 + '\\n') * 13107)\nprint('last')"
        launch = place.launch(source, output=200 * MIB)
        parent = psutil.Process()
        before, peak = parent.memory_info().rss, [0]

        async def main() -> str:
            async def look() -> None:
                while True:
                    peak[0] = max(peak[0], parent.memory_info().rss)
                    await anyio.sleep(0.02)

            async with anyio.create_task_group() as group:
                group.start_soon(look)
                outcome = await place.executor.run(launch, Slot(index=0))
                group.cancel_scope.cancel()
            assert outcome.cause is Cause.OK
            return outcome.stdout

        stdout = anyio.run(main)
        assert stdout.startswith("first\n")
        assert stdout.endswith("last\n")
        assert "characters cut" in stdout
        assert len(stdout) < MIB
        assert peak[0] - before < 24 * MIB

    def test_more_output_than_allowed(self, place: Place) -> None:
        outcome = place.script("while True: print('x' * 1000)", output=10 * MIB)
        assert outcome.cause is Cause.OUTPUT
        assert len(outcome.stdout) < MIB

    def test_a_line_of_ten_megabytes(self, place: Place) -> None:
        outcome = place.script("print('x' * (10 << 20)); print('after')")
        assert outcome.cause is Cause.OK
        assert outcome.stdout.endswith("characters of this line cut]\nafter\n")
        assert len(outcome.stdout) < MIB

    def test_bytes_that_are_no_text(self, place: Place) -> None:
        outcome = place.script("import sys; sys.stdout.buffer.write(b'\\xff\\x00ok\\n')")
        assert outcome.stdout == "\ufffd\x00ok\n"

    def test_a_huge_file(self, place: Place) -> None:
        source = "out = open('out/big', 'wb')\nfor _ in range(200): out.write(b'x' * (1 << 20))"
        assert place.script(source, disk=20 * MIB).cause is Cause.DISK

    def test_many_large_files(self, place: Place) -> None:
        source = "import time\nfor i in range(4): open(f'out/{i}', 'wb').write(b'x' * (10 << 20))\ntime.sleep(10)\n"
        assert place.script(source, disk=20 * MIB).cause is Cause.DISK

    def test_a_deleted_file_takes_room_as_well(self, place: Place) -> None:
        source = (
            "import os, time\n"
            "held = []\n"
            "for i in range(4):\n"
            "    held.append(open('out/gone', 'wb'))\n"
            "    held[-1].write(b'x' * (10 << 20))\n"
            "    held[-1].flush()\n"
            "    os.unlink('out/gone')\n"
            "time.sleep(10)\n"
        )
        assert place.script(source, disk=20 * MIB).cause is Cause.DISK

    def test_a_folder_that_hides_what_it_holds(self, place: Place) -> None:
        source = (
            "import os, time\n"
            "for _ in range(30):\n"
            "    os.mkdir('d' * 200)\n"
            "    os.chdir('d' * 200)\n"
            "open('hidden', 'w')\n"
            "time.sleep(10)\n"
        )
        outcome = place.script(source)
        assert outcome.cause is Cause.DISK
        assert "cannot be listed" in outcome.words

    def test_many_files(self, place: Place) -> None:
        source = "import time\nfor i in range(2000): open(f'out/{i}', 'w')\ntime.sleep(10)"
        assert place.script(source, files=500).cause is Cause.FILES

    def test_a_script_that_sleeps_for_ever(self, place: Place) -> None:
        assert place.script("import time; time.sleep(60)", stalled=0.6).cause is Cause.STALLED

    def test_a_silent_script_that_computes_is_left_alone(self, place: Place) -> None:
        source = "import time\nend = time.time() + 1.4\nwhile time.time() < end: pass"
        assert place.script(source, stalled=0.7).cause is Cause.OK

    def test_a_loss_that_is_not_a_number(self, place: Place) -> None:
        source = "import time\nprint('epoch 1/20 loss nan', flush=True)\ntime.sleep(60)"
        outcome = place.script(source)
        assert outcome.cause is Cause.NOT_A_NUMBER
        assert "loss nan" in outcome.words
        assert place.script("print('loss nan')", early_stop=False).cause is Cause.OK

    def test_progress_that_cannot_reach_its_end(self, place: Place) -> None:
        source = "import time\nfor i in range(1, 101):\n    print(f'split {i}/100', flush=True)\n    time.sleep(0.1)\n"
        outcome = place.script(source, wall=4.0)
        assert outcome.cause is Cause.PROJECTED

    def test_a_run_that_is_cancelled_leaves_nothing(self, place: Place) -> None:
        launch = place.launch("import os, time\nos.fork()\nprint('up', flush=True)\ntime.sleep(60)")
        seen: list[int] = []

        async def main() -> None:
            async with anyio.create_task_group() as group:

                def stop(line: str) -> None:
                    seen.append(len(survivors(launch)))
                    group.cancel_scope.cancel()

                await place.executor.run(launch, Slot(index=0), stop)

        anyio.run(main)
        assert seen[0] > 0
        assert survivors(launch) == []

    @pytest.mark.parametrize(
        ("act", "reason"),
        [
            ("os.symlink({secret!r}, 'out/submission.csv')", "is a link"),
            ("open('out/a', 'w'); os.link('out/a', 'out/submission.csv')", "hard link"),
            ("os.mkfifo('out/submission.csv')", "not a regular file"),
            ("os.mkdir('out/submission.csv')", "not a regular file"),
            ("open('out/submission.csv', 'w').truncate(1 << 30)", "over the limit"),
            ("os.rmdir('out'); os.symlink({folder!r}, 'out')", "lies behind one"),
        ],
    )
    def test_what_pretends_to_be_an_artefact_is_refused(self, place: Place, act: str, reason: str) -> None:
        (place.answers.parent / "submission.csv").write_text("secret")
        act = act.format(secret=str(place.answers), folder=str(place.answers.parent))
        outcome = place.script(f"import os\n{act}", artefacts=("submission.csv",))
        assert outcome.artefacts == {}
        assert reason in outcome.refused_artefacts["submission.csv"]


class IsolationContract(ExecutorContract):
    """Isolation: a script can access nothing that it was not given."""

    def test_no_file_but_its_own_is_there(self, place: Place, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("a secret")
        paths = [str(secret), str(place.answers), str(place.folder), "/gome/data/../private", "/etc/shadow", __file__]
        outcome = place.script(
            "import os, sys\n"
            "for path in sys.argv[1:]:\n"
            "    try: print(os.listdir(path) if os.path.isdir(path) else open(path).read())\n"
            "    except OSError: print('closed')\n",
            *paths,
        )
        assert outcome.stdout.splitlines() == ["closed"] * len(paths)

    def test_nothing_can_be_written_outside(self, place: Place) -> None:
        places = ["/", "/usr", "/usr/lib", "/gome", "/gome/data", "/proc", "/sys", "/dev", "/etc", str(place.folder)]
        outcome = place.script(
            "import pathlib, sys\n"
            "for folder in sys.argv[1:]:\n"
            "    try: pathlib.Path(folder, 'mine').write_text('x'); print(folder)\n"
            "    except OSError: pass\n"
            "    try: open(folder + '/train.csv', 'a'); print('data')\n"
            "    except OSError: pass\n",
            *places,
        )
        assert outcome.cause is Cause.OK
        assert outcome.stdout == ""

    def test_the_environment_of_no_other_process_can_be_read(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOME_API_KEY", "sk-secret")
        outcome = place.script(
            "import pathlib\n"
            "for path in pathlib.Path('/proc').glob('*/environ'):\n"
            "    try: print(path, path.read_bytes())\n"
            "    except OSError: pass\n"
        )
        assert outcome.cause is Cause.OK
        assert "sk-secret" not in outcome.stdout

    def test_there_is_no_network(self, place: Place) -> None:
        heard: list[str] = []

        async def main() -> str:
            async with (
                await anyio.create_tcp_listener(local_host="127.0.0.1") as tcp,
                await anyio.create_udp_socket(local_host="127.0.0.1") as udp,
                await anyio.create_unix_listener(place.folder / "socket"),
            ):
                ports = [str(each.extra(attribute=SocketAttribute.local_port)) for each in (tcp.listeners[0], udp)]
                launch = place.launch(_CALLS, *ports, str(place.folder / "socket"))
                outcome = await place.executor.run(launch, Slot(index=0))
                with anyio.move_on_after(0.05):
                    packet, _ = await udp.receive()
                    heard.append(packet.decode())
                return outcome.stdout + outcome.stderr

        told = anyio.run(main)
        assert told.splitlines() == ["tcp closed", "tcp out closed", "unix closed", "udp tried"]
        assert heard == []

    def test_no_more_rights_are_to_be_had(self, place: Place) -> None:
        source = (
            "import ctypes\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            "print('user namespace', libc.unshare(0x10000000))\n"
            "print('mount', libc.mount(b'none', b'out', b'tmpfs', 0, None))\n"
            "print(*[line for line in open('/proc/self/status') if line.startswith('CapEff')])\n"
        )
        rights = f"CapEff:\t{0:016x}"
        assert place.script(source).stdout.splitlines() == ["user namespace -1", "mount -1", rights]


class NamespaceContract(IsolationContract):
    """Isolation of the strongest level: separate processes and tmpfs folders."""

    def test_the_memory_behind_files_has_an_end(self, place: Place) -> None:
        source = (
            "import errno\n"
            "for folder in ('/dev/shm', '/tmp'):\n"
            "    try:\n"
            "        with open(folder + '/fill', 'wb') as out:\n"
            "            for _ in range(256): out.write(b'x' * (1 << 20))\n"
            "    except OSError as error: print(errno.errorcode[error.errno])\n"
        )
        assert place.script(source, memory=128 * MIB).stdout.split() == ["ENOSPC", "ENOSPC"]

    def test_it_cannot_change_its_own_file(self, place: Place) -> None:
        assert "Read-only file system" in place.script("open(__file__, 'a')").stderr

    def test_it_is_alone(self, place: Place) -> None:
        source = "import os; print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()), os.getuid())"
        processes, user = place.script(source).stdout.rsplit(maxsplit=1)
        assert processes == "[1, 2]"
        assert int(user) != 0


_CALLS = """
import socket, sys

def call(name, family, kind, address):
    try:
        with socket.socket(family, kind) as line:
            line.settimeout(2)
            line.connect(address)
            print(name, "open")
    except OSError:
        print(name, "closed")

tcp, udp, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
call("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", tcp))
call("tcp out", socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80))
call("unix", socket.AF_UNIX, socket.SOCK_STREAM, path)
try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(b"packet", ("127.0.0.1", udp))
except OSError:
    pass
print("udp tried")
"""
