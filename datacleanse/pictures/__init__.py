"""Labelled pictures in, `Dataset` and pixels out. Nothing here knows about networks.

Nothing is imported here: `worker_processes` should load no more than decoding takes.
"""
