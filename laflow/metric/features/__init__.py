"""Functions on a hypersurface that networks take: their Kähler jets, and which of them the symmetries allow."""
