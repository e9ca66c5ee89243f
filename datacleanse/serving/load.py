"""`datacleanse.load`: a finished run's model as a scikit-learn estimator that is fitted already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.errors import SettingsError
from datacleanse.given_paths import read_path
from datacleanse.keyword_arguments import suggest_keywords
from datacleanse.serving.loaded_model import LoadedClassifier, LoadedRegressor
from datacleanse.serving.open_model import open_model

if TYPE_CHECKING:
    from os import PathLike

    from datacleanse.models.user_network import ModuleFactory


@suggest_keywords
def load(
    run: str | PathLike[str],
    *,
    model: str | ModuleFactory | None = None,
    text_classes: bool = False,
    allow_unknown: bool = False,
) -> LoadedClassifier | LoadedRegressor:
    """The model of a run folder, or of an ONNX file exported from one.

    Args:
        run: the folder that an audit wrote, or the file.
        model: for a network of the user's own, its factory or ``package.module:factory``; or an
            ONNX file exported from this run.
        text_classes: see `LoadedClassifier`.
        allow_unknown: see `LoadedClassifier`.

    Returns:
        A classifier; of a run of ``--task regression`` a regressor.

    Raises:
        DatacleanseError: as `open_model`.
        SettingsError: ``text_classes`` is asked for where labels are numbers.

    Examples:
        >>> model = load("runs/income")  # doctest: +SKIP
        >>> model.predict(new_frame)  # doctest: +SKIP
    """
    path = read_path("run", run)
    served = open_model(path, model=model)
    if served.schema.classes:
        loaded = LoadedClassifier(
            str(path), model=model, text_classes=text_classes, allow_unknown=allow_unknown
        )
        return loaded._hold(served)
    if text_classes:
        raise SettingsError(
            f"text_classes is given, and the model in {run} predicts numbers.",
            slug="settings-contradict",
            hint="Leave text_classes out.",
        )
    return LoadedRegressor(str(path), model=model, allow_unknown=allow_unknown)._hold(served)
