"""Extract from a script's output its last Python error and the line of the script that raised it."""

import re

__all__ = ["last_error"]

_ERROR = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
_LINE = re.compile(r'^\s+File "[^"]*solution\.py", line (?P<line>\d+)')
_LONGEST, _LONGEST_LINE = 200, 120


def last_error(printed: str) -> str:
    """The last error as `KeyError, line 32 (row["hour"]): 'hour'`; empty if there is no traceback.

    The part after the colon is the error's own message, which may contain cells of the data.
    """
    lines = printed.splitlines()
    begins = [at for at, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if not begins:
        return ""
    place, code, awaited = "", "", False
    for line in lines[begins[-1] + 1 :]:
        if awaited:
            code, awaited = f" ({line.strip()[:_LONGEST_LINE]})", False
        elif found := _LINE.match(line):
            place, awaited = found["line"], True
        elif not line.startswith((" ", "\t")) and (error := _ERROR.match(line)):
            where = f", line {place or '?'}{code}"
            message = f": {error['message'][:_LONGEST]}" if error["message"] else ""
            return f"{error['type']}{where}{message}"
    return ""
