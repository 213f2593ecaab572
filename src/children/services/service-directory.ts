import {
  checkFields,
  checkNames,
  constantBackoff,
  type Field,
  type Fields,
  field,
  isObject,
  TEXT,
  within,
  words,
} from '../../core/index.js';
import { type ChildSpec, type SupervisorSpec, supervisor } from '../../runtime/index.js';
import { LateCode } from '../late.js';
import { type CommandOptions, command } from '../process/command.js';

/** The rules by which a service directory is read, where its makers differ. */
export type Tradition = 'runit' | 's6';

/** The options of {@link serviceDirectory}. */
export interface ServiceDirectoryOptions {
  /**
   * What every service gets beside what its files say, as the options of `command()`: limits, a user, environment, a place for its output. Loggers get
   * the same `stdout` and `stderr`, and nothing else of it.
   * @defaultValue `shutdown` is 10 000 ms, `stdout` and `stderr` are `'lines'`
   */
  readonly each?: Omit<CommandOptions, FixedOption>;
  /**
   * What its `finish` is told, and how long that may take.
   * @defaultValue `'s6'` for a service with a file that s6 alone knows, such as `notification-fd` or `timeout-finish`; else `'runit'`
   */
  readonly tradition?: Tradition;
  /** How many services there may be; those beyond are left alone, which is noted. @defaultValue `1000` */
  readonly maxServices?: number;
  /**
   * How often the directory is read without being asked, in ms, from 100.
   * @defaultValue never, as the kernel tells of changes; every 5 s where it cannot, as on network file systems
   */
  readonly rescanMs?: number;
}

/** What the directory itself says, or what keeping it means. */
export type FixedOption =
  | 'cwd'
  | 'envDir'
  | 'ready'
  | 'restart'
  | 'significant'
  | 'backoff'
  | 'afterExit'
  | 'afterExitMs'
  | 'exclusive';

/** The id of the child that reads the directory; no service can have it. */
const SCAN = '.scan';

const FIXED: Field = field('left out: the service directory sees to that', (value) => value === undefined);

const FIELDS: Fields<ServiceDirectoryOptions & { path: unknown }> = {
  path: field('the path of a directory', (value) => value !== '' && TEXT.holds(value)),
  each: field('an object of options', isObject),
  tradition: words('runit', 's6'),
  maxServices: within(1, 160_000),
  rescanMs: within(100, 2_147_483_647, false),
};

const EACH: Fields<Record<FixedOption, unknown>> = {
  cwd: FIXED,
  envDir: FIXED,
  ready: FIXED,
  restart: FIXED,
  significant: FIXED,
  backoff: FIXED,
  afterExit: FIXED,
  afterExitMs: FIXED,
  exclusive: FIXED,
};

const CODE = new LateCode(() => import('./scan.js'));

/**
 * A supervisor of the services that a directory lists, in the manner of daemontools, runit and s6: every subdirectory with an executable `run` is kept
 * running, for ever, as the child of its name; its `log/` as the child `<name>-log`. `docs/services.md` says what of a directory is heeded.
 *
 * Services come and go with their subdirectories, which the child `.scan` watches: its `reload()` has it look at once, and while it is down nothing
 * comes or goes. It is ready once the directory has been read, whether or not the services are.
 *
 * @param path - the directory, such as `/service`
 * @throws InvalidSpecError if an argument or option is wrong
 * @example
 * ```ts
 * await supervise(serviceDirectory('services', '/service'), { control: true });
 * ```
 */
export function serviceDirectory<const Id extends string>(
  id: Id,
  path: string,
  options: ServiceDirectoryOptions = {},
): SupervisorSpec<Id, readonly ChildSpec[]> {
  const subject = `"${String(id)}"`;
  checkNames(subject, options, Object.keys(FIELDS));
  checkFields(subject, { ...options, path: path ?? '' }, FIELDS);
  const { each = {} } = options;
  checkFields(subject, each, EACH, 'each.');
  command('each', './run', [], each);
  const driver = CODE.driver(({ Scan }, host) => new Scan(host, path, options), 'no calls');
  const children: readonly ChildSpec[] = [{ id: SCAN, kind: 'scan', driver }];
  const policy = { intensity: Number.POSITIVE_INFINITY, backoff: constantBackoff(1000, { free: 0 }) };
  // The spec itself, as its driver holds on to it: a service that takes long to stop is to hold up none of the others.
  return Object.assign(supervisor(id, { ...policy, children }), { independent: true } as const);
}
