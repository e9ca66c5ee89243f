// The verdicts that count, and how they get to the server.

const verifyData = JSON.parse(document.getElementById("verify-data").textContent);

const verdicts = (function () {
  const byRow = new Map();
  let listener = null, problem = "", share = null;

  const sender = makeSender({
    noun: "verdict",
    command: "datacleanse verify",
    advice: "; after a new start of the command judge these rows again on its own page",
    changed: tell,
    confirmed: function (answer) {
      problem = "";
      share = answer.share;
    },
  });

  function tell() {
    if (listener) listener();
  }

  function take(verdict) {
    byRow.delete(verdict.row);  // the latest one is last
    if (verdict.action !== "revoked") byRow.set(verdict.row, verdict);
  }

  function load() {
    return call("verdicts").then(function (reply) { return reply.json(); }).then(function (answer) {
      byRow.clear();
      answer.verdicts.forEach(take);
      sender.unsent.forEach(function (each) { take(each.body); });
      share = answer.share;
      problem = "";
      tell();
    }).catch(function (error) {
      problem = "The verdicts so far could not be read (" + error.message + ").";
      tell();
    });
  }

  // Another tab may have gone on meanwhile.
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "visible" && !sender.unsent.length) load();
  });

  return {
    load,
    of: function (row) { return byRow.get(row) || null; },
    rows: function () { return Array.from(byRow.keys()); },
    share: function () { return share; },
    problem: function () { return problem || sender.problem(); },
    waiting: function () { return sender.unsent.length; },
    onChange: function (heard) { listener = heard; },
    give: function (verdict) {
      take(verdict);
      sender.send("verdicts", verdict);
      tell();
    },
  };
})();
