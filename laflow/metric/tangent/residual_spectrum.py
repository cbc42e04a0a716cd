"""The spectrum of the tangent kernel that governs a training, and what of the residual lies along each of its modes.

With ρ = √W r, W = diag(w/Σw), the loss is |ρ|² and gradient descent moves ρ by -2 K ρ, K = √W Θ √W, for the kernel Θ of
the residuals r. Along an eigenvector of K with eigenvalue λ, ρ decays at the rate 2 λ, as long as K stays.
"""

from dataclasses import dataclass

import numpy as np

from laflow.memory import available_memory
from laflow.metric.geometry.sampling import PointSample
from laflow.metric.model.monge_ampere import pack, residuals
from laflow.metric.model.phi_model import FloatArray, PhiModel
from laflow.metric.tangent.kernel_memory import require_kernel_room
from laflow.metric.tangent.tangent_kernel import residual_rows, tangent_kernel

# The kernel, its eigenvectors, and what LAPACK takes to find them: this many times the kernel's own memory.
COPIES = 4


@dataclass(frozen=True, eq=False)
class ResidualSpectrum:
    """eigenvalues: (N,) of K, from the largest. energies: (N,), squares of the components of ρ along their vectors.

    The energies sum up to the loss Σ w r²/Σ w.
    """

    eigenvalues: FloatArray
    energies: FloatArray

    @property
    def trace(self) -> float:
        """Σ λ."""
        return float(self.eigenvalues.sum())

    @property
    def effective_rank(self) -> float:
        """(Σ λ)²/Σ λ²: the number of equal eigenvalues that would have the same spread."""
        return self.trace**2 / float(np.sum(self.eigenvalues**2))

    def rank_within(self, share: float) -> int:
        """Number of eigenvalues above `share` of the largest."""
        return int(np.sum(self.eigenvalues > share * self.eigenvalues[0]))

    def energy_share(self, modes: int) -> float:
        """Share of the loss in the leading `modes`."""
        return float(self.energies[:modes].sum() / self.energies.sum())


def require_spectrum_room(points: int, parameters: int) -> None:
    """Raises `ProblemSizeError`, with the size and the largest number of points, where the spectrum does not fit."""
    require_kernel_room(points, 1, parameters, available_memory() // COPIES)


def residual_spectrum(model: PhiModel, sample: PointSample) -> ResidualSpectrum:
    """The spectrum at the points of `sample`, all of it: N³ operations. Raises `ProblemSizeError`."""
    require_spectrum_room(len(sample), model.network.parameter_count)
    found = residuals(pack(model.metric(sample)), model.kappa.value * sample.omega_squared)
    root = np.sqrt(sample.weights / sample.weights.sum())
    rows = residual_rows(model.network, model.parameters, model.scaled_jets(sample), found.slope * root)
    values, vectors = np.linalg.eigh(tangent_kernel(rows))
    energies = np.square(vectors.T @ (root * found.residual))
    return ResidualSpectrum(values[::-1].copy(), energies[::-1].copy())
