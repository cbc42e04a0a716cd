"""Small random networks and jets that the tests of kernels share. Any numbers are the jets of some functions."""

from typing import Any

import numpy as np

from laflow.metric.model.jet_network import JetNetwork


def random_jets(dimension: int, points: int, features: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, dimension])
    return rng.standard_normal(((dimension + 1) ** 2, points, features))


def random_network(
    dimension: int, features: int = 3, *, seed: int = 0, **options: Any
) -> tuple[JetNetwork, np.ndarray]:
    sizes = options.pop("sizes", (features, 5, 4, 1))
    network = JetNetwork(sizes, dimension=dimension, **{"activation": "tanh", **options})
    return network, network.initial_parameters(np.random.default_rng(seed))
