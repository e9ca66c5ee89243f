// Talks to the server that a page came from, and sends what was decided there, one after the other.

const token = new URLSearchParams(location.search).get("token") || "";
// What the server knows by now speaks against it, so that trying again is no use.
const CONFLICT = 409;
const QUESTION = 428;  // unless somebody says that it is meant

function call(path, body) {
  const options = { headers: { "X-Datacleanse-Token": token } };
  if (body) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  return fetch(path, options).then(function (reply) {
    if (reply.ok) return reply;
    return reply.text().then(function (text) {
      throw Object.assign(new Error(text || reply.statusText), { status: reply.status });
    });
  });
}

// In the order in which they were made, so that the file has them in order. What is not confirmed
// is tried again. `noun` and `command` are for people, `confirmed` is told what the server answered,
// and `refused` of what it will never take.
function makeSender({ noun, command, advice, changed, confirmed, refused }) {
  const unsent = [];  // { to: path, body, settle: of its promise }
  let problem = "", isSending = false;

  function send() {
    if (isSending || !unsent.length) return;
    isSending = true;
    const { to, body, settle } = unsent[0];
    call(to, body).then(function (reply) { return reply.json(); }).then(function (answer) {
      goOn();
      if (confirmed) confirmed(answer);
      settle.resolve(answer);
    }).catch(function (error) {
      if (error.status === CONFLICT || error.status === QUESTION) {
        goOn();
        if (refused) refused(error);
        settle.reject(error);
        return;
      }
      isSending = false;
      problem = "Not saved: " + unsent.length + " " + noun + (unsent.length === 1 ? "" : "s") +
        " (" + error.message + "). Is `" + command + "` still running? They are tried again" + advice + ".";
      changed();
      window.setTimeout(send, 3000);
    });
  }

  function goOn() {
    unsent.shift();
    problem = "";
    isSending = false;
    window.setTimeout(function () {
      changed();
      send();
    });
  }

  window.addEventListener("beforeunload", function (event) {
    if (unsent.length) event.preventDefault();
  });

  return {
    unsent,
    problem: function () { return problem; },
    // A promise of what the server answers; it fails where the server refuses for good.
    send: function (to, body) {
      return new Promise(function (resolve, reject) {
        unsent.push({ to, body, settle: { resolve, reject } });
        send();
      });
    },
  };
}
