"""The runtime's map A and its adjoint satisfy <A v, w> = <v, Aᵀ w>, on grids and graphs, near the boundary too."""

import numpy as np
from hypothesis import given, settings

from laflow.kernels import linear_map, linear_map_adjoint, similarity
from verify import bridge
from verify.oracles import dense_flow, dot_product
from verify.strategies import instances


@given(instance=instances(unknowns=120))
@settings(max_examples=100, deadline=None)
def test_the_linear_map_and_its_adjoint_pass_the_dot_product_test(instance):
    problem = bridge.labeling_problem(instance)
    graph = problem.graph
    weights = graph.pack_weights(bridge.public_weights(instance))
    rng = np.random.default_rng(0)
    public = (*graph.shape, problem.labels)
    vector, covector = (rng.standard_normal(public) for _ in range(2))
    similar, image, projected, pulled = (graph.zeros_nodes(problem.labels) for _ in range(4))
    graph.run(similarity, (weights, problem.log_likelihood), (similar,))
    graph.run(linear_map, (weights, similar, graph.pack_nodes(vector)), (image,))
    graph.run(linear_map_adjoint, (weights, similar, graph.pack_nodes(covector)), (projected, pulled))
    found, pulled_back = graph.unpack_nodes(image), graph.unpack_nodes(pulled)
    # Near one-hot S the terms of R_S cancel: rounding is relative to them, and they are of size 1.
    terms = float(np.linalg.norm(vector) * np.linalg.norm(covector))
    assert dot_product.check_adjoint(found, covector, vector, pulled_back, terms=terms).agrees

    matrix = dense_flow.system_matrix(instance.dense, dense_flow.similarity(instance.dense, instance.log_likelihood))
    scale = np.linalg.norm(vector) + np.linalg.norm(covector)
    assert np.allclose(found.reshape(-1), matrix @ vector.reshape(-1), rtol=0.0, atol=1e-13 * scale)
    assert np.allclose(pulled_back.reshape(-1), matrix.T @ covector.reshape(-1), rtol=0.0, atol=1e-13 * scale)
