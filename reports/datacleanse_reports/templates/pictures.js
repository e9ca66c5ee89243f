// Small pictures of rows. They come as JSON, which a browser reads faster than as many long
// attributes, and become elements when their row is shown.

const pictures = (function () {
  const data = JSON.parse(document.getElementById("picture-data").textContent);

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
