"use strict";
// Opens what an address names, and filters the table of messages. Without JavaScript all of it is shown.
(function () {
  // A link to a step opens the step, and whatever it stands in.
  function openNamed() {
    const wanted = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let each = wanted; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    if (wanted && wanted.tagName === "DETAILS") wanted.scrollIntoView({block: "start"});
  }
  window.addEventListener("hashchange", openNamed);
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='#s']");
    if (link && link.getAttribute("href") === location.hash) openNamed();
  });
  openNamed();
  // A tree that is wider than its frame is shown from its newest end.
  for (const tree of document.querySelectorAll("svg.long")) tree.parentElement.scrollLeft = tree.parentElement.scrollWidth;

  function apply() {
    const form = document.getElementById("filters");
    if (!form) return;
    form.hidden = false;
    const rows = Array.from(document.querySelectorAll("#messages tbody tr"));
    const wanted = new FormData(form);
    const words = String(wanted.get("words")).toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = ["role", "trace", "kind"].every((name) => !wanted.get(name) || row.dataset[name] === wanted.get(name))
        && (!words || row.textContent.toLowerCase().includes(words));
      row.hidden = !fits;
      count += fits ? 1 : 0;
    }
    document.getElementById("shown").textContent = count + " of " + rows.length;
  }
  document.addEventListener("input", (event) => { if (event.target.closest("#filters")) apply(); }, true);
  document.addEventListener("submit", (event) => { if (event.target.id === "filters") event.preventDefault(); });
  document.addEventListener("patched", apply);
  apply();
})();
