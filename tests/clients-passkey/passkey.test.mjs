// The published better-auth client with its plugin for passkeys, unchanged, in a real browser with a virtual authenticator.
// The address of a running host
// stands in OBJECTOS_URL, the browser's program in CHROMIUM.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { chromium } from './chromium.mjs';

assert.ok(process.env.OBJECTOS_URL, 'OBJECTOS_URL names the host to test, such as http://127.0.0.1:3000');
// Keys are for names, not for numbers.
const home = process.env.OBJECTOS_URL.replace('127.0.0.1', 'localhost');
const password = 'tangerine-otter-41';
const address = `ada-${Date.now().toString(36)}@example.com`;
let browser;
let authenticator;

before(async () => {
  const { outputFiles } = await build({
    entryPoints: [new URL('page.mjs', import.meta.url).pathname],
    bundle: true,
    format: 'iife',
    platform: 'browser',
    write: false,
  });
  browser = await chromium(process.env.CHROMIUM, `${home}/api/v1/auth/ok`);
  await browser.evaluate(outputFiles[0].text);
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  authenticator = (await browser.page('WebAuthn.addVirtualAuthenticator', { options })).authenticatorId;
});

after(() => browser?.close());

/** Calls a method of the client in the page: `signIn.email`, … */
const call = (method, body = {}) => browser.evaluate(`auth.${method}(${JSON.stringify(body)})`);

async function good(method, body) {
  const { data, error } = await call(method, body);
  assert.equal(error ?? null, null, `${method}: ${JSON.stringify(error)}`);
  return data;
}

let passkey;

test('somebody who registered makes a passkey', async () => {
  await good('signUp.email', { email: address, password, name: 'Ada' });
  passkey = await good('passkey.addPasskey', { name: 'Laptop' });
  assert.equal(passkey.name, 'Laptop');
  const { credentials } = await browser.page('WebAuthn.getCredentials', { authenticatorId: authenticator });
  assert.equal(credentials.length, 1);
  assert.equal(credentials[0].rpId, 'localhost');
  assert.equal(Buffer.from(credentials[0].credentialId, 'base64').toString('base64url'), passkey.credentialID);
  const listed = await good('passkey.listUserPasskeys');
  assert.deepEqual(listed.map(({ id, name }) => [id, name]), [[passkey.id, 'Laptop']]);
});

test('the same authenticator makes no second one for the same person', async () => {
  const { error } = await call('passkey.addPasskey', { name: 'Again' });
  assert.equal(error?.code, 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED', JSON.stringify(error));
});

test('they sign in with it, again and again', async () => {
  for (let time = 0; time < 2; time += 1) {
    await good('signOut');
    assert.equal(await good('getSession'), null);
    const entered = await good('signIn.passkey');
    assert.equal(entered.user.email, address);
    assert.equal((await good('getSession')).user.email, address);
  }
});

test('a key whose counter went back is that of a copy', async () => {
  const { credentials } = await browser.page('WebAuthn.getCredentials', { authenticatorId: authenticator });
  const [credential] = credentials;
  await browser.page('WebAuthn.removeCredential', { authenticatorId: authenticator, credentialId: credential.credentialId });
  await browser.page('WebAuthn.addCredential', { authenticatorId: authenticator, credential: { ...credential, signCount: 0 } });
  const { error } = await call('signIn.passkey');
  assert.deepEqual([error?.status, error?.code], [401, 'AUTHENTICATION_FAILED'], JSON.stringify(error));
  await browser.page('WebAuthn.removeCredential', { authenticatorId: authenticator, credentialId: credential.credentialId });
  await browser.page('WebAuthn.addCredential', { authenticatorId: authenticator, credential: { ...credential, signCount: 50 } });
  await good('signIn.passkey');
});

test('it gets another name, and is taken away', async () => {
  const renamed = await good('passkey.updatePasskey', { id: passkey.id, name: 'Phone' });
  assert.equal(renamed.passkey.name, 'Phone');
  assert.deepEqual(await good('passkey.deletePasskey', { id: passkey.id }), { status: true });
  assert.deepEqual(await good('passkey.listUserPasskeys'), []);
  await good('signOut');
  const { error } = await call('signIn.passkey');
  assert.deepEqual([error?.status, error?.code], [401, 'PASSKEY_NOT_FOUND'], JSON.stringify(error));
  assert.equal(await good('getSession'), null);
});
