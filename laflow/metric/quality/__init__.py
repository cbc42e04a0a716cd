"""How good a metric is: σ, class, curvature, Euler numbers, with Monte-Carlo errors."""
