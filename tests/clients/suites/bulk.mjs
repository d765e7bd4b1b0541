// Many records in one call: whole or not at all, or each for itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldCodes, refusal } from '../harness.mjs';

const tooMany = { status: 400, code: 'max_records_exceeded', category: 'validation' };
const codes = ({ results }) => results.map(({ errors }) => errors?.[0].code ?? 'ok');

export function bulk(lab) {
  const { data } = lab.client;
  const fresh = (count, fields = {}) => Array.from({ length: count }, () => ({ name: lab.name('Bulk'), ...fields }));
  const made = async (count, fields) => (await data.createMany('company', fresh(count, fields))).records;
  const there = async (name) => (await data.query('company', { where: { name } })).total;
  const revenue = async (id) => (await data.get('company', id)).record.revenue;

  test('createMany makes all of them', async () => {
    const wanted = fresh(3, { industry: 'energy' });
    const answer = await data.createMany('company', wanted);
    assert.equal(lab.last().status, 201);
    assert.ok(lab.last().body.startsWith('['), 'the client sends a bare list');
    assert.deepEqual([answer.object, answer.count], ['company', 3]);
    assert.deepEqual(answer.records.map(({ name, industry }) => ({ name, industry })), wanted);
    for (const { id, name } of answer.records) assert.equal((await data.get('company', id)).record.name, name);
  });

  test('createMany with one bad record makes none', async () => {
    const [good] = fresh(1);
    const error = await refusal(data.createMany('company', [good, { name: 'x' }]), {
      status: 400,
      code: 'validation_error',
      category: 'validation',
    });
    assert.deepEqual(fieldCodes(error), { name: 'min_length' });
    assert.equal(error.details.index, 1);
    assert.equal(await there(good.name), 0);
  });

  test('updateMany', async () => {
    const records = await made(2);
    const answer = await data.updateMany('company', records.map(({ id }, index) => ({ id, data: { revenue: index + 1 } })));
    assert.deepEqual(
      [answer.success, answer.operation, answer.total, answer.succeeded, answer.failed],
      [true, 'update', 2, 2, 0],
    );
    assert.deepEqual(answer.results.map(({ id, success }) => ({ id, success })), records.map(({ id }) => ({ id, success: true })));
    assert.deepEqual([await revenue(records[0].id), await revenue(records[1].id)], [1, 2]);
  });

  test('deleteMany', async () => {
    const ids = (await made(2)).map(({ id }) => id);
    const answer = await data.deleteMany('company', ids);
    assert.deepEqual([answer.success, answer.operation, answer.succeeded], [true, 'delete', 2]);
    const left = await data.query('company', { where: { id: { $in: ids } } });
    assert.equal(left.total, 0);
  });

  test('batch: create, update, upsert and delete', async () => {
    const [wanted] = fresh(1, { revenue: 1 });
    const created = await data.batch('company', { operation: 'create', records: [{ data: wanted }], options: { returnRecords: true } });
    assert.equal(lab.last().status, 200);
    const { id, data: record, record: again } = created.results[0];
    assert.deepEqual([record.name, again.name, record.id], [wanted.name, wanted.name, id]);
    const updated = await data.batch('company', { operation: 'update', records: [{ id, data: { revenue: 2 } }] });
    assert.deepEqual([updated.operation, updated.succeeded, updated.results[0].data], ['update', 1, undefined]);
    const [other] = fresh(1, { revenue: 9 });
    const upserted = await data.batch('company', {
      operation: 'upsert',
      records: [{ id, data: { revenue: 3 } }, { data: other }, { externalId: wanted.name, data: { revenue: 4 } }],
    });
    assert.deepEqual([upserted.success, upserted.succeeded], [true, 3], JSON.stringify(upserted));
    assert.equal(upserted.results[2].id, id, 'found by the external id of the object');
    assert.deepEqual([await revenue(id), await there(other.name)], [4, 1]);
    const deleted = await data.batch('company', { operation: 'delete', records: [{ id }] });
    assert.deepEqual([deleted.succeeded, await there(wanted.name)], [1, 0]);
  });

  test('an upsert by external id', async () => {
    const [wanted] = fresh(1, { revenue: 1 });
    const once = (externalId, fields) => data.batch('company', { operation: 'upsert', records: [{ externalId, data: fields }] });
    const first = await once(wanted.name, { revenue: 1 });
    const second = await once(wanted.name, { revenue: 2 });
    assert.deepEqual([first.success, second.success], [true, true], JSON.stringify([first, second]));
    assert.equal(first.results[0].id, second.results[0].id);
    assert.equal(await revenue(first.results[0].id), 2);
  });

  test('atomic is what a batch is when nothing is said: one bad record undoes all', async () => {
    const [first, second] = await made(2, { revenue: 1 });
    const answer = await data.updateMany('company', [
      { id: first.id, data: { revenue: 2 } },
      { id: second.id, data: { revenue: -1 } },
    ]);
    assert.equal(lab.last().status, 200);
    assert.deepEqual([answer.success, answer.total, answer.succeeded, answer.failed], [false, 2, 0, 2]);
    assert.deepEqual(codes(answer), ['transaction_failed', 'validation_error']);
    assert.equal(typeof answer.results[1].error, 'string', 'older callers read a text');
    assert.equal(await revenue(first.id), 1, 'rolled back');
    const wanted = fresh(2);
    const creation = await data.batch('company', { operation: 'create', records: [{ data: wanted[0] }, { data: { name: 'x' } }, { data: wanted[1] }], options: { atomic: true } });
    assert.deepEqual(codes(creation), ['transaction_failed', 'validation_error', 'transaction_failed']);
    assert.deepEqual([await there(wanted[0].name), await there(wanted[1].name)], [0, 0]);
    const deletion = await data.deleteMany('company', [first.id, 'nobody']);
    assert.deepEqual(codes(deletion), ['transaction_failed', 'record_not_found']);
    assert.equal(await revenue(first.id), 1, 'still there');
  });

  test('each for itself', async () => {
    const [first, second] = await made(2, { revenue: 1 });
    const records = [
      { id: first.id, data: { revenue: 2 } },
      { id: 'nobody', data: { revenue: 2 } },
      { id: second.id, data: { revenue: 2 } },
    ];
    const stopped = await data.updateMany('company', records, { atomic: false });
    assert.deepEqual(codes(stopped), ['ok', 'record_not_found', 'transaction_failed']);
    assert.deepEqual([await revenue(first.id), await revenue(second.id)], [2, 1], 'the first failure ends it');
    const through = await data.updateMany('company', records, { atomic: false, continueOnError: true });
    assert.deepEqual(
      [through.success, through.succeeded, through.failed, codes(through)],
      [false, 2, 1, ['ok', 'record_not_found', 'ok']],
    );
    assert.equal(await revenue(second.id), 2);
    const deleted = await data.deleteMany('company', [first.id, 'nobody', second.id], { atomic: false, continueOnError: true });
    assert.deepEqual(codes(deleted), ['ok', 'record_not_found', 'ok']);
  });

  test('only a check', async () => {
    const [wanted] = fresh(1);
    const answer = await data.batch('company', { operation: 'create', records: [{ data: wanted }], options: { validateOnly: true } });
    assert.deepEqual([answer.success, await there(wanted.name)], [true, 0]);
    const bad = await data.batch('company', { operation: 'create', records: [{ data: { name: 'x' } }], options: { validateOnly: true } });
    assert.deepEqual([bad.success, codes(bad)], [false, ['validation_error']]);
  });

  test('200 records are the most', async () => {
    const full = await data.createMany('company', fresh(200));
    assert.equal(full.count, 200);
    const ids = full.records.map(({ id }) => id);
    for (const call of [
      () => data.createMany('company', fresh(201)),
      () => data.batch('company', { operation: 'create', records: fresh(201).map((fields) => ({ data: fields })) }),
      () => data.updateMany('company', [...ids, 'x'].map((id) => ({ id, data: {} }))),
      () => data.deleteMany('company', [...ids, 'x']),
    ]) {
      const error = await refusal(call(), tooMany);
      assert.deepEqual([error.details.count, error.details.max], [201, 200]);
    }
    assert.equal((await data.deleteMany('company', ids)).succeeded, 200);
  });

  test('what is no batch', async () => {
    const wrong = { status: 400, code: 'invalid_format', category: 'validation' };
    await refusal(data.batch('company', { operation: 'replace', records: [] }), wrong);
    await refusal(data.batch('company', { operation: 'create', records: 'all' }), wrong);
    await refusal(data.createMany('company', 'all'), wrong);
    const empty = await data.batch('company', { operation: 'create', records: [] });
    assert.deepEqual([empty.success, empty.total, empty.results], [true, 0, []]);
    await refusal(data.createMany('companies', []), { status: 404, code: 'object_not_found', category: 'not_found' });
  });

  test('a transaction over several objects', { skip: lab.major < 11 && 'not in this version' }, async () => {
    const [wanted] = fresh(1);
    const { results } = await data.batchTransaction([
      { object: 'company', action: 'create', data: wanted },
      { object: 'person', action: 'create', data: { name: 'Ada', company: { $ref: 0 } } },
      { object: 'person', action: 'create', data: { name: 'Bob', company: { $ref: 0 } } },
    ]);
    assert.equal(results.length, 3);
    const id = results[0].id;
    assert.deepEqual(results.map(({ record }) => record.company ?? record.id), [id, id, id]);
    assert.equal((await data.query('person', { where: { company: id } })).total, 2);
    const more = await data.batchTransaction([
      { object: 'company', action: 'update', id, data: { revenue: 7 } },
      { object: 'person', action: 'delete', id: results[2].id },
    ]);
    assert.deepEqual(more.results.map((result) => result.id), [id, results[2].id]);
    assert.deepEqual([await revenue(id), (await data.query('person', { where: { company: id } })).total], [7, 1]);
  });

  test('a transaction with one bad operation does nothing', { skip: lab.major < 11 && 'not in this version' }, async () => {
    const [wanted] = fresh(1);
    const error = await refusal(
      data.batchTransaction([
        { object: 'company', action: 'create', data: wanted },
        { object: 'person', action: 'create', data: { company: { $ref: 0 } } },
      ]),
      { status: 400, code: 'validation_error', category: 'validation' },
    );
    assert.deepEqual(fieldCodes(error), { name: 'required' });
    assert.equal(await there(wanted.name), 0);
    await refusal(data.batchTransaction([{ object: 'person', action: 'create', data: { name: 'x', company: { $ref: 3 } } }]), {
      status: 400,
      code: 'invalid_format',
      category: 'validation',
    });
  });
}
