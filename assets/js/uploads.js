// Resumable uploads of many files. Without this script the form sends them in one piece.
import "asset:tus.js";

const form = document.querySelector("[data-upload]");
/** The work whose file it takes the place of; none for new works. */
const replaces = form?.dataset.replaces;
const megabytes = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
/** A title that can be read: the name without its ending, with blanks for hyphens and underscores. */
const titled = (name) => name.replace(/\.[^.]{1,10}$/, "").replace(/[-_]+/g, " ").trim().slice(0, 200) || name.slice(0, 200);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** One chosen file, its row, and its way to the server. */
class Sending {
  constructor(file, number) {
    this.file = file;
    this.done = false;
    this.paused = false;
    this.title = element("input", { type: "text", class: "input", id: `title-${number}`, maxlength: "200", value: titled(file.name) });
    this.bar = element("progress", { max: "1", value: "0", "aria-label": `Sent of ${file.name}` });
    this.words = element("p", { class: "small dim", role: "status" }, `${file.name}, ${megabytes(file.size)}`);
    this.pause = element("button", { type: "button", class: "btn small", hidden: "", onclick: () => this.turn() }, "Pause");
    this.drop = element("button", { type: "button", class: "btn quiet small", onclick: () => this.remove() }, "Leave out");
    this.row = element(
      "li", { class: "upload-row" },
      ...(replaces ? [] : [element("label", { for: `title-${number}` }, "Title"), this.title]), this.bar, this.words, element("div", { class: "row" }, this.pause, this.drop),
    );
  }

  say(words) { this.words.textContent = words; }

  remove() {
    // What has arrived of it goes, too.
    this.upload?.abort(true).catch(() => {});
    this.row.remove();
    this.done = this.dropped = true;
    this.settle?.();
  }

  turn() {
    this.paused = !this.paused;
    this.pause.textContent = this.paused ? "Go on" : "Pause";
    if (this.paused) { this.upload.abort(); this.say("Paused. What has arrived is kept for a week."); } else this.upload.start();
  }

  /** Resolves when it has arrived, was left out, or cannot be taken. */
  send(token) {
    if (this.done) return Promise.resolve();
    this.title.readOnly = true;
    this.pause.hidden = false;
    return new Promise((settle) => {
      this.settle = settle;
      this.upload = new window.tus.Upload(this.file, {
        endpoint: "/uploads/",
        chunkSize: 8 * 1024 * 1024,
        retryDelays: [0, 1000, 3000, 5000, 10000, 20000],
        headers: { "X-CSRF-Token": token },
        metadata: replaces ? { filename: this.file.name, replaces } : { filename: this.file.name, title: this.title.value },
        // The same file for another work is another upload.
        fingerprint: async (file, options) => ["kinora", replaces ?? "new", file.name, file.type, file.size, file.lastModified, options.endpoint].join("-"),
        removeFingerprintOnSuccess: true,
        onProgress: (sent, total) => {
          this.bar.value = total ? sent / total : 0;
          this.say(`${megabytes(sent)} of ${megabytes(total)} sent`);
        },
        onError: (error) => {
          this.failed = true;
          this.pause.hidden = true;
          this.title.readOnly = false;
          this.say(error.originalResponse?.getBody() || "The connection broke. Press Upload again: it goes on where it stopped.");
          settle();
        },
        onSuccess: () => {
          this.done = true;
          this.pause.hidden = this.drop.hidden = true;
          this.say("Arrived. It is being examined.");
          settle();
        },
      });
      this.upload.findPreviousUploads().then((previous) => {
        if (previous.length) this.upload.resumeFromPreviousUpload(previous[0]);
        if (!this.paused) this.upload.start();
      });
    });
  }
}

if (form && window.tus?.isSupported) {
  const list = element("ul", { class: "upload-files" });
  const field = form.elements.file ?? form.elements.new_file;
  const button = form.querySelector("button[type=submit]");
  let chosen = [];
  let count = 0;
  // Each file has a title of its own here.
  form.elements.title?.closest(".field")?.remove();
  button.closest(".row").before(list);

  const take = (files) => {
    // One file takes the place of one.
    if (replaces) for (const earlier of chosen.filter((c) => !c.done)) earlier.remove();
    for (const file of replaces ? [...files].slice(0, 1) : files) {
      if (chosen.some((c) => !c.dropped && !c.done && c.file.name === file.name && c.file.size === file.size)) continue;
      const sending = new Sending(file, (count += 1));
      chosen.push(sending);
      list.append(sending.row);
    }
    field.value = "";
  };
  field.addEventListener("change", () => take([...field.files]));
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("is-over"); });
  form.addEventListener("dragleave", () => form.classList.remove("is-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-over");
    take([...event.dataTransfer.files]);
  });
  addEventListener("beforeunload", (event) => { if (button.disabled) event.preventDefault(); });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    chosen = chosen.filter((c) => !c.done);
    if (!chosen.length) return field.focus();
    button.disabled = true;
    // One after the other: the first can be watched while the last still arrives.
    for (const sending of chosen) {
      sending.failed = false;
      await sending.send(form.elements._csrf.value);
    }
    button.disabled = false;
    if (chosen.every((c) => c.done)) location.assign(replaces ? `/studio/media/${replaces}` : "/studio/uploads");
  });

  // What was cut off by a reload or a crash goes on once the same file is chosen again.
  window.tus.defaultOptions.urlStorage.findAllUploads().then((kept) => {
    // The server keeps a part for a week.
    const recent = kept.filter((k) => Date.now() - Date.parse(k.creationTime) < 7 * 86_400_000 && k.metadata?.replaces === replaces);
    const names = [...new Set(recent.map((k) => k.metadata?.filename).filter(Boolean))];
    if (!names.length) return;
    form.before(element("p", { class: "notice info", role: "status" }, `Not sent completely: ${names.join(", ")}. Choose the same files again, and they go on where they stopped.`));
  });
}
