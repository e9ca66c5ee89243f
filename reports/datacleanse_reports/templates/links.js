// Addresses of single rows: #id=7590-VHVEG, or #row=17 where the row has no id. With view=review or
// view=grid the row is opened there, else in the list. Filters of the same address hold beside it.

const links = (function () {
  const COPIED = 2500;  // milliseconds for which a copy is told
  const pageTitle = document.title;
  const missing = document.getElementById("no-row");
  const byRow = new Map(), byId = new Map();
  const views = {};  // by name: opens it at a row

  for (const suspect of reviewData.suspects) {
    byRow.set(suspect.row, suspect);
    // Rows of a data frame may share a name: then only the number leads to one of them.
    if (suspect.id) byId.set(suspect.id, byId.has(suspect.id) ? null : suspect);
  }

  // The row that an address names; null where it names none, or none of this page.
  function find({ id, row }) {
    const found = id ? byId.get(id) : /^\d+$/.test(row) && byRow.get(Number(row));
    return found || null;
  }

  function addressOf(suspect, view) {
    const hash = location.hash.includes("=") ? location.hash.slice(1) : "";
    const address = new URLSearchParams(hash);
    for (const key of ["id", "row", "view"]) address.delete(key);
    if (suspect.id && suspect.id !== String(suspect.row) && byId.get(suspect.id)) address.set("id", suspect.id);
    else address.set("row", suspect.row);
    if (view) address.set("view", view);
    return location.href.split("#")[0] + "#" + address;
  }

  // The older way, for browsers that keep the clipboard from this page.
  function copySelected(text) {
    const field = document.createElement("textarea"), before = document.activeElement;
    field.value = text;
    field.className = "hidden";
    (Array.from(document.querySelectorAll("dialog[open]")).pop() || document.body).append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    if (before) before.focus({ preventScroll: true });
    if (!isDone) throw new Error("the browser does not let it be copied");
  }

  // `place` tells what was done, where the words "Copy link" stood.
  function copy(suspect, view, place) {
    const address = addressOf(suspect, view);
    const copied = navigator.clipboard ? navigator.clipboard.writeText(address) : Promise.reject(new Error());
    return copied.catch(function () { copySelected(address); }).then(function () {
      return "Link copied";
    }, function () {
      history.replaceState(null, "", address);
      return "Copy it from the address bar";
    }).then(function (text) {
      place.textContent = text;
      window.setTimeout(function () { place.textContent = "Copy link"; }, COPIED);
      return text;
    });
  }

  function button(row) {
    const whole = words.make("p", undefined, "copy-link"), part = words.make("button", "Copy link");
    part.type = "button";
    part.setAttribute("aria-live", "polite");
    part.addEventListener("click", function () { copy(byRow.get(row), "", part); });
    whole.append(part);
    return whole;
  }

  // The tab is called after the row that is looked at; null: after the page.
  function name(suspect) {
    document.title = suspect ? card.nameOf(suspect) + " – " + pageTitle : pageTitle;
  }

  function openInList(suspect) {
    const body = suspectTable.bodyOf(suspect.row), details = body.querySelector("details");
    details.open = true;
    body.scrollIntoView({ block: "center" });
    details.querySelector("summary").focus({ preventScroll: true });
    name(suspect);
  }

  function sayMissing(state) {
    const asked = words.readable(state.id || state.row), n = reviewData.suspects.length;
    missing.textContent = "The link leads to row " + asked + ", which is not on this page. It holds " +
      (n === 1 ? "1 suspect" : n + " suspects") + "; rows of lower rank and verified rows are not among them.";
    missing.hidden = false;
    missing.scrollIntoView({ block: "center" });
    missing.focus({ preventScroll: true });
  }

  // Opens the row that the address names; whether it names one.
  function follow() {
    const state = suspectTable.state();
    missing.hidden = true;
    if (!state.id && !state.row) return false;
    const open = document.querySelector("dialog[open]");
    if (open) {  // what closing it does comes first
      open.addEventListener("close", follow, { once: true });
      open.close();
      return true;
    }
    const suspect = find(state);
    if (!suspect) sayMissing(state);
    else if (Object.hasOwn(views, state.view)) views[state.view](suspect.row);
    else openInList(suspect);
    return true;
  }

  return {
    find, copy, button, name, follow,
    // Rows of links with view=`view` are opened by `open`.
    offer: function (view, open) { views[view] = open; },
    forget: function () {
      missing.hidden = true;
      name(null);
    },
  };
})();
