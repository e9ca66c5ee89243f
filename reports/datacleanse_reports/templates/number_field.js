// A field for the right number, where labels are numbers: what is typed is read as the program reads
// it, and spelled as the column spells its numbers.

function makeNumberField({ decimals, whole }) {
  const { readable } = words;
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

  // The number that a text stands for; null where it stands for none.
  function read(text) {
    const value = NUMBER.test(text.trim()) ? Number(text) : NaN;
    return Number.isFinite(value) ? value : null;
  }

  function spell(value) {
    const padded = decimals === null ? "" : value.toFixed(decimals);
    return padded && Number(padded) === value ? padded : String(value);
  }

  function isSame(label, other) {
    return label === other || (read(label) !== null && read(label) === read(other));
  }

  // Why a text is not taken; empty where it is.
  function refuse(text) {
    const quoted = "“" + readable(text.trim()) + "”";
    if (!text.trim()) return "Type the right number, then press Enter.";
    if (read(text) === null) return quoted + " is no number. Type digits; decimals begin with a point, e.g. 12.5.";
    if (whole && !Number.isInteger(read(text))) {
      return quoted + " is no whole number, and this column holds whole numbers alone.";
    }
    return "";
  }

  // Nothing is decided until Enter is pressed or its button.
  function enter(input, choose, tell) {
    const problem = refuse(input.value);
    if (problem) {
      tell(problem);
      return;
    }
    const label = spell(read(input.value));
    input.value = "";
    choose(label);
  }

  return { enter, fill: function () {}, isSame, begins: function (key) { return /^[0-9.+-]$/.test(key); } };
}
