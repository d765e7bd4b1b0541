// Where the host asks who calls: strangers are told nothing, and records know who made them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, raw, refusal, signedIn } from '../harness.mjs';

const stranger = { status: 401, code: 'unauthenticated', category: 'authentication' };

export function caller(lab) {
  const { data } = lab.client;
  const skip = !signedIn && 'nobody signs in here';

  test('without a token, or with one that is none, every call is refused alike', { skip }, async () => {
    for (const token of ['', 'garbage']) {
      const { client } = await open(lab.version, { token });
      for (const call of [
        () => client.data.find('city'),
        () => client.data.find('no_such_object'),
        () => client.data.get('city', 'c01'),
        () => client.data.create('company', { name: lab.name('Stranger') }),
        () => client.meta.getItem('object', 'city'),
        () => client.meta.getItem('object', 'no_such_object'),
      ]) {
        await refusal(call(), stranger);
      }
    }
  });

  test('records carry who made and changed them, made one by one or in bulk', { skip }, async () => {
    const me = (await raw('GET', '/api/v1/auth/get-session')).json.user.id;
    const check = (record) => assert.deepEqual([record.created_by, record.updated_by, record.owner_id], [me, me, me]);
    const { record } = await data.create('company', { name: lab.name('Mine') });
    check(record);
    check((await data.update('company', record.id, { revenue: 1 })).record);
    for (const made of (await data.createMany('company', [{ name: lab.name('Mine') }, { name: lab.name('Mine') }])).records) check(made);
    const records = [{ data: { name: lab.name('Mine') } }];
    const batch = await data.batch('company', { operation: 'create', records, options: { returnRecords: true } });
    check(batch.results[0].data);
  });
}
