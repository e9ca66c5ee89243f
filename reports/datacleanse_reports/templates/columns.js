// Which columns the list shows, and filters on them. What is chosen stands in the table's state.

function makeColumnTools(changed) {
  const { make } = words;
  const MOST_VALUES = 200;  // that are proposed of a column
  const tools = document.getElementById("column-tools");
  const column = document.getElementById("filter-column");
  const how = document.getElementById("filter-how");
  const value = document.getElementById("filter-value");
  const values = document.getElementById("filter-values");
  const boxes = document.getElementById("shown-columns");
  const chips = document.getElementById("column-filters");
  const hint = document.getElementById("column-hint");
  const n = rowCells.columns.length;

  function chosen(state) {
    if (!state.cols) return null;
    const known = state.cols.split(".").map(Number).filter(function (i) { return i >= 0 && i < n; });
    return known.length ? known : null;
  }

  function proposeValues() {
    const counts = new Map();
    if (column.value !== "") {
      for (const row of rowCells.rows) {
        const cell = rowCells.of(row)[column.value];
        const text = cell === null || cell === "" ? "missing" : cell;
        counts.set(text, (counts.get(text) || 0) + 1);
      }
    }
    const common = Array.from(counts).sort(function (a, b) { return b[1] - a[1]; }).slice(0, MOST_VALUES);
    values.replaceChildren(...common.map(function ([text, count]) {
      const option = make("option", count + (count === 1 ? " row" : " rows"));
      option.value = text;
      return option;
    }));
  }

  function add(state) {
    if (column.value === "" || value.value === "") return false;
    const condition = { column: Number(column.value), operator: how.value, value: value.value };
    value.value = "";
    changed({ where: query.write(query.read(state.where).concat(condition)) });
    return true;
  }

  function showChips(state) {
    const conditions = query.read(state.where);
    chips.hidden = !conditions.length;
    chips.replaceChildren(...conditions.map(function (each, i) {
      const button = make("button", undefined, "chip");
      button.type = "button";
      button.append(make("bdi", rowCells.columns[each.column]), " " + query.WORDS[each.operator] + " ",
        make("bdi", each.value), make("span", " ×"), make("span", ", take the filter away", "hidden"));
      button.addEventListener("click", function () {
        changed({ where: query.write(conditions.filter(function (_, k) { return k !== i; })) });
        column.focus();
      });
      return button;
    }));
  }

  // Columns that a searched word names: to be shown, or filtered by, with a click.
  function showHint(found) {
    hint.hidden = !found.length;
    if (!found.length) return;
    const buttons = found.slice(0, 8).map(function (i) {
      const button = make("button", rowCells.columns[i], "chip");
      button.type = "button";
      button.addEventListener("click", function () {
        tools.open = true;
        column.value = i;
        proposeValues();
        value.focus();
      });
      return button;
    });
    hint.replaceChildren(found.length === 1 ? "A column has that name; filter by " : "Columns have that name; filter by ", ...buttons);
  }

  function show(state, found) {
    const shown = chosen(state);
    for (const box of boxes.querySelectorAll("input")) {
      box.checked = shown !== null && shown.includes(Number(box.value));
    }
    showChips(state);
    showHint(found);
  }

  tools.hidden = !n;
  column.append(...rowCells.columns.map(function (name, i) {
    const option = make("option", name);
    option.value = i;
    return option;
  }));
  boxes.append(...rowCells.columns.map(function (name, i) {
    const label = make("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.value = i;
    label.append(box, " ", make("bdi", name));
    return label;
  }));
  column.addEventListener("change", proposeValues);
  boxes.addEventListener("change", function () {
    const checked = Array.from(boxes.querySelectorAll("input:checked"), function (box) { return box.value; });
    changed({ cols: checked.join(".") });
  });

  return { add, chosen, show };
}
