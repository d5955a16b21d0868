"""The documentation: pages without a warning, links that lead somewhere, a container built from what is here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")


def test_links_between_files_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/README.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert not broken
    assert len(pages) > 20


def test_the_container_installs_extras_that_there_are() -> None:
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    extras = re.search(r'/src\[([\w,]+)\]"', recipe)
    assert extras is not None
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in extras[1].split(","):
        assert re.search(rf"^{name} = \[", project, re.MULTILINE), name
    assert "USER gome" in recipe, "scripts are confined as an ordinary user's"
    assert 'ENTRYPOINT ["gome"]' in recipe


@pytest.mark.slow
def test_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert made.returncode == 0, made.stderr
    for name in ("index.html", "comparison.html", "reference/scenario.html"):
        page = (tmp_path / "site" / name).read_text(encoding="utf-8")
        assert "<h1" in page
        assert not re.search(r'(?:src|<link[^>]*href)="https?://', page), "nothing is loaded from elsewhere"
