// Review by keyboard, in a dialog over the report: one suspect at a time, in the order and with the
// filters that the table has when the review begins.

(function () {
  const LONGEST_PAUSE = 120;  // seconds; a longer one is no work
  const LONGEST_NOTE = 200;   // signs of a comment that the table shows
  const KEYS = {
    q: "keep", w: "accept", e: "drop", n: "unsure", j: "next", k: "back", u: "undo", l: "link", m: "comment",
  };

  const { make, readable, paceOf } = words;
  const { inWords, nameOf } = card;

  function find(id) { return document.getElementById(id); }

  const dialog = find("review");
  const article = find("review-row");
  const told = find("review-told");
  const choices = find("review-classes");
  const other = find("review-other"), typed = other.querySelector("input");
  const useKeys = find("review-keys");
  const suspects = new Map(reviewData.suspects.map(function (s) { return [s.row, s]; }));
  let queue = [];
  let position = 0;
  let moments = [];  // seconds between decisions, the latest ones
  let isSettling = false;
  let isDone = Boolean;  // whether a row of the queue needs nothing more

  const marked = new Map();  // by row: what the table says of it

  // The table beside the review: who decided what, and an attribute to filter by.
  function markTable() {
    for (const row of suspects.keys()) {
      const said = decisions.saidOf(row), decision = decisions.of(row);
      const notes = said.filter(function (each) { return each.comment; })
        .map(function (each) { return " · “" + opinions.commentOf(each).slice(0, LONGEST_NOTE) + "”"; });
      const text = decision ? opinions.inLine(said) + notes.join("") : "";
      const key = text + "\n" + (decision ? decision.action : "");
      if ((marked.get(row) || "\n") === key) continue;
      marked.set(row, key);
      const body = suspectTable.bodyOf(row);
      body.dataset.decision = decision ? decision.action : "";
      body.querySelector(".decision").textContent = text;
      suspectTable.renew(row);
    }
    const n = decisions.count();
    find("decided").textContent = n ? n + (n === 1 ? " row" : " rows") + " decided." : "";
    document.querySelector("[data-download]").hidden = !n;
  }

  function current() { return suspects.get(queue[position]); }

  function showChoices(suspect) {
    const given = reviewData.labels[suspect.given], decision = decisions.of(suspect.row);
    for (const place of dialog.querySelectorAll("[data-given]")) place.textContent = readable(given);
    const accept = dialog.querySelector('[data-do="accept"]');
    accept.disabled = suspect.suggested === null;
    accept.querySelector("[data-suggested]").textContent =
      suspect.suggested === null ? "– (" + dialog.dataset.none + ")" : readable(reviewData.labels[suspect.suggested]);
    const preferred = suspect.suggested === null ? "keep" : "accept";
    for (const button of dialog.querySelectorAll(".review-buttons button")) {
      button.classList.toggle("primary", button.dataset.do === preferred);
      button.setAttribute("aria-pressed", String(isMade(button.dataset.do, decision, suspect)));
    }
    choices.replaceChildren(...card.classButtons(suspect));
    other.hidden = !reviewData.numbers && reviewData.labels.length <= choices.children.length;
    typed.value = "";
    find("review-other-told").textContent = "";
  }

  function isMade(what, decision, suspect) {
    if (!decision) return false;
    if (what !== "accept") return decision.action === what;
    return decision.action === "relabel" && suspect.suggested !== null &&
      decision.new_label === reviewData.labels[suspect.suggested];
  }

  function showPace() {
    const n = queue.filter(isDone).length;
    const bar = find("review-progress");
    bar.max = queue.length || 1;
    bar.value = n;
    const text = n + " of " + queue.length + " decided" + paceOf(moments, queue.length - n);
    find("review-pace").textContent = text;
    const saved = find("review-saved");
    saved.textContent = decisions.problem() || (reviewData.served
      ? (decisions.waiting() ? "saving" : "saved in the run folder")
      : "kept in this browser");
    saved.classList.toggle("problem", Boolean(decisions.problem()));
    // Told at once where something is wrong; "saved" after each key would be noise.
    saved.setAttribute("role", decisions.problem() ? "alert" : "note");
  }

  function show() {
    showPace();
    const suspect = current();
    links.name(suspect || null);
    comment.show(suspect, show);
    dialog.classList.toggle("is-over", !suspect);
    if (suspect) {
      article.replaceChildren(...card.row(suspect));
      find("review-settle").hidden = !isSettling || !decisions.differ(suspect.row);
      showChoices(suspect);
      dialog.querySelector(".review-buttons .primary").focus({ preventScroll: true });
      article.parentElement.scrollTop = 0;
      article.scrollTop = 0;
    } else {
      const open = queue.filter(function (row) { return !isDone(row); }).length;
      const heading = make("h3", queue.length ? "That was the last row" : "No row fits the filters");
      heading.id = "review-heading";
      article.replaceChildren(
        heading,
        make("p", open ? open + " were passed over without a decision. K goes back." : "All are decided. K goes back."),
        make("p", reviewData.served
          ? "The decisions are in the run folder. Ctrl-C in the terminal ends the review; then: datacleanse apply RUN -o cleaned.csv"
          : "Download the decisions into the run folder; then: datacleanse apply RUN -o cleaned.csv"));
      dialog.querySelector('[data-do="download"]').focus();
    }
  }

  function say(text) {
    const suspect = current();
    told.textContent = text + (suspect ? " Next: " + nameOf(suspect) + ", given " +
      readable(reviewData.labels[suspect.given]) + (suspect.suggested === null ? "" :
        ", suggested " + readable(reviewData.labels[suspect.suggested])) + "." : " That was the last row.");
  }

  let last = null;  // when the last decision was made, or the review began, in seconds

  function decide(action, label) {
    const suspect = current();
    if (!suspect) return;
    const given = reviewData.labels[suspect.given];
    if (action === "relabel" && card.classField.isSame(label, given)) action = "keep";
    const now = performance.now() / 1000;
    if (last !== null && now - last < LONGEST_PAUSE) moments = moments.concat(now - last).slice(-20);
    last = now;
    decisions.decide(suspect.row, action, action === "relabel" ? label : null, { settles: isSettling && decisions.differ(suspect.row) });
    const made = decisions.of(suspect.row);
    position += 1;
    show();
    say(nameOf(suspect) + " " + inWords(made) + ".");
  }

  function undo() {
    const rows = decisions.undo();
    if (!rows) {
      told.textContent = "There is nothing to undo.";
      return;
    }
    const place = queue.indexOf(rows[0]);
    if (place >= 0) position = place;
    show();
    const other = place < 0 ? " It is not among the rows that are shown." : "";
    say("Undone: " + (rows.length === 1 ? "row " + rows[0] : rows.length + " rows") + "." + other);
  }

  function move(by) {
    position = Math.min(queue.length, Math.max(0, position + by));
    show();
    say("");
  }

  function toggleHelp() {
    const help = find("review-help");
    help.hidden = !help.hidden;
    dialog.querySelector('[data-do="help"]').setAttribute("aria-expanded", String(!help.hidden));
    if (!help.hidden) help.scrollIntoView({ block: "nearest" });
  }

  function download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([decisions.text()], { type: "application/x-ndjson" }));
    link.download = "decisions.jsonl";
    link.click();
    window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }

  const ACTIONS = {
    keep: function () { decide("keep", null); },
    accept: function () {
      const suspect = current();
      if (!suspect) return;
      if (suspect.suggested === null) told.textContent = "There is no suggestion for this row.";
      else decide("relabel", reviewData.labels[suspect.suggested]);
    },
    drop: function () { decide("drop", null); },
    unsure: function () { decide("unsure", null); },
    next: function () { move(1); },
    back: function () { move(-1); },
    undo, download,
    link: function () {
      const place = dialog.querySelector('[data-do="link"] span');
      if (current()) links.copy(current(), "review", place).then(function (text) { told.textContent = text; });
    },
    other: function () {
      card.classField.enter(typed, function (label) { decide("relabel", label); },
        function (text) { find("review-other-told").textContent = text; });
    },
    comment: function () { comment.focus(); },
    help: toggleHelp,
    close: function () { dialog.close(); },
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // A key held down would decide rows that nobody has seen.
    if (event.repeat) {
      if (event.key === "Enter" || event.key === " ") event.preventDefault();
      return;
    }
    if (event.target === typed && event.key === "Escape") {  // the field is left, not the review
      event.preventDefault();
      show();
      return;
    }
    if (event.target === typed && event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      ACTIONS.other();
      return;
    }
    // Who has written a name goes on deciding.
    if (event.target.id === "review-name" && event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      event.target.blur();
      show();
      return;
    }
    const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (isTyping || (!useKeys.checked && event.key !== "?")) return;
    const what = event.key === "?" ? "help" : KEYS[event.key.toLowerCase()];
    if (reviewData.numbers && current() && card.classField.begins(event.key)) {
      typed.focus();  // the key's own sign is the first one there
    } else if (what) {
      event.preventDefault();
      ACTIONS[what]();
    } else if (/^[1-9]$/.test(event.key)) {
      const button = choices.children[Number(event.key) - 1];
      if (button && current()) decide("relabel", reviewData.labels[Number(button.dataset.label)]);
    }
  }

  // What is to be done about the rows of a list: settled, decided by this reviewer too, or decided.
  function chooseTask(filter) {
    isSettling = filter === "differ";
    if (isSettling) return function (row) { return !decisions.differ(row); };
    return function (row) { return Boolean(filter === "others" ? decisions.isBy(row) : decisions.of(row)); };
  }

  // At the first row that is to be done, or at the one that is wanted.
  function open(wanted) {
    queue = suspectTable.fitting();
    isDone = chooseTask(suspectTable.state().decision);
    find("review-meanwhile").textContent = "";
    if (wanted !== undefined && !queue.includes(wanted)) queue.unshift(wanted);
    last = performance.now() / 1000;
    const first = queue.findIndex(function (row) { return wanted === undefined ? !isDone(row) : row === wanted; });
    position = first < 0 ? 0 : first;
    dialog.showModal();
    show();
  }

  // On the list, too, where nothing else takes the key.
  document.addEventListener("keydown", function (event) {
    const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key.toLowerCase() !== "u" || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping || !useKeys.checked || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    decisions.undo();
    suspectTable.start();
  });
  dialog.addEventListener("keydown", onKey);
  dialog.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.do) ACTIONS[button.dataset.do]();
    else if (button.dataset.label) decide("relabel", reviewData.labels[Number(button.dataset.label)]);
  });
  dialog.addEventListener("close", function () {
    links.name(null);
    suspectTable.start();
  });
  links.offer("review", open);
  card.classField.fill(find("review-names"));
  typed.addEventListener("input", function () { find("review-other-told").textContent = ""; });
  find("review-name").value = decisions.reviewer();
  find("review-name").addEventListener("input", function (event) {
    decisions.setReviewer(event.target.value.trim());
  });
  // What is recorded, where the field was emptied.
  find("review-name").addEventListener("change", function (event) {
    event.target.value = decisions.reviewer();
  });
  find("review-where").textContent = reviewData.served
    ? "Each decision is written to decisions.jsonl in the run folder at once."
    : "Decisions stay in this browser, for this report, until you download them. Put the file into " +
      "the run folder as decisions.jsonl. With `datacleanse review RUN` that happens by itself.";
  for (const button of document.querySelectorAll("[data-start-review]")) {
    button.parentElement.hidden = false;
    button.addEventListener("click", function () {
      const which = button.dataset.startReview;
      if (which === "flagged") suspectTable.show({ flag: "1" });
      else if (which !== "shown") suspectTable.show({ decision: which });
      open();
    });
  }
  document.querySelector("[data-download]").addEventListener("click", download);

  // Somebody else decided about the same row at the same time.
  decisions.onMeanwhile(function (own, others) {
    find("review-meanwhile").textContent = opinions.sayMeanwhile(own, others, decisions.differ(own.row));
  });
  decisions.onChange(function () {
    markTable();
    if (dialog.open) showPace();
  });
  suspectTable.start();
  Promise.resolve(decisions.start()).then(function () {
    markTable();
    suspectTable.start();
    links.follow();
    document.documentElement.dataset.ready = "";
  });
})();
