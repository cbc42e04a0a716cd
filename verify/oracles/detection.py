"""How small a fault each oracle sees: planted faults of falling size, and the orders at which schemes converge.

The claim is the exact gradient of a small flow, rounded from its enclosure (`ball_flow`), times 1 ± η. An oracle sees η
if it flags both signs; its measured limit is the smallest η of the ladder that it sees together with all larger ones.
An oracle that flags the exact gradient itself sees nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from verify.instances import Instance, grid_instance
from verify.oracles import (
    autodiff,
    ball_flow,
    complex_step,
    dense_flow,
    dot_product,
    finite_differences,
    matfree_gradient,
    neighbourhoods,
    taylor_remainder,
)
from verify.oracles.verdict import Verdict

LADDER = tuple(10.0 ** (-step / 2.0) for step in range(2, 34))  # 1e-1 to 3e-17, two steps a decade
EULER_STEPS, EULER_TOLERANCE = (256, 512, 1024), 0.05
TAYLOR_TOLERANCE, EXACT = 0.02, 1e-13


@dataclass(frozen=True)
class Detection:
    """One oracle: what it compares, the fault that it publishes, the smallest that it saw, and its error at none."""

    oracle: str
    compares: str
    published: float
    seen: float
    error: float
    seconds: float

    @property
    def kept(self) -> bool:
        """Whether the published limit was reached."""
        return self.seen <= self.published * (1.0 + 1e-9)


@dataclass(frozen=True)
class Figure:
    """A figure that an oracle must reach: the value found and the interval in which it must lie."""

    what: str
    value: float
    least: float
    most: float

    @property
    def reached(self) -> bool:
        return self.least <= self.value <= self.most


@dataclass(frozen=True)
class _Bench:
    """A small flow with its exact gradients, on the neighbours (I, K) and on all pairs (I, I), and a direction."""

    instance: Instance
    exact: np.ndarray
    dense: np.ndarray
    direction: np.ndarray

    @classmethod
    def make(cls) -> "_Bench":
        instance = grid_instance((2, 3), 2, time=2.0, seed=1)
        enclosure = ball_flow.gradient_by_block_exponential(
            instance.dense, instance.distances, instance.truth, instance.time
        )
        direction = np.random.default_rng(2).standard_normal((6, 6)) * instance.dense
        exact = neighbourhoods.gather_weights(enclosure.middle, instance.neighbours)
        return cls(instance, exact, enclosure.middle, direction)

    def loss(self, weights: np.ndarray) -> np.ndarray:
        flow = self.instance
        return dense_flow.loss(weights, flow.log_likelihood, flow.target, flow.time)


Judge = Callable[[float], Verdict]  # the verdict on a claim that is wrong by this relative fault


def judges(bench: _Bench) -> list[tuple[str, str, float, Judge]]:
    """Every oracle: name, what it compares, published limit, and its verdict on a planted fault."""
    flow, plain = bench.instance, bench.instance.plain
    enclosure = ball_flow.gradient_by_block_exponential(flow.dense, flow.distances, flow.truth, flow.time)
    by_quadrature = dense_flow.gradient_by_quadrature(*flow.dense_plain)
    scale = dense_flow.gradient_scale(*flow.dense_plain)
    fine = autodiff.reference_gradient(*plain, tolerance=autodiff.REFERENCE_LIMIT / 10.0)
    exponential = autodiff.exponential_gradient(*plain).gradient
    krylov = matfree_gradient.gradient(*plain, dimension=flow.distances.size).gradient

    def against(other: np.ndarray, exact: np.ndarray, size: float, limit: float) -> Judge:
        return lambda fault: Verdict(float(np.linalg.norm((1.0 + fault) * exact - other)) / size, limit)

    def norm(values: np.ndarray) -> float:
        return float(np.linalg.norm(values))

    def loss(weights: np.ndarray) -> float:
        return float(bench.loss(weights))

    return [
        (
            "taylor_remainder",
            "slope of the loss's remainder",
            taylor_remainder.DETECTION_LIMIT,
            lambda fault: taylor_remainder.check_gradient(
                loss, flow.dense, (1.0 + fault) * bench.dense, bench.direction
            ),
        ),
        (
            "finite_differences",
            "values of the loss",
            finite_differences.DETECTION_LIMIT,
            lambda fault: finite_differences.check_gradient(
                loss, flow.dense, (1.0 + fault) * bench.dense, bench.direction
            ),
        ),
        (
            "complex_step",
            "the loss at complex weights",
            complex_step.DETECTION_LIMIT,
            lambda fault: complex_step.check_gradient(
                bench.loss, flow.dense, (1.0 + fault) * bench.dense, bench.direction
            ),
        ),
        ("dot_product", "A and its claimed transpose", dot_product.DETECTION_LIMIT, _dot_product(flow)),
        (
            "dense_flow",
            "the gradient by quadrature",
            dense_flow.DETECTION_LIMIT * scale / norm(by_quadrature),
            against(by_quadrature, bench.dense, scale, dense_flow.TOLERANCE),
        ),
        (
            "autodiff (Runge-Kutta)",
            "the gradient of a fine scheme",
            autodiff.REFERENCE_LIMIT,
            against(fine.gradient, bench.exact, norm(bench.exact), 2.0 * fine.error + autodiff.TOLERANCE),
        ),
        (
            "autodiff (exponential)",
            "the gradient through a dense exponential",
            autodiff.DETECTION_LIMIT,
            against(exponential, bench.exact, norm(bench.exact), autodiff.TOLERANCE),
        ),
        (
            "matfree_gradient",
            "matfree's adjoint of Arnoldi",
            matfree_gradient.DETECTION_LIMIT,
            against(krylov, bench.exact, norm(bench.exact), matfree_gradient.TOLERANCE),
        ),
        (
            "ball_flow",
            "a rigorous enclosure of the gradient",
            ball_flow.DETECTION_LIMIT,
            lambda fault: enclosure.judge((1.0 + fault) * bench.dense),
        ),
    ]


def _dot_product(flow: Instance) -> Judge:
    """<A v, w> against <v, (1 + fault) Aᵀ w>, A the system matrix of the flow."""
    matrix = dense_flow.system_matrix(flow.dense, dense_flow.similarity(flow.dense, flow.log_likelihood))
    vector, covector = np.random.default_rng(3).standard_normal((2, matrix.shape[0]))
    image, pulled = matrix @ vector, matrix.T @ covector
    return lambda fault: dot_product.check_adjoint(image, covector, vector, (1.0 + fault) * pulled)


def smallest_seen(judge: Judge, published: float) -> float:
    """The smallest fault, of the ladder and the one published, flagged as all larger ones are; infinity if none."""
    if not judge(0.0).agrees:
        return float("inf")
    seen = float("inf")
    for fault in sorted((*LADDER, published), reverse=True):
        if judge(fault).agrees or judge(-fault).agrees:
            break
        seen = fault
    return seen


def detections() -> list[Detection]:
    """Every oracle measured, from the coarsest to the finest."""
    found = []
    for name, compares, published, judge in judges(_Bench.make()):
        begin = time.perf_counter()
        seen = smallest_seen(judge, published)
        found.append(Detection(name, compares, published, seen, judge(0.0).error, time.perf_counter() - begin))
    return found


def figures() -> list[Figure]:
    """Orders of convergence, and the errors of the two oracles that are exact to rounding."""
    bench = _Bench.make()
    flow = bench.instance
    slope = taylor_remainder.remainder_slope(
        lambda weights: float(bench.loss(weights)), flow.dense, bench.dense, bench.direction
    )
    step = complex_step.check_gradient(bench.loss, flow.dense, bench.dense, bench.direction)
    dot = _dot_product(flow)(0.0)
    return [
        Figure("order of Euler autodiff", euler_order(), 1.0 - EULER_TOLERANCE, 1.0 + EULER_TOLERANCE),
        Figure("order of the Taylor remainder", slope, 2.0 - TAYLOR_TOLERANCE, 2.0 + TAYLOR_TOLERANCE),
        Figure("relative error of the complex step", step.error, 0.0, EXACT),
        Figure("relative error of the dot product", dot.error, 0.0, EXACT),
    ]


def euler_order() -> float:
    """Order at which the gradient through explicit Euler approaches the exact one, fitted over halved steps."""
    flow = grid_instance((5, 6), 3, time=4.0, seed=4)
    exact = neighbourhoods.gather_weights(dense_flow.gradient_by_quadrature(*flow.dense_plain), flow.neighbours)
    errors = [
        np.linalg.norm(autodiff.discrete_gradient(*flow.plain, scheme="euler", steps=steps).gradient - exact)
        for steps in EULER_STEPS
    ]
    return -float(np.polyfit(np.log(EULER_STEPS), np.log(errors), 1)[0])
