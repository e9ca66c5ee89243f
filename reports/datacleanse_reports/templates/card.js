// What the review shows of one suspect: its row, taken from the table of the report, and a button
// for each class that it may be.

const card = (function () {
  const { make, readable } = words;
  const { inWords } = opinions;

  function nameOf(suspect) {
    const hasId = suspect.id !== null && suspect.id !== String(suspect.row);
    return "Row " + suspect.row + (hasId ? " · " + readable(suspect.id) : "");
  }

  function classesOf(suspect) {
    const likely = suspect.likely.slice();
    const known = new Set(likely.map(function (pair) { return pair[0]; }));
    for (const label of [suspect.suggested, suspect.given]) {
      if (label !== null && !known.has(label)) likely.push([label, null]);
      known.add(label);
    }
    if (reviewData.labels.length <= 9) {
      reviewData.labels.forEach(function (_, label) {
        if (!known.has(label)) likely.push([label, null]);
      });
    }
    // The suggestion leads even where it comes from the clean set and not from the networks.
    likely.sort(function (a, b) {
      return (b[0] === suspect.suggested) - (a[0] === suspect.suggested);
    });
    return likely.slice(0, 9);
  }

  function row(suspect) {
    const body = suspectTable.bodyOf(suspect.row);
    const rank = body.rows[0].cells[0].textContent, heading = make("h3");
    heading.id = "review-heading";
    heading.append(make("bdi", nameOf(suspect)), ": ", make("bdi", readable(reviewData.labels[suspect.given])));
    if (suspect.suggested !== null) {
      heading.append(" → ", make("bdi", readable(reviewData.labels[suspect.suggested])), "?");
    }
    const flag = body.dataset.flag === "1" ? " · flagged" : "";
    const facts = make("p", "rank " + rank + flag, "note");
    if (body.dataset.probability) {
      facts.append(" · " + Math.round(100 * body.dataset.probability) + "% likely wrong");
    }
    if (suspect.expected) facts.append(" · expected ", make("b", suspect.expected));
    const reason = make("p", body.querySelector("summary").textContent);
    const parts = [heading, facts, reason];
    parts.splice(2, 0, ...saidOf(suspect.row));
    for (const text of verifiedOf(suspect)) parts.push(make("p", text, "note"));
    const gallery = galleryOf(suspect);
    if (gallery) parts.push(gallery);
    for (const part of body.querySelectorAll(".quality")) parts.push(part.cloneNode(true));
    const cells = beside.whole(suspect.row);
    if (cells) parts.push(cells);
    parts.push(body.querySelector(".more").cloneNode(true));
    return parts;
  }

  // What verified rows say of this very row, or of one with the same cells.
  function verifiedOf(suspect) {
    if (suspect.clean) return ["This row was verified as " + readable(suspect.clean[0]) + ": " + readable(suspect.clean[1]) + "."];
    return beside.equal(suspect.row).map(function ([row, label]) {
      return "Row " + row + " of the clean set has the same cells and was verified as " + label + ".";
    });
  }

  // Who decided what, and wrote what about it.
  function saidOf(row) {
    const all = decisions.saidOf(row), isSplit = decisions.differ(row);
    return all.flatMap(function (each) {
      const start = isSplit ? opinions.nameOf(each) + ": " : "Decided: ";
      const end = (isSplit || !each.reviewer ? "" : ", by " + opinions.nameOf(each)) + (each.settles ? ", which settled it" : "");
      const line = make("p", start + inWords(each) + end, "verdict");
      return each.comment ? [line, make("p", opinions.commentOf(each), "comment")] : [line];
    });
  }

  // The row's picture beside those of its nearest verified rows; null where there are none.
  function galleryOf(suspect) {
    const own = pictures.largeOf(suspect.row);
    const near = suspect.near.map(function ([row, label]) {
      return [pictures.ofClean(row), "verified: " + readable(label)];
    });
    const figures = [[own, "this row"], ...near].filter(function (pair) { return pair[0]; });
    if (!figures.length) return null;
    const gallery = make("div", undefined, "pictures");
    for (const [picture, caption] of figures) {
      const whole = document.createElement("figure");
      whole.append(picture, make("figcaption", caption));
      gallery.append(whole);
    }
    return gallery;
  }

  function classButtons(suspect) {
    if (reviewData.numbers) return [];
    return classesOf(suspect).map(function ([label, probability], i) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.label = label;
      button.append(make("kbd", i + 1), " ", make("bdi", readable(reviewData.labels[label])));
      if (probability !== null) button.append(" ", make("small", percent(probability)));
      if (label === suspect.given) button.append(" ", make("small", "given"));
      if (label === suspect.suggested) button.append(" ", make("small", "suggested"));
      return button;
    });
  }

  // A field for the name of any class. Nothing is decided until Enter is pressed or its button:
  // `choose` is told of the class that is called so, or is the only one that begins so; `tell` of
  // what else was typed.
  const classField = reviewData.numbers ? makeNumberField(reviewData.numbers) : {
    isSame: function (label, other) { return label === other; },
    find: function (text) {
      const all = reviewData.labels.map(function (label) { return readable(label).toLowerCase(); });
      const name = text.trim().toLowerCase(), exact = all.indexOf(name);
      if (exact >= 0) return [exact];
      return Array.from(all.keys()).filter(function (i) { return name && all[i].startsWith(name); });
    },
    fill: function (list) {
      list.append(...reviewData.labels.map(function (label) {
        const option = make("option");
        option.value = readable(label);
        return option;
      }));
    },
    enter: function (input, choose, tell) {
      const found = classField.find(input.value);
      if (found.length === 1) {
        input.value = "";
        choose(reviewData.labels[found[0]]);
        return;
      }
      if (!input.value.trim()) tell("Type the name of a class, then press Enter.");
      else if (!found.length) tell("No class begins with “" + input.value.trim() + "”.");
      else tell(found.length + " classes begin with “" + input.value.trim() + "”: type more of the name.");
    },
  };

  function percent(share) {
    if (share < 0.01) return "<1%";
    return share > 0.99 && share < 1 ? ">99%" : Math.round(100 * share) + "%";
  }

  return { inWords, nameOf, row, classButtons, classField };
})();
