"""A real process that is killed with SIGKILL repeatedly, and the syncs of a log."""

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gome.bus.store.reader import LogReader
from tests.bus.program import VOCABULARY
from tests.bus.test_crashes import check

SEED = 47  # a program of about eighty messages


def command(folder: Path, calls: Path) -> list[str]:
    return [sys.executable, "-m", "tests.bus.relay_process", str(folder), str(SEED), str(calls)]


def live(folder: Path, calls: Path, seen: int | None) -> int:
    """Run the process, and kill it once it has received that many messages that no earlier process received."""
    with subprocess.Popen(command(folder, calls), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        known = 0
        if (folder / "log.sqlite").exists() and seen is not None:
            with LogReader(folder, VOCABULARY) as reader:
                last = reader.last()
                known = last.seq if last else 0
        for line in child.stdout:
            if seen is not None and int(line) >= known + seen:
                child.kill()
                break
        child.stdout.read()
    return child.returncode


def test_a_killed_process_goes_on_where_it_was(tmp_path: Path) -> None:
    folder, calls = tmp_path / "run", tmp_path / "calls"
    kills = 0
    while live(folder, calls, seen=5 + 5 * kills % 9) != 0:
        kills += 1
        assert kills < 100
    counted = Counter(tuple(line.split()) for line in calls.read_text().splitlines())
    check(folder, SEED, Counter({(actor, message, int(place)): n for (actor, message, place), n in counted.items()}))
    assert kills >= 5


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <fcntl.h>
#include <unistd.h>
static int counted(const char *name, int fd) {
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, name);
    int file = open(getenv("SYNCS"), O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (write(file, "s", 1) != 1) abort();
    close(file);
    return real(fd);
}
int fsync(int fd) { return counted("fsync", fd); }
int fdatasync(int fd) { return counted("fdatasync", fd); }
"""


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler")
def test_every_commit_is_synced(tmp_path: Path) -> None:
    """Count syncs between the process and its C library: SIGKILL alone would not reveal a missing sync."""
    (tmp_path / "shim.c").write_text(SHIM)
    shim, syncs = tmp_path / "shim.so", tmp_path / "syncs"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c", "-ldl"], check=True)
    script = (
        "import anyio, os, pathlib, sys\n"
        "from gome.bus.store.sqlite import open_log\n"
        "from tests.bus.town import VOCABULARY, ask\n"
        "def syncs(): return os.stat(os.environ['SYNCS']).st_size\n"
        "async def main():\n"
        "    async with open_log(pathlib.Path(sys.argv[1]), 'r1', vocabulary=VOCABULARY) as log:\n"
        "        before = syncs()\n"
        "        for number in range(50):\n"
        "            (asked,) = await log.append('user', [ask(number)])\n"
        "            assert syncs() > before, 'appended without a sync'\n"
        "            before = syncs()\n"
        "            await log.commit('a-0', asked, [])\n"
        "            assert syncs() > before, 'committed without a sync'\n"
        "            before = syncs()\n"
        "        for number in range(50):\n"
        "            log.tell('a-0', 'event', '{}')\n"
        "        await anyio.sleep(0.6)\n"
        "        assert syncs() == before, 'telemetry alone was synced'\n"
        "anyio.run(main)\n"
    )
    environment = {"LD_PRELOAD": str(shim), "SYNCS": str(syncs), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "run")], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert syncs.stat().st_size >= 100
    with LogReader(tmp_path / "run", VOCABULARY) as reader:
        assert reader.sql("SELECT count(*) FROM telemetry")[1] == [(50,)]
