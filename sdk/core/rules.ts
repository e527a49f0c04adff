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
}

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
  /** Window in days: today (UTC) and the N−1 days before. Everything ever where absent. */
  within?: number;
}

export type TraitCondition = { trait: string } & Matcher;

export type Condition =
  | SignalCondition
  | TraitCondition
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition };

/** A site's definition of what events mean and which stage follows: plain data, the same on both sides. */
export interface Rules {
  /** Given by the collector at publishing; 1, 2, 3 … */
  version: number;
  name?: string;
  signals: Record<string, Signal>;
  stages: Partial<Record<Stage, { when: Condition; sticky?: boolean }>>;
  tags?: Record<string, { when: Condition; dimension: TagDimension }>;
  score?: { weights: Record<string, number>; halfLifeDays?: number };
}

/** The ranges a signal condition may have, in the order in which they are explained. */
export const MEASURES = ['count', 'distinct', 'value', 'days'] as const;
export type Measure = (typeof MEASURES)[number];

/** The place of a stage in the order of stages, from 0; −1 for none. */
export const rank = (stage: Stage | null): number => STAGES.indexOf(stage!);

/** What inference needs to know of a rule set beyond its members. */
export interface RulesProfile {
  /** Every window in use, in days. */
  windows: number[];
  /** Whether a condition can become true by nothing happening (`not`, `lte`). */
  hasUpperBound: boolean;
}

const profiles = new WeakMap<Rules, RulesProfile>();

/**
 * Reads off a rule set what inference needs to know beyond its members, once per rule set.
 * Off its text, since the words mean the same wherever they stand; a prop of such a name costs a little time and changes no result.
 */
export function profileRules(rules: Rules): RulesProfile {
  let profile = profiles.get(rules);
  if (!profile) {
    const text = JSON.stringify([rules.stages, rules.tags]);
    const windows = [...text.matchAll(/"within":(\d+)/g)].map((match) => +match[1]!);
    profile = { windows: [...new Set(windows)], hasUpperBound: /"(not|lte)":/.test(text) };
    profiles.set(rules, profile);
  }
  return profile;
}
