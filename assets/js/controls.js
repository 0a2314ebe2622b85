// The controls of film and sound, instead of the browser's own: they stay usable by keyboard and by ear, and
// show what those do not: quality, speed, chapters, and pictures of the place under the pointer.

const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return `${h ? `${h}:${String(m).padStart(2, "0")}` : m}:${String(s).padStart(2, "0")}`;
};
const captions = (media) => [...media.textTracks].filter((t) => t.kind === "subtitles" || t.kind === "captions");
const read = (text) => { try { return JSON.parse(text ?? "null"); } catch { return null; } };

/** Takes over `box` with its `media`. What is given back lets the player tell of the levels it has. */
export function control(box, media, { full, toggleCaptions }) {
  const bar = box.querySelector(".controls");
  if (!bar) return null;
  const find = (selector) => bar.querySelector(selector);
  const [seek, loud, at, length] = ["[data-seek-bar]", "[data-loudness]", "[data-at]", "[data-length]"].map(find);
  const big = box.querySelector(".play-big");
  const chapters = read(bar.dataset.chapters) ?? [];
  const film = media.localName === "video";
  let dragging = false;

  media.controls = false;
  // Without the browser's controls it would take no focus, which the keys of the player stay with.
  if (film) media.tabIndex = -1;
  bar.hidden = false;
  if (big) big.hidden = false;
  box.classList.add("has-controls");
  const picture = find('[data-act="picture"]');
  if (picture && document.pictureInPictureEnabled) picture.hidden = false;

  const span = () => (Number.isFinite(media.duration) && media.duration > 0 ? media.duration : Number(seek.max));
  const chapterAt = (time) => chapters.findLast(([from]) => from <= time)?.[1] ?? "";

  function show() {
    const time = dragging ? Number(seek.value) : media.currentTime;
    if (!dragging) seek.value = String(time);
    const chapter = chapterAt(time);
    seek.setAttribute("aria-valuetext", `${clock(time)} of ${clock(span())}${chapter ? `, ${chapter}` : ""}`);
    at.textContent = clock(time);
    seek.style.setProperty("--done", `${(time / span()) * 100}%`);
    bar.style.setProperty("--done", `${(time / span()) * 100}%`);
    const ahead = media.buffered.length ? media.buffered.end(media.buffered.length - 1) : 0;
    bar.style.setProperty("--loaded", `${Math.min(100, (ahead / span()) * 100)}%`);
  }
  function state() {
    bar.classList.toggle("is-playing", !media.paused);
    bar.classList.toggle("is-mute", media.muted || media.volume === 0);
    if (big) big.hidden = !media.paused || media.currentTime > 0;
    loud.value = String(media.muted ? 0 : media.volume);
    loud.style.setProperty("--loud", `${Number(loud.value) * 100}%`);
    find('[data-act="captions"]')?.setAttribute("aria-pressed", String(captions(media).some((t) => t.mode === "showing")));
    wake();
  }
  for (const moment of ["timeupdate", "progress", "seeking"]) media.addEventListener(moment, show);
  for (const moment of ["durationchange", "loadedmetadata"]) media.addEventListener(moment, () => {
    seek.max = String(span());
    length.textContent = clock(span());
    marks();
    show();
  });
  for (const moment of ["play", "pause", "ended", "volumechange", "seeked"]) media.addEventListener(moment, state);
  media.textTracks.addEventListener("change", () => { state(); languages(); });

  // Chapters as small gaps in the bar.
  function marks() {
    bar.querySelectorAll(".mark").forEach((mark) => mark.remove());
    for (const [from] of chapters) {
      if (from <= 0 || from >= span()) continue;
      const mark = document.createElement("span");
      mark.className = "mark";
      mark.style.insetInlineStart = `${(from / span()) * 100}%`;
      find(".seek").append(mark);
    }
  }
  marks();

  seek.addEventListener("input", () => { dragging = true; show(); glance(Number(seek.value)); });
  seek.addEventListener("change", () => { media.currentTime = Number(seek.value); dragging = false; hideGlance(); show(); });
  // By keyboard a step is five seconds, and a tenth with Page up and down.
  seek.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageDown: -span() / 10, PageUp: span() / 10 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    media.currentTime = Math.min(span(), Math.max(0, media.currentTime + step));
    show();
  });

  // The picture and the chapter of the place under the pointer.
  const sheets = read(bar.dataset.storyboard);
  const overlay = find(".glance"), small = find(".glance-picture"), words = find(".glance-words");
  function glance(time) {
    overlay.hidden = false;
    const chapter = chapterAt(time);
    words.textContent = chapter ? `${clock(time)} · ${chapter}` : clock(time);
    if (sheets) {
      const n = Math.min(sheets.count - 1, Math.floor(time / sheets.every)), each = sheets.columns * sheets.rows;
      const sheet = String(Math.floor(n / each) + 1).padStart(2, "0"), place = n % each;
      Object.assign(small.style, {
        inlineSize: `${sheets.width}px`, blockSize: `${sheets.height}px`,
        backgroundImage: `url("${sheets.base}${sheet}.jpg")`,
        backgroundPosition: `-${(place % sheets.columns) * sheets.width}px -${Math.floor(place / sheets.columns) * sheets.height}px`,
      });
    }
    // Held inside the bar; half of its width to either side.
    const wide = find(".seek").clientWidth, half = overlay.offsetWidth / 2, x = (time / span()) * wide;
    overlay.style.insetInlineStart = `${Math.min(wide - half, Math.max(half, x))}px`;
  }
  const hideGlance = () => { overlay.hidden = true; };
  find(".seek").addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch" && !dragging) return;
    const { left, width } = seek.getBoundingClientRect();
    glance(Math.min(1, Math.max(0, (event.clientX - left) / width)) * span());
  });
  find(".seek").addEventListener("pointerleave", hideGlance);

  loud.addEventListener("input", () => { media.volume = Number(loud.value); media.muted = media.volume === 0; });
  media.addEventListener("volumechange", () => { if (!media.muted) localStorage.setItem("kinora-loudness", String(media.volume)); });
  const kept = Number(localStorage.getItem("kinora-loudness") ?? 1);
  if (kept > 0 && kept <= 1) media.volume = kept;

  const play = () => (media.paused ? media.play().catch(() => {}) : media.pause());
  const acts = {
    play,
    mute: () => { media.muted = !media.muted; },
    captions: () => toggleCaptions(media),
    picture: () => (document.pictureInPictureElement ? document.exitPictureInPicture() : media.requestPictureInPicture()).catch(() => {}),
    full: () => full(media),
  };
  box.addEventListener("click", (event) => {
    const act = event.target.closest("button[data-act]")?.dataset.act;
    if (!act) return;
    acts[act]?.();
    // What is told of it by the film comes later.
    state();
  });

  // Speed, captions by language, quality.
  const speed = Number(localStorage.getItem("kinora-speed") ?? 1);
  if (speed >= 0.25 && speed <= 3) media.defaultPlaybackRate = media.playbackRate = speed;
  const rate = () => bar.querySelectorAll('[name="player-speed"]').forEach((o) => { o.checked = Number(o.value) === media.playbackRate; });
  media.addEventListener("ratechange", () => { localStorage.setItem("kinora-speed", String(media.playbackRate)); rate(); });
  rate();
  function languages() {
    const shown = captions(media).find((t) => t.mode === "showing")?.language ?? "";
    bar.querySelectorAll('[name="player-captions"]').forEach((o) => { o.checked = o.value === shown; });
  }
  languages();
  let choose = () => {};
  bar.addEventListener("change", ({ target }) => {
    if (target.name === "player-speed") media.defaultPlaybackRate = media.playbackRate = Number(target.value);
    if (target.name === "player-captions") for (const t of captions(media)) t.mode = t.language === target.value ? "showing" : "disabled";
    if (target.name === "player-quality") choose(Number(target.value));
  });
  // A menu is left by Escape and by a click beside it.
  const menu = find("details.menu");
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  });
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });

  // A film's controls go while it plays and nobody moves; the film itself is a button for pointers.
  let sleep = 0;
  function wake() {
    clearTimeout(sleep);
    delete box.dataset.idle;
    if (film && !media.paused) sleep = setTimeout(() => {
      if (!menu.open && !bar.contains(document.activeElement?.matches(":focus-visible") ? document.activeElement : null)) box.dataset.idle = "";
    }, 3000);
  }
  if (film) {
    for (const moment of ["pointermove", "keydown", "focusin"]) box.addEventListener(moment, wake);
    let asleep = false;
    media.addEventListener("pointerdown", () => { asleep = "idle" in box.dataset; });
    media.addEventListener("click", (event) => {
      // A first touch only wakes the controls.
      if (event.pointerType === "touch" && asleep) return wake();
      play();
    });
    media.addEventListener("dblclick", () => full(media));
  }
  // What comes next, when it is over.
  media.addEventListener("ended", () => {
    const next = document.querySelector("[data-next] a");
    if (!next || box.querySelector(".over")) return;
    const over = document.createElement("div");
    over.className = "over";
    const words = document.createElement("span");
    words.textContent = "Next: ";
    const link = next.cloneNode(true);
    link.className = "btn main";
    over.append(words, link);
    box.append(over);
    link.focus();
  });
  media.addEventListener("play", () => box.querySelector(".over")?.remove());
  state();
  show();

  /** Offers `levels` ([index, lines]), of which the player takes one, or all of them by itself (-1). */
  return function offer(levels, take) {
    const list = find("[data-qualities]");
    if (!list || levels.length < 2) return;
    choose = take;
    const first = list.querySelector("label");
    list.querySelectorAll("label:not(:first-of-type)").forEach((old) => old.remove());
    for (const [index, lines] of levels.toSorted((a, b) => b[1] - a[1])) {
      const label = first.cloneNode(true);
      Object.assign(label.querySelector("input"), { value: String(index), checked: false });
      label.querySelector("span").textContent = `${lines}p`;
      list.append(label);
    }
    list.hidden = false;
  };
}
