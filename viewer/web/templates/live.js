// Keeps a page up to date. A `now` event carries the section on the present state as HTML; on a `news` event the page
// fetches itself. What changed is patched in place, so that scroll positions, focus, selections, opened details and
// filters stay as the reader left them.
(function () {
  let busy = false, again = false;
  // What the reader's hand has set, and no fresh page may take back.
  const theirs = new Set(["open", "hidden", "checked", "selected", "aria-sort"]);
  const keep = {
    beforeAttributeUpdated: (name, node) =>
      !(theirs.has(name) || (name === "value" && /^(INPUT|SELECT)$/.test(node.tagName))),
  };

  function say(status) {
    const output = document.querySelector("#live output");
    if (output && output.textContent !== status) output.textContent = status;
  }

  function parsed(html) {
    return new DOMParser().parseFromString(html, "text/html");
  }

  function patch(old, fresh) {
    if (!old || !fresh) return;
    const status = fresh.querySelector("#live output"), said = document.querySelector("#live output");
    if (status && said) status.textContent = said.textContent;
    Idiomorph.morph(old, fresh, {morphStyle: "outerHTML", callbacks: keep});
    document.dispatchEvent(new Event("patched"));
  }

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      do {
        again = false;
        const begun = performance.now();
        const answer = await fetch(location.href, {cache: "no-store"});
        if (!answer.ok) throw new Error("the server answered " + answer.status);
        patch(document.querySelector("main"), parsed(await answer.text()).querySelector("main"));
        say("live");
        // The longer the page takes to load, the less often it is fetched.
        await new Promise((done) => setTimeout(done, 4 * (performance.now() - begun)));
      } while (again);
    } catch (error) {
      say("not live: " + error.message);
    } finally {
      busy = false;
    }
  }

  const events = new EventSource(document.body.dataset.events);
  events.addEventListener("open", () => say("live"));
  events.addEventListener("error", () => say("not live: the server does not respond"));
  events.addEventListener("news", refresh);
  events.addEventListener("now", (event) => patch(document.getElementById("now"), parsed(JSON.parse(event.data)).getElementById("now")));
})();
