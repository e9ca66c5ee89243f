// A tile of the grid: a small picture with its labels, or the original where that would be blurred;
// and the classes that a digit chooses there.

const gridTile = (function () {
  const SHARP = 192;  // pixels beyond which a small picture looks coarse
  const { make, readable } = words;
  const labels = reviewData.labels;

  // The classes that a digit chooses, the same for all pictures: all, or those suggested most.
  function chooseClasses(most) {
    const counts = new Map(labels.map(function (_, code) { return [code, 0]; }));
    for (const suspect of reviewData.suspects) {
      if (suspect.suggested !== null) counts.set(suspect.suggested, counts.get(suspect.suggested) + 1);
    }
    const codes = Array.from(counts.keys());
    if (codes.length <= most) return codes;
    return codes.sort(function (a, b) { return counts.get(b) - counts.get(a) || a - b; }).slice(0, most);
  }

  function labelsOf(suspect) {
    const given = readable(labels[suspect.given]);
    return suspect.suggested === null ? given : given + " → " + readable(labels[suspect.suggested]);
  }

  // Of a suspect, by its name.
  function makeTile(suspect, name) {
    const { row } = suspect, tile = make("div", undefined, "tile");
    tile.setAttribute("role", "option");
    tile.id = "tile-" + row;
    tile.dataset.row = row;
    tile.title = name;
    const picture = pictures.of(row) || make("div", undefined, "blank");
    if (picture.tagName === "IMG") picture.alt = "";
    const text = make("span", undefined, "labels");
    text.append(make("bdi", readable(labels[suspect.given])));
    if (suspect.suggested !== null) text.append(" → ", make("b", readable(labels[suspect.suggested])));
    tile.append(picture, text, make("span", undefined, "verdict"), make("span", undefined, "wrong"));
    return tile;
  }

  // Where a small picture would be blurred, or there is none, the original takes its place.
  function sharpen(tile) {
    const row = Number(tile.dataset.row), picture = tile.firstChild, width = tile.clientWidth;
    const isSmall = picture.tagName === "IMG" && width * (window.devicePixelRatio || 1) <= SHARP;
    if (!reviewData.originals || isSmall || Number(tile.dataset.sharp || 0) >= width) return;
    tile.dataset.sharp = width;
    originals.load(row, width).then(function (address) {
      const image = picture.tagName === "IMG" ? picture : make("img");
      image.alt = "";
      image.addEventListener("load", function () { URL.revokeObjectURL(address); }, { once: true });
      image.src = address;
      if (image !== picture) picture.replaceWith(image);
    }).catch(function () { delete tile.dataset.sharp; });
  }

  // Tiles that come into sight get sharp, and are asked about whether their picture is as it was.
  function watch(root) {
    return new IntersectionObserver(function (entries) {
      const here = entries.filter(function (entry) { return entry.isIntersecting; });
      here.forEach(function (entry) { sharpen(entry.target); });
      if (reviewData.originals) {
        originals.check(here.map(function (entry) { return Number(entry.target.dataset.row); }));
      }
    }, { root, rootMargin: "200px" });
  }

  return { make: makeTile, watch, chooseClasses, labelsOf };
})();
