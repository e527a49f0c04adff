/** Turns JSON into rules, or lists everything that is wrong with it, each with its path. */
import { isDeep, isRecord } from './event.js';
import { DISTINCT_CAP } from './facts.js';
import { MEASURES, RFM_MEASURES, STAGES, TAG_DIMENSIONS, type Range, type Rules } from './rules.js';
import { rulesError, type RulesError, type RulesErrorCode } from './rulesMessages.js';

/** Ten years: longer windows and half-lives mean nothing. */
const MAX_DAYS = 3660;
/** Far above any weight in use, and sums of it stay numbers. */
const MAX_WEIGHT = 1_000_000;
/** Names of a site's own that one error lists. */
const MOST_NAMED = 30;
/** Levels of objects and lists in a document. */
export const MAX_RULES_DEPTH = 40;

type Report = (path: string, code: RulesErrorCode, values?: RulesError['values']) => void;
type Check = (value: unknown, path: string, report: Report) => void;

/** Names end up in HTML attributes and as object keys: no spaces, and nothing that every object already has. */
const NAME = /^[\p{L}\p{N}_.-]{1,64}$/u;
const isName = (name: string) => NAME.test(name) && !(name in {});

const show = (value: unknown) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

/** Validates rules from outside; `version` comes from the collector and is set to 0 here. */
export function parseRules(input: unknown): { rules: Rules } | { errors: RulesError[] } {
  const errors: RulesError[] = [];
  const report: Report = (...given) => errors.push(rulesError(...given));
  if (isDeep(input, MAX_RULES_DEPTH)) report('', 'too_deep', { max: MAX_RULES_DEPTH });
  else {
    document(input, '', report);
    checkReferences(input, report);
  }
  return errors.length ? { errors } : { rules: { ...(input as Rules), version: 0 } };
}

const text: Check = (value, path, report) => {
  if (typeof value !== 'string' || !value) report(path, 'not_text', { got: show(value) });
};

const number: Check = (value, path, report) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) report(path, 'not_number', { got: show(value) });
};

const weight: Check = (value, path, report) => {
  if (typeof value !== 'number' || !(Math.abs(value) <= MAX_WEIGHT)) {
    report(path, 'not_within', { min: -MAX_WEIGHT, max: MAX_WEIGHT, got: show(value) });
  }
};

const boolean: Check = (value, path, report) => {
  if (typeof value !== 'boolean') report(path, 'not_boolean', { got: show(value) });
};

const anything: Check = () => {};

const scalar: Check = (value, path, report) => {
  if (!['string', 'number', 'boolean'].includes(typeof value)) {
    report(path, 'not_scalar', { got: show(value) });
  }
};

/** A number, whole where the code says so. */
const bounded =
  (code: 'not_whole' | 'not_from' | 'not_days' | 'not_whole_days', min: number, max?: number): Check =>
  (value, path, report) => {
    const isWhole = /whole/.test(code);
    const isFit =
      typeof value === 'number' && value >= min && !(value > max!) && (!isWhole || Number.isSafeInteger(value));
    if (!isFit) report(path, code, { min, ...(max && { max }), got: show(value) });
  };

const listOf =
  (check: Check): Check =>
  (value, path, report) => {
    if (!Array.isArray(value) || !value.length) report(path, 'not_list', { got: show(value) });
    else value.forEach((each, index) => check(each, `${path}[${index}]`, report));
  };

const oneOrMore =
  (check: Check): Check =>
  (value, path, report) =>
    (Array.isArray(value) ? listOf(check) : check)(value, path, report);

const oneOf =
  (names: readonly string[]): Check =>
  (value, path, report) => {
    if (!names.includes(value as string)) {
      report(path, 'not_one_of', { names: names.join(', '), got: show(value), ...suggest(value, names) });
    }
  };

const mapOf =
  (check: Check): Check =>
  (value, path, report) => {
    if (!isRecord(value)) return report(path, 'not_object', { got: show(value) });
    for (const [name, each] of Object.entries(value)) {
      if (name in {}) report(join(path, name), 'common_name');
      check(each, join(path, name), report);
    }
  };

/** Like mapOf, for names that rules refer to and pages show. */
/** Signals, tags or exclusions that a site may have: more are a mistake, and each costs every event. */
export const MAX_NAMES = 1000;

const namedMapOf =
  (check: Check): Check =>
  (value, path, report) => {
    const names = isRecord(value) ? Object.keys(value) : [];
    if (names.length > MAX_NAMES) return report(path, 'too_many_names', { max: MAX_NAMES });
    mapOf(check)(value, path, report);
    for (const name of names) {
      if (!isName(name)) report(join(path, name), 'bad_name');
    }
  };

const shape =
  (members: Record<string, Check>, required: string[] = []): Check =>
  (value, path, report) => {
    if (!isRecord(value)) return report(path, 'not_object', { got: show(value) });
    const names = Object.keys(members);
    const meant = meantBy(value, names);
    for (const name of required) if (value[name] === undefined && !meant.has(name)) report(join(path, name), 'missing');
    for (const [name, each] of Object.entries(value)) {
      const isKnown = names.includes(name);
      if (!isKnown) report(join(path, name), 'unknown', { names: names.join(', '), ...suggest(name, names) });
      // What is only misspelled is looked into all the same.
      const member = isKnown ? name : [...meant.keys()].find((other) => meant.get(other) === name);
      if (member !== undefined) members[member]!(each, join(path, name), report);
    }
  };

/** Members that are there under a misspelled name, with that. */
function meantBy(value: Record<string, unknown>, names: readonly string[]): Map<string, string> {
  const meant = new Map<string, string>();
  for (const name of Object.keys(value)) {
    const nearest = names.includes(name) ? undefined : suggest(name, names)?.nearest;
    if (nearest !== undefined && value[nearest] === undefined) meant.set(nearest, name);
  }
  return meant;
}

const isProp = (value: unknown) =>
  typeof value === 'string' && /^props\..+/.test(value) && !(value.slice('props.'.length) in {});

const source: Check = (value, path, report) => {
  if (value !== 'path' && !isProp(value)) report(path, 'not_source', { got: show(value) });
};

const propSource: Check = (value, path, report) => {
  if (!isProp(value)) report(path, 'not_prop', { got: show(value) });
};

const range =
  (bound: Check): Check =>
  (value, path, report) => {
    shape({ gte: bound, lte: bound })(value, path, report);
    if (!isRecord(value)) return;
    const { gte, lte } = value;
    if (gte === undefined && lte === undefined) report(path, 'no_bound');
    if (typeof gte === 'number' && typeof lte === 'number' && gte > lte)
      report(path, 'no_range', { min: gte, max: lte });
  };

const MATCHERS = { eq: scalar, in: listOf(scalar), glob: oneOrMore(text), gte: number, lte: number, exists: boolean };

const matcher: Check = (value, path, report) => {
  shape(MATCHERS)(value, path, report);
  if (isRecord(value) && !Object.keys(value).length)
    report(path, 'no_test', { names: Object.keys(MATCHERS).join(', ') });
};

/** What people call a thing: a text, or one by the code of each language. */
const label: Check = (value, path, report) => (isRecord(value) ? mapOf(text) : text)(value, path, report);

const SIGNAL = {
  event: oneOrMore(text),
  path: oneOrMore(text),
  host: oneOrMore(text),
  props: mapOf(matcher),
  source: mapOf(matcher),
  distinct: source,
  value: propSource,
  label,
};
const signal = shape(SIGNAL);

const count = range(bounded('not_whole', 0));

/** What a condition is made of that has parts, by the member that names its kind. */
const PARTS: Record<string, Check> = {
  all: (value, path, report) => listOf(condition)(value, path, report),
  any: (value, path, report) => listOf(condition)(value, path, report),
  not: (value, path, report) => condition(value, path, report),
};

/** The kinds of condition by the member that names them. */
const CONDITIONS: Record<string, Check> = {
  ...Object.fromEntries(Object.entries(PARTS).map(([name, check]) => [name, shape({ [name]: check })])),
  trait: (value, path, report) => {
    shape({ trait: text, ...MATCHERS })(value, path, report);
    const { trait, ...rest } = value as Record<string, unknown>;
    if (typeof trait === 'string' && trait in {}) report(join(path, 'trait'), 'common_name');
    if (!Object.keys(rest).length) report(path, 'no_trait_test', { names: Object.keys(MATCHERS).join(', ') });
  },
  signal: shape({
    signal: text,
    count,
    distinct: count,
    value: range(bounded('not_from', 0)),
    days: count,
    perSession: count,
    sessions: count,
    within: bounded('not_whole_days', 1, MAX_DAYS),
  }),
};

const condition: Check = (value, path, report) => {
  if (!isRecord(value)) return report(path, 'not_object', { got: show(value) });
  const kind = Object.keys(CONDITIONS).find((name) => name in value);
  if (kind) return CONDITIONS[kind]!(value, path, report);
  const kinds = Object.keys(CONDITIONS);
  const wrong = Object.keys(value).find((name) => suggest(name, kinds)) ?? '';
  const near = suggest(wrong, kinds);
  report(path, 'not_condition', { names: kinds.join(', '), got: show(value), ...near });
  // What is only misspelled is looked into all the same.
  if (!near) return;
  const { [wrong]: meant, ...others } = value;
  const part = PARTS[near.nearest];
  if (part) part(meant, join(path, wrong), report);
  else CONDITIONS[near.nearest]!({ ...others, [near.nearest]: meant }, path, report);
};

const TAG = {
  when: condition,
  dimension: oneOf(TAG_DIMENSIONS),
  ttlDays: bounded('not_whole_days', 1, MAX_DAYS),
  label,
};
const STAGE = { when: condition, sticky: boolean, keep: condition, label };
const EXCLUSION = { when: condition, label };
const tag = shape(TAG, ['when', 'dimension']);
const stage = shape(STAGE, ['when']);
const exclusion = shape(EXCLUSION, ['when']);

/** Four numbers, each greater than the one before. */
const limits: Check = (value, path, report) => {
  const isFit =
    Array.isArray(value) &&
    value.length === 4 &&
    value.every((each, at) => Number.isFinite(each) && (at ? each > value[at - 1] : each >= 0));
  if (!isFit) report(path, 'not_limits', { got: show(value) });
};

const SCORE: Record<string, Check> = {
  weights: mapOf(weight),
  halfLifeDays: bounded('not_days', 0.01, MAX_DAYS),
  intent: listOf(text),
  fit: listOf(shape({ when: condition, points: weight, label }, ['when', 'points'])),
};
const DOCUMENT: Record<string, Check> = {
  version: anything,
  $schema: anything,
  name: text,
  currency: (value, path, report) => {
    if (typeof value !== 'string' || !/^[A-Z]{3}$/.test(value)) report(path, 'not_currency', { got: show(value) });
  },
  signals: namedMapOf(signal),
  stages: shape(Object.fromEntries(STAGES.map((name) => [name, stage]))),
  tags: namedMapOf(tag),
  score: shape(SCORE, ['weights']),
  rfm: shape(Object.fromEntries(RFM_MEASURES.map((measure) => [measure, limits]))),
  exclude: namedMapOf(exclusion),
};
const document = shape(DOCUMENT, ['signals', 'stages']);

/** What of one part hangs on another. Looked at wherever the shape allows it, so that every mistake is named at once. */
function checkReferences(input: unknown, report: Report): void {
  const membersOf = (value: unknown): Array<[string, Record<string, unknown>]> =>
    isRecord(value)
      ? Object.entries(value).filter((each): each is [string, Record<string, unknown>] => isRecord(each[1]))
      : [];
  /** A member, under whatever name it is there, with that name. */
  const memberIn = (value: unknown, members: object, member: string): [name: string, value: unknown] => {
    const record = isRecord(value) ? value : {};
    const name = meantBy(record, Object.keys(members)).get(member) ?? member;
    return [name, record[name]];
  };
  const [, signals] = memberIn(input, DOCUMENT, 'signals');
  const known = new Map(membersOf(signals));
  const names = Object.keys(isRecord(signals) ? signals : {});
  let guesses = 0;
  const checkSignal = (name: unknown, path: string) => {
    if (typeof name !== 'string' || !name || names.includes(name)) return;
    // Comparing names takes its time: where all were renamed, the first ones tell it.
    const near = guesses++ < MOST_GUESSES ? suggest(name, names) : undefined;
    const some = names.slice(0, MOST_NAMED).join(', ') + (names.length > MOST_NAMED ? ', …' : '');
    if (near) report(path, 'no_signal_but', { got: show(name), ...near });
    else report(path, 'no_signal', { got: show(name), names: some });
  };
  const walk = (part: unknown, path: string): void => {
    if (!isRecord(part)) return;
    const isNamed = Object.keys(CONDITIONS).some((kind) => kind in part);
    const within = (kind: string) => (isNamed ? ([kind, part[kind]] as const) : memberIn(part, CONDITIONS, kind));
    for (const kind of ['all', 'any']) {
      const [name, parts] = within(kind);
      if (Array.isArray(parts)) parts.forEach((each, index) => walk(each, `${path}.${name}[${index}]`));
    }
    const [not, other] = within('not');
    walk(other, `${path}.${not}`);
    const [signalAt, named] = within('signal');
    checkSignal(named, `${path}.${signalAt}`);
    const signal = known.get(named as string);
    if (signal)
      for (const [measure, member, code] of [
        ['distinct', 'distinct', 'no_distinct'],
        ['value', 'value', 'no_value'],
        ['perSession', 'distinct', 'no_distinct'],
      ] as const)
        if (part[measure] && memberIn(signal, SIGNAL, member)[1] === undefined)
          report(`${path}.${measure}`, code, { signal: named as string });
    for (const name of ['distinct', 'perSession', 'sessions'] as const) {
      const { gte, lte } = (isRecord(part[name]) ? part[name] : {}) as Range;
      const isOver =
        (typeof gte === 'number' && gte > DISTINCT_CAP) || (typeof lte === 'number' && lte >= DISTINCT_CAP);
      if (isOver) report(`${path}.${name}`, name === 'distinct' ? 'values_cap' : 'sessions_cap', { max: DISTINCT_CAP });
    }
  };
  const walkIn = (value: unknown, members: object, member: string, path: string) => {
    const [name, condition] = memberIn(value, members, member);
    walk(condition, `${path}.${name}`);
  };
  const [stagesAt, stages] = memberIn(input, DOCUMENT, 'stages');
  for (const [name, part] of membersOf(stages)) {
    const { when, sticky, keep } = part;
    for (const member of ['when', 'keep']) walkIn(part, STAGE, member, `${stagesAt}.${name}`);
    if (sticky && keep) report(`${stagesAt}.${name}.keep`, 'sticky_keep');
    if (sticky && hasUpperBound(when)) report(`${stagesAt}.${name}.sticky`, 'sticky_falls');
  }
  for (const [member, members] of [
    ['tags', TAG],
    ['exclude', EXCLUSION],
  ] as const) {
    const [at, parts] = memberIn(input, DOCUMENT, member);
    for (const [name, part] of membersOf(parts)) walkIn(part, members, 'when', `${at}.${name}`);
  }
  const [scoreAt, score] = memberIn(input, DOCUMENT, 'score');
  const inScore = (member: string) => memberIn(score, SCORE, member);
  const [weightsAt, weights] = inScore('weights');
  for (const name of Object.keys(isRecord(weights) ? weights : {}))
    checkSignal(name, `${scoreAt}.${weightsAt}.${name}`);
  const [intentAt, intent] = inScore('intent');
  if (Array.isArray(intent)) intent.forEach((name, at) => checkSignal(name, `${scoreAt}.${intentAt}[${at}]`));
  const [fitAt, fit] = inScore('fit');
  if (Array.isArray(fit))
    fit.forEach((each, at) => isRecord(each) && walk(each.when, `${scoreAt}.${fitAt}[${at}].when`));
}

function hasUpperBound(part: unknown): boolean {
  if (!isRecord(part)) return false;
  if ([part.all, part.any].some((group) => Array.isArray(group) && group.some(hasUpperBound))) return true;
  return 'not' in part || MEASURES.some((name) => isRecord(part[name]) && part[name].lte !== undefined);
}

const join = (path: string, name: string) => (path ? `${path}.${name}` : name);

/** Longer names are nobody's, and only so many wrong ones are compared with all there are. */
const MAX_GUESSED = 64;
const MOST_GUESSES = 20;

/** Proposes the known name that is nearest to a misspelled one, if it is near, or the one that begins with it. */
function suggest(value: unknown, names: readonly string[]): { nearest: string } | undefined {
  if (typeof value !== 'string') return undefined;
  const known = MEANT[value.toLowerCase()];
  if (known !== undefined) return names.includes(known) ? { nearest: known } : undefined;
  if (value.length > MAX_GUESSED) return undefined;
  const most = Math.max(value.length > 3 ? 2 : 1, value.length / 3);
  const near = names
    .slice(0, MAX_NAMES)
    .filter((name) => Math.abs(name.length - value.length) <= most)
    .map((name) => ({ name, distance: editDistance(value.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (near && near.distance <= most) return { nearest: near.name };
  const whole = value.length >= MIN_BEGINNING ? names.find((name) => name.startsWith(value)) : undefined;
  return whole === undefined ? undefined : { nearest: whole };
}

/** What other languages call it; an empty text where there is no such thing. The letters alone are more like something else. */
const MEANT: Record<string, string> = {
  and: 'all',
  every: 'all',
  or: 'any',
  some: 'any',
  ne: '',
  neq: '',
  gt: 'gte',
  lt: 'lte',
};

/** A beginning of fewer letters names nothing. */
const MIN_BEGINNING = 4;

/** Levenshtein's edit distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    row = row.reduce<number[]>((next, above, j) => {
      const replaced = j ? row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1) : i;
      next.push(j ? Math.min(replaced, above + 1, next[j - 1]! + 1) : i);
      return next;
    }, []);
  }
  return row[b.length]!;
}
