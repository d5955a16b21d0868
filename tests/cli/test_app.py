"""The command line: what it answers without a run, how fast its paths are kept, how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from gome.cli.app import VERBS, main
from tests.scenarios.helpers.make_task import make_task

HERE = Path(__file__).parents[2]
HEAVY = (
    "gome.agents.protocol.requests",
    "torch",
    "pandas",
    "numpy",
    "openai",
    "jinja2",
    "sklearn",
    "scipy",
    "autogen_core",
    "asyncio",
    "httpx",
    "ray",
    "ruamel.yaml",
    "gome.scenarios.config.scenario",
    "gome.viewer.web.report",
    "gome.viewer.terminal.live",
    "http.server",
)


def imported_by(*arguments: str) -> set[str]:
    """The modules that a verb has imported when it ends."""
    code = (
        "import sys\nfrom gome.cli.app import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=HERE, capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("log",), ("log", "stats"), ("log", "--help"), ("runs",), ("nonsense",)]
)
def test_the_quick_paths_import_nothing_heavy(arguments: tuple[str, ...], runs: Path) -> None:
    assert imported_by(*arguments).isdisjoint(HEAVY)


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    places = [shown.index(f"│ {verb} ") for verb in VERBS]
    assert places == sorted(places), "in the order in which one comes to need them"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert f"gome {verb}" in capsys.readouterr().out


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lgo"], "did you mean log?"),
        (["frobnicate"], "there is no command 'frobnicate'; commands are run"),
        (["frobnicate"], "next: gome --help"),
        (["task", "show", "x"], "gome task has no command 'show'; commands are list, adapters, prepare, serve, new\n"),
        (["task", "show", "x"], "next: gome task --help"),
        (["task", "lst"], "did you mean list?"),
        (["log", "shw", "abc"], "gome log has no command 'shw'; did you mean show?"),
        (["log", "shw", "abc"], "next: gome log --help"),
        (["log", "shw"], "did you mean: gome log show?"),
        (["log", "a-run", "more"], "gome log does not take 'more'"),
        (["runs", "more"], "gome runs does not take 'more'"),
        (["run"], "gome run needs SCENARIO"),
        (["compare", "@last"], "gome compare needs OTHER"),
        (["export"], "gome export needs --to"),
        (["export"], "next: gome export --help"),
        (["log", "why"], "gome log why needs MESSAGE"),
        (["run", "missing.yaml"], "missing.yaml"),
        (["validate", "missing.yaml"], "missing.yaml"),
        (["runs", "--jsn"], "--jsn"),
        (["run", "s.yaml", "--display", "tty"], "tty"),
    ],
)
def test_what_is_mistyped_is_said_and_nothing_is_done(
    arguments: list[str], words: str, empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert printed.out == ""
    assert words.lower() in printed.err.lower()
    assert "error[" in printed.err
    assert list(empty.iterdir()) == []


def test_every_problem_of_a_scenario_has_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: x\ntraces: two\nbogus: 1\n", encoding="utf-8")
    for verb in ("validate", "run"):
        with pytest.raises(SystemExit) as ended:
            main([verb, str(broken)])
        assert ended.value.code == 2
        lines = capsys.readouterr().err.splitlines()
        assert any(line.startswith(f"{broken}:2:") and "traces" in line for line in lines)
        assert any(line.startswith(f"{broken}:3:") and "bogus" in line for line in lines)


@pytest.mark.parametrize("verb", ["run", "validate"])
@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("propsoer=offline", "did you mean proposer?"),
        ("proposer=ofline", "did you mean offline?"),
        ("*=frontier", "no backend named frontier"),
        ("proposer", "write it as role=backend"),
    ],
)
def test_a_mistyped_role_or_backend_is_said_with_the_nearest(
    verb: str, role: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, str(HERE / "scenarios" / "bike-demand.yaml"), "--role", role])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["run", "validate"])
def test_where_there_is_no_hold_out_it_cannot_be_set_apart(
    verb: str, empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = make_task(empty / "task", split="{kind: own}")
    settings = ("--set", f"task={task}", "--set", "method.finish.apart=true")
    with pytest.raises(SystemExit) as ended:
        main([verb, "bike-demand", *settings])
    assert ended.value.code == 2
    assert "method.finish.apart: task task is not split, so it has no hold-out" in capsys.readouterr().err
    assert [path.name for path in empty.iterdir()] == ["task"]


def test_the_shipped_scenario_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(HERE / "scenarios" / "bike-demand.yaml"), "--json"])
    assert ended.value.code == 0
    assert '"valid": true' in capsys.readouterr().out


def test_a_scenario_of_the_house_goes_by_its_name(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, status in (("bike-demand", 0), ("bike-demnd", 2), ("nothing-like-it", 2)):
        with pytest.raises(SystemExit) as ended:
            main(["validate", name])
        assert ended.value.code == status
    said = capsys.readouterr().err
    assert "did you mean bike-demand?" in said
    assert "there is no file or folder nothing-like-it, and no built-in scenario of that name" in said
    assert "; built-in scenarios: " in said
    assert "best-of-n, bike-demand" in said
    (empty / "bike-demand").write_text("name: mine\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["validate", "bike-demand"])
    assert ended.value.code == 2, "a file of that name goes first"


def test_a_reader_who_leaves_is_no_error(runs: Path) -> None:
    verb = [sys.executable, str(HERE / "main.py"), "log", "--all", "--json"]
    with subprocess.Popen(verb, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(30) in (0, 141)


def test_bash_completes_commands_and_options() -> None:
    code = """
        source <("$1" -m gome completion bash 2>/dev/null)
        complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=(); _gome; echo "${COMPREPLY[@]}"; }
        complete_line gome rep
        complete_line gome hint --av
    """
    done = subprocess.run(["bash", "-c", code, "-", sys.executable], capture_output=True, text=True)
    commands, options = done.stdout.splitlines()
    assert set(commands.split()) == {"report", "replay"}
    assert options.split() == ["--avoid"]
