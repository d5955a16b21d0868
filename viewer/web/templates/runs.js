// The list of runs: sorted by the column whose head is pressed, filtered, and two of them ticked to compare.
(function () {
  let column = -1, falling = false;

  function value(row, place) {
    const cell = row.cells[place], told = cell.dataset.sort ?? cell.textContent.trim();
    const number = Number(told);
    return told === "" || told === "–" ? null : Number.isNaN(number) ? told.toLowerCase() : number;
  }

  function sort(body) {
    if (column < 0) return;
    const rows = Array.from(body.rows);
    rows.sort((one, other) => {
      const a = value(one, column), b = value(other, column);
      if (a === null || b === null) return (a === null) - (b === null);  // unknown last, either way
      return (a < b ? -1 : a > b ? 1 : 0) * (falling ? -1 : 1);
    });
    rows.forEach((row, place) => { if (body.rows[place] !== row) body.insertBefore(row, body.rows[place]); });
  }

  function apply() {
    const form = document.getElementById("pick");
    if (!form) return;
    const tools = document.getElementById("tools"), body = form.querySelector("tbody");
    tools.hidden = false;
    const words = tools.querySelector("[name=words]").value.toLowerCase(), state = tools.querySelector("[name=state]").value;
    let count = 0;
    for (const row of body.rows) {
      row.hidden = !(row.textContent.toLowerCase().includes(words) && (!state || row.dataset.state === state));
      count += row.hidden ? 0 : 1;
    }
    sort(body);
    tools.querySelector("output").textContent = count + " of " + body.rows.length;
    const ticked = form.querySelectorAll("input:checked").length;
    const button = form.querySelector("button[type=submit]");
    button.disabled = ticked !== 2;
    button.textContent = ticked === 2 ? "Compare these two" : "Compare: tick two (" + ticked + " ticked)";
  }

  document.addEventListener("click", (event) => {
    const head = event.target.closest("#pick th button");
    if (!head) return;
    const cell = head.closest("th");
    falling = column === cell.cellIndex ? !falling : cell.classList.contains("figure");
    column = cell.cellIndex;
    for (const each of cell.parentElement.cells) each.removeAttribute("aria-sort");
    cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
    apply();
  });
  document.addEventListener("input", (event) => { if (event.target.closest("#pick, #tools")) apply(); });
  document.addEventListener("patched", apply);
  apply();
})();
