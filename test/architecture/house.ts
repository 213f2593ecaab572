/**
 * The plan of the house (ARCHITECTURE.md), as data: what each room may import, which packages it lets in,
 * and what it alone may touch. `test/architecture.test.ts` holds `src/` to it.
 */
export interface House {
  readonly rooms: Readonly<Record<string, Room>>;
  /** Third-party packages and the rooms that may import them. A package not listed stays outside. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
  /** Things only some files may touch. */
  readonly reserved: readonly Reserved[];
}

export interface Room {
  /** Rooms whose door this room may import, or a single file that is an entry point of its own; `index.ts` is the package's public surface. */
  readonly imports: readonly string[];
  /** May it import `node:` modules? */
  readonly node: boolean;
  /** Further doors, for those who load little of it and late: a bundler cannot part what one `index.ts` lists. */
  readonly doors?: readonly string[];
}

export interface Reserved {
  /** What is wrong where it is used, in words. */
  readonly because: string;
  /** `name` for a global, `object.name` for a property of one, `new Name` for a construction without arguments. */
  readonly uses: readonly string[];
  /** Modules that offer the same thing by import. */
  readonly modules: readonly string[];
  /** Rooms, or single files, that may use it all the same. */
  readonly except: readonly string[];
}

const middle = (): Room => ({ imports: ['core', 'runtime'], node: true });

export const HOUSE: House = {
  rooms: {
    core: { imports: [], node: false },
    runtime: { imports: ['core'], node: true },
    children: { ...middle(), doors: ['children/process/helper/spawn-helper.ts'] },
    resources: { ...middle(), doors: ['resources/opening.ts'] },
    signals: middle(),
    pool: middle(),
    boot: middle(),
    control: middle(),
    testing: middle(),
    /** The front door: `supervise()` composes a tree, a signal trap and a stop. */
    app: {
      imports: ['core', 'runtime', 'children', 'signals', 'resources', 'pool', 'boot', 'control'],
      node: true,
    },
    /** `doctor` and `reclaim` work when no program runs that one could ask; `run` is a program as others write them. */
    cli: { imports: ['control', 'resources', 'index.ts', 'children/logs.ts'], node: true },
    dashboard: { imports: ['control'], node: true },
    adapters: { imports: ['index.ts'], node: true },
    'index.ts': {
      imports: ['core', 'runtime', 'children', 'resources', 'signals', 'pool', 'boot', 'control', 'app'],
      node: false,
    },
  },
  packages: {
    eventemitter3: ['runtime'],
    'p-retry': ['children', 'control', 'resources'],
    tsyringe: ['adapters'],
    koffi: ['resources'],
  },
  reserved: [
    {
      because: 'a library never ends its host',
      uses: ['process.exit', 'process.reallyExit'],
      modules: [],
      except: ['cli'],
    },
    {
      because: 'a library never prints',
      uses: ['console'],
      modules: ['node:console'],
      except: ['cli'],
    },
    {
      because: 'only runtime/clock.ts reads the time or sets a timer',
      uses: [
        'setTimeout',
        'setInterval',
        'Date.now',
        'new Date',
        'performance.now',
        'process.hrtime',
        'AbortSignal.timeout',
      ],
      modules: ['node:timers', 'node:timers/promises', 'node:perf_hooks'],
      except: ['runtime/clock.ts', 'runtime/machine-time.ts', 'cli', 'dashboard'],
    },
  ],
};
