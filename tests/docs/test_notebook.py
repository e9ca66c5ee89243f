"""The example notebook: it runs, holds what it shows, and is a page that is fit to be read."""

from __future__ import annotations

import re

import pytest

from docs.notebooks import NOTEBOOK, convert_to_page, read_notebook, run_notebook
from tests.docs.test_prose import list_too_long


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The notebook with the outputs that it has now, and the names that it left."""
    notebook = read_notebook()
    for cell in notebook["cells"]:
        # As quickly as it still finds most of them.
        cell["source"] = [line.replace("epochs=10", "epochs=4") for line in cell["source"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("reader"))
        names = run_notebook(notebook)
    return notebook, names


def kinds(notebook):
    """What each cell shows: the kinds of its outputs."""
    codes = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [
        [sorted(output.get("data", {"stream": 0})) for output in cell["outputs"]] for cell in codes
    ]


def test_every_cell_runs_and_shows_what_the_page_shows(ran):
    notebook, names = ran
    assert kinds(notebook) == kinds(read_notebook())
    assert len(names["cleaned"]) == len(names["data"]) - 1
    assert names["wrong"][names["result"].table.flagged].mean() > 0.7
    assert (names["predicted"] == names["cleaned"]["target"]).mean() > 0.8


def test_the_stored_outputs_hold_no_token_and_no_path_of_one_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"token=\w", text)
    assert not re.search(r"/(?:tmp|home|root)/|127\.0\.0\.1", text)
    assert len(text) < 100_000


def test_the_page_has_short_sentences_and_outputs_that_markdown_leaves_alone():
    notebook = read_notebook()
    said = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert list_too_long("\n\n".join("".join(cell["source"]) for cell in said)) == []
    page = convert_to_page(notebook)
    assert page.count('<div class="datacleanse">') == 2
    for line in page.splitlines():
        assert line.startswith("<div>") == line.endswith("</div>")


@pytest.mark.filterwarnings("default")
def test_it_runs_in_a_kernel_with_progress_in_its_cells(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # What a kernel shows of an audit; that the rest runs is seen above.
    (audited, *_) = [at for at, cell in enumerate(notebook.cells) if "dc.audit(" in cell.source]
    del notebook.cells[audited + 1 :]
    for cell in notebook.cells:
        cell.source = cell.source.replace("epochs=10", "epochs=2")
        cell.outputs = []
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=resources
    ).execute()
    shown = str(notebook)
    assert "Done in" in shown
    assert "labels look wrong" in shown
