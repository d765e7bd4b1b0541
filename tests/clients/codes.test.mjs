// The error document, code by code: what stands in it, and where clients of each age look for it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { raw } from './harness.mjs';

const run = Date.now().toString(36);
const make = async (object, fields) => {
  const answer = await raw('POST', `/api/v1/data/${object}`, fields);
  assert.equal(answer.status, 201, answer.text);
  return answer.json.record;
};

const taken = await make('company', { name: `Taken ${run}` });
const depended = await make('company', { name: `Depended ${run}` });
await make('contract', { company: depended.id });
const entry = await make('ledger', { entry: 'first' });

const company = '/api/v1/data/company';
const query = (body) => ['POST', '/api/v1/data/city/query', body];

/** Code, status, category, and requests that must be answered so. */
const table = [
  ['validation_error', 400, 'validation', [
    ['POST', company, {}],
    ['PATCH', `${company}/${taken.id}`, { revenue: -1 }],
    ['POST', `${company}/createMany`, [{ name: 'x' }]],
  ]],
  ['invalid_field', 400, 'validation', [
    ['POST', company, { name: `Odd ${run}`, colour: 'red' }],
    query({ where: { mayor: 1 } }),
    query({ fields: ['mayor'] }),
  ]],
  ['invalid_format', 400, 'validation', [
    ['POST', company, '{'],
    ['POST', company, '[1]'],
    ['POST', `${company}/batch`, { operation: 'replace', records: [] }],
    ['POST', '/api/v1/batch', { operations: {} }],
  ]],
  ['duplicate_value', 400, 'validation', [['POST', company, { name: taken.name }]]],
  ['invalid_query', 400, 'validation', [
    query({ limit: 'all' }),
    query({ wher: {} }),
    query({ aggregations: [{ function: 'median', field: 'area', alias: 'x' }] }),
    ['GET', '/api/v1/data/city?top=-1'],
    ['GET', '/api/v1/data/city?$where=1'],
    ['GET', '/api/v1/ui/view/city?type=map'],
  ]],
  ['invalid_filter', 400, 'validation', [
    query({ where: { name: { $matches: 'x' } } }),
    ['GET', '/api/v1/data/city?filter=['],
    ['GET', '/api/v1/data/city?inhabitants=many'],
  ]],
  ['invalid_sort', 400, 'validation', [query({ orderBy: [{ field: 'mayor' }] }), ['GET', '/api/v1/data/city?sort=[{']]],
  ['max_records_exceeded', 400, 'validation', [['POST', `${company}/deleteMany`, { ids: Array.from({ length: 201 }, (_, index) => `x${index}`) }]]],
  ['permission_denied', 403, 'authorization', [
    ['PATCH', `/api/v1/data/ledger/${entry.id}`, { entry: 'other' }],
    ['DELETE', `/api/v1/data/ledger/${entry.id}`],
  ]],
  ['object_not_found', 404, 'not_found', [
    ['GET', '/api/v1/data/citi'],
    ['POST', '/api/v1/data/citi', {}],
    ['GET', '/api/v1/meta/object/citi'],
    ['GET', '/api/v1/ui/view/citi'],
    ['POST', '/api/v1/batch', { operations: [{ object: 'citi', action: 'create', data: {} }] }],
  ]],
  ['record_not_found', 404, 'not_found', [
    ['GET', '/api/v1/data/city/nobody'],
    ['PATCH', `${company}/nobody`, { revenue: 1 }],
    ['DELETE', `${company}/nobody`],
  ]],
  ['resource_not_found', 404, 'not_found', [['GET', '/api/v1/meta/app/nothing']]],
  ['endpoint_not_found', 404, 'not_found', [['GET', '/api/v1/nothing'], ['POST', '/api/data/city/replaceMany', []]]],
  ['delete_restricted', 409, 'conflict', [['DELETE', `${company}/${depended.id}`]]],
  ['concurrent_modification', 409, 'conflict', [['PATCH', `${company}/${taken.id}`, { revenue: 1 }, { 'if-match': '"2001-01-01T00:00:00.000Z"' }]]],
  ['method_not_allowed', 405, 'validation', [['PUT', '/api/v1/data/city']]],
];

/** The protocol's code for each reason why a field may be refused. */
const fieldTable = [
  [{ revenue: 1 }, 'name', 'required', 'missing_required_field'],
  [{ name: 'x' }, 'name', 'min_length', 'value_too_short'],
  [{ name: 'x'.repeat(61) }, 'name', 'max_length', 'value_too_long'],
  [{ revenue: -1 }, 'revenue', 'min_value', 'value_out_of_range'],
  [{ revenue: 2e9 }, 'revenue', 'max_value', 'value_out_of_range'],
  [{ revenue: 'x' }, 'revenue', 'invalid_number', 'invalid_format'],
  [{ active: 'x' }, 'active', 'invalid_boolean', 'invalid_format'],
  [{ founded: 'x' }, 'founded', 'invalid_date', 'invalid_format'],
  [{ visited_at: 'x' }, 'visited_at', 'invalid_date', 'invalid_format'],
  [{ email: 'x' }, 'email', 'invalid_email', 'invalid_format'],
  [{ website: 'x' }, 'website', 'invalid_url', 'invalid_format'],
  [{ name: 7 }, 'name', 'invalid_type', 'invalid_format'],
  [{ industry: 'x' }, 'industry', 'invalid_option', 'validation_error'],
  [{ city: 'x' }, 'city', 'reference_not_found', 'invalid_reference'],
];

const request = ([method, path, body, headers]) => raw(method, path, body, headers);

describe('the error document', () => {
  for (const [code, status, category, requests] of table) {
    for (const [method, path, body, headers] of requests) {
      test(`${code}: ${method} ${path.slice(0, 60)}`, async () => {
        const answer = await request([method, path, body, headers]);
        assert.equal(answer.status, status, answer.text);
        const { success, error, ...top } = answer.json;
        assert.equal(success, false);
        assert.deepEqual([error.code, error.category, error.httpStatus], [code, category, status], answer.text);
        assert.deepEqual([error.retryable, error.retryStrategy], [false, 'no_retry']);
        assert.ok(error.message.length > 0);
        assert.match(error.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.equal(error.requestId, answer.headers.get('x-request-id'));
        // Clients up to 4.0.4 read these at the top.
        assert.deepEqual([top.code, top.message, top.category, top.retryable], [code, error.message, category, false]);
        assert.deepEqual(top.details, error.details);
        assert.match(answer.headers.get('content-type'), /^application\/json/);
        for (const leak of ['sqlite', 'select ', 'panicked', '.rs:']) assert.ok(!answer.text.toLowerCase().includes(leak), leak);
      });
    }
  }

  for (const [fields, field, code, standard] of fieldTable) {
    test(`a field: ${code} of ${field}`, async () => {
      const record = { name: `Field ${run}`, ...fields };
      if (code === 'required') delete record.name;
      const { status, json } = await request(['POST', company, record]);
      assert.deepEqual([status, json.code], [400, 'validation_error']);
      const [short, ...more] = json.fields;
      assert.deepEqual([short.field, short.code, more], [field, code, []]);
      assert.ok(short.message.length > 0);
      assert.deepEqual(json.error.details.fields, json.fields);
      const [long] = json.error.fieldErrors;
      assert.deepEqual([long.field, long.code, long.message], [field, standard, short.message]);
    });
  }

  test('the rows of a bulk call have codes of their own', async () => {
    const { status, json } = await request(['POST', `${company}/batch`, { operation: 'create', records: [{ data: { name: `Row ${run}` } }, { data: { name: taken.name } }] }]);
    assert.equal(status, 200);
    const codes = json.results.map(({ errors }) => errors[0].code);
    assert.deepEqual(codes, ['transaction_failed', 'duplicate_value']);
  });
});
