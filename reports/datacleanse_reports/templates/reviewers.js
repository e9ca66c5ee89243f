// Several reviewers: how far they agree, as the program works it out, and a way to settle what they
// decided differently.

(function () {
  const place = document.getElementById("agreement"), settle = document.getElementById("settle");
  let timer = null;

  function ask() {
    timer = null;
    call("agreement").then(function (reply) { return reply.json(); }).then(function (answer) {
      place.textContent = answer.text;
      place.hidden = !answer.text;
    }).catch(function () {});  // it is asked again after the next decision
  }

  decisions.onChange(function () {
    const rows = reviewData.suspects.map(function (suspect) { return suspect.row; });
    const n = rows.filter(decisions.differ).length;
    settle.hidden = !n;
    settle.textContent = n === 1 ? "Settle the row that was decided differently" : "Settle the " + n + " rows that were decided differently";
    const areSeveral = rows.some(function (row) { return decisions.saidOf(row).length > 1; });
    if (!reviewData.served || decisions.waiting() || !(areSeveral || place.textContent)) return;
    if (timer === null) timer = window.setTimeout(ask, 300);
  });
})();
