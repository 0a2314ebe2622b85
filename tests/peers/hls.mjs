// Reads the HLS playlists of a folder with npm's hls-parser in strict mode, and prints what it understood.
//
//   node hls.mjs FOLDER
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import HLS from 'hls-parser';

HLS.setOptions({ strictMode: true, silent: false });
const folder = process.argv[2];
const parse = (name) => HLS.parse(readFileSync(join(folder, name), 'utf8'));

const master = parse('master.m3u8');
if (!master.isMasterPlaylist) throw new Error('master.m3u8 is no master playlist');

const streams = {};
const read = (uri) => {
  const list = parse(uri);
  if (list.isMasterPlaylist) throw new Error(`${uri} is no media playlist`);
  const below = uri.slice(0, uri.lastIndexOf('/') + 1);
  const bits = list.segments.map((s) => (8 * statSync(join(folder, below + s.uri)).size) / s.duration);
  const maps = [...new Set(list.segments.map((s) => s.map?.uri))];
  for (const map of maps) statSync(join(folder, below + map));
  streams[uri] = {
    ended: list.endlist,
    target: list.targetDuration,
    longest: Math.max(...list.segments.map((s) => s.duration)),
    seconds: list.segments.reduce((sum, s) => sum + s.duration, 0),
    segments: list.segments.length,
    maps,
    peak: Math.max(...list.segments.map((s, n) => (s.duration >= 1 || list.segments.length === 1 ? bits[n] : 0))),
  };
};
for (const variant of master.variants) {
  read(variant.uri);
  for (const audio of variant.audio) read(audio.uri);
}
console.log(JSON.stringify({
  version: master.version,
  independent: master.independentSegments,
  variants: master.variants.map((v) => ({
    uri: v.uri,
    codecs: v.codecs,
    bandwidth: v.bandwidth,
    average: v.averageBandwidth,
    width: v.resolution?.width,
    height: v.resolution?.height,
    rate: v.frameRate,
    audio: v.audio.map((a) => a.uri),
  })),
  streams,
}));
