"use strict";
// Filters for the table of messages. Without JavaScript all messages are shown.
(function () {
  const form = document.getElementById("filters");
  if (!form) return;
  form.hidden = false;
  function apply() {
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
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();
