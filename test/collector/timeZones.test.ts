/** Days of a site are days of its time zone: reports against a recount of what events.ndjson gives, around changes of the clock. */
import { expect, test } from 'vitest';
import type { ContentReport } from '../../collector/reports/content.js';
import type { FunnelReport } from '../../collector/reports/funnel.js';
import type { SourcesReport } from '../../collector/reports/sources.js';
import type { StagesReport } from '../../collector/reports/stages.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { STAGES } from '../../sdk/core/index.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW } from '../helpers/collector.js';
import { seeded } from '../helpers/random.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** A day on which the clock is changed, where it is, and the days before and after it. */
const ZONES: Array<[zone: string, changed: string]> = [
  ['Asia/Shanghai', '2026-11-01'],
  ['Asia/Kolkata', '2026-11-01'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-10-04'],
];

test.each(ZONES)('in %s, around %s', async (timeZone, changed) => {
  const { app, store, get } = await makeCollector();
  const site = (await addSite(store, { name: 'Z', origins: ['https://z.example'], timeZone }, NOW)) as Site;
  const random = seeded(changed.length + timeZone.length);
  const noon = Date.parse(`${changed}T12:00:00Z`);
  for (let visitor = 0; visitor < 60; visitor++) {
    const events = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, index) => {
      // Many lie within an hour of a midnight of the zone, or of the change itself.
      const near =
        Date.parse(`${changed}T00:00:00Z`) + Math.floor(random() * 5 - 2) * DAY + Math.floor(random() * 24) * HOUR;
      const time =
        random() < 0.5 ? noon + Math.floor((random() - 0.5) * 6 * DAY) : near + Math.floor((random() - 0.5) * 2000);
      return makeEvent(random() < 0.2 ? 'purchase' : 'page_view', {
        time,
        sessionId: `s${visitor}-${index}`,
        url: `https://z.example/${'abc'[Math.floor(random() * 3)]}?utm_source=${random() < 0.5 ? 'x' : 'y'}&utm_medium=email`,
        props: { value: 1 },
      });
    });
    const response = await app.request('/v1/events', {
      method: 'POST',
      headers: { Origin: 'https://z.example' },
      body: JSON.stringify({ siteKey: site.siteKey, visitorId: newId(), events }),
    });
    expect(response.status).toBe(200);
  }
  const text = await (
    await app.request(`/api/sites/${site.siteKey}/events.ndjson`, { headers: { Authorization: `Bearer ${ADMIN}` } })
  ).text();
  interface Line {
    name: string;
    time: number;
    url: string;
    visitorId: string;
    sessionId: string;
  }
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const format = new Intl.DateTimeFormat('en-CA', { timeZone });
  const dayOf = (time: number) => format.format(time);

  const moves = await store.everyTransition(site.siteKey, 0, 10_000);
  expect(moves.length).toBeGreaterThan(60);
  const days = [-2, -1, 0, 1, 2].map((offset) => new Date(noon + offset * DAY).toISOString().slice(0, 10));
  const ranges = [
    ...days.map((day) => [day, day] as const),
    [days[1]!, days[3]!] as const,
    [days[0]!, days[4]!] as const,
  ];
  for (const [from, to] of ranges) {
    const within = lines.filter(({ time }) => dayOf(time) >= from && dayOf(time) <= to);
    const report = <T>(name: string, more = '') =>
      get<T>(`sites/${site.siteKey}/reports/${name}?from=${from}&to=${to}${more}`);
    const views = within.filter(({ name }) => name === 'page_view');

    const { pages } = await report<ContentReport>('content');
    const wanted = new Map<string, [visitors: Set<string>, times: number]>();
    for (const { url, visitorId } of views) {
      const path = new URL(url).pathname;
      const [visitors, times] = wanted.get(path) ?? [new Set<string>(), 0];
      wanted.set(path, [visitors.add(visitorId), times + 1]);
    }
    expect(new Map(pages.map(({ path, visitors, times }) => [path, [visitors, times]]))).toEqual(
      new Map([...wanted].map(([path, [visitors, times]]) => [path, [visitors.size, times]])),
    );

    const { steps } = await report<FunnelReport>('funnel', '&steps=event:page_view,event:purchase');
    expect(steps[0]!.visitors).toBe(new Set(views.map(({ visitorId }) => visitorId)).size);

    const { sources } = await report<SourcesReport>('sources');
    const firsts = new Map<string, Line>();
    for (const line of [...lines].sort((a, b) => a.time - b.time))
      if (!firsts.has(line.sessionId)) firsts.set(line.sessionId, line);
    const began = [...firsts.values()].filter(({ time }) => dayOf(time) >= from && dayOf(time) <= to);
    for (const name of ['x', 'y'])
      expect(sources.find(({ source }) => source === name)?.sessions ?? 0).toBe(
        began.filter(({ url }) => new URL(url).searchParams.get('utm_source') === name).length,
      );

    // Days of the report are those of the zone, each once, the one on which the clock is changed too.
    const { days: told } = await report<StagesReport>('stages');
    expect(told.map(({ day }) => day)).toEqual(days.filter((day) => day >= from && day <= to));
    for (const { day, entered } of told)
      for (const stage of STAGES)
        expect([day, stage, entered[stage]]).toEqual([
          day,
          stage,
          moves.filter(({ to: reached, at }) => reached === stage && dayOf(at) === day).length,
        ]);
  }
});
