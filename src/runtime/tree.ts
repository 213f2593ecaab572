import {
  type AutoShutdown,
  type ChildSettings,
  checkChild,
  checkId,
  checkMaxChildren,
  checkNames,
  checkSupervisor,
  checkUnique,
  InvalidSpecError,
  type SupervisorSettings,
} from '../core/index.js';
import { type ChildSpec, isDriver } from './driver.js';
import { supervisorDriver } from './supervisor-driver.js';

/** The settings of a supervisor as a child of another one; its own restart follows its parent's backoff, and its exits have no causes. */
export type BranchSettings = Pick<
  ChildSettings,
  'restart' | 'significant' | 'shutdown' | 'startTimeoutMs' | 'survivor'
>;

/** A supervisor with a fixed list of children, as data. */
export interface SupervisorSpec<
  Id extends string = string,
  Children extends readonly ChildSpec[] = readonly ChildSpec[],
> extends BranchSettings,
    ChildSpec<Id> {
  readonly kind: 'supervisor';
  readonly policy: SupervisorSettings;
  readonly children: Children;
  /** @internal Its children have nothing to do with each other: the stop of one holds up no request for another. */
  readonly independent?: true;
}

/** A supervisor whose children are instances of one template, as data. */
export interface DynamicSpec<Id extends string = string, Args extends readonly unknown[] = readonly unknown[]>
  extends BranchSettings,
    ChildSpec<Id> {
  readonly kind: 'dynamic';
  readonly policy: SupervisorSettings;
  readonly maxChildren: number;
  /** Makes the spec of an instance from the arguments of `startChild`. */
  readonly template: (...args: Args) => ChildSpec;
}

/** Either kind of supervisor. */
// biome-ignore lint/suspicious/noExplicitAny: a template's arguments are contravariant, so only any admits every dynamic spec.
export type AnySupervisorSpec = SupervisorSpec | DynamicSpec<string, any>;

/** The options of {@link supervisor}. */
export interface SupervisorOptions<Children extends readonly ChildSpec[] = readonly ChildSpec[]>
  extends BranchSettings,
    SupervisorSettings {
  /** In start order. */
  readonly children?: Children;
}

/** The options of {@link dynamic}. */
export interface DynamicOptions extends BranchSettings, Omit<SupervisorSettings, 'strategy' | 'stopOrder'> {
  /**
   * How many instances there may be, from 1, or `Infinity`.
   * @defaultValue `Infinity`
   */
  readonly maxChildren?: number;
}

/**
 * Describes a supervisor: it starts its children in order, watches them, restarts them by policy, and stops them in reverse order.
 *
 * @throws InvalidSpecError for the first thing that is wrong with it or its children.
 */
export function supervisor<
  const Id extends string,
  const Children extends readonly ChildSpec[] = readonly [],
>(id: Id, options: SupervisorOptions<Children> = {}): SupervisorSpec<Id, Children> {
  const subject = `supervisor ${quote(id)}`;
  checkId(subject, id);
  checkSupervisor(subject, options);
  checkNames(subject, options, STATIC_OPTIONS);
  const { children: given = [], ...rest } = options;
  checkChildren(id, given, options.autoShutdown);
  // A copy: what is done to the caller's array afterwards, such as adding this very spec to it, changes nothing here.
  const children = [...given] as readonly ChildSpec[] as Children;
  const { policy, branch } = split(rest);
  const spec: SupervisorSpec<Id, Children> = {
    ...branch,
    id,
    kind: 'supervisor',
    policy,
    children,
    driver: supervisorDriver(() => spec),
  };
  checkBranch(spec);
  return spec;
}

/**
 * Describes a supervisor of instances that come and go: OTP's simple_one_for_one. Instances are started with `startChild(...args)`, are
 * independent of each other, and stop together.
 *
 * @param template - makes the spec of an instance from the arguments of `startChild`; its id gets a number appended, so that instances can be
 * told apart. A spec instead of a function serves for all.
 * @throws InvalidSpecError for the first thing that is wrong with it.
 */
export function dynamic<const Id extends string, Args extends readonly unknown[] = []>(
  id: Id,
  template: ChildSpec | ((...args: Args) => ChildSpec),
  options: DynamicOptions = {},
): DynamicSpec<Id, Args> {
  const subject = `dynamic supervisor ${quote(id)}`;
  checkId(subject, id);
  checkSupervisor(subject, options);
  checkNames(subject, options, DYNAMIC_OPTIONS);
  const { maxChildren = Number.POSITIVE_INFINITY, ...rest } = options;
  checkMaxChildren(subject, maxChildren);
  checkTemplate(subject, template, options.autoShutdown);
  const { policy, branch } = split(rest);
  const spec: DynamicSpec<Id, Args> = {
    ...branch,
    id,
    kind: 'dynamic',
    policy,
    maxChildren,
    template: typeof template === 'function' ? template : () => template,
    driver: supervisorDriver(() => spec),
  };
  checkBranch(spec);
  return spec;
}

const BRANCH_OPTIONS: readonly (keyof BranchSettings)[] = [
  'restart',
  'significant',
  'shutdown',
  'startTimeoutMs',
  'survivor',
];
const POLICY_OPTIONS: readonly (keyof SupervisorSettings)[] = [
  'strategy',
  'intensity',
  'periodMs',
  'autoShutdown',
  'giveUpAs',
  'stopOrder',
  'backoff',
];
const STATIC_OPTIONS: readonly string[] = ['children', ...POLICY_OPTIONS, ...BRANCH_OPTIONS];
const DYNAMIC_OPTIONS: readonly string[] = [
  'maxChildren',
  ...POLICY_OPTIONS.filter((name) => name !== 'strategy' && name !== 'stopOrder'),
  ...BRANCH_OPTIONS,
];

/** Whether a spec is that of a supervisor of either kind. */
export function isSupervisorSpec(spec: { readonly kind: string }): spec is AnySupervisorSpec {
  return (spec.kind === 'supervisor' || spec.kind === 'dynamic') && 'policy' in spec;
}

function checkChildren(id: string, children: unknown, autoShutdown: AutoShutdown | undefined): void {
  if (!Array.isArray(children)) {
    throw new InvalidSpecError(`supervisor ${quote(id)}`, {
      rule: 'invalid_child_spec',
      field: 'children',
      value: children,
      expected: 'an array of child specs',
    });
  }
  for (const child of children) checkChild(child, autoShutdown, isDriver);
  checkUnique(
    id,
    children.map((child: ChildSpec) => child.id),
  );
}

function checkTemplate(subject: string, template: unknown, autoShutdown: AutoShutdown | undefined): void {
  if (typeof template === 'function') return;
  if (typeof template !== 'object' || template === null || Array.isArray(template)) {
    throw new InvalidSpecError(subject, {
      rule: 'bad_start_spec',
      field: 'template',
      value: template,
      expected: 'one child spec, or a function that returns one',
    });
  }
  checkChild(template, autoShutdown, isDriver);
}

/** A supervisor is a child, too; whether it may be significant is known only to its own parent. */
function checkBranch(spec: ChildSpec): void {
  const { significant: _, ...rest } = spec;
  checkChild(rest, 'never', isDriver);
}

function split<Options extends BranchSettings & SupervisorSettings>(
  options: Options,
): { readonly policy: SupervisorSettings; readonly branch: BranchSettings } {
  const { strategy, intensity, periodMs, autoShutdown, giveUpAs, stopOrder, backoff, ...branch } = options;
  const policy = { strategy, intensity, periodMs, autoShutdown, giveUpAs, stopOrder, backoff };
  // Safe: what is left of the options once the policy is taken out.
  return { policy: given(policy), branch: branch as BranchSettings };
}

function given(
  settings: { [K in keyof SupervisorSettings]: SupervisorSettings[K] | undefined },
): SupervisorSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function quote(id: unknown): string {
  return typeof id === 'string' ? `"${id}"` : 'without a valid id';
}
