"""Track a run in MLflow or Weights & Biases: while it runs, by following its log, or afterwards.

A tracker is told by a thread of its own: it holds up no event loop, and where it fails the run goes on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event

from gome.agents.protocol.messages import Diagnosis
from gome.agents.protocol.run_messages import RunFinished, RunOpened
from gome.errors import GomeError, Outage
from gome.viewer.export.trackers.record import Recorder, TrackedRun, Tracker
from gome.viewer.output import say_aside
from gome.viewer.run_folders import has_log, open_reader

__all__ = ["TRACKERS", "send", "tracked"]

_POLL = 1.0
_TELLING = RunOpened | Diagnosis | RunFinished
"""Messages with which there is something to send."""


def _mlflow() -> Tracker:
    from gome.viewer.export.trackers.to_mlflow import MlflowTracker

    return MlflowTracker()


def _wandb() -> Tracker:
    from gome.viewer.export.trackers.to_wandb import WandbTracker

    return WandbTracker()


TRACKERS: Mapping[str, Callable[[], Tracker]] = {"mlflow": _mlflow, "wandb": _wandb}
"""How each tracker is opened, by its name in the setting `track` and in `gome export --to`."""


@contextmanager
def tracked(folder: Path) -> Iterator[None]:
    """Context of a run in `folder` that is tracked where its scenario says so; on leaving, the rest is sent.

    A tracker that fails is named once on standard error, and told nothing more.
    """
    over = Event()
    with ThreadPoolExecutor(1, thread_name_prefix="track") as pool:
        following = pool.submit(_follow, folder, over)
        try:
            yield
        finally:
            over.set()
            try:
                following.result()
            except GomeError as error:  # of the log: whoever reads the run next is told in full
                say_aside(f"warning: the run is tracked no more: {error}")


def send(folder: Path, name: str) -> int:
    """Send the run in `folder` to a tracker; return the number of trials. Only what is not there yet is added.

    Raises UsageError where the tracker's package is missing, Outage where it fails.
    """
    tracker = TRACKERS[name]()
    with open_reader(folder) as reader:
        recorder = Recorder(reader.artefacts)
        for each in reader.envelopes():
            recorder.apply(each)
        run = recorder.run(folder / "report.html", over=True)
    try:
        tracker.sync(run)
        tracker.close()
    except Exception as error:
        raise Outage(
            f"{name} failed: {_first_line(error)}. It is safe to export again: nothing is added twice"
        ) from error
    return len(run.trials)


def _follow(folder: Path, over: Event) -> None:
    """Wait for the run's first message, which names the trackers; tell them until `over` is set, and the rest then."""
    while not has_log(folder):
        if over.wait(_POLL) and not has_log(folder):  # a run may be over before it is looked for again
            return
    trackers: dict[str, Tracker] | None = None
    with open_reader(folder) as reader:
        recorder, seen = Recorder(reader.artefacts), 0
        while trackers is None or trackers:
            last, news = over.is_set(), False
            for each in reader.envelopes(after=seen):
                recorder.apply(each)
                seen, news = each.seq, news or isinstance(each.message, _TELLING)
            if trackers is None and (opened := recorder.summary.opened) is not None:
                trackers = _opened(opened.scenario.get("track", ()))
            if trackers and (news or last):
                _each(trackers, partial(_sync, recorder.run(folder / "report.html" if last else None, over=last)))
            if last:
                _each(trackers or {}, lambda tracker: tracker.close())
                return
            over.wait(_POLL)


def _sync(run: TrackedRun, tracker: Tracker) -> None:
    tracker.sync(run)


def _opened(names: Iterable[str]) -> dict[str, Tracker]:
    """Those of the trackers that can be opened."""
    trackers: dict[str, Tracker] = {}
    for name in names:
        try:
            trackers[name] = TRACKERS[name]()
        except GomeError as error:
            say_aside(f"warning: {error}")
    return trackers


def _each(trackers: dict[str, Tracker], call: Callable[[Tracker], None]) -> None:
    """Call every tracker; one that fails is left out from then on."""
    for name, tracker in list(trackers.items()):
        try:
            call(tracker)
        except Exception as error:  # noqa: BLE001 - whatever a tracker raises, the run goes on
            say_aside(f"warning: {name} failed and is told no more of this run: {_first_line(error)}")
            say_aside(f"send all of it later: gome export RUN --to {name}")
            del trackers[name]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
