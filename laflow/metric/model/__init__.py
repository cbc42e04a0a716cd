"""The φ-model: a network that carries Kähler jets, and the Monge–Ampère residual of its metric."""
