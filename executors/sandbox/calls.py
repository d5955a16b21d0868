"""System calls that scripts are denied, by number, and how the kernel answers them instead.

Three kinds: calls that no solution needs and that reach other processes, the kernel's settings or state that outlives a
script; calls that are harmless with some arguments only; and, where scripts see real paths, calls that change a file's
attributes, which Landlock does not check.
"""

import errno
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Answer", "Is", "Rule", "rules"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a denied call returns: an error number. 0 is success, although nothing was done."""

    number: int


@dataclass(frozen=True, slots=True)
class Is:
    """A condition on the low 32 bits of an argument (from 0).

    `mask` alone: one of its bits is set. `values`: it is one of them. `negated`: the opposite.
    """

    argument: int
    values: tuple[int, ...] = ()
    mask: int = 0
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A call is answered by `answer` where all conditions hold."""

    call: int
    answer: Answer
    conditions: tuple[Is, ...] = ()


_DENIED = Answer(errno.EPERM)
_UNKNOWN = Answer(errno.ENOSYS)
"""After this the C library and other callers fall back to an older call."""
_NO_FAMILY = Answer(errno.EAFNOSUPPORT)
_UNSUPPORTED = Answer(errno.EOPNOTSUPP)
_NOTHING = Answer(0)

_FAMILIES = (1, 2, 10, 16)
"""Families of sockets that a network namespace contains: unix, inet, inet6, netlink. Others, as vsock, reach out."""
_UNIX = (1,)
_CONNECTED = tuple(kind | flags for kind in (1, 5) for flags in (0, 0x800, 0x80000, 0x80800))
"""Types of socket pairs that stay connected to each other: streams and packets, with or without the two flags. A
datagram socket can be connected anew, to any socket of the machine that has a path."""
_NEW_USER_NAMESPACE = 0x10000000
_OF_A_USER = (2,)
_CREATES = 0x40
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID
_DONT_NEED = (4,)
_PAGE_OUT = (20, 21)
_IOCTLS_OF_FILES = (0x40086602, 0x40046602, 0x401C5820, 0x40087602, 0x40806685, 0x800C6613, 0x400C6615)
"""Flags, project and version of a file, fs-verity, encryption: all may be set through a descriptor for reading."""
_IOCTLS_OF_TERMINALS = (0x5412, 0x541C)
"""Characters typed in the user's place."""

_NEVER = {
    "x86_64": {
        "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66, "msgget": 68, "msgsnd": 69,
        "msgrcv": 70, "msgctl": 71, "ptrace": 101, "syslog": 103, "vhangup": 153, "pivot_root": 155, "adjtimex": 159,
        "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168,
        "reboot": 169, "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176, "quotactl": 179,
        "lookup_dcookie": 212, "semtimedop": 220, "clock_settime": 227, "mq_open": 240, "mq_unlink": 241,
        "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "ioprio_set": 251, "migrate_pages": 256,
        "move_pages": 279, "perf_event_open": 298, "fanotify_init": 300, "open_by_handle_at": 304, "clock_adjtime": 305,
        "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313,
        "sched_setattr": 314, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323, "mincore": 27,
    },
    "aarch64": {
        "lookup_dcookie": 18, "ioprio_set": 30, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51,
        "vhangup": 58, "quotactl": 60, "acct": 89, "kexec_load": 104, "init_module": 105, "delete_module": 106,
        "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142, "settimeofday": 170, "adjtimex": 171,
        "mq_open": 180, "mq_unlink": 181, "msgget": 186, "msgctl": 187, "msgrcv": 188, "msgsnd": 189, "semget": 190,
        "semctl": 191, "semtimedop": 192, "semop": 193, "shmget": 194, "shmctl": 195, "shmat": 196, "add_key": 217,
        "request_key": 218, "keyctl": 219, "swapon": 224, "swapoff": 225, "mincore": 232, "migrate_pages": 238,
        "move_pages": 239, "perf_event_open": 241, "fanotify_init": 262, "open_by_handle_at": 265, "clock_adjtime": 266,
        "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273,
        "sched_setattr": 274, "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294,
    },
    "all": {
        "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
        "fspick": 433, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443,
        "process_mrelease": 448, "open_tree_attr": 467, "file_setattr": 469,
    },
}  # fmt: skip
"""Not to be had at all. System V and POSIX queues outlive a script; `mincore` tells what earlier scripts have read."""
_MISSING = {
    "x86_64": {"memfd_create": 319},
    "aarch64": {"memfd_create": 279},
    "all": {"clone3": 435, "openat2": 437, "memfd_secret": 447, "cachestat": 451},
}
"""Answered as on an older kernel: no filter reads the arguments of clone3 and openat2, nothing measures a memfd."""
_IDLE = {
    "x86_64": {"sched_setparam": 142, "sched_setscheduler": 144, "readahead": 187, "sched_setaffinity": 203},
    "aarch64": {"sched_setparam": 118, "sched_setscheduler": 119, "sched_setaffinity": 122, "readahead": 213},
}
"""Advice to the kernel: the call succeeds and does nothing."""
_OWNERS = {
    "x86_64": {"chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260},
    "aarch64": {"fchownat": 54, "fchown": 55},
}
_MODES = {
    "x86_64": {"chmod": 90, "fchmod": 91, "fchmodat": 268},
    "aarch64": {"fchmod": 52, "fchmodat": 53},
    "all": {"fchmodat2": 452},
}  # fmt: skip
_TIMES = {
    "x86_64": {"utime": (132, 1), "utimes": (235, 1), "futimesat": (261, 2), "utimensat": (280, 2)},
    "aarch64": {"utimensat": (88, 2)},
}
"""With the argument that points to the times. None means now: `touch` then creates a file where the call fails."""
_ATTRIBUTES = {
    "x86_64": {"setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198,
               "fremovexattr": 199},
    "aarch64": {"setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15,
                "fremovexattr": 16},
    "all": {"setxattrat": 463, "removexattrat": 466},
}  # fmt: skip
_MODE_ARGUMENTS = {
    "x86_64": {"chmod": (90, 1), "fchmod": (91, 1), "creat": (85, 1), "mknod": (133, 1), "mknodat": (259, 2),
               "fchmodat": (268, 2)},
    "aarch64": {"mknodat": (33, 2), "fchmod": (52, 1), "fchmodat": (53, 2)},
    "all": {"fchmodat2": (452, 2)},
}  # fmt: skip
"""Calls with the argument that is a file's mode."""
_OPENING = {"x86_64": ((2, 1), (257, 2)), "aarch64": ((56, 2),)}
"""`open` and `openat` with the argument that holds the flags; the mode is the next one."""
_BY_ARGUMENT = {
    "x86_64": {"ioctl": 16, "madvise": 28, "socket": 41, "socketpair": 53, "clone": 56, "setpriority": 141,
               "fadvise64": 221, "unshare": 272, "prlimit64": 302, "preadv2": 327},
    "aarch64": {"ioctl": 29, "unshare": 97, "setpriority": 140, "socket": 198, "socketpair": 199, "clone": 220,
                "fadvise64": 223, "madvise": 233, "prlimit64": 261, "preadv2": 286},
}  # fmt: skip


def rules(machine: str, *, sockets: bool, real_paths: bool) -> Iterator[Rule]:
    """The rules for a machine (`x86_64`, `aarch64`); of two rules for one call the first that holds counts.

    Args:
        machine: As `platform.machine` names it; must be one of the two.
        sockets: Whether sockets may be created (in a network namespace of the script's own).
        real_paths: Whether the script sees the machine's own files, whose attributes must be kept.
    """
    for table, answer in ((_NEVER, _DENIED), (_MISSING, _UNKNOWN), (_IDLE, _NOTHING)):
        yield from _whole(table, machine, answer)
    if real_paths:
        for table, answer in ((_OWNERS, _DENIED), (_MODES, _NOTHING), (_ATTRIBUTES, _UNSUPPORTED)):
            yield from _whole(table, machine, answer)
        for call, argument in _TIMES[machine].values():
            yield Rule(call, _DENIED, (Is(argument, (0,)),))
            yield Rule(call, _NOTHING)
    for call, argument in (*_MODE_ARGUMENTS[machine].values(), *_MODE_ARGUMENTS["all"].values()):
        yield Rule(call, _DENIED, (Is(argument, mask=_SPECIAL_BITS),))
    for call, argument in _OPENING[machine]:
        yield Rule(call, _DENIED, (Is(argument, mask=_CREATES), Is(argument + 1, mask=_SPECIAL_BITS)))
    yield from _by_argument(_BY_ARGUMENT[machine], sockets)


def _whole(table: Mapping[str, Mapping[str, int]], machine: str, answer: Answer) -> Iterator[Rule]:
    for number in (*table[machine].values(), *table.get("all", {}).values()):
        yield Rule(number, answer)


def _by_argument(numbers: Mapping[str, int], sockets: bool) -> Iterator[Rule]:
    """Rules that depend on arguments: other processes, families of sockets, and what of a file lies in memory."""
    for name in ("clone", "unshare"):
        yield Rule(numbers[name], _DENIED, (Is(0, mask=_NEW_USER_NAMESPACE),))
    yield Rule(numbers["prlimit64"], _DENIED, (Is(0, (0,), negated=True),))
    yield Rule(numbers["setpriority"], _DENIED, (Is(0, _OF_A_USER),))
    yield Rule(numbers["setpriority"], _DENIED, (Is(1, (0,), negated=True),))
    yield Rule(numbers["socket"], _NO_FAMILY, (Is(0, _FAMILIES, negated=True),) if sockets else ())
    yield Rule(numbers["socketpair"], _NO_FAMILY, (Is(0, _UNIX, negated=True),))
    if not sockets:
        yield Rule(numbers["socketpair"], _UNSUPPORTED, (Is(1, _CONNECTED, negated=True),))
    yield Rule(numbers["preadv2"], _UNSUPPORTED, (Is(5, (0,), negated=True),))
    yield Rule(numbers["fadvise64"], _NOTHING, (Is(3, _DONT_NEED),))
    yield Rule(numbers["madvise"], _NOTHING, (Is(2, _PAGE_OUT),))
    yield Rule(numbers["ioctl"], _DENIED, (Is(1, (*_IOCTLS_OF_FILES, *_IOCTLS_OF_TERMINALS)),))
