// Which levels of a playlist with two codecs stay.

/** Whether a codec string names AV1 of high dynamic range: its transfer function is PQ (16) or HLG (18). */
export const bright = (codec) => /^av01(\.\w+){3}\.\d\.\d{3}\.\d\d\.(16|18)\b/.test(codec ?? "");

const lines = (level) => Math.min(level.width, level.height) || level.height || 0;

/**
 * The indexes of the levels that stay, ascending: one codec, AV1 if it is `wanted` and there, else H.264.
 * Of H.264 beside AV1 only what is sharper than all of AV1, and only with `both`: automatically nothing
 * changes from one codec to the other, but the viewer may choose it.
 */
export function leave(levels, wanted, both) {
  // Sound alone: one codec as well, Opus where it plays (levels that do not are gone by now).
  if (levels.length && levels.every((level) => !level.videoCodec && level.audioCodec)) {
    const family = levels.some((level) => level.audioCodec === "opus") ? "opus" : levels[0].audioCodec;
    return levels.flatMap((level, index) => (level.audioCodec === family ? [index] : []));
  }
  const of = (name) => levels.flatMap((level, index) => ((level.videoCodec ?? "").startsWith(name) ? [index] : []));
  const [av1, h264] = [of("av01"), of("avc1")];
  if (!wanted || !av1.length) return h264.length ? h264 : levels.map((_, index) => index);
  const best = Math.max(...av1.map((index) => lines(levels[index])));
  const sharper = both ? h264.filter((index) => lines(levels[index]) > best) : [];
  return [...av1, ...sharper].sort((a, b) => a - b);
}
