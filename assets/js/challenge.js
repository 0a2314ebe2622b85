// The proof of work that open registration asks for (ALTCHA): some hundred derivations in the background while
// somebody fills in the form. Without this script a person of the studio looks at the registration instead.
const field = document.querySelector("input[name=altcha]");
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function solve({ parameters }) {
  const nonce = bytes(parameters.nonce);
  const salt = bytes(parameters.salt);
  for (let counter = 0; counter < 1_000_000; counter += 1) {
    const password = new Uint8Array(nonce.length + 4);
    password.set(nonce);
    new DataView(password.buffer).setUint32(nonce.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const settings = { name: "PBKDF2", hash: "SHA-256", salt, iterations: parameters.cost };
    const derivedKey = hex(await crypto.subtle.deriveBits(settings, key, parameters.keyLength * 8));
    if (derivedKey.startsWith(parameters.keyPrefix)) return { counter, derivedKey };
  }
  throw new Error("no answer found");
}

async function prove() {
  const challenge = await (await fetch("/register/challenge", { headers: { Accept: "application/json" } })).json();
  const solution = await solve(challenge);
  field.value = btoa(JSON.stringify({ challenge, solution }));
}

if (field && window.crypto?.subtle) {
  // At the worst the form is sent without it.
  const done = prove().catch(() => {});
  const form = field.closest("form");
  form.addEventListener("submit", (event) => {
    if (field.value || form.dataset.proved) return;
    event.preventDefault();
    form.dataset.proved = "1";
    const button = event.submitter;
    if (button) button.disabled = true;
    done.then(() => form.submit());
  });
}
