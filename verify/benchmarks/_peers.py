"""Every peer of the gradient benchmarks with every configuration that is measured."""

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.benchmarks import MissingPeerError, Options
from verify.benchmarks._in_turn import Candidate
from verify.instances import Instance

NAMES = {
    "euler": "Euler, {} steps",
    "runge-kutta": "Runge-Kutta, {} steps",
    "krylov": "Krylov, m={}",
    "taylor": "Taylor, degree {}",
}
Sweep = dict[str, tuple[int, ...]]
SMALL: Sweep = {
    "euler": (10, 40),
    "runge-kutta": (2, 8),
    "krylov": (4, 6, 8),
    "taylor": (4, 5, 6, 7, 8, 10),
}
LARGE: Sweep = {"krylov": (6,), "taylor": (5, 6, 7)}
# Half a minute each: what was fastest eagerly and piece by piece, at each level of error.
COMPILED: Sweep = {"taylor": (5, 7, 10)}
COMPILED_SINGLE: Sweep = {"taylor": (5, 6)}
COMPILED_LARGE: Sweep = {"taylor": (6, 7)}
MATFREE, MATFREE_LARGE = (5, 6, 7, 9), (6, 7)
PIECES, PIECES_LARGE = (2, 4, 6, 8), (6,)


def peers(instance: Instance, options: Options) -> list[Candidate]:
    """All peers on `instance`; SciPy's solver knows float64 only."""
    found = [*torch_candidates(instance, options), *_jax(instance, options)]
    return found if options.single else [*found, *_scipy(instance, options)]


def torch_candidates(instance: Instance, options: Options) -> list[Candidate]:
    """PyTorch, eager and compiled. Raises `MissingPeerError`."""
    try:
        import torch
    except ImportError as error:
        raise MissingPeerError(
            f"PyTorch is missing ({error}): install it with pip install -e '.[bench]', or run make bench"
        ) from error
    from verify.peers.torch_flow import torch_flow

    torch.set_num_threads(options.threads)
    flow = torch_flow(*instance.plain, shape=_shape(instance), radius=1, dtype=_dtype(options))
    who = f"PyTorch {torch.__version__.split('+')[0]}"

    def candidate(scheme: str, steps: int, compiled: bool) -> Candidate:
        return Candidate(
            who + (", compiled" if compiled else ""),
            NAMES[scheme].format(steps),
            lambda: flow.gradient(scheme, steps, compiled=compiled),
            _inside(instance, flow.plain),
        )

    eager = [candidate(scheme, steps, False) for scheme, steps in _pairs(LARGE if options.large else SMALL)]
    return eager + [candidate(scheme, steps, True) for scheme, steps in _pairs(_compiled(options))]


def _compiled(options: Options) -> Sweep:
    if not options.compiled:
        return {}
    if not any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++")):
        raise MissingPeerError("torch.compile needs a C++ compiler: install one, or leave it out by --eager")
    if options.large:
        return COMPILED_LARGE
    return COMPILED_SINGLE if options.single else COMPILED


def _jax(instance: Instance, options: Options) -> list[Candidate]:
    import jax

    from verify.peers.jax_flow import jax_flow
    from verify.peers.matfree_flow import MatfreeFlow

    flow = jax_flow(*instance.plain, shape=_shape(instance), radius=1, dtype=_dtype(options))
    matfree = MatfreeFlow(flow)
    plain = _inside(instance, flow.plain)

    def scheme(name: str, steps: int) -> Candidate:
        return Candidate(f"JAX {jax.__version__}", NAMES[name].format(steps), lambda: flow.gradient(name, steps), plain)

    def krylov(dimension: int) -> Candidate:
        return Candidate("matfree", f"m={dimension}", lambda: matfree.gradient(dimension), plain)

    dimensions = MATFREE_LARGE if options.large else MATFREE
    schemes = [scheme(name, steps) for name, steps in _pairs(LARGE if options.large else SMALL)]
    return schemes + [krylov(dimension) for dimension in dimensions]


def _scipy(instance: Instance, options: Options) -> list[Candidate]:
    import scipy

    from verify.peers.scipy_flow import scipy_flow

    flow = scipy_flow(*instance.plain)

    def candidate(pieces: int) -> Candidate:
        config = f"expm_multiply, {pieces} pieces"
        return Candidate(f"SciPy {scipy.__version__}", config, lambda: flow.gradient(pieces), np.asarray)

    return [candidate(pieces) for pieces in (PIECES_LARGE if options.large else PIECES)]


def _pairs(sweep: Sweep) -> list[tuple[str, int]]:
    return [(scheme, steps) for scheme, numbers in sweep.items() for steps in numbers]


def _shape(instance: Instance) -> tuple[int, ...]:
    assert instance.shape is not None
    return instance.shape


def _dtype(options: Options) -> type:
    return np.float32 if options.single else np.float64


def _inside(instance: Instance, plain: Callable[[Any], np.ndarray]) -> Callable[[object], np.ndarray]:
    """Autodiff gives a slope to weights that are fixed to zero outside the image, too."""
    return lambda gradient: np.where(instance.neighbours >= 0, plain(gradient), 0.0)
