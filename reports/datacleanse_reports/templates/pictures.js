// Small pictures of rows. They come as JSON, which a browser reads faster than as many long
// attributes, and become elements when their row is shown.

const pictures = (function () {
  const data = JSON.parse(document.getElementById("picture-data").textContent);
  let enlarge = null;  // puts the original in the place of a small picture, where there is a way

  function made(address, text) {
    if (address === undefined) return null;
    const picture = document.createElement("img");
    picture.alt = text;
    picture.decoding = "async";
    picture.src = address;
    return picture;
  }

  return {
    of: function (row) { return made(data.rows[row], "picture of row " + row); },
    // For one that is looked at alone.
    largeOf: function (row) {
      const picture = made(data.rows[row], "picture of row " + row) || (enlarge ? words.make("img") : null);
      if (picture && enlarge) {
        picture.alt = "picture of row " + row;
        enlarge(picture, row);
      }
      return picture;
    },
    enlargeWith: function (action) { enlarge = action; },
    count: function () { return Object.keys(data.rows).length; },
    ofClean: function (row) { return made(data.clean[row], "picture of verified row " + row); },
    // In the table's own cell, once.
    place: function (body) {
      const cell = body.querySelector(".picture:empty");
      const picture = cell && pictures.of(Number(body.dataset.row));
      if (!picture) return;
      picture.className = "thumb";
      picture.loading = "lazy";
      cell.append(picture);
    },
  };
})();
