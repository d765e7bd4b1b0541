import { conformance } from './conformance.mjs';

await conformance('17.4.0');
