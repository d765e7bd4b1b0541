// The whole table for one version of the client: every method of `data` and `meta` is driven and what it answers is checked.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { methodsOf, open } from './harness.mjs';
import { aggregates } from './suites/aggregates.mjs';
import { bulk } from './suites/bulk.mjs';
import { caller } from './suites/caller.mjs';
import { discovery } from './suites/discovery.mjs';
import { filters } from './suites/filters.mjs';
import { metadata } from './suites/metadata.mjs';
import { reading } from './suites/reading.mjs';
import { saving } from './suites/saving.mjs';
import { schemas } from './suites/schemas.mjs';
import { views } from './suites/views.mjs';
import { writing } from './suites/writing.mjs';

/** Methods that no suite drives, by version, with the reason. The list may only become shorter. */
const leftOut = {
  '2.0.7': {},
  '3.0.6': {},
  '4.0.4': {},
  '17.4.0': {},
};

export async function conformance(version) {
  const lab = await open(version);
  describe(`client ${version}`, () => {
    for (const suite of [discovery, caller, reading, filters, aggregates, writing, bulk, metadata, saving, views, schemas]) {
      describe(suite.name, () => suite(lab));
    }
    test('no method of data, meta and views is left out', () => {
      const methods = [...methodsOf(lab, 'data'), ...methodsOf(lab, 'meta'), ...methodsOf(lab, 'views')];
      const missing = methods.filter((name) => !lab.driven.has(name));
      assert.deepEqual(missing.sort(), Object.keys(leftOut[version]).sort());
    });
  });
}
