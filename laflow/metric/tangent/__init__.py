"""The tangent kernel of a metric flow: finite width, infinite width, frozen, linearised."""
