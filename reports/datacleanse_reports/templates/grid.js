// Pictures side by side: the selected ones, or the one with the frame, are decided by one key.

(function () {
  const SIZES = [6, 9, 13, 19, 28];  // rem, width of a tile
  const DIGITS = 9;
  const LONGEST_PAUSE = 120;         // seconds; a longer one is no work
  const KEYS = {
    q: "keep", w: "accept", e: "drop", n: "unsure", u: "undo", a: "all", c: "other", z: "zoom", l: "link",
    "+": "larger", "=": "larger", "-": "smaller", "?": "help",
  };
  const { make, readable, paceOf } = words;
  const { inWords, nameOf } = card, { labelsOf } = gridTile;
  const { labels } = reviewData, suspects = new Map(reviewData.suspects.map(function (s) { return [s.row, s]; }));

  function find(id) { return document.getElementById(id); }

  const dialog = find("grid"), tiles = find("grid-tiles"), told = find("grid-told");
  const offer = make("button", "Review the pictures in a grid");
  const other = make("input");  // any class by its name
  let queue = [], byRow = new Map(), selected = new Set(), current = 0, anchor = 0;
  let painted = new Map();  // by row: what its tile shows
  let size = 1, moments = [], last = null, waiting = new Set();

  const first = gridTile.chooseClasses(DIGITS);

  function plural(n, noun) { return n.toLocaleString("en") + " " + noun + (n === 1 ? "" : "s"); }

  // --- tiles ---

  function paint(row) {
    const tile = byRow.get(row);
    if (!tile) return;
    const decision = decisions.of(row), suspect = suspects.get(row);
    const verdict = waiting.has(row) ? "saving" : decision ? inWords(decision) : "";
    const problem = originals.problemOf(row);
    // Most tiles are as they were: after each key all are gone through.
    const look = verdict + "\n" + problem + "\n" + selected.has(row);
    if (painted.get(row) === look) return;
    painted.set(row, look);
    tile.toggleAttribute("data-decided", Boolean(decision));
    tile.querySelector(".verdict").textContent = verdict;
    tile.querySelector(".wrong").textContent = problem;
    tile.setAttribute("aria-selected", String(selected.has(row)));
    tile.setAttribute("aria-label", [nameOf(suspect), labelsOf(suspect), verdict, problem].filter(Boolean).join(", "));
  }

  const seen = gridTile.watch(tiles);

  function resize(by) {
    size = Math.min(SIZES.length - 1, Math.max(0, size + by));
    tiles.style.setProperty("--tile", SIZES[size] + "rem");
    // Seen anew, at their new size.
    for (const tile of byRow.values()) {
      seen.unobserve(tile);
      seen.observe(tile);
    }
    byRow.get(queue[current])?.scrollIntoView({ block: "nearest" });
  }

  // --- what is current, what is selected ---

  function move(to) {
    byRow.get(queue[current])?.classList.remove("current");
    current = Math.min(queue.length - 1, Math.max(0, to));
    const tile = byRow.get(queue[current]);
    if (!tile) return;
    tile.classList.add("current");
    tile.scrollIntoView({ block: "nearest" });
    tiles.setAttribute("aria-activedescendant", tile.id);
    if (dialog.open) links.name(suspects.get(queue[current]));
  }

  function select(rows, isSelected) {
    for (const row of rows) {
      if (isSelected) selected.add(row);
      else selected.delete(row);
      paint(row);
    }
    showAbout();
  }

  function selectUpTo(place) {
    const [from, to] = anchor < place ? [anchor, place] : [place, anchor];
    select(queue.slice(from, to + 1), true);
  }

  function clear() { select(Array.from(selected), false); }

  function showAbout() {
    const suspect = suspects.get(queue[current]);
    const meant = selected.size ? Array.from(selected, function (row) { return suspects.get(row); }) : [suspect];
    dialog.querySelector('[data-do="accept"]').hidden =
      !meant.some(function (each) { return each && each.suggested !== null; });
    find("grid-about").textContent = selected.size
      ? plural(selected.size, "picture") + " selected: a key decides about all of them"
      : suspect ? nameOf(suspect) + ": " + labelsOf(suspect) : "No picture fits the filters";
  }

  function showState() {
    const n = queue.filter(function (row) { return decisions.of(row); }).length;
    find("grid-progress").max = queue.length || 1;
    find("grid-progress").value = n;
    find("grid-pace").textContent = n + " of " + queue.length + " decided" + paceOf(moments, queue.length - n);
    const saved = find("grid-saved"), problem = decisions.problem();
    saved.textContent = problem || (decisions.waiting() ? "saving" : "saved in the run folder");
    saved.classList.toggle("problem", Boolean(problem));
    saved.setAttribute("role", problem ? "alert" : "note");
    showAbout();
  }

  function isOpen(row) { return !decisions.of(row) && !waiting.has(row); }

  // The next picture that is not decided; the next one where all are.
  function goOn(from) {
    const next = queue.findIndex(function (row, i) { return i > from && isOpen(row); });
    const rest = next >= 0 ? next : queue.findIndex(isOpen);
    move(rest >= 0 ? rest : from + 1);
  }

  // --- deciding ---

  function takeTime(n) {
    const now = performance.now() / 1000;
    if (last !== null && now - last < LONGEST_PAUSE) {
      moments = moments.concat(Array(Math.min(n, 20)).fill((now - last) / n)).slice(-20);
    }
    last = now;
  }

  function decide(action, code) {
    const rows = selected.size ? queue.filter(function (row) { return selected.has(row); }) : queue.slice(current, current + 1);
    const able = action === "accept"
      ? rows.filter(function (row) { return suspects.get(row).suggested !== null; }) : rows;
    if (!able.length) {
      told.textContent = rows.length === 1 ? "There is no suggestion for this picture." : "There is nothing to decide about.";
      return;
    }
    takeTime(able.length);
    if (able.length === 1) decideOne(able[0], action, code);
    else decideSome(able, action, code);
    const left = rows.length - able.length;
    const from = queue.indexOf(able[able.length - 1]);
    clear();
    goOn(able.length === 1 ? from : queue.indexOf(able[0]) - 1);
    showState();
    const open = left ? " " + plural(left, "picture") + " without a suggestion left open." : "";
    told.textContent = (able.length === 1 ? nameOf(suspects.get(able[0])) : plural(able.length, "picture")) +
      ": " + sayAction(action, code) + "." + open;
  }

  function sayAction(action, code) {
    return action === "accept" ? "changed to the suggestion" : inWords({ action, new_label: labels[code] });
  }

  function decideOne(row, action, code) {
    const suspect = suspects.get(row);
    const to = action === "accept" ? suspect.suggested : code;
    if (action === "accept" || action === "relabel") {
      const isGiven = to === suspect.given;
      decisions.decide(row, isGiven ? "keep" : "relabel", isGiven ? null : labels[to]);
    } else {
      decisions.decide(row, action, null);
    }
  }

  function decideSome(rows, action, code) {
    const decided = rows.filter(function (row) { return decisions.of(row); });
    rows.forEach(function (row) { waiting.add(row); });
    rows.forEach(paint);
    decisions.decideMany(rows, decided, action, action === "relabel" ? labels[code] : null)
      .catch(function (error) { told.textContent = error.message; })
      .finally(function () {
        rows.forEach(function (row) { waiting.delete(row); });
        rows.forEach(paint);
        showState();
      });
  }

  function undo() {
    const rows = decisions.undo();
    if (!rows) {
      told.textContent = "There is nothing to undo.";
      return;
    }
    const place = queue.indexOf(rows[0]);
    if (place >= 0) move(place);
    showState();
    told.textContent = "Undone: " + (rows.length === 1 ? "row " + rows[0] : plural(rows.length, "picture")) + ".";
  }

  // --- keys and clicks ---

  function columns() { return getComputedStyle(tiles).gridTemplateColumns.split(" ").length; }

  function stepOf(key) {
    const rows = Math.max(1, Math.floor(tiles.clientHeight / ((tiles.firstChild?.offsetHeight || 1) + 8)));
    return {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns(),
      PageDown: rows * columns(), PageUp: -rows * columns(), Home: -queue.length, End: queue.length,
    }[key];
  }

  const ACTIONS = {
    keep: function () { decide("keep", null); },
    accept: function () { decide("accept", null); },
    drop: function () { decide("drop", null); },
    unsure: function () { decide("unsure", null); },
    undo,
    all: function () { select(queue, true); },
    other: function () { other.focus(); },
    link: function () {
      const suspect = suspects.get(queue[current]), place = dialog.querySelector('[data-do="link"] span');
      if (suspect) links.copy(suspect, "grid", place).then(function (text) { told.textContent = text; });
    },
    larger: function () { resize(1); },
    smaller: function () { resize(-1); },
    help: function () {
      const help = find("grid-help");
      help.hidden = !help.hidden;
      dialog.querySelector('[data-do="help"]').setAttribute("aria-expanded", String(!help.hidden));
    },
    close: function () { dialog.close(); },
    zoom: function () {
      if (!queue.length) return;
      clear();
      zoom.open();
    },
  };

  function onArrow(event, step) {
    if (event.shiftKey) {
      if (!selected.size) anchor = current;
      move(current + step);
      selectUpTo(current);
    } else {
      move(current + step);
      anchor = current;
    }
    showAbout();
  }

  function onName(event) {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") {
      card.classField.enter(other, function (label) {
        decide("relabel", labels.indexOf(label));
        tiles.focus({ preventScroll: true });
      }, function (text) { told.textContent = text; });
      return;
    }
    other.value = "";
    tiles.focus({ preventScroll: true });
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target === other) {
      onName(event);
      return;
    }
    const step = stepOf(event.key), isButton = event.target.matches("button");
    // A key held down would decide about pictures that nobody has seen; moving on it may.
    if (event.repeat && step === undefined) {
      event.preventDefault();
      return;
    }
    const what = KEYS[event.key.toLowerCase()];
    if (step !== undefined) onArrow(event, step);
    else if (event.key === " " && !isButton) {
      anchor = current;
      select([queue[current]].filter(Number.isInteger), !selected.has(queue[current]));
    } else if (event.key === "Enter" && !isButton) ACTIONS.zoom();
    else if (event.key === "Escape" && selected.size) clear();
    else if (what) ACTIONS[what]();
    else if (/^[1-9]$/.test(event.key) && first[Number(event.key) - 1] !== undefined) decide("relabel", first[Number(event.key) - 1]);
    else return;
    event.preventDefault();
  }

  function onTile(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const place = queue.indexOf(Number(tile.dataset.row));
    move(place);
    if (event.shiftKey) {
      selectUpTo(place);
    } else {
      anchor = place;
      select([queue[place]], !selected.has(queue[place]));
    }
    tiles.focus({ preventScroll: true });
  }

  const zoom = makeZoom({
    row: function () { return queue[current]; },
    step: function (by) { move(current + by); },
    // Whether the key decides; it then is done.
    press: function (key) {
      const what = KEYS[key.toLowerCase()], code = first[Number(key) - 1];
      if (["keep", "accept", "drop", "unsure", "undo"].includes(what)) ACTIONS[what]();
      else if (/^[1-9]$/.test(key) && code !== undefined) decide("relabel", code);
      else return false;
      return true;
    },
    describe: function (row) {
      const suspect = suspects.get(row), decision = decisions.of(row);
      const parts = [labelsOf(suspect), decision ? inWords(decision) : "", originals.problemOf(row)];
      return { name: nameOf(suspect), about: parts.filter(Boolean).join(" · ") };
    },
    classes: first,
    closed: function () { tiles.focus({ preventScroll: true }); },
  });

  // --- beginning and end ---

  // At the first picture that is not decided, or at the one that is wanted.
  function open(wanted) {
    queue = suspectTable.fitting();
    if (wanted !== undefined && !queue.includes(wanted)) queue.unshift(wanted);
    selected = new Set();
    painted = new Map();
    byRow = new Map(queue.map(function (row) { return [row, gridTile.make(suspects.get(row), nameOf(suspects.get(row)))]; }));
    tiles.replaceChildren(...byRow.values());
    queue.forEach(paint);
    last = performance.now() / 1000;
    told.textContent = "";
    dialog.showModal();
    resize(0);
    current = anchor = 0;
    if (wanted === undefined) goOn(-1);
    else move(queue.indexOf(wanted));
    anchor = current;
    showState();
    tiles.focus({ preventScroll: true });
  }

  find("grid-classes").append(...first.map(function (code, i) {
    const button = make("button");
    button.type = "button";
    button.title = readable(labels[code]);
    button.dataset.label = code;
    button.append(make("kbd", i + 1), " ", make("bdi", readable(labels[code])));
    return button;
  }));
  const choice = make("label", "Any class "), names = make("datalist");
  choice.append(make("kbd", "C"), " ", other, names);
  names.id = "grid-names";
  card.classField.fill(names);
  other.type = "text";
  other.placeholder = "its name, then Enter";
  other.setAttribute("list", names.id);
  other.autocomplete = "off";
  if (labels.length > first.length) find("grid-classes").append(choice);

  tiles.addEventListener("click", onTile);
  tiles.addEventListener("dblclick", function (event) {
    if (event.target.closest(".tile")) ACTIONS.zoom();
  });
  dialog.addEventListener("keydown", onKey);
  dialog.addEventListener("cancel", function (event) {
    // Escape takes the selection back first.
    if (!selected.size) return;
    event.preventDefault();
    clear();
  });
  dialog.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.do) ACTIONS[button.dataset.do]();
    else if (button.dataset.label) decide("relabel", Number(button.dataset.label));
    if (dialog.open && !find("zoom").open && button.dataset.do !== "help") tiles.focus({ preventScroll: true });
  });
  dialog.addEventListener("close", function () {
    links.name(null);
    tiles.replaceChildren();
    suspectTable.start();
    offer.focus();
  });
  decisions.onChange(function () {
    if (!dialog.open) return;
    queue.forEach(paint);
    showState();
  });
  decisions.onMeanwhile(function (own, others) {
    if (dialog.open) told.textContent = opinions.sayMeanwhile(own, others, decisions.differ(own.row));
  });
  originals.onChange(function () {
    if (dialog.open) queue.forEach(paint);
  });
  offer.type = "button";
  offer.id = "grid-offer";
  offer.addEventListener("click", function () { open(); });
  if (reviewData.originals || pictures.count()) {
    document.querySelector('[data-start-review="shown"]').after(" ", offer);
    links.offer("grid", open);
  }
})();
