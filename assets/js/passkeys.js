// Passkeys: asks the server for a challenge, the device for an answer, and sends that with the form. Forms that need
// this script are hidden without it, and where the browser knows no passkeys or the site was opened by a number.
const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON && location.hostname.search(/^[\d.]+$|:/) < 0;

async function challenge(form) {
  const fields = new URLSearchParams(new FormData(form));
  const headers = { Accept: "application/json" };
  const answer = await fetch(form.dataset.passkey, { method: "POST", body: fields, headers });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

async function ask(form) {
  const { options, token } = await challenge(form);
  const made = form.dataset.passkeyMakes !== undefined;
  const credential = made
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey) });
  form.elements.token.value = token;
  form.elements.credential.value = JSON.stringify(credential.toJSON());
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!able) continue;
  form.closest("[data-passkeys]").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    if (button) button.disabled = true;
    // Without an answer the server says in words what is missing, such as the password.
    ask(form).catch(() => {}).then(() => form.submit());
  });
}
