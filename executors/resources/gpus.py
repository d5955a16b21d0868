"""Find GPUs in the NVIDIA driver's /proc files, without a subprocess or a CUDA context."""

import re
from pathlib import Path

__all__ = ["gpus"]

_MINOR = re.compile(r"^Device Minor:\s*(\d+)", re.MULTILINE)


def gpus(driver: Path = Path("/proc/driver/nvidia"), devices: Path = Path("/dev")) -> tuple[int, ...]:
    """Numbers N of the devices /dev/nvidiaN that the driver lists and that exist (a container may hide some)."""
    found = (_MINOR.search(path.read_text()) for path in driver.glob("gpus/*/information"))
    numbers = sorted(int(each[1]) for each in found if each is not None)
    return tuple(number for number in numbers if (devices / f"nvidia{number}").exists())
