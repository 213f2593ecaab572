import type { HealthCheck } from '../../../core/index.js';
import type { IncarnationHost } from '../../../runtime/index.js';
import { tryConnect } from '../connect.js';
import type { ProcessIdentity } from '../proc.js';
import type { HealthOptions } from '../process-options.js';
import { type Reading, readUsage } from '../usage.js';
import { type Answer, RepeatedQuestion } from './question.js';
import { lookEvery, type Unwatch } from './round.js';

/** Whose health is watched. */
export interface Patient {
  /** Its processes at this moment. */
  members(): readonly ProcessIdentity[];
  /** Whether it is paused: it is not judged then, and starts afresh when it goes on. */
  isPaused(): boolean;
  /** What its processes use; given by tests. @defaultValue what `/proc` says */
  readonly read?: (members: readonly ProcessIdentity[]) => readonly Reading[];
}

/**
 * Watches a program that is ready, until the returned function is called: the first check that fails as often in a row as it may is a fault, and ends the
 * watch. What becomes of it is for the restart policy to say.
 *
 * `ageMs` is recycling, and needs one look: the exit says so by its `check: 'age'`.
 */
export function watchHealth(
  host: Pick<IncarnationHost, 'clock' | 'fault'>,
  options: HealthOptions,
  patient: Patient,
): Unwatch {
  const watch = new HealthWatch(host, options, patient);
  return () => watch.end();
}

const EVERY_MS = 10_000;
const TIMES = 3;

class HealthWatch {
  readonly #host: Pick<IncarnationHost, 'clock' | 'fault'>;
  readonly #options: HealthOptions;
  readonly #patient: Patient;
  readonly #sinceMs: number;
  readonly #questions: readonly RepeatedQuestion[];
  readonly #ended = new AbortController();
  readonly #unwatch: Unwatch;
  /** Failures in a row of each check. */
  readonly #failures = new Map<HealthCheck, number>();
  /** What all its processes had used at the last look. */
  #before: { readonly atMs: number; readonly cpuMs: number } | undefined;

  constructor(host: Pick<IncarnationHost, 'clock' | 'fault'>, options: HealthOptions, patient: Patient) {
    this.#host = host;
    this.#options = options;
    this.#patient = patient;
    this.#sinceMs = host.clock.now();
    this.#questions = [...this.#askProbe(), ...this.#askPort()];
    this.#unwatch = lookEvery(host.clock, options.everyMs ?? EVERY_MS, () => this.#look());
  }

  end(): void {
    this.#unwatch();
    this.#ended.abort();
  }

  #look(): void {
    if (this.#patient.isPaused()) return this.#startAfresh();
    this.#judgeAge();
    this.#judgeUsage();
    if (this.#ended.signal.aborted) return;
    for (const question of this.#questions) question.look();
  }

  #startAfresh(): void {
    this.#failures.clear();
    this.#before = undefined;
    for (const question of this.#questions) question.forget();
  }

  #judgeAge(): void {
    const { ageMs } = this.#options;
    const ranMs = this.#host.clock.now() - this.#sinceMs;
    if (ageMs !== undefined && ranMs >= ageMs)
      this.#fault('age', `it has run for ${Math.round(ranMs)} ms; its ageMs is ${ageMs}`);
  }

  #judgeUsage(): void {
    const { memoryBytes, cpuPercent } = this.#options;
    if (memoryBytes === undefined && cpuPercent === undefined) return;
    const readings = (this.#patient.read ?? readUsage)(this.#patient.members());
    if (memoryBytes !== undefined) this.#judgeMemory(readings, memoryBytes);
    if (cpuPercent !== undefined) this.#judgeCpu(readings, cpuPercent);
  }

  #judgeMemory(readings: readonly Reading[], limitBytes: number): void {
    const bytes = readings.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    this.#count(
      'memory',
      bytes <= limitBytes
        ? 'well'
        : { failure: `${processes(readings)} ${memory(bytes)} of memory, above ${memory(limitBytes)}` },
    );
  }

  /** By what is used together, those included that ended since and were waited for: their time is then their parent's. */
  #judgeCpu(readings: readonly Reading[], limitPercent: number): void {
    const now = {
      atMs: this.#host.clock.now(),
      cpuMs: readings.reduce((sum, { cpuMs, reapedCpuMs }) => sum + cpuMs + reapedCpuMs, 0),
    };
    const before = this.#before;
    this.#before = now;
    if (before === undefined || now.atMs <= before.atMs) return;
    const percent = (100 * (now.cpuMs - before.cpuMs)) / (now.atMs - before.atMs);
    this.#count(
      'cpu',
      percent <= limitPercent
        ? 'well'
        : {
            failure: `${processes(readings)} used ${Number(percent.toPrecision(3))} % of a processor, above ${limitPercent} %`,
          },
    );
  }

  #askProbe(): readonly RepeatedQuestion[] {
    const { probe } = this.#options;
    if (probe === undefined) return [];
    return [new RepeatedQuestion(probe, 'its probe failed', (answer) => this.#count('probe', answer))];
  }

  #askPort(): readonly RepeatedQuestion[] {
    const { port, host = '127.0.0.1' } = this.#options;
    if (port === undefined) return [];
    const connects = (): Promise<boolean> => tryConnect(port, host, this.#ended.signal).then(() => true);
    const failure = `its port ${host}:${port} accepts no connection`;
    return [new RepeatedQuestion(connects, failure, (answer) => this.#count('port', answer))];
  }

  #count(check: HealthCheck, answer: Answer): void {
    const { times = TIMES } = this.#options;
    const failures = answer === 'well' ? 0 : (this.#failures.get(check) ?? 0) + 1;
    this.#failures.set(check, failures);
    if (answer === 'well' || failures < times) return;
    this.#fault(check, times === 1 ? answer.failure : `${answer.failure}, ${times} times in a row`);
  }

  #fault(check: HealthCheck, detail: string): void {
    if (this.#ended.signal.aborted) return;
    this.end();
    this.#host.fault({ type: 'unhealthy', check, detail });
  }
}

function processes(readings: readonly Reading[]): string {
  return readings.length === 1 ? 'it has' : `its ${readings.length} processes have`;
}

function memory(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
