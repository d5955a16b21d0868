// Keeps a page up to date. A `now` event carries the section on the present state as HTML. On a `news` event the page
// fetches itself and replaces what changed. The user's state (filters, opened details) is kept.
(function () {
  let busy = false, again = false;

  function say(status) {
    const output = document.querySelector("#live output");
    if (output) output.textContent = status;
  }

  function parsed(html) {
    return new DOMParser().parseFromString(html, "text/html");
  }

  // Replaces the element of the same id by the fresh one; details that were open stay open.
  function replace(part) {
    const old = document.getElementById(part.id);
    if (!old) return;
    const fresh = document.importNode(part, true);
    const before = old.querySelectorAll("details");
    fresh.querySelectorAll("details").forEach((each, place) => {
      if (before[place]) each.open = before[place].open;
    });
    const kept = old.querySelector("[data-keep]"), place = fresh.querySelector("[data-keep]");
    if (kept && place) place.replaceWith(kept.cloneNode(true));
    if (old.outerHTML !== fresh.outerHTML) old.replaceWith(fresh);
  }

  function takeOver(fresh) {
    fresh.querySelectorAll("main > [id]:not([data-keep])").forEach(replace);
    for (const list of ["messages", "diffs"]) {
      const here = document.querySelector("[data-keep] #" + list + " .list");
      for (const item of fresh.querySelectorAll("#" + list + " .list > [id]")) {
        if (here && !document.getElementById(item.id)) here.append(document.importNode(item, true));
      }
    }
    for (const name of ["role", "trace", "kind"]) {
      const here = document.querySelector(`#filters [name=${name}]`);
      const there = fresh.querySelector(`#filters [name=${name}]`);
      if (!here || !there || here.options.length === there.options.length) continue;
      const chosen = here.value;
      here.replaceChildren(...Array.from(there.options, (each) => document.importNode(each, true)));
      here.value = chosen;
    }
    const form = document.getElementById("filters");
    if (form) form.dispatchEvent(new Event("input"));
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
        const fresh = parsed(await answer.text());
        // A page without content yet is replaced as a whole.
        if (!document.getElementById("head")) document.querySelector("main").replaceWith(document.importNode(fresh.querySelector("main"), true));
        else takeOver(fresh);
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
  events.addEventListener("now", (event) => parsed(JSON.parse(event.data)).querySelectorAll("section[id]").forEach(replace));
})();
