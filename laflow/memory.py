"""How much memory there is, and how a number of bytes is told."""

import os


def available_memory() -> int:
    """Bytes of memory that can be had without swapping, as the system tells."""
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            for line in stream:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))


def readable(size: int) -> str:
    """A number of bytes as text."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024.0:
            return f"{amount:.0f} {unit}" if amount >= 100.0 else f"{amount:.3g} {unit}"
        amount /= 1024.0
    return f"{amount:.3g} TiB"
