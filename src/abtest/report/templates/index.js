(() => {
  "use strict";
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const rows = [...document.querySelectorAll("tbody tr")];
  if (!form || rows.length < 2) return;
  const fields = form.elements;
  const value = (name) => (fields[name] ? fields[name].value : "");
  const apply = () => {
    const words = value("text").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const data = row.dataset;
      const fits =
        words.every((word) => data.search.includes(word)) &&
        (!value("verdict") || data.verdict === value("verdict")) &&
        (!value("owner") || data.owner === value("owner")) &&
        (!value("tag") || JSON.parse(data.tags).includes(value("tag")));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    count.textContent = shown === rows.length ? "" : shown + " of " + rows.length + " shown";
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
})();
