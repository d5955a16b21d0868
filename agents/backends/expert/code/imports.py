"""The imports of a composed script: derived from its code, so that they are exactly those that it uses."""

import re

__all__ = ["EVERY_IMPORT", "imports_of"]

_MODULES = ("argparse", "json", "torch")
_ALIASES = {"np": "numpy", "pd": "pandas"}
_NAMES = {
    "pathlib": ("Path",),
    "PIL": ("Image",),
    "scipy.ndimage": ("affine_transform",),
    "scipy.optimize": ("nnls",),
    "scipy.sparse": ("hstack",),
    "scipy.special": ("softmax",),
    "scipy.stats": ("spearmanr",),
    "sklearn.base": ("BaseEstimator", "ClassifierMixin", "RegressorMixin", "TransformerMixin"),
    "sklearn.compose": ("make_column_selector", "make_column_transformer"),
    "sklearn.decomposition": ("TruncatedSVD",),
    "sklearn.ensemble": (
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
    ),
    "sklearn.feature_extraction.text": ("CountVectorizer", "TfidfTransformer"),
    "sklearn.impute": ("SimpleImputer",),
    "sklearn.isotonic": ("IsotonicRegression",),
    "sklearn.linear_model": ("LogisticRegression", "Ridge", "RidgeCV", "SGDClassifier"),
    "sklearn.metrics": (
        "balanced_accuracy_score",
        "cohen_kappa_score",
        "f1_score",
        "log_loss",
        "r2_score",
        "roc_auc_score",
    ),
    "sklearn.model_selection": ("GroupKFold", "KFold", "StratifiedKFold"),
    "sklearn.naive_bayes": ("ComplementNB",),
    "sklearn.neighbors": ("KNeighborsClassifier", "KNeighborsRegressor"),
    "sklearn.pipeline": ("make_pipeline",),
    "sklearn.preprocessing": (
        "FunctionTransformer",
        "OneHotEncoder",
        "OrdinalEncoder",
        "StandardScaler",
        "TargetEncoder",
    ),
    "sklearn.svm": ("LinearSVC", "SVC"),
    "threadpoolctl": ("threadpool_limits",),
}
EVERY_IMPORT = "\n".join(
    [
        *(f"import {module}" for module in (*_MODULES, *_ALIASES.values())),
        *(f"from {module} import {', '.join(names)}" for module, names in _NAMES.items()),
    ]
)
"""All that composed scripts may import."""
_STANDARD = frozenset({"argparse", "json", "pathlib"})


def imports_of(body: str) -> str:
    """The import statements of a script whose other code is `body`."""

    def used(name: str) -> bool:
        return re.search(rf"(?<![\w.\"]){name}\b", body) is not None

    standard = [f"import {name}" for name in _MODULES if name in _STANDARD and used(name)]
    others = [f"import {name}" for name in _MODULES if name not in _STANDARD and used(name)]
    others = sorted([f"import {module} as {alias}" for alias, module in _ALIASES.items() if used(alias)] + others)
    for module, names in _NAMES.items():
        found = [name for name in names if used(name)]
        if found:
            (standard if module in _STANDARD else others).append(_from(module, found))
    return "\n".join(standard) + "\n\n" + "\n".join(others)


def _from(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 120:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
