// What the tests are made of: a browser's cookies for clients that leave them to the browser, an authenticator app, and names
// that no other test uses. The address of a running host stands in OBJECTOS_URL.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

export const base = (() => {
  const address = process.env.OBJECTOS_URL;
  assert.ok(address, 'OBJECTOS_URL names the host to test, such as http://127.0.0.1:3000');
  return address.replace(/\/$/, '');
})();

export const password = 'tangerine-otter-41';
const run = Date.now().toString(36);
let count = 0;
export const email = (name) => `${name}-${run}-${(count += 1)}@example.com`;
export const slug = (name) => `${name}-${run}-${(count += 1)}`;

/** `fetch` with the cookies of one browser on a page of the host. */
export function browser() {
  const cookies = new Map();
  const browse = async (url, options = {}) => {
    const headers = new Headers(options.headers);
    headers.set('origin', new URL(base).origin);
    if (cookies.size > 0) headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    const answer = await fetch(url, { ...options, headers });
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split('; ');
      const [name, ...value] = pair.split('=');
      if (attributes.includes('Max-Age=0')) cookies.delete(name);
      else cookies.set(name, value.join('='));
    }
    return answer;
  };
  browse.cookies = cookies;
  return browse;
}

/** The code that an authenticator app shows for a URI; `steps` from now. */
export function code(uri, steps = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const secret = new URL(uri).searchParams.get('secret');
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const tag = createHmac('sha1', key).update(counter).digest();
  const offset = tag[19] & 15;
  return String((tag.readUInt32BE(offset) & 0x7fffffff) % 1000000).padStart(6, '0');
}
