"""Runs inside a warm interpreter (the template): forks each script into its own namespaces, which end with the script.

    template ──fork──► keeper, process 1 of new namespaces ──fork──► the script, process 2

The template has imported the libraries, computes nothing and is not visible from those namespaces. Every script gets a
new PID namespace, new mounts (/proc, /tmp, /dev/shm), new System V and POSIX IPC objects and a new network, and the
kernel removes them with the keeper. Template and keeper cannot be traced; the script drops all capabilities before its
first line. So nothing that a script leaves behind is visible to a later one.

This module runs in the scripts' interpreter and needs only the standard library.
"""

import atexit
import ctypes
import fcntl
import gc
import json
import os
import signal
import socket
import struct
import sys
import weakref
from pathlib import Path
from typing import Any

__all__ = ["ORDER", "READY", "WORK", "enclose", "serve"]

READY = b"ready\n"
"""Sent by a template that can take scripts; after each script it sends one line of JSON."""
ORDER = 1 << 16
"""Maximum bytes of the line of JSON that hands over a script. The output descriptors are sent with it."""
WORK = "/gome/work"
"""Folder in which a template finds the files of each script. The script's workspace is mounted over it last."""

_NEW_MOUNTS, _NEW_IPC, _NEW_PROCESSES, _NEW_NETWORK = 0x20000, 0x08000000, 0x20000000, 0x40000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8
_REMOUNT, _BIND, _ALL_BELOW, _PRIVATE = 32, 4096, 1 << 14, 1 << 18
_DUMPABLE, _SECCOMP, _SECCOMP_FILTER, _DROP_BOUNDING, _AMBIENT, _CLEAR_ALL = 4, 22, 2, 24, 47, 4
_CAPABILITIES_3 = 0x20080522
_SET_INTERFACE_FLAGS, _UP_AND_RUNNING = 0x8914, 0x1 | 0x40
_FAILED = 128
_TORCH_FIXED_SEED = 67280421310721
"""The constant seed with which some versions of torch start every process."""
_EVERY_SIGNAL = signal.valid_signals()

_libc = ctypes.CDLL(None, use_errno=True)
_kept: dict[str, Any] = {}
"""Modules of the template, which must not be finalised at a script's end."""


def enclose() -> None:
    """Continue as process 1 of a new PID namespace; the calling process waits for it and exits with its status.

    The template creates a PID namespace for each script and then returns to its own, which is allowed only for a
    namespace that it owns.
    """
    _call("unshare", _NEW_PROCESSES | _NEW_MOUNTS)
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(status if status >= 0 else _FAILED - status)
    _mount(None, "/", None, _ALL_BELOW | _PRIVATE)
    _mount("proc", "/proc", "proc", _NO_SUID | _NO_DEVICES | _NO_PROGRAMS | _READ_ONLY)
    atexit.register(_leave_modules)  # registered first, so called last


def serve(control: int, refused: bytes) -> list[str]:
    """Fork a script for each order on `control`. Returns only in the script, with its arguments.

    `refused` is the script's seccomp filter.
    """
    line = socket.socket(fileno=control)
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    _check({0, 1, 2, control, own})
    _settle()
    _call("prctl", _DUMPABLE, 0, 0, 0, 0)
    order: dict[str, Any] = {"rehearsal": True, "mounts": [], "arguments": []}
    while True:
        reader, writer = os.pipe()
        _call("unshare", _NEW_PROCESSES)
        keeper = os.fork()
        if keeper == 0:
            os.close(line.detach())
            os.close(own)
            return _keep(order, writer, refused)
        os.close(writer)
        _call("setns", own, _NEW_PROCESSES)
        for each in order.get("output", ()):
            os.close(each)
        _, _, used = os.wait4(keeper, 0)  # by now the kernel has ended all processes of its namespaces
        report = os.read(reader, ORDER).decode()
        os.close(reader)
        if order.get("rehearsal"):  # the first fork is a test without a script
            if report != "0" or len(list(Path("/proc/self/task").iterdir())) != 1:
                print(f"no script can be forked here: {report}", file=sys.stderr, flush=True)
                os._exit(1)
            line.sendall(READY)
        else:
            line.sendall(json.dumps({"told": report, "cpu": used.ru_utime + used.ru_stime}).encode() + b"\n")
        order = _ordered(line)


def _check(ours: set[int]) -> None:
    """Exit where a library has opened a descriptor or mapped shared writable memory: scripts would share these."""
    opened = {int(each) for each in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{each}")}  # noqa: PTH110, PTH208
    shared = [each for each in Path("/proc/self/maps").read_text().splitlines() if each.split()[1][1::2] == "ws"]
    if opened - ours or shared:
        print(f"libraries keep descriptors {opened - ours} open and share memory {shared}", file=sys.stderr, flush=True)
        os._exit(1)


def _settle() -> None:
    """Exclude the imported modules from garbage collection and finalisation, so that forks keep sharing their pages."""
    for each in list(getattr(weakref.finalize, "_registry", ())):
        each.atexit = False
    _kept.update(sys.modules)
    for name in ("sys", "builtins", "__main__"):
        _kept.pop(name, None)
    python, script = ctypes.pythonapi, ctypes.py_object(vars(sys.modules["__main__"]))
    python.Py_IncRef(ctypes.py_object(_kept))
    gc.collect()
    tracked = gc.is_tracked(script.value)
    python.PyObject_GC_UnTrack(script)
    gc.freeze()
    if tracked:  # the script's own globals must be collected at its end
        python.PyObject_GC_Track(script)


def _leave_modules() -> None:
    """At a script's end, keep the template's modules from being finalised, which would take 0.3 s."""
    for name in _kept:
        sys.modules.pop(name, None)


def _ordered(line: socket.socket) -> dict[str, Any]:
    """Wait for the next order; exit where the other end has closed."""
    received = b""
    output: list[int] = []
    while not received.endswith(b"\n"):
        chunk, descriptors, _, _ = socket.recv_fds(line, ORDER, 2)
        if not chunk:
            os._exit(0)
        received += chunk
        output.extend(descriptors)
    order: dict[str, Any] = json.loads(received)
    return {**order, "output": output}


def _keep(order: dict[str, Any], report: int, refused: bytes) -> list[str]:
    """Run as the keeper: create namespaces, fork the script, report its end and exit. Returns only in the script."""
    try:
        os.setsid()
        # Signals stay blocked in the keeper: a handler would let the script interrupt it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _EVERY_SIGNAL)
        os.chdir("/")  # leave the folder that the script's mounts will cover
        _furnish(order["mounts"])
        _give_up_rights()
        script = os.fork()
        if script == 0:
            return _become(order, before, refused)
        for each in order.get("output", ()):
            os.close(each)
        while True:
            ended, status = os.wait()
            if ended == script:
                break
        os.write(report, str(os.waitstatus_to_exitcode(status)).encode())
    except BaseException as error:  # noqa: BLE001 - whatever it is, a keeper never goes on as the template
        os.write(report, f"failed: {error!r}".encode()[:ORDER])
    os._exit(0)


def _become(order: dict[str, Any], signals: set[int | signal.Signals], refused: bytes) -> list[str]:
    """Prepare the fork to run the script: only descriptors 0 to 2, new random seeds, seccomp filter, signals."""
    try:
        if order.get("rehearsal"):
            os._exit(0)
        for number, each in enumerate((os.open(os.devnull, os.O_RDONLY), *order["output"])):
            os.dup2(each, number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.chdir(WORK)
        _seed()
        _end_quickly()
        _call("prctl", _DUMPABLE, 1, 0, 0, 0)
        _filter(refused)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    except BaseException as error:  # noqa: BLE001 - it must not go on half made
        os.write(2, f"cannot become the script: {error!r}\n".encode())
        os._exit(_FAILED - 1)
    arguments: list[str] = order["arguments"]
    return arguments


def _seed() -> None:
    """Reseed the global generators of numpy and torch, which forks share. `random` reseeds itself after a fork."""
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()
    if (torch := sys.modules.get("torch")) is not None and torch.initial_seed() != _TORCH_FIXED_SEED:
        torch.default_generator.seed()


def _furnish(mounts: list[tuple[str, str]]) -> None:
    """Enter new namespaces and mount the files of one script over the template's mounts."""
    _call("unshare", _NEW_MOUNTS | _NEW_IPC | _NEW_NETWORK)
    _mount(None, "/", None, _ALL_BELOW | _PRIVATE)
    _mount("proc", "/proc", "proc", _NO_SUID | _NO_DEVICES | _NO_PROGRAMS | _READ_ONLY)
    _mount("devpts", "/dev/pts", "devpts", _NO_SUID | _NO_PROGRAMS, "newinstance,ptmxmode=0666,mode=620")
    seen = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for folder in ("/tmp", "/dev/shm"):  # noqa: S108 - the sandbox's own
        _empty(folder, [each for each in seen if each.startswith(f"{folder}/")])
    for name, target in mounts:
        _mount(f"{WORK}/{name}", target, None, _BIND)
        if target != WORK:
            kept = os.statvfs(target).f_flag & (_NO_SUID | _NO_DEVICES | _NO_PROGRAMS)
            _mount(None, target, None, _BIND | _REMOUNT | _READ_ONLY | kept)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))


def _empty(folder: str, below: list[str]) -> None:
    """Mount a new tmpfs over `folder`, with the same size and owner, and keep the mounts `below` it visible."""
    held = {each: os.open(each, os.O_PATH | os.O_CLOEXEC) for each in below}
    like, room = Path(folder).stat(), os.statvfs(folder)
    options = f"mode=1777,size={room.f_blocks * room.f_frsize},uid={like.st_uid},gid={like.st_gid}"
    _mount("tmpfs", folder, "tmpfs", _NO_SUID | _NO_DEVICES, options)
    for each, descriptor in held.items():
        place = Path(each)
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        _mount(f"/proc/self/fd/{descriptor}", each, None, _BIND)
        os.close(descriptor)


def _give_up_rights() -> None:
    """Drop all capabilities from every set."""
    number = 0
    while _libc.prctl(_DROP_BOUNDING, number, 0, 0, 0) == 0:
        number += 1
    _call("prctl", _AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _call("capset", (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0), (ctypes.c_uint32 * 6)())


def _filter(program: bytes) -> None:
    """Install the seccomp filter, where there is one."""
    if program:
        code = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
        _call("prctl", _SECCOMP, _SECCOMP_FILTER, header, 0, 0)


def _end_quickly() -> None:
    """Have `exit` run only handlers that the script's own libraries register, flush C streams, and end the process.

    Handlers of the template's libraries are skipped. Where the C library has no `on_exit`, they run as usual.
    """
    if hasattr(_libc, "on_exit"):
        _libc.on_exit(ctypes.cast(_libc._exit, ctypes.c_void_p), None)
        _libc.__cxa_atexit(ctypes.cast(_libc.fflush, ctypes.c_void_p), None, None)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    _call("mount", _bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(options))


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def _call(name: str, *arguments: Any) -> None:
    """Call a function of the C library. Raises OSError where it fails."""
    if getattr(_libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
