import { conformance } from './conformance.mjs';

await conformance('2.0.7');
