import type { Program } from './project.js';

/** A program that a user of the installed package might write, and what it prints. */
export interface Snippet extends Program {
  readonly prints: string;
}

const ENTRY_POINTS = [
  'treewarden',
  'treewarden/child',
  'treewarden/logs',
  'treewarden/control',
  'treewarden/resources',
  'treewarden/testing',
  'treewarden/tsyringe',
];

/** What acquires and releases, in a tree that is its own task, fork and thread; with koffi and without it alike. */
export const RESOURCE_SNIPPETS: readonly Snippet[] = [
  {
    name: 'a task, a fork and a thread acquire, and everything is released in ESM',
    format: 'esm',
    code: `
      import { existsSync } from 'node:fs';
      import { fileURLToPath } from 'node:url';
      import { fork, supervise, supervisor, task, thread } from 'treewarden';
      import { ctx, expose } from 'treewarden/child';
      import { temporaryDirectory } from 'treewarden/resources';
      const here = fileURLToPath(import.meta.url);
      ${acquiresEverywhere()}`,
    prints: 'granted granted granted released released released true',
  },
  {
    name: 'a task, a fork and a thread acquire, and everything is released in CommonJS',
    format: 'cjs',
    code: `
      const { existsSync } = require('node:fs');
      const { fork, supervise, supervisor, task, thread } = require('treewarden');
      const { ctx, expose } = require('treewarden/child');
      const { temporaryDirectory } = require('treewarden/resources');
      const here = __filename;
      ${acquiresEverywhere()}`,
    prints: 'granted granted granted released released released true',
  },
];

/** Add a case here: a whole program in either format, run in an empty project that has the tarball and tsyringe. */
export const SNIPPETS: readonly Snippet[] = [
  ...RESOURCE_SNIPPETS,
  {
    name: 'every error is called what its class is called, in CommonJS too',
    format: 'cjs',
    code: `
      const surface = { ...require('treewarden'), ...require('treewarden/resources') };
      const errors = Object.entries(surface).filter(([name]) => name.endsWith('Error'));
      console.log(errors.length > 20, errors.filter(([name, error]) => error.name !== name).map(([name]) => name));`,
    prints: 'true []',
  },
  ...ENTRY_POINTS.map((entry) => ({
    name: `import ${entry}`,
    format: 'esm' as const,
    code: `
      import 'reflect-metadata';
      const surface = await import('${entry}');
      console.log(Object.keys(surface).length > 0);`,
    prints: 'true',
  })),
  ...ENTRY_POINTS.map((entry) => ({
    name: `require ${entry}`,
    format: 'cjs' as const,
    code: `
      require('reflect-metadata');
      const surface = require('${entry}');
      console.log(Object.keys(surface).length > 0);`,
    prints: 'true',
  })),
  {
    name: 'names shared by entry points are one thing in ESM',
    format: 'esm',
    code: `
      import * as main from 'treewarden';
      import * as child from 'treewarden/child';
      import * as resources from 'treewarden/resources';
      import * as testing from 'treewarden/testing';
      ${sharedNamesAreOneThing()}`,
    prints: 'one thing each',
  },
  {
    name: 'names shared by entry points are one thing in CommonJS',
    format: 'cjs',
    code: `
      const main = require('treewarden');
      const child = require('treewarden/child');
      const resources = require('treewarden/resources');
      const testing = require('treewarden/testing');
      ${sharedNamesAreOneThing()}`,
    prints: 'one thing each',
  },
  {
    name: 'a class is a child in ESM',
    format: 'esm',
    code: `
      import 'reflect-metadata';
      import { container } from 'tsyringe';
      import { supervise, supervisor } from 'treewarden';
      import { classChild, withContainer } from 'treewarden/tsyringe';
      ${runsAClass()}`,
    prints: 'shop/mailer disposed completed',
  },
  {
    name: 'a class is a child in CommonJS',
    format: 'cjs',
    code: `
      require('reflect-metadata');
      const { container } = require('tsyringe');
      const { supervise, supervisor } = require('treewarden');
      const { classChild, withContainer } = require('treewarden/tsyringe');
      ${runsAClass()}`,
    prints: 'shop/mailer disposed completed',
  },
  {
    name: 'every kind finds the code that it loads late in ESM',
    format: 'esm',
    code: `
      import { createServer } from 'node:net';
      import { fileURLToPath } from 'node:url';
      import { command, fork, supervise, supervisor, task, thread } from 'treewarden';
      const here = fileURLToPath(import.meta.url);
      ${startsEveryKind()}`,
    prints: 'ready ready ready ready stopped',
  },
  {
    name: 'every kind finds the code that it loads late in CommonJS',
    format: 'cjs',
    code: `
      const { createServer } = require('node:net');
      const { command, fork, supervise, supervisor, task, thread } = require('treewarden');
      const here = __filename;
      ${startsEveryKind()}`,
    prints: 'ready ready ready ready stopped',
  },
  {
    name: 'treewarden loads itself, nothing more',
    format: 'cjs',
    code: `
      for (const entry of ['treewarden', 'treewarden/child', 'treewarden/resources', 'treewarden/testing']) require(entry);
      const owners = Object.keys(require.cache).flatMap((file) => /node_modules.([^\\\\/]+)/.exec(file)?.[1] ?? []);
      console.log([...new Set(owners)].sort().join(), 'getMetadata' in Reflect);`,
    prints: 'treewarden false',
  },
  {
    name: 'importing does nothing',
    format: 'esm',
    code: importing([
      'treewarden',
      'treewarden/logs',
      'treewarden/resources',
      'treewarden/testing',
      'treewarden/tsyringe',
    ]),
    prints: '',
  },
  {
    name: 'treewarden/child leaves nothing but its own symbol in a program that nobody supervises',
    format: 'esm',
    code: importing(['treewarden/child']),
    prints: 'Symbol(treewarden/program/v1)',
  },
];

/** Prints the traces that imports leave. The standard streams are made by Node on first use, of its own modules too. */
function importing(entries: readonly string[]): string {
  return `
      process.stdout;
      process.stderr;
      const traces = () => [
        ...Object.getOwnPropertyNames(globalThis),
        ...Object.getOwnPropertySymbols(globalThis).map(String),
        ...process.eventNames().map((name) => String(name) + process.listenerCount(name)),
        process.getActiveResourcesInfo().join(),
      ];
      const before = traces();
      for (const entry of ${JSON.stringify(entries)}) await import(entry);
      console.log(traces().filter((trace) => !before.includes(trace)).join());`;
}

/** The program is its own fork and its own thread. */
function startsEveryKind(): string {
  return `
      const serve = ['serve'];
      const untilAsked = (ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
      if (process.argv[2] === 'serve') setInterval(() => undefined, 1000);
      else {
        const server = createServer().listen(0, async () => {
          const children = [
            command('command', process.execPath, [here, ...serve]),
            fork('fork', here, { args: serve }),
            thread('thread', here, { args: serve }),
            task('task', untilAsked, { ready: { port: server.address().port } }),
          ];
          const app = await supervise(supervisor('kinds', { children }));
          const statuses = app.snapshot().children.map(({ status }) => status);
          await app.stop();
          server.close();
          console.log(...statuses, (await app.done).type);
        });
      }`;
}

/** Each child acquires a directory and tells its path; once the tree has stopped, none of them is there. */
function acquiresEverywhere(): string {
  return `
      if (process.argv[2] === 'serve') {
        expose({ acquire: async () => (await ctx.resources.acquire(temporaryDirectory())).path });
        ctx.ready();
      } else {
        let path;
        const mine = task('task', async (own) => {
          path = (await own.resources.acquire(temporaryDirectory())).path;
          own.ready();
          await new Promise((resolve) => own.signal.addEventListener('abort', resolve));
        }, { ready: 'explicit' });
        const settings = { args: ['serve'], ready: 'explicit' };
        const children = [mine, fork('fork', here, settings), thread('thread', here, settings)];
        supervise(supervisor('kinds', { children })).then(async (app) => {
          const paths = [path, ...(await Promise.all(['fork', 'thread'].map((id) => app.child(id).call('acquire', []))))];
          const granted = paths.map((one) => (existsSync(one) ? 'granted' : 'missing'));
          const { failures } = await app.stop();
          const released = paths.map((one) => (existsSync(one) ? 'left' : 'released'));
          console.log(...granted, ...released, failures.length === 0);
        });
      }`;
}

function runsAClass(): string {
  return `
      const said = [];
      class Mailer {
        async run(ctx) { said.push(ctx.path); }
        dispose() { said.push('disposed'); }
      }
      const children = [classChild('mailer', Mailer, { restart: 'transient', significant: true })];
      supervise(supervisor('shop', { autoShutdown: 'any_significant', children }), withContainer(container))
        .then((app) => app.done)
        .then(({ type }) => console.log([...said, type].join(' ')));`;
}

function sharedNamesAreOneThing(): string {
  return `
    const twins = [child, resources, testing].flatMap((entry) =>
      Object.keys(entry).filter((name) => name in main && name !== 'default' && main[name] !== entry[name]));
    console.log(twins.length === 0 ? 'one thing each' : twins);`;
}
