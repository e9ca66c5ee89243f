"""Halves of signs: what JSON and Python can spell in a text, and no file of text can hold."""

from __future__ import annotations


def replace_half_signs(text: str) -> str:
    r"""The text with the sign for "unreadable" in place of each lone half, such as ``\ud800``.

    Two halves that belong together become the sign that they mean.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
