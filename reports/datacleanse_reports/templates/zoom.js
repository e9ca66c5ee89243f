// One picture of the grid, as large as the screen, and the keys that decide about it there.

// `grid` says which row is current, steps on, takes keys that decide, and describes rows.
function makeZoom(grid) {
  const { make, readable } = words;

  function find(id) { return document.getElementById(id); }

  const whole = find("zoom"), place = find("zoom-picture");
  let address = null, shown = null;

  function forget() {
    if (address) URL.revokeObjectURL(address);
    address = null;
  }

  function showFacts() {
    const { name, about } = grid.describe(grid.row());
    find("zoom-title").textContent = name;
    find("zoom-about").textContent = about;
    tellKeys(grid.row());
  }

  function show() {
    const row = grid.row(), small = pictures.of(row);
    shown = row;
    forget();
    showFacts();
    place.replaceChildren(...(small ? [small] : []));
    if (!reviewData.originals) return;
    originals.load(row, Math.max(window.innerWidth, window.innerHeight)).then(function (found) {
      if (shown !== row || !whole.open) {
        URL.revokeObjectURL(found);
        return;
      }
      address = found;
      const picture = make("img");
      picture.alt = "picture of row " + row;
      picture.src = found;
      place.replaceChildren(picture);
    }).catch(function (error) {
      if (shown !== row || !whole.open) return;
      place.append(make("p", error.message));
      showFacts();
    });
  }

  function step(by) {
    grid.step(by);
    show();
  }

  function toggleActual() {
    const isActual = place.classList.toggle("actual");
    whole.querySelector('[data-do="actual"]').setAttribute("aria-pressed", String(isActual));
  }

  const ACTIONS = {
    previous: function () { step(-1); },
    following: function () { step(1); },
    actual: toggleActual,
    unzoom: function () { whole.close(); },
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    const letter = event.key.toLowerCase(), before = grid.row();
    // At actual pixels the arrows up and down scroll.
    const upright = place.classList.contains("actual") ? 0 : 1;
    const way = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: upright, ArrowUp: -upright }[event.key];
    if (event.repeat && !way) return;
    if (way) step(way);
    else if (letter === "f") toggleActual();
    else if (letter === "z") whole.close();
    else if (!grid.press(event.key)) return;
    else if (grid.row() === before) showFacts();
    else show();
    event.preventDefault();
  }

  function tellKeys(row) {
    const isSuggested = reviewData.suspects.some(function (s) { return s.row === row && s.suggested !== null; });
    const accept = isSuggested ? "W change to the suggestion · " : "";
    find("zoom-keys").textContent = "Q keep · " + accept + "E drop · N unsure · U undo · " +
      grid.classes.map(function (code, i) {
        return (i + 1) + " " + readable(reviewData.labels[code]).slice(0, 20);
      }).join(" · ");
  }

  whole.addEventListener("keydown", onKey);
  whole.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (button) ACTIONS[button.dataset.do]();
  });
  whole.addEventListener("close", function () {
    forget();
    place.replaceChildren();
    grid.closed();
  });

  return {
    open: function () {
      whole.showModal();
      show();
      place.focus();
    },
  };
}
