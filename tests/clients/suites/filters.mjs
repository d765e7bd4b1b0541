// Filters: each test in each form it can be written in, measured with plain JavaScript over the same cities.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cities, names, refusal, sorted } from '../harness.mjs';

/** One test: its two written forms (`null`: there is none) and what it means. Null answers as upstream's newest server does. */
const cases = [
  { say: 'equal', map: { country: 'de' }, ast: ['country', '=', 'de'], means: (c) => c.country === 'de' },
  { say: 'equal, twice the sign', map: { country: { $eq: 'de' } }, ast: ['country', '==', 'de'], means: (c) => c.country === 'de' },
  { say: 'a number', map: { inhabitants: 212000 }, ast: ['inhabitants', '=', 212000], means: (c) => c.inhabitants === 212000 },
  { say: 'a number as text', map: { inhabitants: '212000' }, ast: ['inhabitants', '=', '212000'], means: (c) => c.inhabitants === 212000 },
  { say: 'true', map: { capital: true }, ast: ['capital', '=', true], means: (c) => c.capital },
  { say: 'false', map: { capital: false }, ast: ['capital', '=', false], means: (c) => !c.capital },
  { say: 'null', map: { river: null }, ast: ['river', '=', null], means: (c) => c.river === null },
  { say: 'not null', map: { river: { $ne: null } }, ast: ['river', '!=', null], means: (c) => c.river !== null },
  { say: 'another value; null is one', map: { river: { $ne: 'Danube' } }, ast: ['river', '!=', 'Danube'], means: (c) => c.river !== 'Danube' },
  { say: 'another value, pointed', map: { country: { $ne: 'de' } }, ast: ['country', '<>', 'de'], means: (c) => c.country !== 'de' },
  { say: 'greater', map: { area: { $gt: 140.86 } }, ast: ['area', '>', 140.86], means: (c) => c.area > 140.86 },
  { say: 'greater or equal', map: { area: { $gte: 140.86 } }, ast: ['area', '>=', 140.86], means: (c) => c.area >= 140.86 },
  { say: 'less', map: { area: { $lt: 95.99 } }, ast: ['area', '<', 95.99], means: (c) => c.area < 95.99 },
  { say: 'less or equal', map: { area: { $lte: 95.99 } }, ast: ['area', '<=', 95.99], means: (c) => c.area <= 95.99 },
  { say: 'two bounds of one field', map: { area: { $gte: 80, $lt: 110 } }, ast: ['and', ['area', '>=', 80], ['area', '<', 110]], means: (c) => c.area >= 80 && c.area < 110 },
  { say: 'between, both ends', map: { area: { $between: [71.92, 105.4] } }, ast: ['area', 'between', [71.92, 105.4]], means: (c) => c.area >= 71.92 && c.area <= 105.4 },
  { say: 'one of', map: { country: { $in: ['at', 'fr'] } }, ast: ['country', 'in', ['at', 'fr']], means: (c) => ['at', 'fr'].includes(c.country) },
  { say: 'one of none', map: { country: { $in: [] } }, ast: ['country', 'in', []], means: () => false },
  { say: 'none of; null is none of them', map: { country: { $nin: ['at', 'fr'] } }, ast: ['country', 'nin', ['at', 'fr']], means: (c) => !['at', 'fr'].includes(c.country) },
  { say: 'none of, spelled out', map: null, ast: ['country', 'not_in', ['at', 'fr']], means: (c) => !['at', 'fr'].includes(c.country) },
  { say: 'a part of a text, with its case', map: { name: { $contains: 'en' } }, ast: ['name', 'contains', 'en'], means: (c) => c.name.includes('en') },
  { say: 'no part of a text', map: { motto: { $notContains: 'la' } }, ast: ['motto', 'not_contains', 'la'], means: (c) => !(c.motto ?? '').includes('la') },
  { say: 'a beginning', map: { name: { $startsWith: 'B' } }, ast: ['name', 'starts_with', 'B'], means: (c) => c.name.startsWith('B') },
  { say: 'a beginning, in one word', map: null, ast: ['name', 'startswith', 'b'], means: (c) => c.name.startsWith('b') },
  { say: 'an end', map: { name: { $endsWith: 'n' } }, ast: ['name', 'ends_with', 'n'], means: (c) => c.name.endsWith('n') },
  { say: 'a percent sign is itself in a part', map: { motto: { $contains: '0%' } }, ast: ['motto', 'contains', '0%'], means: (c) => (c.motto ?? '').includes('0%') },
  { say: 'an underscore is itself in a part', map: { motto: { $contains: 'a_g' } }, ast: ['motto', 'contains', 'a_g'], means: (c) => (c.motto ?? '').includes('a_g') },
  { say: 'a percent sign stands for anything in a pattern', map: { name: { $like: 'B%n%' } }, ast: ['name', 'like', 'B%n%'], means: (c) => /^B.*n.*$/.test(c.name) },
  { say: 'an underscore stands for one letter in a pattern', map: { motto: { $like: 'la_grassa' } }, ast: ['motto', 'like', 'la_grassa'], means: (c) => /^la.grassa$/.test(c.motto ?? '') },
  { say: 'empty', map: { river: { $null: true } }, ast: ['river', 'is_null', null], means: (c) => c.river === null },
  { say: 'not empty', map: { river: { $null: false } }, ast: ['river', 'is_not_null', null], means: (c) => c.river !== null },
  { say: 'there', map: { river: { $exists: true } }, ast: null, means: (c) => c.river !== null },
  { say: 'not there', map: { river: { $exists: false } }, ast: null, means: (c) => c.river === null },
  { say: 'a day', map: { founded: { $lt: '0700-01-01' } }, ast: ['founded', '<', '0700-01-01'], means: (c) => c.founded !== null && c.founded < '0700-01-01' },
  { say: 'a moment, to the millisecond', map: { surveyed_at: { $gt: '2025-02-02T02:02:02.020Z' } }, ast: ['surveyed_at', '>', '2025-02-02T02:02:02.020Z'], means: (c) => (c.surveyed_at ?? '') > '2025-02-02T02:02:02.020Z' },
  { say: 'a moment in another zone', map: { surveyed_at: { $gte: '2024-06-01T02:00:00+02:00' } }, ast: ['surveyed_at', '>=', '2024-06-01T02:00:00+02:00'], means: (c) => (c.surveyed_at ?? '') >= '2024-06-01T00:00:00.000Z' },
  { say: 'a relation', map: { twin: 'c07' }, ast: ['twin', '=', 'c07'], means: (c) => c.twin === 'c07' },
  { say: 'a field of a related record', map: { 'twin.country': 'fr' }, ast: ['twin.country', '=', 'fr'], means: (c) => cities.some((other) => other.id === c.twin && other.country === 'fr') },
  { say: 'a calculated field', map: { thousands: { $gt: 522 } }, ast: ['thousands', '>', 522], means: (c) => c.inhabitants > 522000 },
  { say: 'an id', map: { id: { $in: ['c03', 'c05'] } }, ast: ['id', 'in', ['c03', 'c05']], means: (c) => ['c03', 'c05'].includes(c.id) },
  { say: 'several fields', map: { country: 'de', capital: true }, ast: [['country', '=', 'de'], ['capital', '=', true]], means: (c) => c.country === 'de' && c.capital },
  { say: 'and', map: { $and: [{ country: 'fr' }, { area: { $lt: 100 } }] }, ast: ['and', ['country', '=', 'fr'], ['area', '<', 100]], means: (c) => c.country === 'fr' && c.area < 100 },
  { say: 'or', map: { $or: [{ country: 'fr' }, { capital: true }] }, ast: ['or', ['country', '=', 'fr'], ['capital', '=', true]], means: (c) => c.country === 'fr' || c.capital },
  { say: 'not', map: { $not: { country: 'de' } }, ast: null, means: (c) => c.country !== 'de' },
  {
    say: 'or of ands',
    map: { $or: [{ $and: [{ country: 'de' }, { capital: false }] }, { area: { $gt: 1000 } }] },
    ast: ['or', ['and', ['country', '=', 'de'], ['capital', '=', false]], ['area', '>', 1000]],
    means: (c) => (c.country === 'de' && !c.capital) || c.area > 1000,
  },
  { say: 'one field against another', map: { inhabitants: { $gt: { $field: 'area' } } }, ast: null, means: (c) => c.inhabitants > c.area },
];

const expected = (means) => sorted(names(cities.filter(means)));

export function filters(lab) {
  const { data } = lab.client;
  const parameter = lab.major < 4 ? 'filters' : 'filter';
  const find = async (filter) => sorted(names((await data.find('city', { [parameter]: filter, top: 100 })).records));
  const query = async (where) => sorted(names((await data.query('city', { where, limit: 100 })).records));

  for (const { say, map, ast, means } of cases) {
    test(`filter: ${say}`, async () => {
      const wanted = expected(means);
      if (map) assert.deepEqual(await query(map), wanted, 'POST, a map');
      if (!ast) return;
      assert.deepEqual(await query(ast), wanted, 'POST, a list');
      // The client takes only what it knows to be a filter for one, and writes the rest as parameters.
      if (lab.major < 4 || lab.client.isFilterAST(ast)) {
        assert.deepEqual(await find(ast), wanted, 'GET, a list');
        assert.match(lab.last().url, new RegExp(`[?&]${parameter}=%5B`));
      }
    });
  }

  test('filter: a plain map on GET, values taken for what the field holds', async () => {
    const check = async (map, means) => assert.deepEqual(await find(map), expected(means), JSON.stringify(map));
    await check({ country: 'at' }, (c) => c.country === 'at');
    await check({ country: 'de', capital: false }, (c) => c.country === 'de' && !c.capital);
    await check({ inhabitants: 522000 }, (c) => c.inhabitants === 522000);
    await check({ area: 105.4 }, (c) => c.area === 105.4);
    await check({ capital: true }, (c) => c.capital);
    await check({ founded: '1128-01-01' }, (c) => c.founded === '1128-01-01');
    await check({ name: 'Nice' }, (c) => c.name === 'Nice');
    await check({ twin: 'c07' }, (c) => c.twin === 'c07');
  });

  test('filter: totals count what matches, not what is shown', async () => {
    const page = await data.find('city', { [parameter]: ['country', '=', 'de'], top: 1 });
    assert.deepEqual([page.records.length, page.total, page.hasMore], [1, 3, true]);
  });

  test('filter: what is none is refused and nothing is answered', async () => {
    const wrong = { status: 400, code: 'invalid_filter', category: 'validation' };
    await refusal(data.query('city', { where: { name: { $matches: 'x' } } }), wrong);
    await refusal(data.query('city', { where: ['name', 'resembles', 'x'] }), wrong);
    await refusal(data.query('city', { where: { $nand: [] } }), wrong);
    await refusal(data.query('city', { where: { inhabitants: 'many' } }), wrong);
    await refusal(data.query('city', { where: { area: { $between: [1] } } }), wrong);
    await refusal(data.find('city', { [parameter]: { inhabitants: 'many' } }), wrong);
  });

  test('the query builder', async () => {
    const { createQuery, createFilter } = lab.module;
    const run = async (query) => names((await data.query('city', query.build())).records);
    assert.deepEqual(
      await run(createQuery('city').select('name').where((f) => f.equals('country', 'de')).orderBy('name', 'desc').limit(2).skip(1)),
      ['Berlin', 'Aachen'],
    );
    assert.deepEqual(
      await run(createQuery('city').select('name').where((f) => f.greaterThan('area', 100).lessThanOrEqual('area', 200)).orderBy('area')),
      ['Paris', 'Graz', 'Bologna', 'Aachen'],
    );
    assert.deepEqual(await run(createQuery('city').select('name').orderBy('name').paginate(3, 5)), ['Trieste', 'Vienna']);
    assert.deepEqual(await run(createQuery('city').filter(createFilter().notIn('country', ['de', 'fr', 'it']).build()).orderBy('name')), ['Graz', 'Linz', 'Trieste', 'Vienna']);
    const grouped = await data.query('city', createQuery('city').select('country').groupBy('country').orderBy('country').build());
    assert.deepEqual(grouped.records.map(({ country }) => country), [null, 'at', 'de', 'fr', 'it']);
    if (createQuery('city').expand) {
      const page = await data.query('city', createQuery('city').where((f) => f.equals('id', 'c10')).expand('twin').build());
      assert.equal(page.records[0].twin.name, 'Vienna');
      const nested = createQuery('city').select('twin').where((f) => f.equals('id', 'c10')).expand('twin', { object: 'city', fields: ['name'] });
      assert.deepEqual((await data.query('city', nested.build())).records, [{ twin: { name: 'Vienna' } }]);
    }
    if (createQuery('city').search) {
      assert.deepEqual(await run(createQuery('city').search('belle', { fields: ['motto'] })), ['Nice']);
    }
    if (createQuery('city').distinct) {
      const page = await data.query('city', createQuery('city').select('country').distinct().build());
      assert.equal(page.total, 5);
    }
    if (createQuery('city').cursor) {
      const first = await data.query('city', createQuery('city').orderBy('name').limit(7).build());
      const second = createQuery('city').orderBy('name').limit(7).cursor({ after: first.nextCursor });
      assert.deepEqual([...names(first.records), ...(await run(second))], sorted(names(cities)));
    }
  });

  test('every test of the filter builder', async () => {
    const table = {
      equals: [(f) => f.equals('country', 'it'), (c) => c.country === 'it'],
      notEquals: [(f) => f.notEquals('river', 'Danube'), (c) => c.river !== 'Danube'],
      greaterThan: [(f) => f.greaterThan('inhabitants', 2103000), (c) => c.inhabitants > 2103000],
      greaterThanOrEqual: [(f) => f.greaterThanOrEqual('inhabitants', 2103000), (c) => c.inhabitants >= 2103000],
      lessThan: [(f) => f.lessThan('inhabitants', 249000), (c) => c.inhabitants < 249000],
      lessThanOrEqual: [(f) => f.lessThanOrEqual('inhabitants', 249000), (c) => c.inhabitants <= 249000],
      in: [(f) => f.in('country', ['at', 'it']), (c) => ['at', 'it'].includes(c.country)],
      notIn: [(f) => f.notIn('country', ['at', 'it']), (c) => !['at', 'it'].includes(c.country)],
      like: [(f) => f.like('name', '_i%'), (c) => /^.i/.test(c.name)],
      ilike: [(f) => f.ilike('name', 'B%N'), (c) => /^b.*n$/i.test(c.name)],
      isNull: [(f) => f.isNull('surveyed_at'), (c) => c.surveyed_at === null],
      isNotNull: [(f) => f.isNotNull('surveyed_at'), (c) => c.surveyed_at !== null],
      between: [(f) => f.between('area', 71.92, 105.4), (c) => c.area >= 71.92 && c.area <= 105.4],
      contains: [(f) => f.contains('name', 'rem'), (c) => c.name.includes('rem')],
      startsWith: [(f) => f.startsWith('name', 'Bo'), (c) => c.name.startsWith('Bo')],
      endsWith: [(f) => f.endsWith('name', 'na'), (c) => c.name.endsWith('na')],
      exists: [(f) => f.exists('river'), (c) => c.river !== null],
    };
    const builder = Object.getPrototypeOf(lab.module.createFilter());
    const offered = Object.getOwnPropertyNames(builder).filter((name) => !['constructor', 'build', 'getConditions'].includes(name));
    for (const name of offered) {
      assert.ok(table[name], `the builder has a test '${name}' that is not in the table`);
      const [build, means] = table[name];
      const written = build(lab.module.createFilter()).build();
      assert.deepEqual(await query(written), expected(means), `${name}, POST`);
      assert.deepEqual(await find(written), expected(means), `${name}, GET`);
    }
    const both = lab.module.createFilter().equals('country', 'de').contains('name', 'm').build();
    assert.deepEqual(await find(both), ['Bremen']);
  });
}
