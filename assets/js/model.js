// Turns a 3D model around, once somebody asks for it: until then nothing of it is loaded.
const stage = document.querySelector("[data-model]");
const opener = stage?.querySelector("[data-model-open]");
const state = stage?.querySelector("[data-model-state]");

function works() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2"));
}

async function open() {
  opener.disabled = true;
  state.textContent = "Loading …";
  try {
    const { show } = await import("asset:three.js");
    const canvas = await show(stage, stage.dataset.model);
    canvas.setAttribute("aria-label", "Model; drag to turn, scroll to come closer. With the keyboard: arrows and plus or minus.");
    stage.querySelector(".pic")?.remove();
    opener.remove();
    state.textContent = "";
    canvas.focus({ preventScroll: true });
    stage.dataset.open = "yes";
  } catch (error) {
    opener.disabled = false;
    state.textContent = "The model could not be shown. Download it instead.";
    console.warn(error);
  }
}

if (opener && works()) {
  opener.hidden = false;
  opener.addEventListener("click", open);
}
