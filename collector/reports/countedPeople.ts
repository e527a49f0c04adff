/** Those whom a number of a report counts that names them by nothing else: `REPORT:NUMBER`, the number as the report has it. */
import { isDay } from '../isDay.js';
import { attempt, parseDay, STAGES, type Stage, rank } from '../../sdk/core/index.js';
import { LIFECYCLE } from '../model/lifecycle.js';
import { whoLost, whoMoved, whoReached, whoStood } from '../projection/noticed.js';
import type { Deed, Person, View } from '../projection/view.js';
import { isCredited, MODELS } from './attribution.js';
import { eachBefore, stageBefore } from './common.js';
import { BEFORE_MS, viewed } from './content.js';
import {
  activePeriods,
  ANSWERS,
  chooseOrderSignal,
  eachAnswer,
  lastPeriod,
  periodsOf,
  scoreBuyers,
  statesOf,
} from './customers.js';
import { staysIn, type Fate } from './flow.js';
import { CREDITED, findJourneys, type Journey } from './journeys.js';
import type { ReportQuery } from './range.js';

export interface Counted {
  view: View;
  /** The moments, and the days as they were asked for. */
  span: { from: number; until: number };
  days: { from: string; to: string; last: number };
  period?: ReportQuery['period'];
  fate?: Fate;
  now: number;
  /** Those who are left by what was asked before. */
  people: Person[];
}

/** Says who they are; undefined where the report has no such number. @param rest what stands behind the report's name */
type Find = (asked: Counted, rest: string[]) => Promise<((person: Person) => boolean) | undefined>;

const isAmong = (found: ReadonlySet<Person>) => (person: Person) => found.has(person);
const isOneOf = <T extends string>(all: readonly T[], name: string | undefined): name is T => all.includes(name as T);
/** Finds those whose way to what is credited fits. @param of a stage, or the signal of orders @param by what of a session is credited */
async function onWay(
  { view, span }: Counted,
  [of, by]: string[],
  fits: (journey: Journey) => boolean,
): Promise<((person: Person) => boolean) | undefined> {
  if (of === undefined || by === undefined) return undefined;
  const journeys = await findJourneys(view, { ...(isOneOf(STAGES, of) ? { stage: of } : { signal: of }), by }, span);
  if (typeof journeys === 'string') return undefined;
  const found = new Set<Person>();
  journeys.each((journey) => fits(journey) && found.add(journey.person));
  return isAmong(found);
}

const rulesOf = async ({ store, site }: View) => (await store.rules(site.siteKey)).at(-1)!.rules;

/** How each is written, and who is meant. `isDated`: it hangs on when stages were first reached. */
const REPORTS: Record<string, { numbers: string; isDated?: true; find: Find }> = {
  stages: {
    numbers: 'entered:STAGE or left:STAGE, stood:STAGE or reached:STAGE at the end',
    find: async ({ view, span, now }, [way, stage]) => {
      if (!isOneOf(STAGES, stage)) return undefined;
      // Of now it is told by facts: what was noticed may be another's by now.
      if (way === 'reached' && span.until > now) return (person) => rank(view.peak(person)) >= rank(stage);
      if (way === 'stood') return isAmong(whoStood(view.projection, span.until, stage));
      if (way === 'reached') return isAmong(whoReached(view.projection, span.until, stage));
      if (way === 'entered') return isAmong(whoMoved(view.projection, span, (_, to) => to === stage));
      return way === 'left' ? isAmong(whoMoved(view.projection, span, (from) => from === stage)) : undefined;
    },
  },
  flow: {
    numbers: 'ended:STAGE or open:STAGE, of stays that began in the range',
    find: async ({ view, span, now }, [way, stage]) => {
      if (!isOneOf(STAGES, stage) || !isOneOf(['ended', 'open'], way)) return undefined;
      const isIn = (at: number) => at >= span.from && at < span.until;
      return (person) =>
        [...staysIn(view.journeys(person), isIn, now)].some(
          (stay) => stay.stage === stage && (way === 'ended' ? stay.hasEnded : stay.isOpen),
        );
    },
  },
  attribution: {
    isDated: true,
    numbers: `STAGE or SIGNAL:${CREDITED.join('|')}:MODEL:NAME, one of ${MODELS.join(', ')}; nothing behind the second for what no model credits`,
    find: async (asked, [of = '', by = '', model, ...rest]) => {
      const name = rest.join(':');
      if (model === undefined)
        return onWay(asked, [of, by], ({ credited }) => !!credited?.some(({ path }) => !path.length));
      if (!isOneOf(MODELS, model) || !name) return undefined;
      return onWay(asked, [of, by], ({ credited }) => !!credited?.some((each) => isCredited(model, name, each)));
    },
  },
  moves: {
    isDated: true,
    numbers: `STAGE or SIGNAL:${CREDITED.join('|')}:all|converted:["FROM","TO"], as JSON`,
    find: async (asked, [of = '', by = '', which, ...rest]) => {
      const pair = attempt(() => JSON.parse(rest.join(':')) as unknown);
      if (!isOneOf(['all', 'converted'], which) || !Array.isArray(pair)) return undefined;
      return onWay(asked, [of, by], ({ names, credited, walk }) => {
        if (!walk || (which === 'converted' && !credited!.length)) return false;
        for (let at = walk.first + 1; at < walk.until; at++)
          if (names[at - 1] === pair[0] && names[at] === pair[1]) return true;
        return false;
      });
    },
  },
  loss: {
    numbers: 'browser:NAME or channel:NAME of the latest session; nothing behind the colon where there is none',
    find: async ({ view, span }, [by, ...rest]) =>
      isOneOf(['browser', 'channel'], by)
        ? isAmong(whoLost(view.projection, view.site, span, by, rest.join(':') || null))
        : undefined,
  },
  kpis: {
    numbers: 'SIGNAL',
    find: async ({ view, days }, rest) => {
      const signal = rest.join(':');
      if (!Object.hasOwn((await rulesOf(view)).signals, signal)) return undefined;
      const first = parseDay(days.from);
      return (person) => view.counted(person, signal).some(({ day }) => day >= first && day <= days.last);
    },
  },
  rfm: {
    numbers: 'R:FM, scores from 1 to 5',
    find: async ({ view, now }, [r, fm]) => {
      const rules = await rulesOf(view);
      const order = chooseOrderSignal(rules, undefined);
      if ('error' in order || !/^[1-5]$/.test(r ?? '') || !/^[1-5]$/.test(fm ?? '')) return undefined;
      const buyers = scoreBuyers(view, rules, order.signal, now);
      return isAmong(new Set(buyers.filter((each) => each.r === +r! && each.fm === +fm!).map(({ id }) => id)));
    },
  },
  value: {
    numbers: 'buyers or again, who bought more than once',
    find: async ({ view }, [who]) => {
      const order = chooseOrderSignal(await rulesOf(view), undefined);
      if ('error' in order || !isOneOf(['buyers', 'again'], who)) return undefined;
      return (person) =>
        view.counted(person, order.signal).reduce((all, { count }) => all + count, 0) > +(who === 'again');
    },
  },
  lifecycle: {
    numbers: `DAY:STATE, the first of a period and one of ${LIFECYCLE.join(', ')}`,
    find: async ({ view, days, period, now }, [from, state]) => {
      if (!isDay(from) || !isOneOf(LIFECYCLE, state)) return undefined;
      const periods = periodsOf(view.site, period);
      const [number, last] = [periods.of(parseDay(from)), lastPeriod(periods, days.to, now)];
      return (person) => statesOf(view, periods, person, last, now).get(number) === state;
    },
  },
  cohorts: {
    numbers: 'DAY:NUMBER, the first of the period in which they came first and how many after it they were there',
    find: async ({ view, days, period, now }, [from, later = '0']) => {
      if (!isDay(from) || !/^\d{1,3}$/.test(later)) return undefined;
      const periods = periodsOf(view.site, period);
      const [begin, last] = [periods.of(parseDay(from)), lastPeriod(periods, days.to, now)];
      if (begin + +later > last) return () => false;
      return (person) => {
        const active = activePeriods(view, periods, person);
        return Math.min(...active) === begin && active.includes(begin + +later);
      };
    },
  },
  nps: {
    numbers: ANSWERS.join(', '),
    find: async ({ view, span }, [asked]) => {
      if (!isOneOf(ANSWERS, asked)) return undefined;
      const found = new Set<Person>();
      await eachAnswer(view, span, (person, answer) => answer === asked && found.add(person));
      return isAmong(found);
    },
  },
  content: {
    isDated: true,
    numbers: 'STAGE:PATH, the page that was seen last before',
    find: async ({ view, span, people }, [stage, ...rest]) => {
      const path = rest.join(':');
      if (!isOneOf(STAGES, stage) || !path) return undefined;
      const found = new Set<Person>();
      const note = (person: Person, deeds: Array<Deed<string>>) => {
        const at = view.reachedAt(person, stage) ?? -Infinity;
        const isIn = at >= span.from && at < span.until;
        if (isIn && deeds.findLast(({ time }) => time <= at)?.of === path) found.add(person);
      };
      const early = { from: span.from - BEFORE_MS, until: span.until };
      await view.eachDeeds(early, viewed, note, people);
      return isAmong(found);
    },
  },
  common: {
    isDated: true,
    numbers: 'STAGE:FEATURE, with `fate=wentOn` for those of them who went on',
    find: async ({ view, span, now, fate }, [stage, ...rest]) => {
      const feature = rest.join(':');
      if (!isOneOf(STAGES.slice(1) as Stage[], stage) || !feature) return undefined;
      const found = new Set<Person>();
      const isIt = (name: string) => name === feature;
      const before = await stageBefore(view, stage);
      await eachBefore(view, { before, stage }, span, now, isIt, (person, hasGoneOn, features) => {
        if (features.includes(true) && (fate !== 'wentOn' || hasGoneOn)) found.add(person);
      });
      return isAmong(found);
    },
  },
};

/** How they are written: `REPORT:NUMBER`. */
export const COUNTED = Object.entries(REPORTS).map(([report, { numbers }]) => `${report}:${numbers}`);

/** Whether a number hangs on when stages were first reached. */
export const isDated = (text: string): boolean => {
  const [report = ''] = text.split(':');
  return Object.hasOwn(REPORTS, report) && !!REPORTS[report]!.isDated;
};

/** Finds whom a number counts. @returns a text that says what is wrong with how it is written */
export async function findCounted(text: string, asked: Counted): Promise<((person: Person) => boolean) | string> {
  const [report = '', ...rest] = text.split(':');
  if (!Object.hasOwn(REPORTS, report))
    return `counted: expected one of ${Object.keys(REPORTS).join(', ')} with a number of it behind a colon, got ${text}`;
  const { numbers, find } = REPORTS[report]!;
  return (await find(asked, rest)) ?? `counted: expected behind ${report}: ${numbers}, got ${rest.join(':')}`;
}
