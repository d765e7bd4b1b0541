// Finding the host, and using the routes that it advertises.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base, open } from '../harness.mjs';

export function discovery(lab) {
  test('the first address that the client probes answers', async () => {
    const fresh = await open(lab.version);
    const probes = fresh.sent.map(({ path, status }) => [path, status]);
    const first = lab.major >= 4 ? '/api/v1/discovery' : '/.well-known/objectstack';
    assert.deepEqual(probes, [[first, 200]]);
  });

  test('connect answers the document, unwrapped', () => {
    const { version, apiName, routes, services } = lab.discovery;
    assert.equal(typeof version, 'string');
    assert.equal(typeof apiName, 'string');
    assert.equal(routes.data, '/api/v1/data');
    assert.equal(routes.metadata, '/api/v1/meta');
    assert.equal(routes.ui, '/api/v1/ui');
    for (const name of ['permissions', 'views']) {
      assert.equal(routes[name], undefined, `${name} has another tail in each version and must not be advertised`);
    }
    for (const name of ['data', 'metadata']) {
      assert.deepEqual({ enabled: services[name].enabled, status: services[name].status }, { enabled: true, status: 'available' });
    }
  });

  test('capabilities are read as flags', { skip: lab.major < 4 && 'not in this version' }, () => {
    const flags = lab.client.capabilities;
    const told = lab.discovery.capabilities;
    for (const [name, value] of Object.entries(flags)) {
      assert.equal(value, told[name]?.enabled ?? false, name);
    }
    if (lab.major >= 11) assert.equal(flags.transactionalBatch, true);
  });

  test('a base address may end with a slash', async () => {
    const fresh = await open(lab.version, { address: `${base}/` });
    assert.equal((await fresh.client.data.find('city', { top: 1 })).total, 12);
  });

  test('a client that never connected uses its built-in routes', async () => {
    const fresh = await open(lab.version, { connected: false });
    assert.equal((await fresh.client.data.get('city', 'c01')).record.name, 'Aachen');
    assert.equal((await fresh.client.meta.getItem('object', 'city')).name, 'city');
    assert.deepEqual(fresh.sent.map(({ path }) => path), ['/api/v1/data/city/c01', '/api/v1/meta/object/city']);
  });
}
