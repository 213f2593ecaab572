// import.mjs <entry point | nothing | node modules>: from the start of the process to the first line after an import, and what it adds to the heap.

const [what] = process.argv.slice(2);
const dist = process.env.BENCH_DIST ?? new URL('../../dist', import.meta.url).href;
const NODE_MODULES = ['node:child_process', 'node:worker_threads', 'node:events', 'node:async_hooks'];
const IMPORTS = { nothing: [], 'node modules': NODE_MODULES }[what] ?? [`${dist}/${what}.js`];

const beforeBytes = heapBytes();
const begunAtMs = performance.now();
await Promise.all(IMPORTS.map((specifier) => import(specifier)));
// performance.now() counts from the start of the process.
const startMs = performance.now();
report({ startMs, importMs: startMs - begunAtMs, heapBytes: Math.max(1, heapBytes() - beforeBytes) });

function heapBytes() {
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function report(measurements) {
  process.stdout.write(JSON.stringify(measurements));
}
