// Sorting and filtering of the suspects. The state lives in the address (#q=..&sort=..), so that a
// view can be kept or sent. Without this script the page shows all suspects, by rank. A row that the
// address names (links.js) is shown whatever the filters are.
// Columns of the rows are numbered: sort=c3:desc, cols=3.5, where=3=Month-to-month.

const suspectTable = (function () {
  const FIRST = 20;
  const FILTERS = ["q", "pair", "flag", "verdict", "least", "decision", "where"];
  const LINK = ["id", "row", "view"];
  const KEYS = [...FILTERS, "cols", "sort", "all", ...LINK];
  const collator = new Intl.Collator(undefined, { numeric: true });
  const table = document.getElementById("suspect-table");
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  const begin = document.querySelector('[data-start-review="shown"]');
  const nothing = document.getElementById("nothing");
  const turn = document.getElementById("turn");
  const told = document.getElementById("search-told");
  const rows = Array.from(table.tBodies);
  const byRow = new Map(rows.map(function (body) { return [Number(body.dataset.row), body]; }));
  const texts = new Map();
  const verdicts = new Map();
  const tools = makeColumnTools(change);
  let parsed = { text: null };  // what was searched last, taken apart
  let timer = 0;                // until the cells of further rows are made

  function textOf(row) {
    if (!texts.has(row)) {
      // Piece by piece: textContent would join rank 1 and row 7 to "17". Column names are in every
      // row and would find them all.
      const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
      const pieces = [rowCells.text(Number(row.dataset.row))];
      while (walker.nextNode()) {
        if (!walker.currentNode.parentNode.closest(".cells, .tells, .more")) pieces.push(walker.currentNode.data);
      }
      texts.set(row, pieces.join(" ").toLowerCase());
    }
    return texts.get(row);
  }

  // One digit a row, in the order of the ranking.
  function verdictOf(body) {
    if (!verdicts.size) rows.forEach(function (each, i) { verdicts.set(each, reviewData.verdicts[i]); });
    return verdicts.get(body);
  }

  function readState() {
    const address = new URLSearchParams(location.hash.slice(1));
    const state = {};
    for (const key of KEYS) state[key] = address.get(key) || "";
    return state;
  }

  function keepState(state) {
    const address = new URLSearchParams();
    for (const key of KEYS) if (state[key]) address.set(key, state[key]);
    const hash = address.toString();
    // Not by assigning location.hash: that would scroll and fill the history while typing.
    try {
      history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
    } catch (error) {
      // A page that is shown inside another may not change its address; the view works all the same.
    }
  }

  function fitsDecision(row, wanted) {
    const action = row.dataset.decision || "";
    if (wanted === "differ") return decisions.differ(Number(row.dataset.row));
    if (wanted === "others") return Boolean(action) && !decisions.isBy(Number(row.dataset.row));
    if (wanted === "open") return !action;
    return wanted === "done" ? Boolean(action) : action === wanted;
  }

  // The searched text, taken apart once. A word that no row holds may name a column: then it keeps
  // every row, and that column is shown.
  function searched(state) {
    const key = state.q + "\n" + state.where;
    if (parsed.text === key) return parsed;
    const { words: all, conditions, unread } = query.parse(state.q);
    parsed = { text: key, words: [], named: [], shown: [], unread, conditions: conditions.concat(query.read(state.where)) };
    for (const word of all) {
      const named = word.length > 1 ? query.named(word) : [];
      const isHeld = rows.some(function (row) { return textOf(row).includes(word); });
      // No row holds it, and no column is called so: tenre>3.
      if (!isHeld && !named.length && /.[<>=]/.test(word)) parsed.unread.push(word);
      else if (isHeld || !named.length) parsed.words.push(word);
      else parsed.shown.push(...named);
      parsed.named.push(...named);
    }
    parsed.shown = Array.from(new Set(parsed.shown.concat(parsed.conditions.map(function (each) { return each.column; }))));
    return parsed;
  }

  function isFitting(row, state) {
    const data = row.dataset;
    if (state.flag && data.flag !== state.flag) return false;
    if (state.verdict && verdictOf(row) !== state.verdict) return false;
    if (state.pair && data.pair !== state.pair) return false;
    if (state.least && !(Number(data.probability || -1) >= Number(state.least))) return false;
    if (state.decision && !fitsDecision(row, state.decision)) return false;
    // Texts are gathered when first searched.
    const { words: all, conditions } = searched(state);
    return all.every(function (word) { return textOf(row).includes(word); }) &&
      conditions.every(function (condition) { return query.fits(Number(data.row), condition); });
  }

  function compareCells(column, direction) {
    const cells = new Map(rows.map(function (row) {
      return [row, rowCells.of(Number(row.dataset.row))[column] || ""];
    }));
    return function (a, b) {
      const left = cells.get(a), right = cells.get(b);
      if ((left === "") !== (right === "")) return left === "" ? 1 : -1;
      const gap = left - right;
      return direction * (Number.isNaN(gap) ? collator.compare(left, right) : gap) || a.dataset.rank - b.dataset.rank;
    };
  }

  function compare(key, direction) {
    if (/^c\d/.test(key)) return compareCells(Number(key.slice(1)), direction);
    return function (a, b) {
      const left = a.dataset[key], right = b.dataset[key];
      // Unknown values go last whichever way it is sorted.
      if ((left === "") !== (right === "")) return left === "" ? 1 : -1;
      return direction * (left - right) || a.dataset.rank - b.dataset.rank;
    };
  }

  function order(state) {
    const [asked, way] = (state.sort || "rank:asc").split(":");
    const known = Array.from(form.elements.sort.options).some(function (option) { return option.value === asked; });
    return { key: known ? asked : "rank", direction: way === "desc" ? -1 : 1 };
  }

  // What of the search is not understood; a condition of it is left out, not obeyed.
  function tellUnread(unread) {
    told.hidden = !unread.length;
    told.textContent = unread.length ? "Not understood: " + unread.join(", ") +
      ". A condition is the name of a column, one of = != : >= <= > < and a value, which stands in quotes where it begins with such a sign." : "";
  }

  // The cells that the list shows of a row; those of another choice are replaced.
  function placeTells(body, chosen, asked) {
    const place = body.querySelector(".tells");
    const key = asked.concat(chosen === null ? "most" : chosen).join(".");
    if (!place || place.dataset.columns === key) return;
    const made = beside.list(Number(body.dataset.row), chosen, asked);
    made.dataset.columns = key;
    place.replaceWith(made);
  }

  // Made here and not in the page, which would grow by it, row for row.
  function placeVerdict(body) {
    const number = verdictOf(body);
    if (!(number > 0) || body.querySelector(".verdict")) return;
    const mark = document.createElement("span");
    mark.className = "verdict v" + number;
    mark.textContent = form.elements.verdict.querySelector('[value="' + number + '"]').textContent;
    body.querySelector(".given").closest("td").append(" ", mark);
    texts.delete(body);
  }

  function apply(state) {
    const { key, direction } = order(state);
    const sorted = rows.slice().sort(compare(key, direction));
    const { shown: named } = searched(state), chosen = tools.chosen(state);
    const asked = /^c\d/.test(key) ? [Number(key.slice(1)), ...named] : named;
    const linked = links.find(state);
    const fill = function (row) {
      pictures.place(row);
      placeVerdict(row);
      placeTells(row, chosen, asked);
    };
    const further = [];
    let last = table.tHead, fitting = 0;
    for (const row of sorted) {
      const fits = isFitting(row, state);
      if (fits) fitting += 1;
      const isLinked = linked !== null && Number(row.dataset.row) === linked.row;
      row.hidden = !isLinked && (!fits || (!state.all && fitting > FIRST));
      if (row.hidden) continue;
      if (fitting > FIRST) further.push(row);
      else fill(row);
      // To move rows costs more than all else, so that hidden ones stay where they are.
      if (last.nextElementSibling !== row) last.after(row);
      last = row;
    }
    // Of hundreds of rows the first ones are painted before what the others hold is made.
    window.clearTimeout(timer);
    timer = window.setTimeout(function () { further.forEach(fill); }, 50);
    form.elements.sort.value = key;
    turn.setAttribute("aria-pressed", String(direction < 0));
    tools.show(state, parsed.named);
    tellUnread(parsed.unread);
    for (const head of table.tHead.rows[0].cells) {
      if (head.dataset.key === key) {
        head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      } else {
        head.removeAttribute("aria-sort");
      }
    }
    const cut = !state.all && fitting > FIRST;
    shown.value = (cut ? "first " + FIRST + " of " : "") + fitting + (fitting === 1 ? " row" : " rows");
    begin.textContent = "Review this list (" + fitting.toLocaleString("en") + (fitting === 1 ? " row)" : " rows)");
    more.hidden = !cut;
    nothing.hidden = fitting > 0;
    nothing.querySelector("[data-searched]").textContent = state.q ? " for “" + state.q + "”" : "";
    more.firstChild.textContent = "Show all " + fitting;
  }

  function change(part) {
    const state = Object.assign(readState(), part);
    // Another view than the one in which somebody looked at a row.
    if (FILTERS.some(function (key) { return key in part; })) {
      for (const key of LINK) state[key] = "";
      links.forget();
    }
    keepState(state);
    apply(state);
  }

  function fillForm(state) {
    for (const name of ["q", "pair", "flag", "verdict", "least", "decision"]) {
      const field = form.elements[name];
      if (!field) {  // a run without verdicts
        state[name] = "";
        continue;
      }
      if (field.value !== state[name]) field.value = state[name];
      if (field.selectedIndex === -1) field.value = "";  // a choice that this report does not have
      state[name] = field.value;
    }
  }

  function onHead(head) {
    const state = readState();
    const rising = head.getAttribute("aria-sort") === "ascending";
    change({ sort: head.dataset.key + (rising ? ":desc" : ":asc"), all: state.all });
  }

  function start() {
    const state = readState();
    fillForm(state);
    apply(state);
    document.documentElement.classList.remove("starting");
  }

  for (const head of table.tHead.rows[0].cells) {
    if (!head.dataset.key) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", function () { onHead(head); });
    head.append(button);
  }
  // The event does not bubble.
  table.addEventListener("toggle", function (event) {
    const details = event.target;
    if (!details.open || details.matches(".more") || details.querySelector(".copy-link")) return;
    const row = Number(details.closest("tbody").dataset.row), cells = beside.whole(row);
    details.querySelector("summary").after(...(cells ? [cells] : []), links.button(row));
  }, true);
  form.addEventListener("input", function (event) {
    const { name, value } = event.target;
    if (name === "sort") change({ sort: value + ":asc" });
    else if (FILTERS.includes(name)) change({ [name]: value });
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    tools.add(readState());
  });
  form.addEventListener("reset", function () {
    change({ q: "", pair: "", flag: "", verdict: "", least: "", decision: "", where: "", all: "" });
  });
  nothing.querySelector("button").addEventListener("click", function () {
    form.reset();
    form.elements.q.focus();
  });
  turn.addEventListener("click", function () {
    const { key, direction } = order(readState());
    change({ sort: key + (direction > 0 ? ":desc" : ":asc") });
  });
  more.firstChild.addEventListener("click", function () { change({ all: "1" }); });
  window.addEventListener("hashchange", function () {
    // A jump to a section is no view of the table.
    if (location.hash && !location.hash.includes("=")) return;
    start();
    // Else it is a link from a pair of labels to its suspects.
    if (!links.follow() && !document.querySelector("dialog[open]")) document.getElementById("suspects").scrollIntoView();
  });

  form.elements.sort.append(...rowCells.columns.map(function (name, i) {
    const option = document.createElement("option");
    option.value = "c" + i;
    option.textContent = name;
    return option;
  }));
  form.hidden = false;

  return {
    start,
    state: readState,
    // Some filters, and no other.
    show: function (wanted) {
      const state = Object.assign({ q: "", pair: "", flag: "", verdict: "", least: "", decision: "", where: "" }, wanted);
      change(state);
      fillForm(state);
    },
    // What a row's text is may have changed.
    renew: function (row) { texts.delete(byRow.get(row)); },
    bodyOf: function (row) { return byRow.get(row); },
    // Rows that fit the filters, in the present order, those beyond the first ones too.
    fitting: function () {
      const state = readState();
      const { key, direction } = order(state);
      return rows
        .filter(function (row) { return isFitting(row, state); })
        .sort(compare(key, direction))
        .map(function (row) { return Number(row.dataset.row); });
    },
  };
})();
