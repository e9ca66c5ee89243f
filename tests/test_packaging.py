"""What gets installed: hatchling obeys .gitignore, so a careless pattern would empty the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_holds_every_module_and_template(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    packages = (
        ROOT / "datacleanse",
        ROOT / "cli/datacleanse_cli",
        ROOT / "reports/datacleanse_reports",
    )
    expected = {
        str(path.relative_to(package.parent).as_posix())
        for package in packages
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == expected
    assert any(name.endswith(".html.j2") for name in packed)


def test_no_file_names_a_path_of_one_machine():
    """A path of a developer's machine in the code or the docs helps nobody else."""
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in files:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".json", ".yml"} and path != Path(__file__):
            assert "/home/" not in path.read_text(encoding="utf-8"), name
