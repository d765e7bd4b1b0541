import { conformance } from './conformance.mjs';

await conformance('4.0.4');
