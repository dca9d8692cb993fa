// Passkeys: what a page cannot ask a browser for without script. Forms that say
// data-passkey are hidden until this runs; everything else works without it.
"use strict";
(() => {
  if (!window.PublicKeyCredential) return;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const ids = (list) => (list ?? []).map((key) => ({ ...key, id: bytes(key.id) }));

  async function create(options) {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: ids(options.excludeCredentials),
      },
    });
    return [made, { attestationObject: text(made.response.attestationObject) }];
  }

  async function get(options) {
    const given = await navigator.credentials.get({
      publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: ids(options.allowCredentials) },
    });
    const { authenticatorData, signature, userHandle } = given.response;
    const answer = { authenticatorData: text(authenticatorData), signature: text(signature) };
    return [given, userHandle ? { ...answer, userHandle: text(userHandle) } : answer];
  }

  /** run asks the ledger for a question, the browser for the answer, and sends the form with it. */
  async function run(form) {
    const reply = await fetch(form.dataset.ask, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const { options, wrong } = await reply.json();
    if (wrong !== undefined) return wrong;
    const [key, answer] = await (form.dataset.passkey === "create" ? create : get)(options);
    form.elements.namedItem("credential").value = JSON.stringify({
      id: key.id,
      rawId: text(key.rawId),
      type: key.type,
      clientExtensionResults: {},
      response: { ...answer, clientDataJSON: text(key.response.clientDataJSON) },
    });
    const password = form.elements.namedItem("password");
    if (password !== null) password.disabled = true; // it was given
    form.submit();
    return "";
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const wrong = form.querySelector("[role=alert]");
    const button = form.querySelector("button");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      wrong.hidden = true;
      wrong.textContent = await run(form).catch(() => form.dataset.failed);
      wrong.hidden = wrong.textContent === "";
      button.disabled = wrong.hidden;
    });
  }
})();
