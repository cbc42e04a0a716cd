"""Dot product test: <J v, w> = <v, Jᵀ w> for a differential J and its claimed adjoint Jᵀ.

Computes both inner products with correctly rounded sums (`math.fsum`), so only the two maps' own rounding
remains.

Accuracy: relative to ‖Jv‖‖w‖ + ‖v‖‖Jᵀw‖, hence free of trouble where the two products happen to be small.
Detection limit: `DETECTION_LIMIT`, a relative fault of 1e-12 of what carries weight in the products: for random
vectors the products are smaller than their norms, by which `TOLERANCE` is scaled. It says nothing about J itself: a
wrong J with its exact transpose passes. Use it beside a derivative oracle.
"""

import math

import numpy as np

from verify.oracles.verdict import Verdict

TOLERANCE, DETECTION_LIMIT = 1e-13, 1e-12


def inner_product(left: np.ndarray, right: np.ndarray) -> float:
    """Frobenius product of two real arrays, its sum correctly rounded."""
    return math.fsum(np.ravel(left * right))


def check_adjoint(
    image: np.ndarray,
    covector: np.ndarray,
    vector: np.ndarray,
    pulled_back: np.ndarray,
    *,
    terms: float = 0.0,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """Compare <image, covector> with <vector, pulled_back>; image = J vector, pulled_back = Jᵀ covector.

    terms: size of the terms that cancel inside of J, where they exceed the image; rounding is relative to them.
    """
    error = abs(inner_product(image, covector) - inner_product(vector, pulled_back))
    scale = terms + float(
        np.linalg.norm(image) * np.linalg.norm(covector) + np.linalg.norm(vector) * np.linalg.norm(pulled_back)
    )
    return Verdict(error=error / scale if scale else error, tolerance=tolerance)
