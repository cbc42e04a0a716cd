"""Peak memory of one gradient beyond its inputs, its result included, in a process of its own.

`python -m verify.benchmarks._footprint PLACE FILE` measures the candidate at PLACE in `candidates` and leaves its
gradient (I, K) in FILE (.npy). Whoever compiles runs once before: what compiling takes does not count, nor what that
run has left, which is given back before counting starts. What counts is resident memory: Linux only.
"""

import contextlib
import ctypes
import gc
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from verify.benchmarks import Options
from verify.benchmarks._in_turn import Candidate
from verify.benchmarks._peers import peers
from verify.benchmarks.gradient import LARGE_PROBLEM, SEED, TIME, our_candidates
from verify.instances import Instance, colors_instance

CHOICES = ((3, 2), (4, 2), (4, 3), (5, 3))
_MMAP_THRESHOLD = -3  # of mallopt(3)


def candidates(instance: Instance, options: Options) -> list[Candidate]:
    """laflow without memory to reuse, and the peers at the configurations of the large problem."""
    return [*our_candidates(instance, choices=CHOICES, single=options.single, reuse=False), *peers(instance, options)]


def names(options: Options) -> list[tuple[str, str]]:
    """Who and with what configuration, in order."""
    tiny = colors_instance((8, 8), 3, time=TIME, seed=SEED)
    return [(candidate.who, candidate.config) for candidate in candidates(tiny, options)]


def measure(place: int, path: Path, options: Options) -> float:
    """Peak MB of the candidate at `place`, in a new process; its gradient is left in `path`."""
    flags = [str(options.threads), "" if options.compiled else "--eager", "--float32" if options.single else ""]
    command = [sys.executable, "-m", "verify.benchmarks._footprint", str(place), str(path), *flags]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(finished.stdout.splitlines()[-1]))


def _main(place: int, path: Path, options: Options) -> float:
    _give_back_freed_memory()
    shape, labels = LARGE_PROBLEM
    instance = colors_instance(shape, labels, time=TIME, seed=SEED)
    chosen = candidates(instance, options)[place]
    if not chosen.who.startswith("SciPy"):  # which compiles nothing, and takes long
        chosen.compute()
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    # From here on the kernel records the peak anew, so that building the inputs does not count.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _resident()["VmRSS"]
    result = chosen.compute()
    peak = _resident()["VmHWM"] - before
    np.save(path, chosen.plain(result))
    return peak / 1e6


def _give_back_freed_memory() -> None:
    """Let malloc return every larger block to the system at once: glibc's own limit grows with what is freed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 2**18)


def _resident() -> dict[str, float]:
    """Bytes resident now (VmRSS) and at the peak (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return {line.split(":")[0]: 1024.0 * float(line.split()[1]) for line in lines if line.startswith("Vm")}


if __name__ == "__main__":
    _place, _path, _threads, _eager, _single = sys.argv[1:6]
    # The parent has confined itself and its children.
    _options = Options(threads=int(_threads), compiled=not _eager, large=True, single=bool(_single))
    print(json.dumps(_main(int(_place), Path(_path), _options)))
