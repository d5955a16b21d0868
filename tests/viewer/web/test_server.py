"""The live pages: who is answered, what they may do, and that they keep up with a run in a real browser."""

import http.client
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY, StepOpened
from gome.bus.message import Draft
from gome.bus.store.lock import RunLock
from gome.bus.store.sqlite import open_log
from gome.errors import LogError, UsageError
from gome.viewer.web.live_pages import runs_page
from gome.viewer.web.run_page import RunPage
from gome.viewer.web.server import PageServer
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN, sample_run
from tests.viewer.web.browser import CHROMIUM, Browser
from tests.viewer.web.test_report import HOSTILE


@pytest.fixture
def server(runs: Path) -> Iterator[PageServer]:
    with PageServer(runs) as made:
        thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def get(server: PageServer, path: str, method: str = "GET", host: str | None = None) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{server.server_port}"})
    answer = connection.getresponse()
    found = (answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode())
    connection.close()
    return found


def test_all_runs_and_each_one_have_a_page(server: PageServer) -> None:
    status, headers, page = get(server, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    for run in (RUN, UNFINISHED):
        assert f'href="/runs/{run}"' in page
        assert get(server, f"/runs/{run}")[2].count("<h1>bike-demand</h1>") == 1
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in page
    assert "connect-src 'self'" in page
    assert get(server, "/", "HEAD")[2] == ""


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example"]
)
def test_a_name_that_was_made_to_lead_here_is_not_answered(server: PageServer, host: str) -> None:
    for path in ("/", f"/runs/{RUN}", "/events"):
        status, _, page = get(server, path, host=host)
        assert (status, RUN in page) == (421, False)
    assert get(server, "/", host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/nothing", "/runs/nothing", "/runs/..%2F..", "/runs/%2e%2e", f"/runs/{RUN}/log.sqlite"]
)
def test_there_is_nothing_but_pages(server: PageServer, path: str) -> None:
    status, headers, words = get(server, path)
    assert status == 404
    assert headers["content-type"].startswith("text/html")
    assert "<h1>No such" in words
    assert '<a href="/">all runs</a>' in words
    assert "Traceback" not in words


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(server: PageServer, method: str) -> None:
    assert get(server, "/", method)[0] == 501


def test_an_address_that_is_taken_is_said(server: PageServer) -> None:
    with pytest.raises(UsageError, match="--port"):
        PageServer(server.root, port=server.server_port)


def say(folder: Path, key: str) -> str:
    """Append a message to a run as its writer does; its id."""

    async def main() -> str:
        async with open_log(folder, vocabulary=VOCABULARY) as log:
            (envelope,) = await log.append("director", [Draft(StepOpened(used=0.9, stage="ensemble"), 1, 4)], key=key)
            return envelope.id

    return anyio.run(main)


def spoil(folder: Path, sql: str) -> None:
    """Do to a log what no writer does."""
    connection = sqlite3.connect(folder / "log.sqlite")
    with connection:
        connection.execute(sql)
    connection.close()


def test_a_wrong_address_is_repeated_as_words(server: PageServer) -> None:
    page = get(server, "/runs/%3Cscript%3Ealert(1)%3C/script%3E")[2]
    assert "<script>alert" not in page
    assert get(server, "/runs/a/b/c/<script>alert(1)")[2].count("<script") == 1


def test_a_step_has_a_page_with_verdict_code_and_output(server: PageServer) -> None:
    status, _, page = get(server, f"/runs/{RUN}/steps/1.3")
    assert status == 200
    for words in (
        "! failed",
        "Attempt 1, debug run, ended with exit",
        "KeyError",
        "split 1/5",
        "Changed against its parent",
    ):
        assert words in page
    assert "No picture of errors" in page
    assert get(server, f"/runs/{RUN}/steps/9.9")[0] == 400


def test_two_runs_are_compared_and_another_number_is_refused(server: PageServer) -> None:
    status, _, page = get(server, f"/compare?run={RUN}&run={UNFINISHED}")
    assert status == 200
    assert page.count("Score of each trial over time") == 2
    assert "time to best" in page
    for query in ("", f"?run={RUN}", f"?run={RUN}&run={RUN}&run={RUN}"):
        status, _, words = get(server, f"/compare{query}")
        assert (status, "tick two" in words) == (400, True)
    assert get(server, f"/compare?run={RUN}&run=nothing")[0] == 404


def test_a_folder_without_runs_says_how_to_start_one(tmp_path: Path) -> None:
    assert "gome run train.csv --target price" in runs_page(tmp_path)


ONLY_THE_DIRECTOR = """{
  const form = document.getElementById("filters");
  form.elements.role.value = "director";
  form.dispatchEvent(new Event("input"));
}"""
SEEN = "document.querySelectorAll('#messages tbody tr:not([hidden])').length"


def rows(page: str) -> list[str]:
    """The numbers of the messages in a page's table, from top to bottom."""
    return re.findall(r'<tr id="m(\d+)"', page)


def test_the_messages_of_a_run_are_filtered_and_turned_page_by_page(server: PageServer, runs: Path) -> None:
    here = f"/runs/{RUN}/messages"
    every = sample_run().envelopes
    status, _, page = get(server, here)
    assert (status, rows(page)[0]) == (200, str(every[-1].seq))
    asked = get(server, f"{here}?role=diagnoser&trace=1&step=2&kind=diagnosis&words=")[2]
    (verdict,) = [each for each in every if (each.sender, each.kind, each.step) == ("diagnoser-1", "diagnosis", 2)]
    assert rows(asked) == [str(verdict.seq)]
    assert "<option selected>diagnoser</option>" in asked
    assert len(rows(get(server, f"{here}?words=KeyError")[2])) == 1
    assert "No message matches" in get(server, f"{here}?words=nobody+said+this")[2]
    older = get(server, f"{here}?before=10")[2]
    assert rows(older)[0] == str(max(each.seq for each in every if each.seq < 10 and "activity" not in each.kind))
    assert f'href="{here}?">newest' in older
    for wrong in ("trace=x", "step=-1", "before=1e9", "trace=99999999999999999999"):
        assert get(server, f"{here}?{wrong}")[0] == 400
    assert get(server, "/runs/nothing/messages")[0] == 404


def test_a_long_log_has_older_pages(server: PageServer, runs: Path) -> None:
    sample = sample_run(run="261124-0200-long-0000")
    sample.envelopes = [replace(each, run=sample.run) for each in sample.envelopes]
    cause = sample.envelopes[0]
    for _ in range(150):
        sample.say("director", StepOpened(used=0.5, stage="improve"), 0, 9, cause)
    sample.write(runs / sample.run)
    page = get(server, f"/runs/{sample.run}/messages?role=director")[2]
    assert len(rows(page)) == 100
    older = re.search(r'href="([^"]+)">older', page)
    assert older is not None
    rest = get(server, older[1].replace("&amp;", "&"))[2]
    assert len(rows(rest)) >= 50
    assert int(rows(rest)[0]) < int(rows(page)[-1])
    assert 'href="/runs/261124-0200-long-0000/messages?role=director">newest' in rest


def test_a_message_has_a_page_with_prompt_causes_and_effects(server: PageServer) -> None:
    job = next(each for each in sample_run().envelopes if each.kind == "job")
    status, _, page = get(server, f"/runs/{RUN}/messages/{job.id}")
    assert status == 200
    for words in (
        "the prompt",
        "the reply",
        "WriteSolution",
        "import pandas",
        "step_opened",
        "trial",
        f"show {job.id[:8]}",
    ):
        assert words in page
    assert get(server, f"/runs/{RUN}/messages/zzzz")[0] == 400


def test_hostile_words_are_words_on_every_page(server: PageServer, runs: Path) -> None:
    sample = sample_run(lambda words: f"{words} {HOSTILE}", run="261124-0100-hostile-0000", finish=False)
    sample.write(runs / sample.run)
    pages = ["/", f"/runs/{sample.run}", f"/runs/{sample.run}/messages?words=%3Cscript%3Ealert(3)"]
    pages += [f"/runs/{sample.run}/messages/{each.id}" for each in sample.envelopes if "activity" not in each.kind]
    for path in pages:
        status, _, page = get(server, path)
        assert status == 200
        assert page.count("<script") == page.count("</script>") == 1
        assert "<img" not in page
        assert not set(page) & set("\x1b\u202e")


def events(server: PageServer, path: str, wanted: int) -> list[tuple[str, str]]:
    """The first so many server-sent events of a stream: their names and what they carry."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream"
    found: list[tuple[str, str]] = []
    while len(found) < wanted:
        name, data = answer.fp.readline().decode(), answer.fp.readline().decode()
        assert answer.fp.readline() == b"\n"
        found.append((name.removeprefix("event: ").strip(), json.loads(data.removeprefix("data: "))))
    connection.close()
    return found


def test_a_stream_tells_what_goes_on_and_that_there_is_news(server: PageServer, runs: Path) -> None:
    finished = dict(events(server, f"/runs/{RUN}/events", 2))
    assert list(finished) == ["now", "news"]
    assert 'id="now"' in finished["now"]
    assert "<table>" not in finished["now"], "nobody is at work"
    sample = sample_run(run="261124-0300-running-0000")
    began = next(each for each in sample.envelopes if (each.kind, each.sender) == ("activity_started", "runner-0"))
    sample.envelopes = sample.envelopes[: began.seq]
    folder = sample.write(runs / sample.run)
    with RunLock(folder):
        going_on = dict(events(server, f"/runs/{folder.name}/events", 2))["now"]
        page = get(server, f"/runs/{folder.name}")[2]
        assert page.count('<section id="now">') == 1
        assert "from first to last message" not in page, "the time now is the time of a run at work"
    assert "from first to last message" in get(server, f"/runs/{folder.name}")[2]
    for words in ("0.1 full run", "1 of 2 slots in use", "memory-keeper", "of 12 trials", "recollection"):
        assert words in going_on
    assert "gome resume" in dict(events(server, f"/runs/{folder.name}/events", 2))["now"]
    assert events(server, "/events", 1) == [("news", "")]


def test_a_page_that_is_asked_for_again_reads_only_what_is_new(runs: Path) -> None:
    page = RunPage()
    for folder in (runs / RUN, runs / UNFINISHED, runs / UNFINISHED):
        assert page.draw(folder) == RunPage().draw(folder)
    name = say(runs / UNFINISHED, "one more")
    assert f'href="/runs/{UNFINISHED}/messages/{name}"' in page.draw(runs / UNFINISHED)
    assert page.draw(runs / UNFINISHED) == RunPage().draw(runs / UNFINISHED)
    spoil(runs / UNFINISHED, "UPDATE messages SET body = 'spoilt' WHERE seq > 1")
    assert name in page.draw(runs / UNFINISHED), "what was read is not read again"
    with pytest.raises(LogError):
        RunPage().draw(runs / UNFINISHED)
    shutil.rmtree(runs / UNFINISHED)
    other = sample_run(run=UNFINISHED)
    other.envelopes[0] = replace(other.envelopes[0], id="another")
    other.write(runs / UNFINISHED)
    assert page.draw(runs / UNFINISHED) == RunPage().draw(runs / UNFINISHED), "another log in its place is read anew"


def check_the_list_of_runs(browser: Browser) -> None:
    """Sort, filter and tick as a hand would; what was set survives the next patch."""
    names = "Array.from(document.querySelectorAll('#pick tbody tr:not([hidden]) a'), each => each.textContent)"
    head = "Array.from(document.querySelectorAll('#pick th button')).find(each => each.textContent === 'Run')"
    browser.run(f"{head}.click()")
    rising = browser.run(names)
    assert rising == sorted(rising)
    browser.run(f"{head}.click()")
    assert browser.run(names) == rising[::-1]
    browser.run("document.querySelectorAll('#pick input')[0].click()")
    assert browser.run("document.querySelector('#pick [type=submit]').disabled")
    browser.run("document.querySelectorAll('#pick input')[1].click()")
    assert not browser.run("document.querySelector('#pick [type=submit]').disabled")
    browser.run("document.dispatchEvent(new Event('patched'))")
    assert browser.run(names) == rising[::-1]
    browser.run(
        "{const words = document.querySelector('#tools [name=words]');"
        "words.value = 'hostile'; words.dispatchEvent(new Event('input', {bubbles: true}))}"
    )
    assert browser.run(names) == ["261124-0100-hostile-0000"]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to open the pages in")
def test_news_are_patched_into_a_page_and_nothing_of_the_reader_is_lost(
    server: PageServer, runs: Path, tmp_path: Path
) -> None:
    folder = runs / UNFINISHED
    with Browser(tmp_path / "profile") as browser:
        browser.open(f"{server.url}runs/{UNFINISHED}#s0.2", 1400)
        browser.wait("document.querySelector('#live output').textContent === 'live'")
        assert browser.run("document.getElementById('s0.2').open"), "the address opens its step"
        browser.run(
            "document.querySelector('svg a[href=\"#s1.2\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
        )
        browser.wait("document.getElementById('s1.2').open")
        browser.run(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )  # it has scrolled there
        browser.run("document.querySelector('#filters [name=words]').focus(); window.scrollTo(0, 700)")
        browser.run("window.kept = document.getElementById('s0.2')")
        place = browser.run("document.getElementById('s0.2').getBoundingClientRect().top")
        name = say(folder, "news")
        browser.wait(f"document.getElementById('messages').textContent.includes('{name[:8]}')")
        assert browser.run("window.kept === document.getElementById('s0.2')"), "the element is the same, not a new one"
        assert browser.run("document.getElementById('s0.2').open && document.getElementById('s1.2').open")
        assert browser.run("document.activeElement.name") == "words"
        assert browser.run("document.getElementById('s0.2').getBoundingClientRect().top") == pytest.approx(place, abs=2)
        assert browser.errors == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to open the pages in")
def test_a_browser_keeps_up_with_a_run(server: PageServer, runs: Path, tmp_path: Path) -> None:
    sample_run(lambda words: f"{words} {HOSTILE}", run="261124-0100-hostile-0000", finish=False).write(
        runs / "261124-0100-hostile-0000"
    )
    folder = runs / "261124-0100-hostile-0000"
    pictures = Path(os.environ.get("GOME_PICTURES") or tmp_path)
    with Browser(tmp_path / "profile") as browser:
        for width in (1440, 390):
            browser.open(f"{server.url}runs/{folder.name}", width)
            browser.wait("document.querySelector('#live output').textContent === 'live'")
            everything = browser.run(SEEN)
            browser.run(ONLY_THE_DIRECTOR)
            of_director = browser.run(SEEN)
            assert 0 < of_director < everything
            name = say(folder, f"at-{width}")
            browser.wait(f"document.getElementById('messages').textContent.includes('{name[:8]}')")
            assert browser.run(SEEN) == of_director + 1
            assert browser.run("document.getElementById('filters').elements.role.value") == "director"
            assert browser.run("document.documentElement.scrollWidth <= innerWidth")
            browser.picture(pictures / f"run-{width}.png")
            browser.open(f"{server.url}runs/{folder.name}/messages?role=director", width)
            browser.wait("document.querySelector('#live output').textContent === 'live'")
            name = say(folder, f"there-{width}")
            browser.wait(f"document.querySelector('#messages td.mono').textContent === '{name[:8]}'")
            assert browser.run("document.documentElement.scrollWidth <= innerWidth")
            browser.picture(pictures / f"messages-{width}.png")
            browser.open(f"{server.url}runs/{folder.name}/messages/{name}", width)
            assert browser.run("document.documentElement.scrollWidth <= innerWidth")
            browser.open(server.url, width)
            browser.wait("document.querySelector('#live output').textContent === 'live'")
            assert browser.run("document.querySelectorAll('#runs tbody tr').length") == 3
            check_the_list_of_runs(browser)
            assert browser.run("document.documentElement.scrollWidth <= innerWidth")
            browser.picture(pictures / f"runs-{width}.png")
        assert browser.errors == []
        assert {url.split("/")[2] for url in browser.requests if not url.startswith(("about:", "data:"))} == {
            f"127.0.0.1:{server.server_port}"
        }
