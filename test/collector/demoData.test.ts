/** Invented visitors: what was planted is what the reports show. */
import { describe, expect, test } from 'vitest';
import { inventVisitors } from '../../collector/jobs/demoData.js';
import type { TemplateDemo } from '../../collector/jobs/templateDemo.js';
import type { CohortsReport } from '../../collector/reports/customers.js';
import type { FunnelReport } from '../../collector/reports/funnel.js';
import type { StagesReport } from '../../collector/reports/stages.js';
import type { ValueReport } from '../../collector/reports/value.js';
import { addSite } from '../../collector/site.js';
import { readTemplate, templateNames } from '../../collector/templates.js';
import type { Site } from '../../collector/store/store.js';
import { makeCollector, NOW } from '../helpers/collector.js';

const DAY = 86_400_000;

async function invent(name: string, visitors: number, seed = 1) {
  const collector = await makeCollector();
  const { store } = collector;
  const site = (await addSite(store, { name, origins: ['https://demo.example'], template: name }, NOW)) as Site;
  const summary = await inventVisitors(store, site, readTemplate(name)!, { days: 90, visitors, seed, now: NOW });
  const report = (from: string, to = '2026-11-22') =>
    collector.get<StagesReport>(`sites/${site.siteKey}/reports/stages?from=${from}&to=${to}`);
  return { ...collector, site, summary, report };
}

/** A day so many days after another. */
const shift = (day: string, by: number) => new Date(Date.parse(day) + by * DAY).toISOString().slice(0, 10);

describe.each(templateNames())('of the template %s', (name) => {
  test('every stage is inhabited, and the leak that was planted is the worst step of the report', async () => {
    const { summary, report, get, site } = await invent(name, 400);
    const { stages } = await report('2026-08-25');
    for (const { stage, entered } of stages) expect([stage, entered > 0]).toEqual([stage, true]);
    const days = `from=2026-08-25&to=${shift(summary.fix.day, -1)}`;
    const funnel = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${days}`);
    expect(funnel.leak).toMatchObject({ from: 'stage:interest', to: 'stage:consideration' });
    expect(funnel.leak!.lost).toBeCloseTo(summary.leak.lost, 1);
    const now = await report('2026-08-25');
    for (const { stage, current } of now.stages) expect([stage, current > 0]).toEqual([stage, true]);
  });
});

test('a campaign and a mending show where they were planted', async () => {
  const { summary, report, get, site } = await invent('retail', 3000);
  const { days } = await report('2026-08-25');
  const between = (from: string, to: string, stage: 'awareness' | 'interest' | 'consideration') =>
    days.filter(({ day }) => day >= from && day <= to).reduce((sum, { entered }) => sum + entered[stage], 0);

  const { campaign, fix, leak } = summary;
  const during = between(campaign.from, campaign.to, 'awareness');
  const usual = between(shift(campaign.from, -14), shift(campaign.from, -1), 'awareness');
  expect(during / usual).toBeGreaterThan(1.6);
  expect(during / usual).toBeLessThan(2);
  /** Of those who got to interest in these days, the share that went on. */
  const passed = async (from: string, to: string) => {
    const steps = 'stage:interest,stage:consideration';
    const report = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?from=${from}&to=${to}&steps=${steps}`);
    return report.steps[1]!.fromPrevious!;
  };
  const before = await passed('2026-08-25', shift(fix.day, -1));
  expect(before).toBeCloseTo(1 - leak.lost, 2);
  expect((await passed(fix.day, '2026-11-12')) / before - 1).toBeCloseTo(fix.gain, 1);

  const { visitors } = await get<{ visitors: Array<{ firstTouch: { channel: string; campaign: string | null } }> }>(
    `sites/${site.siteKey}/visitors?limit=200`,
  );
  expect(new Set(visitors.map(({ firstTouch }) => firstTouch.channel)).size).toBeGreaterThan(4);
});

test('some come back weeks later, and those who are loyal buy again', async () => {
  const { get, site } = await invent('retail', 600);
  const { cohorts } = await get<CohortsReport>(`sites/${site.siteKey}/reports/cohorts?from=2026-08-25&to=2026-11-22`);
  const old = cohorts.slice(0, 5);
  for (const { people, active } of old) expect([people > 0, active.slice(5).some(Boolean)]).toEqual([true, true]);
  const value = await get<ValueReport>(`sites/${site.siteKey}/reports/value?from=2026-08-25&to=2026-11-22`);
  expect(value.repurchaseRate).toBeGreaterThan(0.2);
  expect(value.monthlyRetention).toBeGreaterThan(0.05);
});

test('the same seed invents the same, another seed others', async () => {
  const of = async (seed: number) => {
    const { ndjson, store, site } = await invent('saas', 30, seed);
    const ids: string[] = [];
    for await (const { event } of store.events(site.siteKey, {})) ids.push(event.id);
    return { ids, ndjson };
  };
  const [one, again, other] = [await of(1), await of(1), await of(2)];
  expect(one.ids.length).toBeGreaterThan(60);
  expect(again.ids).toEqual(one.ids);
  expect(other.ids).not.toEqual(one.ids);
});

test.each(templateNames())('what %s makes of invented visitors is shown without storing them', async (name) => {
  const { store, get } = await makeCollector();
  const site = (await addSite(store, { name, origins: ['https://demo.example'], template: name }, NOW)) as Site;
  await inventVisitors(store, site, readTemplate(name)!, { days: 60, visitors: 300, seed: 1, now: NOW });
  const { stages, funnel } = await get<StagesReport>(`sites/${site.siteKey}/reports/stages`);
  const demo = await get<TemplateDemo>(`templates/${name}/demo`);
  expect(demo.stages.map(({ current, reached }) => [current, reached])).toEqual(
    stages.map(({ current }, index) => [current, funnel[index]!.visitors]),
  );
  expect(demo.tags.some(({ visitors }) => visitors > 10)).toBe(true);
});
