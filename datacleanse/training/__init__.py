"""Learned reweighting: influences, rules, the loop, checkpoints, what training showed."""
