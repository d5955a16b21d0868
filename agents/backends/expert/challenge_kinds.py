"""What each challenge that the expert knows is about, and its statement."""

from typing import NamedTuple

from gome.agents.backends.expert.moves import captions

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """What a challenge is about, and its statement."""

    category: str
    statement: str


KINDS: dict[str, Kind] = {
    captions.FIRST: Kind("model", "Which kind of model suits these columns is open."),
    captions.TARGET: Kind("metric", "What the model minimises is not what the metric measures."),
    captions.DECISIONS: Kind("metric", "The likeliest class is not what the metric rewards most."),
    captions.UNEQUAL: Kind("metric", "Classes are unequal in number, not in the metric."),
    captions.CURVES: Kind("features", "Columns are points of one curve, and are read one at a time."),
    captions.CYCLES: Kind("features", "A column goes round, and its two ends look far apart."),
    captions.MOMENTS: Kind("features", "The calendar is hidden in a date."),
    captions.AGES: Kind("features", "What lies between two dates is not seen."),
    captions.TIME: Kind("features", "Rows have neighbours in time that are not seen."),
    captions.JOINT: Kind("features", "Columns act together, and are cut one at a time."),
    captions.VALUES: Kind("data", "A category has many values and few rows for each."),
    captions.SPELLING: Kind("features", "How categories are written decides how they are told apart."),
    captions.GAPS: Kind("data", "Values are missing, and not at random."),
    captions.USELESS: Kind("data", "Columns cost variance and tell nothing."),
    captions.SCALES: Kind("features", "A few large values stretch a column's scale."),
    captions.SHAPE: Kind("model", "Which way a column acts is left to noise."),
    captions.OVERFIT: Kind("model", "The model learns single training rows."),
    captions.UNDERFIT: Kind("model", "The model could follow the training rows further."),
    captions.STEPS: Kind("model", "Boosting goes in coarse steps."),
    captions.UNSTEADY: Kind("ensemble", "Another draw of the same model says otherwise."),
    captions.ONE_VIEW: Kind("ensemble", "All predictions share one kind of blind spot."),
    captions.WEIGHING: Kind("ensemble", "Better and worse models have the same say."),
    captions.CONFIDENCE: Kind("metric", "Predictions are off in level or too sure."),
    captions.SLICE: Kind("features", "One part of the rows carries most of the loss."),
    captions.WORDS: Kind("features", "A text says more than the words that are counted."),
    captions.PICTURES: Kind("features", "A picture is read as shades, place by place."),
    captions.BESIDE: Kind("data", "Tables beside the rows are not read."),
    captions.DRIFT: Kind("data", "Test rows are later than all training rows, and the level moves."),
}  # fmt: skip
