// What was decided, row by row. A page from disk keeps it in the browser, by run, and gives it away
// as decisions.jsonl; a page from `datacleanse review` sends each decision to the run folder.

const reviewData = JSON.parse(document.getElementById("review-data").textContent);

const decisions = (function () {
  const byRow = new Map();  // the decision that counts
  const listeners = [];
  const bySuspect = new Map(reviewData.suspects.map(function (s) { return [s.row, s]; }));
  const prefix = "datacleanse:" + reviewData.run_id + ":";
  let problem = "";         // why decisions are not safe, for people

  const sender = reviewData.served ? makeSender("decisions", {
    noun: "decision",
    command: "datacleanse review",
    advice: "; or download them",
    changed: tell,
    confirmed: function () { problem = ""; },
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

  function take(decision) {
    if (bySuspect.has(decision.row)) byRow.set(decision.row, decision);
  }

  function loadLocal() {
    stored(function (storage) {
      for (let i = 0; i < storage.length; i += 1) {
        const key = storage.key(i);
        if (key.startsWith(prefix)) {
          try {
            take(JSON.parse(storage.getItem(key)));
          } catch (error) {
            // Written by something else; it is no decision.
          }
        }
      }
    });
    tell();
    // Another tab with the same report.
    window.addEventListener("storage", function (event) {
      if (!event.key || !event.key.startsWith(prefix)) return;
      const row = Number(event.key.slice(prefix.length));
      if (event.newValue === null) byRow.delete(row);
      else take(JSON.parse(event.newValue));
      tell();
    });
  }

  function loadServed() {
    return call("decisions").then(function (reply) { return reply.json(); }).then(function (answer) {
      byRow.clear();
      answer.decisions.forEach(take);
      sender.unsent.forEach(take);
      problem = "";
      tell();
    }).catch(function (error) {
      problem = "The decisions so far could not be read (" + error.message + ").";
      tell();
    });
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
      at: new Date().toISOString().replace(/\.\d+Z$/, "+00:00"),
      run_id: reviewData.run_id,
    };
  }

  function reviewer() {
    return stored(function (storage) { return storage.getItem("datacleanse:reviewer"); }) || "";
  }

  function keep(decision) {
    byRow.set(decision.row, decision);
    if (reviewData.served) {
      sender.send(decision);
    } else {
      stored(function (storage) {
        storage.setItem(prefix + decision.row, JSON.stringify(decision));
      });
    }
    tell();
  }

  if (reviewData.served) {
    // Another tab may have decided meanwhile.
    document.addEventListener("visibilitychange", function () {
      if (document.visibilityState === "visible" && !sender.unsent.length) loadServed();
    });
  }

  return {
    start: reviewData.served ? loadServed : loadLocal,
    of: function (row) { return byRow.get(row) || null; },
    count: function () { return byRow.size; },
    problem: function () { return problem || (sender ? sender.problem() : ""); },
    waiting: function () { return sender ? sender.unsent.length : 0; },
    onChange: function (listener) { listeners.push(listener); },
    reviewer,
    setReviewer: function (name) {
      stored(function (storage) { storage.setItem("datacleanse:reviewer", name); });
    },
    decide: function (row, action, newLabel) { keep(made(row, action, newLabel)); },
    // Back to what it was. A file that is only appended to cannot forget: there the row becomes
    // "unsure", which leaves it as it is.
    restore: function (row, before) {
      if (before) {
        keep(made(row, before.action, before.new_label));
      } else if (reviewData.served) {
        keep(made(row, "unsure", null));
      } else {
        byRow.delete(row);
        stored(function (storage) { storage.removeItem(prefix + row); });
        tell();
      }
    },
    // decisions.jsonl, in the order in which they were made.
    text: function () {
      const all = Array.from(byRow.values());
      all.sort(function (a, b) { return a.at < b.at ? -1 : a.at > b.at ? 1 : 0; });
      return all.map(function (each) { return JSON.stringify(each) + "\n"; }).join("");
    },
  };
})();
