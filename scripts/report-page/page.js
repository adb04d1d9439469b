// Sorting, filtering and values under the pointer; without it everything can be read all the same.
"use strict";
(function () {
  function value(row, column) {
    const cell = row.cells[column];
    if (!cell) return "";
    const number = cell.dataset.v;
    if (number !== undefined && number !== "") return Number(number);
    return number === "" ? null : cell.textContent.trim();
  }
  function order(a, b) {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }
  function sort(heading) {
    const table = heading.closest("table");
    const column = heading.cellIndex;
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row, at) => ({ row, at, key: value(row, column) }));
    rows.sort((a, b) => {
      // What has no value stays last either way.
      if (a.key === null || b.key === null) return order(a.key, b.key) || a.at - b.at;
      return (down ? -order(a.key, b.key) : order(a.key, b.key)) || a.at - b.at;
    });
    body.append(...rows.map((entry) => entry.row));
  }
  document.addEventListener("click", (event) => {
    const heading = event.target.closest && event.target.closest("table.sortable thead th");
    if (heading) sort(heading);
  });
  document.addEventListener("input", (event) => {
    if (!event.target.classList.contains("filter")) return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    const table = event.target.closest("details").querySelector("table");
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  document.addEventListener("pointermove", (event) => {
    const at = event.target.closest && event.target.closest("[data-tip]");
    tip.hidden = !at;
    if (!at) return;
    tip.textContent = at.dataset.tip;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 4)) + "px";
    tip.style.top = (event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 18) + "px";
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
  addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details")) details.open = true; });
})();
