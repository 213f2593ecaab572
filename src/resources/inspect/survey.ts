import { checkNames, type Leftover, type LimitFacts } from '../../core/index.js';
import { type BackendChoice, loadNative } from '../backend/choose.js';
import { type EntryReport, type ReclaimReport, reclaim } from '../guard/reclaim.js';
import { checkScope, stateDirPath } from '../guard/state-dir.js';
import { checkBackend, memoryDirPath } from '../registry/options.js';
import { type Capability, capabilities } from './capabilities.js';
import { unattachedSegments } from './leftovers.js';
import { filesOf, limits, sizeOf } from './limits.js';

/** Where to look for what dead programs have left. */
export interface LookOptions {
  /** @defaultValue all scopes of the state directory */
  readonly scope?: string;
  /** Absolute. @defaultValue where registries have it by default */
  readonly stateDir?: string;
  /** By what System V objects are removed; without anything native, `ipcrm` does it. @defaultValue `'auto'` */
  readonly backend?: BackendChoice;
}

/** Where to look, also at what there is room for. */
export interface SurveyOptions extends LookOptions {
  /** Absolute. @defaultValue where registries have it by default */
  readonly memoryDir?: string;
}

/** A machine, as far as shared resources are concerned. Plain data, fit for JSON. */
export interface Survey {
  readonly stateDir: string;
  readonly memoryDir: string;
  readonly capabilities: readonly Capability[];
  readonly limits: readonly LimitFacts[];
  /** System V segments that nobody has attached, whoever made them. */
  readonly leftovers: readonly (Leftover & { readonly makerDead: boolean; readonly reclaimable: boolean })[];
  /** What {@link reclaimLeftovers} would do. */
  readonly reclaim: ReclaimReport;
}

/**
 * Looks at this machine: what it can do, which limits it has, and what dead programs have left. Changes nothing.
 *
 * @throws InvalidSpecError if an option is wrong
 */
export async function survey(options: SurveyOptions = {}): Promise<Survey> {
  check('survey()', options, [...LOOK_OPTIONS, 'memoryDir']);
  const { backend = 'auto' } = options;
  const memoryDir = memoryDirPath(options.memoryDir);
  const plan = await look(options, true);
  const ours = new Set(plan.ledgers.flatMap(({ entries }) => entries.flatMap(segmentKeys)));
  return {
    stateDir: stateDirPath(options.stateDir),
    memoryDir,
    capabilities: await capabilities({ backend, memoryDir }),
    limits: [...limits(), ...[sizeOf(memoryDir), filesOf(memoryDir)].filter((limit) => limit !== undefined)],
    leftovers: unattachedSegments(({ key }) => ours.has(key)).map(({ segment: _, ...leftover }) => leftover),
    reclaim: plan,
  };
}

/**
 * Releases what dead programs of this user have left behind, as their ledgers tell: what the next start in each scope would release. Never
 * rejects for what cannot be released; that stands in the report.
 *
 * @throws InvalidSpecError if an option is wrong
 */
export async function reclaimLeftovers(options: LookOptions = {}): Promise<ReclaimReport> {
  check('reclaimLeftovers()', options, LOOK_OPTIONS);
  return look(options, false);
}

const LOOK_OPTIONS: readonly string[] = ['scope', 'stateDir', 'backend'];

/** A scope that is misspelt would mean all of them. */
function check(subject: string, options: LookOptions, known: readonly string[]): void {
  checkNames(subject, options, known);
  const { scope, backend = 'auto' } = options;
  if (scope !== undefined) checkScope(scope);
  checkBackend(subject, backend);
}

async function look(
  { scope, stateDir, backend = 'auto' }: LookOptions,
  dryRun: boolean,
): Promise<ReclaimReport> {
  return reclaim({ scope, stateDir: stateDirPath(stateDir), dryRun, native: await loadNative(backend) });
}

function segmentKeys(report: EntryReport): readonly number[] {
  return report.entry.type === 'sysv-shm' && report.outcome === 'would-release' ? [report.entry.key] : [];
}
