import type {
  ConsumerFactory,
  ConsumerHooks,
  ConsumerInstance,
  ConsumerOptions,
  Supervisable,
} from '../children/index.js';
import type { AnySupervisorSpec, ChildSpec } from '../runtime/index.js';
import type { SuperviseOptions } from './options.js';
import type { LonePolicy, LoneTree } from './root.js';
import type { Supervised } from './supervised.js';

/** The options of {@link supervise} for a function or a consumer: also its hooks and settings, which would else stand in a spec. */
export type LoneOptions<C> = SuperviseOptions & LonePolicy & ConsumerOptions<C>;

/**
 * Runs a program: starts what it is given under a root supervisor, traps signals, and resolves once everything is ready.
 *
 * A tree is its own root. A lone child is put under a root named `root`, and the program ends with it; it is restarted for ever unless
 * `intensity` says otherwise. A function is a consumer's factory, or the work itself: it is transient, so it is run again when it fails and
 * not when it has returned. A signal drains and stops all, and is raised again when the program has nothing left to do.
 *
 * @throws InvalidSpecError if what is given, or an option, is wrong; nothing has started then.
 * @throws StartError if something cannot be started; what had been is stopped, and the process is as it was.
 * @throws StartInterruptedError if a signal arrives first; if nobody catches it, the program dies of the signal.
 * @example
 * ```ts
 * const app = await supervise(() => new Worker('mail', send, { connection }));
 * await app.done;
 * ```
 */
export function supervise<const Tree extends AnySupervisorSpec>(
  tree: Tree,
  options?: SuperviseOptions,
): Promise<Supervised<Tree>>;
export function supervise<const Child extends ChildSpec & { readonly policy?: undefined }>(
  child: Child,
  options?: SuperviseOptions & LonePolicy,
): Promise<Supervised<LoneTree<Child>>>;
export function supervise<C extends Supervisable>(
  make: ConsumerFactory<C>,
  options?: LoneOptions<C>,
): Promise<Supervised<LoneTree>>;
export function supervise<C>(
  make: ConsumerFactory<C>,
  options: LoneOptions<C> & Required<Pick<ConsumerHooks<C>, 'close'>>,
): Promise<Supervised<LoneTree>>;
export function supervise<C extends ConsumerInstance>(
  consumer: C,
  options?: LoneOptions<C> & { readonly restart?: 'temporary' },
): Promise<Supervised<LoneTree>>;
export async function supervise(what: unknown, options: LoneOptions<never> = {}): Promise<Supervised> {
  // Loaded by the first call, so that an import is cheap: until then nothing has started that a signal should have to wait for.
  const { run } = await import('./run.js');
  return run(what, options);
}
