/** What each report answers, for the API document. */
import { STAGES } from '../../sdk/core/index.js';
import { TOUCH_MODELS } from '../model/attribution.js';
import { LIFECYCLE } from '../model/lifecycle.js';
import { count, date, list, moment, nullable, number, record, stage, text, type Schema } from '../schema.js';
import { CREDITED } from './journeys.js';
import { BREAKDOWNS } from './funnel.js';
import { RATINGS } from './kpis.js';
import type { ReportName } from './reports.js';

export const REPORT_SUMMARIES: Record<ReportName, string> = {
  stages: 'visitors by stage, now and day by day',
  funnel: 'how far those got who made the first of some steps',
  flow: 'moves between the stages, back and skipping ones too, and how long they stay',
  leaving: 'the page that those who are lost at a stage saw last',
  common: 'what those who went on to a stage had in common before',
  sources: 'where sessions came from by name, those without a channel first',
  content: 'pages, downloads, searches, forms and web vitals, and who went on after them',
  coverage: 'which pages were seen, and which are not any more',
  attribution: 'channels credited with entries into a stage, or with each order, by eight models',
  kpis: 'what each stage is measured by, now and before',
  tags: 'how many have each tag',
  rfm: 'buyers by how lately, how often and for how much they bought',
  lifecycle: 'who is new, comes back or stays away',
  cohorts: 'by when people came first, how many of them came again',
  value: 'what customers are worth, whether they buy again, and whether they bring others',
  nps: 'the net promoter score',
  loss: 'what never came',
  unclassified: 'pages and events that no signal tells apart',
  alerts:
    'what somebody should look at: nothing comes, much is lost or refused, a stage is entered otherwise than before',
};

const range = {
  asOf: moment,
  timeZone: text,
  from: date,
  to: date,
  exactFrom: { type: ['string', 'null'], format: 'date' } as Schema,
};
const each: Schema = { enum: STAGES };
/** A stage, or `dormant`; null where somebody is new. */
const standing: Schema = { enum: [...STAGES, 'dormant', null] };
const perStage = record(Object.fromEntries(STAGES.map((name) => [name, count])));
const loss = { visitors: count, stored: count, missing: count, ownedUp: count, rate: nullable('number') };
const seen = { visitors: count, times: count, wentOn: number };
const interval: Schema = { type: ['array', 'null'], items: number };
const label = record({ en: text, zh: text });

/** Each says under which version of the rules it was made. */
export const REPORT_SCHEMAS: Record<string, Schema> = Object.fromEntries(
  Object.entries({
    StagesReport: record({
      ...range,
      stages: list(
        record({
          stage: each,
          current: count,
          peak: count,
          entered: count,
          left: count,
          before: record({ current: count, entered: count, left: count }),
        }),
      ),
      funnel: list(record({ stage: each, visitors: count, fromPrevious: nullable('number'), interval })),
      days: list(record({ day: date, current: perStage, entered: perStage, left: perStage })),
    }),
    FunnelReport: record({
      ...range,
      order: text,
      hold: nullable('string'),
      by: { enum: [...BREAKDOWNS, null] },
      windowDays: nullable('number'),
      steps: list(
        record({
          step: text,
          isOptional: { type: 'boolean' },
          visitors: count,
          fromPrevious: nullable('number'),
          interval,
          overall: nullable('number'),
          inProgress: count,
          lost: count,
        }),
      ),
      leak: { anyOf: [record({ from: text, to: text, lost: number, isOpen: { type: 'boolean' } }), { type: 'null' }] },
      breakdown: list(record({ value: nullable('string'), visitors: list(count) })),
    }),
    FlowReport: record({
      ...range,
      channels: list(record({ channel: text, people: count })),
      dormantAfter: count,
      moves: list(record({ from: standing, to: standing, visitors: count, people: count, share: number })),
      stays: list(record({ stage: each, ended: count, open: count, medianDays: nullable('number') })),
      steps: list(
        record({
          from: each,
          to: each,
          reached: count,
          wentOn: count,
          stillThere: count,
          lost: count,
          share: nullable('number'),
          interval,
          lostValue: nullable('number'),
        }),
      ),
      leak: {
        anyOf: [
          record({
            from: each,
            to: each,
            lost: count,
            stillThere: count,
            share: number,
            lostValue: nullable('number'),
          }),
          { type: 'null' },
        ],
      },
    }),
    LeavingReport: record({
      ...range,
      dormantAfter: count,
      stages: list(record({ stage: each, lost: count, pages: list(record({ path: text, visitors: count })) })),
    }),
    CommonReport: record({
      ...range,
      stage: each,
      before: each,
      visitors: count,
      wentOn: count,
      minSupport: count,
      features: list(
        record({
          feature: text,
          did: count,
          didAndWentOn: count,
          support: number,
          confidence: number,
          lift: nullable('number'),
          oddsRatio: number,
          ci: list(number),
          chi2: number,
          p: number,
          q: number,
        }),
      ),
    }),
    SourcesReport: record({
      ...range,
      sources: list(
        record({
          source: text,
          channel: nullable('string'),
          sessions: count,
          visitors: count,
          isUnknown: { type: 'boolean' },
          isGiven: { type: 'boolean' },
        }),
      ),
    }),
    ContentReport: record({
      ...range,
      wentOn: nullable('number'),
      pages: list(record({ path: text, title: nullable('string'), ...seen })),
      downloads: list(record({ file: text, ...seen })),
      searches: list(record({ term: text, ...seen })),
      forms: list(
        record({
          form: text,
          visitors: count,
          wentOn: number,
          started: count,
          submitted: count,
          abandoned: count,
          gaveUp: count,
          rate: nullable('number'),
          lastField: nullable('string'),
          seconds: nullable('number'),
        }),
      ),
      vitals: list(record({ path: text, metric: text, p75: number, count })),
      entries: list(record({ stage: each, entered: count, pages: list(record({ path: text, visitors: count })) })),
    }),
    CoverageReport: record({
      ...range,
      pages: count,
      rows: list(record({ path: text, views: count, lastAt: moment, isSilent: { type: 'boolean' } })),
    }),
    AttributionReport: record({
      ...range,
      stage,
      signal: nullable('string'),
      by: { enum: CREDITED },
      lookbackDays: count,
      entries: count,
      channels: list(
        record({
          channel: text,
          sessions: count,
          visitors: count,
          cost: nullable('number'),
          ...Object.fromEntries([...TOUCH_MODELS, 'markov', 'shapley'].map((model) => [model, number])),
          revenue: nullable('object'),
          cac: nullable('object'),
          roas: nullable('object'),
        }),
      ),
      withoutTouch: count,
      unnamedCost: number,
      moves: list(record({ from: text, to: text, times: count, beforeEntry: count })),
    }),
    KpiReport: record({
      asOf: moment,
      from: date,
      to: date,
      template: text,
      kpis: list(
        record({
          stage: each,
          label,
          signal: text,
          measure: text,
          value: nullable('number'),
          before: nullable('number'),
          target: nullable('number'),
          rating: { enum: [...RATINGS, null] },
        }),
      ),
    }),
    TagsReport: record({ asOf: moment, people: count, tags: list(record({ tag: text, people: count })) }),
    RfmReport: record({
      asOf: moment,
      signal: nullable('string'),
      buyers: count,
      revenue: number,
      groups: list(record({ group: text, label, buyers: count, revenue: number })),
      cells: list(record({ r: count, fm: count, buyers: count })),
    }),
    LifecycleReport: record({
      asOf: moment,
      period: text,
      churnAfter: count,
      periods: list(record({ from: date, ...Object.fromEntries(LIFECYCLE.map((name) => [name, count])) })),
    }),
    CohortsReport: record({
      asOf: moment,
      period: text,
      cohorts: list(record({ from: date, people: count, active: list(count) })),
    }),
    ValueReport: record({
      asOf: moment,
      signal: nullable('string'),
      margin: number,
      years: number,
      discount: number,
      buyers: count,
      orders: count,
      revenue: number,
      refunded: number,
      averageOrder: nullable('number'),
      ordersPerYear: nullable('number'),
      observedDays: nullable('number'),
      monthlyRetention: nullable('number'),
      ltv: record({
        fitted: nullable('object'),
        historic: nullable('number'),
        simple: nullable('number'),
        retention: nullable('number'),
      }),
      repurchaseRate: nullable('number'),
      medianDaysToSecond: nullable('number'),
      revenueRetention: nullable('number'),
      people: count,
      invitations: count,
      invited: count,
      k: nullable('number'),
      amplification: nullable('number'),
      loopDays: nullable('number'),
    }),
    NpsReport: record({
      asOf: moment,
      from: date,
      to: date,
      nps: nullable('number'),
      promoters: count,
      passives: count,
      detractors: count,
    }),
    LossReport: record({
      ...range,
      ...loss,
      pages: {
        anyOf: [
          record({ days: count, served: count, viewed: count, missing: count, rate: nullable('number') }),
          { type: 'null' },
        ],
      },
      byBrowser: list(record({ browser: nullable('string'), ...loss })),
      byChannel: list(record({ channel: nullable('string'), ...loss })),
    }),
    UnclassifiedReport: record({
      ...range,
      rows: list(record({ event: text, path: nullable('string'), people: count, times: count })),
    }),
    AlertsReport: record({
      ...range,
      alerts: list(
        record({
          code: { enum: ['silent', 'loss', 'refused', 'fewer', 'more'] },
          stage,
          value: number,
          before: nullable('number'),
          reason: nullable('string'),
        }),
      ),
    }),
  }).map(([name, schema]) => [name, { allOf: [record({ rules: count }), schema] }]),
);
