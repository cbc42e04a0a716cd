"""Hypothesis strategies for labeling problems: grids and graphs, small, ill-conditioned where that is legal.

Weights near the boundary of the simplex are normalised powers 2^-e, which shrink well; distances are flat,
ordinary, or so far apart that the similarity is one-hot; times are short and long. Sizes are bounded so that
dense oracles can follow: `unknowns` is n = I·J.
"""

import numpy as np
from hypothesis import strategies as st

from verify.instances import Instance
from verify.oracles.neighbourhoods import OUTSIDE, grid_neighbours

LARGEST_EXPONENT = 40
TIMES = (0.01, 0.5, 1.0, 5.0, 20.0)
CONTRASTS = (0.015625, 1.0, 4.0, 32.0)


@st.composite
def grid_instances(draw: st.DrawFn, unknowns: int = 48) -> Instance:
    """Problems on grids of one to three dimensions, radius 1 or 2, with 2 to 20 labels."""
    labels = draw(st.integers(2, min(20, unknowns)))
    dimensions = draw(st.integers(1, 3))
    shape: list[int] = []
    room = unknowns // labels
    for _ in range(dimensions):
        shape.append(draw(st.integers(1, max(1, min(room, 8)))))
        room //= shape[-1]
    radius = draw(st.integers(1, 2))
    return draw(_on(grid_neighbours(tuple(shape), radius), labels, tuple(shape), radius))


@st.composite
def graph_instances(draw: st.DrawFn, unknowns: int = 48) -> Instance:
    """Problems on directed graphs with 1 to 8 neighbours a node, itself not always among them."""
    labels = draw(st.integers(2, min(20, unknowns)))
    nodes = draw(st.integers(1, max(1, min(unknowns // labels, 12))))
    patches = draw(st.lists(st.sets(st.integers(0, nodes - 1), min_size=1, max_size=8), min_size=nodes, max_size=nodes))
    width = max(len(patch) for patch in patches)
    neighbours = np.array([sorted(patch) + [OUTSIDE] * (width - len(patch)) for patch in patches])
    return draw(_on(neighbours, labels, None, None))


def instances(unknowns: int = 48) -> st.SearchStrategy[Instance]:
    """Problems on grids or on graphs."""
    return st.one_of(grid_instances(unknowns), graph_instances(unknowns))


@st.composite
def _on(
    draw: st.DrawFn, neighbours: np.ndarray, labels: int, shape: tuple[int, ...] | None, radius: int | None
) -> Instance:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes = neighbours.shape[0]
    spread = draw(st.integers(0, LARGEST_EXPONENT))
    weights = np.exp2(-rng.integers(0, spread + 1, neighbours.shape).astype(float)) * (neighbours != OUTSIDE)
    distances = draw(st.sampled_from(CONTRASTS)) * rng.random((nodes, labels))
    if draw(st.booleans()):
        distances[:] = distances[0]  # a constant image: its Krylov space is exhausted at once on a regular graph
    return Instance(
        distances=distances,
        truth=rng.integers(0, labels, size=(nodes,)),
        weights=weights / weights.sum(axis=1, keepdims=True),
        neighbours=neighbours,
        time=draw(st.sampled_from(TIMES)),
        distance_scale=draw(st.sampled_from((0.5, 1.0, 2.0))),
        shape=shape,
        radius=radius,
    )
