"""`gantt`: a text timeline with one lane per role and per slot."""

import shutil

from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.model.summary import summarise
from gome.viewer.model.timeline import Span
from gome.viewer.output import as_data, emit, hint, say
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["gantt"]


def gantt(run: Run = "@last", *, runs: Runs = None, json: Json = False) -> int:
    """Show a timeline of roles and slots, and the time shares of reasoning, executing, both and neither."""
    folder = folder_of(run, runs)
    with open_reader(folder) as reader:
        summary = summarise(reader.envelopes())
    spans, shares = summary.timeline.spans, summary.timeline.shares(summary.time)
    if json:
        emit("gantt", {"shares": shares, "spans": [as_data(each) for each in spans]})
        return 0
    lanes: dict[str, list[Span]] = {}
    for each in sorted(spans, key=lambda span: (span.executes, span.trace is None, span.trace or 0, span.start)):
        if each.executes and each.slot is None and each.end is not None:
            continue  # refused: the script never got a slot
        script = "in flight" if each.slot is None else f"slot {each.slot}"
        lanes.setdefault(script if each.executes else each.actor, []).append(each)
    label = max(map(len, lanes), default=0)
    width = max(20, min(160, shutil.get_terminal_size().columns) - label - 2)
    for lane, own in sorted(lanes.items(), key=lambda item: item[1][0].executes):
        say(f"{lane:>{label}}  {_bar(own, summary.time, width)}")
    say(f"{'':>{label}}  0s{text.duration(summary.time):>{width - 2}}")
    say("digit: the trace being worked on; #: work for the whole run")
    say(f"\n{shares.words}")
    say(f"without any overlap it would have taken {text.duration(shares.sequential)}")
    hint(f"gome report {as_opened(folder)}", f"gome cost {as_opened(folder)}")
    return 0


def _bar(spans: list[Span], until: float, width: int) -> str:
    """One character per time slice: the last digit of the trace at work, `#` for work on the whole run."""
    cells = [" "] * width
    for each in spans:
        first = int(each.start / (until or 1.0) * (width - 1))
        last = int((each.end if each.end is not None else until) / (until or 1.0) * (width - 1))
        for place in range(first, last + 1):
            cells[place] = "#" if each.trace is None else str(each.trace)[-1]
    return "".join(cells)
