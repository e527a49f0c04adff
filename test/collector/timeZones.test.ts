/**
 * Days of a site are days of its time zone: every report against a recount of what events.ndjson gives, around changes of the clock. The
 * recount knows the rules below in words of its own, and of the product's code only formulas that have vectors of their own.
 */
import { expect, test } from 'vitest';
import { restageDue } from '../../collector/jobs/restage.js';
import { medianStay } from '../../collector/model/flow.js';
import { lifecycleOf } from '../../collector/model/lifecycle.js';
import type { AlertsReport } from '../../collector/reports/alerts.js';
import type { AttributionReport } from '../../collector/reports/attribution.js';
import type { CommonReport } from '../../collector/reports/common.js';
import type { ContentReport } from '../../collector/reports/content.js';
import type { CoverageReport } from '../../collector/reports/coverage.js';
import type { CohortsReport, LifecycleReport, NpsReport, RfmReport } from '../../collector/reports/customers.js';
import type { FlowReport } from '../../collector/reports/flow.js';
import type { FunnelReport } from '../../collector/reports/funnel.js';
import type { KpiReport } from '../../collector/reports/kpis.js';
import type { LeavingReport } from '../../collector/reports/leaving.js';
import type { LossReport } from '../../collector/reports/loss.js';
import { REPORTS } from '../../collector/reports/reports.js';
import type { SourcesReport } from '../../collector/reports/sources.js';
import type { StagesReport } from '../../collector/reports/stages.js';
import type { TagsReport } from '../../collector/reports/tags.js';
import type { UnclassifiedReport } from '../../collector/reports/unclassified.js';
import type { ValueReport } from '../../collector/reports/value.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { STAGES, type Stage, type StagetagEvent } from '../../sdk/core/index.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW } from '../helpers/collector.js';
import { seeded } from '../helpers/random.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** A day on which the clock is changed, where it is, and the days before and after it. */
const ZONES: Array<[zone: string, changed: string, weekStart: Site['weekStart']]> = [
  ['Asia/Shanghai', '2026-11-01', 'monday'],
  ['Asia/Kolkata', '2026-11-01', 'saturday'],
  ['America/New_York', '2026-11-01', 'sunday'],
  ['Australia/Lord_Howe', '2026-10-04', 'monday'],
];
/** A day on which a week begins: the first of November 2026 is a Sunday. */
const BEGINS = { sunday: '2026-11-01', monday: '2026-11-02', saturday: '2026-11-07' };

/** Each stage is reached by one kind of event, and holds for good. */
const RULES = {
  signals: {
    visit: { event: 'page_view' },
    product_view: { event: 'page_view', path: '/b' },
    cart: { event: 'add_to_cart' },
    order: { event: 'purchase', value: 'props.value' },
    referral: { event: 'invite' },
  },
  stages: {
    awareness: { when: { signal: 'visit' } },
    interest: { when: { signal: 'product_view' } },
    consideration: { when: { signal: 'cart' } },
    action: { when: { signal: 'order' } },
    loyalty: { when: { signal: 'referral' } },
  },
  tags: { buyer: { when: { signal: 'order' }, dimension: 'behaviour' } },
};

interface Line {
  name: string;
  time: number;
  url: string;
  title: string;
  visitorId: string;
  sessionId: string;
  seq: number;
  receivedAt: number;
  props?: {
    value?: number;
    search_term?: string;
    file_name?: string;
    score?: number;
    last_field?: string;
    seconds?: number;
  };
}

interface Person {
  id: string;
  lines: Line[];
  sessions: Array<{
    at: number;
    channel: string;
    source: string | null;
    medium: string | null;
    campaign: string | null;
  }>;
  moves: Array<{ from: Stage | null; to: Stage; at: number }>;
  /** When each stage, or a higher one, was first reached. */
  reached: Partial<Record<Stage, number>>;
}

const pathOf = ({ url }: Line) => new URL(url).pathname;
const signalsOf = (line: Line): string[] =>
  ({
    page_view: pathOf(line) === '/b' ? ['visit', 'product_view'] : ['visit'],
    add_to_cart: ['cart'],
    purchase: ['order'],
    invite: ['referral'],
  })[line.name] ?? [];
/** The place of the highest stage that a line reaches. */
const placeOf = (line: Line) =>
  Math.max(
    -1,
    ...signalsOf(line).map((signal) => ['visit', 'product_view', 'cart', 'order', 'referral'].indexOf(signal)),
  );
const channelOf = (line: Line) =>
  ({ email: 'Email', affiliate: 'Affiliates' })[new URL(line.url).searchParams.get('utm_medium') ?? ''] ?? 'Direct';

function personOf(id: string, unsorted: Line[]): Person {
  const lines = [...unsorted].sort((a, b) => a.time - b.time);
  const person: Person = { id, lines, sessions: [], moves: [], reached: {} };
  const known = new Set<string>();
  let place = -1;
  for (const line of lines) {
    if (!known.has(line.sessionId))
      person.sessions.push({
        at: line.time,
        channel: channelOf(line),
        source: new URL(line.url).searchParams.get('utm_source'),
        medium: new URL(line.url).searchParams.get('utm_medium'),
        campaign: new URL(line.url).searchParams.get('utm_campaign'),
      });
    known.add(line.sessionId);
    if (placeOf(line) <= place) continue;
    person.moves.push({ from: STAGES[place] ?? null, to: STAGES[placeOf(line)]!, at: line.time });
    place = placeOf(line);
    for (const stage of STAGES.slice(0, place + 1)) person.reached[stage] ??= line.time;
  }
  return person;
}

const count = <K>(items: K[]): Map<K, number> => {
  const counts = new Map<K, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
};
const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);

test.each(ZONES)('in %s, around %s', async (timeZone, changed, weekStart) => {
  const { app, store, get, clock } = await makeCollector();
  const site = (await addSite(store, { name: 'Z', origins: ['https://z.example'], timeZone, weekStart }, NOW)) as Site;
  const headers = { Authorization: `Bearer ${ADMIN}` };
  const published = await app.request(`/api/sites/${site.siteKey}/rules?wait=true`, {
    method: 'PUT',
    headers,
    body: JSON.stringify(RULES),
  });
  expect(published.status).toBe(200);
  const random = seeded(changed.length + timeZone.length);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const noon = Date.parse(`${changed}T12:00:00Z`);
  const aTime = () => {
    // Many lie within a second of an hour, where midnights of the zone and the change itself are.
    const near =
      Date.parse(`${changed}T00:00:00Z`) + Math.floor(random() * 5 - 2) * DAY + Math.floor(random() * 24) * HOUR;
    return random() < 0.5 ? noon + Math.floor((random() - 0.5) * 6 * DAY) : near + Math.floor((random() - 0.5) * 2000);
  };
  const deed = () =>
    pick<Partial<StagetagEvent>>([
      ...Array.from({ length: 6 }, () => ({ name: 'page_view' })),
      { name: 'add_to_cart' },
      { name: 'purchase', props: { value: 1 + Math.floor(random() * 50) } },
      { name: 'invite' },
      { name: 'search', props: { search_term: pick(['Shoes', 'hats']) } },
      { name: 'file_download', props: { file_name: pick(['a.pdf', 'b.pdf']) } },
      { name: 'nps', props: { score: Math.floor(random() * 11) } },
      { name: 'form_start', props: { form_id: 'f' } },
      { name: 'form_submit', props: { form_id: 'f' } },
      {
        name: 'form_abandon',
        props: { form_id: 'f', last_field: pick(['a', 'b']), seconds: Math.floor(random() * 60) },
      },
      { name: 'web_vital', props: { metric: 'LCP', value: Math.floor(random() * 4000) } },
    ]);
  const batches: Array<{ visitorId: string; agent: string; events: ReturnType<typeof makeEvent>[] }> = [];
  for (let visitor = 0; visitor < 120; visitor++) {
    const visitorId = newId();
    const agent = pick([
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
      'Mozilla/5.0 (Windows NT 10.0; rv:131.0) Gecko/20100101 Firefox/131.0',
    ]);
    const times = [...new Set(Array.from({ length: 1 + Math.floor(random() * 9) }, aTime))].sort((a, b) => a - b);
    let [seq, session] = [0, 0];
    for (let from = 0; from < times.length; session++) {
      const labels = pick([
        '',
        '?utm_source=x&utm_medium=email&utm_campaign=may',
        '?utm_source=y&utm_medium=affiliate',
      ]);
      const part = times.slice(from, (from += 1 + Math.floor(random() * 3)));
      const events = part.map((time) => {
        // Some numbers never come.
        seq += random() < 0.1 ? 2 : 1;
        return makeEvent('page_view', {
          time,
          seq,
          sessionId: `s${visitor}-${session}`,
          url: `https://z.example/${pick(['a', 'b', 'c'])}${labels}`,
          title: 'T',
          ...deed(),
        });
      });
      batches.push({ visitorId, agent, events });
    }
  }
  for (const { visitorId, agent, events } of batches.sort((a, b) => a.events.at(-1)!.time - b.events.at(-1)!.time)) {
    clock.now = events.at(-1)!.time + 500;
    const response = await app.request('/v1/events', {
      method: 'POST',
      headers: { Origin: 'https://z.example', 'User-Agent': agent },
      body: JSON.stringify({ siteKey: site.siteKey, visitorId, sentAt: clock.now, events }),
    });
    expect(response.status).toBe(200);
  }
  clock.now = NOW;
  await restageDue(store, NOW);

  const text = await (await app.request(`/api/sites/${site.siteKey}/events.ndjson`, { headers })).text();
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const byVisitor = new Map<string, Line[]>();
  for (const line of lines) byVisitor.set(line.visitorId, [...(byVisitor.get(line.visitorId) ?? []), line]);
  const people = [...byVisitor].map(([id, own]) => personOf(id, own));
  const agentOf = new Map(
    batches.map(({ visitorId, agent }) => [visitorId, agent.includes('Firefox') ? 'Firefox' : 'Chrome']),
  );
  const orders = people.map(({ lines: own }) => own.filter(({ name }) => name === 'purchase'));
  const format = new Intl.DateTimeFormat('en-CA', { timeZone });
  const dayOf = (time: number) => format.format(time);
  const utcDay = (time: number) => new Date(time).toISOString().slice(0, 10);
  const weekOf = (day: string) => Math.floor((Date.parse(day) - Date.parse(BEGINS[weekStart])) / DAY / 7);
  const activeWeeks = ({ lines: own }: Person) =>
    own.filter((line) => signalsOf(line).length).map(({ time }) => weekOf(utcDay(time)));

  const days = [-2, -1, 0, 1, 2].map((offset) => new Date(noon + offset * DAY).toISOString().slice(0, 10));
  const ranges = [
    ...days.map((day) => [day, day] as const),
    [days[1]!, days[3]!] as const,
    [days[0]!, days[4]!] as const,
  ];
  const asked = new Set<string>();
  let found = 0;
  for (const [from, to] of ranges) {
    const isIn = (time: number | undefined): time is number =>
      time !== undefined && dayOf(time) >= from && dayOf(time) <= to;
    const report = <T>(name: string, more = '') => {
      asked.add(name);
      return get<T>(`sites/${site.siteKey}/reports/${name}?from=${from}&to=${to}${more}`);
    };
    const within = ({ lines: own }: Person) => own.filter(({ time }) => isIn(time));
    const views = people.map((person) => ({ person, seen: within(person).filter(({ name }) => name === 'page_view') }));
    const wentOnAfter = ({ reached }: Person, time: number) => Object.values(reached).some((at) => at > time);

    // Content.
    const content = await report<ContentReport>('content');
    const tallied = (nameOf: (line: Line) => string | undefined) => {
      const rows = new Map<string, [visitors: number, times: number, wentOn: number]>();
      for (const person of people) {
        const own = within(person).filter((line) => nameOf(line) !== undefined);
        for (const name of new Set(own.map(nameOf))) {
          const those = own.filter((line) => nameOf(line) === name);
          const [visitors, times, wentOn] = rows.get(name!) ?? [0, 0, 0];
          rows.set(name!, [visitors + 1, times + those.length, wentOn + +wentOnAfter(person, those[0]!.time)]);
        }
      }
      return new Map(
        [...rows].map(([name, [visitors, times, wentOn]]) => [name, [visitors, times, wentOn / visitors]]),
      );
    };
    const told = <R extends { visitors: number; times: number; wentOn: number }>(rows: R[], key: keyof R) =>
      new Map(rows.map((row) => [row[key], [row.visitors, row.times, row.wentOn]]));
    expect(told(content.pages, 'path')).toEqual(
      tallied((line) => (line.name === 'page_view' ? pathOf(line) : undefined)),
    );
    expect(told(content.downloads, 'file')).toEqual(tallied(({ props }) => props?.file_name));
    expect(told(content.searches, 'term')).toEqual(tallied(({ props }) => props?.search_term?.toLowerCase()));
    const lookers = views.filter(({ seen }) => seen.length);
    expect(content.wentOn).toBe(
      lookers.length
        ? lookers.filter(({ person, seen }) => wentOnAfter(person, seen[0]!.time)).length / lookers.length
        : null,
    );
    const ofForm = (name: string) => people.flatMap(within).filter((line) => line.name === name);
    const [form] = content.forms;
    expect([form?.started ?? 0, form?.submitted ?? 0, form?.abandoned ?? 0]).toEqual(
      ['form_start', 'form_submit', 'form_abandon'].map((name) => ofForm(name).length),
    );
    const fillers = people.flatMap((person) => {
      const own = within(person).filter(({ name }) => name.startsWith('form_'));
      return own.length ? [{ person, first: own[0]! }] : [];
    });
    expect([form?.visitors ?? 0, form?.wentOn ?? 0]).toEqual([
      fillers.length,
      fillers.length && fillers.filter(({ person, first }) => wentOnAfter(person, first.time)).length / fillers.length,
    ]);
    expect(sum(content.vitals.map((vital) => vital.count))).toBe(ofForm('web_vital').length);
    for (const { stage, entered, pages } of content.entries) {
      const who = views.filter(({ person }) => isIn(person.reached[stage]));
      expect([stage, entered]).toEqual([stage, who.length]);
      const last = who.flatMap(({ person }) =>
        person.lines.filter(({ name, time }) => name === 'page_view' && time <= person.reached[stage]!).slice(-1),
      );
      expect(new Map(pages.map(({ path, visitors }) => [path, visitors]))).toEqual(count(last.map(pathOf)));
    }

    const coverage = await report<CoverageReport>('coverage');
    const viewed = views.flatMap(({ seen }) => seen);
    expect(new Map(coverage.rows.map(({ path, views: times }) => [path, times]))).toEqual(count(viewed.map(pathOf)));
    expect(coverage.pages).toBe(new Set(viewed.map(pathOf)).size);
    for (const { path, lastAt } of coverage.rows)
      expect(lastAt).toBe(Math.max(...viewed.filter((line) => pathOf(line) === path).map(({ time }) => time)));

    // Funnels, of stages and of events, with what tells people apart, a window, and a page that is held.
    const ofStages = await report<FunnelReport>('funnel');
    const entered = people.filter(({ reached }) => isIn(reached.awareness));
    expect(ofStages.steps.map(({ visitors }) => visitors)).toEqual(
      STAGES.map((stage) => entered.filter(({ reached }) => reached[stage] !== undefined).length),
    );
    const STEPS: Array<(line: Line) => boolean> = [
      ({ name }) => name === 'page_view',
      (line) => signalsOf(line).includes('product_view'),
      ({ name }) => name === 'purchase',
    ];
    const steps = '&steps=event:page_view,signal:product_view,event:purchase';
    /** How many steps somebody made, of the best try. */
    const made = (own: Line[], window = Infinity) =>
      Math.max(
        0,
        ...own
          .filter((line) => isIn(line.time) && STEPS[0]!(line))
          .map((first) => {
            let done = 1;
            for (const line of own)
              if (line.time > first.time && line.time - first.time <= window && STEPS[done]?.(line)) done++;
            return done;
          }),
      );
    const reached = (all: number[]) => STEPS.map((_, index) => all.filter((each) => each > index).length);
    for (const [by, valueOf] of [
      ['channel', ({ sessions }: Person) => sessions[0]!.channel],
      ['source', ({ sessions }: Person) => sessions[0]!.source],
      ['browser', ({ id }: Person) => agentOf.get(id)!],
    ] as const) {
      const funnel = await report<FunnelReport>('funnel', `${steps}&by=${by}`);
      expect(funnel.steps.map(({ visitors }) => visitors)).toEqual(reached(people.map((person) => made(person.lines))));
      const groups = new Set(people.filter(({ lines: own }) => made(own)).map(valueOf));
      expect(new Map(funnel.breakdown.map(({ value, visitors }) => [value, visitors]))).toEqual(
        new Map(
          [...groups].map((value) => [
            value,
            reached(people.filter((person) => valueOf(person) === value).map((person) => made(person.lines))),
          ]),
        ),
      );
    }
    const windowed = await report<FunnelReport>('funnel', `${steps}&window=1`);
    expect(windowed.steps.map(({ visitors }) => visitors)).toEqual(
      reached(people.map((person) => made(person.lines, DAY))),
    );
    const held = await report<FunnelReport>('funnel', `${steps}&hold=path`);
    expect(held.steps.map(({ visitors }) => visitors)).toEqual(
      reached(
        people.map(({ lines: own }) =>
          Math.max(...['/a', '/b', '/c'].map((path) => made(own.filter((line) => pathOf(line) === path)))),
        ),
      ),
    );

    // Flow, of everybody and of one channel.
    for (const channel of [undefined, 'Email']) {
      const flow = await report<FlowReport>('flow', channel ? `&channel=${channel}` : '');
      const who = people.filter(({ sessions }) => !channel || sessions[0]!.channel === channel);
      expect(new Map(flow.channels.map((each) => [each.channel, each.people]))).toEqual(
        count(people.map(({ sessions }) => sessions[0]!.channel)),
      );
      const moves = who.flatMap((person) =>
        person.moves.map((move, index) => ({ ...move, end: person.moves[index + 1]?.at })),
      );
      const noticed = moves.filter(({ at }) => isIn(at));
      expect(new Map(flow.moves.map((move) => [`${move.from} ${move.to}`, move.visitors]))).toEqual(
        count(noticed.map((move) => `${move.from} ${move.to}`)),
      );
      for (const { stage, ended, open, medianDays } of flow.stays) {
        const stays = noticed
          .filter((move) => move.to === stage)
          .map(({ at, end }) => ({ duration: ((end ?? NOW) - at) / DAY, hasEnded: end !== undefined }));
        const over = stays.filter(({ hasEnded }) => hasEnded).length;
        expect([stage, ended, open, medianDays]).toEqual([stage, over, stays.length - over, medianStay(stays)]);
      }
      for (const { from: left, to: next, reached: got, wentOn } of flow.steps) {
        const those = who.filter((person) => isIn(person.reached[left]));
        expect([left, got, wentOn]).toEqual([
          left,
          those.length,
          those.filter((person) => person.reached[next] !== undefined).length,
        ]);
      }
    }

    // Nobody came for longer: who got no further is lost, with the page seen last, and what those who went on spent on the average.
    const patience = 5;
    const { leaving, gone } = {
      leaving: await report<LeavingReport>('leaving', `&dormantAfter=${patience}`),
      gone: await report<FlowReport>('flow', `&dormantAfter=${patience}`),
    };
    const spentBy = ({ lines: own }: Person) =>
      sum(own.map(({ name, props }) => (name === 'purchase' ? props!.value! : 0)));
    for (const [index, { stage, lost, pages }] of leaving.stages.entries()) {
      const [stayed, went] = [false, true].map((isOn) =>
        people.filter(({ reached: got }) => isIn(got[stage]) && (got[STAGES[index + 1]!] !== undefined) === isOn),
      ) as [Person[], Person[]];
      expect([stage, lost]).toEqual([stage, stayed.length]);
      const last = stayed.flatMap(({ lines: own }) => own.filter(({ name }) => name === 'page_view').slice(-1));
      expect(new Map(pages.map(({ path, visitors }) => [path, visitors]))).toEqual(count(last.map(pathOf)));
      expect(gone.steps[index]!.lost).toBe(lost);
      if (went.length)
        expect(gone.steps[index]!.lostValue).toBeCloseTo((lost * sum(went.map(spentBy))) / went.length, 6);
      else expect(gone.steps[index]!.lostValue).toBeNull();
      found += lost;
    }

    // What those who went on had in common.
    const common = await report<CommonReport>('common', '&stage=action');
    const looked = people.filter((person) => isIn(person.reached.consideration));
    expect([common.visitors, common.wentOn]).toEqual([
      looked.length,
      looked.filter((person) => person.reached.action !== undefined).length,
    ]);
    // Who did not go on has as much time as one of those who did, whom the number of the id says.
    const took = looked
      .flatMap(({ reached: got }) => (got.action === undefined ? [] : [got.action - got.consideration!]))
      .sort((a, b) => a - b);
    const endOf = ({ id, reached: got }: Person) => {
      if (got.action !== undefined) return got.action;
      const some = took.filter((each) => each <= clock.now - got.consideration!);
      const hash =
        [...id].reduce((all, letter) => Math.imul(all ^ letter.charCodeAt(0), 16_777_619), 2_166_136_261) >>> 0;
      return some.length ? got.consideration! + some[Math.floor((hash / 2 ** 32) * some.length)]! : Infinity;
    };
    for (const { feature, did, didAndWentOn } of common.features) {
      const [kind, name] = feature.split(':') as [string, string];
      const those = looked.filter((person) =>
        kind === 'channel'
          ? person.sessions[0]!.channel === name
          : person.lines.some((line) => line.time < endOf(person) && signalsOf(line).includes(name)),
      );
      expect([feature, did, didAndWentOn]).toEqual([
        feature,
        those.length,
        those.filter((person) => person.reached.action !== undefined).length,
      ]);
      found++;
    }

    // Attribution, by the models that a few words tell.
    const attribution = await report<AttributionReport>('attribution', '&stage=consideration');
    const entries = people.filter((person) => isIn(person.reached.consideration));
    const touchesOf = ({ sessions, reached: got }: Person) =>
      sessions.filter(({ at }) => at <= got.consideration! + 600_000).map(({ channel }) => channel);
    expect([attribution.entries, attribution.withoutTouch]).toEqual([entries.length, 0]);
    const credit = (of: (touches: string[], channel: string) => number, channel: string) =>
      sum(entries.map((person) => of(touchesOf(person), channel)));
    for (const row of attribution.channels) {
      const came = people.filter(({ sessions }) =>
        sessions.some(({ at, channel }) => isIn(at) && channel === row.channel),
      );
      expect([row.channel, row.visitors, row.sessions]).toEqual([
        row.channel,
        came.length,
        sum(
          came.map(({ sessions }) => sessions.filter(({ at, channel }) => isIn(at) && channel === row.channel).length),
        ),
      ]);
      expect(row.first).toBeCloseTo(
        credit(([first], channel) => +(first === channel), row.channel),
        5,
      );
      expect(row.last).toBeCloseTo(
        credit((touches, channel) => +(touches.at(-1) === channel), row.channel),
        5,
      );
      expect(row.linear).toBeCloseTo(
        credit((touches, channel) => touches.filter((each) => each === channel).length / touches.length, row.channel),
        5,
      );
    }
    for (const model of ['position', 'timeDecay', 'markov', 'shapley', 'lastNonDirect'] as const)
      expect(sum(attribution.channels.map((row) => row[model]))).toBeCloseTo(entries.length, 4);

    // By what names the channels, with the same sums.
    const countOf = async (query: string) =>
      (await get<{ count: number }>(`sites/${site.siteKey}/visitors?limit=1&from=${from}&to=${to}&${query}`)).count;
    for (const by of ['source', 'medium', 'campaign'] as const) {
      const split = await report<AttributionReport>('attribution', `&stage=consideration&by=${by}`);
      const nameOf = (session: Person['sessions'][number]) =>
        by === 'campaign'
          ? (session.campaign ?? '(not set)')
          : by === 'source'
            ? (session.source ?? '(direct)')
            : (session.medium ?? '(none)');
      const touches = ({ sessions, reached: got }: Person) =>
        sessions.filter(({ at }) => at <= got.consideration! + 600_000).map(nameOf);
      expect(split.entries).toBe(entries.length);
      for (const row of split.channels)
        for (const [model, place] of [
          ['first', 0],
          ['last', -1],
        ] as const)
          expect([by, row.channel, model, row[model]]).toEqual([
            by,
            row.channel,
            model,
            entries.filter((person) => touches(person).at(place) === row.channel).length,
          ]);
      for (const row of split.channels) {
        const credited = entries.filter((person) => {
          const seen = person.sessions.filter(({ at }) => at <= person.reached.consideration! + 600_000);
          const last = seen.findLast(({ channel }) => channel !== 'Direct') ?? seen.at(-1)!;
          return nameOf(last) === row.channel;
        });
        expect([by, row.channel, row.lastNonDirect]).toEqual([by, row.channel, credited.length]);
        expect(await countOf(`did=${by}:${row.channel}`)).toBe(row.visitors);
      }
      expect(sum(split.channels.map((row) => row.shapley))).toBeCloseTo(entries.length, 4);
    }

    // Where sessions came from, and stages day by day.
    const { sources } = await report<SourcesReport>('sources');
    const began = people.flatMap(({ id, sessions }) =>
      sessions.filter(({ at }) => isIn(at)).map((session) => ({ ...session, id })),
    );
    const named = began.filter(({ source }) => source !== null);
    expect(new Map(sources.map((row) => [row.source, row.sessions]))).toEqual(count(named.map(({ source }) => source)));
    for (const row of sources)
      expect(row.visitors).toBe(new Set(named.filter(({ source }) => source === row.source).map(({ id }) => id)).size);
    const stages = await report<StagesReport>('stages');
    // Days of the report are those of the zone, each once, the one on which the clock is changed too.
    expect(stages.days.map(({ day }) => day)).toEqual(days.filter((day) => day >= from && day <= to));
    for (const { day, entered: news, left: away, current } of stages.days)
      for (const stage of STAGES) {
        const all = people.map(({ moves }) => moves.filter(({ at }) => dayOf(at) <= day));
        const today = all.flat().filter(({ at }) => dayOf(at) === day);
        expect([day, stage, news[stage], away[stage], current[stage]]).toEqual([
          day,
          stage,
          today.filter((move) => move.to === stage).length,
          today.filter((move) => move.from === stage).length,
          all.filter((moves) => moves.at(-1)?.to === stage).length,
        ]);
      }
    const length = Math.round((Date.parse(to) - Date.parse(from)) / DAY) + 1;
    const earlier = new Set(Array.from({ length }, (_, index) => utcDay(Date.parse(from) - (index + 1) * DAY)));
    for (const { stage, before } of stages.stages) {
      const all = people.map(({ moves }) => moves.filter(({ at }) => dayOf(at) < from));
      const then = all.flat().filter(({ at }) => earlier.has(dayOf(at)));
      expect([stage, before]).toEqual([
        stage,
        {
          current: all.filter((moves) => moves.at(-1)?.to === stage).length,
          entered: then.filter((move) => move.to === stage).length,
          left: then.filter((move) => move.from === stage).length,
        },
      ]);
    }
    for (const { stage, peak, entered: news, left } of stages.stages) {
      const noticed = people.flatMap(({ moves }) => moves.filter(({ at }) => isIn(at)));
      expect([stage, peak, news, left]).toEqual([
        stage,
        people.filter(({ moves }) => moves.findLast(({ at }) => dayOf(at) <= to)?.to === stage).length,
        noticed.filter((move) => move.to === stage).length,
        noticed.filter((move) => move.from === stage).length,
      ]);
    }

    // What facts count by UTC days.
    const { kpis } = await report<KpiReport>('kpis');
    const isDay = ({ time }: Line) => utcDay(time) >= from && utcDay(time) <= to;
    const carried = (signal: string) =>
      people.map(({ lines: own }) => own.filter((line) => isDay(line) && signalsOf(line).includes(signal)));
    expect(kpis.map(({ signal, value }) => [signal, value])).toEqual([
      ['visit', carried('visit').filter(({ length }) => length).length],
      ['product_view', carried('product_view').filter(({ length }) => length).length],
      // The site's own template has a measure that these rules do not know; of the others this one has them all.
      ['cart', carried('cart').filter(({ length }) => length).length],
      [
        'order',
        sum(
          carried('order')
            .flat()
            .map(({ props }) => props!.value!),
        ),
      ],
      ['referral', carried('referral').flat().length],
    ]);
    const { cohorts } = await report<CohortsReport>('cohorts', '&period=week');
    const [firstWeek, lastWeek] = [weekOf(from), weekOf(to)];
    expect(cohorts.map(({ active }) => active)).toEqual(
      Array.from({ length: lastWeek - firstWeek + 1 }, (_, index) =>
        Array.from(
          { length: lastWeek - firstWeek - index + 1 },
          (__, later) =>
            people.filter((person) => {
              const weeks = activeWeeks(person);
              return Math.min(...weeks) === firstWeek + index && weeks.includes(firstWeek + index + later);
            }).length,
        ),
      ),
    );
    const { periods } = await report<LifecycleReport>('lifecycle', '&period=week');
    const states = people.map((person) => lifecycleOf(activeWeeks(person), lastWeek, 8));
    for (const [index, period] of periods.entries())
      for (const state of ['new', 'returning', 'resurrected', 'dormant', 'churned'] as const)
        expect([index, state, period[state]]).toEqual([
          index,
          state,
          states.filter((each) => each.get(firstWeek + index) === state).length,
        ]);

    // Answers, and what nobody looks at yet.
    const nps = await report<NpsReport>('nps');
    const answers = people.flatMap((person) =>
      within(person)
        .filter(({ name }) => name === 'nps')
        .slice(-1),
    );
    const scored = (least: number, most: number) =>
      answers.filter(({ props }) => props!.score! >= least && props!.score! <= most).length;
    expect([nps.promoters, nps.passives, nps.detractors]).toEqual([scored(9, 10), scored(7, 8), scored(0, 6)]);
    const { rows } = await report<UnclassifiedReport>('unclassified');
    const untold = people
      .flatMap(within)
      .filter(
        (line) =>
          !['web_vital', 'add_to_cart', 'purchase', 'invite'].includes(line.name) &&
          !(line.name === 'page_view' && pathOf(line) === '/b'),
      );
    const keyOf = (line: Line) => (line.name === 'page_view' ? `page_view ${pathOf(line)}` : `${line.name} null`);
    expect(new Map(rows.map(({ event, path, times }) => [`${event} ${path}`, times]))).toEqual(
      count(untold.map(keyOf)),
    );
    for (const { event, path, people: who } of rows)
      expect(who).toBe(
        new Set(untold.filter((line) => keyOf(line) === `${event} ${path}`).map(({ visitorId }) => visitorId)).size,
      );

    // What never came, by who was last heard of.
    const loss = await report<LossReport>('loss');
    const heard = people.filter(({ lines: own }) => isIn(Math.max(...own.map(({ receivedAt }) => receivedAt))));
    const missingOf = ({ lines: own }: Person) => Math.max(...own.map(({ seq }) => seq)) - own.length;
    const lost = (those: Person[]) => [
      those.length,
      sum(those.map(({ lines: own }) => own.length)),
      sum(those.map(missingOf)),
    ];
    expect([loss.visitors, loss.stored, loss.missing]).toEqual(lost(heard));
    for (const row of loss.byBrowser)
      expect([row.browser, row.visitors, row.stored, row.missing]).toEqual([
        row.browser,
        ...lost(heard.filter(({ id }) => agentOf.get(id) === row.browser)),
      ]);
    for (const row of loss.byChannel)
      expect([row.channel, row.visitors, row.stored, row.missing]).toEqual([
        row.channel,
        ...lost(heard.filter(({ sessions }) => sessions.at(-1)!.channel === row.channel)),
      ]);
    const { alerts } = await report<AlertsReport>('alerts');
    expect(alerts.filter(({ code }) => code === 'loss').map(({ value }) => value)).toEqual(
      loss.stored + loss.missing >= 100 && loss.rate! >= 0.05 ? [loss.missing / (loss.stored + loss.missing)] : [],
    );
    for (const { code, stage, value, before } of alerts.filter((alert) => alert.stage)) {
      const those = new Set(days.filter((day) => day < from).slice(-length));
      const times = people.flatMap(({ moves }) => moves.filter((move) => move.to === stage).map(({ at }) => dayOf(at)));
      expect(value).toBe(times.filter((day) => day >= from && day <= to).length);
      expect(before).toBe(times.filter((day) => those.has(day)).length);
      expect(code).toBe(value < before! ? 'fewer' : 'more');
    }

    // Every number opens into those who are behind it.
    const listed = async (query: string) => {
      const path = `sites/${site.siteKey}/visitors?limit=200&from=${from}&to=${to}&${query}`;
      const { visitors, count: all } = await get<{ visitors: Array<{ visitorId: string }>; count: number }>(path);
      expect(visitors).toHaveLength(all);
      return new Set(visitors.map(({ visitorId }) => visitorId));
    };
    const idsOf = (those: Person[]) => new Set(those.map(({ id }) => id));
    for (const [did, { visitors, wentOn }] of [
      ...content.pages.map((page) => [`path:${page.path}`, page] as const),
      ...content.downloads.map((download) => [`file:${download.file}`, download] as const),
      ...content.searches.map((search) => [`term:${search.term}`, search] as const),
    ]) {
      expect((await listed(`did=${did}`)).size).toBe(visitors);
      expect((await listed(`did=${did}&fate=wentOn`)).size / visitors).toBe(wentOn);
    }
    for (const { source, visitors } of sources) expect((await listed(`did=named:${source}`)).size).toBe(visitors);
    expect(await listed('did=event:invite')).toEqual(
      idsOf(people.filter((person) => within(person).some(({ name }) => name === 'invite'))),
    );
    for (const { event, path, people: who } of rows)
      expect((await listed(path === null ? `did=untold:${event}` : `did=path:${path}`)).size).toBe(who);
    expect((await listed('did=form:f')).size).toBe(form?.visitors ?? 0);
    expect((await listed('did=abandoned:f')).size).toBe(form?.gaveUp ?? 0);
    expect(await listed('did=abandoned:f')).toEqual(
      idsOf(people.filter((person) => within(person).some(({ name }) => name === 'form_abandon'))),
    );
    for (const { channel, visitors } of attribution.channels)
      expect((await listed(`did=channel:${channel}`)).size).toBe(visitors);
    expect(await listed('did=channel:Email')).toEqual(
      idsOf(people.filter(({ sessions }) => sessions.some(({ at, channel }) => isIn(at) && channel === 'Email'))),
    );
    for (const { from: left, to: into } of gone.moves) {
      const query = `moved=${left ?? 'new'}:${into}&dormantAfter=${patience}`;
      if (into !== 'dormant' && left !== 'dormant')
        expect(await listed(query)).toEqual(
          idsOf(
            people.filter(({ moves }) => moves.some((move) => isIn(move.at) && move.from === left && move.to === into)),
          ),
        );
      // To and fro is made more than once, and by one all the same.
      expect((await listed(query)).size).toBe(
        gone.moves.find((move) => move.from === left && move.to === into)!.people,
      );
    }
    for (const { stage, pages } of leaving.stages)
      for (const { path, visitors } of pages)
        expect((await listed(`reached=${stage}&fate=lost&dormantAfter=${patience}&lastPage=${path}`)).size).toBe(
          visitors,
        );
    for (const [place, { visitors, lost }] of windowed.steps.entries()) {
      const asOf = `${steps.slice(1)}&window=1&step=${place + 1}`;
      expect((await listed(asOf)).size).toBe(visitors);
      const stood = people.filter((person) => made(person.lines, DAY) === place + 1);
      expect(await listed(`${asOf}&fate=lost`)).toEqual(idsOf(place < 2 ? stood : []));
      expect(lost).toBe(place < 2 ? stood.length : 0);
    }
    for (const stage of STAGES)
      for (const [way, of] of [
        ['entered', 'to'],
        ['left', 'from'],
      ] as const)
        expect(await listed(`counted=stages:${way}:${stage}`)).toEqual(
          idsOf(people.filter(({ moves }) => moves.some((move) => isIn(move.at) && move[of] === stage))),
        );
    for (const stage of STAGES) {
      const before = ({ moves }: Person) => moves.filter(({ at }) => dayOf(at) <= to);
      const rankOf = (name: string | null) => STAGES.findIndex((each) => each === name);
      expect(await listed(`counted=stages:stood:${stage}`)).toEqual(
        idsOf(people.filter((person) => before(person).at(-1)?.to === stage)),
      );
      expect(await listed(`counted=stages:reached:${stage}`)).toEqual(
        idsOf(people.filter((person) => before(person).some((move) => rankOf(move.to) >= rankOf(stage)))),
      );
    }
    for (const signal of ['order', 'product_view'])
      expect(await listed(`counted=kpis:${signal}`)).toEqual(
        idsOf(
          people.filter(({ lines: own }) =>
            own.some((line) => {
              const day = utcDay(line.time);
              return day >= from && day <= to && signalsOf(line).includes(signal);
            }),
          ),
        ),
      );
    for (const [answer, least, most] of [
      ['promoters', 9, 10],
      ['passives', 7, 8],
      ['detractors', 0, 6],
    ] as const)
      expect((await listed(`counted=nps:${answer}`)).size).toBe(scored(least, most));
    for (const { feature, did, didAndWentOn } of common.features) {
      const name = `counted=common:action:${encodeURIComponent(feature)}`;
      expect((await listed(name)).size).toBe(did);
      expect((await listed(`${name}&fate=wentOn`)).size).toBe(didAndWentOn);
    }
    expect(sum(content.entries.map(({ pages }) => pages.length))).toBeGreaterThan(0);
    for (const { stage, pages } of content.entries)
      for (const { path, visitors } of pages)
        expect((await listed(`counted=content:${stage}:${encodeURIComponent(path)}`)).size).toBe(visitors);
    for (const { from: first, people: came, active } of cohorts) {
      expect((await listed(`period=week&counted=cohorts:${first}`)).size).toBe(came);
      for (const [later, there] of active.entries())
        expect((await listed(`period=week&counted=cohorts:${first}:${later}`)).size).toBe(there);
    }
    for (const period of periods)
      for (const state of ['new', 'returning', 'dormant'] as const)
        expect((await listed(`period=week&counted=lifecycle:${period.from}:${state}`)).size).toBe(period[state]);
    // Stays, credit and the ways between channels.
    for (const stage of STAGES)
      for (const way of ['ended', 'open'] as const)
        expect(await listed(`counted=flow:${way}:${stage}`)).toEqual(
          idsOf(
            people.filter(({ moves }) =>
              moves.some(
                (move, index) => isIn(move.at) && move.to === stage && !!moves[index + 1] === (way === 'ended'),
              ),
            ),
          ),
        );
    expect((await listed('counted=attribution:consideration:channel')).size).toBe(attribution.withoutTouch);
    for (const { channel } of attribution.channels) {
      const credited = (of: (touches: string[]) => boolean) => idsOf(entries.filter((person) => of(touchesOf(person))));
      const list = (model: string) => listed(`counted=attribution:consideration:channel:${model}:${channel}`);
      expect(await list('first')).toEqual(credited(([first]) => first === channel));
      expect(await list('last')).toEqual(credited((touches) => touches.at(-1) === channel));
      expect(await list('lastNonDirect')).toEqual(
        credited((touches) => (touches.findLast((each) => each !== 'Direct') ?? 'Direct') === channel),
      );
      for (const model of ['linear', 'position', 'timeDecay', 'markov', 'shapley'])
        expect(await list(model)).toEqual(credited((touches) => touches.includes(channel)));
    }
    for (const { from: left, to: right, times, beforeEntry } of attribution.moves) {
      const walkOf = ({ sessions, reached: { consideration: at } }: Person) =>
        at !== undefined && dayOf(at) < from
          ? []
          : sessions
              .filter((session) => session.at <= (at !== undefined && isIn(at) ? at + 600_000 : NOW))
              .filter(
                (session, _, all) =>
                  dayOf(session.at) <= to && (isIn(at) || isIn(all.findLast((each) => dayOf(each.at) <= to)?.at)),
              )
              .map(({ channel }) => channel);
      const makes = (person: Person) =>
        walkOf(person).filter((channel, index, all) => channel === right && all[index - 1] === left).length;
      expect([left, right, times]).toEqual([left, right, sum(people.map(makes))]);
      expect(beforeEntry).toBe(sum(entries.map(makes)));
      const query = `counted=moves:consideration:channel`;
      const pair = encodeURIComponent(JSON.stringify([left, right]));
      expect(await listed(`${query}:all:${pair}`)).toEqual(idsOf(people.filter(makes)));
      expect(await listed(`${query}:converted:${pair}`)).toEqual(idsOf(entries.filter(makes)));
    }
    for (const { browser, visitors } of loss.byBrowser)
      expect((await listed(`counted=loss:browser:${browser}`)).size).toBe(visitors);
    for (const { channel } of loss.byChannel)
      expect(await listed(`counted=loss:channel:${channel}`)).toEqual(
        idsOf(heard.filter(({ sessions }) => sessions.at(-1)!.channel === channel)),
      );
    expect(await listed(`${steps.slice(1)}&step=2&by=channel&value=Email`)).toEqual(
      idsOf(people.filter((person) => made(person.lines) >= 2 && person.sessions[0]!.channel === 'Email')),
    );

    // Of all time, whatever the range.
    expect(await report<TagsReport>('tags')).toMatchObject({
      people: people.length,
      tags: [{ tag: 'buyer', people: orders.filter(({ length }) => length).length }],
    });
    const rfm = await report<RfmReport>('rfm');
    const spent = sum(orders.flat().map(({ props }) => props!.value!));
    const buyers = orders.filter(({ length }) => length);
    expect([rfm.buyers, rfm.revenue, sum(rfm.groups.map((group) => group.buyers))]).toEqual([
      buyers.length,
      spent,
      buyers.length,
    ]);
    for (const { group, buyers: those } of rfm.groups)
      expect((await listed(`when=${JSON.stringify({ rfm: [group] })}`)).size).toBe(those);
    for (const { r, fm, buyers: those } of rfm.cells) expect((await listed(`counted=rfm:${r}:${fm}`)).size).toBe(those);
    const value = await report<ValueReport>('value');
    expect([value.people, value.buyers, value.orders, value.revenue, value.averageOrder]).toEqual([
      people.length,
      buyers.length,
      orders.flat().length,
      spent,
      spent / orders.flat().length,
    ]);
    expect(value.repurchaseRate).toBe(buyers.filter(({ length }) => length > 1).length / buyers.length);
    const who = people.filter((_, index) => orders[index]!.length);
    expect(await listed('counted=value:buyers')).toEqual(idsOf(who));
    expect(await listed('counted=value:again')).toEqual(idsOf(people.filter((_, index) => orders[index]!.length > 1)));
    expect(value.invitations).toBe(lines.filter(({ name }) => name === 'invite').length);
  }
  expect([...asked].sort()).toEqual([...REPORTS].sort());
  expect(found).toBeGreaterThan(10);
});
