/** What is odd about valid rules: conditions nobody can meet, things that say the same, signals nobody asks for. */
import { matchesValue } from './matcher.js';
import {
  STAGES,
  type CompiledCondition,
  type CompiledMatcher,
  type CompiledRules,
  type Exclusions,
  type Measure,
  type Range,
  type Scalar,
  type Stage,
} from './rules.js';

export const LINT_CODES = {
  never_met: 'nobody can ever meet this condition: its parts contradict each other',
  always_met: 'everybody meets this condition: it tells nobody apart',
  hidden_stage: 'nobody ever stands at this stage: whoever meets its condition meets that of a higher stage too',
  same_tags: 'these tags have the same condition',
  idle_keep: 'whoever meets this meets the condition of the stage itself: it keeps nobody',
  impossible_address:
    'hardly a page has such an address: a path begins with /, ends before ? and # and is decoded (no %20), a host is in lower case and has no port',
  unknown_group: 'this group is not among those that are set, so that nobody is in it',
  same_signals: 'these signals mean the same events',
  unused_signal: 'no condition asks for this signal, and it has no weight',
  silent_signal: 'no event of the last 30 days carried this signal',
  silent_stage: 'no event ever carried what this condition cannot do without',
  empty_stage: 'no visitor stands at this stage, and none ever got further',
  stage_of_all: 'every visitor stands at this stage',
  overlapping_tags: 'nearly everybody who has one of these tags has the other too',
} as const;

export type LintCode = keyof typeof LINT_CODES;

export interface Warning {
  code: LintCode;
  /** Where, such as `stages.interest.when`. */
  path: string;
  message: string;
  /** The stages, tags or signals it is about, where they are others than the path's. */
  names?: string[];
}

export const warn = (code: LintCode, path: string, names?: string[]): Warning => ({
  code,
  path,
  message: LINT_CODES[code] + (names ? `: ${names.join(', ')}` : ''),
  ...(names && { names }),
});

const NOBODY: Exclusions = { conditions: [], windows: [] };

/** Warns of what can be seen in the rules alone. It never warns of what somebody can meet, and may miss what nobody can. */
export function lintRules(
  rules: CompiledRules,
  { conditions: exclusions }: Exclusions = NOBODY,
  fit: Array<{ when: CompiledCondition }> = [],
): Warning[] {
  const warnings: Warning[] = [];
  const conditions: Array<[path: string, condition: CompiledCondition]> = [
    ...STAGES.flatMap((stage): Array<[string, CompiledCondition]> => {
      const rule = rules.stages[stage];
      if (!rule) return [];
      const kept: Array<[string, CompiledCondition]> = rule.keep ? [[`stages.${stage}.keep`, rule.keep]] : [];
      return [[`stages.${stage}.when`, rule.when], ...kept];
    }),
    ...Object.entries(rules.tags).map(([name, when]): [string, CompiledCondition] => [`tags.${name}.when`, when]),
    ...exclusions.map(([name, when]): [string, CompiledCondition] => [`exclude.${name}.when`, when]),
    ...fit.map(({ when }, at): [string, CompiledCondition] => [`score.fit[${at}].when`, when]),
  ];
  for (const [path, condition] of conditions) {
    if (isNever(condition)) warnings.push(warn('never_met', path));
    else if (isAlways(condition)) warnings.push(warn('always_met', path));
  }
  const stages = STAGES.filter((stage) => rules.stages[stage]);
  stages.forEach((stage: Stage, at) => {
    const { when, sticky, keep } = rules.stages[stage]!;
    if (keep && !isNever(keep) && implies(keep, when)) warnings.push(warn('idle_keep', `stages.${stage}.keep`));
    // One that is kept may be stood at when the higher one is not met any more.
    const higher = stages.slice(at + 1).filter((each) => rules.stages[each]!.sticky || !sticky);
    const hides = (those: Stage[]) => implies(when, { any: those.map((each) => rules.stages[each]!.when) });
    const hiding = [...higher.map((each) => [each]), higher].find(hides);
    if (hiding && !keep && !isNever(when)) warnings.push(warn('hidden_stage', `stages.${stage}.when`, hiding));
  });
  for (const [name, { path = [], host = [] }] of Object.entries(rules.signals)) {
    const impossible = [
      // Paths are decoded before they are looked at: a question mark may end a name in one, and is a query where more follows.
      ...path.filter((glob) => !/^[/*]([^?#]|[?#](?=\/|\*|$))*$/.test(glob) || /%[\da-f]{2}/i.test(glob)),
      ...host.filter((glob) => /^(?!\[).*[:/A-Z]/.test(glob)),
    ];
    if (impossible.length) warnings.push(warn('impossible_address', `signals.${name}`, impossible));
  }
  // What no event can carry is no different from a condition that nobody can meet.
  for (const [name, { match = [] }] of Object.entries(rules.signals))
    if (match.some(([, , matcher]) => leavesNothing([matcher]))) warnings.push(warn('never_met', `signals.${name}`));
  for (const names of equals(rules.tags)) warnings.push(warn('same_tags', `tags.${names[0]}`, names));
  const signals = Object.entries(rules.signals).map(([name, signal]) => [name, { ...signal, weight: undefined }]);
  for (const names of equals(Object.fromEntries(signals) as object))
    warnings.push(warn('same_signals', `signals.${names[0]}`, names));
  const used = new Set(conditions.flatMap(([, condition]) => signalsOf(condition)));
  for (const [name, { weight, value }] of Object.entries(rules.signals))
    // Reports add up what has a value, and take what was given back off what was bought.
    if (!used.has(name) && weight === undefined && !value) warnings.push(warn('unused_signal', `signals.${name}`));
  return warnings;
}

/** Names of what is the same. */
function equals(named: object): string[][] {
  const byText = new Map<string, string[]>();
  for (const [name, what] of Object.entries(named)) {
    const text = JSON.stringify(what);
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  return [...byText.values()].filter(({ length }) => length > 1);
}

type Leaf = Extract<CompiledCondition, { signal: string } | { trait: string }>;

/** What a condition asks for in all its parts. */
export function leavesOf(condition: CompiledCondition): Leaf[] {
  if ('signal' in condition || 'trait' in condition) return [condition];
  const parts = 'all' in condition ? condition.all : 'any' in condition ? condition.any : condition.not;
  return parts.flatMap(leavesOf);
}

export const signalsOf = (condition: CompiledCondition): string[] =>
  leavesOf(condition).flatMap((leaf) => ('signal' in leaf ? [leaf.signal] : []));

/** Signals without which a condition cannot be met. */
export function neededIn(condition: CompiledCondition): string[] {
  if ('all' in condition) return condition.all.flatMap(neededIn);
  if ('any' in condition) {
    const [first = [], ...others] = condition.any.map(neededIn);
    return first.filter((name) => others.every((names) => names.includes(name)));
  }
  // Of how often the upper bound alone may be asked.
  if (!('signal' in condition)) return [];
  const ranges = Object.values(condition.need ?? { count: { gte: 1 } }) as Range[];
  return ranges.some(({ gte = 0 }) => gte > 0) ? [condition.signal] : [];
}

/** Traits that it asks for. */
export const traitsOf = (condition: CompiledCondition): string[] =>
  leavesOf(condition).flatMap((leaf) => ('trait' in leaf ? [leaf.trait] : []));

const same = (a: CompiledCondition, b: CompiledCondition): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Whether whoever meets the first meets the second; false where that is not seen. */
function implies(a: CompiledCondition, b: CompiledCondition): boolean {
  if (same(a, b) || isNever(a) || isAlways(b)) return true;
  if ('all' in b) return b.all.every((part) => implies(a, part));
  if ('any' in a) return a.any.every((part) => implies(part, b));
  if ('any' in b && b.any.some((part) => implies(a, part))) return true;
  if ('all' in a) return a.all.some((part) => implies(part, b));
  if ('trait' in a && 'trait' in b) return a.trait === b.trait && narrows(a.need, b.need);
  if (!('signal' in a) || !('signal' in b) || a.signal !== b.signal) return false;
  return Object.entries(needOf(b)).every(([measure, { gte = 0, lte = Infinity }]) => {
    const own = boundsOf(a, measure as Measure);
    const isWider = spanOf(b) >= spanOf(a);
    const isNarrower = spanOf(b) <= spanOf(a);
    // In a wider window an amount may be less: a key counts with its first; and so may what is counted by sessions, of which some are left out.
    const isSteady = ['count', 'distinct', 'days'].includes(measure) || spanOf(a) === spanOf(b);
    return (
      isSteady && (gte <= 0 || (isWider && own.gte >= gte)) && (lte === Infinity || (isNarrower && own.lte <= lte))
    );
  });
}

/** Whether every value that fits the first fits the second, as far as lists and ranges tell. */
function narrows(a: CompiledMatcher, b: CompiledMatcher): boolean {
  if (a.exists === false || b.exists === false || b.glob) return false;
  const { gte = -Infinity, lte = Infinity } = b.range ?? {};
  const isWithin = (value: unknown) => !b.range || (typeof value === 'number' && value >= gte && value <= lte);
  const fits = (value: Scalar) => (!b.in || b.in.includes(value)) && isWithin(value);
  if (a.in) return a.in.every(fits);
  return !b.in && (!b.range || (!!a.range && (a.range.gte ?? -Infinity) >= gte && (a.range.lte ?? Infinity) <= lte));
}

type SignalCondition = Extract<CompiledCondition, { signal: string }>;

const ONCE: Partial<Record<Measure, Range>> = { count: { gte: 1 } };
const needOf = (condition: SignalCondition) => condition.need ?? ONCE;
const spanOf = ({ within = Infinity }: SignalCondition) => within;

/** From what and up to what a measure is where the condition is met. Days, different values and sessions are never more than events. */
function boundsOf(condition: SignalCondition, measure: Measure): { gte: number; lte: number } {
  const need = needOf(condition);
  const { gte = 0, lte = Infinity } = need[measure] ?? {};
  const most = need.count?.lte ?? Infinity;
  if (measure === 'count')
    return {
      // Whatever amount there is, an event brought it.
      gte: Math.max(
        ...Object.entries(need).map(([name, { gte: least = 0 }]) => (name === 'value' ? Math.sign(least) : least)),
      ),
      lte,
    };
  if (measure === 'days') return { gte: Math.max(gte, boundsOf(condition, 'count').gte > 0 ? 1 : 0), lte };
  // Of different values there are never more in a session than in all.
  if (measure === 'distinct') return { gte: Math.max(gte, need.perSession?.gte ?? 0), lte: Math.min(lte, most) };
  if (measure === 'perSession') return { gte, lte: Math.min(lte, need.distinct?.lte ?? Infinity, most) };
  return { gte, lte: Math.min(lte, measure === 'value' ? Infinity : most) };
}

function isAlways(condition: CompiledCondition): boolean {
  if ('all' in condition) return condition.all.every(isAlways);
  if ('any' in condition) return condition.any.some(isAlways) || leavesNobody(condition.any);
  if ('not' in condition) return isNever(condition.not[0]!);
  if ('trait' in condition) return false;
  return Object.values(needOf(condition)).every(({ gte = 0, lte }) => gte <= 0 && lte === undefined);
}

function isNever(condition: CompiledCondition): boolean {
  if ('any' in condition) return condition.any.every(isNever);
  if ('not' in condition) return isAlways(condition.not[0]!);
  if ('trait' in condition) return leavesNothing([condition.need]);
  if ('signal' in condition) return isEmpty([condition]);
  const parts = flatten(condition.all);
  /** Whether each of a group's alternatives contradicts what stands beside it. */
  const isBeside = (part: CompiledCondition) =>
    'any' in part &&
    part.any.every((each) => isNever({ all: [...parts.filter((other) => other !== part && !('any' in other)), each] }));
  const signals = parts.filter((part): part is SignalCondition => 'signal' in part);
  const byName = new Map<string, SignalCondition[]>();
  for (const part of signals) byName.set(part.signal, [...(byName.get(part.signal) ?? []), part]);
  return (
    parts.some(isNever) ||
    hasOpposites(parts) ||
    [...byName.values()].some(isEmpty) ||
    disagreeOnTrait(parts) ||
    parts.some(isBeside)
  );
}

/** Parts of parts that all have to hold. */
const flatten = (parts: CompiledCondition[]): CompiledCondition[] =>
  parts.flatMap((part) => ('all' in part ? flatten(part.all) : [part]));

/** Whether one takes in whoever another leaves out. */
const leavesNobody = (parts: CompiledCondition[]): boolean =>
  parts.some((part) => 'not' in part && parts.some((other) => other !== part && implies(part.not[0]!, other)));

/** Whether one excludes what the others ask for together. */
const hasOpposites = (parts: CompiledCondition[]): boolean =>
  parts.some(
    (part) =>
      'not' in part &&
      coveredBy(
        parts.filter((other) => other !== part),
        part.not[0]!,
      ),
  );

/** Whether whoever meets all of these meets another condition: each part of it is implied by one of them. */
const coveredBy = (parts: CompiledCondition[], condition: CompiledCondition): boolean =>
  'all' in condition
    ? condition.all.every((part) => coveredBy(parts, part))
    : parts.some((part) => implies(part, condition));

/** Whether nothing can meet all of these, which ask for one signal. */
function isEmpty(conditions: SignalCondition[]): boolean {
  return (['count', 'distinct', 'days', 'value', 'perSession', 'sessions'] as const).some((measure) =>
    conditions.some((low) =>
      conditions.some((high) => {
        // In the wider window there is no less; but see implies.
        const isSteady = ['count', 'distinct', 'days'].includes(measure);
        const isCovered = isSteady ? spanOf(high) >= spanOf(low) : spanOf(high) === spanOf(low);
        const least = boundsOf(low, measure).gte;
        const isTooLong = measure === 'days' && least > spanOf(low);
        return isTooLong || (isCovered && least > boundsOf(high, measure).lte);
      }),
    ),
  );
}

/** Whether a trait would have to be two values at once. */
function disagreeOnTrait(parts: CompiledCondition[]): boolean {
  const asked = new Map<string, CompiledMatcher[]>();
  for (const part of parts) if ('trait' in part) asked.set(part.trait, [...(asked.get(part.trait) ?? []), part.need]);
  return [...asked.values()].some(leavesNothing);
}

/** Whether no value, and none at all neither, passes all of these; false where that is not seen. */
function leavesNothing(needs: CompiledMatcher[]): boolean {
  // What asks for an absent value passes it, whatever else it asks.
  const present = needs.filter(({ exists }) => exists !== false);
  if (present.length < needs.length) return present.length > 0;
  const list = needs.find(({ in: values }) => values)?.in;
  if (list) return !list.some((value) => needs.every((need) => matchesValue(need, value)));
  const ranges = needs.map(({ range }) => range ?? {});
  return Math.max(...ranges.map(({ gte = -Infinity }) => gte)) > Math.min(...ranges.map(({ lte = Infinity }) => lte));
}
