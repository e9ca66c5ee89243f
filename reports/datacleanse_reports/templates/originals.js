// The pictures as they lie on the disk, from the server, no larger than they are looked at; and
// whether they are what was audited.

const originals = (function () {
  const SIZES = [512, 1024, 2048, 4096];  // pixels that the server offers
  const TOGETHER = 50;                    // pictures asked about in one request
  const problems = new Map();             // by row: what is wrong with its picture
  const asked = new Set();
  const listeners = [];
  let waiting = [], timer = null;

  function sizeFor(pixels) {
    const wanted = pixels * (window.devicePixelRatio || 1);
    return SIZES.find(function (size) { return size >= wanted; }) || SIZES[SIZES.length - 1];
  }

  // A promise of an address that an <img> shows; whoever asked revokes it.
  function load(row, pixels) {
    return call("pictures/" + sizeFor(pixels) + "/" + row)
      .then(function (reply) { return reply.blob(); })
      .then(function (blob) { return URL.createObjectURL(blob); })
      .catch(function (error) {
        if (error.status) note([[row, error.message]]);
        throw error;
      });
  }

  function note(pairs) {
    let isNew = false;
    for (const [row, text] of pairs) {
      isNew = isNew || problems.get(row) !== text;
      problems.set(row, text);
    }
    if (isNew) for (const listener of listeners) listener();
  }

  function send() {
    timer = null;
    const rows = waiting.splice(0, TOGETHER);
    if (!rows.length) return;
    call("states", { rows }).then(function (reply) { return reply.json(); }).then(function (answer) {
      note(answer.problems);
      send();
    }).catch(function () {
      rows.forEach(function (row) { asked.delete(row); });  // asked again when it is seen again
    });
  }

  return {
    load,
    problemOf: function (row) { return problems.get(row) || ""; },
    onChange: function (listener) { listeners.push(listener); },
    // Ask, once, whether the pictures of rows that are seen now are as they were.
    check: function (rows) {
      for (const row of rows) {
        if (asked.has(row)) continue;
        asked.add(row);
        waiting.push(row);
      }
      if (timer === null && waiting.length) timer = window.setTimeout(send, 30);
    },
  };
})();

// In the review of one row after the other, too.
if (reviewData.originals) {
  pictures.enlargeWith(function (picture, row) {
    originals.load(row, 640).then(function (address) {
      picture.addEventListener("load", function () { URL.revokeObjectURL(address); }, { once: true });
      picture.src = address;
    }).catch(function (error) {
      picture.after(words.make("p", error.message, "quality"));
    });
  });
}
