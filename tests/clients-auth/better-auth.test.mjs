// The published better-auth client, unchanged, with its plugins for organisations and second factors.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthClient } from 'better-auth/client';
import { organizationClient, twoFactorClient } from 'better-auth/client/plugins';
import { base, browser, code, email, password, slug } from './harness.mjs';

function open() {
  const browse = browser();
  const client = createAuthClient({
    baseURL: `${base}/api/v1/auth`,
    plugins: [organizationClient({ teams: { enabled: true } }), twoFactorClient()],
    fetchOptions: { customFetchImpl: browse },
  });
  return { client, browse };
}

async function good(call) {
  const { data, error } = await call;
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

async function refused(call, status, what) {
  const { error } = await call;
  assert.deepEqual([error?.status, error?.code], [status, what], JSON.stringify(error));
}

async function registered(name) {
  const lab = open();
  lab.email = email(name);
  lab.user = (await good(lab.client.signUp.email({ email: lab.email, password, name }))).user;
  return lab;
}

test('registers, signs in and out', async () => {
  const { client, browse, email: address } = await registered('ada');
  assert.equal((await good(client.getSession())).user.email, address);
  await good(client.signOut());
  assert.equal((await good(client.getSession())), null);
  assert.equal(browse.cookies.has('better-auth.session_token'), false);
  await refused(client.signIn.email({ email: address, password: 'walnut-heron-72' }), 401, 'INVALID_EMAIL_OR_PASSWORD');
  await refused(client.signUp.email({ email: address, password, name: 'x' }), 422, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL');
  const entered = await good(client.signIn.email({ email: address, password }));
  assert.equal(entered.redirect, false);
  assert.equal(typeof entered.token, 'string');
});

test('shows and ends sessions, changes name and password', async () => {
  const { client, email: address } = await registered('ada');
  const other = open();
  await good(other.client.signIn.email({ email: address, password }));
  const sessions = await good(client.listSessions());
  assert.equal(sessions.length, 2);
  await good(client.updateUser({ name: 'Ada Lovelace' }));
  assert.equal((await good(client.getSession())).user.name, 'Ada Lovelace');
  await good(client.revokeSession({ token: sessions[1].token }));
  assert.equal(await good(other.client.getSession()), null);
  await good(client.changePassword({ currentPassword: password, newPassword: 'walnut-heron-72', revokeOtherSessions: true }));
  assert.equal((await good(client.getSession())).user.email, address);
  const accounts = await good(client.listAccounts());
  assert.deepEqual(accounts.map((account) => account.providerId), ['credential']);
  await good(client.revokeOtherSessions());
});

test('has a second factor', async () => {
  const { client, email: address } = await registered('ada');
  await refused(client.twoFactor.enable({ password: 'wrong' }), 400, 'INVALID_PASSWORD');
  const { totpURI, backupCodes } = await good(client.twoFactor.enable({ password }));
  assert.equal(backupCodes.length, 10);
  const first = code(totpURI);
  await good(client.twoFactor.verifyTotp({ code: first }));
  assert.equal((await good(client.getSession())).user.twoFactorEnabled, true);
  assert.equal((await good(client.twoFactor.getTotpUri({ password }))).totpURI, totpURI);
  const other = open();
  const half = await good(other.client.signIn.email({ email: address, password }));
  assert.equal(half.twoFactorRedirect, true);
  assert.equal(await good(other.client.getSession()), null);
  await refused(other.client.twoFactor.verifyTotp({ code: first }), 401, 'INVALID_CODE');
  await good(other.client.twoFactor.verifyTotp({ code: code(totpURI, 1) }));
  assert.equal((await good(other.client.getSession())).user.email, address);
  const third = open();
  await good(third.client.signIn.email({ email: address, password }));
  await good(third.client.twoFactor.verifyBackupCode({ code: backupCodes[0] }));
  const fresh = await good(client.twoFactor.generateBackupCodes({ password }));
  assert.equal(fresh.backupCodes.length, 10);
  await good(client.twoFactor.disable({ password }));
  await good(open().client.signIn.email({ email: address, password }));
});

test('works in organisations', async () => {
  const ada = await registered('ada');
  const made = await good(ada.client.organization.create({ name: 'Acme', slug: slug('acme') }));
  assert.equal(made.members[0].role, 'owner');
  await good(ada.client.organization.setActive({ organizationId: made.id }));
  const bob = await registered('bob');
  const invited = await good(ada.client.organization.inviteMember({ email: bob.email, role: 'member' }));
  assert.equal(invited.status, 'pending');
  // Nobody verified bob's address yet, so the id alone is not enough. The link of the mail leads a page to what is enough.
  await refused(bob.client.organization.acceptInvitation({ invitationId: invited.id }), 403, 'EMAIL_NOT_VERIFIED');
  const invitationId = new URL(invited.link).pathname.split('/').pop();
  await good(bob.client.organization.acceptInvitation({ invitationId }));
  assert.equal((await good(bob.client.organization.getActiveMember())).role, 'member');
  const full = await good(ada.client.organization.getFullOrganization());
  assert.deepEqual(full.members.map((member) => member.user.email).sort(), [ada.email, bob.email].sort());
  const { members, total } = await good(ada.client.organization.listMembers());
  assert.equal(total, 2);
  const theirs = members.find((member) => member.role === 'member');
  await good(ada.client.organization.updateMemberRole({ memberId: theirs.id, role: 'admin' }));
  const team = await good(ada.client.organization.createTeam({ name: 'Sales' }));
  await good(ada.client.organization.addTeamMember({ teamId: team.id, userId: theirs.userId }));
  assert.equal((await good(bob.client.organization.listUserTeams())).length, 1);
  await good(ada.client.organization.update({ organizationId: made.id, data: { name: 'Acme North' } }));
  assert.equal((await good(bob.client.organization.list()))[0].name, 'Acme North');
  const eve = await good(ada.client.organization.inviteMember({ email: email('eve'), role: 'member' }));
  await good(ada.client.organization.cancelInvitation({ invitationId: eve.id }));
  await good(ada.client.organization.removeMember({ memberIdOrEmail: bob.email }));
  await refused(bob.client.organization.setActive({ organizationId: made.id }), 403, 'USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION');
  await good(ada.client.organization.delete({ organizationId: made.id }));
  assert.deepEqual(await good(ada.client.organization.list()), []);
});
