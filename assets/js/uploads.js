// Resumable uploads. Without this script the form sends the file in one piece.
import "asset:tus.js";

const form = document.querySelector("[data-upload]");
const state = form?.querySelector(".upload-state");
const bar = form?.querySelector(".upload-bar");

function say(words) {
  state.hidden = false;
  state.textContent = words;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

form?.addEventListener("submit", (event) => {
  const file = form.elements.file.files[0];
  if (!file || !window.tus?.isSupported) return;
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  bar.hidden = false;
  const upload = new window.tus.Upload(file, {
    endpoint: "/uploads/",
    chunkSize: 8 * 1024 * 1024,
    retryDelays: [0, 1000, 3000, 5000, 10000, 20000],
    headers: { "X-CSRF-Token": form.elements._csrf.value },
    metadata: { filename: file.name, title: form.elements.title.value },
    removeFingerprintOnSuccess: true,
    onProgress(sent, total) {
      bar.value = total ? sent / total : 0;
      say(`${megabytes(sent)} of ${megabytes(total)} sent`);
    },
    onError(error) {
      button.disabled = false;
      const answer = error.originalResponse?.getBody();
      say(answer || "The connection broke. Press Upload again: it goes on where it stopped.");
    },
    onSuccess() {
      location.assign("/studio/uploads");
    },
  });
  upload.findPreviousUploads().then((previous) => {
    if (previous.length) upload.resumeFromPreviousUpload(previous[0]);
    upload.start();
  });
});
