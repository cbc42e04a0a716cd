"""Kernels generated from the derivations; nothing here is written by hand.

- ``activation_tanh``
- ``bend_contraction``
- ``contracted_bend``
- ``contracted_bend_adjoint``
- ``direction_gradient``
- ``direction_moments``
- ``euler_step``
- ``exponential_step``
- ``jet_activation``
- ``jet_activation_adjoint``
- ``jet_activation_tangent``
- ``lift``
- ``linear_map``
- ``linear_map_adjoint``
- ``log_likelihood``
- ``low_rank_gradient``
- ``monge_ampere_1``
- ``monge_ampere_2``
- ``monge_ampere_3``
- ``predicted_weights``
- ``predictor_adjoint``
- ``regularizer``
- ``regularizer_gradient``
- ``riemannian_gradient``
- ``similarity``
- ``source``
"""
