"""Every page in light and dark, wide and narrow: nothing serious for axe, a silent console, nothing too wide.

With `GOME_PICTURES=FOLDER`, a picture of each is written there, to be looked at.
"""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from gome.viewer.web.server import PageServer
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN, Sample, sample_run, trial, with_evidence
from tests.viewer.web.browser import CHROMIUM, Browser

LONG, NEW = "261124-0400-long-0001", "261124-0500-new-0002"
PAGES = {
    "runs": "",
    "run": f"runs/{RUN}",
    "running": f"runs/{UNFINISHED}",
    "long": f"runs/{LONG}",
    "new": f"runs/{NEW}",
    "step": f"runs/{RUN}/steps/1.2",
    "compare": f"compare?run={RUN}&run={LONG}",
    "messages": f"runs/{RUN}/messages",
    "message": f"runs/{RUN}/messages/MESSAGE",
}
ASK = """axe.run().then((found) => JSON.stringify(found.violations
  .filter((each) => ["serious", "critical"].includes(each.impact))
  .map((each) => [each.id, each.nodes.length, each.nodes[0].html.slice(0, 200)])))"""
CUT = """[...document.querySelectorAll("svg text")].filter((each) => {
  const [own, chart] = [each, each.ownerSVGElement].map((box) => box.getBoundingClientRect());
  return own.width && (own.left < chart.left - 1 || own.right > chart.right + 1);
}).map((each) => each.textContent)"""
"""Words that go beyond the chart that they stand in."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to open the pages in"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PageServer]:
    root = tmp_path / "runs"
    with_evidence(sample_run()).write(root / RUN)
    sample_run(run=UNFINISHED, finish=False).write(root / UNFINISHED)
    _long().write(root / LONG)
    new = sample_run(run=NEW)
    new.envelopes = new.envelopes[:2]
    new.write(root / NEW)
    with PageServer(root) as made:
        thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def _long() -> Sample:
    """A run of three hundred trials."""
    sample = sample_run(run=LONG, finish=False)
    best: dict[int, str | None] = {0: None, 1: None}
    for number in range(294):
        trace, score = number % 2, 0.43 - number * 1e-4
        verdict = {0: "accepted", 5: "failed"}.get(number % 10, "rejected")
        known = None if verdict == "failed" else score + 0.01 * (verdict == "rejected")
        script, _ = trial(sample, trace, 4 + number // 2, verdict, known, 0.002 if known else None, best[trace])
        best[trace] = script if verdict == "accepted" else best[trace]
    return sample


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_pages_are_accessible_and_silent(server: PageServer, tmp_path: Path, scheme: str, width: int) -> None:
    found = importlib.util.find_spec("axe_core_python")
    assert found is not None
    assert found.submodule_search_locations is not None
    axe = (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")
    pictures = Path(os.environ.get("GOME_PICTURES") or tmp_path)
    message = next(each.id for each in sample_run().envelopes if each.kind == "diagnosis")
    with Browser(tmp_path / "profile", patience=240.0) as browser:
        browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for name, path in PAGES.items():
            browser.open(server.url + path.replace("MESSAGE", message), width)
            status = "document.querySelector('#live output')"
            browser.wait(f"!{status} || {status}.textContent === 'live'")
            assert browser.run("document.documentElement.scrollWidth <= innerWidth"), name
            assert (name, browser.run(CUT)) == (name, [])
            browser.picture(pictures / f"{name}-{scheme}-{width}.png")
            if name == "long":  # of the same template as the others, and axe takes minutes for its hundreds of steps
                continue
            browser.run(f"{axe};0")
            assert (name, json.loads(browser.run(ASK))) == (name, [])
        assert browser.errors == []
