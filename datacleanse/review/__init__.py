"""Decisions of reviewers, and the files cleaned by them."""
