"""Which GPUs there are, as the NVIDIA driver itself lists them: no process is started and no CUDA context is made."""

import re
from pathlib import Path

__all__ = ["gpus"]

_MINOR = re.compile(r"^Device Minor:\s*(\d+)", re.MULTILINE)


def gpus(driver: Path = Path("/proc/driver/nvidia"), devices: Path = Path("/dev")) -> tuple[int, ...]:
    """Numbers N of the devices /dev/nvidiaN that the driver knows and that are there (a container may hide some)."""
    found = (_MINOR.search(path.read_text()) for path in driver.glob("gpus/*/information"))
    numbers = sorted(int(each[1]) for each in found if each is not None)
    return tuple(number for number in numbers if (devices / f"nvidia{number}").exists())
