"""Evaluations and trials by hand."""

from gome.agents.protocol.messages import Trial
from gome.executors.launch import Cause
from gome.scenarios.evidence import Evaluation

__all__ = ["evaluation", "run_of", "trial_of"]


def evaluation(*folds: float, **rest: object) -> Evaluation:
    """Of splits 0, 1, … with 20 validation rows each, and four times as many to learn from where there is but one."""
    count = len(folds)
    figures = {
        "view": "splits",
        "score": sum(folds) / count if folds else None,
        "splits": tuple(range(count)),
        "planned": count,
        "folds": folds,
        "fold_rows": ((20, 20 * (count - 1 if count > 1 else 4)),) * count,
        "weights": (1.0 / count,) * count if count else (),
        "replicates": ((),) * count,
    }
    return Evaluation.model_validate(figures | rest)


def run_of(split: int, score: float, *off: float) -> Evaluation:
    """One run of five; `off` is by how much its score over each draw of rows is off its score."""
    return Evaluation(
        view=f"split-{split}",
        score=score,
        splits=(split,),
        planned=1,
        folds=(score,),
        fold_rows=((20, 80),),
        weights=(1.0,),
        replicates=(tuple(score + each for each in off),),
        standard_error=0.1,
    )


def trial_of(judged: Evaluation, **rest: object) -> Trial:
    """A good trial."""
    figures = {
        "script_ref": "script",
        "attempts": 1,
        "phase": "full",
        "cause": Cause.OK,
        "words": "ended well",
        "seconds": 1.0,
        "output_ref": None,
        "submission_ref": "submission",
        "evaluation": judged,
    }
    return Trial.model_validate(figures | rest)
