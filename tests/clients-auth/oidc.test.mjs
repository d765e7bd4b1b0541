// Signing in at a real OpenID provider (npm `oidc-provider`) on this machine: the host is its client with PKCE and a nonce, and
// its keys change in between. The provider listens at OIDC_PORT, which the host's configuration names.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Provider } from 'oidc-provider';
import { base, browser, email, password } from './harness.mjs';

const port = Number(process.env.OIDC_PORT);
const issuer = `http://127.0.0.1:${port}`;
const people = new Map();
let server;

function keys(kid) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] };
}

/** A provider with one client and one person after the other: whoever is asked for is signed in and agrees. */
async function serve(kid) {
  const provider = new Provider(issuer, {
    jwks: keys(kid),
    clients: [
      {
        client_id: 'objectos',
        client_secret: 'a secret of tests',
        redirect_uris: [`${base}/api/v1/auth/oauth2/callback/corporate`],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    pkce: { required: () => true, methods: ['S256'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['tests'] },
  });
  const answer = provider.callback();
  server = createServer(async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      return provider.interactionFinished(request, response, { login: { accountId: [...people.keys()].at(-1) } });
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
}

async function stop() {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

before(() => serve('first'));
after(stop);

/** Follows the browser's way through the provider until it comes back to the host; answers that address. */
async function through(url) {
  const jar = new Map();
  for (let hops = 0; hops < 10; hops += 1) {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name, ...value] = line.split(';')[0].split('=');
      jar.set(name, value.join('='));
    }
    assert.ok([302, 303].includes(answer.status), `${answer.status} ${await answer.clone().text()}`);
    url = new URL(answer.headers.get('location'), url).href;
    if (url.startsWith(base)) return url;
  }
  throw new Error('the provider goes round in circles');
}

async function post(browse, path, body) {
  return browse(`${base}/api/v1/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function begin(browse) {
  const answer = await post(browse, 'sign-in/oauth2', { providerId: 'corporate', callbackURL: '/app' });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).url;
}

async function signIn(browse) {
  const back = await through(await begin(browse));
  const answer = await browse(back, { redirect: 'manual' });
  assert.equal(answer.status, 302, await answer.clone().text());
  return answer.headers.get('location');
}

const session = async (browse) => (await browse(`${base}/api/v1/auth/get-session`)).json();

test('somebody new comes in, and is known the next time, also with new keys', async () => {
  const address = email('ada');
  people.set('ada', { email: address, email_verified: true, name: 'Ada' });
  const browse = browser();
  assert.equal(await signIn(browse), '/app');
  const { user } = await session(browse);
  assert.deepEqual([user.email, user.emailVerified], [address, true]);
  const accounts = await (await browse(`${base}/api/v1/auth/list-accounts`)).json();
  assert.deepEqual(accounts.map((account) => [account.providerId, account.accountId]), [['corporate', 'ada']]);
  await stop();
  await serve('second');
  const again = browser();
  assert.equal(await signIn(again), '/app');
  assert.equal((await session(again)).user.id, user.id);
});

test('a state is good once, and for the browser that began', async () => {
  people.set('bob', { email: email('bob'), email_verified: true, name: 'Bob' });
  const [browse, thief] = [browser(), browser()];
  const back = await through(await begin(browse));
  assert.equal((await thief(back, { redirect: 'manual' })).status, 401);
  assert.equal((await browse(back, { redirect: 'manual' })).status, 302);
  assert.notEqual((await browse(back, { redirect: 'manual' })).status, 302);
});

test('an address that the provider does not vouch for takes over nobody', async () => {
  const address = email('eve');
  const owner = browser();
  assert.equal((await post(owner, 'sign-up/email', { email: address, password, name: 'Eve' })).status, 200);
  people.set('mallory', { email: address, email_verified: false, name: 'Mallory' });
  const mallory = browser();
  assert.match(await signIn(mallory), /error=user_already_exists/);
  assert.equal(await session(mallory), null);
});
