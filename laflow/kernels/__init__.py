"""Kernels generated from the derivations; nothing here is written by hand.

- ``direction_gradient``
- ``direction_moments``
- ``euler_step``
- ``exponential_step``
- ``jet_activation``
- ``jet_activation_adjoint``
- ``lift``
- ``linear_map``
- ``linear_map_adjoint``
- ``log_likelihood``
- ``low_rank_gradient``
- ``predicted_weights``
- ``predictor_adjoint``
- ``regularizer``
- ``regularizer_gradient``
- ``riemannian_gradient``
- ``similarity``
- ``source``
"""
