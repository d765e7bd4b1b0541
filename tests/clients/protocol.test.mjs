// The documents with which the host describes itself: the OpenAPI document and discovery. What they say must be so.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { base, raw } from './harness.mjs';

const document = (await raw('GET', '/api/v1/openapi.json')).json;

/** A value for each name of a path's parameters; what is not here gets a name that nothing has. */
const parameters = { object: 'city', type: 'object', name: 'city', action: 'query', field: 'country' };

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([method]) => !['parameters', 'summary', 'description'].includes(method))
    .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

describe('openapi.json', () => {
  test('is a valid document of OpenAPI 3.1', async () => {
    assert.match(document.openapi, /^3\.1\./);
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.ok(result.valid, JSON.stringify(result.errors, null, 2));
    assert.equal(validator.version, '3.1');
  });

  test('names every parameter of every path', () => {
    for (const { path, method, operation } of operations) {
      const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      assert.deepEqual(named, inPath, `${method} ${path}`);
    }
  });

  test('says of each operation what it is for and how it fails', () => {
    for (const { path, method, operation } of operations) {
      assert.ok(operation.summary?.length > 0, `${method} ${path} has no summary`);
      assert.ok(operation.responses.default, `${method} ${path} does not say how it fails`);
    }
  });

  for (const { path, method } of operations) {
    test(`${method} ${path} is there`, async () => {
      const filled = path.replaceAll(/\{([^}]+)\}/g, (_, name) => parameters[name] ?? 'nothing-of-this-name');
      const abort = new AbortController();
      const answer = await fetch(base + filled, { method, headers: { 'content-type': 'application/json' }, signal: abort.signal });
      const body = answer.headers.get('content-type')?.includes('json') ? await answer.json() : undefined;
      // A stream of events would never end.
      abort.abort();
      assert.notEqual(answer.status, 405);
      assert.notEqual(body?.code, 'endpoint_not_found', `${method} ${filled}`);
      assert.ok(answer.status < 500, `${method} ${filled}: ${answer.status} ${JSON.stringify(body)}`);
    });
  }
});

/** What shows that a surface works: a request below its route, and what its answer holds. */
const probes = {
  data: ['/city?top=1', (body) => body.total === 12],
  metadata: ['/object/city', (body) => body.name === 'city'],
  discovery: ['', (body) => body.routes.data === '/api/v1/data'],
  ui: ['/view/city?type=list', (body) => body.list.columns.length > 0],
};

describe('discovery', () => {
  test('its three addresses agree', async () => {
    const [wellKnown, bare, older] = await Promise.all(
      ['/.well-known/objectstack', '/api/v1/discovery', '/api/v1'].map(async (path) => {
        const answer = await raw('GET', path);
        assert.equal(answer.status, 200, path);
        return answer.json;
      }),
    );
    assert.deepEqual(older, bare);
    assert.equal('data' in bare, false, 'a client would take it for an envelope');
    const { features, ...same } = wellKnown.data;
    assert.deepEqual(same, bare);
    assert.ok(Object.values(features).every((value) => typeof value === 'boolean'));
  });

  test('has what each version asks for', async () => {
    const { json } = await raw('GET', '/api/v1/discovery');
    for (const key of ['version', 'apiName', 'name']) assert.ok(json[key].length > 0, key);
    assert.ok(['production', 'sandbox', 'development'].includes(json.environment));
    assert.ok(json.locale.supported.includes(json.locale.default));
    assert.equal(json.schemaDiscovery.openapi, '/api/v1/openapi.json');
    for (const route of Object.values(json.routes)) assert.match(route, /^\/[^/]/, 'a path, not an address');
  });

  test('every route that it advertises works', async () => {
    const { routes } = (await raw('GET', '/api/v1/discovery')).json;
    for (const [key, route] of Object.entries(routes)) {
      assert.ok(probes[key], `nothing is known that shows that '${key}' works`);
      const [rest, holds] = probes[key];
      const answer = await raw('GET', route + rest);
      assert.equal(answer.status, 200, `${route}${rest}: ${answer.text}`);
      assert.ok(holds(answer.json), `${route}${rest}: ${answer.text}`);
      assert.ok(Object.keys(document.paths).some((path) => path.startsWith(route)), `${route} is not in openapi.json`);
    }
  });

  test('every service that it calls available has its route', async () => {
    const { services, routes } = (await raw('GET', '/api/v1/discovery')).json;
    for (const [name, service] of Object.entries(services)) {
      assert.equal(service.enabled, service.status === 'available', name);
      if (service.route) assert.ok(Object.values(routes).includes(service.route), name);
    }
  });
});
