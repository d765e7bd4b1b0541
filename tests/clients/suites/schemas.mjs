// Every answer against the schema that the client's own release of the protocol publishes for it.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import { raw } from '../harness.mjs';

const require = createRequire(import.meta.url);

/** The folder of schemas of the protocol that a client was built with. */
function folderOf(version) {
  const spec = createRequire(require.resolve(`client-${version}`)).resolve('@objectstack/spec');
  return `${spec.slice(0, spec.lastIndexOf('/dist/'))}/json-schema`;
}

/** Keys that a reader does not know are no mistake: one answer serves all versions. */
function opened(schema) {
  if (Array.isArray(schema)) return schema.map(opened);
  if (schema === null || typeof schema !== 'object') return schema;
  const entries = Object.entries(schema).filter(([key, value]) => key !== 'additionalProperties' || value !== false);
  return Object.fromEntries(entries.map(([key, value]) => [key, opened(value)]));
}

export function schemas(lab) {
  const { data, meta } = lab.client;
  const folder = folderOf(lab.version);
  const check = (name, answer) => {
    const schema = opened(JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8')));
    const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
    assert.ok(validate(answer), `${name}: ${JSON.stringify(validate.errors, null, 1)}\n${JSON.stringify(answer).slice(0, 500)}`);
  };
  const unpublished = (name) => !existsSync(`${folder}/${name}.json`) && 'this release publishes no such schema';
  const company = async () => (await data.create('company', { name: lab.name('Schema') })).record;

  test('discovery', () => check('api/Discovery', lab.discovery));
  test('GetDiscoveryResponse', () => check('api/GetDiscoveryResponse', lab.discovery));
  test('FindDataResponse', async () => {
    check('api/FindDataResponse', await data.find('city', { top: 5 }));
    check('api/FindDataResponse', await data.query('city', { where: { country: 'de' } }));
  });
  test('GetDataResponse', async () => check('api/GetDataResponse', await data.get('city', 'c02')));
  test('CreateDataResponse', async () => check('api/CreateDataResponse', await data.create('company', { name: lab.name('Schema') })));
  test('UpdateDataResponse', async () => check('api/UpdateDataResponse', await data.update('company', (await company()).id, { revenue: 1 })));
  test('DeleteDataResponse', async () => check('api/DeleteDataResponse', await data.delete('company', (await company()).id)));
  test('CreateManyDataResponse', async () => check('api/CreateManyDataResponse', await data.createMany('company', [{ name: lab.name('Schema') }])));
  test('BatchUpdateResponse, of each bulk call', async () => {
    const { id } = await company();
    const records = [{ id, data: { revenue: 2 } }];
    check('api/UpdateManyDataResponse', await data.updateMany('company', records));
    check('api/BatchUpdateResponse', await data.batch('company', { operation: 'update', records, options: { returnRecords: true } }));
    check('api/BatchUpdateResponse', await data.batch('company', { operation: 'upsert', records }));
    // Newer releases write the codes of errors in capitals; one server cannot do both.
    if (lab.major >= 5) return;
    check('api/BatchUpdateResponse', await data.batch('company', { operation: 'create', records: [{ data: { name: 'x' } }] }));
    check('api/DeleteManyDataResponse', await data.deleteMany('company', [id, 'nobody'], { atomic: false, continueOnError: true }));
  });
  test('GetMetaTypesResponse', async () => check('api/GetMetaTypesResponse', await meta.getTypes()));
  test('GetMetaItemsResponse', async () => check('api/GetMetaItemsResponse', await meta.getItems('object')));
  test('GetMetaItemResponse', async () => check('api/GetMetaItemResponse', await meta.getItem('object', 'city')));
  test('the definition of an object', { skip: unpublished('data/Object') }, async () => check('data/Object', (await meta.getItem('object', 'city')).item));
  test('answers about saved items', { skip: unpublished('api/ListDraftsResponse') }, async () => {
    const name = `schema_${Date.now().toString(36)}`;
    await meta.saveItem('app', name, { label: 'one' });
    check('api/AuditMetaItemResponse', await meta.getAudit('app', name));
    check('api/PublishMetaItemResponse', await meta.publishItem('app', name));
    check('api/ListDraftsResponse', await meta.listDrafts());
    check('api/GetMetaDiagnosticsResponse', await meta.getDiagnostics());
    await meta.deleteItem('app', name);
  });
  test('answers about jobs of imports', { skip: unpublished('api/ImportJobProgress') }, async () => {
    const job = await data.createImportJob('company', { rows: [{ name: lab.name('Schema') }] });
    check('api/CreateImportJobResponse', job);
    check('api/ImportJobProgress', await data.cancelImportJob(job.jobId));
    check('api/ImportJobResults', await data.getImportJobResults(job.jobId));
    check('api/ListImportJobsResponse', { jobs: await data.listImportJobs({ limit: 3 }) });
    check('api/UndoImportJobResponse', await data.undoImportJob(job.jobId));
  });
  test('DeleteViewResponse', { skip: unpublished('api/DeleteViewResponse') }, async () => {
    const { views } = lab.client;
    const { viewId } = await views.create('company', { list: { label: 'Short', columns: ['name'] } });
    check('api/DeleteViewResponse', await views.delete('company', viewId));
  });
  test('GetUiViewResponse', { skip: unpublished('api/GetUiViewResponse') }, async () => {
    check('api/GetUiViewResponse', await meta.getView('city', 'list'));
    check('api/GetUiViewResponse', await meta.getView('company', 'form'));
  });
  test('ListView', { skip: unpublished('ui/ListView') }, async () => {
    for (const object of ['city', 'company']) check('ui/ListView', (await meta.getView(object, 'list')).list);
  });
  test('errors', { skip: lab.major >= 5 && 'codes are spelled in another way' }, async () => {
    for (const [method, path, body] of [
      ['POST', '/api/v1/data/company', {}],
      ['GET', '/api/v1/data/city/nobody'],
      ['POST', '/api/v1/data/city/query', { where: { mayor: 1 } }],
    ]) {
      const { json } = await raw(method, path, body);
      check('api/ErrorResponse', json);
      check('api/EnhancedApiError', json.error);
    }
  });
}
