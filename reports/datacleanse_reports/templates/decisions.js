// What was decided, row by row, and what of it is undone. A page from disk keeps it in the browser,
// by run, and gives it away as decisions.jsonl; a page from `datacleanse review` sends each decision
// to the run folder.

const reviewData = JSON.parse(document.getElementById("review-data").textContent);

const decisions = (function () {
  let standing = [];        // all that was decided and not undone, in the order of its making
  const byRow = new Map();  // the decision that counts
  const listeners = [];
  const bySuspect = new Map(reviewData.suspects.map(function (s) { return [s.row, s]; }));
  const prefix = "datacleanse:" + reviewData.run_id + ":";
  let problem = "";         // why decisions are not safe, for people
  let names = 0;            // of what was decided at once

  const sender = reviewData.served ? makeSender({
    noun: "decision",
    command: "datacleanse review",
    advice: "; or download them",
    changed: tell,
    confirmed: function () { problem = ""; },
    refused: function () { loadServed(); },
  }) : null;

  function tell() {
    for (const listener of listeners) listener();
  }

  // The browser may forbid storage, e.g. in a private window: then only the download keeps them.
  function stored(action) {
    try {
      return action(window.localStorage);
    } catch (error) {
      problem = "This browser keeps nothing: download the decisions before you close the page.";
      return null;
    }
  }

  function isOnPage(decision) { return bySuspect.has(decision.row); }

  function count() {
    byRow.clear();
    for (const each of standing) byRow.set(each.row, each);
  }

  function rowsOf(some) { return some.map(function (each) { return each.row; }); }

  function withoutGroup(group) {
    return standing.filter(function (each) { return each.group !== group; });
  }

  // --- kept in the browser: by row, all that stands about it ---

  function parseStored(text) {
    try {
      const found = JSON.parse(text);
      return [].concat(found).filter(function (each) { return each && isOnPage(each); });
    } catch (error) {
      return [];  // written by something else; it is no decision
    }
  }

  function sortByTime() {
    standing.sort(function (a, b) { return a.at < b.at ? -1 : a.at > b.at ? 1 : 0; });
  }

  function loadLocal() {
    stored(function (storage) {
      for (let i = 0; i < storage.length; i += 1) {
        const key = storage.key(i);
        if (key.startsWith(prefix)) standing.push(...parseStored(storage.getItem(key)));
      }
    });
    sortByTime();
    count();
    tell();
    // Another tab with the same report.
    window.addEventListener("storage", function (event) {
      if (!event.key || !event.key.startsWith(prefix)) return;
      const row = Number(event.key.slice(prefix.length));
      standing = standing.filter(function (each) { return each.row !== row; });
      if (event.newValue !== null) standing.push(...parseStored(event.newValue));
      sortByTime();
      count();
      tell();
    });
  }

  function keepLocal(rows) {
    stored(function (storage) {
      for (const row of rows) {
        const ofRow = standing.filter(function (each) { return each.row === row; });
        if (ofRow.length) storage.setItem(prefix + row, JSON.stringify(ofRow));
        else storage.removeItem(prefix + row);
      }
    });
  }

  // --- kept by the server ---

  function loadServed() {
    return call("decisions").then(function (reply) { return reply.json(); }).then(function (answer) {
      standing = answer.decisions.filter(isOnPage);
      for (const { to, body } of sender.unsent) {
        if (to === "undo") standing = withoutGroup(body.group);
        else standing.push(...fromBody(to, body));
      }
      count();
      problem = "";
      tell();
    }).catch(function (error) {
      problem = "The decisions so far could not be read (" + error.message + ").";
      tell();
    });
  }

  function fromBody(to, body) { return to === "decisions" ? [body] : []; }

  // --- deciding ---

  // Of this page alone, wherever else the run is reviewed.
  function nameGroup() {
    names += 1;
    return Array.from(window.crypto.getRandomValues(new Uint32Array(2)), function (part) {
      return part.toString(16).padStart(8, "0");
    }).join("") + "-" + names;
  }

  function made(row, action, newLabel) {
    const suspect = bySuspect.get(row);
    return {
      row,
      id: suspect.id === null ? String(row) : suspect.id,
      row_sha256: suspect.sha256,
      given_label: reviewData.labels[suspect.given],
      action,
      new_label: newLabel,
      reviewer: reviewer(),
      at: new Date().toISOString().replace("Z", "+00:00"),
      run_id: reviewData.run_id,
      group: nameGroup(),
    };
  }

  function reviewer() {
    return stored(function (storage) { return storage.getItem("datacleanse:reviewer"); }) ||
      reviewData.reviewer || "";
  }

  function decide(row, action, newLabel) {
    const decision = made(row, action, newLabel);
    standing.push(decision);
    byRow.set(row, decision);
    if (sender) sendOrAsk("decisions", decision).catch(function () {});
    else keepLocal([row]);
    tell();
  }

  // What the server does not take without a word is asked about, and sent again after a yes.
  function sendOrAsk(to, body) {
    return sender.send(to, body).catch(function (error) {
      if (error.status !== QUESTION) throw error;
      return ask(error.message).then(function (isMeant) {
        if (!isMeant) throw error;
        const insisted = Object.assign({}, body, { confirmed: true });
        standing.push(...fromBody(to, insisted));
        count();
        tell();
        return sender.send(to, insisted);
      });
    });
  }

  // About rows that nobody has decided about; `others` were shown beside them, and are decided. Holds
  // once the server has taken it all; it takes nothing where another tab was faster.
  function decideMany(rows, others, action, newLabel) {
    const body = { rows, decided: others, action, new_label: newLabel, reviewer: reviewer(), group: nameGroup() };
    const answered = sendOrAsk("bulk", body).then(function (answer) {
      standing = withoutGroup(body.group).concat(answer.decisions);
      count();
      tell();
    });
    tell();
    return answered;
  }

  // The last of what this reviewer decided at once, and is not undone; after a reload too.
  function findLast() {
    const name = reviewer();
    const last = standing.findLast(function (each) { return each.reviewer === name; });
    if (!last || !last.group) return last ? [last] : [];
    return standing.filter(function (each) { return each.group === last.group; });
  }

  // Undoes it; its rows, or null.
  function undo() {
    const undone = findLast(), last = undone[0], name = reviewer();
    if (!last) return null;
    const rows = rowsOf(undone);
    standing = standing.filter(function (each) { return !undone.includes(each); });
    count();
    if (sender) {
      const body = last.group ? { group: last.group } : { row: last.row };
      sender.send("undo", Object.assign(body, { reviewer: name })).catch(function () {});
    } else {
      keepLocal(rows);
    }
    tell();
    return rows;
  }

  if (sender) {
    // Another tab may have decided meanwhile.
    document.addEventListener("visibilitychange", function () {
      if (document.visibilityState === "visible" && !sender.unsent.length) loadServed();
    });
  }

  return {
    start: sender ? loadServed : loadLocal,
    of: function (row) { return byRow.get(row) || null; },
    count: function () { return byRow.size; },
    problem: function () { return problem || (sender ? sender.problem() : ""); },
    waiting: function () { return sender ? sender.unsent.length : 0; },
    onChange: function (listener) { listeners.push(listener); },
    reviewer,
    setReviewer: function (name) {
      stored(function (storage) { storage.setItem("datacleanse:reviewer", name); });
    },
    decide,
    decideMany,
    undo,
    // The rows that `undo` would be about; null where there are none.
    last: function () {
      const undone = findLast();
      return undone.length ? rowsOf(undone) : null;
    },
    // decisions.jsonl, in the order in which they were made; of several about a row the last one.
    text: function () {
      const counting = standing.filter(function (each) { return byRow.get(each.row) === each; });
      return counting.map(function (each) { return JSON.stringify(each) + "\n"; }).join("");
    },
  };
})();
