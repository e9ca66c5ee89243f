// How far the review has come, on the first screen: what was decided when the page was written, and
// since.

(function () {
  const bar = document.getElementById("progress"), count = document.getElementById("progress-count");
  const elsewhere = Number(bar.dataset.elsewhere);  // decided rows that are not on this page
  const before = new Set(reviewData.served || !bar.dataset.decided ? [] : bar.dataset.decided.split(",").map(Number));
  const rows = reviewData.suspects.map(function (suspect) { return suspect.row; }).filter(function (row) {
    return bar.dataset.onlyFlagged === "0" || suspectTable.bodyOf(row).dataset.flag === "1";
  });

  decisions.onChange(function () {
    const n = rows.filter(function (row) { return before.has(row) || decisions.of(row); }).length;
    bar.value = elsewhere + n;
    count.textContent = (elsewhere + n).toLocaleString("en");
  });
})();
