/** The five stages of a journey, lowest first. Real journeys skip, return and re-enter: nothing assumes a line. */
export const STAGES = ['awareness', 'interest', 'consideration', 'action', 'loyalty'] as const;
export type Stage = (typeof STAGES)[number];

/** What a tag says something about. */
export const TAG_DIMENSIONS = ['behaviour', 'profile', 'intent', 'lifecycle'] as const;
export type TagDimension = (typeof TAG_DIMENSIONS)[number];

export type Scalar = string | number | boolean;

/** Tests one value; every operator present must hold. */
export interface Matcher {
  eq?: Scalar;
  in?: Scalar[];
  /** `*` stands for any run of characters, everything else for itself. */
  glob?: string | string[];
  gte?: number;
  lte?: number;
  exists?: boolean;
}

/** Says which events carry a signal; every member present must hold. */
export interface Signal {
  event?: string | string[];
  /** Globs on the page's decoded path; `*` crosses slashes. */
  path?: string | string[];
  /** Globs on the page's host name. */
  host?: string | string[];
  props?: Record<string, Matcher>;
  source?: Record<string, Matcher>;
  /** Count different values too: `path` or `props.KEY`, up to DISTINCT_CAP a day. */
  distinct?: string;
  /** Add up a number too: `props.KEY`. */
  value?: string;
  label?: Label;
}

/** What people call a thing: a text, or one by the code of each language (`en`, `zh`). It decides nothing. */
export type Label = string | Record<string, string>;

export interface Range {
  gte?: number;
  lte?: number;
}

export interface SignalCondition {
  signal: string;
  /** Number of events. `{gte: 1}` where no range is given. */
  count?: Range;
  /** Number of different values of the signal's `distinct`. */
  distinct?: Range;
  /** Sum of the signal's `value`. */
  value?: Range;
  /** Number of different active UTC days. */
  days?: Range;
  /** The most different values of the signal's `distinct` in one session. */
  perSession?: Range;
  /** The most sessions that had the same value of the signal's `distinct`; where it has none, how many had the signal. */
  sessions?: Range;
  /** Window in days: today (UTC) and the N−1 days before. Everything ever where absent. */
  within?: number;
}

export type TraitCondition = { trait: string } & Matcher;

export type Condition =
  SignalCondition | TraitCondition | { all: Condition[] } | { any: Condition[] } | { not: Condition };

/** What RFM scores: days since the last order, orders, and what they add up to. */
export const RFM_MEASURES = ['recencyDays', 'frequency', 'monetary'] as const;
export type RfmMeasure = (typeof RFM_MEASURES)[number];

/** A site's definition of what events mean and which stage follows: plain data, the same on both sides. */
export interface Rules {
  /** Given by the collector at publishing; 1, 2, 3 … */
  version: number;
  name?: string;
  /** Of all amounts, as ISO 4217 has it. An event that names another in `props.currency` is stored, and carries no signal that adds up amounts. */
  currency?: string;
  signals: Record<string, Signal>;
  stages: Partial<
    Record<
      Stage,
      {
        when: Condition;
        sticky?: boolean;
        /** Holds a stage that was entered for as long as this is met, although `when` no longer is: enter at five, leave below two. */
        keep?: Condition;
        label?: Label;
      }
    >
  >;
  tags?: Record<
    string,
    {
      when: Condition;
      dimension: TagDimension;
      /** Days for which the tag holds from the last day on which `when` was met, that day included. While it is met where absent. */
      ttlDays?: number;
      label?: Label;
    }
  >;
  score?: {
    weights: Record<string, number>;
    halfLifeDays?: number;
    /** Signals whose weights tell of intent; all others tell of behaviour. */
    intent?: string[];
    /** What makes somebody a fit customer: the points of each condition that is met. They are no part of the score. */
    fit?: Array<{ when: Condition; points: number; label?: Label }>;
  };
  /**
   * Fixed limits of the RFM scores, four of each measure, ascending: each that is reached is worth a point, of recency each that is not
   * passed. Quintiles of all buyers where absent. The collector alone looks at them.
   */
  rfm?: Partial<Record<RfmMeasure, number[]>>;
  /**
   * Who is no customer to be: staff, job seekers, competitors. Whoever meets one of these conditions has a stage like anybody, and
   * reports, counts and audiences leave them out for as long as it is met. The collector alone looks at them: browsers are told nothing.
   */
  exclude?: Record<string, { when: Condition; label?: Label }>;
}

/** The ranges a signal condition may have, in the order in which they are explained. */
export const MEASURES = ['count', 'distinct', 'value', 'days', 'perSession', 'sessions'] as const;
export type Measure = (typeof MEASURES)[number];

/** The place of a stage in the order of stages, from 0; −1 for none. */
export const rank = (stage: Stage | null | undefined): number => STAGES.indexOf(stage!);

/** A matcher as it is evaluated. */
export interface CompiledMatcher {
  /** Only where it asks for an absent value. */
  exists?: false;
  in?: Scalar[];
  glob?: string[];
  range?: Range;
}

/** A condition as it is evaluated. */
export type CompiledCondition =
  | { signal: string; need?: Partial<Record<Measure, Range>>; within?: number }
  | { trait: string; need: CompiledMatcher }
  | { all: CompiledCondition[] }
  /** `lasts`: of one part alone, which need be met on one of so many days up to the one in question. */
  | { any: CompiledCondition[]; lasts?: number }
  | { not: CompiledCondition[] };

/**
 * Rules as they are evaluated, on both sides: one way of saying each thing, nothing left to defaults, no words for people.
 * Made from the document by the collector, and sent to browsers in this form.
 */
export interface CompiledRules {
  version: number;
  signals: Record<
    string,
    {
      event?: string[];
      path?: string[];
      host?: string[];
      match?: Array<[from: 'props' | 'source', key: string, matcher: CompiledMatcher]>;
      distinct?: string;
      value?: string;
      /** The only one that `value` may be in, where an event names one. */
      currency?: string;
      /** Whether a condition asks what came together in a session. */
      pairs?: true;
      /** What one event of it adds to the score. */
      weight?: number;
    }
  >;
  stages: Partial<Record<Stage, { when: CompiledCondition; sticky?: true; keep?: CompiledCondition }>>;
  /** In alphabetical order. */
  tags: Record<string, CompiledCondition>;
  halfLifeDays?: number;
  /** Whether stages or tags ask for what the tag's plain build cannot do: see isPlain. */
  full?: true;
  /** Every window in use, in days. */
  windows: number[];
  /** Windows of stages whose end can change what follows: all where a stage has an upper bound (`not`, `lte`) or `keep`, else absent. */
  turns?: number[];
}

const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** Leaves out what is undefined, so that equal rules are equal texts. */
const dense = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;

/** Makes conditions as they are evaluated, and notes what they ask for. */
class Compiler {
  constructor(private readonly signals: Rules['signals'] = {}) {}

  readonly windows = new Set<number>();
  /** Signals of which is asked what came together in a session. */
  readonly paired = new Set<string>();
  /** Whether a condition may come to be met by a day's leaving its window. */
  hasUpperBound = false;
  /** Whether a condition asks for what the plain build of the tag cannot do. */
  isFull = false;

  readonly compile = (condition: Condition): CompiledCondition => {
    if ('all' in condition) return { all: condition.all.map(this.compile) };
    if ('any' in condition) return { any: condition.any.map(this.compile) };
    if ('not' in condition) {
      this.hasUpperBound = true;
      return { not: [this.compile(condition.not)] };
    }
    if ('trait' in condition) {
      this.isFull = true;
      return { trait: condition.trait, need: compileMatcher(condition) };
    }
    const { signal, within } = condition;
    const need: Partial<Record<Measure, Range>> = {};
    for (const measure of MEASURES) if (condition[measure]) need[measure] = condition[measure];
    if (Object.values(need).some(({ lte }) => lte !== undefined)) this.hasUpperBound = true;
    if (need.perSession || need.sessions) {
      this.paired.add(signal);
      this.isFull = true;
      // What was left out beyond the cap comes in when an older day leaves.
      this.hasUpperBound = true;
    }
    // A value counts with its first amount in the window.
    if (need.value && this.signals[signal]?.distinct) this.hasUpperBound = true;
    if (within) this.windows.add(within);
    return dense({ signal, need: Object.keys(need).length ? need : undefined, within });
  };
}

/** Conditions of those whom reports leave out, by name, as they are evaluated; and their windows in days. */
export interface Exclusions {
  conditions: Array<[name: string, when: CompiledCondition]>;
  windows: number[];
}

/** Makes of a validated document what only the collector evaluates. */
export function compileExclusions({ exclude = {} }: Rules): Exclusions {
  const { compile, windows } = new Compiler();
  const conditions = Object.entries(exclude).map(([name, { when }]): [string, CompiledCondition] => [
    name,
    compile(when),
  ]);
  return { conditions, windows: [...windows] };
}

/** What of a validated document tells the scores apart, as it is evaluated. Only the collector does. */
export function compileScores({ score }: Rules): {
  intent: string[];
  fit: Array<{ when: CompiledCondition; points: number }>;
} {
  const { compile } = new Compiler();
  const fit = (score?.fit ?? []).map(({ when, points }) => ({ when: compile(when), points }));
  return { intent: score?.intent ?? [], fit };
}

/** The conditions of a document, each once. */
function* conditionsOf({ stages, tags = {}, exclude = {}, score }: Rules): Generator<Condition> {
  for (const { when, keep } of Object.values(stages)) yield* keep ? [when, keep] : [when];
  for (const { when } of [...Object.values(tags), ...Object.values(exclude), ...(score?.fit ?? [])]) yield when;
}

/** Signals of which a condition asks what came together in a session: of these alone facts say it. */
function pairedSignals(rules: Rules): Set<string> {
  const { compile, paired } = new Compiler();
  for (const condition of conditionsOf(rules)) compile(condition);
  return paired;
}

/** Makes of a validated document what is evaluated on both sides. */
export function compileRules(rules: Rules): CompiledRules {
  const compiler = new Compiler(rules.signals);
  const { compile, windows } = compiler;
  const paired = pairedSignals(rules);
  const signals = Object.entries(rules.signals).map(
    ([name, { event, path, host, props = {}, source = {}, distinct, value }]) => {
      const match = (['props', 'source'] as const).flatMap((from) =>
        Object.entries(from === 'props' ? props : source).map(
          ([key, matcher]) => [from, key, compileMatcher(matcher)] as const,
        ),
      );
      const list = (one: string | string[] | undefined) => (one === undefined ? undefined : listOf(one));
      return [
        name,
        dense({
          event: list(event),
          path: list(path),
          host: list(host),
          match: match.length ? match : undefined,
          distinct,
          value,
          currency: value && rules.currency,
          pairs: paired.has(name) || undefined,
          weight: rules.score?.weights[name],
        }),
      ];
    },
  );
  if (rules.currency && Object.values(rules.signals).some(({ value }) => value)) compiler.isFull = true;
  const stages = STAGES.flatMap((stage) => {
    const rule = rules.stages[stage];
    if (!rule) return [];
    if (rule.keep) compiler.hasUpperBound = compiler.isFull = true;
    const keep = rule.keep && compile(rule.keep);
    return [[stage, dense({ when: compile(rule.when), sticky: rule.sticky || undefined, keep })]];
  });
  // Only stages are followed over the past.
  const turns = compiler.hasUpperBound ? [...windows] : undefined;
  const tags = Object.entries(rules.tags ?? {}).map(([name, { when, ttlDays = 1 }]): [string, CompiledCondition] => {
    if (ttlDays === 1) return [name, compile(when)];
    compiler.isFull = true;
    const own = new Compiler();
    const condition = own.compile(when);
    // A day's leaving of the window ends the tag so many days later; so does a day on which an upper bound was passed.
    for (const window of own.windows) windows.add(window).add(window + ttlDays - 1);
    windows.add(ttlDays - 1);
    return [name, { any: [condition], lasts: ttlDays }];
  });
  return dense({
    version: rules.version,
    signals: Object.fromEntries(signals) as CompiledRules['signals'],
    stages: Object.fromEntries(stages) as CompiledRules['stages'],
    tags: Object.fromEntries(tags.sort(([a], [b]) => (a < b ? -1 : 1))),
    halfLifeDays: rules.score?.halfLifeDays,
    full: compiler.isFull || undefined,
    windows: [...windows],
    turns,
  });
}

function compileMatcher({ eq, in: list, glob, gte, lte, exists }: Matcher): CompiledMatcher {
  const values = eq === undefined ? list : (list ?? [eq]).filter((value) => value === eq);
  const range = gte === undefined && lte === undefined ? undefined : dense({ gte, lte });
  return dense({
    exists: exists === false ? exists : undefined,
    in: values,
    glob: glob === undefined ? undefined : listOf(glob),
    range,
  });
}
