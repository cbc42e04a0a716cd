"""Names shared by the lemmas of the metric family.

A *site* is one place where a kernel works: a (point, unit) pair inside a network, or a point of the hypersurface.
Kernels visit the sites in blocks and know no neighbours; the site is the last axis in memory.

A Hermitian form h_ab is stored as the real matrix H = Re h + Im h: Re h is symmetric and Im h antisymmetric, so that
Re h = (H + Hᵀ)/2 and Im h = (H - Hᵀ)/2. The *Kähler jet* of a real function u at a point is its value u, the slopes
P_a = Re ∂_a u and Q_a = Im ∂_a u, and the bend B_ab, the packed form of ∂_a ∂̄_b u: (n + 1)² real channels.

| name | axes | meaning |
|---|---|---|
| ``value`` | sites | u |
| ``real_slope``, ``imag_slope`` | directions, sites | Re ∂_a u, Im ∂_a u |
| ``bend`` | directions, directions, sites | ∂_a ∂̄_b u, packed |
"""

from __future__ import annotations

from derivations.algebra import Array, standard_range

sites = standard_range("sites", "S")
directions = standard_range("directions", "dim")  # local complex coordinates x_a of the hypersurface
coordinates = standard_range("coordinates", "H")  # homogeneous coordinates z_i of the projective space
points = standard_range("points", "P")
units = standard_range("units", "U")  # of the layer below
units_out = standard_range("units_out", "V")  # of the layer above
channels = standard_range("channels", "C")  # of a jet: value, slopes, bend
parameters = standard_range("parameters", "T")  # θ_I

s = sites.index("s")
a, b, c, d = directions.indices("a b c d")
i, j, k, l = coordinates.indices("i j k l")
x, y = points.indices("x y")
u = units.index("u")
v = units_out.index("v")
m = channels.index("m")
p, q = parameters.indices("p q")

value = Array("value", sites, latex="u")
real_slope = Array("real_slope", directions, sites, latex="P")
imag_slope = Array("imag_slope", directions, sites, latex="Q")
bend = Array("bend", directions, directions, sites, latex="B")
