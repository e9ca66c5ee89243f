"""From what training showed to ranked, calibrated, flagged rows."""
