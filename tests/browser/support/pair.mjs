// A real GR pair in two real processes, as `callpilot demo` starts it, and what a test does to it.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const bin = process.env.CALLPILOT_BIN ?? new URL('../../../target/release/callpilot', import.meta.url).pathname;
const webRoot = process.env.CALLPILOT_WEB_ROOT ?? new URL('../../../dist', import.meta.url).pathname;

/** Waits until `state()` gives something true, at most `limit` milliseconds. */
export async function until(what, state, limit = 20_000) {
  const end = performance.now() + limit;
  let last;
  for (;;) {
    try {
      const value = await state();
      if (value) return value;
      last = undefined;
    } catch (e) {
      last = e;
    }
    if (performance.now() > end) throw new Error(`not within ${limit} ms: ${what}`, { cause: last });
    await new Promise((next) => setTimeout(next, 50));
  }
}

export class Pair {
  /** Starts a pair with demo users and messages in a folder of its own. */
  static async start() {
    const dir = mkdtempSync(join(tmpdir(), 'callpilot-browser-'));
    const demo = spawn(bin, ['demo', '--json', '--dir', dir, '--web-root', webRoot], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pair = new Pair();
    Object.assign(pair, { dir, demo, restarted: [] });
    const lines = createInterface({ input: demo.stdout });
    const told = await Promise.race([
      new Promise((line) => lines.once('line', line)),
      new Promise((_, fail) => demo.once('exit', (code) => fail(new Error(`the demo ended with ${code}`)))),
    ]);
    const { servers, users } = JSON.parse(told);
    [pair.north, pair.south] = servers;
    pair.users = users;
    return pair;
  }

  /** The demo's user with this mailbox number. */
  user(mailbox) {
    const user = this.users.find((u) => u.mailbox === mailbox);
    if (!user) throw new Error(`no demo user ${mailbox}`);
    return user;
  }

  /** Creates a user on a server, as its administrator. */
  async addUser(server, { mailbox, name, password }) {
    const { user, password: secret } = server.admin;
    const answer = await fetch(`${server.http}/api/v1/admin/users`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${user}:${secret}`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ mailbox, name, password }),
    });
    if (!answer.ok) throw new Error(`user ${mailbox}: ${answer.status} ${await answer.text()}`);
    this.users.push({ mailbox, password, home: server.name });
  }

  /** Ends a server as a power cut does. */
  kill(server) {
    process.kill(server.pid, 'SIGKILL');
  }

  /** The server takes connections and says nothing. */
  hang(server) {
    process.kill(server.pid, 'SIGSTOP');
  }

  /** Ends the silence. */
  resume(server) {
    process.kill(server.pid, 'SIGCONT');
  }

  /** Starts a killed server again, on its own ports and data. */
  async restart(server) {
    const config = join(this.dir, server === this.north ? 'north.toml' : 'south.toml');
    const child = spawn(bin, ['serve', '--config', config, '--stop-with-stdin'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.restarted.push(child);
    server.pid = child.pid;
    await until(`${server.name} answers again`, async () => (await fetch(`${server.http}/healthz`)).ok);
  }

  /** Waits until each of the two says that it holds all that the other has for it. */
  async caughtUp() {
    for (const server of [this.north, this.south]) {
      await until(`${server.name} has caught up`, async () => {
        const answer = await fetch(`${server.http}/.well-known/callpilot`);
        return (await answer.json()).caught_up;
      }, 40_000);
    }
  }

  /** Logs in by the API, beside the browser. */
  async api(server, mailbox) {
    const { password } = this.user(mailbox);
    const call = async (method, path, token, body) => {
      const answer = await fetch(`${server.http}/api/v1${path}`, {
        method,
        headers: { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.status === 204 ? null : answer.json();
    };
    const { token } = await call('POST', '/session', null, { mailbox, password });
    return (method, path, body) => call(method, path, token, body);
  }

  async stop() {
    for (const child of this.restarted) child.kill('SIGKILL');
    for (const server of [this.north, this.south]) {
      try {
        this.resume(server);
      } catch {
        // It is dead already, as the test wanted.
      }
    }
    const ended = new Promise((done) => this.demo.once('exit', done));
    this.demo.kill('SIGTERM');
    await ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
