import { type Measurements, median, type Rounds } from './measure.js';
import {
  type Comparison,
  describeGoal,
  type FigureSpec,
  type Goal,
  meets,
  type Scenario,
} from './scenario.js';

/** One line of the bench. */
export interface Figure {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** What no supervisor can beat, or what a user would take instead. */
  readonly floor?: string;
  readonly peer?: string;
  /** The value of the floor or peer, in the same unit. */
  readonly floorValue?: number;
  /** Our value divided by theirs, pair by pair in the same round. */
  readonly ratio?: number;
  /** What the ratio should be, or the value where there is no ratio. */
  readonly goal?: string;
  readonly met?: boolean;
  readonly node: string;
}

/** The figures of a scenario: one for each comparison that could be made, and one for a figure that has none. */
export function figuresOf(scenario: Scenario, rounds: Rounds): readonly Figure[] {
  return scenario.figures.flatMap((spec) => {
    const own = rounds[spec.whose ?? 'treewarden'];
    if (own === undefined) return [];
    const compared = (spec.against ?? []).filter(({ contender }) => contender in rounds);
    const plain = { ...plainFigure(spec, own), ...verdict(spec.goal, median(read(own, spec.of))) };
    if (compared.length === 0) return [plain];
    const comparisons = compared.map((other) => compare(spec, own, other, rounds[other.contender] ?? []));
    return spec.goal === undefined ? comparisons : [plain, ...comparisons];
  });
}

function compare(
  spec: FigureSpec,
  own: readonly Measurements[],
  { role, contender, of = spec.of, goal }: Comparison,
  others: readonly Measurements[],
): Figure {
  const theirs = read(others, of);
  const ratio = median(read(own, spec.of).map((value, round) => value / (theirs[round] ?? Number.NaN)));
  const other = { [role]: contender, floorValue: round3(median(theirs)), ratio: round3(ratio) };
  return { ...plainFigure(spec, own), ...other, ...verdict(goal, ratio) };
}

function plainFigure(spec: FigureSpec, own: readonly Measurements[]): Figure {
  const value = round3(median(read(own, spec.of)));
  return { figure: spec.figure, value, unit: spec.unit, node: process.version };
}

function verdict(goal: Goal | undefined, value: number): Pick<Figure, 'goal' | 'met'> {
  return goal === undefined ? {} : { goal: describeGoal(goal), met: meets(goal, value) };
}

function read(measured: readonly Measurements[], name: string): readonly number[] {
  return measured.map((measurements) => measurements[name] ?? Number.NaN);
}

function round3(value: number): number {
  return Number(value.toPrecision(4));
}
