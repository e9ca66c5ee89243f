"""Labelled pictures in, `Dataset` and pixels out. Nothing here knows about networks.

Nothing is imported here: `workers` should load no more than decoding takes.
"""
