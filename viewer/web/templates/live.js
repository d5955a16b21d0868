// Keeps a page up with its run. The server sends what goes on now as it is to be shown, and says when there is news;
// the page then fetches itself and takes over what changed. What the reader has set (filters, opened parts) stays.
(function () {
  let busy = false, again = false;

  function say(words) {
    const output = document.querySelector("#live output");
    if (output) output.textContent = words;
  }

  function parsed(html) {
    return new DOMParser().parseFromString(html, "text/html");
  }

  // Puts the fresh part in the place of the one of its id, with the details open that were open.
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
        // A page that had nothing to show yet is taken over whole.
        if (!document.getElementById("head")) document.querySelector("main").replaceWith(document.importNode(fresh.querySelector("main"), true));
        else takeOver(fresh);
        say("live");
        // A page that is long in the making is asked for less often.
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
  events.addEventListener("error", () => say("not live: the server is gone"));
  events.addEventListener("news", refresh);
  events.addEventListener("now", (event) => parsed(JSON.parse(event.data)).querySelectorAll("section[id]").forEach(replace));
})();
