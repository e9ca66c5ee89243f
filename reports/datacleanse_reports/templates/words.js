// How texts of other people are shown, and how elements are made of them.
"use strict";

const words = (function () {
  function make(name, text, className) {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  }

  // Labels may hold anything: control and direction characters are spelt out, as in the report.
  function readable(label, longest = 200) {
    const whole = label.length > longest ? label.slice(0, longest) + "…" : label;
    return whole.replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, function (sign) {
      const code = sign.codePointAt(0).toString(16);
      return code.length > 2 ? "\\u" + code.padStart(4, "0") : "\\x" + code.padStart(2, "0");
    }) || "(empty)";
  }

  // What is left to do at the pace of the latest decisions; empty before there is one.
  function paceOf(moments, left) {
    if (moments.length < 3) return "";
    const sorted = moments.slice().sort(function (a, b) { return a - b; });
    const pace = sorted[Math.floor(sorted.length / 2)], seconds = pace * left;
    const text = " · " + pace.toFixed(1) + " s a row";
    if (!left) return text;
    return text + " · about " + (seconds < 90 ? Math.ceil(seconds) + " s" : Math.ceil(seconds / 60) + " min") + " left";
  }

  return { make, readable, paceOf };
})();
