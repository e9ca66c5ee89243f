// One decision about all rows that the filters show: with their number, after a look at some of
// them, and undone at once. Only where a server takes the decisions.

(function () {
  const SAMPLE = 8;       // rows that are shown before many are decided
  const CELLS = 4;        // of their own columns
  const { make, readable } = words;

  function find(id) { return document.getElementById(id); }

  const dialog = find("bulk"), form = dialog.querySelector("form"), problem = find("bulk-problem");
  const accept = dialog.querySelector('[data-do="decide"]');
  const suspects = new Map(reviewData.suspects.map(function (s) { return [s.row, s]; }));
  const offer = make("button", "Decide about all of them at once…");
  const undoing = make("button", "Undo");
  let open = [];    // rows that fit the filters and are not decided
  let others = [];  // rows that fit and are decided
  let isSending = false;

  function plural(n, noun) { return n.toLocaleString("en") + " " + noun + (n === 1 ? "" : "s"); }

  function chosen() { return form.elements.action.value; }

  function chosenLabel() { return form.elements.label ? form.elements.label.value : ""; }

  // What the decision is about: a row without a suggestion cannot be changed to it.
  function rows() {
    if (chosen() !== "accept") return open;
    return open.filter(function (row) { return suspects.get(row).suggested !== null; });
  }

  // The filters in words, whichever the page has.
  function filtersInWords() {
    const parts = [];
    for (const field of find("filters").elements) {
      if (!field.name || !field.value || field.name === "sort") continue;
      const label = field.labels[0];
      const name = label ? label.firstChild.textContent.trim() : field.name;
      const value = field.options ? field.options[field.selectedIndex].text : field.value;
      parts.push(name + " " + value);
    }
    return parts.join(" · ");
  }

  function actionInWords(n) {
    const label = chosenLabel();
    const name = label ? readable(reviewData.labels[Number(label)]) : "…";
    const all = n === 1 ? "" : "all ";
    return {
      accept: "Accept " + all + plural(n, "suggestion"),
      keep: "Keep the labels of " + all + plural(n, "row"),
      relabel: "Change " + all + plural(n, "row") + " to " + name,
      drop: "Drop " + all + plural(n, "row"),
      unsure: "Mark " + all + plural(n, "row") + " as unsure",
    }[chosen()];
  }

  function look() {
    const fitting = suspectTable.fitting();
    open = fitting.filter(function (row) { return !decisions.of(row); });
    others = fitting.filter(function (row) { return decisions.of(row); });
  }

  function show() {
    const about = rows(), left = open.length - about.length;
    const filters = filtersInWords();
    find("bulk-title").textContent = "Decide about " + plural(about.length, "row") + " at once";
    find("bulk-filters").textContent = filters ? "Shown are rows with: " + filters + "." : "No filter is set: these are all rows of this page.";
    const notes = [];
    if (others.length) notes.push(plural(others.length, "row") + " shown " + (others.length === 1 ? "is" : "are") + " decided already and stay" + (others.length === 1 ? "s" : "") + " as decided.");
    if (left) notes.push(plural(left, "row") + " without a suggestion " + (left === 1 ? "is" : "are") + " left open.");
    find("bulk-decided").textContent = notes.join(" ");
    accept.textContent = about.length ? actionInWords(about.length) : "Nothing is left to be decided";
    accept.disabled = isSending || !about.length || (chosen() === "relabel" && !chosenLabel());
  }

  function draw(from) {
    const pool = from.slice();
    for (let i = 0; i < Math.min(SAMPLE, pool.length); i += 1) {
      const j = i + Math.floor(Math.random() * (pool.length - i));
      [pool[i], pool[j]] = [pool[j], pool[i]];
    }
    return pool.slice(0, SAMPLE);
  }

  function showSample() {
    find("bulk-sample").replaceChildren(...draw(rows()).map(function (row) {
      const suspect = suspects.get(row), item = make("li"), text = make("div");
      const picture = pictures.of(row);
      if (picture) item.append(picture);
      const title = make("p", card.nameOf(suspect) + ": ");
      title.append(make("bdi", readable(reviewData.labels[suspect.given])), " → ");
      title.append(make("b", suspect.suggested === null ? "– (" + find("review").dataset.none + ")" : readable(reviewData.labels[suspect.suggested])));
      const likely = suspectTable.bodyOf(row).dataset.probability;
      if (likely) title.append(" · " + Math.round(100 * likely) + "% likely wrong");
      text.append(title);
      const cells = picture ? null : beside.list(row, null, []);
      if (cells) {
        const pairs = Array.from(cells.children).slice(0, CELLS).map(function (pair) {
          return pair.firstChild.textContent + " " + pair.lastChild.textContent;
        });
        text.append(make("p", pairs.join(" · "), "note"));
      }
      item.append(text);
      return item;
    }));
  }

  function decide() {
    const about = rows(), label = chosenLabel();
    isSending = true;
    problem.hidden = true;
    show();
    decisions.decideMany(about, others, chosen(), chosen() === "relabel" ? reviewData.labels[Number(label)] : null)
      .then(function () { dialog.close(); })
      .catch(function (error) {
        look();
        showSample();
        problem.textContent = error.message;
        problem.hidden = false;
      })
      .finally(function () {
        isSending = false;
        if (dialog.open) show();
      });
  }

  function start() {
    look();
    problem.hidden = true;
    dialog.showModal();
    show();
    showSample();
    find("bulk-title").focus();
  }

  // --- in the page ---

  function showOffer() {
    if (document.querySelector("dialog[open]")) return;  // nobody sees it: it is made up for then
    const n = suspectTable.fitting().filter(function (row) { return !decisions.of(row); }).length;
    offer.textContent = n ? "Decide about all " + n + " at once…" : "Decide about all at once…";
    offer.disabled = !n;
    const last = decisions.last();
    undoing.hidden = !last;
    if (last) undoing.textContent = "Undo the last: " + plural(last.length, "row");
  }

  dialog.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.do === "decide") decide();
    else if (button.dataset.do === "sample") showSample();
    else if (button.dataset.do === "cancel") dialog.close();
  });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("change", function (event) {
    if (event.target.name === "label") form.elements.action.value = "relabel";
    show();
    showSample();
  });
  // Among numbers no single one fits many rows.
  if (form.elements.label) form.elements.label.append(...reviewData.labels.map(function (label, i) {
    const option = make("option", readable(label));
    option.value = i;
    return option;
  }));
  dialog.addEventListener("close", function () {
    suspectTable.start();
    offer.focus();
  });
  // The event does not bubble.
  document.addEventListener("close", showOffer, true);
  offer.type = undoing.type = "button";
  offer.id = "bulk-offer";
  undoing.id = "undo-last";
  offer.addEventListener("click", start);
  undoing.addEventListener("click", function () {
    decisions.undo();
    suspectTable.start();
  });
  const begin = document.querySelector('[data-start-review="shown"]');
  begin.after(" ", offer, " ", undoing);
  new MutationObserver(showOffer).observe(find("shown"), { childList: true, characterData: true, subtree: true });
  decisions.onChange(function () {
    showOffer();
    if (dialog.open && !isSending) {
      look();
      show();
    }
  });
})();
