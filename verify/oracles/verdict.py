"""What an oracle answers: how far a claim is off, and how small a fault it could have seen."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Outcome of comparing a claim with an oracle.

    error: relative difference between the claim and the oracle's own value.
    tolerance: the relative difference that the oracle's own inaccuracy explains in this call. It is at the
        same time the detection limit of the call: a smaller fault of the claim passes unseen.
    """

    error: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """True where the claim lies within the oracle's own inaccuracy. NaN never agrees."""
        return self.error <= self.tolerance
