// Rows drawn at random, one after the other; each gets a verdict by one key, and the server has it.

(function () {
  const LONGEST_PAUSE = 120;  // seconds; a longer one is no work
  const AHEAD = 8;            // pictures fetched before they are wanted
  const BEHIND = 20;          // pictures kept that were seen already
  const LONG = 60;            // characters of a cell that has a line of its own
  const LONG_NAME = 12;       // characters of a class that has
  const LETTERS = { b: "blind", u: "undo", s: "unsure" };
  const { make, readable, paceOf } = words;
  const labels = verifyData.labels, rows = verifyData.rows;
  const number = verifyData.numbers ? makeNumberField(verifyData.numbers) : null;  // a field, or null

  function find(id) { return document.getElementById(id); }

  const article = find("row"), told = find("told"), search = find("search"), matches = find("matches");
  // The classes that a digit chooses: those called by a digit, or the first nine, commonest first
  // where there are more.
  const digits = new Map(number ? [] : labels.every(function (label) { return /^[0-9]$/.test(label); })
    ? labels.map(function (label, code) { return [label, code]; })
    : verifyData.first.map(function (code, i) { return [String(i + 1), code]; }));
  // Where digits reach every class, the search is only there while somebody types.
  const isFinderShown = number !== null || labels.length > digits.size;
  let position = 0, isBlind = verifyData.blind, done = [], moments = [], last = null, isFinished = false;

  function current() { return rows[position]; }

  // Where there are so many classes that names are typed, a letter that begins one finds it.
  function isName(letter) {
    return number === null && labels.length > digits.size && labels.some(function (label) {
      return label.trim().toLowerCase().startsWith(letter);
    });
  }

  function nameOf(drawn) {
    return "Row " + drawn.row + (drawn.name === null || (isBlind && verifyData.named_by_path) ? "" : " · " + readable(drawn.name));
  }

  function showRow(drawn) {
    const verdict = verdicts.of(drawn.row);
    const heading = make("h2", nameOf(drawn));
    heading.id = "heading";
    const given = make("p", undefined, "given-label");
    if (isBlind) given.append("Given label hidden");
    else given.append("Given label: ", make("bdi", readable(labels[drawn.given])));
    const parts = [heading, given];
    if (verdict) parts.push(make("p", "So far: " + inWords(verdict), "verdict"));
    if (verifyData.pictured) parts.push(photographs.show(drawn.row));
    const cells = rowCells.list(drawn.row);
    if (cells) parts.push(widen(cells));
    article.replaceChildren(...parts);
    article.scrollTop = 0;
  }

  // Long texts are read across the whole card.
  function widen(cells) {
    for (const pair of cells.children) {
      pair.classList.toggle("long", pair.lastChild.textContent.length > LONG);
    }
    return cells;
  }

  function inWords(verdict) {
    if (verdict.action === "unsure") return "unsure";
    if (isBlind) return readable(verdict.label);
    return verdict.action === "keep" ? "right" : "wrong, it is " + readable(verdict.label);
  }

  function showChoices(drawn) {
    const verdict = verdicts.of(drawn.row), keep = document.querySelector('[data-do="keep"]');
    find("question").textContent = isBlind ? "Which " + (number ? "number" : "class") + " is it?" : "Is the label right?";
    find("classes-title").textContent = isBlind ? "It is" : "No, it is";
    keep.parentElement.hidden = isBlind;
    keep.querySelector("[data-given]").textContent = readable(labels[drawn.given]);
    keep.setAttribute("aria-pressed", String(Boolean(verdict && verdict.action === "keep")));
    for (const button of find("classes").children) {
      const code = Number(button.dataset.code);
      const isGiven = !isBlind && code === drawn.given;
      button.querySelector("small").textContent = isGiven ? "given" : "";
      button.setAttribute("aria-pressed", String(Boolean(verdict && verdict.label === labels[code] &&
        (isBlind || verdict.action !== "keep"))));
    }
    closeFinder();
  }

  function countDone() {
    return rows.filter(function (drawn) { return verdicts.of(drawn.row); }).length;
  }

  function showProgress() {
    const n = countDone(), share = verdicts.share(), saved = find("saved"), problem = verdicts.problem();
    find("progress").max = rows.length;
    find("progress").value = n;
    find("pace").textContent = n + " of " + rows.length + " verified" + paceOf(moments, rows.length - n);
    find("share").textContent = share === null ? "" : share.wrong + (share.more ? " · " + share.more : "");
    saved.textContent = problem || (verdicts.waiting() ? "saving" : n ? "saved" : "");
    saved.classList.toggle("problem", Boolean(problem));
    saved.setAttribute("role", problem ? "alert" : "note");
  }

  function showEnd() {
    const open = rows.length - countDone(), heading = make("h2", open ? "That was the last row" : "All rows are verified");
    heading.id = "heading";
    const share = verdicts.share();
    article.replaceChildren(heading);
    if (open) article.append(make("p", open + " were passed over without a verdict. ← goes back."));
    if (share !== null) article.append(make("p", share.wrong + ".", "result"), make("p", share.more ? share.more[0].toUpperCase() + share.more.slice(1) + "." : ""));
    article.append(make("p", "Press Enter to finish. The terminal then says how to audit the data with these rows. U undoes the last verdict."));
  }

  function show() {
    const drawn = current();
    document.body.classList.toggle("is-over", !drawn);
    const button = document.querySelector('[data-do="blind"]');
    button.setAttribute("aria-pressed", String(isBlind));
    showProgress();
    if (!drawn) {
      showEnd();
      document.querySelector('[data-do="finish"]').focus();
      return;
    }
    showRow(drawn);
    showChoices(drawn);
    article.focus({ preventScroll: true });
    if (verifyData.pictured) {
      const near = rows.slice(position, position + AHEAD + 1).map(function (each) { return each.row; });
      photographs.prepare(near);
      const kept = rows.slice(Math.max(0, position - BEHIND), position + AHEAD + 1);
      photographs.forget(new Set(kept.map(function (each) { return each.row; })));
    }
  }

  function say(text) {
    const drawn = current();
    told.textContent = text + (drawn ? " Next: row " + drawn.row + (isBlind ? "." : ", given " +
      readable(labels[drawn.given]) + ".") : " That was the last row.");
  }

  // The next row without a verdict; after the last one the first that was passed over.
  function goOn() {
    const isOpen = function (drawn) { return !verdicts.of(drawn.row); };
    const next = rows.findIndex(function (drawn, i) { return i > position && isOpen(drawn); });
    position = next >= 0 ? next : rows.findIndex(isOpen);
    if (position < 0) position = rows.length;
  }

  function isGiven(drawn, label) {
    const given = labels[drawn.given];
    return number ? number.isSame(label, given) : label === given;
  }

  function judge(action, label) {
    const drawn = current();
    if (!drawn) return;
    if (action === "relabel" && isGiven(drawn, label)) action = "keep";
    const now = performance.now() / 1000;
    if (last !== null && now - last < LONGEST_PAUSE) moments = moments.concat(now - last).slice(-20);
    last = now;
    done.push({ row: drawn.row, before: verdicts.of(drawn.row), position });
    give(drawn.row, action, action === "keep" ? labels[drawn.given] : action === "relabel" ? label : null);
    const made = verdicts.of(drawn.row);
    goOn();
    show();
    say("Row " + drawn.row + " " + inWords(made) + ".");
  }

  function give(row, action, label) {
    verdicts.give({ row, action, label, blind: isBlind, reviewer: find("reviewer").value.trim() });
  }

  function keep() {
    if (!current()) finish();
    else if (isBlind) told.textContent = find("question").textContent + " The given label is hidden: " + (number ? "type the number." : "choose a class.");
    else judge("keep", null);
  }

  function undo() {
    const step = done.pop();
    if (!step) {
      told.textContent = "There is nothing to undo.";
      return;
    }
    give(step.row, step.before ? step.before.action : "revoked", step.before ? step.before.label : null);
    position = step.position;
    show();
    say("Undone.");
  }

  function move(by) {
    position = Math.min(rows.length, Math.max(0, position + by));
    show();
    say("");
  }

  function toggleBlind() {
    isBlind = !isBlind;
    show();
    say(isBlind ? "Given labels are hidden." : "Given labels are shown.");
  }

  function toggleHelp() {
    const help = find("help");
    help.hidden = !help.hidden;
    document.querySelector('[data-do="help"]').setAttribute("aria-expanded", String(!help.hidden));
  }

  function finish() {
    if (isFinished || verdicts.waiting()) {
      told.textContent = "Wait until all is saved.";
      return;
    }
    isFinished = true;
    call("finish", {}).then(function () {
      document.body.classList.add("is-over", "is-finished");
      const heading = make("h2", "Finished");
      heading.id = "heading";
      article.replaceChildren(heading, make("p", "Everything is saved. The terminal says what to do next; this page can be closed."));
    }).catch(function (error) {
      isFinished = false;
      told.textContent = "Not finished: " + error.message;
    });
  }

  // --- any class by its name ---

  function closeFinder() {
    search.value = "";
    find("search-told").textContent = "";
    matches.hidden = true;
    find("finder").hidden = !isFinderShown;
    search.setAttribute("aria-expanded", "false");
    search.removeAttribute("aria-activedescendant");
    if (document.activeElement === search) article.focus({ preventScroll: true });
  }

  function openFinder(letter) {
    if (!current()) return;
    find("finder").hidden = false;
    search.focus();
    search.value = letter;
    listMatches();
  }

  // Names that begin so come first, then those with a word that does, then any.
  function rankOf(label, text) {
    const name = label.toLowerCase(), at = name.indexOf(text);
    if (at < 0) return -1;
    return at === 0 ? 0 : /[^\p{L}\p{N}]/u.test(name[at - 1]) ? 1 : 2;
  }

  function listMatches() {
    find("search-told").textContent = "";
    if (number) return;
    const text = search.value.trim().toLowerCase();
    const found = labels.map(function (label, code) { return [rankOf(label, text), code]; })
      .filter(function (each) { return each[0] >= 0; })
      .sort(function (a, b) { return a[0] - b[0]; });
    matches.replaceChildren(...found.slice(0, 50).map(function (each, i) {
      const item = make("li");
      item.append(make("bdi", readable(labels[each[1]])));
      item.id = "match-" + i;
      item.dataset.code = each[1];
      item.setAttribute("role", "option");
      return item;
    }));
    if (!found.length) matches.append(make("li", "No class is called so.", "none"));
    matches.hidden = false;
    search.setAttribute("aria-expanded", "true");
    mark(0);
  }

  function mark(place) {
    const items = Array.from(matches.querySelectorAll("[role=option]"));
    items.forEach(function (item, i) { item.setAttribute("aria-selected", String(i === place)); });
    if (items[place]) {
      search.setAttribute("aria-activedescendant", items[place].id);
      items[place].scrollIntoView({ block: "nearest" });
    } else search.removeAttribute("aria-activedescendant");
  }

  function marked() { return matches.querySelector("[aria-selected=true]"); }

  function onSearchKey(event) {
    const item = marked();
    if (event.key === "Enter") {
      event.preventDefault();
      if (number) number.enter(search, function (label) { judge("relabel", label); }, function (text) { find("search-told").textContent = text; });
      else if (item && !matches.hidden) judge("relabel", labels[Number(item.dataset.code)]);
    } else if (event.key === "Escape" || (event.key === "Backspace" && !search.value)) {
      event.preventDefault();
      closeFinder();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const items = Array.from(matches.querySelectorAll("[role=option]"));
      const place = items.indexOf(item) + (event.key === "ArrowDown" ? 1 : -1);
      mark(Math.min(items.length - 1, Math.max(0, place)));
    }
  }

  // --- keys ---

  const ACTIONS = {
    keep, undo, finish,
    unsure: function () { judge("unsure", null); },
    blind: toggleBlind,
    help: toggleHelp,
    next: function () { move(1); },
    back: function () { move(-1); },
  };
  const KEYS = { Backspace: "undo", "?": "unsure", ArrowRight: "next", ArrowLeft: "back" };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const isSearch = event.target === search;
    // A key held down would judge rows that nobody has seen.
    if (event.repeat && !(isSearch && event.key !== "Enter")) {
      if (event.key === "Enter" || event.key === " ") event.preventDefault();
      return;
    }
    if (isSearch) {
      onSearchKey(event);
      return;
    }
    if (event.target.matches("input")) return;
    // A button that was reached by Tab does its own work.
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("button")) return;
    const letter = event.key.length === 1 ? event.key.toLowerCase() : "";
    const command = LETTERS[letter] && (event.shiftKey || !isName(letter)) ? LETTERS[letter] : KEYS[event.key];
    if (event.key === "Enter") keep();
    else if (event.key === "Escape" && !find("help").hidden) toggleHelp();
    else if (command) ACTIONS[command]();
    else if (digits.has(event.key)) judge("relabel", labels[digits.get(event.key)]);
    else if (number ? number.begins(event.key) : letter && letter !== " ") openFinder(event.key === "/" ? "" : event.key);
    else return;
    event.preventDefault();
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button"), item = event.target.closest("#matches [role=option]");
    if (item) judge("relabel", labels[Number(item.dataset.code)]);
    else if (button && button.dataset.do) ACTIONS[button.dataset.do]();
    else if (button && button.dataset.code) judge("relabel", labels[Number(button.dataset.code)]);
  });
  search.addEventListener("input", listMatches);
  search.addEventListener("focus", listMatches);
  search.addEventListener("blur", function (event) {
    if (!event.relatedTarget || !find("finder").contains(event.relatedTarget)) window.setTimeout(function () {
      if (document.activeElement !== search) closeFinder();
    }, 200);  // after a click on a name was heard
  });
  find("classes").append(...Array.from(digits, function ([key, code]) {
    const button = make("button");
    button.type = "button";
    button.dataset.code = code;
    button.append(make("kbd", key), " ", make("bdi", readable(labels[code])), " ", make("small"));
    return button;
  }));
  for (const key of document.querySelectorAll("[data-letter]")) {
    if (isName(key.dataset.letter)) key.textContent = "⇧ " + key.textContent;
  }
  find("classes").classList.toggle("long", Array.from(digits.values()).some(function (code) {
    return labels[code].length > LONG_NAME;
  }));
  document.body.classList.toggle("is-searched", isFinderShown);
  find("reviewer").value = verifyData.reviewer;
  verdicts.onChange(function () {
    if (!isFinished) showProgress();
    if (!isFinished && !current()) showEnd();
  });
  verdicts.load().then(function () {
    const place = new Map(rows.map(function (drawn, i) { return [drawn.row, i]; }));
    done = verdicts.rows().filter(function (row) { return place.has(row); }).map(function (row) {
      return { row, before: null, position: place.get(row) };
    });
    position = -1;
    goOn();
    last = performance.now() / 1000;
    show();
    document.documentElement.dataset.ready = "";
  });
})();
