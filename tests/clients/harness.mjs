// What the tests of the published clients are made of: a client of each version, a record of what it sent and which of its
// methods were driven, and a few checks. The address of a running host with the app of this folder stands in OBJECTOS_URL;
// where the host wants to know who calls, a token stands in OBJECTOS_TOKEN.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

/** Address of the host. */
export const base = (() => {
  const address = process.env.OBJECTOS_URL;
  assert.ok(address, 'OBJECTOS_URL names the host to test, such as http://127.0.0.1:3000');
  return address.replace(/\/$/, '');
})();

/** The token of whoever the tests act for; none where nobody signs in. */
export const signedIn = process.env.OBJECTOS_TOKEN || undefined;

/** The versions that must work, oldest first. */
export const versions = ['2.0.7', '3.0.6', '4.0.4', '17.4.0'];

const silent = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };

/** Tells this run apart from others on the same host. */
const run = Date.now().toString(36);

/** The number before the first dot. */
export const major = (version) => Number(version.split('.')[0]);

/** The cities as the app brings them: what every answer about them is measured with. */
export const cities = JSON.parse(await readFile(new URL('app/data/city.data.json', import.meta.url), 'utf8')).records;

/**
 * One client, connected unless `connected` is false, with what the tests know about it: `version`, `sent` (its requests, each with
 * `status` and `headers` of the answer), `driven` (methods that were called and came back, as `data.find`).
 */
export async function open(version, { connected = true, token = signedIn, address = base } = {}) {
  const module = await import(`client-${version}`);
  const lab = { version, major: major(version), module, sent: [], driven: new Set() };
  const observed = async (url, options = {}) => {
    const answer = await fetch(url, options);
    lab.sent.push({
      url: String(url),
      path: String(url).slice(base.length),
      method: options.method ?? 'GET',
      body: options.body,
      status: answer.status,
      headers: answer.headers,
    });
    return answer;
  };
  lab.client = new module.ObjectStackClient({ baseUrl: address, token, fetch: observed, logger: silent });
  for (const surface of ['data', 'meta', 'views']) observe(lab, surface);
  if (connected) lab.discovery = await lab.client.connect();
  lab.last = () => lab.sent.at(-1);
  let count = 0;
  lab.name = (what) => `${what} ${version} ${run} ${(count += 1)}`;
  lab.id = (what) => `${what}-${version.replaceAll('.', '-')}-${run}-${(count += 1)}`;
  return lab;
}

function observe(lab, surface) {
  const methods = lab.client[surface];
  if (!methods) return;
  for (const [name, method] of Object.entries(methods)) {
    methods[name] = async (...args) => {
      const answer = await method(...args);
      lab.driven.add(`${surface}.${name}`);
      return answer;
    };
  }
}

/** Every method of a surface, as `data.find`. */
export const methodsOf = (lab, surface) => Object.keys(lab.client[surface] ?? {}).map((name) => `${surface}.${name}`);

/** The error of a call that must fail, in the shape that the client makes of it, checked against what was expected. */
export async function refusal(call, { status, code, category }) {
  let error;
  try {
    const answer = await call;
    assert.fail(`answered in place of ${status} ${code}: ${JSON.stringify(answer).slice(0, 300)}`);
  } catch (caught) {
    if (caught instanceof assert.AssertionError) throw caught;
    error = caught;
  }
  assert.deepEqual(
    { status: error.httpStatus, code: error.code, category: error.category },
    { status, code, category },
    `${error.stack}\n${JSON.stringify(error.details)}`,
  );
  assert.equal(typeof error.retryable, 'boolean', 'a failed call says whether to try again');
  assert.ok(error.message.length > 0, 'a failed call says why');
  return error;
}

/** Codes of the fields that an error speaks of, by name of the field; older clients leave them in the details. */
export function fieldCodes(error) {
  const fields = error.fields ?? error.details?.fields ?? [];
  return Object.fromEntries(fields.map(({ field, code }) => [field, code]));
}

/** A request without a client. */
export async function raw(method, path, body, headers = {}) {
  const answer = await fetch(base + path, {
    method,
    headers: { 'content-type': 'application/json', ...(signedIn && { authorization: `Bearer ${signedIn}` }), ...headers },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  let json;
  try {
    json = text === '' ? undefined : JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: answer.status, headers: answer.headers, text, json };
}

export const names = (records) => records.map((record) => record.name);
export const sorted = (list) => [...list].sort();
