"""Seccomp filter that denies system calls which scripts do not need: a program that the kernel runs on each call.

The rules are in `calls`; this module assembles them to classic BPF. The filter is available for x86_64 and aarch64; on
other machines there is none, and bubblewrap isolates without it.
"""

import platform
import struct
from functools import cache
from itertools import groupby

from gome.executors.sandbox.calls import Answer, Is, Rule, rules

__all__ = ["program"]

_ARCHITECTURE, _NUMBER, _ARGUMENTS = 4, 0, 16
"""Offsets of the fields of `seccomp_data` that the program reads; arguments have 8 bytes, the low half first."""
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions: load a word, jump if equal, if at least, if a bit is set, return."""
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_EPERM = 1
_FOREIGN = 0x40000000
"""Numbers from here on belong to another calling convention (x32)."""

_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_Instruction = tuple[int, int, int, int]
"""Operation, jump where true, jump where false (both relative), operand."""


@cache
def program(machine: str = platform.machine(), *, sockets: bool = True, real_paths: bool = False) -> bytes:
    """The filter for a machine in the kernel's format, eight bytes per instruction; empty for an unknown machine.

    `sockets=False` denies `socket`; `socketpair` stays allowed for sockets that are connected to each other only.
    `real_paths=True` keeps the attributes of files as they are.
    """
    if machine not in _MACHINES:
        return b""
    code: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, _FAIL | _EPERM),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _FOREIGN),
        (_RETURN, 0, 0, _FAIL | _EPERM),
    ]
    given = sorted(rules(machine, sockets=sockets, real_paths=real_paths), key=lambda rule: rule.call)
    for call, of_call in groupby(given, key=lambda rule: rule.call):
        block = [each for rule in of_call for each in _checked(rule)]
        code += [(_EQUAL, 0, len(block) + 1, call), *block, (_RETURN, 0, 0, _ALLOW)]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _checked(rule: Rule) -> list[_Instruction]:
    """Return the rule's answer where its conditions hold, else go on behind."""
    code: list[_Instruction] = [_returned(rule.answer)]
    for condition in reversed(rule.conditions):
        code = [*_condition(condition, len(code)), *code]
    return code


def _condition(condition: Is, behind: int) -> list[_Instruction]:
    """Go on where the condition holds, else jump over the `behind` instructions that follow."""
    tests = [(_EQUAL, value) for value in condition.values] or [(_ANY_BIT, condition.mask)]
    code: list[_Instruction] = [(_LOAD, 0, 0, _ARGUMENTS + 8 * condition.argument)]
    for place, (test, operand) in enumerate(tests):
        left = len(tests) - 1 - place  # tests that follow
        if condition.negated:
            code.append((test, left + behind, 0, operand))
        else:
            code.append((test, left, 0 if left else behind, operand))
    return code


def _returned(answer: Answer) -> _Instruction:
    return _RETURN, 0, 0, _FAIL | answer.number
