// Metadata that is written while the host runs, and what newer clients do with whole objects: copies, files in and out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cities, fieldCodes, names, raw, refusal, sorted } from '../harness.mjs';

const missing = { status: 404, category: 'not_found' };

export function saving(lab) {
  const { data, meta } = lab.client;
  const old = lab.major < 17 && 'not in this version';
  const name = `note_${lab.version.replaceAll('.', '_')}_${Date.now().toString(36)}`;
  const definition = (fields) => ({ name, label: 'Note', pluralLabel: 'Notes', fields });
  const title = { type: 'text', label: 'Title', required: true };

  test('an object that is saved can be used at once', async () => {
    const saved = await meta.saveItem('object', name, definition({ title }));
    assert.equal(saved.success, true, JSON.stringify(saved));
    const item = await meta.getItem('object', name);
    assert.deepEqual([item.name, item.label, item.fields.title.required], [name, 'Note', true]);
    assert.ok((await meta.getItems('object')).items.some((other) => other.name === name));
    const made = await data.create(name, { title: 'first' });
    assert.equal((await data.get(name, made.id)).record.title, 'first');
    assert.equal((await data.find(name)).total, 1);
    await refusal(data.create(name, {}), { status: 400, code: 'validation_error', category: 'validation' });
    assert.equal((await meta.getView(name, 'list')).list.columns[0].field, 'title');
  });

  test('saved again with a new field, its records stay', async () => {
    const before = await meta.getCached(name);
    await meta.saveItem('object', name, definition({ title, stars: { type: 'number', label: 'Stars' } }));
    const { records } = await data.find(name);
    assert.deepEqual(records.map(({ title: text, stars }) => [text, stars]), [['first', null]]);
    await data.update(name, records[0].id, { stars: 4 });
    assert.equal((await data.query(name, { where: { stars: 4 } })).total, 1);
    const after = await meta.getCached(name, { ifNoneMatch: `"${before.etag.value}"` });
    assert.notEqual(after.etag.value, before.etag.value, 'what changed has another tag');
  });

  test('what an app declares, and what is no definition, is not saved', async () => {
    await refusal(meta.saveItem('object', 'city', definition({ title })), { status: 400, code: 'validation_error', category: 'validation' });
    await refusal(meta.saveItem('object', 'city', { ...definition({ title }), name: 'city' }), { status: 409, code: 'resource_conflict', category: 'conflict' });
    const other = `${name}_x`;
    const wrong = { ...definition({ title: { type: 'txet' } }), name: other };
    const error = await refusal(meta.saveItem('object', other, wrong), { status: 400, code: 'validation_error', category: 'validation' });
    assert.match(error.message, /txet/);
    await refusal(meta.getItem('object', other), { ...missing, code: 'object_not_found' });
    assert.equal((await meta.getItem('object', 'city')).label, 'City');
  });

  test('views, apps and other kinds are saved like objects', async () => {
    const view = `${name}_view`;
    const saved = { name: view, object: name, list: { label: 'My Notes', columns: [{ field: 'stars' }, { field: 'title' }] } };
    assert.equal((await meta.saveItem('view', view, saved)).success, true);
    assert.equal((await meta.getItem('view', view)).object, name);
    assert.deepEqual((await meta.getView(name, 'list')).list.columns.map(({ field }) => field), ['stars', 'title']);
    await remove('view', view);
    assert.equal((await meta.getView(name, 'list')).list.columns[0].field, 'title');
  });

  test('who says which version it saw overwrites no other', { skip: old }, async () => {
    const item = `${name}_app`;
    const first = await meta.saveItem('app', item, { label: 'one' });
    await meta.saveItem('app', item, { label: 'two' }, { ifMatch: first.version });
    const stale = { status: 409, code: 'concurrent_modification', category: 'conflict' };
    await refusal(meta.saveItem('app', item, { label: 'three' }, { ifMatch: first.version }), stale);
    await refusal(meta.deleteItem('app', item, { ifMatch: first.version }), stale);
    assert.equal((await meta.getItem('app', item)).label, 'two');
    await meta.deleteItem('app', item, { ifMatch: '2' });
  });

  test('what is odd is told item by item', { skip: old }, async () => {
    const { entries, total, scannedItems } = await meta.getDiagnostics({ type: 'object' });
    assert.equal(entries.length, total);
    assert.ok(scannedItems > 0);
    assert.ok(entries.every(({ type, diagnostics }) => type === 'object' && diagnostics.valid));
  });

  test('versions: told, compared and taken back', { skip: old }, async () => {
    const { events } = await meta.getHistory('object', name);
    assert.deepEqual(events.map(({ seq, op, ref, version }) => [seq, op, ref.type, ref.name, version]), [
      [1, 'create', 'object', name, 1],
      [2, 'update', 'object', name, 2],
    ]);
    assert.ok(events.every(({ ts }) => Date.parse(ts) > 0));
    assert.deepEqual((await meta.getHistory('object', name, { sinceSeq: 1 })).events.map(({ seq }) => seq), [2]);
    const same = await meta.diffItem('object', name, { from: 2, to: 2 });
    assert.deepEqual([same.added, same.removed, same.changed], [[], [], []]);
    const grown = await meta.diffItem('object', name);
    assert.deepEqual([grown.type, grown.name, grown.fromVersion, grown.toVersion], ['object', name, 1, 2]);
    assert.deepEqual(grown.added, [
      { path: 'fields.stars.label', value: 'Stars' },
      { path: 'fields.stars.type', value: 'number' },
    ]);
    const back = await meta.rollbackItem('object', name, 2);
    assert.deepEqual([back.success, back.restoredFromVersion], [true, 2]);
    const { events: deeds } = await meta.getAudit('object', name, { limit: 2 });
    assert.deepEqual(deeds.map(({ operation, outcome }) => [operation, outcome]), [['rollback', 'allowed'], ['save', 'allowed']]);
    assert.ok(deeds.every(({ occurredAt, actor }) => Date.parse(occurredAt) > 0 && actor.length > 0));
    // What is saved is in use at once: there are no drafts, and nothing is left to publish.
    assert.deepEqual((await meta.listDrafts()).drafts, []);
    const published = await meta.publishItem('object', name);
    assert.deepEqual([published.success, published.seq], [true, (await meta.getHistory('object', name)).events.at(-1).seq]);
    await refusal(meta.getHistory('object', `${name}_never`), { ...missing, code: 'resource_not_found' });
    await refusal(meta.rollbackItem('object', name, 99), { ...missing, code: 'resource_not_found' });
  });

  test('what is stored in older spellings is shown, and rewritten when that is wanted', { skip: !meta.migrateStored && 'not in this version' }, async () => {
    const older = `${name}_older`;
    await meta.saveItem('object', older, { fields: { title: { type: 'string', max_length: 9 } } });
    const row = ({ rows }) => rows.find((each) => each.name === older);
    const shown = await meta.migrateStored();
    assert.deepEqual([shown.applied, shown.rewritten, row(shown).status], [false, 0, 'pending']);
    assert.equal(shown.scanned, shown.canonical + shown.pending);
    assert.equal(row(await meta.migrateStored({ types: ['app'] })), undefined);
    const done = await meta.migrateStored({ apply: true, types: ['object'] });
    assert.deepEqual([done.applied, done.pending, done.failed, row(done).status], [true, 0, 0, 'rewritten']);
    assert.equal(row(await meta.migrateStored()), undefined);
    assert.equal((await meta.getItem('object', older)).fields.title.maxLength, 9);
    await meta.deleteItem('object', older);
  });

  test('every package has a book without pages', { skip: !meta.getBookTree && 'not in this version' }, async () => {
    const book = await meta.getBookTree('atlas');
    assert.deepEqual([book.name, book.groups], ['atlas', []]);
    await refusal(meta.getBookTree('nothing'), { ...missing, code: 'resource_not_found' });
  });

  async function remove(type, item) {
    if (meta.deleteItem) return meta.deleteItem(type, item);
    const answer = await raw('DELETE', `/api/v1/meta/${type}/${item}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  test('deleted, it is gone, and told in the words of every version', async () => {
    const gone = await remove('object', name);
    assert.deepEqual([gone.type, gone.name, gone.deleted, gone.success, gone.reset], ['object', name, true, true, true]);
    await refusal(meta.getItem('object', name), { ...missing, code: 'object_not_found' });
    await refusal(data.find(name), { ...missing, code: 'object_not_found' });
    if (!meta.deleteItem) return;
    await refusal(meta.deleteItem('object', name), { ...missing, code: 'resource_not_found' });
    await refusal(meta.deleteItem('object', 'city'), { status: 409, code: 'resource_conflict', category: 'conflict' });
  });

  test('a copy of a record', { skip: old }, async () => {
    const source = (await data.create('company', { name: lab.name('Source'), revenue: 7, tags: ['a'] })).record;
    const wanted = lab.name('Copy');
    const copy = await data.clone('company', source.id, { name: wanted });
    assert.equal(lab.last().status, 201);
    assert.deepEqual([copy.object, copy.sourceId, copy.record.id], ['company', source.id, copy.id]);
    assert.notEqual(copy.id, source.id);
    assert.deepEqual([copy.record.name, copy.record.revenue, copy.record.tags], [wanted, 7, ['a']]);
    const bare = await refusal(data.clone('company', source.id), { status: 400, code: 'validation_error', category: 'validation' });
    assert.deepEqual(fieldCodes(bare), { name: 'required' }, 'what must be unique is not copied');
    await refusal(data.clone('company', 'nobody', {}), { ...missing, code: 'record_not_found' });
    const contract = (await data.create('contract', { company: source.id, amount: 1 })).record;
    const again = (await data.clone('contract', contract.id)).record;
    assert.notEqual(again.number, contract.number, 'a number of its own');
    assert.equal(again.amount, 1);
  });

  test('a file of records', { skip: old }, async () => {
    const json = await data.export('city', { format: 'json', orderby: 'name:desc', filter: ['country', '=', 'de'] });
    assert.match(json.headers.get('content-disposition'), /attachment; filename="city\.json"/);
    assert.deepEqual(names(await json.json()), ['Bremen', 'Berlin', 'Aachen']);
    const csv = await data.export('city', { format: 'csv', orderby: { name: 'asc' } });
    assert.match(csv.headers.get('content-type'), /^text\/csv/);
    const lines = (await csv.text()).trimEnd().split('\r\n');
    assert.equal(lines.length, 13);
    assert.ok(lines[0].startsWith('id,name,country,inhabitants'), lines[0]);
    assert.ok(lines[1].startsWith('c01,Aachen,de,249000,160.85,0765-12-25'), lines[1]);
    const bare = await (await data.export('city', { format: 'csv', header: false, limit: 2, orderby: 'name:asc' })).text();
    assert.equal(bare.trimEnd().split('\r\n').length, 2);
    assert.ok(bare.startsWith('c01,'));
    const some = await (await data.export('city', { format: 'json', limit: 5 })).json();
    assert.equal(some.length, 5);
    assert.ok(some.every((city) => cities.some((other) => other.name === city.name)));
    await refusal(data.export('citi'), { ...missing, code: 'object_not_found' });
  });

  test('a file of rows comes in', { skip: old }, async () => {
    const [first, second] = [lab.name('Row'), lab.name('Row')];
    const rows = [{ name: first, revenue: 1 }, { name: 'x' }, { name: second, revenue: 2 }];
    const tried = await data.import('company', { rows, dryRun: true });
    assert.deepEqual([tried.dryRun, tried.total, tried.ok, tried.errors], [true, 3, 2, 1]);
    const there = async () => (await data.query('company', { where: { name: { $in: [first, second] } } })).total;
    assert.equal(await there(), 0, 'nothing is stored by a trial');
    const put = await data.import('company', { rows, writeMode: 'insert' });
    assert.deepEqual([put.object, put.writeMode, put.total, put.ok, put.errors, put.created, put.updated], ['company', 'insert', 3, 2, 1, 2, 0]);
    assert.deepEqual(put.results.map(({ row, ok, action }) => [row, ok, action]), [
      [1, true, 'created'],
      [2, false, 'failed'],
      [3, true, 'created'],
    ]);
    assert.equal(await there(), 2);
    const csv = `Company,Takings\r\n${first},10\r\n${lab.name('Row')},20\r\n`;
    const upserted = await data.import('company', { csv, mapping: { Company: 'name', Takings: 'revenue' }, writeMode: 'upsert', matchFields: ['name'] });
    assert.deepEqual([upserted.total, upserted.created, upserted.updated, upserted.errors], [2, 1, 1, 0], JSON.stringify(upserted));
    const found = await data.query('company', { where: { name: first } });
    assert.equal(found.records[0].revenue, 10);
    assert.deepEqual(sorted(upserted.results.map(({ action }) => action)), ['created', 'updated']);
  });

  test('files in by a job: watched, told row by row, undone', { skip: old }, async () => {
    const [first, second] = [lab.name('Job'), lab.name('Job')];
    const rows = [{ name: first, revenue: 1 }, { revenue: 2 }, { name: second }];
    const begun = await data.createImportJob('company', { rows, writeMode: 'insert' });
    assert.deepEqual([begun.object, begun.total], ['company', 3]);
    let job = await data.getImportJobProgress(begun.jobId);
    while (job.status === 'running') job = await data.getImportJobProgress(begun.jobId);
    assert.deepEqual([job.status, job.processed, job.created, job.errors, job.undoable], ['succeeded', 3, 2, 1, true]);
    const { results } = await data.getImportJobResults(begun.jobId);
    assert.deepEqual(results.map(({ row, action }) => [row, action]), [[1, 'created'], [2, 'failed'], [3, 'created']]);
    const listed = await data.listImportJobs({ object: 'company', limit: 5 });
    assert.ok(listed.some(({ jobId }) => jobId === begun.jobId));
    assert.equal((await data.cancelImportJob(begun.jobId)).status, 'succeeded', 'what is over stays as it is');
    const undone = await data.undoImportJob(begun.jobId);
    assert.deepEqual([undone.success, undone.deleted, undone.restored, undone.failed], [true, 2, 0, 0]);
    assert.equal((await data.query('company', { where: { name: { $in: [first, second] } } })).total, 0);
    await refusal(data.undoImportJob(begun.jobId), { status: 409, code: 'resource_conflict', category: 'conflict' });
    await refusal(data.getImportJobProgress('nobody'), { ...missing, code: 'record_not_found' });
  });
}
