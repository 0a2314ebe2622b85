// Small comforts on every page; each page works without them.
// "/" puts the cursor into the search field, "?" opens the list of keys. Both can be switched off
// in that list (WCAG 2.1.4), which is remembered in this browser only.
const off = () => localStorage.getItem("kinora-keys") === "off";

const typing = (target) => target instanceof HTMLElement && (target.isContentEditable || target.closest("input, textarea, select"));

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || off()) return;
  if (event.key === "/") {
    event.preventDefault();
    const field = document.querySelector("input[type=search]");
    if (field) field.focus();
    else location.assign("/search");
  } else if (event.key === "?") {
    document.getElementById("keys")?.showModal?.();
  }
});

// An open menu closes with Escape and when something else is chosen.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

const keys = document.getElementById("keys-on");
if (keys) {
  keys.checked = !off();
  keys.addEventListener("change", () => localStorage.setItem("kinora-keys", keys.checked ? "on" : "off"));
}
document.querySelector("[data-keys]")?.addEventListener("click", () => document.getElementById("keys")?.showModal?.());
document.querySelector("[data-keys]")?.removeAttribute("hidden");

// On a narrow screen the list of places scrolls sideways: the one that is open is brought into view.
const here = document.querySelector(".side ul [aria-current]");
const places = here?.closest("ul");
if (places && places.scrollWidth > places.clientWidth) places.scrollLeft = here.offsetLeft - 24;

// The summary of errors takes the focus, so that it is read out first.
document.querySelector("[data-error-summary]")?.focus();

// A form that is on its way is not sent twice; the server would recognise it, but people wonder.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  else if (form.method === "post") {
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 4000);
  }
});
