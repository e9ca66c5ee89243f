"""Models that judge labels beside the networks: trees, ridge regressions, image statistics."""
