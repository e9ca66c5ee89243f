// Asks about a decision that the server does not take without a word: the answer is no, until
// somebody says yes. One question at a time.

const ask = (function () {
  const dialog = document.getElementById("ask");
  let asked = Promise.resolve();

  function show(text) {
    return new Promise(function (resolve) {
      document.getElementById("ask-text").textContent = text;
      dialog.returnValue = "no";
      dialog.addEventListener("close", function () { resolve(dialog.returnValue === "yes"); }, { once: true });
      dialog.showModal();
      dialog.querySelector('[data-do="no"]').focus();
    });
  }

  dialog.addEventListener("keydown", function (event) {
    event.stopPropagation();  // keys that decide are for what lies below
    if (event.repeat) event.preventDefault();
  });
  dialog.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (button) dialog.close(button.dataset.do);
  });

  return function (text) {
    asked = asked.then(function () { return show(text); });
    return asked;
  };
})();
