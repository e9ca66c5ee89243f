"""Whether a run stays within thresholds, so that a build may fail; and how that is told."""
