import { conformance } from './conformance.mjs';

await conformance('3.0.6');
