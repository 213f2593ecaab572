// `perform(scenario)` for any Node from 20.19 without flags: loads the TypeScript adapter through tsx.
//
//     node compare.mjs --impl test/otp/adapter.mjs
import { tsImport } from 'tsx/esm/api';

export const { perform } = await tsImport('./adapter.ts', import.meta.url);
