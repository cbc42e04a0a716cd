"""Derivatives of Hermitian forms on X by differences on small circles, where no formula for them is at hand.

The curvature of g = g_FS + ∂∂̄φ takes third and fourth derivatives of φ, and networks carry two. On the circle
x + h e^(iθ) v, the mean of a function f is f + h² ∂_v∂̄_v f + O(h⁴), and its first Fourier coefficient is
h ∂_v f + O(h³). Two radii, h and 2h, remove the next order. All directions v = e_a, e_a + e_b, e_a + i e_b give every
∂_a∂̄_b f by polarisation.
"""

from collections.abc import Callable

import numpy as np

from laflow.errors import ConvergenceError, ShapeError
from laflow.metric.geometry.polynomial import ComplexArray
from laflow.metric.geometry.sampling import PointSample, charted
from laflow.metric.model.monge_ampere import unpack
from laflow.metric.model.phi_model import PhiModel, chunks
from laflow.metric.quality.metric_jets import MetricJets, frame_slopes, fubini_study_jets

# Radius of the smaller circle, where X is flat: second derivatives are then good to about 1e-8, and truncation, of
# order h⁴, is still above rounding, of order ε/h², so that half the step shows the error.
STEP = 0.005
# A circle's angles: mixed derivatives up to the sixth order leave no trace of other orders in means over them.
ANGLES = 6
RADII = (1.0, 2.0)
POINTS_AT_ONCE = 64
NEWTON_STEPS = 12
NEWTON_BELOW = 1e-14


def metric_jets(model: PhiModel, sample: PointSample, *, step: float = STEP) -> MetricJets:
    """The model's metric and its derivatives: Fubini–Study's exactly, those of ∂∂̄φ by differences."""
    return fubini_study_jets(sample) + differenced_jets(lambda points: bend(model, points), sample, step=step)


def bend(model: PhiModel, sample: PointSample) -> ComplexArray:
    """∂∂̄φ (N, n, n)."""
    n = model.hypersurface.dimension
    found: ComplexArray = unpack(model.potential_jets(sample)[1 + 2 * n :].reshape(n, n, len(sample)))
    return found


def differenced_jets(
    form: Callable[[PointSample], ComplexArray], sample: PointSample, *, step: float = STEP
) -> MetricJets:
    """A Hermitian `form` (N, n, n), given as a function of points, with ∂_c and ∂_c∂̄_d of its components.

    Errors are of order step⁴ and 1e-15/step²; half the step tells them. It calls `form` at
    1 + `ANGLES` · 2 n² points for each of the sample.
    """
    parts = [_block(form, sample.take(part), step) for part in chunks(len(sample), POINTS_AT_ONCE)]
    return MetricJets(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def shifted(sample: PointSample, offsets: ComplexArray) -> PointSample:
    """The points with local coordinates x + `offsets` (N, M, n), in the charts of x: N·M of them, M for each point.

    z_dep follows by Newton's method. Raises `ConvergenceError` where it does not end: the chart ends before.
    """
    count, each, n = offsets.shape
    if (count, n) != sample.frame.shape[:2]:
        raise ShapeError(f"the offsets have shape {offsets.shape}: give ({len(sample)}, any, {sample.frame.shape[1]})")
    # The frame is 1 at the local coordinates and 0 at the patch; at the dependent one it starts Newton's method.
    points = (sample.points[:, None] + offsets @ sample.frame).reshape(count * each, -1)
    patch, dependent, line = (np.repeat(array, each) for array in (sample.patch, sample.dependent, sample.line))
    rows, polynomial = np.arange(points.shape[0]), sample.hypersurface.polynomial
    for _ in range(NEWTON_STEPS):
        change = polynomial.value(points) / polynomial.gradient(points)[rows, dependent]
        points[rows, dependent] -= change
        if np.abs(change).max(initial=0.0) <= NEWTON_BELOW * (1.0 + np.abs(points[rows, dependent]).max()):
            return charted(sample.hypersurface, points, patch, dependent, line)
    raise ConvergenceError(
        f"Newton's method did not end {np.abs(offsets).max():.2g} away from a point: take a smaller step"
    )


def _block(
    form: Callable[[PointSample], ComplexArray], sample: PointSample, step: float
) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    count, n = sample.frame.shape[:2]
    directions = _directions(n)
    # Where z_dep bends, circles are smaller.
    radius = step / (1.0 + np.abs(frame_slopes(sample)).max(axis=(1, 2)))
    circle = np.exp(2j * np.pi * np.arange(ANGLES) / ANGLES)
    reach = np.multiply.outer(np.array(RADII), circle)
    offsets = radius[:, None, None, None, None] * reach[:, :, None] * directions[:, None, None]
    around = form(shifted(sample, offsets.reshape(count, -1, n))).reshape(count, len(directions), 2, ANGLES, n, n)
    centre = form(sample)
    size = radius[:, None, None, None]
    mean = around.mean(axis=3) - centre[:, None, None]
    mixed = (16.0 * mean[:, :, 0] - mean[:, :, 1]) / (12.0 * size**2)
    harmonic = np.einsum("pdrtab,t->pdrab", around[:, :n], circle.conj() / ANGLES)
    first = (8.0 * harmonic[:, :, 0] - harmonic[:, :, 1]) / (6.0 * size)
    return centre, first, _polarised(mixed, n)


def _directions(dimension: int) -> ComplexArray:
    """e_a, then e_a + e_b and e_a + i e_b for a < b: (n², n)."""
    identity = np.eye(dimension, dtype=np.complex128)
    pairs = [(a, b) for a in range(dimension) for b in range(a + 1, dimension)]
    mixed = [identity[a] + factor * identity[b] for a, b in pairs for factor in (1.0, 1.0j)]
    return np.array([*identity, *mixed])


def _polarised(mixed: ComplexArray, dimension: int) -> ComplexArray:
    """∂_c∂̄_d f (N, n, n, ...) from ∂_v∂̄_v f (N, n², ...) along `_directions`."""
    found = np.empty((mixed.shape[0], dimension, dimension, *mixed.shape[2:]), dtype=np.complex128)
    place = dimension
    for a in range(dimension):
        found[:, a, a] = mixed[:, a]
        for b in range(a + 1, dimension):
            both = mixed[:, a] + mixed[:, b]
            real, imaginary = mixed[:, place] - both, mixed[:, place + 1] - both
            found[:, a, b], found[:, b, a] = 0.5 * (real + 1j * imaginary), 0.5 * (real - 1j * imaginary)
            place += 2
    return found
