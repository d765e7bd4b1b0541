// The older spelling of the addresses, `/api/data` and `/api/metadata`, with its envelope; and traps of plain HTTP.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cities, names, raw, sorted } from './harness.mjs';

const run = Date.now().toString(36);
let count = 0;
const fresh = () => `Dialect ${run} ${(count += 1)}`;

/** A request that must be answered with this status; its JSON. */
async function ask(status, method, path, body) {
  const answer = await raw(method, path, body);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  return answer.json;
}

describe('records in the older dialect', () => {
  test('a list by query', async () => {
    const answer = await ask(200, 'POST', '/api/data/city/query', {
      filters: [['country', '=', 'at']],
      fields: ['name'],
      sort: [{ field: 'name', order: 'desc' }],
      limit: 2,
      skip: 1,
    });
    assert.deepEqual([answer.success, answer.data], [true, [{ name: 'Linz' }, { name: 'Graz' }]]);
    const { count: shown, limit, skip, total } = answer.meta;
    assert.deepEqual([shown, limit, skip, total], [2, 2, 1, 3]);
  });

  test('a list by GET', async () => {
    const answer = await ask(200, 'GET', '/api/data/city?country=it&sort=name&fields=name');
    assert.deepEqual(answer.data, [{ name: 'Bologna' }, { name: 'Rome' }]);
  });

  test('a record is made, read with what belongs to it, changed and deleted', async () => {
    const name = fresh();
    const made = await ask(201, 'POST', '/api/data/company', { name, city: 'c02' });
    const { id } = made.data;
    assert.deepEqual([made.success, made.data.name, made.data.record.name], [true, name, name]);
    const read = await ask(200, 'GET', `/api/data/company/${id}?fields=name,city&include=city`);
    assert.deepEqual([read.data.name, read.data.city.name, read.data.employees], [name, 'Berlin', undefined]);
    const changed = await ask(200, 'PATCH', `/api/data/company/${id}`, { revenue: 5 });
    assert.deepEqual([changed.data.name, changed.data.revenue], [name, 5]);
    const deleted = await ask(200, 'DELETE', `/api/data/company/${id}`);
    assert.deepEqual(deleted, { success: true, data: { id, deleted: true } });
    const missing = await ask(404, 'GET', `/api/data/company/${id}`);
    assert.deepEqual([missing.success, missing.error.code], [false, 'record_not_found']);
  });

  test('a batch of several kinds is whole or nothing', async () => {
    const [first, second] = [fresh(), fresh()];
    const made = await ask(201, 'POST', '/api/data/company', { name: fresh() });
    const batch = (operations) => ask(200, 'POST', '/api/data/company/batch', { operations });
    const answer = await batch([
      { type: 'create', data: { name: first } },
      { type: 'update', id: made.data.id, data: { revenue: 3 } },
      { type: 'create', data: { name: second } },
    ]);
    const { created, updated, deleted, results } = answer.data;
    assert.deepEqual([created, updated, deleted], [2, 1, 0]);
    assert.deepEqual(results.map(({ type, success }) => [type, success]), [['create', true], ['update', true], ['create', true]]);
    const wrong = await raw('POST', '/api/data/company/batch', {
      operations: [
        { type: 'delete', id: results[0].id },
        { type: 'create', data: { name: second } },
      ],
    });
    assert.equal(wrong.status, 400, wrong.text);
    await ask(200, 'GET', `/api/data/company/${results[0].id}`);
    const gone = await batch(results.map(({ id }) => ({ type: 'delete', id })));
    assert.equal(gone.data.deleted, 3);
  });

  test('the calls of the newer clients work under the older address', async () => {
    const made = await ask(201, 'POST', '/api/data/company/createMany', [{ name: fresh() }, { name: fresh() }]);
    const ids = made.data.map(({ id }) => id);
    assert.equal(made.meta.count, 2);
    const updated = await ask(200, 'POST', '/api/data/company/updateMany', { records: ids.map((id) => ({ id, data: { revenue: 1 } })) });
    assert.deepEqual([updated.success, updated.data.succeeded], [true, 2]);
    const deleted = await ask(200, 'POST', '/api/data/company/deleteMany', { ids });
    assert.deepEqual([deleted.success, deleted.data.succeeded], [true, 2]);
    const unknown = await ask(404, 'POST', '/api/data/company/replaceMany', []);
    assert.equal(unknown.code, 'endpoint_not_found');
  });
});

describe('metadata in the older dialect', () => {
  test('kinds, objects and one object under each of its addresses', async () => {
    assert.ok((await ask(200, 'GET', '/api/metadata')).data.types.includes('object'));
    const list = await ask(200, 'GET', '/api/metadata/objects');
    assert.ok(list.data.some(({ name }) => name === 'city'));
    const city = await ask(200, 'GET', '/api/metadata/objects/city');
    assert.deepEqual([city.success, city.data.name, city.data.fields.country.type], [true, 'city', 'select']);
    for (const path of ['/api/metadata/object/city', '/api/metadata/city']) {
      assert.deepEqual((await ask(200, 'GET', path)).data, city.data, path);
    }
    const missing = await ask(404, 'GET', '/api/metadata/objects/citi');
    assert.deepEqual([missing.success, missing.error.code], [false, 'object_not_found']);
  });
});

describe('traps of plain HTTP', () => {
  test('no body under a JSON content type is no mistake', async () => {
    assert.equal((await ask(200, 'GET', '/api/v1/data/city')).total, 12);
    assert.equal((await ask(200, 'POST', '/api/v1/data/city/query')).total, 12);
    const { id } = await ask(201, 'POST', '/api/v1/data/company', { name: fresh() });
    assert.equal((await ask(200, 'DELETE', `/api/v1/data/company/${id}`)).deleted, true);
  });

  test('a body that is no JSON, or not of its shape', async () => {
    for (const [path, body] of [
      ['/api/v1/data/company', '{"name":'],
      ['/api/v1/data/company', '[]'],
      ['/api/v1/data/company/createMany', '{}'],
      ['/api/v1/data/company/updateMany', '{"records":{}}'],
      ['/api/v1/batch', '{"operations":[],"atomic":false}'],
    ]) {
      const answer = await ask(400, 'POST', path, body);
      assert.equal(answer.code, 'invalid_format', path);
    }
    const query = await ask(400, 'POST', '/api/v1/data/city/query', { were: {} });
    assert.deepEqual([query.code, /'where'/.test(query.message)], ['invalid_query', true]);
  });

  test('names of parameters that other servers take', async () => {
    const expected = sorted(names(cities.filter(({ country }) => country === 'de'))).reverse().slice(1, 2);
    for (const query of [
      'country=de&sort=-name&top=1&skip=1&select=name',
      'filter=["country","=","de"]&orderBy=name desc&limit=1&offset=1&fields=name',
      'filters=[["country","=","de"]]&sort=name:desc&limit=1&offset=1&fields=name',
      'where={"country":"de"}&sort=-name&limit=1&offset=1&fields=name',
      '$filter={"country":{"$eq":"de"}}&$orderby=name desc&$top=1&$skip=1&$select=name',
    ]) {
      const page = await ask(200, 'GET', `/api/v1/data/city?${encodeURI(query)}`);
      assert.deepEqual([names(page.records), page.total], [expected, 3], query);
    }
    const unknown = await ask(400, 'GET', '/api/v1/data/city?$where=1');
    assert.equal(unknown.code, 'invalid_query');
    const broken = await ask(400, 'GET', '/api/v1/data/city?filter=[');
    assert.equal(broken.code, 'invalid_filter');
  });

  test('parameters of fields count only where no filter is given', async () => {
    const page = await ask(200, 'GET', `/api/v1/data/city?filter=${encodeURIComponent('["country","=","de"]')}&country=at`);
    assert.equal(page.total, 3);
  });

  test('one record with a choice of fields and its relations', async () => {
    const answer = await ask(200, 'GET', '/api/v1/data/city/c02?select=name,twin&expand=twin');
    assert.deepEqual(Object.keys(answer.record).sort(), ['name', 'twin']);
    assert.equal(answer.record.twin.name, 'Paris');
  });

  test('a view under both of its addresses', async () => {
    const [older, newer] = [await ask(200, 'GET', '/api/v1/ui/view/city?type=list'), await ask(200, 'GET', '/api/v1/ui/view/city/list')];
    assert.deepEqual(older, newer);
  });

  test('a method that a known address does not have', async () => {
    const answer = await raw('PUT', '/api/v1/data/city');
    assert.deepEqual([answer.status, answer.json.code, answer.headers.get('allow')], [405, 'method_not_allowed', 'GET, HEAD, POST, OPTIONS']);
  });

  test('pages in a browser may read what they need', async () => {
    const answer = await raw('OPTIONS', '/api/v1/data/city', undefined, {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'content-type,authorization,if-match,x-tenant-id',
    });
    assert.equal(answer.status, 204, answer.text);
    assert.equal(answer.headers.get('access-control-allow-origin'), 'http://localhost:5173');
    const header = (name) => (answer.headers.get(`access-control-${name}`) ?? '').toLowerCase();
    for (const method of ['get', 'post', 'put', 'patch', 'delete']) assert.ok(header('allow-methods').includes(method), method);
    for (const name of ['content-type', 'authorization', 'if-match', 'if-none-match', 'if-modified-since', 'accept-language', 'x-tenant-id']) {
      assert.ok(header('allow-headers').includes(name), name);
    }
  });
});
