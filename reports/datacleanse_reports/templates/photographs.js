// The pictures, fetched and decoded a few rows ahead.
const photographs = (function () {
  const fetched = new Map();  // by row: the picture once it can be painted, and the wait for it

  function load(row) {
    if (!fetched.has(row)) {
      const entry = { picture: null };
      entry.wait = call("pictures/" + row).then(function (reply) {
        return reply.blob();
      }).then(function (blob) {
        const picture = document.createElement("img");
        picture.alt = "picture of row " + row;
        picture.src = URL.createObjectURL(blob);
        return picture.decode().then(function () { entry.picture = picture; });
      });
      entry.wait.catch(function () { fetched.delete(row); });  // asked for again when it is shown
      fetched.set(row, entry);
    }
    return fetched.get(row);
  }

  function show(row) {
    const figure = words.make("figure", undefined, "photograph"), entry = load(row);
    if (entry.picture) {
      figure.append(entry.picture);
      return figure;
    }
    entry.wait.then(function () { figure.append(entry.picture); }).catch(function (error) {
      figure.replaceChildren(words.make("p", "This picture cannot be shown: " + error.message, "quality"));
    });
    return figure;
  }

  return {
    show,
    prepare: function (rows) { rows.forEach(load); },
    forget: function (rows) {
      for (const [row, entry] of Array.from(fetched)) {
        if (rows.has(row) || !entry.picture) continue;
        URL.revokeObjectURL(entry.picture.src);
        fetched.delete(row);
      }
    },
  };
})();
