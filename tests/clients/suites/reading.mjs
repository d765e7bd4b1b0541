// Records: lists, pages, orders, choices of fields, single ones, relations, search.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cities, names, refusal, sorted } from '../harness.mjs';

const all = names(cities);
const thousands = ({ inhabitants }) => inhabitants / 1000;
/** As the engine orders: null first, text by its bytes. */
const compare = (left, right) => {
  if (left === right) return 0;
  if (left === null) return -1;
  if (right === null) return 1;
  return left < right ? -1 : 1;
};
/** Cities in the order of keys such as `-area`, as names; the id decides what is equal. */
const ordered = (...keys) =>
  names(
    [...cities].sort((left, right) => {
      for (const key of keys) {
        const field = key.replace(/^-/, '');
        const way = compare(left[field], right[field]) * (key.startsWith('-') ? -1 : 1);
        if (way !== 0) return way;
      }
      // What is the same by all keys goes the way of the last one.
      return compare(left.id, right.id) * (keys.at(-1)?.startsWith('-') ? -1 : 1);
    }),
  );

export function reading(lab) {
  const { data } = lab.client;

  test('find without options answers everything, with its number', async () => {
    const page = await data.find('city');
    assert.equal(page.object, 'city');
    assert.deepEqual(sorted(names(page.records)), sorted(all));
    assert.deepEqual([page.total, page.hasMore], [12, false]);
    assert.ok(lab.last().url.endsWith('?'), 'the client ends the address with a question mark');
  });

  test('a record has every field: values as they were given, null where none was, and what the system adds', async () => {
    const { records } = await data.find('city', { top: 100 });
    for (const given of cities) {
      const record = records.find(({ id }) => id === given.id);
      for (const [field, value] of Object.entries(given)) assert.deepEqual(record[field], value, `${given.name}.${field}`);
      assert.equal(record.thousands, thousands(given), `${given.name}.thousands`);
      for (const field of ['created_at', 'updated_at']) {
        assert.match(record[field], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, field);
      }
      for (const field of ['created_by', 'updated_by', 'owner_id']) assert.ok(field in record, field);
    }
  });

  test('pages do not overlap, miss nothing and tell the number of all', async () => {
    const seen = [];
    for (const skip of [0, 5, 10]) {
      const page = await data.find('city', { top: 5, skip, sort: 'name' });
      assert.deepEqual([page.total, page.hasMore], [12, skip < 10], `after ${skip}`);
      seen.push(...names(page.records));
    }
    assert.deepEqual(seen, sorted(all));
    const beyond = await data.find('city', { top: 5, skip: 100 });
    assert.deepEqual([beyond.records, beyond.total, beyond.hasMore], [[], 12, false]);
  });

  test('a page of none is none', async () => {
    const page = await data.query('city', { limit: 0 });
    assert.deepEqual([page.records, page.total], [[], 12]);
    if (lab.major >= 17) {
      const sent = await data.find('city', { top: 0 });
      assert.deepEqual([sent.records, sent.total], [[], 12]);
    }
  });

  test('a cursor leads from page to page', async () => {
    const seen = [];
    let cursor = {};
    for (let pages = 0; cursor && pages < 10; pages += 1) {
      const page = await data.query('city', { limit: 5, orderBy: [{ field: 'area', order: 'desc' }], cursor });
      seen.push(...names(page.records));
      assert.equal(typeof page.nextCursor, page.hasMore ? 'string' : 'undefined');
      cursor = page.nextCursor && { after: page.nextCursor };
    }
    assert.deepEqual(seen, ordered('-area'));
  });

  for (const [written, keys] of [
    ['name', ['name']],
    ['-inhabitants', ['-inhabitants']],
    ['country,-inhabitants', ['country', '-inhabitants']],
    [['country', '-name'], ['country', '-name']],
    [[{ field: 'area', order: 'desc' }], ['-area']],
    [[{ field: 'country', order: 'desc' }, { field: 'name', order: 'asc' }], ['-country', 'name']],
    [[{ field: 'founded' }], ['founded']],
    [[{ field: 'surveyed_at', order: 'desc' }], ['-surveyed_at']],
  ]) {
    test(`an order on GET, written ${JSON.stringify(written)}`, async () => {
      assert.deepEqual(names((await data.find('city', { sort: written })).records), ordered(...keys));
    });
  }

  test('an order in a query, also over a calculated field', async () => {
    const query = async (orderBy) => names((await data.query('city', { orderBy })).records);
    assert.deepEqual(await query([{ field: 'country', order: 'asc' }, { field: 'name', order: 'desc' }]), ordered('country', '-name'));
    const largest = [...cities].sort((left, right) => thousands(right) - thousands(left));
    assert.deepEqual(await query([{ field: 'thousands', order: 'desc' }]), names(largest));
  });

  test('only the fields that were asked for', async () => {
    const page = await data.find('city', { select: ['name', 'country'], sort: 'name', top: 2 });
    assert.deepEqual(page.records, [
      { name: 'Aachen', country: 'de' },
      { name: 'Berlin', country: 'de' },
    ]);
    const query = await data.query('city', { fields: ['id', 'thousands'], where: { id: 'c01' } });
    assert.deepEqual(query.records, [{ id: 'c01', thousands: 249 }]);
  });

  test('options in the words of the query protocol', { skip: lab.major < 4 && 'not in this version' }, async () => {
    const page = await data.find('city', {
      where: ['country', '=', 'at'],
      fields: ['name'],
      orderBy: [{ field: 'name', order: 'desc' }],
      limit: 2,
      offset: 1,
    });
    assert.deepEqual([page.records, page.total, page.hasMore], [[{ name: 'Linz' }, { name: 'Graz' }], 3, false]);
  });

  test('one record', async () => {
    const found = await data.get('city', 'c02');
    assert.deepEqual([found.object, found.id, found.record.id, found.record.name], ['city', 'c02', 'c02', 'Berlin']);
  });

  test('a record or object that is not there', async () => {
    const record = await refusal(data.get('city', 'c99'), { status: 404, code: 'record_not_found', category: 'not_found' });
    assert.equal(record.retryable, false);
    for (const call of [() => data.find('citi'), () => data.query('citi', {}), () => data.get('citi', 'c01')]) {
      const error = await refusal(call(), { status: 404, code: 'object_not_found', category: 'not_found' });
      assert.match(error.message, /citi.*'city'/, 'the nearest name is told');
    }
  });

  test('a query with everything at once', async () => {
    const page = await data.query('city', {
      object: 'city',
      fields: ['name', 'inhabitants'],
      where: { $or: [{ country: 'fr' }, { capital: true }], inhabitants: { $gt: 500000 } },
      orderBy: [{ field: 'inhabitants', order: 'desc' }],
      limit: 2,
      offset: 1,
    });
    assert.deepEqual(page.records, [
      { name: 'Rome', inhabitants: 2755000 },
      { name: 'Paris', inhabitants: 2103000 },
    ]);
    assert.deepEqual([page.total, page.hasMore], [5, true]);
  });

  test('a related record takes the place of its id', async () => {
    const page = await data.query('city', {
      where: { id: { $in: ['c01', 'c02'] } },
      orderBy: [{ field: 'id', order: 'asc' }],
      fields: ['id', 'twin'],
      expand: { twin: { object: 'city', fields: ['name', 'country'] } },
    });
    assert.deepEqual(page.records, [
      { id: 'c01', twin: null },
      { id: 'c02', twin: { name: 'Paris', country: 'fr' } },
    ]);
    const whole = await data.query('city', { where: { id: 'c02' }, expand: { twin: {} } });
    assert.equal(whole.records[0].twin.name, 'Paris');
    assert.equal(whole.records[0].twin.twin, 'c08', 'what was not asked for stays an id');
    const deep = await data.query('city', {
      where: { id: 'c02' },
      fields: ['twin'],
      expand: { twin: { fields: ['name', 'twin'], expand: { twin: { fields: ['name'] } } } },
    });
    assert.deepEqual(deep.records, [{ twin: { name: 'Paris', twin: { name: 'Rome' } } }]);
  });

  test('relations on GET', { skip: lab.major < 17 && 'not in this version' }, async () => {
    const page = await data.find('city', { where: ['id', '=', 'c10'], fields: ['name', 'twin'], expand: ['twin'] });
    assert.equal(page.records[0].twin.name, 'Vienna');
  });

  test('text search looks into the searchable fields', async () => {
    const search = async (query) => sorted(names((await data.query('city', { search: query })).records));
    assert.deepEqual(await search({ query: 'berlin' }), ['Berlin']);
    assert.deepEqual(await search({ query: 'belle' }), ['Nice']);
    assert.deepEqual(await search({ query: 'Spree' }), [], 'the river is not searchable');
    assert.deepEqual(await search({ query: 'Vienna', fields: ['name'] }), ['Vienna']);
  });

  test('equal records once', async () => {
    const page = await data.query('city', { fields: ['country'], distinct: true, orderBy: [{ field: 'country', order: 'asc' }] });
    assert.deepEqual(page.records.map(({ country }) => country), [null, 'at', 'de', 'fr', 'it']);
    assert.equal(page.total, 5);
  });

  test('fields that are not there are told, in a filter, an order and a choice', async () => {
    const wrong = { status: 400, category: 'validation' };
    await refusal(data.query('city', { where: { mayor: 'x' } }), { ...wrong, code: 'invalid_field' });
    await refusal(data.query('city', { orderBy: [{ field: 'mayor', order: 'asc' }] }), { ...wrong, code: 'invalid_sort' });
    await refusal(data.find('city', { sort: 'mayor' }), { ...wrong, code: 'invalid_sort' });
    await refusal(data.find('city', { select: ['mayor'] }), { ...wrong, code: 'invalid_field' });
    await refusal(data.find('city', { [lab.major < 4 ? 'filters' : 'filter']: { mayor: 'x' } }), { ...wrong, code: 'invalid_field' });
  });
}
