// A running Kinora with the demo studio: the one named by STUDIO_URL and STUDIO_DATA, or one of
// our own that is started for the test file and stopped after it.
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const here = dirname(fileURLToPath(import.meta.url));
export const binary = process.env.STUDIO_BIN ?? resolve(here, '../../../target/debug/kinora');

export async function studio({ demo = true } = {}) {
  if (demo && process.env.STUDIO_URL) {
    return new Studio(process.env.STUDIO_URL, process.env.STUDIO_DATA, null);
  }
  const data = await mkdtemp(join(tmpdir(), 'kinora-browser-'));
  await chmod(data, 0o755); // the database's own user must be able to pass through it
  const args = ['serve', '--data', data, '--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'];
  if (demo) args.push('--demo');
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => { log = (log + chunk).slice(-20_000); });
  const url = await new Promise((found, failed) => {
    const late = setTimeout(() => failed(new Error(`Kinora was not ready in 5 minutes:\n${log}`)), 300_000);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const ready = /^ready (http:\S+)/.exec(line);
      if (ready) { clearTimeout(late); found(ready[1].replace(/\/$/, '')); }
    });
    child.on('exit', (code) => { clearTimeout(late); failed(new Error(`Kinora ended with ${code}:\n${log}`)); });
  });
  return new Studio(url, data, child);
}

export class Studio {
  constructor(url, data, child) {
    this.url = url;
    this.data = data;
    this.child = child;
  }

  // Runs a command beside the server; with --json its answer is read.
  run(...args) {
    return new Promise((done, failed) => {
      execFile(binary, [...args, '--data', this.data], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        if (error) return failed(new Error(`kinora ${args.join(' ')} failed (${error.code}):\n${stdout}${stderr}`));
        done(args.includes('--json') ? JSON.parse(stdout) : stdout);
      });
    });
  }

  async login(role) {
    const { people } = JSON.parse(await readFile(join(this.data, 'demo-logins.json'), 'utf8'));
    const person = people.find((one) => one.role === role);
    if (!person) throw new Error(`no demo person has the role ${role}`);
    return person;
  }

  // The newest mail to an address whose text matches; waits for it.
  async mail(to, pattern, patience = 20_000) {
    const folder = join(this.data, 'mail');
    const until = Date.now() + patience;
    for (;;) {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.eml')).sort().reverse();
      for (const name of names) {
        const text = decode(await readFile(join(folder, name), 'utf8'));
        const found = pattern.exec(text);
        if (found && new RegExp(`^To:.*${to.replace(/[.+]/g, '\\$&')}`, 'mi').test(text)) return found;
      }
      if (Date.now() > until) throw new Error(`no mail to ${to} matches ${pattern} (${names.length} mails)`);
      await sleep(250);
    }
  }

  async stop() {
    if (!this.child) return;
    this.child.removeAllListeners('exit');
    const ended = new Promise((done) => this.child.once('exit', done));
    this.child.kill('SIGTERM');
    await Promise.race([ended, sleep(45_000, undefined, { ref: false })]);
    await rm(this.data, { recursive: true, force: true });
  }
}

// Quoted-printable and soft line breaks, as far as mails of this project use them.
function decode(mail) {
  return mail.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}
