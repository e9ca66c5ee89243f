// What was decided, row by row, and what of it is undone. A page from disk keeps it in the browser,
// by run, and gives it away as decisions.jsonl; a page from `datacleanse review` sends each decision
// to the run folder.

const reviewData = JSON.parse(document.getElementById("review-data").textContent);

const decisions = (function () {
  let standing = [];        // all that was decided and not undone, in the order of its making
  const byRow = new Map();  // the decision that counts
  let said = new Map();     // by row: what each reviewer said
  const drafts = new Map(); // by row: a comment that goes with the next decision
  const listeners = [], meanwhile = [];
  const bySuspect = new Map(reviewData.suspects.map(function (s) { return [s.row, s]; }));
  const prefix = "datacleanse:" + reviewData.run_id + ":";
  let problem = "";         // why decisions are not safe, for people
  let names = 0;            // of what was decided at once
  let isFirst = true;       // whether the server was not asked yet

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
    said = opinions.list(standing);
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
      if (isFirst) answer.undone.filter(isOnPage).forEach(keepComment);
      isFirst = false;
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

  function made(row, action, newLabel, settles) {
    const suspect = bySuspect.get(row), comment = commentOf(row).trim();
    return Object.assign({
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
    }, comment ? { comment } : {}, settles ? { settles } : {});
  }

  function isBy(row) {
    const name = reviewer();
    return (said.get(row) || []).find(function (each) { return each.reviewer === name; }) || null;
  }

  function commentOf(row) {
    if (drafts.has(row)) return drafts.get(row);
    const own = isBy(row);
    return own && own.comment ? own.comment : "";
  }

  // The name that somebody wrote here, until the command is given another one.
  function reviewer() {
    const told = reviewData.reviewer || "";
    return stored(function (storage) {
      const isOlder = (storage.getItem("datacleanse:reviewer-told") || "") !== told;
      return isOlder ? null : storage.getItem("datacleanse:reviewer");
    }) || told;
  }

  function decide(row, action, newLabel, { settles = false } = {}) {
    const decision = made(row, action, newLabel, settles);
    drafts.delete(row);
    standing.push(decision);
    count();
    if (sender) sendOrAsk("decisions", decision).then(function (answer) { learn(decision, answer.others); }).catch(function () {});
    else keepLocal([row]);
    tell();
  }

  function nameLine(decision) { return decision.reviewer + "\n" + (decision.group || decision.at); }

  // What others said of the row while this page did not look.
  function learn(decision, others) {
    const known = new Set((said.get(decision.row) || []).map(nameLine));
    const news = others.filter(function (each) { return !known.has(nameLine(each)); });
    if (!news.length) return;
    const place = standing.findIndex(function (each) { return each.group === decision.group; });
    standing.splice(place < 0 ? standing.length : place, 0, ...news);
    count();
    tell();
    for (const listener of meanwhile) listener(decision, news);
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

  // Undoing takes the decision back, not what was written of the row.
  function keepComment(undone) {
    const isOwn = undone.reviewer === reviewer() && !isBy(undone.row);
    if (isOwn && undone.comment && !drafts.has(undone.row)) drafts.set(undone.row, undone.comment);
  }

  // Undoes it; its rows, or null.
  function undo() {
    const undone = findLast(), last = undone[0], name = reviewer();
    if (!last) return null;
    const rows = rowsOf(undone);
    standing = standing.filter(function (each) { return !undone.includes(each); });
    count();
    undone.forEach(keepComment);
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
      stored(function (storage) {
        storage.setItem("datacleanse:reviewer", name);
        storage.setItem("datacleanse:reviewer-told", reviewData.reviewer || "");
      });
    },
    // What each reviewer said of a row, and whether they differ; this reviewer's own word.
    saidOf: function (row) { return said.get(row) || []; },
    differ: function (row) { return opinions.differ(said.get(row) || []); },
    isBy,
    commentOf,
    hasDraft: function (row) { return drafts.has(row); },
    setDraft: function (row, text) {
      const own = isBy(row);
      if (text.trim() === ((own && own.comment) || "")) drafts.delete(row);
      else drafts.set(row, text);
    },
    onMeanwhile: function (listener) { meanwhile.push(listener); },
    decide,
    decideMany,
    undo,
    // The rows that `undo` would be about; null where there are none.
    last: function () {
      const undone = findLast();
      return undone.length ? rowsOf(undone) : null;
    },
    // decisions.jsonl, in the order in which they were made; of several about a row the last one of
    // each reviewer.
    text: function () {
      const counting = standing.filter(function (each) { return (said.get(each.row) || []).includes(each); });
      return counting.map(function (each) { return JSON.stringify(each) + "\n"; }).join("");
    },
  };
})();
