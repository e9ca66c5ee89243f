"""``python -m docs.figures [--check]``: write the figures into README and docs, or compare them."""

from __future__ import annotations

import argparse

from docs.figures.markers import faults, pages, rewritten, unused
from docs.figures.registry import REGISTRY
from docs.figures.results import ROOT, Results


def main() -> int:
    """Write or check every page; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.figures", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, tell what differs")
    is_check = parser.parse_args().check
    results, texts, found = Results(), [], []
    for path in pages(ROOT):
        name, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        if not is_check and (new := rewritten(text, REGISTRY, results)) != text:
            path.write_text(new, encoding="utf-8")
            print(f"{name} is rewritten")  # noqa: T201
            text = new
        found += [str(fault) for fault in faults(name, text, REGISTRY, results)]
        texts.append(text)
    found += [f"no page holds {name}" for name in unused(texts, REGISTRY)]
    print("\n".join(found) or "All figures are those of benchmarks/results.")  # noqa: T201
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
