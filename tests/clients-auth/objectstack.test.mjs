// The published ObjectStack clients, unchanged, through everything about signing in that each of them has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base, browser, code, email, password, slug } from './harness.mjs';

const silent = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };

async function open(version, fetch) {
  const { ObjectStackClient } = await import(`client-${version}`);
  return new ObjectStackClient({ baseUrl: base, fetch, logger: silent });
}

async function refused(call, status) {
  await assert.rejects(call, (error) => error.httpStatus === status);
}

for (const version of ['2.0.7', '3.0.6', '4.0.4', '17.4.0']) {
  test(`${version} registers, signs in, reads and signs out`, async () => {
    const client = await open(version);
    const address = email('ada');
    const made = await client.auth.register({ email: address, password, name: 'Ada' });
    assert.equal((made.data ?? made).user.email, address);
    if (client.auth.me) {
      const me = await client.auth.me();
      assert.equal((me.data ?? me).user.email, address, 'the token of the answer is the session');
    }
    await client.auth.logout();
    const entered = await client.auth.login({ email: address, password });
    assert.equal((entered.data ?? entered).user.email, address);
    await client.connect();
    const types = await client.meta.getTypes();
    assert.ok(types.types.includes('object'));
    if (client.auth.refreshToken) {
      const again = await client.auth.refreshToken('any');
      assert.equal((again.data ?? again).user.email, address);
    }
    await client.auth.logout();
    await refused(client.auth.login({ email: address, password: 'walnut-heron-72' }), 401);
  });
}

test('4.0.4 and 17.4.0 read what a sign-in page needs', async () => {
  for (const version of ['4.0.4', '17.4.0']) {
    const client = await open(version);
    const config = await client.auth.getConfig();
    assert.equal(config.emailPassword.enabled, true);
    assert.equal(config.features.twoFactor, true);
  }
});

test('17.4.0 looks after sessions, accounts and the second factor', async () => {
  const client = await open('17.4.0', browser());
  const address = email('ada');
  await client.auth.register({ email: address, password, name: 'Ada' });
  assert.equal((await client.auth.bootstrapStatus()).hasOwner, true);
  const other = await open('17.4.0', browser());
  await other.auth.login({ email: address, password });
  const { sessions } = await client.auth.sessions.list();
  assert.equal(sessions.length, 2);
  await client.auth.sessions.revokeOthers();
  assert.equal((await client.auth.sessions.list()).sessions.length, 1);
  await client.auth.updateUser({ name: 'Ada Lovelace' });
  assert.equal((await client.auth.accounts.list()).accounts.length, 1);
  const { totpURI } = await client.auth.twoFactor.enable({ password });
  const { token } = await client.auth.twoFactor.verifyTotp({ code: code(totpURI) });
  assert.equal(typeof token, 'string');
  const half = await (await open('17.4.0', browser())).auth.login({ email: address, password });
  assert.equal((half.data ?? half).twoFactorRedirect, true);
});

test('17.4.0 works in organisations', async () => {
  const client = await open('17.4.0', browser());
  await client.auth.register({ email: email('ada'), password, name: 'Ada' });
  const made = await client.organizations.create({ name: 'Acme', slug: slug('acme') });
  assert.equal(made.members[0].role, 'owner');
  await client.organizations.setActive(made.id);
  const { organizations } = await client.organizations.list();
  assert.deepEqual(organizations.map((one) => one.id), [made.id]);
  await client.organizations.update(made.id, { name: 'Acme North' });
  assert.equal((await client.organizations.list()).organizations[0].name, 'Acme North');
});
