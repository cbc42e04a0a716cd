"""The losses of a φ-model: L² and σ of the residual of Monge-Ampère, and their gradients by metric and parameters."""

from __future__ import annotations

from derivations.algebra import Array, Lemma, Tensor, Wrong, differential_claim, identity, scalar, tensor, total
from derivations.metric.notation import a, b, directions, p, parameters, points, x

weights = Array("weights", points, latex="w")
determinant = Array("determinant", points, latex=r"\det g")
target = Array("target", points, latex=r"\kappa|\Omega|^2")
slope = Array("slope", directions, directions, points, latex="G")  # of the determinant by packed entries
motion = Array("motion", directions, directions, points, latex=r"\dot H")
jacobian = Array("jacobian", directions, directions, points, parameters, latex=r"\partial H")
step = Array("step", parameters, latex=r"\dot\theta")
inverse = Array("inverse", directions, directions, points, latex="g^{-1}")  # packed, so that G = det g g⁻¹
sign = Array("sign", points, latex=r"\mathrm{sgn}\,r")  # of the residual; constant near a residual that is not 0
size = Array("size", points, latex="|r|")

# the maps
whole = total(weights[x], x)
residual = tensor(x, determinant[x] / target[x] - 1)
loss = scalar(total(weights[x] * residual[x] ** 2, x) / whole)
sigma = scalar(total(weights[x] * sign[x] * residual[x], x) / whole)


def moved_by(metric: Tensor) -> dict[Array, Tensor]:
    """How the determinant moves when the packed metric does."""
    return {determinant: tensor(x, total(slope[a, b, x] * metric[a, b, x], a, b))}


along_motion = moved_by(tensor((a, b, x), motion[a, b, x]))
along_step = moved_by(tensor((a, b, x), total(jacobian[a, b, x, p] * step[p], p)))


# the claim: covectors of the packed metric, and what they give for the parameters
def covector(factor: Tensor) -> Tensor:
    """w f G / (Σw κ|Ω|²)."""
    return tensor((a, b, x), weights[x] * factor[x] * slope[a, b, x] / (target[x] * whole))


loss_covector = covector(tensor(x, 2 * residual[x]))
sigma_covector = covector(tensor(x, sign[x]))


def paired(stated: Tensor) -> Tensor:
    return scalar(total(stated[a, b, x] * motion[a, b, x], a, b, x))


def gradient(stated: Tensor) -> Tensor:
    """The derivative along a step of the parameters, Σ_I θ̇_I Σ covector ∂_I H."""
    return scalar(total(step[p] * total(stated[a, b, x] * jacobian[a, b, x, p], a, b, x), p))


by_inverse = tensor((a, b, x), determinant[x] * inverse[a, b, x])
hypothesis = tensor((a, b, x), slope[a, b, x] - by_inverse[a, b, x])
mean_size = total(weights[x] * size[x], x) / whole

LEMMA = Lemma(
    name="sigma_loss",
    title="The σ measure and its L² form as losses",
    reference="Eqs. of the σ measure (Douglas et al., hep-th/0612075), L² form",
    statement=r"""
With $r = \det g / (\kappa |\Omega|^2) - 1$ at points with weights $w$, $L = \sum w r^2 / \sum w$ and
$\sigma = \sum w |r| / \sum w$. If $G$ is the derivative of $\det g$ by the packed metric $H$, the covectors of $H$ are
$2 w r\,G / (\kappa|\Omega|^2 \sum w)$ for $L$, and $w\,\mathrm{sgn}(r)\,G / (\kappa|\Omega|^2 \sum w)$ for $\sigma$
where $r \ne 0$; paired with $\partial_I H$ they give the gradient by parameters. As $G = \det g\; g^{-1}$,
$dr = (1 + r)\,\mathrm{tr}(g^{-1} dg)$. Moreover $L - \sigma^2$ is the variance of $|r|$, so that $\sigma \le \sqrt L$.
""",
    claims=(
        differential_claim(
            "differential of the residual",
            residual,
            along_motion,
            tensor(x, total(slope[a, b, x] * motion[a, b, x], a, b) / target[x]),
        ),
        identity(
            "the residual moves by (1 + r) tr g⁻¹ dg",
            tensor(x, total((slope[a, b, x] - hypothesis[a, b, x]) * motion[a, b, x], a, b) / target[x]),
            tensor(x, (1 + residual[x]) * total(inverse[a, b, x] * motion[a, b, x], a, b)),
        ),
        differential_claim("L by the metric", loss, along_motion, paired(loss_covector)),
        differential_claim("σ by the metric", sigma, along_motion, paired(sigma_covector)),
        differential_claim("L by the parameters", loss, along_step, gradient(loss_covector)),
        differential_claim("σ by the parameters", sigma, along_step, gradient(sigma_covector)),
        identity(
            "L - σ² is a variance",
            scalar(total(weights[x] * size[x] ** 2, x) / whole - mean_size**2),
            scalar(total(weights[x] * (size[x] - mean_size) ** 2, x) / whole),
        ),
        identity(
            "L from the moments of the ratio",
            loss,
            scalar(
                total(weights[x] * determinant[x] ** 2 / target[x] ** 2, x) / whole
                - 2 * total(weights[x] * determinant[x] / target[x], x) / whole
                + 1
            ),
        ),
    ),
    wrong=(
        Wrong("L by the metric", "the square's factor 2 is missing", scalar(paired(loss_covector).expr / 2)),
        Wrong(
            "L by the metric",
            "not divided by κ|Ω|²",
            paired(tensor((a, b, x), loss_covector[a, b, x] * target[x])),
        ),
        Wrong("σ by the metric", "the residual in place of its sign", paired(covector(residual))),
        Wrong(
            "L by the parameters",
            "the derivative of the metric is transposed",
            scalar(total(step[p] * total(loss_covector[b, a, x] * jacobian[a, b, x, p], a, b, x), p)),
        ),
        Wrong(
            "the residual moves by (1 + r) tr g⁻¹ dg",
            "r in place of 1 + r",
            tensor(x, residual[x] * total(inverse[a, b, x] * motion[a, b, x], a, b)),
        ),
        Wrong(
            "L - σ² is a variance",
            "σ is not subtracted",
            scalar(total(weights[x] * size[x] ** 2, x) / whole),
        ),
    ),
    runs_in="laflow/metric/learning/objective.py",
    limits="σ is differentiated where no residual is 0. That G is det g times the packed inverse is a hypothesis, "
    "which monge_ampere proves for n = 1, 2, 3 in another form.",
    family="metric",
)
