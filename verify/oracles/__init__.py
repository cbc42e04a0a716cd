"""Oracles: slow, plain, independent ways to the same numbers. None imports laflow or derivations.

Problems are handed over as plain NumPy arrays (I nodes, J labels, K neighbours at most):

- `weights` (I, K) and `neighbours` (I, K) of node indices, -1 where there is none, or `weights` (I, I);
- `log_likelihood` (I, J), the L = -Π0 D/ρ of the paper; `target` (I, J), V* = Π0 W*; `time` T > 0.

Each oracle states what it computes, how accurately, and the smallest relative fault that it can see.
"""
