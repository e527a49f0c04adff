/** What publishing rules would do, before it is done: the same folding over the same events, and nothing is written. */
import {
  compileRules,
  datedTraits,
  explainStage,
  formatDay,
  inferFrom,
  rank,
  STAGES,
  viewFacts,
  type Explanation,
  type Facts,
  type FactsView,
  type Inference,
  type Rules,
  type Stage,
  type Warning,
} from '../../sdk/core/index.js';
import { sinceOf, timelineOf, type Timeline } from '../ingest/timeline.js';
import { PAGE, pages } from '../store/pages.js';
import { isBot, type RemoteStore, type Site, type VisitorRecord } from '../store/store.js';
import { lintOutcome } from './lint.js';
import { factsUnder, groupsUnder } from './under.js';

export interface Move {
  from: Stage | null;
  to: Stage | null;
  visitors: number;
}

export interface Preview {
  asOf: number;
  /** Visitors looked at: a proven user once; bots, and those who are excluded now, not. */
  visitors: number;
  /** How many are left out of reports by the rules' `exclude`, and would be. */
  excluded: { before: number; after: number };
  /** Those who would stand elsewhere, the most first. */
  moves: Move[];
  /** Who they are, by the same moves: the first of each. */
  people: Array<{
    from: Stage | null;
    to: Stage | null;
    visitors: Array<{ visitorId: string; userId: string | null }>;
  }>;
  /** How many stand at each stage, and would. */
  stages: Array<{ stage: Stage; before: number; after: number }>;
  /** How many each tag holds for, and would. */
  tags: Array<{ tag: string; before: number; after: number }>;
  /** A few visitors of each move, and why they would: the condition of the higher of the two stages under the new rules. */
  examples: Array<{ visitorId: string; userId: string | null; from: Stage | null; to: Stage | null; why: Explanation }>;
  /** What is odd about where they would stand, and which tags they would have. */
  warnings: Warning[];
  /** First day (UTC) of which raw events are there: what was counted before stays. Null where all of it is. */
  exactFrom: string | null;
}

const EXAMPLES = 3;

/** @param mostPeople of a move as many are named */
export async function previewRules(
  store: RemoteStore,
  site: Site,
  rules: Rules,
  apply: 'all' | 'now',
  now: number,
  mostPeople = 200,
): Promise<Preview> {
  const { siteKey, keptFrom } = site;
  const published = await store.rules(siteKey);
  const today = timelineOf(published);
  const next = { rules: { ...rules, version: today.current.version + 1 }, publishedAt: now };
  const since = sinceOf(published, next, apply, now);
  const then = timelineOf([...(since ? published : []), { ...next, since }]);
  const counter = new Counter([today.current.tags, compileRules(rules).tags], mostPeople);

  const everybody = () => pages((last?: VisitorRecord) => store.everyVisitor(siteKey, last?.visitorId, PAGE));
  // A person's visitors are told of with the person.
  const isCounted = ({ personId, bot }: VisitorRecord) => !personId && !isBot(bot);
  // Who was judged by hand is left out by no rule.
  const isExcluded = (record: VisitorRecord, timeline: Timeline, view: FactsView) =>
    !record.isJudged && timeline.excludedAs(view) !== null;
  const inferred = (record: VisitorRecord, timeline: Timeline, facts: Facts) => {
    const view = viewFacts(timeline.current, facts, now);
    return isExcluded(record, timeline, view) ? undefined : inferFrom(view);
  };
  // Groups are set anew when rules are published.
  const regrouped = await groupsUnder(store, site, then, next.rules, now);

  for await (const record of everybody()) {
    if (!isCounted(record)) continue;
    const { visitorId, userId } = record;
    const before = inferred(record, today, await factsUnder(store, site, today, record));
    const replayed = await factsUnder(store, site, then, record);
    const traits = { ...replayed.traits, ...datedTraits(regrouped.get(visitorId) ?? {}, now, visitorId) };
    const facts = { ...replayed, traits };
    const later = inferred(record, then, facts);
    const isExample = counter.add(record, before, later);
    if (!isExample || !before || !later) continue;
    const [from, to] = [before.stage, later.stage];
    const why = explainStage(then.current, facts, now, (rank(to) > rank(from) ? to : from)!);
    counter.examples.push({ visitorId, userId, from, to, why });
  }
  const warnings = lintOutcome(then.current, counter.standing, counter.tagLists());
  return { asOf: now, ...counter.result(), warnings, exactFrom: keptFrom ? formatDay(keptFrom) : null };
}

/** Adds up where visitors stand and would stand. */
class Counter {
  readonly examples: Preview['examples'] = [];
  #visitors = 0;
  readonly #excluded = { before: 0, after: 0 };
  readonly #moves = new Map<string, Move & { people: Preview['people'][number]['visitors'] }>();
  readonly #stages = STAGES.map((stage) => ({ stage, before: 0, after: 0 }));
  readonly #tags: Map<string, { tag: string; before: number; after: number }>;

  /** Where those who count would stand. */
  readonly standing = { all: 0, current: new Map<Stage | null, number>(), peak: new Map<Stage | null, number>() };
  /** By the tags that they would have, as JSON. */
  readonly #tagLists = new Map<string, number>();

  constructor(
    tags: object[],
    private readonly mostPeople: number,
  ) {
    const names = [...new Set(tags.flatMap((each) => Object.keys(each)))].sort();
    this.#tags = new Map(names.map((tag) => [tag, { tag, before: 0, after: 0 }]));
  }

  /** Says whether it is one of the first of its move. @param before where it stands, @param later and would; undefined where it is excluded */
  add({ visitorId, userId }: VisitorRecord, before: Inference | undefined, later: Inference | undefined): boolean {
    if (before) this.#visitors++;
    else this.#excluded.before++;
    if (!later) this.#excluded.after++;
    for (const row of this.#stages) {
      row.before += +(row.stage === before?.stage);
      row.after += +(row.stage === later?.stage);
    }
    for (const tag of before?.tags ?? []) this.#tags.get(tag)!.before++;
    for (const tag of later?.tags ?? []) this.#tags.get(tag)!.after++;
    if (later) this.#stand(later);
    if (!before || !later) return false;
    const [from, to] = [before.stage, later.stage];
    if (from === to) return false;
    const move = this.#moves.get(`${from} ${to}`) ?? { from, to, visitors: 0, people: [] };
    this.#moves.set(`${from} ${to}`, move);
    if (move.people.length < this.mostPeople) move.people.push({ visitorId, userId });
    return ++move.visitors <= EXAMPLES;
  }

  #stand({ stage, peak, tags }: Inference): void {
    const addTo = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1);
    this.standing.all++;
    addTo(this.standing.current, stage);
    addTo(this.standing.peak, peak);
    addTo(this.#tagLists, JSON.stringify(tags));
  }

  tagLists(): Array<[tags: string[], people: number]> {
    return [...this.#tagLists].map(([list, people]) => [JSON.parse(list) as string[], people]);
  }

  result() {
    const moves = [...this.#moves.values()].sort((a, b) => b.visitors - a.visitors);
    return {
      visitors: this.#visitors,
      excluded: this.#excluded,
      moves: moves.map(({ from, to, visitors }) => ({ from, to, visitors })),
      people: moves.map(({ from, to, people }) => ({ from, to, visitors: people })),
      stages: this.#stages,
      tags: [...this.#tags.values()],
      examples: this.examples,
    };
  }
}
