/** Groups that take everybody's data to know, set as traits, so that conditions can ask for them, in the browser too. */
import { randomBytes } from 'node:crypto';
import {
  compileExclusions,
  compileRules,
  compileScores,
  dayOf,
  holds,
  traitNames,
  traitsOf,
  viewFacts,
  type Facts,
  type Rules,
  type Scalar,
} from '../../sdk/core/index.js';
import { foldInto } from '../ingest/fold.js';
import { inForce, timelineOf } from '../ingest/timeline.js';
import { cutsOf, scoreRfm, type Buyer } from '../model/rfm.js';
import { activeDays } from '../projection/counted.js';
import { buyerOfRecord, chooseOrderSignal, lifecycleNow, refundSignalOf } from '../reports/customers.js';
import { PAGE, pages } from '../store/pages.js';
import { isBot, type Site, type Store, type VisitorRecord } from '../store/store.js';

/** The traits: an RFM group, and a state of the lifecycle by weeks. No site's own is called so. */
const [RFM, LIFECYCLE] = ['stagetag.rfm', 'stagetag.lifecycle'] as const;

/** Changes stored at the same time. */
const TOGETHER = 100;

export interface Grouped {
  people: number;
  /** Whose group is another than it was. */
  changed: number;
}

/** Which of the groups conditions of the rules ask for. */
export function groupsAsked(rules: Rules): string[] {
  // Browsers are told nothing of who is left out or fits; groups may be asked for there all the same.
  const apart = [
    ...compileExclusions(rules).conditions.map(([, when]) => when),
    ...compileScores(rules).fit.map(({ when }) => when),
  ];
  const names = new Set([...traitNames(compileRules(rules)), ...apart.flatMap(traitsOf)]);
  return [RFM, LIFECYCLE].filter((name) => names.has(name));
}

/**
 * Says who is in none: bots, and whom the rules leave out. Not whom they leave out for a group: they would stay in it whatever they did, and
 * every time more would be left out.
 */
export function groupable(
  rules: Rules,
  asked: string[],
  now: number,
): (record: VisitorRecord, facts: Facts) => boolean {
  const { conditions } = compileExclusions(rules);
  const own = conditions.flatMap(([, when]) => (traitsOf(when).some((name) => asked.includes(name)) ? [] : [when]));
  const current = compileRules(rules);
  return ({ personId, bot, isJudged }, facts) => {
    if (personId || isBot(bot)) return false;
    if (!own.length || isJudged) return true;
    const view = viewFacts(current, facts, now);
    return !own.some((when) => holds(view, when, view.today));
  };
}

/** Finds the groups of people, who are added one by one. @param asked see groupsAsked */
export function findGroups(rules: Rules, asked: string[], weekStart: Site['weekStart'], now: number) {
  const chosen = chooseOrderSignal(rules, undefined);
  const refund = 'signal' in chosen ? refundSignalOf(rules, chosen.signal) : undefined;
  const buyers: Buyer[] = [];
  const people = new Map<string, { wanted: Record<string, Scalar>; before: Record<string, Scalar | null> }>();
  return {
    add(record: Pick<VisitorRecord, 'visitorId' | 'facts'>): void {
      const { visitorId, facts } = record;
      const buyer = 'signal' in chosen ? buyerOfRecord(record, chosen.signal, refund, now) : undefined;
      if (buyer) buyers.push(buyer);
      const lifecycle = lifecycleNow(activeDays(facts), dayOf(now), weekStart);
      const before = Object.fromEntries(asked.map((name) => [name, facts.traits[name]?.[2] ?? null]));
      people.set(visitorId, { wanted: lifecycle ? { [LIFECYCLE]: lifecycle } : {}, before });
    },
    /** By person, the traits that are others than they were. Null where somebody is in none any more; who never was needs no word. */
    changes(): Array<{ id: string; props: Record<string, Scalar | null> }> {
      for (const { id, group } of scoreRfm(buyers, cutsOf(rules, buyers.length))) people.get(id)!.wanted[RFM] = group;
      return [...people].flatMap(([id, { wanted, before }]) => {
        const others = asked.filter((name) => (wanted[name] ?? null) !== before[name]);
        return others.length
          ? [{ id, props: Object.fromEntries(others.map((name) => [name, wanted[name] ?? null])) }]
          : [];
      });
    },
  };
}

/**
 * Sets the groups of everybody for whom they changed, as far as the rules ask for such traits: an event `identify` of the collector's own
 * is stored like any other, so that a replay comes to the same.
 */
export async function setGroups(store: Store, siteKey: string, now: number): Promise<Grouped> {
  const published = await store.rules(siteKey);
  const timeline = timelineOf(published);
  const { rules } = published.at(-1)!;
  const asked = groupsAsked(rules);
  const grouped = { people: 0, changed: 0 };
  if (!asked.length) return grouped;
  const groups = findGroups(rules, asked, (await store.site(siteKey))!.weekStart, now);
  const known = new Map<string, Pick<VisitorRecord, 'isPerson' | 'lastSeen'>>();
  const isIn = groupable(rules, asked, now);
  for await (const record of pages((last?: VisitorRecord) => store.everyVisitor(siteKey, last?.visitorId, PAGE))) {
    if (!isIn(record, record.facts)) continue;
    grouped.people++;
    groups.add(record);
    known.set(record.visitorId, { isPerson: record.isPerson, lastSeen: record.lastSeen });
  }
  const changes = groups.changes();
  for (let done = 0; done < changes.length; done += TOGETHER) {
    await Promise.all(
      changes.slice(done, done + TOGETHER).map(async ({ id, props }) => {
        const { isPerson, lastSeen } = known.get(id)!;
        const visitorId = isPerson ? (await store.visitorsOfPerson(siteKey, id))[0] : id;
        if (!visitorId) return; // Erased meanwhile.
        const event = { id: uuidV7(now), name: 'identify', time: now, props };
        await store.append({
          siteKey,
          visitorId,
          ...inForce(timeline),
          events: [{ event, receivedAt: now, bot: null, isProven: true }],
          deadLetters: [],
          // Nobody was there.
          foldOf: (each) => foldInto(each, timeline, now, { seenAt: lastSeen }),
        });
        grouped.changed++;
      }),
    );
  }
  return grouped;
}

function uuidV7(time: number): string {
  const hex = time.toString(16).padStart(12, '0');
  const random = randomBytes(10).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(6, 18)}`;
}
