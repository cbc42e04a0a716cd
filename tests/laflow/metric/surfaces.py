"""Hypersurfaces that the tests of the metric family share: Fermat's, Dwork's, and ones without any symmetry."""

from functools import cache
from itertools import product

import numpy as np

from laflow.metric.geometry.hypersurface import Hypersurface
from laflow.metric.geometry.polynomial import Polynomial, dwork, fermat
from laflow.metric.geometry.sampling import PointSample, sample_points

DIMENSIONS = (1, 2, 3)
KINDS = ("fermat", "dwork", "generic")


@cache
def surface(kind: str, dimension: int) -> Hypersurface:
    if kind == "generic":
        degree = dimension + 2
        exponents = [e for e in product(range(degree + 1), repeat=degree) if sum(e) == degree]
        rng = np.random.default_rng(dimension)
        coefficients = rng.standard_normal((len(exponents), 2)) @ np.array([1.0, 1.0j])
        return Hypersurface(Polynomial(np.array(exponents), coefficients))
    return Hypersurface(fermat(dimension) if kind == "fermat" else dwork(dimension, 0.4 + 0.2j))


@cache
def sampled(kind: str, dimension: int, count: int, seed: int = 0) -> PointSample:
    return sample_points(surface(kind, dimension), count, np.random.default_rng(seed))


def random_basis(degree: int, seed: int = 0, size: float = 0.3) -> np.ndarray:
    """An invertible complex matrix, close to the identity."""
    rng = np.random.default_rng(seed)
    return np.eye(degree) + size * (rng.standard_normal((degree, degree, 2)) @ np.array([1.0, 1.0j]))
