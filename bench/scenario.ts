/** What is measured, and against whom. */
export interface Scenario {
  /** How often each contender runs; they take turns, and medians are quoted. */
  readonly rounds: number;
  /**
   * Who is measured, by name: a program that is run in a process of its own and prints its measurements as one line of JSON. The figures are those
   * of `treewarden`, unless they say whose; the others are what it is compared with.
   */
  readonly contenders: Readonly<Record<string, Command>>;
  readonly figures: readonly FigureSpec[];
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** One figure of a scenario. */
export interface FigureSpec {
  readonly figure: string;
  readonly unit: string;
  /** The measurement that it is, by the name that the program printed it under. */
  readonly of: string;
  /** Whose measurement it is; left out where that contender is not on this machine. @defaultValue `'treewarden'` */
  readonly whose?: string;
  /** Whom it is compared with; those that are not on this machine are left out. */
  readonly against?: readonly Comparison[];
  /** A goal for the value itself, where there is nobody to compare with. */
  readonly goal?: Goal;
}

export interface Comparison {
  /** `'floor'` is what no supervisor can beat, `'peer'` what a user would take instead. */
  readonly role: 'floor' | 'peer';
  readonly contender: string;
  /** The other's measurement, where it has another name. */
  readonly of?: string;
  /** A goal for the ratio of our value to theirs. */
  readonly goal?: Goal;
}

export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export function meets(goal: Goal, value: number): boolean {
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

export function describeGoal(goal: Goal): string {
  return 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
}
