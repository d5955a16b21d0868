"""`diff`: the code of a step compared with its parent's, and the effect on each split."""

from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.model.borrowed import Borrowings
from gome.viewer.model.message_lines import idea
from gome.viewer.model.script_diff import base_of, difference, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary, find_step, summarise
from gome.viewer.output import emit, hint, say
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["diff"]


def diff(
    run: Run = "@last", step: str | None = None, other: str | None = None, *, runs: Runs = None, json: Json = False
) -> int:
    """Show what a step changed in its parent's code, and the effect on each split.

    Parameters
    ----------
    step
        The step as trace.step, such as 0.2. Default: the run's best step.
    other
        The step to compare with. Default: the parent.
    """
    folder = folder_of(run, runs)
    with open_reader(folder) as reader:
        summary = summarise(reader.envelopes())
        new = find_step(summary, step or (summary.best.step if summary.best else "0.1"))
        loans = Borrowings(summary)
        old = find_step(summary, other) if other else _parent(summary, new, loans)
        names = (old.name if old else "an empty script", new.name)
        changes = difference(reader.artefacts, script_of(old) if old else base_of(new), script_of(new), names)
    effect, taken = _effect(old, new), loans.taken(new)
    if json:
        data = {"from": old.name if old else None, "to": new.name, "taken_from": taken}
        emit("diff", {**data, "diff": changes, "folds": effect})
        return 0
    say(f"{new.name} ({new.verdict}, score {new.score_words}){_against(old, new, chosen=other is not None)}")
    for each in new.hypotheses:
        say(f"  {each.component}: {each.statement}")
    if new.diagnosis is not None and new.diagnosis.hypothesis_verdict == "untested":
        say(f"untested: {_why_untested(new)}")
    for loan in loans.of(new):
        if loan.taken:
            how = "merges the solution of" if loan.why == "merged" else "adopts the change of"
            say(f"it {how} {loan.source}: {text.line(idea(loan.hypotheses))}")
    if effect:
        say("splits: " + ", ".join(_change(*each, summary) for each in effect))
    gain = new.diagnosis.effect if new.diagnosis and other is None else None  # it is against the step's own reference
    if gain is not None and gain.standard_error is not None:
        error = text.spread(gain.standard_error)
        say(f"standard error of the gain: {error} ({gain.rows} rows, {text.several(gain.splits, 'split')})")
    if old is None and base_of(new) is None:
        say("a first solution changes no other: what follows is its whole script")
    say("\n" + ("\n".join(changes) or "the two scripts are identical"))
    named = as_opened(folder)
    against = [f"gome diff {named} {new.name} {each}" for each in taken[:1]]
    hint(f"gome tree {named}", *against, f"gome log {named} --trace {new.trace} --step {new.step}")
    return 0


def _parent(summary: Summary, step: Step, loans: Borrowings) -> Step | None:
    """The step whose script this one changed, in its own trace or another; None for a root."""
    base = base_of(step)
    earlier = [each for each in summary.traces[step.trace].trials if each.step < step.step]
    own = next((each for each in reversed(earlier) if base is not None and script_of(each) == base), None)
    elsewhere = loans.base(step)
    return find_step(summary, elsewhere) if own is None and elsewhere else own


def _against(old: Step | None, new: Step, *, chosen: bool) -> str:
    """The gain by which a step was judged, and both whole scores where they are of more splits than the gain.

    The gain is against the best of its trace: another step that the user has `chosen` is compared by scores alone.
    """
    before = old.evaluation if old else None
    alike = before is not None and new.evaluation is not None and before.splits == new.evaluation.splits
    words = "" if chosen else f": {new.gain_words}"
    if old is None:
        return f" against an empty script{words}"
    if alike and (chosen or new.gain_on):
        whole = f"{text.score(old.score)} → {text.score(new.score)} on all splits of both"
        words = f"{words}; {whole}" if words else f": {whole}"
    return f" against {old.name}{words}"


def _why_untested(step: Step) -> str:
    if step.judging is not None and step.judging.none:
        return "no prediction changed"
    return f"a repair took this out of the script. What changed: {text.line(step.job.notes if step.job else '')}"


def _change(before: float, after: float, summary: Summary) -> str:
    """Both scores of a split, marked where it got worse."""
    shown = text.score(before), text.score(after)
    return " → ".join(shown) + (" (worse)" if shown[0] != shown[1] and summary.better(before, after) else "")


def _effect(old: Step | None, new: Step) -> list[tuple[float, float]]:
    """Scores (before, after) on each split that both steps were run on."""
    before, after = (
        dict(zip(found.splits, found.folds, strict=True)) if (found := step and step.evaluation) else {}
        for step in (old, new)
    )
    return [(before[split], after[split]) for split in before if split in after]
