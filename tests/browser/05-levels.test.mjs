// Which levels the player keeps of a playlist with both codecs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bright, leave } from '../../assets/js/levels.js';

const level = (videoCodec, height) => ({ videoCodec, width: Math.round(height * 16 / 9), height });
const film = [level('avc1.64001e', 360), level('av01.0.01M.08', 360), level('avc1.64001f', 720), level('av01.0.05M.08', 720), level('avc1.640028', 1080)];

test('where AV1 plays, what is sharper than all of it stays in H.264', () => {
  assert.deepEqual(leave(film, true, true), [1, 3, 4]);
  assert.deepEqual(leave(film.slice(0, 4), true, true), [1, 3]);
});

test('a browser that cannot change the codec gets one', () => {
  assert.deepEqual(leave(film, true, false), [1, 3]);
});

test('without AV1 all of H.264 stays, and what is not known stays as it is', () => {
  assert.deepEqual(leave(film, false, true), [0, 2, 4]);
  assert.deepEqual(leave([film[0], film[2]], true, true), [0, 1]);
  assert.deepEqual(leave([{ height: 90 }], true, true), [0]);
});

test('of sound alone one codec stays, Opus if it plays', () => {
  const [aac, opus] = [{ audioCodec: 'mp4a.40.2' }, { audioCodec: 'opus' }];
  assert.deepEqual(leave([aac, opus], true, true), [1]);
  assert.deepEqual(leave([aac], true, true), [0]);
});

test('upright films are measured by their shorter side', () => {
  const upright = [{ videoCodec: 'av01.0.05M.08', width: 720, height: 1280 }, { videoCodec: 'avc1.640028', width: 1080, height: 1920 }];
  assert.deepEqual(leave(upright, true, true), [0, 1]);
});

test('high dynamic range is told by the codec string', () => {
  for (const codec of ['av01.0.08M.10.0.110.09.16.09.0', 'av01.0.08M.10.0.110.09.18.09.0']) assert.equal(bright(codec), true, codec);
  for (const codec of ['av01.0.08M.10', 'av01.0.08M.08', 'av01.0.08M.10.0.110.01.01.01.0', 'avc1.640028', '', undefined]) assert.equal(bright(codec), false, codec);
});
