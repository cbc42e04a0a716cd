"""Metric flows on Calabi–Yau hypersurfaces: geometry, neural potentials, and their tangent kernel.

A hypersurface X = {p = 0} of degree n+2 in P^(n+1) carries a nowhere vanishing form Ω, the Fubini–Study metric, and in
its class one Ricci-flat metric. Points z are rows of homogeneous coordinates; at each, `patch` is the coordinate
that is divided out, `dependent` the one that p = 0 determines, and the n others are local coordinates x.
"""
