import {
  DAY_MS,
  compileExclusions,
  compileScores,
  compileRules,
  dayOf,
  isRecord,
  lintRules,
  matchSignals,
  neededIn,
  rank,
  signalsOf,
  STAGES,
  warn,
  type CompiledRules,
  type Rules,
  type Stage,
  type StagetagEvent,
  type Warning,
} from '../../sdk/core/index.js';
import { LIFECYCLE } from '../model/lifecycle.js';
import { RFM_GROUPS } from '../model/rfm.js';
import type { Kind } from '../projection/kinds.js';
import { stageCounts } from '../projection/noticed.js';
import type { View } from '../projection/view.js';

/** Days in which a signal that means something is carried by some event. */
const SILENT_DAYS = 30;

/**
 * Of signals that are not in force: which of them look at names and paths alone, and when some event last would have carried each of these;
 * absent where none ever would.
 */
async function heardAnew(view: View, { signals }: CompiledRules, known: string[], from: number) {
  const asked = Object.keys(signals).filter(
    (name) => !known.includes(name) && !signals[name]!.host && !signals[name]!.match,
  );
  const rules = { signals: Object.fromEntries(asked.map((name) => [name, signals[name]!])) } as CompiledRules;
  const heard = new Map<string, number>();
  const namesOf = ({ name, path }: Kind) => {
    const place = path === null ? undefined : { host: '', path };
    const found = matchSignals(rules, { name } as StagetagEvent, place).map(([signal]) => signal);
    return found.length ? found : undefined;
  };
  if (asked.length)
    await view.eachDeeds({ from, until: Infinity }, namesOf, (_, deeds) => {
      for (const { of, time } of deeds) for (const name of of) heard.set(name, Math.max(time, heard.get(name) ?? 0));
    });
  return { asked, heard };
}

/** Tags that so few have tell nothing of each other. */
const LEAST_TAGGED = 30;
/** The share that two tags have in common of all who have either. */
const OVERLAP = 0.95;

/** Pairs of tags that nearly the same people have. @param lists of tags, and how many have exactly these */
function overlapping(lists: Iterable<[tags: string[], people: number]>, tags: string[]): Array<[string, string]> {
  const counts = new Map<string, number>();
  const together = new Map<string, number>();
  const add = (to: Map<string, number>, name: string, count: number) => to.set(name, (to.get(name) ?? 0) + count);
  for (const [list, count] of lists) {
    const own = list.filter((tag) => tags.includes(tag));
    for (const [at, tag] of own.entries()) {
      add(counts, tag, count);
      for (const other of own.slice(at + 1)) add(together, JSON.stringify([tag, other]), count);
    }
  }
  return [...together]
    .map(([pair, both]) => ({ pair: JSON.parse(pair) as [string, string], both }))
    .filter(({ pair, both }) => {
      const [a, b] = pair.map((tag) => counts.get(tag)!);
      return Math.min(a!, b!) >= LEAST_TAGGED && both >= OVERLAP * (a! + b! - both);
    })
    .map(({ pair }) => pair);
}

/** Groups that the collector sets as traits. */
const GROUP_NAMES: Record<string, readonly string[]> = {
  'stagetag.rfm': Object.keys(RFM_GROUPS),
  'stagetag.lifecycle': LIFECYCLE,
};

/** Warns of groups that are asked for and never set. */
function unknownGroups(rules: Rules): Warning[] {
  const warnings: Warning[] = [];
  const walk = (part: unknown, path: string): void => {
    if (Array.isArray(part)) return part.forEach((each, at) => walk(each, `${path}[${at}]`));
    if (!isRecord(part)) return;
    const names = Object.hasOwn(GROUP_NAMES, String(part.trait)) ? GROUP_NAMES[String(part.trait)]! : undefined;
    const asked = names && [part.eq, part.in].flat().filter((each) => each !== undefined);
    const wrong = asked?.filter((each) => !names!.includes(each as string)) ?? [];
    if (typeof part.trait === 'string' && part.trait.startsWith('stagetag.') && !names)
      warnings.push(warn('unknown_group', path, [part.trait]));
    if (wrong.length) warnings.push(warn('unknown_group', path, wrong.map(String)));
    for (const [name, each] of Object.entries(part)) walk(each, path ? `${path}.${name}` : name);
  };
  walk({ stages: rules.stages, tags: rules.tags, exclude: rules.exclude, score: rules.score }, '');
  return warnings;
}

/** Warns of what is odd about rules, by themselves and before what the site's visitors did so far. */
export async function lintSite(view: View, rules: Rules, now: number): Promise<Warning[]> {
  const { store } = view;
  const { siteKey } = view.site;
  const compiled = compileRules(rules);
  const warnings = [
    ...lintRules(compiled, compileExclusions(rules), compileScores(rules).fit),
    ...unknownGroups(rules),
  ];
  const published = (await store.rules(siteKey)).at(-1)!.rules;
  const all = view.people.length;
  if (!all) return warnings;
  const { current, peak } = stageCounts(view.projection);
  // What visitors did is counted by the signals in force: of others nothing is known.
  const inForce = compileRules(published).signals;
  const meaning = (signal: CompiledRules['signals'][string]) => JSON.stringify({ ...signal, weight: undefined });
  const known = Object.entries(compiled.signals).flatMap(([name, signal]) =>
    Object.hasOwn(inForce, name) && meaning(inForce[name]!) === meaning(signal) ? [name] : [],
  );
  const firstDay = dayOf(now) - SILENT_DAYS + 1;
  const [lately, ever] = [view.signalsSince(firstDay), view.signalsSince(-Infinity)];
  // Of what was removed for its age nothing can be said, and what is not held in memory is not all to be read.
  const isLong = !view.site.keptFrom && !view.projection.isOverfull;
  const fresh = await heardAnew(view, compiled, known, isLong ? 0 : firstDay * DAY_MS);
  for (const name of [...known, ...fresh.asked])
    // What is counted under the name of one that is changed is of another meaning.
    if (!(known.includes(name) ? lately.has(name) : fresh.heard.get(name)! >= firstDay * DAY_MS))
      warnings.push(warn('silent_signal', `signals.${name}`));
  const isUnheard = (name: string) =>
    known.includes(name) ? !ever.has(name) : isLong && fresh.asked.includes(name) && !fresh.heard.has(name);
  const isSameTag = (name: string) => JSON.stringify(rules.tags?.[name]) === JSON.stringify(published.tags?.[name]);
  const isCounted = (name: string) =>
    isSameTag(name) && signalsOf(compiled.tags[name]!).every((each) => known.includes(each));
  const told = warnings.filter(({ code }) => code === 'same_tags').map(({ names }) => names!);
  for (const pair of overlapping(view.tagLists(), Object.keys(compiled.tags).filter(isCounted)))
    if (!told.some((names) => pair.every((name) => names.includes(name))))
      warnings.push(warn('overlapping_tags', `tags.${pair[0]}`, pair));
  for (const stage of STAGES) {
    const rule = compiled.stages[stage];
    const isSame = JSON.stringify(rules.stages[stage]) === JSON.stringify(published.stages[stage]);
    if (!rule) continue;
    if (!isSame || !signalsOf(rule.when).every((name) => known.includes(name))) {
      const unheard = [...new Set(neededIn(rule.when))].filter(isUnheard);
      if (unheard.length) warnings.push(warn('silent_stage', `stages.${stage}`, unheard));
      continue;
    }
    warnings.push(...lintStage(stage, { all, current, peak }));
  }
  return warnings;
}

/** How many there are, and how many of them stand at a stage, and stood at none that is higher. */
interface Standing {
  all: number;
  current: ReadonlyMap<Stage | null, number>;
  peak: ReadonlyMap<Stage | null, number>;
}

/** Warns of a stage to which nobody got, or at which everybody stands. */
function lintStage(stage: Stage, { all, current, peak }: Standing): Warning[] {
  const isReached = STAGES.some((each) => rank(each) >= rank(stage) && peak.has(each));
  if (!isReached) return [warn('empty_stage', `stages.${stage}`)];
  return current.get(stage) === all ? [warn('stage_of_all', `stages.${stage}`)] : [];
}

/** Warns of what is odd about where everybody would stand under rules that are not in force, and which tags they would have. */
export function lintOutcome(
  { tags, stages }: CompiledRules,
  standing: Standing,
  tagLists: Iterable<[tags: string[], people: number]>,
): Warning[] {
  if (!standing.all) return [];
  return [
    ...overlapping(tagLists, Object.keys(tags)).map((pair) => warn('overlapping_tags', `tags.${pair[0]}`, pair)),
    ...STAGES.filter((stage) => stages[stage]).flatMap((stage) => lintStage(stage, standing)),
  ];
}
