"""Seccomp filter that denies system calls which scripts do not need, to reduce the kernel's attack surface.

The filter is a classic BPF program that the kernel runs on each call. It is available for x86_64 and aarch64; on other
machines there is no filter, and bubblewrap isolates without it.
"""

import platform
import struct

__all__ = ["program"]

_ARCHITECTURE, _NUMBER, _FIRST_ARGUMENT = 4, 0, 16
"""Offsets of the fields of `seccomp_data` that the program reads."""
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions: load a word, jump if equal, if at least, if a bit is set, return."""
_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050001, 0x00050026
"""Return values: allow; fail with EPERM; fail with ENOSYS, after which the C library falls back to an older call."""
_NEW_USER_NAMESPACE = 0x10000000
_FOREIGN = 0x40000000
"""Numbers from here on belong to another calling convention (x32)."""

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_UNSHARE = {"x86_64": 272, "aarch64": 97}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_CLONE3 = 435
_REFUSED = {
    "x86_64": {
        "ptrace": 101, "syslog": 103, "pivot_root": 155, "chroot": 161, "mount": 165, "umount2": 166, "swapon": 167,
        "reboot": 169, "init_module": 175, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
        "perf_event_open": 298, "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "finit_module": 313,
        "bpf": 321, "userfaultfd": 323,
    },
    "aarch64": {
        "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "kexec_load": 104, "init_module": 105,
        "syslog": 116, "ptrace": 117, "reboot": 142, "add_key": 217, "request_key": 218, "keyctl": 219, "swapon": 224,
        "perf_event_open": 241, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "finit_module": 273,
        "bpf": 280, "userfaultfd": 282,
    },
}  # fmt: skip
_REFUSED_EVERYWHERE = {
    "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "mount_setattr": 442,
}  # fmt: skip


def program(machine: str = platform.machine(), *, sockets: bool = True) -> bytes:
    """The filter for a machine in the kernel's format, eight bytes per instruction; empty for an unknown machine.

    `sockets=False` denies `socket`; `socketpair` stays allowed, because its sockets are connected to each other only.
    """
    if machine not in _MACHINES:
        return b""
    refused = sorted({**_REFUSED[machine], **_REFUSED_EVERYWHERE}.values())
    if not sockets:
        refused.append(_SOCKET[machine])
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _FOREIGN),
        (_RETURN, 0, 0, _REFUSE),
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _UNKNOWN),
    ]
    for number in refused:
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    code += [
        (_EQUAL, 1, 0, _CLONE[machine]),
        (_EQUAL, 0, 3, _UNSHARE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _NEW_USER_NAMESPACE),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
