import { expect, test } from 'vitest';
import { treeAmong } from '../../../src/cli/run/find-tree.js';
import { supervisor, task } from '../../../src/index.js';

const shop = supervisor('shop');
const bank = supervisor('bank');
const job = task('job', async () => undefined);

test.each([
  ['the default export', { default: shop, bank }, undefined, shop],
  ['the only tree', { bank, setting: 3, make: () => shop }, undefined, bank],
  ['the only tree beside a child of its own', { job, bank }, undefined, bank],
  ['a lone child, where there is no tree', { job }, undefined, job],
  ['one tree under two names', { bank, other: bank }, undefined, bank],
  ['the export of that name', { default: shop, bank }, 'bank', bank],
  ['the tree of that id', { default: shop }, 'shop', shop],
])('is %s', (_, exports, name, tree) => {
  expect(treeAmong(exports, './trees.js', name)).toBe(tree);
});

test.each([
  [{}, undefined, /trees\.js exports nothing\. Export what supervisor\(\) returns/],
  [{ port: 3 }, undefined, /exports port, none of which is a tree/],
  [{ shop, bank }, undefined, /several trees: shop, bank\. Say which: treewarden run \.\/trees\.js shop\./],
  [{ shop, bank }, 'bnak', /no tree "bnak"\. Did you mean "bank"\?/],
  [{ shop, bank }, 'xyz', /There are: shop, bank\./],
])('is refused with what there is and what to do', (exports, name, message) => {
  expect(() => treeAmong(exports, './trees.js', name)).toThrow(message);
});
