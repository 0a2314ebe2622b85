// Colours code that is shown as plain text without this.
const code = document.querySelector(".stage.code code");
if (code && code.textContent.length < 200_000) {
  const { default: highlighter } = await import("asset:highlight.js");
  const language = highlighter.getLanguage(code.dataset.language ?? "") ? code.dataset.language : undefined;
  // Prose is not guessed at: every text looks a little like some language.
  if (language) {
    code.innerHTML = highlighter.highlight(code.textContent, { language, ignoreIllegals: true }).value;
    code.dataset.coloured = language;
  }
}
