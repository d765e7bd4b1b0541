// A Chromium without a window, driven over the pipe of its DevTools protocol: one page, and a virtual authenticator in it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Opens a page; `close` ends the browser. */
export async function chromium(program, address) {
  const folder = await mkdtemp(join(tmpdir(), 'objectos-chromium-'));
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-pipe', `--user-data-dir=${folder}`];
  const child = spawn(program, [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const call = protocol(child.stdio[3], child.stdio[4]);
  const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  const page = (method, params) => call(method, params, sessionId);
  await page('Page.enable');
  // An answer of the API is no page for scripts, and says so; what is tried here is the origin, not the page.
  await page('Page.setBypassCSP', { enabled: true });
  await page('WebAuthn.enable');
  await page('Page.navigate', { url: address });
  // Of the page that was asked for, not of the blank one before it.
  const expression = `document.readyState === 'complete' && location.href === ${JSON.stringify(address)}`;
  for (let there = false; !there; ) {
    const asked = await page('Runtime.evaluate', { expression, returnByValue: true }).catch(() => undefined);
    there = asked?.result?.value === true;
  }
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await page('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    assert.equal(exceptionDetails, undefined, exceptionDetails?.exception?.description ?? exceptionDetails?.text);
    return result.value;
  };
  const close = async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  return { page, evaluate, close };
}

/** Messages are JSON, each ended by a null byte. */
function protocol(input, output) {
  const waiting = new Map();
  let count = 0;
  let rest = '';
  output.setEncoding('utf8');
  output.on('data', (text) => {
    const pieces = (rest + text).split('\0');
    rest = pieces.pop();
    for (const { id, result, error } of pieces.map((piece) => JSON.parse(piece))) {
      const { resolve, reject } = waiting.get(id) ?? {};
      waiting.delete(id);
      if (error) reject?.(new Error(`${error.message} ${error.data ?? ''}`));
      else resolve?.(result);
    }
  });
  return (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      const id = (count += 1);
      waiting.set(id, { resolve, reject });
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
}
