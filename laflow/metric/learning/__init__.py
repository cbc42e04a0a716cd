"""How a φ-model learns: the loss, the steps of four methods, and training."""
