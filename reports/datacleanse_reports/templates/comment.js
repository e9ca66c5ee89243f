// The comment on the row under review: it goes with the decision about the row.

const comment = (function () {
  const field = document.getElementById("review-comment"), hint = document.getElementById("review-comment-hint");
  let row = null, done = function () {};

  function tell() {
    const left = field.maxLength - field.value.length, isDraft = row !== null && decisions.hasDraft(row);
    if (left < 200) hint.textContent = left + " characters left.";
    else hint.textContent = isDraft && !decisions.isBy(row) ? "Kept with your decision: decide, and it is saved. N marks the row as unsure." : "";
  }

  // Of a row that is decided already, the decision is made again with the comment.
  function keep() {
    if (row === null || !decisions.hasDraft(row)) return;
    const own = decisions.isBy(row);
    if (own) decisions.decide(own.row, own.action, own.new_label, { settles: own.settles });
    tell();
  }

  field.addEventListener("input", function () {
    decisions.setDraft(row, field.value);
    tell();
  });
  field.addEventListener("change", keep);
  field.addEventListener("keydown", function (event) {
    if (event.isComposing) return;
    if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey)) {
      event.preventDefault();
      event.stopPropagation();
      keep();
      done();
    }
  });

  return {
    // Shows the row's comment; `after` is called when somebody has finished writing.
    show: function (suspect, after) {
      row = suspect ? suspect.row : null;
      done = after;
      field.disabled = !suspect;
      field.value = suspect ? decisions.commentOf(row) : "";
      tell();
    },
    focus: function () { field.focus(); },
  };
})();
