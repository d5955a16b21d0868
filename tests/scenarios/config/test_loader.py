"""Loading scenario files: all problems are reported at once with positions, also those of options."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gome.errors import ScenarioError, TaskError
from gome.scenarios.config.backends import KINDS
from gome.scenarios.config.json_schema import SCHEMA_FILE, scenario_schema
from gome.scenarios.config.loader import load_scenario, resolve_task, warnings
from gome.scenarios.config.scenario import REASONING
from gome.scenarios.reading.problems import ScenarioProblems

GOOD = """\
name: mine
task: bike-demand
budget: {time: 1.5h, trials: 12}
backends:
  offline: {kind: expert, skill: 0.5}
  local: {kind: openai, model: small, base_url: "http://127.0.0.1:8000/v1"}
roles: {diagnoser: offline, proposer: offline, executor: local}
executors: {memory: 512MiB, timeout: {debug: 500ms, full: 2min}}
"""

# (what is wrong, the file, (line, column, code, path, suggestion) of every problem)
Expected = tuple[int, int, str, str, str | None]
BROKEN: list[tuple[str, str, list[Expected]]] = [
    (
        "unknown keys at every depth",
        GOOD.replace("task:", "tsak:").replace("skill", "skil").replace("debug", "debugg"),
        [
            (1, 1, "missing", "task", None),
            (2, 1, "unknown-key", "tsak", "task"),
            (5, 27, "unknown-key", "backends.offline.skil", "skill"),
            (8, 39, "unknown-key", "executors.timeout.debugg", "debug"),
        ],
    ),
    (
        "wrong types are not bent into shape",
        GOOD + 'lookahead: "2"\nseed: 1.5\nmemory: lockstep\n',
        [
            (9, 1, "wrong-type", "lookahead", None),
            (10, 1, "wrong-type", "seed", None),
            (11, 1, "wrong-type", "memory", None),
        ],
    ),
    (
        "roles: one unknown, one missing, one without a backend",
        GOOD.replace("proposer: offline", "propser: offline").replace("executor: local", "executor: locl"),
        [
            (7, 1, "missing", "roles.proposer", None),
            (7, 29, "unknown-key", "roles.propser", "proposer"),
            (7, 47, "unknown-backend", "roles.executor", "local"),
        ],
    ),
    (
        "backends of no kind, of an unknown kind, without what the kind needs",
        GOOD.replace("{kind: expert, skill: 0.5}", "{skill: 0.5}").replace("model: small, ", "")
        + "memory: {consistency: lockstp}\n",
        [
            (5, 3, "missing", "backends.offline.kind", None),
            (6, 3, "missing", "backends.local.model", None),
            (9, 10, "unknown-value", "memory.consistency", "lockstep"),
        ],
    ),
    (
        "a kind with a slip",
        GOOD.replace("kind: expert", "kind: exprt"),
        [(5, 13, "unknown-value", "backends.offline.kind", "expert")],
    ),
    (
        "a kind that each user has another address of",
        GOOD.replace("openai", "azure").replace(', base_url: "http://127.0.0.1:8000/v1"', ""),
        [(6, 3, "value", "backends.local", None)],
    ),
    (
        "a name among several that is none, and no name at all",
        GOOD.replace("proposer: offline", "proposer: [offline, locl]").replace("executor: local", "executor: []"),
        [(7, 49, "unknown-backend", "roles.proposer[1]", "local"), (7, 56, "value", "roles.executor", None)],
    ),
    (
        "wrong units",
        GOOD.replace("1.5h", "90sec").replace("512MiB", "512MB").replace("2min", "two"),
        [
            (3, 10, "value", "budget.time", None),
            (8, 13, "value", "executors.memory", None),
            (8, 52, "value", "executors.timeout.full", None),
        ],
    ),
    (
        "out of range",
        GOOD.replace("trials: 12", "trials: 0").replace("skill: 0.5", "skill: 2") + "method: {half_life: -1}\n",
        [
            (3, 22, "out-of-range", "budget.trials", None),
            (5, 27, "out-of-range", "backends.offline.skill", None),
            (9, 10, "out-of-range", "method.half_life", None),
        ],
    ),
    (
        "a duplicate key, and a problem beside it",
        GOOD + "name: again\nseeed: 1\n",
        [(9, 1, "duplicate-key", "name", None), (10, 1, "unknown-key", "seeed", "seed")],
    ),
    (
        "numbers that are none",
        GOOD + "seed: .inf\nmethod: {alpha: .nan}\n",
        [(9, 1, "number", "seed", None), (10, 10, "number", "method.alpha", None)],
    ),
    ("a syntax error", "name: [1\ntask: x\n", [(2, 5, "syntax", "", None)]),
    ("a tab", "name: x\n\ttask: y\n", [(2, 1, "syntax", "", None)]),
    ("two documents", GOOD + "---\nname: other\n", [(10, 1, "documents", "", None)]),
    ("not a mapping", "- name: x\n", [(1, 1, "not-a-mapping", "", None)]),
    ("an empty file", "", [(1, 1, "not-a-mapping", "", None)]),
    ("only a comment", "# nothing\n", [(1, 1, "not-a-mapping", "", None)]),
    (
        "a python object",
        GOOD + "seed: !!python/name:os.system 3\n",
        [(9, 1, "tag", "seed", None), (9, 1, "wrong-type", "seed", None)],
    ),
    ("a key that is a list", GOOD + "[a, b]: 1\n", [(9, 1, "key", "", None)]),
    ("a name with blanks", GOOD.replace("mine", "My Run"), [(1, 1, "out-of-range", "name", None)]),
    ("a tuple too short", GOOD + "method: {weights: [1, 2, 3, 4]}\n", [(9, 10, "missing", "method.weights[4]", None)]),
    (
        "an item of the wrong type",
        GOOD + "method:\n  weights:\n    - 1\n    - x\n    - 1\n    - 1\n    - 1\n",
        [(12, 7, "wrong-type", "method.weights[1]", None)],
    ),
    ("a nested loop of aliases", GOOD + "seed: &a [*a]\n", [(9, 7, "too-large", "seed[0][0][0]", None)]),
    ("a null where something is needed", GOOD.replace("name: mine", "name:"), [(1, 1, "wrong-type", "name", None)]),
    (
        "roles that are a list",
        GOOD.replace("{diagnoser: offline, proposer: offline, executor: local}", "[a]"),
        [(7, 1, "wrong-type", "roles", None)],
    ),
]


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path, *arguments: list[str]) -> ScenarioProblems:
    with pytest.raises(ScenarioProblems) as caught:
        load_scenario(path, *arguments)
    return caught.value


def test_a_good_file_is_read_with_its_units(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD))
    assert scenario.budget.time == 5400
    assert scenario.executors.memory == 512 << 20
    assert (scenario.executors.timeout.debug, scenario.executors.timeout.full) == (0.5, 120)
    assert scenario.roles.executor == "local"


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_every_problem_has_its_place(tmp_path: Path, text: str, expected: list[Expected]) -> None:
    path = write(tmp_path, text)
    caught = problems(path)
    found = [(each.line, each.column, each.code, each.path, each.suggestion) for each in caught.problems]
    assert found == expected
    assert str(caught).splitlines() == [str(each) for each in caught.problems]
    assert all(line.startswith(f"{path}:") for line in str(caught).splitlines())


def test_a_role_may_have_several_backends_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("executor: local", "executor: [local, offline]"))
    roles = load_scenario(path, roles=["proposer=offline,local"]).roles
    assert [roles.of(role) for role in REASONING] == [("offline",), ("offline", "local"), ("local", "offline")]
    assert warnings(load_scenario(path)) == ()


def test_an_unknown_kind_is_told_all_kinds_and_the_way_by_autogen(tmp_path: Path) -> None:
    caught = problems(write(tmp_path, GOOD.replace("kind: openai", "kind: bedrock")))
    assert [(each.line, each.column, each.path) for each in caught.problems] == [(6, 11, "backends.local.kind")]
    for word in ("bedrock", *KINDS, "component of AutoGen (kind: autogen)", "by its base_url (kind: openai)"):
        assert word in str(caught)


def test_a_problem_is_printed_in_one_line_with_its_remedy(tmp_path: Path) -> None:
    caught = problems(write(tmp_path, GOOD.replace("task:", "tsak:")))
    assert (
        str(caught.problems[1])
        == f"{tmp_path / 'mine.yaml'}:2:1: error[unknown-key] tsak: unknown key  did you mean task?"
    )
    assert isinstance(caught, ScenarioError)
    assert caught.exit_status == 2


def test_aliases_that_grow_are_bounded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert [each.code for each in problems(write(tmp_path, "\n".join(lines))).problems] == ["too-large"]


def test_a_file_that_is_no_text_or_too_large_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    assert problems(path).problems[0].code == "unreadable"
    path.write_bytes(b"name: x\ntask: \xff\n")
    assert (problems(path).problems[0].code, problems(path).problems[0].line) == ("encoding", 2)
    path.write_text(GOOD + "#" * (1 << 17))
    assert problems(path).problems[0].code == "too-large"


def test_options_are_set_as_if_they_stood_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    scenario = load_scenario(path, ["budget.time=30s", "method.finish.seeds=5", "executors.python=null"], ["*=local"])
    assert scenario.budget.time == 30
    assert scenario.budget.trials == 12
    assert scenario.method.finish.seeds == 5
    assert {scenario.roles.diagnoser, scenario.roles.proposer, scenario.roles.executor} == {"local"}


def test_an_option_mends_a_problem_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("1.5h", "soon"))
    assert load_scenario(path, ["budget.time=1h"]).budget.time == 3600


def test_slips_in_options_are_problems_with_suggestions(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    caught = problems(
        path,
        ["budget.tiem=3", "seed=x", "nothing", "seed.deep=1", "budget.usd=[1"],
        ["propser=local", "proposer=locl", "="],
    )
    found = {(each.file, each.code, each.path, each.suggestion) for each in caught.problems}
    assert found == {
        ("--set budget.tiem=3", "unknown-key", "budget.tiem", "time"),
        ("--set seed=x", "wrong-type", "seed", None),
        ("--set nothing", "option", "", None),
        ("--set seed.deep=1", "option", "seed", None),
        ("--set budget.usd=[1", "syntax", "budget.usd", None),
        ("--role propser=local", "unknown-role", "roles.propser", "proposer"),
        ("--role proposer=locl", "unknown-backend", "roles.proposer", "local"),
        ("--role =", "option", "", None),
    }
    assert all(each.line is None and str(each).startswith(each.file + ": error[") for each in caught.problems)


def test_what_is_probably_not_meant_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert warnings(load_scenario(path)) == ()
    bare = load_scenario(path, ["budget={}"], ["*=offline"])
    assert [warning.split(":")[0] for warning in warnings(bare)] == ["budget", "backends.local"]
    lockstep = load_scenario(path, ["memory.consistency=lockstep"])
    assert "lockstep" in warnings(lockstep)[0]
    short = load_scenario(path, ["budget.time=4"])
    assert "4 s is the time of the whole run (a number without a unit is seconds: write 4min" in warnings(short)[0]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("budget=4min", "budget: name a limit, such as budget.time=4min or budget.trials=12"),
        ("budget=4", "budget: name a limit, such as budget.time=4min"),
        ("memory=4min", 'memory: should be a mapping, not "4min"'),
    ],
)
def test_a_value_in_the_place_of_settings_gets_words(option: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioProblems) as caught:
        load_scenario(write(tmp_path, GOOD), [option])
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["bike-demand", "lockstep"])
def test_the_scenarios_that_come_with_the_house_are_whole(name: str) -> None:
    path = SCHEMA_FILE.parent / f"{name}.yaml"
    scenario = load_scenario(path)
    assert warnings(scenario) == ()
    assert (resolve_task(scenario, path) / "task.yaml").is_file()


def test_a_task_is_a_name_or_a_path_beside_the_scenario(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    (tmp_path / "data" / "own").mkdir(parents=True)
    assert resolve_task(load_scenario(path, ["task=data/own"]), path) == (tmp_path / "data" / "own").resolve()
    assert resolve_task(load_scenario(path), path).name == "bike-demand"
    with pytest.raises(TaskError) as caught:
        resolve_task(load_scenario(path, ["task=bkie"]), path)
    assert str(tmp_path / "bkie") in str(caught.value)
    assert str(SCHEMA_FILE.parent / "tasks" / "bkie") in str(caught.value)


def test_the_shipped_json_schema_is_that_of_the_model() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == scenario_schema(), (
        "run: python -m gome.scenarios.config.json_schema"
    )
    schema = json.loads(scenario_schema())
    assert schema["additionalProperties"] is False
    fields = {
        f"{name}.{field}": stated
        for name, part in [("Scenario", schema), *schema["$defs"].items()]
        for field, stated in part["properties"].items()
    }
    assert [name for name, stated in fields.items() if "description" not in stated] == []


def test_reading_a_scenario_loads_nothing_heavy() -> None:
    code = (
        "import sys, gome.scenarios.config.loader; "
        "print([m for m in ('pandas', 'numpy', 'torch', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SCHEMA_FILE.parents[1]
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "line",
    [
        *(
            f"seed: {text}"
            for text in ("-1", "0x" + "f" * 40, "0o" + "7" * 40, "4294967296", "1:30:00", "9" * 400, "1e3")
        ),
        *(f"traces: {text}" for text in ("1000000000000000000", "1e18", "257", "-1")),
        *(f"executors: {{{text}}}" for text in ("threads: 1000000000", "slots: 1000000000", "repairs: 99999999")),
        *(f"executors: {{memory: {text}}}" for text in ("9" * 400 + "GiB", "9" * 17 + "GiB", "9" * 400, "-1", "0")),
        *(f"executors: {{timeout: {{full: {text}}}}}" for text in ("9" * 400 + "h", "1e300", "9999999d", ".inf")),
        *(f"budget: {{{text}}}" for text in ("trials: " + "9" * 400, "tokens: 0x" + "f" * 99, "time: 1e99")),
        "method: {traces: {limit: 1000000000}}",
    ],
)
def test_a_number_beyond_reason_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    file = tmp_path / "scenario.yaml"
    kept = [each for each in GOOD.splitlines() if each.partition(":")[0] != line.partition(":")[0]]
    file.write_text("\n".join([*kept, line]))
    with pytest.raises(ScenarioProblems) as raised:
        load_scenario(file)
    assert {problem.line for problem in raised.value.problems} == {len(kept) + 1}


@pytest.mark.parametrize(
    "url", ["https://a.example/v1?api_key=sk-123", "https://a.example/v1#sk-123", "https://u:p@a.example"]
)
def test_a_url_that_may_hold_a_key_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(GOOD.replace("http://127.0.0.1:8000/v1", url))
    with pytest.raises(ScenarioProblems, match="would be stored in the log") as raised:
        load_scenario(file)
    assert "sk-123" not in str(raised.value)
