// The rows' own columns. They come as JSON and become elements when they are looked at: as elements
// from the start they would be most of the page.

const rowCells = (function () {
  const data = JSON.parse(document.getElementById("cell-data").textContent);
  const place = new Map(data.rows.map(function (row, i) { return [row, i]; }));

  function valueOf(cell) {
    const value = document.createElement("dd");
    if (cell === null || cell === "") {
      const word = document.createElement("i");
      word.textContent = cell === null ? "missing" : "empty";
      value.append(word);
    } else {
      value.textContent = cell;
    }
    return value;
  }

  return {
    columns: data.columns,
    rows: data.rows,
    placeOf: function (row) { return place.get(row); },
    of: function (row) { return data.cells[place.get(row)]; },
    valueOf,
    text: function (row) { return data.cells[place.get(row)].join(" "); },
    // A list of names and values; null where the report has no columns.
    list: function (row) {
      if (!data.columns.length) return null;
      const list = document.createElement("dl");
      list.className = "cells";
      data.cells[place.get(row)].forEach(function (cell, i) {
        const pair = document.createElement("div"), name = document.createElement("dt");
        name.textContent = data.columns[i];
        pair.append(name, valueOf(cell));
        list.append(pair);
      });
      return list;
    },
  };
})();
