// Figures over records, and groups.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cities, refusal } from '../harness.mjs';

const countries = [null, 'at', 'de', 'fr', 'it'];
const of = (country) => cities.filter((city) => city.country === country);
const sum = (list, field) => list.reduce((total, city) => total + city[field], 0);

export function aggregates(lab) {
  const { data } = lab.client;

  test('figures of each group, on GET', async () => {
    const page = await data.find('city', {
      aggregations: [
        { function: 'count', alias: 'number' },
        { function: 'sum', field: 'inhabitants', alias: 'people' },
      ],
      groupBy: ['country'],
    });
    const rows = new Map(page.records.map((record) => [record.country, record]));
    assert.deepEqual([page.total, rows.size], [5, 5], 'null is a group of its own');
    for (const country of countries) {
      assert.deepEqual(
        rows.get(country),
        { country, number: of(country).length, people: sum(of(country), 'inhabitants') },
        String(country),
      );
    }
  });

  test('figures over all are one record, on GET', async () => {
    const page = await data.find('city', { aggregations: [{ function: 'max', field: 'area', alias: 'largest' }] });
    assert.deepEqual([page.records, page.total], [[{ largest: 1287.36 }], 1]);
  });

  test('every function, in a query', async () => {
    const page = await data.query('city', {
      where: { country: 'de' },
      aggregations: [
        { function: 'count', alias: 'all' },
        { function: 'count', field: 'river', alias: 'with_river' },
        { function: 'sum', field: 'inhabitants', alias: 'sum' },
        { function: 'avg', field: 'inhabitants', alias: 'avg' },
        { function: 'min', field: 'founded', alias: 'first' },
        { function: 'max', field: 'name', alias: 'last' },
        { function: 'count_distinct', field: 'capital', alias: 'kinds' },
      ],
    });
    const german = of('de');
    // Databases agree on 15 digits, and so much is answered.
    page.records[0].avg = Math.round(page.records[0].avg);
    assert.deepEqual(page.records, [
      {
        all: 3,
        with_river: 2,
        sum: sum(german, 'inhabitants'),
        avg: Math.round(sum(german, 'inhabitants') / 3),
        first: '0765-12-25',
        last: 'Bremen',
        kinds: 2,
      },
    ]);
  });

  test('groups by several fields, filtered, ordered and limited', async () => {
    const page = await data.query('city', {
      fields: ['country', 'capital'],
      where: { country: { $ne: null } },
      groupBy: ['country', 'capital'],
      aggregations: [{ function: 'count', alias: 'number' }],
      having: { number: { $gte: 2 } },
      orderBy: [{ field: 'country', order: 'desc' }],
      limit: 2,
    });
    assert.deepEqual(page.records, [
      { country: 'fr', capital: false, number: 2 },
      { country: 'de', capital: false, number: 2 },
    ]);
    assert.deepEqual([page.total, page.hasMore], [3, true]);
  });

  test('an order by a figure', async () => {
    const page = await data.query('city', {
      groupBy: ['country'],
      aggregations: [{ function: 'sum', field: 'area', alias: 'land' }],
      orderBy: [{ field: 'land', order: 'desc' }],
      limit: 1,
    });
    assert.equal(page.records[0].country, 'it');
  });

  test('figures of what is not there are refused', async () => {
    const wrong = { status: 400, category: 'validation' };
    await refusal(data.query('city', { aggregations: [{ function: 'median', field: 'area', alias: 'x' }] }), { ...wrong, code: 'invalid_query' });
    await refusal(data.query('city', { aggregations: [{ function: 'sum', field: 'mayor', alias: 'x' }] }), { ...wrong, code: 'invalid_field' });
    await refusal(data.find('city', { groupBy: ['mayor'] }), { ...wrong, code: 'invalid_field' });
  });
}
