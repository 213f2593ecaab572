import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ServiceDirectoryOptions, serviceDirectory } from '../../../src/children/index.js';
import type { SupervisionEvent } from '../../../src/core/index.js';
import { Supervisor } from '../../../src/runtime/index.js';

/** The files of a service by name; those called `run` and `finish` are made executable. */
export type Files = Readonly<Record<string, string>>;

const EXECUTABLE = /(^|\/)(run|finish)$/;

/** A directory of services in a place of its own, and the tree that keeps them. */
export class ServiceDirectory {
  readonly root: string = mkdtempSync(join(tmpdir(), 'treewarden-services-'));
  readonly path: string = join(this.root, 'service');
  readonly events: SupervisionEvent[] = [];
  tree: Supervisor | undefined;
  #arrived = new Set<() => void>();

  constructor() {
    mkdirSync(this.path);
  }

  /** Makes a service elsewhere, and puts it in place complete: `ln -s`, as the documentation of all of them says. */
  write(name: string, files: Files, at = this.path): string {
    const dir = join(at, name);
    for (const [file, content] of Object.entries(files)) {
      const path = join(dir, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      if (EXECUTABLE.test(file)) chmodSync(path, 0o755);
    }
    return dir;
  }

  async start(options: ServiceDirectoryOptions = {}): Promise<Supervisor> {
    const each = { stdout: 'capture', stderr: 'capture', ...options.each } as const;
    const tree = new Supervisor(serviceDirectory('services', this.path, { ...options, each }));
    this.tree = tree;
    tree.on('*', (event) => {
      this.events.push(event);
      for (const run of this.#arrived) run();
    });
    await tree.start();
    return tree;
  }

  /** The first event, from the `after`-th on, that fits; waits for it. */
  async event(fits: (event: SupervisionEvent) => boolean, after = 0): Promise<SupervisionEvent> {
    for (;;) {
      const found = this.events.slice(after).find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const run = (): void => {
          this.#arrived.delete(run);
          resolve();
        };
        this.#arrived.add(run);
      });
    }
  }

  ready(id: string, incarnation = 1): Promise<SupervisionEvent> {
    return this.event(
      (one) =>
        one.type === 'child:ready' && one.child === `services/${id}` && one.incarnation === incarnation,
    );
  }

  removed(id: string): Promise<SupervisionEvent> {
    return this.event((one) => one.type === 'child:removed' && one.child === `services/${id}`);
  }

  noted(text: string | RegExp): Promise<SupervisionEvent> {
    return this.event((one) => one.type === 'child:noted' && one.note.search(text) >= 0);
  }

  get notes(): readonly string[] {
    return this.events.flatMap((one) => (one.type === 'child:noted' ? [one.note] : []));
  }

  /** The ids of the services and their loggers. */
  get ids(): readonly string[] {
    return (this.tree?.whichChildren() ?? [])
      .map(({ id }) => id)
      .filter((id) => id !== '.scan')
      .sort();
  }

  /** What a file in the root holds by now. */
  read(name: string): string {
    const path = join(this.root, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async remove(): Promise<void> {
    await this.tree?.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Writes down its arguments, and runs until it is asked to end. */
export const SLEEPS = '#!/bin/sh\nexec sleep 1000\n';
