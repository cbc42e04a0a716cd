"""The loss gradient by PyTorch: autograd through explicit Euler, Runge-Kutta, or exponential integration.

Exponential integration comes twice: on an Arnoldi basis (`krylov`), and by the Taylor polynomial of T φ(TA) b in
Horner's form (`taylor`), which spares the orthogonalisation. What took time and pays (128², J=8, one core): the flat
layout of `flat_grid`; classical Gram-Schmidt by matrix products; a backward pass of one product with A written out,
which shifts the covector under transposed weights where autograd pads nine products; and `torch.compile` of the whole
loss, which fuses the shifts (Taylor of degree 6: 65 ms eagerly by plain autograd, 39 with the backward pass, 23
compiled by plain autograd, 19 with both). One Gram-Schmidt pass keeps the basis orthogonal enough up to m = 8 (its
error shows in the table).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn.functional import pad

from verify.peers.flat_grid import FlatGrid, flat_grid

SCHEMES = ("euler", "runge-kutta", "krylov", "taylor")


@dataclass(frozen=True)
class TorchFlow:
    """A problem on a grid as torch tensors over the cells of `layout`."""

    weights: torch.Tensor  # (K, cells), zero on the halo and beyond the border
    log_likelihood: torch.Tensor  # (J, cells)
    target: torch.Tensor  # (J, cells), zero on the halo
    interior: torch.Tensor  # (1, cells), 1 on nodes
    layout: FlatGrid
    time: float

    def gradient(self, scheme: str, steps: int, *, compiled: bool = False) -> torch.Tensor:
        """∂f(V_T(Ω)), (K, cells), by autograd through `steps` steps, a Krylov space of that dimension or a Taylor
        polynomial of that degree.
        """
        if scheme not in SCHEMES:
            raise ValueError(f"unknown scheme {scheme!r}: choose one of {', '.join(SCHEMES)}")
        weights = self.weights.clone().requires_grad_(True)
        loss = _compiled_loss() if compiled else _loss
        given = weights, self.log_likelihood, self.target, self.interior, self.layout.offsets
        loss(*given, self.time, scheme, steps).backward()
        assert weights.grad is not None
        return weights.grad

    def plain(self, gradient: torch.Tensor) -> np.ndarray:
        """The gradient as (I, K)."""
        return self.layout.gather(gradient.numpy())


def torch_flow(
    weights: np.ndarray,
    neighbours: np.ndarray,
    log_likelihood: np.ndarray,
    target: np.ndarray,
    time: float,
    *,
    shape: Sequence[int],
    radius: int,
    dtype: type = np.float64,
) -> TorchFlow:
    """Lay out plain arrays (see `verify.oracles`) for torch. `shape` and `radius` are the grid's."""
    layout = flat_grid(shape, radius)

    def spread(field: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(layout.spread(field, dtype))

    return TorchFlow(
        weights=spread(np.where(neighbours >= 0, weights, 0.0)),
        log_likelihood=spread(log_likelihood),
        target=spread(target),
        interior=spread(np.ones((layout.cells.size, 1))),
        layout=layout,
        time=time,
    )


def _average(weights: torch.Tensor, padded: torch.Tensor, offsets: Sequence[int]) -> torch.Tensor:
    """Σ_k w_k shifted by offset k: Ω V, or Ωᵀ V with transposed weights and negative offsets."""
    reach, cells = max(offsets), weights.shape[1]
    total = None
    for weight, offset in zip(weights.unbind(0), offsets, strict=True):
        shifted = padded.narrow(1, reach + offset, cells)
        total = weight * shifted if total is None else torch.addcmul(total, weight, shifted)
    assert total is not None
    return total


def _halo(field: torch.Tensor, offsets: Sequence[int]) -> torch.Tensor:
    reach = max(offsets)
    return pad(field, (reach, reach))


def _transposed(weights: torch.Tensor, offsets: Sequence[int]) -> torch.Tensor:
    padded, reach = _halo(weights, offsets), max(offsets)
    rows = [padded[k].narrow(0, reach - offset, weights.shape[1]) for k, offset in enumerate(offsets)]
    return torch.stack(rows)


def _weights_gradient(covector: torch.Tensor, padded: torch.Tensor, offsets: Sequence[int]) -> torch.Tensor:
    reach, cells = max(offsets), covector.shape[1]
    return torch.stack([(covector * padded.narrow(1, reach + offset, cells)).sum(0) for offset in offsets])


class _Average(torch.autograd.Function):
    """Ω L as a function of Ω."""

    @staticmethod
    def forward(ctx: Any, weights: torch.Tensor, field: torch.Tensor, offsets: Sequence[int]) -> torch.Tensor:
        padded = _halo(field, offsets)
        ctx.save_for_backward(padded)
        ctx.offsets = offsets
        return _average(weights, padded, offsets)

    @staticmethod
    def backward(ctx: Any, *covectors: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return _weights_gradient(covectors[0], ctx.saved_tensors[0], ctx.offsets), None, None


class _Apply(torch.autograd.Function):
    """A V = R_S Ω V as a function of Ω, S and V; `transposed` are the weights of Ωᵀ, made once a gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        weights: torch.Tensor,
        transposed: torch.Tensor,
        similarity: torch.Tensor,
        field: torch.Tensor,
        offsets: Sequence[int],
    ) -> torch.Tensor:
        padded = _halo(field, offsets)
        average = _average(weights, padded, offsets)
        mean = (similarity * average).sum(0)
        ctx.save_for_backward(transposed, similarity, padded, average, mean)
        ctx.offsets = offsets
        return similarity * (average - mean)

    @staticmethod
    def backward(ctx: Any, *covectors: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (covector,) = covectors
        transposed, similarity, padded, average, mean = ctx.saved_tensors
        covector_mean = (similarity * covector).sum(0)
        projected = similarity * (covector - covector_mean)
        by_similarity = covector * (average - mean) - covector_mean * average
        by_weights = _weights_gradient(projected, padded, ctx.offsets)
        backwards = tuple(-offset for offset in ctx.offsets)
        by_field = _average(transposed, _halo(projected, backwards), backwards)
        return by_weights, None, by_similarity, by_field, None


def _loss(
    weights: torch.Tensor,
    log_likelihood: torch.Tensor,
    target: torch.Tensor,
    interior: torch.Tensor,
    offsets: tuple[int, ...],
    time: float,
    scheme: str,
    steps: int,
) -> torch.Tensor:
    transposed = _transposed(weights.detach(), offsets)
    similarity = torch.softmax(_Average.apply(weights, log_likelihood, offsets), 0)
    labels = similarity.shape[0]
    source = (similarity - 1.0 / labels) * (interior / labels)

    def apply(field: torch.Tensor) -> torch.Tensor:
        image: torch.Tensor = _Apply.apply(weights, transposed, similarity, field, offsets)
        return image

    if scheme == "krylov":
        tangent = _krylov(apply, source, time, steps)
    elif scheme == "taylor":
        tangent = _taylor(apply, source, time, steps)
    elif scheme == "euler":
        tangent = _euler(lambda field: apply(field) + source, source, time, steps)
    else:
        tangent = _runge_kutta(lambda field: apply(field) + source, source, time, steps)
    return 1.0 - (target * tangent).sum() / (target.norm() * tangent.norm())


@cache
def _compiled_loss() -> Callable[..., torch.Tensor]:
    # One graph for each scheme and number of steps; by default PyTorch gives up after eight.
    torch._dynamo.config.recompile_limit = 64
    return torch.compile(_loss, dynamic=False)


def _euler(velocity: Callable, source: torch.Tensor, time: float, steps: int) -> torch.Tensor:
    step = time / steps
    tangent = step * source  # the first step starts at zero, where the velocity is the source
    for _ in range(steps - 1):
        tangent = torch.add(tangent, velocity(tangent), alpha=step)
    return tangent


def _runge_kutta(velocity: Callable, source: torch.Tensor, time: float, steps: int) -> torch.Tensor:
    step = time / steps
    tangent = torch.zeros_like(source)
    for number in range(steps):
        first = source if number == 0 else velocity(tangent)
        second = velocity(torch.add(tangent, first, alpha=0.5 * step))
        third = velocity(torch.add(tangent, second, alpha=0.5 * step))
        fourth = velocity(torch.add(tangent, third, alpha=step))
        tangent = tangent + step / 6.0 * (first + 2.0 * (second + third) + fourth)
    return tangent


def _taylor(apply: Callable, source: torch.Tensor, time: float, degree: int) -> torch.Tensor:
    """T φ(TA) b ≈ T (b + T/2 A (b + T/3 A (b + …))), `degree` products."""
    tangent = source
    for number in range(degree + 1, 1, -1):
        tangent = torch.add(source, apply(tangent), alpha=time / number)
    return time * tangent


def _krylov(apply: Callable, source: torch.Tensor, time: float, dimension: int) -> torch.Tensor:
    """T‖b‖ Q φ(TH) e_1 through the exponential of the small augmented matrix."""
    norm = source.norm()
    basis, columns = [source / norm], []
    for column in range(dimension):
        vector = apply(basis[-1])
        spanned = torch.stack(basis).view(column + 1, -1)
        shares = spanned @ vector.view(-1)
        entries = [shares]
        if column + 1 < dimension:
            vector = vector - (shares @ spanned).view_as(vector)
            length = vector.norm()
            basis.append(vector / length)
            entries.append(length[None])
        entries.append(shares.new_zeros(dimension + 1 - sum(entry.numel() for entry in entries)))
        columns.append(torch.cat(entries))
    start = norm * torch.eye(dimension + 1, dtype=norm.dtype)[0]
    small = torch.stack([*columns, start], 1)
    weights = torch.linalg.matrix_exp(time * small)[:dimension, dimension]
    return (weights @ torch.stack(basis).view(dimension, -1)).view_as(source)
