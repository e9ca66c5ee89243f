"""Models that turn a text into a vector of its meaning. They are optional, and never in the run.

`wordllama` brings static vectors of word pieces in its wheel: a text is their mean, and nothing is
downloaded. Any other name is one of the library sentence-transformers: a folder, or a name that the
library itself finds. A run keeps the model's name and what it made of one sentence, so that another
model of the same name is noticed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from datacleanse.data.free_text import simplify
from datacleanse.errors import SettingsError
from datacleanse.models.optional_packages import check_installed
from datacleanse.settings import NO_TEXT_MODEL
from datacleanse.storage.damage import say_on_one_line

# Read from `model.json`, so that the field's type must be known when the program runs.
from datacleanse.storage.typed_json import Number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WORDLLAMA = "wordllama"
_WORDLLAMA_NEEDS = (WORDLLAMA, "tokenizers")
_WEIGHTS = Path("weights") / "l2_supercat_256.safetensors"
_TOKENIZER = Path("tokenizers") / "l2_supercat_tokenizer_config.json"

SENTENCES = "sentence_transformers"

PROBE = "datacleanse reads a text"
"""The sentence that a model is known again by."""
PROBE_TOLERANCE = 1e-3
"""Largest difference of its vector, over its length: what another processor may do."""
PROBED = 16
"""Numbers of the vector that are kept."""

AT_ONCE = 256
"""Texts that are embedded at a time."""


@dataclass(frozen=True)
class UsedTextModel:
    """Which model read the texts of a run."""

    name: str
    """`WORDLLAMA`, a folder, or what sentence-transformers calls it."""
    release: str
    """Of the library that it was run by."""
    width: Number
    """E, the numbers of a text."""
    probe: tuple[float, ...]
    """The first numbers of `PROBE`."""


class TextModel(Protocol):
    """Turns texts into vectors."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """The vectors of n texts, (n, E)."""


class _WordPieces:
    """The mean of the static vectors of a text's word pieces.

    The files of the installed package are read, and none of its code is run: it would set up
    logging for the whole program.
    """

    def __init__(self) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        found = find_spec(WORDLLAMA)
        assert found is not None
        assert found.origin is not None
        place = Path(found.origin).parent
        try:
            self._vectors = load_file(place / _WEIGHTS)["embedding.weight"].astype(np.float32)
            self._tokenizer = Tokenizer.from_file(str(place / _TOKENIZER))
        except Exception as error:  # the libraries raise several kinds
            raise SettingsError(
                f"The text model {WORDLLAMA} in {place} cannot be read ({say_on_one_line(error)}).",
                slug="text-model-unreadable",
                hint="Remove it with `pip uninstall wordllama` and install it again: pip install "
                f"'datacleanse[text]'. Or go on without it: --text-model {NO_TEXT_MODEL}.",
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def embed(self, texts: Sequence[str]) -> Floats:
        found = np.zeros((len(texts), self._vectors.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), AT_ONCE):
            part = self._tokenizer.encode_batch(
                list(texts[start : start + AT_ONCE]), add_special_tokens=False
            )
            for at, encoded in enumerate(part, start):
                if encoded.ids:
                    found[at] = self._vectors[encoded.ids].mean(axis=0)
        return found


class _Sentences:
    """A model of the library sentence-transformers."""

    def __init__(self, name: str) -> None:
        _refuse_own_code(name)
        try:
            import sentence_transformers

            self._model: Any = sentence_transformers.SentenceTransformer(name, device="cpu")
        except Exception as error:  # the library raises many kinds
            raise SettingsError(
                f"The text model {name!r} cannot be loaded: {say_on_one_line(error)}",
                slug="text-model-unreadable",
                hint="Give the folder of a model of sentence-transformers, or its name on the "
                "library's hub; without a network it must have been downloaded before.",
            ) from error

    def embed(self, texts: Sequence[str]) -> Floats:
        found: Floats = np.asarray(
            self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True),
            dtype=np.float32,
        )
        return found


def _refuse_own_code(name: str) -> None:
    """Refuse a folder whose description names code: the library would run it unasked."""
    described = Path(name) / "modules.json"
    if not described.is_file():
        return
    try:
        kinds = [str(each.get("type")) for each in json.loads(described.read_bytes())]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SettingsError(
            f"{described} cannot be read ({say_on_one_line(error)}).",
            slug="text-model-unreadable",
            hint="Give the folder of a model of sentence-transformers.",
        ) from error
    for kind in kinds:
        if not kind.startswith(f"{SENTENCES}."):
            raise SettingsError(
                f"The text model in {name} asks for code of its own, {say_on_one_line(kind)}. No "
                "code is run because a file names it.",
                slug="text-model-own-code",
                hint="Give a model that consists of the library's own parts.",
            )


def choose_text_model(asked: str | None) -> UsedTextModel | None:
    """The model that reads texts beside their counts; None: none does.

    Args:
        asked: by ``--text-model``; None: what the extra brings, where it is installed.

    Raises:
        SettingsError: the model asked for, or its library, is not there.
    """
    if asked == NO_TEXT_MODEL:
        return None
    if asked is None:
        if any(find_spec(name) is None for name in _WORDLLAMA_NEEDS):
            return None
        asked = WORDLLAMA
    if Path(asked).is_dir():
        asked = str(Path(asked).resolve())
    _check_library(asked, f"--text-model {asked}")
    probe = _load(asked).embed([PROBE])[0]
    release = version(WORDLLAMA if asked == WORDLLAMA else "sentence-transformers")
    return UsedTextModel(asked, release, len(probe), tuple(map(float, probe[:PROBED])))


def check_text_model(used: UsedTextModel) -> None:
    """See that a model that a run names is there, and the same one.

    Raises:
        SettingsError: it, or its library, is not there, or it is another one by now.
    """
    _check_library(used.name, f"This model reads texts by {used.name}. It")
    probe, saved = _load(used.name).embed([PROBE])[0], np.array(used.probe, dtype=np.float32)
    if len(probe) == used.width and len(saved) == len(probe[:PROBED]):
        gap = float(np.abs(probe[:PROBED] - saved).max())
        if gap <= PROBE_TOLERANCE * max(float(np.linalg.norm(saved)), 1e-6):
            return
    raise SettingsError(
        f"The text model {used.name} is another one than the run was made with: it reads a "
        "sentence differently.",
        slug="text-model-changed",
        hint=f"Install the release that the run names, {used.release}, or give the same files.",
    )


def embed_texts(used: UsedTextModel, texts: Sequence[str]) -> Floats:
    """The vectors (n, E) of n texts as they are read; a text without any sign is all 0.

    Raises:
        SettingsError: the model, or its library, is not there.
    """
    _check_library(used.name, f"Reading texts by {used.name}")
    plain = [_prepare(text) for text in texts]
    found = _load(used.name).embed(plain) if plain else np.empty((0, used.width), np.float32)
    found[[not text for text in plain]] = 0.0
    return np.nan_to_num(found, copy=False, posinf=0.0, neginf=0.0)


def _prepare(text: str) -> str:
    """The text as it is read, without halves of signs, which no tokenizer takes."""
    return simplify(text).encode("utf-8", "replace").decode("utf-8")


def _check_library(name: str, what: str) -> None:
    needed = _WORDLLAMA_NEEDS if name == WORDLLAMA else (SENTENCES,)
    if name == WORDLLAMA:
        check_installed(*needed, extra="text", what=what)
    elif find_spec(SENTENCES) is None:
        raise SettingsError(
            f"{what} needs the library sentence-transformers, which is not installed here.",
            slug="extra-missing",
            hint="Install it: pip install sentence-transformers.",
        )


@lru_cache(maxsize=2)
def _load(name: str) -> TextModel:
    return _WordPieces() if name == WORDLLAMA else _Sentences(name)
