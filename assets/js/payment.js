// Cards that are typed into the payment service's own fields, and payments that the holder confirms in
// its window. The script of the service is loaded on these pages only; the card never comes to us.
function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("The payment service cannot be reached. Reload the page to try again.")));
    document.head.append(script);
  });
}

function say(place, words) {
  const line = place.querySelector("[data-payment-error]");
  line.textContent = words;
  line.hidden = !words;
}

/** Sends the form as its button would have. */
function send(form, button) {
  if (button?.name) {
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value });
    form.append(field);
  }
  form.submit();
}

const theme = () => {
  const style = getComputedStyle(document.body);
  return { base: { color: style.color, fontFamily: style.fontFamily, fontSize: "16px" } };
};

/** Keeps the button back while `work` runs, and says what went wrong. */
async function instead(event, place, work) {
  event.preventDefault();
  const form = place.closest("form");
  const button = event.submitter;
  if (button) button.disabled = true;
  say(place, "");
  try {
    await work();
    send(form, button);
  } catch (error) {
    say(place, error.message);
    if (button) button.disabled = false;
    delete form.dataset.sent;
  }
}

function refused(result) {
  if (result.error) throw new Error(result.error.message ?? "The payment service refused.");
  return result;
}

function card(place) {
  const form = place.closest("form");
  const reference = form.elements.card_reference;
  let typed = false;
  // Listened to from the start: who is quicker than the script waits for it.
  const ready = load(place.dataset.script).then(() => {
    const stripe = window.Stripe(place.dataset.key);
    const field = stripe.elements().create("card", { style: theme() });
    field.mount(place.querySelector("[data-payment-field]"));
    field.on("change", (event) => {
      typed = !event?.empty;
      say(place, event?.error?.message ?? "");
    });
    return { stripe, field };
  });
  form.addEventListener("submit", (event) => {
    if (reference.value || (!typed && place.dataset.optional !== undefined)) return;
    instead(event, place, async () => {
      const { stripe, field } = await ready;
      const answer = await fetch("/account/cards/setup", {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams({ _csrf: form.elements._csrf.value }),
      });
      const step = await answer.json();
      if (!answer.ok) throw new Error(step.detail ?? "The payment service does not answer.");
      const result = await refused(await stripe.confirmCardSetup(step.client_secret, { payment_method: { card: field } }));
      reference.value = result.setupIntent.id;
    });
  });
  return ready;
}

function confirmation(place) {
  const ready = load(place.dataset.script).then(() => window.Stripe(place.dataset.key));
  place.closest("form").addEventListener("submit", (event) => {
    if (event.submitter?.value !== "confirm") return;
    instead(event, place, async () => {
      const stripe = await ready;
      const method = place.dataset.method;
      await refused(await stripe.confirmCardPayment(place.dataset.secret, method ? { payment_method: method } : undefined));
    });
  });
  return ready;
}

for (const place of document.querySelectorAll("[data-payment]")) card(place).catch((error) => say(place, error.message));
for (const place of document.querySelectorAll("[data-payment-confirm]")) confirmation(place).catch((error) => say(place, error.message));
