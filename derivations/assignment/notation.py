"""The symbols that the lemmas share, each with one name everywhere.

| paper | here | axes |
|---|---|---|
| Ω | ``weights`` | nodes x nodes (vanishing off the graph) or nodes x neighbours |
| D | ``distances`` | nodes x labels |
| L = -Π0 D/ρ | ``log_likelihood`` | nodes x labels |
| S | ``similarity`` | nodes x labels, rows sum to 1 |
| W | ``assignment`` | nodes x labels, rows sum to 1 |
| V | ``tangent`` | nodes x labels, rows sum to 0 |
"""

from __future__ import annotations

import sympy as sp

from derivations.algebra import Array, Index, Tensor, standard_range, tensor, total

nodes = standard_range("nodes", "I")
labels = standard_range("labels", "J")
neighbours = standard_range("neighbours", "N")
ranks = standard_range("ranks", "R")
prototypes = standard_range("prototypes", "K")
features = standard_range("features", "F")
krylov = standard_range("krylov", "m")  # basis vectors of a Krylov space
unknowns = standard_range("unknowns", "n")  # entries of a stacked vector, n = IJ

i, k, n = nodes.indices("i k n")
j, l, q = labels.indices("j l q")
o, u = neighbours.indices("o u")
r = ranks.index("r")
c, d = prototypes.indices("c d")
f, g = features.indices("f g")
s, t = krylov.indices("s t")
x, y = unknowns.indices("x y")

weights = Array("weights", nodes, nodes, latex=r"\Omega", sparse=True)
weights_direction = Array("weights_direction", nodes, nodes, latex="Y")
distances = Array("distances", nodes, labels, latex="D")
log_likelihood = Array("log_likelihood", nodes, labels, latex="L")
similarity = Array("similarity", nodes, labels, latex="S", sums={1: 1})
assignment = Array("assignment", nodes, labels, latex="W", sums={1: 1})
tangent = Array("tangent", nodes, labels, latex="V", sums={1: 0})
covector = Array("covector", nodes, labels, latex="Z")

distance_scale = sp.Symbol("distance_scale", positive=True)


def replicator(similarity_rows: Tensor | Array, vector: Tensor | Array, axes: tuple[Index, Index] = (i, j)) -> Tensor:
    """R_S X row by row: S_ij (X_ij - <S_i, X_i>), Eqs. (2.11b), (2.12)."""
    a, b = axes
    mean = total(similarity_rows[a, l] * vector[a, l], l)
    return tensor((a, b), similarity_rows[a, b] * (vector[a, b] - mean))


def row(field: Tensor | Array, at: Index = i) -> Tensor:
    """One row of a nodes x labels field, as a vector over the labels with ``at`` left open."""
    return tensor(j, field[at, j])


def rows(vector: Tensor) -> Tensor:
    """The field whose row i is ``vector``, in which ``i`` was left open."""
    return tensor((i, j), vector[j])


def average(matrix: Array, field: Tensor | Array) -> Tensor:
    """Ω X: the weighted sum over the neighbours."""
    return tensor((i, j), total(matrix[i, k] * field[k, j], k))


def softmax(scores: Tensor) -> Tensor:
    """The rows of exp_1(X): e^{X_ij} / Σ_l e^{X_il}, Eq. (2.11e) at the barycentre."""
    return tensor((i, j), sp.exp(scores[i, j]) / total(sp.exp(scores[i, l]), l))


def similarity_of_weights() -> Tensor:
    """S(W0) = softmax(Ω L), Eq. (2.17) at the barycentre (proved in ``similarity_map.py``)."""
    return softmax(average(weights, log_likelihood))


# the weights as patches: one row of |N| numbers a node, and which of them lie inside the image
patch_weights = Array("weights", nodes, neighbours, latex=r"\Omega")
inside = Array("inside", nodes, neighbours, latex="m", mask=True)
