// What several reviewers said of the rows: of each one the last decision, from the last that settles
// on. `datacleanse.review.agreement` does the same for the program.

const opinions = (function () {
  const { readable } = words;

  function verdict(decision) {
    if (decision.action === "keep") return "label " + decision.given_label;
    return decision.action === "relabel" ? "label " + decision.new_label : decision.action;
  }

  // By row, a list, oldest first.
  function list(standing) {
    const byRow = new Map();
    for (const each of standing) {
      if (!byRow.has(each.row) || each.settles) byRow.set(each.row, new Map());
      const ofRow = byRow.get(each.row);
      ofRow.delete(each.reviewer);
      ofRow.set(each.reviewer, each);
    }
    return new Map(Array.from(byRow, function ([row, ofRow]) { return [row, Array.from(ofRow.values())]; }));
  }

  function differ(ofRow) { return new Set(ofRow.map(verdict)).size > 1; }

  const WORDS = { keep: "kept", drop: "to be dropped", unsure: "unsure" };

  function inWords(decision) {
    if (decision.action === "relabel") return "changed to " + readable(decision.new_label);
    return WORDS[decision.action];
  }

  // As it was written, in lines.
  function commentOf(decision) {
    return (decision.comment || "").split("\n").map(function (line) { return readable(line, 2000); }).join("\n");
  }

  function nameOf(decision) { return readable(decision.reviewer || "somebody without a name"); }

  // What all of them said, in a line; who said it is told where there are several, or a name is known.
  function inLine(ofRow) {
    if (differ(ofRow)) {
      return "decided differently: " + ofRow.map(function (each) { return nameOf(each) + ": " + inWords(each); }).join(", ");
    }
    const last = ofRow[ofRow.length - 1];
    const names = ofRow.filter(function (each) { return each.reviewer; }).map(nameOf);
    return inWords(last) + (names.length ? " · " + names.join(", ") : "") + (last.settles ? " · settled" : "");
  }

  // That somebody else decided about the same row at the same time.
  function sayMeanwhile(own, others, isSplit) {
    const all = others.map(function (each) { return nameOf(each) + ": " + inWords(each); }).join(", ");
    return "Row " + own.row + " was decided by somebody else meanwhile (" + all + "); you: " + inWords(own) + "." +
      (isSplit ? " Both stand. Under Decision, “decided differently” finds the row." : "");
  }

  return { list, differ, inWords, inLine, nameOf, commentOf, sayMeanwhile };
})();
