// Plays works adaptively. Without this script the native player plays the plain MP4.
// hls.js is fetched at the first play; native HLS only where Media Source is missing (it refuses a
// playlist with two codecs where both exist).

import { control } from "asset:controls.js";
import { bright, leave } from "asset:levels.js";

function plays(codec) {
  const source = window.ManagedMediaSource ?? window.MediaSource;
  return Boolean(codec && source?.isTypeSupported(`video/mp4; codecs="${codec}"`));
}

// Where the viewer was; asked when playing begins, so that nothing is loaded before.
const watch = document.querySelector("form[data-watch]");
const resumeAt = () => Number(watch?.dataset.at ?? 0);

async function attach(box, video, offer) {
  const begin = video.currentTime || resumeAt();
  const { default: Hls } = await import("asset:hls.js");
  if (!Hls.isSupported()) {
    if (video.canPlayType("application/vnd.apple.mpegurl")) {
      video.src = box.dataset.hls;
      await video.play();
    }
    if (begin) video.currentTime = begin;
    return;
  }
  const plain = video.currentSrc;
  // A network of caches that wants cookies gets them; everything else is of this site.
  const xhrSetup = (request) => { request.withCredentials = "cookies" in box.dataset; };
  // Only a browser that can change the codec of what it plays gets both.
  const both = "changeType" in (window.SourceBuffer?.prototype ?? {});
  // High dynamic range only where the display has it; everybody else gets what was tone mapped with care.
  const hdr = bright(box.dataset.prefer);
  const wanted = plays(box.dataset.prefer) && (!hdr || matchMedia("(dynamic-range: high)").matches);
  const videoPreference = { videoCodec: wanted ? "av01" : "avc1", preferHDR: hdr && wanted };
  const hls = new Hls({ startPosition: begin || -1, capLevelToPlayerSize: true, maxBufferLength: 30, xhrSetup, videoPreference });
  let repaired = false;
  let auto = true;
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    const levels = leave(hls.levels, wanted, both);
    for (let i = hls.levels.length - 1; i >= 0; i--) if (!levels.includes(i)) hls.removeLevel(i);
    offer?.(hls.levels.map((level, index) => [index, Math.min(level.width, level.height) || level.height]), take);
    video.play().catch(() => {});
  });
  /** One level, or all by itself (-1): that stays within a codec, so it goes back to the first one before. */
  function take(index) {
    auto = index < 0;
    const family = (level) => level?.videoCodec?.slice(0, 4);
    const first = hls.levels.findLastIndex((level) => family(level) === family(hls.levels[0]));
    const elsewhere = auto && family(hls.levels[hls.loadLevel]) !== family(hls.levels[0]);
    hls.nextLevel = elsewhere ? first : index;
  }
  hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => {
    if (auto && !hls.autoLevelEnabled) hls.loadLevel = -1;
    box.dataset.codec = hls.levels[level]?.videoCodec ?? "";
    box.dataset.height = String(hls.levels[level]?.height ?? "");
  });
  hls.on(Hls.Events.ERROR, (_, error) => {
    if (!error.fatal) return;
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && !repaired) {
      repaired = true;
      hls.recoverMediaError();
      return;
    }
    // The last resort: the plain file, from where we were.
    const at = video.currentTime;
    hls.destroy();
    box.dataset.codec = "mp4";
    video.src = plain;
    video.currentTime = at;
    video.play().catch(() => {});
  });
  hls.loadSource(box.dataset.hls);
  hls.attachMedia(video);
}

/** The whole stage fills the screen, so that its controls are there; telephones only let the film itself. */
function full(media) {
  if (document.fullscreenElement) return document.exitFullscreen();
  const stage = media.closest(".stage") ?? media;
  if (stage.requestFullscreen) return stage.requestFullscreen().catch(() => {});
  media.webkitEnterFullscreen?.();
}

for (const box of document.querySelectorAll("[data-player], .stage.sound")) {
  const media = box.querySelector("video, audio");
  if (!media) continue;
  const offer = control(box, media, { full, toggleCaptions });
  if ("player" in box.dataset) media.addEventListener("play", () => attach(box, media, offer), { once: true });
}

// Where the viewer is: told every ten seconds while it plays, at each pause, and when the page is left.
const playing = document.querySelector("[data-player] video, .stage audio");
let told = 0;
function tell(at, leaving) {
  if (Math.abs(at - told) < 1 && !leaving) return;
  told = at;
  const body = new URLSearchParams(new FormData(watch));
  body.set("at", at.toFixed(1));
  if (leaving && navigator.sendBeacon?.(watch.action, body)) return;
  fetch(watch.action, { method: "POST", body, keepalive: true, headers: { accept: "application/json" } }).catch(() => {});
}
if (watch && playing) {
  told = resumeAt();
  if (playing.localName === "audio") playing.addEventListener("play", () => (playing.currentTime = resumeAt()), { once: true });
  playing.addEventListener("timeupdate", () => !playing.paused && Math.abs(playing.currentTime - told) >= 10 && tell(playing.currentTime));
  for (const moment of ["pause", "ended"]) playing.addEventListener(moment, () => tell(playing.currentTime));
  addEventListener("pagehide", () => playing.currentTime > 0 && Math.abs(playing.currentTime - told) >= 1 && tell(playing.currentTime, true));
  const over = document.querySelector("[data-resume] button");
  over?.removeAttribute("hidden");
  over?.addEventListener("click", () => {
    delete watch.dataset.at;
    if (playing.currentTime > 0) playing.currentTime = 0;
    over.parentElement.remove();
    playing.play().catch(() => {});
  });
} else if (watch) {
  // Nothing plays here: what counts is the time the page is in view.
  let seconds = 0;
  const timer = setInterval(() => {
    if (document.visibilityState !== "visible") return;
    seconds += 1;
    if (seconds === 5 || seconds === 60) tell(seconds);
    if (seconds === 60) clearInterval(timer);
  }, 1000);
}

// Chapters lead into what plays.
for (const link of document.querySelectorAll("a[data-seek]")) {
  link.addEventListener("click", (event) => {
    if (!playing) return;
    event.preventDefault();
    playing.currentTime = Number(link.dataset.seek);
    playing.play().catch(() => {});
    playing.scrollIntoView({ block: "nearest" });
    // So that the keys of the player work from here on.
    playing.focus({ preventScroll: true });
  });
}

// The language of captions that somebody chose once is shown in the next film too.
const captions = (v) => [...v.textTracks].filter((t) => t.kind === "subtitles" || t.kind === "captions");
if (playing?.textTracks) {
  const wanted = localStorage.getItem("kinora-captions");
  const first = wanted && captions(playing).find((t) => t.language === wanted);
  if (first) first.mode = "showing";
  playing.textTracks.addEventListener("change", () => {
    const shown = captions(playing).find((t) => t.mode === "showing");
    localStorage.setItem("kinora-captions", shown?.language ?? "");
  });
}
function toggleCaptions(v) {
  const all = captions(v);
  const shown = all.find((t) => t.mode === "showing");
  const next = shown ? null : (all.find((t) => t.language === document.documentElement.lang) ?? all[0]);
  for (const track of all) track.mode = track === next ? "showing" : "disabled";
}

// Loading the better rendition interrupts the first call; the film plays all the same.
function turn(v) {
  if (v.paused) v.play().catch(() => {});
  else v.pause();
}

// Keys, as the list behind "?" names them.
const acts = {
  " ": turn,
  k: turn,
  j: (v) => (v.currentTime -= 10),
  l: (v) => (v.currentTime += 10),
  ArrowLeft: (v) => (v.currentTime -= 5),
  ArrowRight: (v) => (v.currentTime += 5),
  ArrowUp: (v) => (v.volume = Math.min(1, v.volume + 0.1)),
  ArrowDown: (v) => (v.volume = Math.max(0, v.volume - 0.1)),
  m: (v) => (v.muted = !v.muted),
  c: toggleCaptions,
  f: full,
  ",": (v) => v.paused && (v.currentTime -= 1 / 24),
  ".": (v) => v.paused && (v.currentTime += 1 / 24),
  "<": (v) => (v.playbackRate = Math.max(0.25, v.playbackRate - 0.25)),
  ">": (v) => (v.playbackRate = Math.min(3, v.playbackRate + 0.25)),
};

document.addEventListener("keydown", (event) => {
  const video = document.querySelector("[data-player] video");
  if (!video || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (localStorage.getItem("kinora-keys") === "off") return;
  // What has the focus may need the key itself; blank and arrows the video handles natively when it has it.
  const held = document.activeElement;
  if (held === video && video.controls && (event.key === " " || event.key.startsWith("Arrow"))) return;
  // Buttons and bars of the controls use these only.
  const own = [" ", "Enter", "Home", "End", "PageUp", "PageDown"].includes(event.key) || event.key.startsWith("Arrow");
  const inControls = held?.closest(".controls") && (!own || (event.key === " " && held.matches("[data-seek-bar]")));
  if (held !== video && !inControls && (held && held.closest("input, textarea, select, button, a, summary, [contenteditable]"))) return;
  const act = acts[event.key] ?? (/^[0-9]$/.test(event.key) && ((v) => (v.currentTime = (v.duration * Number(event.key)) / 10)));
  if (!act) return;
  event.preventDefault();
  act(video);
});
