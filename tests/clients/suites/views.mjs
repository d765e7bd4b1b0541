// Views of an object: what older clients do with them. Newer ones have no such methods.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal, sorted } from '../harness.mjs';

const missing = { status: 404, code: 'resource_not_found', category: 'not_found' };

export function views(lab) {
  const { views: own, meta } = lab.client;
  const gone = !own && 'not in this version';
  const list = (columns) => ({ label: 'Wide', columns: columns.map((field) => ({ field })) });
  const ids = ({ views: found }) => found.map(({ name }) => name);

  test('without any there is the generated one', { skip: gone }, async () => {
    const found = await own.list('contract');
    assert.equal(found.object, 'contract');
    assert.deepEqual(ids(found), ['default']);
    assert.deepEqual(sorted(Object.keys(found.views[0])), ['form', 'list', 'name', 'object']);
    assert.deepEqual(Object.keys((await own.list('contract', 'form')).views[0]).includes('list'), false);
    const { view } = await own.get('contract', 'default');
    assert.deepEqual(view.list, (await meta.getView('contract', 'list')).list);
    await refusal(own.list('contrakt'), { ...missing, code: 'object_not_found' });
    await refusal(own.get('contract', 'nothing'), missing);
  });

  test('made, listed, read, changed and taken away', { skip: gone }, async () => {
    const name = lab.id('view').replaceAll('-', '_');
    const made = await own.create('company', { name, list: list(['name', 'revenue']) });
    assert.deepEqual([made.object, made.viewId, made.view.name, made.view.object], ['company', name, name, 'company']);
    assert.deepEqual(ids(await own.list('company')), [name]);
    assert.deepEqual(ids(await own.list('company', 'list')), [name]);
    assert.deepEqual((await meta.getView('company', 'list')).list.columns.map(({ field }) => field), ['name', 'revenue']);
    const changed = await own.update('company', name, { list: list(['revenue', 'name']) });
    assert.deepEqual([changed.object, changed.viewId, changed.view.list.columns[0].field], ['company', name, 'revenue']);
    assert.deepEqual((await own.get('company', name)).view, changed.view);
    await refusal(own.create('company', { name, list: list(['name']) }), { status: 409, code: 'resource_conflict', category: 'conflict' });
    await refusal(own.get('person', name), missing);
    await refusal(own.update('company', name, { list: list(['nmae']) }), { status: 400, code: 'validation_error', category: 'validation' });
    const gone = await own.delete('company', name);
    assert.deepEqual([gone.object, gone.viewId, gone.success], ['company', name, true]);
    await refusal(own.delete('company', name), missing);
    assert.deepEqual(ids(await own.list('company')), ['default']);
  });

  test('a view without a name gets one', { skip: gone }, async () => {
    const { viewId } = await own.create('company', { form: { label: 'Company' } });
    assert.match(viewId, /^company\./);
    assert.equal((await own.get('company', viewId)).view.form.label, 'Company');
    await own.delete('company', viewId);
  });
}
