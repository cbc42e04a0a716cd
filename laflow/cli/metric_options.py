"""What the commands of `laflow metric` share: surfaces by name, points, options, and checks before the work begins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from laflow.cli import files
from laflow.errors import FileError, ProblemSizeError, ValueRangeError

if TYPE_CHECKING:
    import numpy as np

    from laflow.metric.features.feature_map import FeatureMap
    from laflow.metric.geometry.hypersurface import Hypersurface
    from laflow.metric.geometry.sampling import PointSample

DIMENSIONS = {"cubic": 1, "quartic": 2, "quintic": 3}
_NAME = re.compile(r"(?P<family>fermat|dwork)(?:-(?P<degree>cubic|quartic|quintic))?(?::(?P<psi>.*))?")
_MINUS = re.compile(r"-(?!-).*z\s*\d")
KNOWN = (
    "fermat-cubic, fermat-quartic, fermat-quintic, dwork-cubic:PSI, dwork-quartic:PSI, dwork-quintic:PSI, "
    "or a polynomial like 'z0^3 + z1^3 + z2^3 - 2*z0*z1*z2'"
)
# One seed gives every command its own random numbers: points to evaluate on are never those trained on.
POINTS, TRAINING, FRESH, KERNEL, SLICE, KAPPA = range(6)
# Bytes that a point and its geometry take while points are sampled and charted: 1.3 KiB as measured for quintics.
BYTES_PER_POINT = 2048


class SurfaceCommand(TyperCommand):
    """Takes `-z0^3 + z1^3` for a polynomial, not for an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return list(super().parse_args(ctx, [f" {item}" if _MINUS.match(item) else item for item in args]))


Surface = Annotated[
    str,
    typer.Argument(metavar="SURFACE", help=f"The hypersurface: {KNOWN}."),
]
SurfaceOrPoints = Annotated[
    str,
    typer.Argument(metavar="SURFACE", help=f"The hypersurface: {KNOWN}; or points of `laflow metric sample`, .npz."),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL.npz", help="A model of `laflow metric train`.")]
OnSample = Annotated[
    Path | None,
    typer.Option("--sample", metavar="POINTS.npz", help="Use these points (`laflow metric sample`), not fresh ones."),
]
Picture = Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw a picture of the result.")]
MethodName = Literal["gauss-newton", "adam", "lbfgs", "gradient-descent"]
FeatureKind = Annotated[
    Literal["symmetric", "invariants", "coordinates"],
    typer.Option(
        help="What the network sees: invariants of the symmetries of the surface, z_i z̄_j/|z|², or coordinates."
    ),
]
Width = Annotated[int, typer.Option(min=1, max=4096, help="Units of a hidden layer.")]
Depth = Annotated[int, typer.Option(min=1, max=32, help="Hidden layers.")]
Activation = Annotated[
    Literal["gelu", "tanh", "softplus", "erf", "sine", "square"], typer.Option(help="Activation of the hidden units.")
]
Parametrisation = Annotated[
    Literal["standard", "ntk"], typer.Option(help="How weights are scaled: ntk has a limit of infinite width.")
]
Batch = Annotated[
    int | None, typer.Option(min=1, help="Points of a step of adam (default: 500); the other methods see all.")
]
LearningRate = Annotated[
    float | None, typer.Option(help="Of adam and gradient-descent (default: chosen by a short test).")
]
Precision = Annotated[Literal["single", "double"], typer.Option(help="Of the steps; σ is always measured in double.")]


def read_surface(text: str) -> Hypersurface:
    """The hypersurface of this name or polynomial. Raises `ValueRangeError` for what is neither, or not smooth."""
    from laflow.metric.geometry.hypersurface import Hypersurface
    from laflow.metric.geometry.polynomial import dwork, fermat
    from laflow.metric.geometry.polynomial_text import parse_polynomial

    named = _NAME.fullmatch(text.strip())
    if named is not None:
        dimension = DIMENSIONS[named["degree"] or "quintic"]
        if named["family"] == "dwork":
            return Hypersurface(dwork(dimension, _psi(text, named["psi"])))
        if named["psi"] is None:
            return Hypersurface(fermat(dimension))
    elif re.search(r"z\s*\d", text):
        return Hypersurface(parse_polynomial(text))
    raise ValueRangeError(f"there is no surface {text!r}: give {KNOWN}")


def _psi(text: str, value: str | None) -> complex:
    try:
        psi = complex((value or "").replace(" ", ""))
    except ValueError as error:
        raise ValueRangeError(
            f"the surface is {text!r}, with no number ψ: write dwork-quintic:0.5 or dwork-quintic:0.3+0.2j"
        ) from error
    if not abs(psi) < 1e6:
        raise ValueRangeError(f"ψ is {value}: give a finite number of modulus below 1e6")
    return psi


def is_points_file(text: str) -> bool:
    """Whether a SURFACE names a file of points."""
    return text.lower().endswith(".npz")


def surface_text(surface: Hypersurface) -> str:
    """The polynomial of a surface as text."""
    from laflow.metric.geometry.polynomial_text import polynomial_text

    return polynomial_text(surface.polynomial)


def generator(seed: int, stream: int) -> np.random.Generator:
    """The random numbers of one use of a seed."""
    import numpy as np

    return np.random.default_rng([seed, stream])


def feature_map(kind: str, surface: Hypersurface) -> FeatureMap:
    """The features of this kind."""
    from laflow.metric.features.feature_map import FeatureMap

    polynomial = surface.polynomial
    return FeatureMap(kind, polynomial.variables, polynomial if kind == "symmetric" else None)


def read_sample(text: str, points: int | None, default: int, seed: int, bytes_per_point: int = 0) -> PointSample:
    """The points of a file, or of a surface, `points` (or `default`) of them.

    `bytes_per_point`: what else a point will take. Raises `ProblemSizeError` before the memory runs out.
    """
    from laflow.metric.geometry.point_files import load_points
    from laflow.metric.geometry.sampling import sample_points

    if is_points_file(text):
        if points is not None:
            raise ValueRangeError(f"--points is {points}, but {text} has its own points: leave one of them out")
        return load_points(text)
    surface, count = read_surface(text), default if points is None else points
    require_room(count, bytes_per_point)
    return sample_points(surface, count, generator(seed, POINTS))


def fresh_sample(
    surface: Hypersurface, sample: Path | None, points: int | None, default: int, seed: int, stream: int = FRESH
) -> PointSample:
    """Points to look at a model with: those of the file `sample`, or fresh ones."""
    from laflow.metric.geometry.point_files import load_points
    from laflow.metric.geometry.sampling import sample_points

    if sample is None:
        count = default if points is None else points
        require_room(count)
        return sample_points(surface, count, generator(seed, stream))
    if points is not None:
        raise ValueRangeError(f"--points is {points}, but {sample} has its own points: leave one of them out")
    found = load_points(sample)
    if found.hypersurface.polynomial != surface.polynomial:
        raise FileError(
            f"{sample} has points of {surface_text(found.hypersurface)} = 0, but the model is of "
            f"{surface_text(surface)} = 0: give points of its own surface, or leave --sample out"
        )
    return found


def require_room(points: int, bytes_per_point: int = 0) -> None:
    """Raises `ProblemSizeError`, with the largest number of points that fits, where memory will not do."""
    from laflow.memory import available_memory, readable

    memory, each = available_memory(), BYTES_PER_POINT + bytes_per_point
    if points * each > memory:
        raise ProblemSizeError(
            f"{points} points take about {readable(points * each)}, of {readable(memory)} at hand: give --points "
            f"{memory // each} or fewer"
        )


def check_output(path: Path | None, option: str, suffix: str, what: str) -> None:
    """Find out before the work begins that a file can be written. Raises FileError."""
    if path is None:
        return
    if path.suffix.lower() != suffix:
        raise FileError(f"{option} is {path}; {what} as {suffix}")
    files.check_writable(path)


def output_path(given: Path | None, default: str, option: str, what: str) -> Path:
    """Where to save: as given, or under a default name that is not taken. Raises FileError."""
    path = Path(default) if given is None else given
    check_output(path, option, ".npz", what)
    if given is None and path.exists():
        raise FileError(f"there is a file {path} already; name another with {option}, or {option} {path} to replace it")
    return path
