// Talks to the server that a page came from, and sends what was decided there, one after the other.

const token = new URLSearchParams(location.search).get("token") || "";

function call(path, body) {
  const options = { headers: { "X-Datacleanse-Token": token } };
  if (body) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  return fetch(path, options).then(function (reply) {
    if (reply.ok) return reply;
    return reply.text().then(function (text) { throw new Error(text || reply.statusText); });
  });
}

// In the order in which they were made, so that the file has them in order. What is not confirmed
// is tried again. `noun` and `command` are for people, `confirmed` is told what the server answered.
function makeSender(path, { noun, command, advice, changed, confirmed }) {
  const unsent = [];
  let problem = "", isSending = false;

  function send() {
    if (isSending || !unsent.length) return;
    isSending = true;
    call(path, unsent[0]).then(function (reply) { return reply.json(); }).then(function (answer) {
      unsent.shift();
      problem = "";
      isSending = false;
      if (confirmed) confirmed(answer);
      changed();
      send();
    }).catch(function (error) {
      isSending = false;
      problem = "Not saved: " + unsent.length + " " + noun + (unsent.length === 1 ? "" : "s") +
        " (" + error.message + "). Is `" + command + "` still running? They are tried again" + advice + ".";
      changed();
      window.setTimeout(send, 3000);
    });
  }

  window.addEventListener("beforeunload", function (event) {
    if (unsent.length) event.preventDefault();
  });

  return {
    unsent,
    problem: function () { return problem; },
    send: function (item) {
      unsent.push(item);
      send();
    },
  };
}
