// What stands beside a suspect: its most telling cells in the list, and in the opened row its cells
// between those of its nearest verified rows, with what differs marked.

const beside = (function () {
  const SHOWN = 6;
  const { make } = words;
  const data = JSON.parse(document.getElementById("beside-data").textContent);

  // A cell, those words of a text being marked that speak for the suggestion.
  function shownOf(row, column) {
    const value = rowCells.of(row)[column], cell = rowCells.valueOf(value);
    if (!value || !data.terms || !data.texts.includes(column)) return cell;
    const told = new Set(data.terms[rowCells.placeOf(row)]);
    cell.replaceChildren(...value.split(/([\p{L}\p{M}\p{N}_]+)/u).map(function (piece) {
      return told.has(piece.toLowerCase()) ? make("mark", piece) : piece;
    }));
    return cell;
  }

  // Cells of the columns that were chosen; else of those asked about, then those that tell most.
  function list(row, chosen, asked) {
    const telling = data.telling[rowCells.placeOf(row)];
    const columns = new Set(asked.concat(chosen === null ? telling.slice(0, Math.max(0, SHOWN - asked.length)) : chosen));
    const all = make("dl", undefined, chosen === null ? "tells" : "tells chosen");
    for (const column of columns) {
      const pair = document.createElement("div");
      pair.append(make("dt", rowCells.columns[column]), shownOf(row, column));
      all.append(pair);
    }
    return all;
  }

  function differs(mask, column) {
    return (parseInt(mask[column >> 2], 16) >> (column & 3)) & 1;
  }

  function headCell(title, small) {
    const cell = make("th", title);
    cell.scope = "col";
    cell.append(make("small", small));
    return cell;
  }

  function cellOf(name, value) {
    const cell = make(name);
    cell.append(...rowCells.valueOf(value).childNodes);
    return cell;
  }

  // The row's cells beside those of verified rows; null where none of these has any.
  function compared(row) {
    const near = data.near[rowCells.placeOf(row)];
    if (!near.length) return null;
    const table = make("table", undefined, "beside");
    const head = table.createTHead().insertRow(), body = table.createTBody();
    head.append(make("td"), headCell("This row", "row " + row));
    for (const [cleanRow] of near) {
      const cell = headCell("", "row " + cleanRow + " of the clean set");
      cell.prepend("Verified: ", make("bdi", data.clean[cleanRow][0]));
      head.append(cell);
    }
    rowCells.of(row).forEach(function (_, column) {
      const line = body.insertRow(), name = make("th", rowCells.columns[column]);
      name.scope = "row";
      const own = make("td");
      own.append(...shownOf(row, column).childNodes);
      line.append(name, own);
      for (const [cleanRow, mask] of near) {
        const cell = cellOf("td", data.clean[cleanRow][1][column]);
        if (differs(mask, column)) {
          cell.className = "differs";
          cell.prepend(make("span", "differs: ", "hidden"));
        }
        line.append(cell);
      }
    });
    const whole = make("div", undefined, "scroll cells");
    whole.tabIndex = 0;
    whole.setAttribute("role", "region");
    whole.setAttribute("aria-label", "Row " + row + " beside its nearest verified rows");
    whole.append(table);
    return whole;
  }

  return {
    list,
    // Verified rows whose cells do not differ, with their labels.
    equal: function (row) {
      return data.near[rowCells.placeOf(row)].filter(function ([, mask]) { return /^0*$/.test(mask); })
        .map(function ([cleanRow]) { return [cleanRow, data.clean[cleanRow][0]]; });
    },
    // All cells of a row; null where the report has no columns.
    whole: function (row) { return (rowCells.columns.length && compared(row)) || rowCells.list(row); },
  };
})();
