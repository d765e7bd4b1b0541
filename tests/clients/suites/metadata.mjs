// What the apps declare, read by kind and name, from cache, and as views.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../harness.mjs';

const missing = { status: 404, category: 'not_found' };

export function metadata(lab) {
  const { meta } = lab.client;

  test('kinds', async () => {
    const { types } = await meta.getTypes();
    for (const kind of ['object', 'view', 'app', 'flow', 'permission']) assert.ok(types.includes(kind), kind);
  });

  test('items of a kind, by its name in the singular and the plural', async () => {
    const { type, items } = await meta.getItems('object');
    assert.equal(type, 'object');
    for (const name of ['city', 'company', 'person', 'contract', 'ledger']) assert.ok(items.some((item) => item.name === name), name);
    assert.equal(items.find(({ name }) => name === 'city').fields.country.type, 'select');
    assert.deepEqual((await meta.getItems('objects')).items, items);
    assert.deepEqual(await meta.getItems('no_such_kind'), { type: 'no_such_kind', items: [] });
    assert.ok((await meta.getItems('app')).items.some(({ name }) => name === 'atlas'));
    assert.ok((await meta.getItems('view')).items.some(({ object }) => object === 'city'));
  });

  test('items of one package', async () => {
    const { items } = await meta.getItems('object', { packageId: 'atlas' });
    assert.deepEqual(items.map(({ name }) => name).sort(), ['city', 'company', 'contract', 'ledger', 'person']);
    assert.deepEqual((await meta.getItems('object', { packageId: 'elsewhere' })).items, []);
  });

  test('one item, for readers of either habit', async () => {
    const city = await meta.getItem('object', 'city');
    assert.deepEqual([city.name, city.label, city.type], ['city', 'City', 'object']);
    assert.deepEqual(city.fields.twin.reference, 'city');
    assert.equal(city.fields.name.required, true);
    assert.deepEqual(city.fields.country.options.map(({ value }) => value), ['at', 'fr', 'de', 'it']);
    assert.deepEqual(city.item.fields, city.fields);
    assert.equal(city.item.name, 'city');
    assert.deepEqual(await meta.getItem('objects', 'city'), city);
    assert.equal((await meta.getItem('object', 'city', { packageId: 'atlas' })).name, 'city');
    // Older clients leave the package out.
    if (lab.major >= 4) await refusal(meta.getItem('object', 'city', { packageId: 'elsewhere' }), { ...missing, code: 'object_not_found' });
    const app = await meta.getItem('app', 'atlas');
    assert.deepEqual([app.name, app.item.label, app.item.navigation.length], ['atlas', 'Atlas', 2]);
  });

  test('an object by name', { skip: !meta.getObject && 'not in this version' }, async () => {
    assert.deepEqual(await meta.getObject('city'), await meta.getItem('object', 'city'));
    await refusal(meta.getObject('citi'), { ...missing, code: 'object_not_found' });
  });

  test('items that are not there', async () => {
    const error = await refusal(meta.getItem('object', 'citi'), { ...missing, code: 'object_not_found' });
    assert.match(error.message, /'city'/);
    await refusal(meta.getItem('app', 'nothing'), { ...missing, code: 'resource_not_found' });
    await refusal(meta.getItem('no_such_kind', 'x'), { ...missing, code: 'resource_not_found' });
  });

  test('what refers to an item', { skip: lab.major < 17 && 'not in this version' }, async () => {
    const places = async (type, name) => (await meta.getReferences(type, name)).references.map((found) => [found.type, found.name, found.path, found.kind]);
    const company = await places('object', 'company');
    assert.ok(company.some((found) => found.join(' ') === 'object person fields.company.reference reference'), company.join('; '));
    assert.ok(company.some((found) => found.join(' ') === 'app atlas navigation.1.objectName objectName'), company.join('; '));
    const city = await places('object', 'city');
    assert.ok(city.some(([type, , path]) => type === 'view' && path === 'object'), city.join('; '));
    assert.deepEqual(await places('object', 'ledger'), []);
    await refusal(meta.getReferences('object', 'citi'), { ...missing, code: 'object_not_found' });
  });

  test('an item as it is in use', { skip: lab.major < 17 && 'not in this version' }, async () => {
    assert.deepEqual(await meta.getPublished('object', 'city'), await meta.getItem('object', 'city'));
  });

  test('which states may follow one', { skip: lab.major < 17 && 'not in this version' }, async () => {
    const next = (from) => meta.getLegalNextStates('contract', 'status', from);
    assert.deepEqual(await next('draft'), { object: 'contract', field: 'status', from: 'draft', next: ['active'] });
    assert.deepEqual((await next('ended')).next, []);
    assert.deepEqual((await next('unheard of')).next, [], 'a value that no rule names may become nothing, as a write would find');
    assert.deepEqual(await next(), { object: 'contract', field: 'status', from: null, next: null });
    assert.equal((await meta.getLegalNextStates('city', 'country', 'de')).next, null, 'no rule, no answer');
    await refusal(meta.getLegalNextStates('contract', 'state', 'x'), { status: 400, code: 'invalid_field', category: 'validation' });
    await refusal(meta.getLegalNextStates('contracts', 'status', 'x'), { ...missing, code: 'object_not_found' });
  });

  test('an item from cache', async () => {
    const first = await meta.getCached('city');
    assert.equal(first.notModified, false);
    assert.equal(first.data.name, 'city');
    assert.equal(first.etag.weak, false);
    assert.match(first.etag.value, /^[\w-]+$/);
    assert.ok(Date.parse(first.lastModified) > 0);
    const tag = `"${first.etag.value}"`;
    // Every published client takes 304 for a failure before it looks at it; the answer is right all the same.
    const unchanged = async (options) => {
      await assert.rejects(meta.getCached('city', options), (error) => error.httpStatus === 304);
      assert.deepEqual([lab.last().status, lab.last().headers.get('etag')], [304, tag]);
    };
    await unchanged({ ifNoneMatch: tag });
    await unchanged({ ifModifiedSince: first.lastModified });
    const other = await meta.getCached('city', { ifNoneMatch: '"other"' });
    assert.deepEqual(other.etag, first.etag);
    const stale = await meta.getCached('city', { ifModifiedSince: 'Mon, 01 Jan 2001 00:00:00 GMT' });
    assert.equal(stale.data.name, 'city');
    await refusal(meta.getCached('citi'), { ...missing, code: 'object_not_found' });
  });

  test('a view that the app declares', async () => {
    const { list, form } = await meta.getView('city', 'list');
    assert.equal(form, undefined);
    assert.deepEqual([list.name, list.columns.map(({ field }) => field)], ['city_list', ['name', 'country', 'inhabitants']]);
    assert.equal(list.type, 'grid', 'the type is filled in where the app says none');
    assert.deepEqual((await meta.getView('city')).list, list, 'a list is what is meant when nothing is said');
  });

  test('a view that nobody declared is made from the object', async () => {
    const { form } = await meta.getView('company', 'form');
    const fields = form.sections.flatMap((section) => section.fields);
    assert.equal(fields.find(({ field }) => field === 'name').required, true);
    assert.ok(fields.some(({ field }) => field === 'revenue'));
    const { list } = await meta.getView('company', 'list');
    assert.equal(list.columns[0].field, 'name');
    assert.deepEqual(list.searchableFields, ['name']);
    await refusal(meta.getView('citi', 'list'), { ...missing, code: 'object_not_found' });
    await refusal(meta.getView('city', 'map'), { status: 400, code: 'invalid_query', category: 'validation' });
  });
}
