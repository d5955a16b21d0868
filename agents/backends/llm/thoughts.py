"""Separate what a model thought from what it replied, in each form in which servers leave thoughts in the text.

Most servers send thoughts in a field of their own. A server without a parser for its model passes the model's own
marks on: a pair of tags, or the channels of the harmony format. End tokens that a server lets through are removed.
"""

import re
from dataclasses import dataclass

__all__ = ["Words", "split_thoughts", "without_end_tokens"]

_NAMES = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reasoning)"
_OPENING = rf"<{_NAMES}>|\[THINK\]|◁think▷|<\|(?:begin_of_thought|START_THINKING)\|>"
_CLOSING = rf"</{_NAMES}>|\[/THINK\]|◁/think▷|<\|(?:end_of_thought|END_THINKING)\|>"
_OPEN = re.compile(rf"\s*(?:{_OPENING})", re.IGNORECASE)
_CLOSE = re.compile(_CLOSING, re.IGNORECASE)
_CHANNEL = re.compile(
    r"(?:<\|start\|>assistant)?<\|channel\|>(?P<channel>\w+)[^<]*(?:<\|constrain\|>\w+)?<\|message\|>"
)
_HARMONY_END = re.compile(r"<\|(?:end|return|call)\|>")
_BARE_HARMONY = re.compile(r"analysis(?P<thoughts>.*?)assistant\s*final(?P<text>.*)", re.DOTALL)
"""Harmony whose special tokens the server has dropped: only the words between them are left."""
_END_TOKENS = (
    *(f"<|{name}|>" for name in ("im_end", "endoftext", "eot_id", "eom_id", "end", "return", "end_of_text", "user")),
    *("<|END_OF_TURN_TOKEN|>", "</s>", "<eos>", "<end_of_turn>", "<｜end▁of▁sentence｜>", "[e~["),
)


@dataclass(frozen=True, slots=True)
class Words:
    """An answer's text, separated from its thoughts; the text is empty where the answer ends within a thought."""

    text: str
    thoughts: str


def split_thoughts(raw: str) -> Words:
    """Separate the thoughts from an answer. Marks within the reply itself are part of it."""
    raw = raw.lstrip("\ufeff")
    if _CHANNEL.search(raw):
        return _channels(raw)
    bare = _BARE_HARMONY.fullmatch(raw.strip())
    if bare is not None:
        return Words(without_end_tokens(bare["text"]), bare["thoughts"].strip())
    thoughts: list[str] = []
    text = raw
    while (opening := _OPEN.match(text)) is not None:
        closing = _CLOSE.search(text, opening.end())
        if closing is None:
            return Words("", "\n\n".join([*thoughts, text[opening.end() :].strip()]))
        thoughts.append(text[opening.end() : closing.start()].strip())
        text = text[closing.end() :]
    # Some servers put the opening tag into the prompt, so that only the closing one is in the answer.
    closing = None if thoughts else _CLOSE.search(text)
    if closing is not None:
        thoughts.append(text[: closing.start()].strip())
        text = text[closing.end() :]
    return Words(without_end_tokens(text), "\n\n".join(thoughts))


def without_end_tokens(text: str) -> str:
    """The text without end tokens of chat formats behind it, and without white space around it."""
    end = len(text)
    while True:
        while end and text[end - 1].isspace():
            end -= 1
        token = next((token for token in _END_TOKENS if text.endswith(token, 0, end)), None)
        if token is None:
            return text[:end].strip()
        end -= len(token)


def _channels(raw: str) -> Words:
    """Harmony: the last message on the channel `final` is the reply, all else is thought."""
    found = list(_CHANNEL.finditer(raw))
    ends = [each.start() for each in found[1:]] + [len(raw)]
    messages = [
        (each["channel"].lower(), _HARMONY_END.split(raw[each.end() : end], maxsplit=1)[0].strip())
        for each, end in zip(found, ends, strict=True)
    ]
    at = max((at for at, (channel, _) in enumerate(messages) if channel == "final"), default=None)
    thoughts = "\n\n".join(words for other, (_, words) in enumerate(messages) if other != at and words)
    if at is None:
        return Words("", thoughts)
    return Words(without_end_tokens(messages[at][1]), thoughts)
