"""Functions of a Kronecker sum in two Krylov subspaces (Benzi and Simoncini), Eqs. (3.38)-(3.42).

Arnoldi's relations are hypotheses: tensors that vanish if they hold, added to a claim with their multipliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from derivations.algebra import Array, Lemma, Range, Tensor, Wrong, identity
from derivations.algebra.matrices import (
    act,
    add,
    compose,
    identity_matrix,
    kronecker,
    kronecker_sum,
    multiply,
    outer,
    scaled,
    subtract,
    transposed,
)


@dataclass(frozen=True)
class Subspace:
    """One Krylov space with Arnoldi's relation M P = P H + t p e_mᵀ, b = β P e1, PᵀP = 1."""

    operator: Array
    basis: Array
    hessenberg: Array
    next_vector: Array
    first_unit: Array
    last_unit: Array
    start: Array
    next_norm: sp.Symbol
    start_norm: sp.Symbol

    @staticmethod
    def named(side: str, size: str, dim: str) -> Subspace:
        """The Krylov space called ``side``, of dimension ``dim`` in a space of dimension ``size``."""
        long, short = Range(f"{side}_size", size), Range(f"{side}_dim", dim)
        return Subspace(
            Array(f"{side}_operator", long, long),
            Array(f"{side}_basis", long, short),
            Array(f"{side}_hessenberg", short, short),
            Array(f"{side}_next", long),
            Array(f"{side}_first_unit", short),
            Array(f"{side}_last_unit", short),
            Array(f"{side}_start", long),
            sp.Symbol(f"{side}_next_norm"),
            sp.Symbol(f"{side}_start_norm"),
        )

    def rest(self) -> Tensor:
        """t p e_mᵀ, which is ignored in (3.41)."""
        return scaled(self.next_norm, outer(self.next_vector, self.last_unit))

    def relation(self) -> Tensor:
        """M P - P H - t p e_mᵀ, which vanishes by hypothesis (3.38)."""
        known = add(multiply(self.basis, self.hessenberg), self.rest())
        return subtract(multiply(self.operator, self.basis), known)

    def gram(self) -> Tensor:
        return multiply(transposed(self.basis), self.basis)

    def orthonormality(self) -> Tensor:
        """PᵀP - 1, which vanishes by hypothesis."""
        return subtract(self.gram(), identity_matrix(self.basis.axes[1]))

    def compressed(self) -> Tensor:
        return multiply(transposed(self.basis), self.operator, self.basis)

    def compression(self) -> Tensor:
        """PᵀMP - H, which vanishes (krylov_approximation.py)."""
        return subtract(self.compressed(), self.hessenberg)

    def projected_start(self) -> Tensor:
        return multiply(transposed(self.basis), self.start)

    def unit_start(self) -> Tensor:
        return scaled(self.start_norm, self.first_unit)

    def start_relation(self) -> Tensor:
        """Pᵀb - β e1, which vanishes as b = β P e1."""
        return subtract(self.projected_start(), self.unit_start())


one, two = Subspace.named("left", "k1", "m1"), Subspace.named("right", "k2", "m2")
both = kronecker_sum(one.operator, two.operator)
small = kronecker_sum(one.hessenberg, two.hessenberg)
bases = kronecker(one.basis, two.basis)
bases_transposed = kronecker(transposed(one.basis), transposed(two.basis))
eye = identity_matrix(one.basis.axes[1])
core = Array("core", one.basis.axes[1], two.basis.axes[1], latex="C")

mapped_hypotheses = add(kronecker(one.relation(), two.basis), kronecker(one.basis, two.relation()))
mapped_rest = add(kronecker(one.rest(), two.basis), kronecker(one.basis, two.rest()))
projected_hypotheses = add(
    kronecker(one.compression(), two.gram()),
    kronecker(one.hessenberg, two.orthonormality()),
    kronecker(one.orthonormality(), two.compressed()),
    kronecker(eye, two.compression()),
)
start_hypotheses = add(
    outer(one.start_relation(), two.projected_start()), outer(one.unit_start(), two.start_relation())
)

LEMMA = Lemma(
    name="two_subspaces",
    title="Functions of a Kronecker sum in two Krylov subspaces",
    reference="Eqs. (3.38)-(3.42)",
    statement=r"""
Let $M_1 P = P T_1 + t_1 p\, e_m^\top$, $M_2 Q = Q T_2 + t_2 q\, e_m^\top$ with orthonormal columns,
$b_1 = \beta_1 P e_1$, $b_2 = \beta_2 Q e_1$. Then
$(M_1 \oplus M_2)(P \otimes Q) = (P \otimes Q)(T_1 \oplus T_2) + t_1 (p\, e_m^\top) \otimes Q + t_2 P \otimes
(q\, e_m^\top)$, $(P \otimes Q)^\top (M_1 \oplus M_2)(P \otimes Q) = T_1 \oplus T_2$ and
$(P \otimes Q)^\top (b_1 \otimes b_2) = \beta_1 \beta_2\, e_1 \otimes e_1$. So
$f(M_1 \oplus M_2)(b_1 \otimes b_2) \approx \beta_1 \beta_2\, P\, \mathrm{vec}_r^{-1}(f(T_1 \oplus T_2)
e_1)\, Q^\top$, which is exact if $t_1 = t_2 = 0$. The hypotheses stand in the claims with their multipliers.
""",
    claims=(
        identity(
            "Kronecker sum on the bases",
            compose(both, bases),
            add(compose(bases, small), mapped_rest, mapped_hypotheses),
        ),
        identity(
            "projected Kronecker sum",
            compose(bases_transposed, compose(both, bases)),
            add(small, projected_hypotheses),
        ),
        identity(
            "projected start",
            act(bases_transposed, outer(one.start, two.start)),
            add(outer(one.unit_start(), two.unit_start()), start_hypotheses),
        ),
        identity("factored form", act(bases, core), multiply(one.basis, core, transposed(two.basis))),
    ),
    wrong=(
        Wrong(
            "Kronecker sum on the bases",
            "the subspaces are taken as invariant",
            add(compose(bases, small), mapped_hypotheses),
        ),
        Wrong(
            "Kronecker sum on the bases",
            "the Kronecker product of the Hessenberg matrices",
            add(compose(bases, kronecker(one.hessenberg, two.hessenberg)), mapped_rest, mapped_hypotheses),
        ),
        Wrong(
            "projected start",
            "the norm of one start is lost",
            add(outer(one.unit_start(), two.first_unit), start_hypotheses),
        ),
        Wrong(
            "projected Kronecker sum",
            "only one operator is projected",
            add(kronecker(one.hessenberg, identity_matrix(two.basis.axes[1])), projected_hypotheses),
        ),
    ),
    runs_in="laflow/krylov.py",
    limits=(
        "How close the approximation is for t1, t2 other than 0 is not proved here; it is exact for "
        "polynomials f of "
        "degree below m, and for every f once both subspaces are invariant, because then f(M)(P⊗Q) = "
        "(P⊗Q)f(T)."
    ),
    sizes=(
        {"left_size": 2, "left_dim": 2, "right_size": 2, "right_dim": 2},
        {"left_size": 3, "left_dim": 1, "right_size": 2, "right_dim": 2},
    ),
)
