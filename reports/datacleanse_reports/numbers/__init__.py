"""Reports of audits whose labels are numbers: one view of a run, four formats."""
