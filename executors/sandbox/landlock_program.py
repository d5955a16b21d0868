"""Program of the landlock level: restricts its own process by Landlock and seccomp, then executes a command.

    python -I -S landlock_program.py FD COMMAND...

FD holds JSON: `read` and `write`, lists of paths; `filter`, a seccomp program in hexadecimal digits. It is a separate
program because the restrictions cannot be undone. It needs only the standard library.
"""

import ctypes
import json
import os
import stat
import struct
import sys

__all__ = ["ABI_NEEDED", "abi", "main"]

ABI_NEEDED = 3
"""Older kernels (before 6.2) cannot forbid truncating a file."""

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_NO_NEW_PRIVILEGES, _SECCOMP, _SECCOMP_FILTER = 38, 22, 2

_EXECUTE, _WRITE, _READ, _LIST, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_ALL = {3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_NOW = (1 << 16) - 1
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
_TCP = 0b11
_SCOPES = 0b11
"""No signals and no abstract sockets to processes outside."""

_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """The kernel's Landlock version; 0 where it has none."""
    version: int = _libc.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)
    return max(0, version)


def main(options: int, command: list[str]) -> None:
    """Restrict this process and replace it by `command`. Raises OSError where the kernel refuses."""
    with os.fdopen(options) as file:
        rules = json.load(file)
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _restrict(rules["read"], rules["write"])
    _filter(bytes.fromhex(rules["filter"]))
    os.execv(command[0], command)  # noqa: S606 (the very purpose)


def _restrict(read: list[str], write: list[str]) -> None:
    """Forbid access to all other files and, where the kernel supports it, TCP and signals to processes outside."""
    version = abi()
    every = _ALL.get(version, _ALL_NOW)
    attributes = struct.pack("=QQQ", every, _TCP, _SCOPES)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _checked(_libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0))
    for path in read:
        _allow(ruleset, path, _EXECUTE | _READ | _LIST)
    for path in write:
        _allow(ruleset, path, every & ~_EXECUTE)
    _checked(_libc.syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    """Allow access to a file, or to a folder and everything below it."""
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _OF_FILES
        rule = struct.pack("=Qi", access, place)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _filter(program: bytes) -> None:
    """Install the seccomp filter."""
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    _checked(_libc.prctl(_SECCOMP, _SECCOMP_FILTER, header, 0, 0))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
