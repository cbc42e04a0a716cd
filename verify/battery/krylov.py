"""Krylov spaces and the functions evaluated in them, against dense matrices."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
from scipy.linalg import expm, solve_triangular

from verify.battery.problems import close, same
from verify.kernel_guards import Misused

BUILDERS = ("krylov_space", "arnoldi")


def _space(package: Any, matrix: np.ndarray, start: np.ndarray, krylov_dim: int, build: str = "krylov_space") -> Any:
    def apply(vector: np.ndarray, image: np.ndarray) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # some powers are too large on purpose
            image[...] = matrix @ vector

    storage = np.full((krylov_dim + 1, start.size), np.nan)
    storage[0] = start
    return getattr(package.krylov, build)(apply, storage)


def _basis(space: Any) -> np.ndarray:
    return solve_triangular(space.triangle, space.vectors, trans="T")


def _random(size: int, seed: int = 0, scale: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return scale * rng.standard_normal((size, size)), rng.standard_normal(size)


def _phi_times(matrix: np.ndarray, vector: np.ndarray, time: float) -> np.ndarray:
    size = vector.size
    augmented = np.zeros((size + 1, size + 1))
    augmented[:-1, :-1], augmented[:-1, -1] = matrix, vector
    return expm(time * augmented)[:-1, -1]


def check_row_algebra(package: Any) -> None:
    linalg = package.linalg
    _interpreted(linalg)
    rng = np.random.default_rng(0)
    for length in (1, 7, 8, 9, 40, 70):
        for count in range(5):
            rows, vector, factors = rng.random((count, length)), rng.random(length), rng.random(count)
            products, square = linalg.row_products(rows, vector)
            close(products, rows @ vector, 1e-14)
            close(square, vector @ vector, 1e-14)
            assert type(square) is float
            whole = rows @ rows.T
            close(linalg.gram(rows), whole, 1e-14)
            for known in range(1, count + 1):
                close(linalg.gram(rows, whole[:known, :known]), whole, 1e-14)
            wanted = 0.3 * (vector - factors @ rows)
            linalg.subtract_rows(rows, factors, 0.3, vector)
            close(vector, wanted, 1e-14)


def _interpreted(linalg: Any) -> None:
    """Where it is interpreted: short blocks, several tasks, and no fresh memory that happens to hold zeros."""
    if hasattr(linalg, "BLOCK"):
        linalg.BLOCK, linalg.MIXED = 8, 40
        linalg.numba = types.SimpleNamespace(get_num_threads=lambda: 2)
        linalg.aligned_empty = lambda shape, dtype: np.full(shape, np.nan, dtype)
        linalg.np = types.SimpleNamespace(
            **{**vars(np), "empty": lambda shape, dtype=float: np.full(shape, np.nan, dtype)}
        )


def check_field_algebra(package: Any) -> None:
    """Fields of several channels, in a range of columns: products and mixes touch nothing else."""
    linalg, rng = package.linalg, np.random.default_rng(2)
    _interpreted(linalg)
    # Blocks that are whole, short by one column, many, far from the first (and more channels than rows), and none.
    ranges = ((2, 50, 6, 46), (1, 39, 0, 39), (3, 30, 5, 23), (2, 120, 8, 116), (5, 60, 50, 60), (4, 20, 7, 7))
    for channels, length, begin, end in ((1, 9, 0, 9), *ranges):
        for count in (1, 4, 7):
            fields = rng.random((count, channels, length))
            inside = fields[:, :, begin:end].reshape(count, -1)
            for first in range(count + 1):
                wanted = np.tril(inside @ inside.T)
                wanted[:first] = 0.0
                close(linalg.lower_products(fields, first, begin, end), wanted, 1e-14)
            symmetric = inside @ inside.T
            same(linalg.whole_gram(np.tril(symmetric)), np.tril(symmetric) + np.tril(symmetric, -1).T)
            for targets in (0, 1, 2, 5):
                coefficients, out = rng.random((targets, count)), np.full((targets, channels, length), 7.0)
                linalg.mix_fields(coefficients, fields, out, begin, end)
                close(out[:, :, begin:end], np.tensordot(coefficients, fields[:, :, begin:end], 1), 1e-14)
                out[:, :, begin:end] = 7.0
                assert np.all(out == 7.0)
    known = np.array([[5.0, 6.0], [6.0, 7.0]])
    lower = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    same(linalg.whole_gram(lower, known), np.array([[5.0, 6.0, 1.0], [6.0, 7.0, 2.0], [1.0, 2.0, 3.0]]))


def check_mixing(package: Any) -> None:
    linalg = package.linalg
    _interpreted(linalg)
    rng = np.random.default_rng(1)
    for length in (1, 7, 24, 70):
        for used in range(8):
            memory = rng.random((12, length))
            coefficients = rng.random((3, used))
            wanted, below = coefficients @ memory[:used], memory[8:].copy()
            linalg.mix_rows(coefficients, memory[:used], memory[:3])
            close(memory[:3], wanted, 1e-14)
            same(memory[8:], below)
    unfit: tuple[tuple[Any, ...], ...] = (
        (np.ones((2, 3)), np.ones((3, 9)), np.ones((3, 9))),
        (np.ones((2, 3)), np.ones((3, 9)), np.ones((2, 8))),
        (np.ones((2, 3)), np.ones((4, 9)), np.ones((2, 9))),
    )
    for arguments in unfit:
        try:
            package.linalg.mix_rows(*arguments)
        except (Misused, ValueError):
            continue
        raise AssertionError("rows that do not fit were mixed")
    wide = rng.random((4, 2))
    memory = rng.random((4, 9))
    wanted = wide.T @ memory
    out = np.empty((2, 9))
    linalg.mix_rows(wide.T, memory, out)
    close(out, wanted, 1e-14)


def check_spaces(package: Any) -> None:
    for build in BUILDERS:
        for size, krylov_dim in ((6, 3), (6, 1), (6, 6), (4, 9), (1, 1), (12, 4)):
            matrix, start = _random(size)
            before = start.copy()
            space = _space(package, matrix, start, krylov_dim, build)
            same(start, before)
            dimension = min(size, krylov_dim)
            assert space.dimension == dimension
            assert space.breakdown == (dimension == size)
            assert space.coordinates == dimension + (dimension < size)
            powers = build == "krylov_space" and dimension < size
            assert space.by_powers == powers
            lost = krylov_dim if build == "krylov_space" and not powers else 0
            assert space.products == dimension + lost
            _check_relation(space, matrix, start, 1e-12 if powers else 1e-13)


def _check_relation(space: Any, matrix: np.ndarray, start: np.ndarray, tolerance: float) -> None:
    basis, dimension = _basis(space), space.dimension
    close(basis @ basis.T, np.eye(space.coordinates), tolerance)
    close(space.start_norm * basis[0], start, 1e-14)
    images = space.hessenberg.T @ basis[:dimension]
    if space.breakdown:
        assert space.next_norm == 0.0
    else:
        images[-1] += space.next_norm * basis[-1]
    close(basis[:dimension] @ matrix.T, images, tolerance)
    norms = np.linalg.norm(matrix @ basis[:dimension].T, axis=0)
    close(space.scale, norms.max(), tolerance)
    assert all(type(value) is float for value in (space.start_norm, space.next_norm, space.scale))
    wanted = np.zeros((space.coordinates,) * 2)
    wanted[:dimension, :dimension] = space.hessenberg
    if not space.breakdown:
        wanted[dimension, dimension - 1] = wanted[dimension - 1, dimension] = space.next_norm
        wanted[dimension, dimension] = space.hessenberg[-1, -1]
    same(space.generator, wanted)


def check_spaces_keep_their_storage(package: Any) -> None:
    matrix, start = _random(6)

    def apply(vector: np.ndarray, image: np.ndarray) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # some powers are too large on purpose
            image[...] = matrix @ vector

    storage = np.full((4, 6), np.nan)
    storage[0] = start
    space = package.krylov.krylov_space(apply, storage)
    assert space.vectors is storage
    same(storage[0], start)
    close(storage[3], matrix @ (matrix @ (matrix @ start)), 1e-14)
    storage[0] = start
    assert np.shares_memory(package.krylov.arnoldi(apply, storage).vectors, storage)


def check_spaces_are_grown(package: Any) -> None:
    """Powers that are there are not made again, whoever makes the others; orthonormal vectors are of no use."""
    krylov, linalg = package.krylov, package.linalg
    for size, powers in ((12, True), (8, False)):
        matrix, start = _random(size, 4)
        made: list[Any] = []
        storage = np.zeros((6, size))

        def apply(vector: np.ndarray, image: np.ndarray, matrix: Any = matrix, made: list[Any] = made) -> None:
            made.append(None)
            image[...] = matrix @ vector

        def fill(first: int, new: int, apply: Any = apply, storage: Any = storage, made: list[Any] = made) -> Any:
            for row in range(first, 5):
                apply(storage[row], storage[row + 1])
            made[:] = [(first, new)]
            return linalg.lower_products(storage[:, None], new, 0, storage.shape[1])

        for given in (None, fill):
            storage[0] = start
            build = krylov.krylov_space if powers else krylov.arnoldi
            earlier = build(apply, storage[:4])
            storage[0] = start
            made.clear()
            space = krylov.krylov_space(apply, storage, earlier, given)
            assert space.by_powers
            assert space.products == (5 if powers else 8)
            _check_relation(space, matrix, start, 1e-11)
            if given is None:
                assert len(made) == (2 if powers else 5)
            else:
                assert made == [(3, 4) if powers else (0, 0)]


def check_parts_of_spaces(package: Any) -> None:
    space = _space(package, *_random(9, 2), 4)
    for size in (1, 2, 4):
        part = space.first(size)
        assert part.breakdown
        assert (part.dimension, part.next_norm) == (size, 0.0)
        assert (part.start_norm, part.products) == (space.start_norm, space.products)
        same(part.vectors, space.vectors[:size])
        same(part.triangle, space.triangle[:size, :size])
        same(part.hessenberg, space.hessenberg[:size, :size])
    without = space.without_last()
    assert (without.dimension, without.coordinates) == (4, 4)
    invariant = _space(package, *_random(3), 3)
    assert invariant.breakdown
    assert invariant.without_last() is invariant


def check_when_powers_are_dependent(package: Any) -> None:
    """Where too little of a power's square is new: more is asked for in single precision, at any size."""
    for kind, least in ((np.float64, 1e-13), (np.float32, 1.42e-12)):
        for share, independent in ((2.0 * least, True), (0.5 * least, False)):
            for size in (1e-6, 1.0, 1e6):
                products = size * np.array([[1.0, np.sqrt(1.0 - share)], [np.sqrt(1.0 - share), 1.0]])
                space = package.krylov.space_of_powers(np.zeros((2, 0), kind), products, 7)
                assert (space is not None) == independent
                assert space is None or space.products == 7
    indefinite = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert package.krylov.space_of_powers(np.zeros((2, 0)), indefinite, 1) is None


def check_dependent_powers(package: Any) -> None:
    """Powers that are dependent, zero or too large for a Gram matrix: orthonormal vectors take their place."""
    close_by = np.diag([1.0, 1.0 + 1e-9, 1.0 + 2e-9, 1.0 + 3e-9, 2.0])
    space = _space(package, close_by, np.ones(5), 3)
    assert not space.by_powers
    _check_relation(space, close_by, np.ones(5), 1e-12)
    nilpotent = np.zeros((4, 4))
    nilpotent[1, 0] = 1.0
    assert _space(package, nilpotent, np.eye(4)[0], 3).dimension == 2
    large = 1e120 * np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert not _space(package, large, np.ones(6), 3).by_powers
    # The share of a power that is new: its square 4e-13 is enough, 4e-14 is not.
    for share, powers in ((4e-13, True), (4e-14, False)):
        turned = np.array([[np.sqrt(1.0 - share), 0.0, 0.0], [np.sqrt(share), 0.0, 0.0], [0.0, 0.0, 0.0]])
        assert _space(package, turned, np.eye(3)[0], 1).by_powers == powers
    # As accurate as orthonormal vectors, although the powers are all but dependent.
    vectors = np.linalg.qr(np.random.default_rng(3).standard_normal((60, 60)))[0]
    matrix, start = vectors @ np.diag(np.linspace(-0.1, 0.4, 60)) @ vectors.T, np.ones(60)
    krylov, exact = package.krylov, _phi_times(matrix, start, 20.0)
    errors = []
    for build in BUILDERS:
        space, out = _space(package, matrix, start, 11, build), np.empty((1, 60))
        space.combine(krylov.phi_trajectory(space, 20.0)[-1:], out)
        errors.append(np.linalg.norm(out[0] - exact))
    assert errors[0] < 1.1 * errors[1]


def check_nearly_dependent_directions(package: Any) -> None:
    size = 20
    matrix = np.eye(size) + 1e-9 * np.random.default_rng(0).standard_normal((size, size))
    space = _space(package, matrix, np.ones(size), 6)
    assert space.dimension == 6
    basis = space.vectors
    close(basis @ basis.T, np.eye(7), 1e-12)
    left = basis[:6] @ matrix.T - space.hessenberg.T @ basis[:6]
    assert np.abs(left[:-1]).max() < 1e-13
    close(left[-1], space.next_norm * basis[6], 1e-4)


def check_one_pass_is_enough_where_the_norm_stays(package: Any) -> None:
    """Products of inner vectors: one for a direction whose norm stays, two where it drops below a tenth."""
    counted: list[int] = []
    krylov = package.krylov
    true = krylov.row_products

    def counting(rows: np.ndarray, vector: np.ndarray) -> Any:
        counted.append(rows.shape[0])
        return true(rows, vector)

    krylov.row_products = counting
    try:
        turned = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
        _space(package, turned, np.array([1.0, 0.0, 0.0]), 2, "arnoldi")
        assert counted == [0, 1, 2], counted
        counted.clear()
        nearly = np.diag([1.0, 1.02, 1.0])
        _space(package, nearly, np.array([1.0, 1.0, 0.0]), 1, "arnoldi")
        assert counted == [0, 1, 1], counted
        counted.clear()
        # The square of what is left, relative to the square before: one pass above a hundredth, whatever the size.
        for share, passes in ((0.02, [0, 1]), (0.005, [0, 1, 1])):
            for size in (1e-9, 1.0, 1e9):
                turned = size * np.array([[np.sqrt(1.0 - share), 0.0], [np.sqrt(share), 0.0]])
                _space(package, turned, np.array([1.0, 0.0]), 1, "arnoldi")
                assert counted == passes, counted
                counted.clear()
    finally:
        krylov.row_products = true


def check_breakdown(package: Any) -> None:
    start = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    for build in BUILDERS:
        for factor in (1e-50, 1.0, 1e50):
            matrix = factor * np.diag([1.0, 2.0, 3.0, 4.0, 5.0])
            space = _space(package, matrix, start, 4, build)
            assert space.breakdown
            assert space.dimension == 3
            assert space.vectors.shape == (3, 5)
            assert space.hessenberg.shape == (3, 3)
            assert space.hessenberg.base is None
        _check_nothing(_space(package, np.eye(4), np.zeros(4), 3, build))
    still = _space(package, np.zeros((4, 4)), np.ones(4), 3)
    assert still.breakdown
    assert still.dimension == 1
    assert still.next_norm == 0.0
    # Without a product nothing is known of the operator.
    same(_space(package, np.eye(4), np.ones(4), 0, "arnoldi").generator, np.zeros((1, 1)))
    # A direction of 2e-13 of the operator is no rounding, one of 5e-14 is.
    for size, dimension in ((1e-9, 2), (2e-13, 2), (5e-14, 1), (1e-15, 1)):
        for factor in (1e-9, 1.0, 1e9):
            matrix = factor * np.array([[1.0, 0.0], [size, 1.0]])
            assert _space(package, matrix, np.array([1.0, 0.0]), 1, "arnoldi").breakdown == (dimension == 1)


def _check_nothing(none: Any) -> None:
    assert (none.dimension, none.breakdown, none.coordinates, none.start_norm, none.scale) == (0, True, 0, 0.0, 0.0)
    assert (none.next_norm, none.products) == (0.0, 0)
    assert none.vectors.shape == (0, 4)
    assert none.hessenberg.shape == none.triangle.shape == none.generator.shape == (0, 0)


def check_trajectory(package: Any) -> None:
    krylov = package.krylov
    matrix, start = _random(6, 1)
    for krylov_dim in (6, 4):
        space = _space(package, matrix, start, krylov_dim)
        trajectory = krylov.phi_trajectory(space, 1.6)
        assert trajectory.shape == (9, space.coordinates)
        generator = space.generator
        first = space.start_norm * np.eye(space.coordinates)[0]
        for piece in range(9):
            close(trajectory[piece], _phi_times(generator, first, 1.6 * piece / 8), 1e-13)
        out = np.empty((1, 6))
        space.combine(trajectory[-1:], out)
        close(out[0], trajectory[-1] @ _basis(space), 1e-13)
    whole = _space(package, matrix, start, 6)
    close(krylov.phi_trajectory(whole, 1.6)[-1] @ _basis(whole), _phi_times(matrix, start, 1.6), 1e-12)
    none = _space(package, np.eye(4), np.zeros(4), 3)
    assert krylov.phi_trajectory(none, 1e5).shape == (9, 0)


def check_residual(package: Any) -> None:
    krylov = package.krylov
    close(krylov.simpson(np.array([1.0, 2.0, 5.0]), 2.0), 14.0 / 3.0, 1e-15)
    times = np.linspace(0.0, 3.0, 9)
    close(krylov.simpson(times**3, 3.0), 81.0 / 4.0, 1e-14)
    assert type(krylov.simpson(times, 3.0)) is float
    matrix, start = _random(6, 2)
    space = _space(package, matrix, start, 3)
    trajectory = krylov.phi_trajectory(space, 0.8)
    samples, weights = np.abs(trajectory[:, -1]), np.array([1, 4, 2, 4, 2, 4, 2, 4, 1])
    integral = space.scale * float(weights @ samples) * 0.8 / 24.0
    close(krylov.residual_integral(space, trajectory, 0.8), integral, 1e-13)
    close(krylov.relative_residual(space, trajectory, 0.8), integral / np.linalg.norm(trajectory[-1]), 1e-13)
    whole = _space(package, matrix, start, 6)
    assert krylov.residual_integral(whole, krylov.phi_trajectory(whole, 0.8), 0.8) == 0.0
    none = _space(package, np.eye(4), np.zeros(4), 3)
    assert krylov.relative_residual(none, krylov.phi_trajectory(none, 2.0), 2.0) == 0.0
    # Rotated by a full turn the flow is back where it was: nothing to be relative to.
    assert krylov.relative_residual(space, np.zeros((9, 4)), 1.0) == 0.0


def check_core(package: Any) -> None:
    matrix, forward_start = _random(5, 3)
    adjoint_start, time = np.random.default_rng(9).standard_normal(5), 1.3
    for dimensions in ((5, 5), (3, 4)):
        forward = _space(package, matrix, forward_start, dimensions[0])
        adjoint = _space(package, matrix.T, adjoint_start, dimensions[1])
        core, covector = package.krylov.van_loan_core(adjoint, forward, time)
        points, shares = np.polynomial.legendre.leggauss(24)
        wanted, integral = np.zeros((adjoint.coordinates, forward.coordinates)), np.zeros(adjoint.coordinates)
        for point, share in zip(0.5 * time * (points + 1.0), 0.5 * time * shares, strict=True):
            costate = adjoint.start_norm * expm((time - point) * adjoint.generator)[:, 0]
            first = forward.start_norm * np.eye(forward.coordinates)[0]
            wanted += share * np.outer(costate, _phi_times(forward.generator, first, point))
            integral += share * costate
        close(core, wanted, 1e-12)
        close(covector, integral, 1e-12)
    none = _space(package, np.eye(5), np.zeros(5), 3)
    core, covector = package.krylov.van_loan_core(adjoint, none, time)
    assert core.shape == (adjoint.coordinates, 0)
    close(covector, integral, 1e-12)
    core, covector = package.krylov.van_loan_core(none, forward, time)
    assert core.shape == (0, forward.coordinates)
    assert covector.shape == (0,)
    core, covector = package.krylov.van_loan_core(none, none, time)
    assert core.shape == (0, 0)
    assert covector.shape == (0,)


def check_overflow(package: Any) -> None:
    refused, krylov = package.krylov.ValueRangeError, package.krylov
    space = _space(package, *_random(4, 5), 4)
    big = _space(package, np.diag([1.0, 2.0, 3.0]), np.full(3, 1e150), 3)
    attempts = (
        lambda: krylov.phi_trajectory(space, 1e6),
        lambda: krylov.van_loan_core(space, space, 1e6),
        lambda: krylov.phi_trajectory(big, 200.0),
        lambda: krylov.require_finite(np.array([1.0, np.inf]), 3.0),
        lambda: krylov.require_finite(np.array([np.nan]), 3.0),
        lambda: krylov.van_loan_core(big, big, 20.0),
    )
    for attempt in attempts:
        try:
            with np.errstate(all="ignore"):
                attempt()
        except refused as error:
            found = str(error)
        else:
            found = "nothing"
        assert "overflow" in found


def check_overflow_warns_of_nothing(package: Any) -> None:
    """The exponential of a piece is finite, its powers are not: an error, and no warning before it."""
    krylov = package.krylov
    grown = _space(package, np.diag([1.0, -1.0, 0.5]), np.ones(3), 3)
    turned = _space(package, np.array([[1.0, -3.0], [3.0, 1.0]]), np.ones(2), 2)  # infinity minus infinity
    for space, time in ((grown, 1000.0), (turned, 2000.0), (turned, 2001.0)):
        try:
            krylov.phi_trajectory(space, time)
        except krylov.ValueRangeError as error:
            found = str(error)
        else:
            found = "nothing"
        assert f"at time {time:g}" in found
