"""The example notebook: run without a kernel, its outputs stored, and turned into a page.

``python -m docs.notebooks`` runs it and stores what its cells show.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTEBOOK = Path(__file__).parent / "notebook.ipynb"


def read_notebook(path: Path = NOTEBOOK) -> dict[str, Any]:
    """The notebook's JSON, nbformat 4."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def run_notebook(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run the cells in order and replace their outputs; the names that they left.

    A cell shows what it prints, and what its last line gives unless that is None.
    """
    names: dict[str, Any] = {"__name__": "notebook"}
    codes = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    for number, cell in enumerate(codes, start=1):
        cell["execution_count"] = number
        cell["outputs"] = _run_cell("".join(cell["source"]), number, names)
    return names


def _run_cell(source: str, number: int, names: dict[str, Any]) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    said, value = io.StringIO(), None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if said.getvalue():
        text = said.getvalue().splitlines(keepends=True)
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        outputs.append(
            {
                "output_type": "execute_result",
                "execution_count": number,
                "data": _show(value),
                "metadata": {},
            }
        )
    return outputs


def _show(value: Any) -> dict[str, list[str]]:  # noqa: ANN401  # whatever a cell gives
    shown = {"text/plain": repr(value)}
    if hasattr(value, "_repr_html_"):
        shown["text/html"] = value._repr_html_()
    return {kind: text.splitlines(keepends=True) for kind, text in shown.items()}


def write_notebook(notebook: dict[str, Any], path: Path = NOTEBOOK) -> None:
    """Write the notebook as Jupyter does."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def convert_to_page(notebook: dict[str, Any]) -> str:
    """The notebook as a page of the documentation: Markdown, with its outputs as they are."""
    return "\n\n".join(_convert_cell(cell) for cell in notebook["cells"])


def _convert_cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    parts = [f"```python\n{source}\n```"]
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            parts.append(_fence(output["text"]))
        elif "text/html" in output["data"]:
            # One line: an empty line would end the block of HTML for a reader of Markdown.
            html = "".join(output["data"]["text/html"])
            parts.append(f"<div>{' '.join(html.split())}</div>")
        else:
            parts.append(_fence(output["data"]["text/plain"]))
    return "\n\n".join(parts)


def _fence(lines: Sequence[str]) -> str:
    return f"```text\n{''.join(lines).rstrip()}\n```"


def main() -> None:
    """Run the notebook and store what it shows."""
    notebook = read_notebook()
    # It writes a file, as a reader would into a folder of theirs.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        run_notebook(notebook)
    write_notebook(notebook)


if __name__ == "__main__":
    main()
