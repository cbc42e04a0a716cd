"""Hypersurfaces, their points, volumes and charts: what is there before any network."""
