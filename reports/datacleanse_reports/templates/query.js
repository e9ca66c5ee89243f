// What the table is searched and filtered by: words, which a row holds anywhere, and conditions on
// its own columns, such as Contract=Month-to-month or tenure>=12.

const query = (function () {
  const names = rowCells.columns.map(function (name) { return name.toLowerCase(); });
  // Longest first, so that "age group" is not taken for "age".
  const byLength = names.map(function (_, i) { return i; }).filter(function (i) { return names[i]; })
    .sort(function (a, b) { return names[b].length - names[a].length; });
  const OPERATOR = /^\s*(>=|<=|!=|=|>|<|:)\s*/;
  const SIGN = /^[<>=!:]/;  // no value begins with it unless in quotes: tenure>>3 is mistyped
  const WORDS = { "=": "is", "!=": "is not", ":": "contains", ">=": "at least", "<=": "at most", ">": "above", "<": "below" };
  const MISSING = "missing";

  function number(text) {
    return text === null || text.trim() === "" ? Number.NaN : Number(text);
  }

  function valueAt(text, start) {
    const quoted = /^"([^"]*)"?/.exec(text.slice(start));
    if (quoted) return [quoted[1], start + quoted[0].length];
    const word = /^\S*/.exec(text.slice(start))[0];
    return [word, start + word.length];
  }

  function conditionAt(text, start) {
    const lower = text.toLowerCase();
    for (const column of byLength) {
      if (!lower.startsWith(names[column], start)) continue;
      const end = start + names[column].length, operator = OPERATOR.exec(text.slice(end));
      if (!operator) continue;
      const begin = end + operator[0].length, [value, next] = valueAt(text, begin);
      const isMistyped = SIGN.test(text.slice(begin));
      // Nothing to compare with yet: it is being typed.
      return [value === "" ? null : { column, operator: operator[1], value, isMistyped }, next];
    }
    return null;
  }

  // Words in lower case, conditions, and what looks like a condition and is none.
  function parse(text) {
    const found = { words: [], conditions: [], unread: [] };
    let at = 0, isJoined = false;
    while (at < text.length) {
      if (/\s/.test(text[at])) {
        at += 1;
        continue;
      }
      const condition = conditionAt(text, at);
      if (condition) {
        if (condition[0] && condition[0].isMistyped) found.unread.push(text.slice(at, condition[1]));
        else if (condition[0]) found.conditions.push(condition[0]);
        at = condition[1];
      } else {
        const [word, next] = valueAt(text, at);
        if (word) found.words.push(word.toLowerCase());
        isJoined = isJoined || /^(and|&&?)$/i.test(word);
        at = Math.max(next, at + 1);
      }
    }
    // Conditions hold together anyway: of "tenure>60 and Contract=One" the "and" is no word to search.
    if (isJoined && found.conditions.length) {
      found.words = found.words.filter(function (word) { return !/^(and|&&?)$/.test(word); });
    }
    return found;
  }

  function isEqual(cell, value) {
    if (cell === null || cell === "") return value.toLowerCase() === MISSING;
    const one = number(cell), other = number(value);
    if (!Number.isNaN(one) && !Number.isNaN(other)) return one === other;
    const left = cell.toLowerCase(), right = value.toLowerCase();
    // PaymentMethod=Electronic check, typed without quotes.
    return left === right || left.startsWith(right + " ");
  }

  function fits(row, { column, operator, value }) {
    const cell = rowCells.of(row)[column];
    if (operator === "=") return isEqual(cell, value);
    if (operator === "!=") return !isEqual(cell, value);
    if (cell === null) return false;
    if (operator === ":") return cell.toLowerCase().includes(value.toLowerCase());
    const one = number(cell), other = number(value);
    const gap = Number.isNaN(one) || Number.isNaN(other) ? cell.localeCompare(value) : one - other;
    if (operator === ">=") return gap >= 0;
    if (operator === "<=") return gap <= 0;
    return operator === ">" ? gap > 0 : gap < 0;
  }

  // Conditions that were added by themselves stand in the address, a line each.
  function write(conditions) {
    return conditions.map(function (each) {
      return each.column + each.operator + encodeURIComponent(each.value);
    }).join("\n");
  }

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch (error) {
      return text;  // an address that somebody has changed
    }
  }

  function read(text) {
    return text.split("\n").map(function (line) {
      const parts = /^(\d+)(>=|<=|!=|=|>|<|:)(.*)$/.exec(line);
      return parts && { column: Number(parts[1]), operator: parts[2], value: decoded(parts[3]) };
    }).filter(function (each) { return each && each.column < names.length; });
  }

  return {
    parse, fits, write, read, WORDS,
    // Columns whose names hold a word.
    named: function (word) {
      return names.map(function (_, i) { return i; }).filter(function (i) { return names[i].includes(word); });
    },
  };
})();
