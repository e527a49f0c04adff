/**
 * The same visitors by three ways: the tag in a real browser, the model in Node, and the collector's stored answer.
 * `STAGETAG_PARITY=10000` says how many visitors of each template.
 */
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { addSite } from '../../collector/site.js';
import { readTemplate, templateNames } from '../../collector/templates.js';
import type { Site } from '../../collector/store/store.js';
import {
  compileRules,
  DAY_MS,
  emptyFacts,
  eventFacts,
  inferState,
  mergeFacts,
  placeOf,
  type Inference,
  type Rules,
} from '../../sdk/core/index.js';
import { uuidV7 } from '../../sdk/uuid.js';
import { openChromium, openPage, startWorld } from '../helpers/browser.js';
import { seeded } from '../helpers/random.js';
import { eventsFor } from '../helpers/templateEvents.js';

const VISITORS = Number(process.env.STAGETAG_PARITY ?? 150);
const AT_A_TIME = 50;
/** Days after which they are looked at again, with no new event. */
const LATER = [0, 1, 3, 7, 8, 14, 30, 31, 61, 91, 181];

/** As it travels: JSON knows no −0. */
const stateOf = ({ stage, peak, tags, score }: Inference): Inference =>
  JSON.parse(JSON.stringify({ stage, peak, tags, score })) as Inference;

/** Asks the tag, on its page, where each visitor stands: with nothing acknowledged, with all but what is new, and with everything. */
const ASK = (
  visitors: Array<{ visitorId: string; events: object[]; fresh: object[]; answer: object; before: object | undefined }>,
  moments: number[],
) => {
  const { stagetag } = window as unknown as { stagetag: { siteKey: string; state(): Inference & { status: string } } };
  const keep = (name: string, value: unknown) =>
    localStorage.setItem(
      `stagetag-1-${stagetag.siteKey}:${name}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    );
  const clock = Date.now;
  const look = () => {
    // What the tag does when another tab has changed what is kept.
    dispatchEvent(new Event('pageshow'));
    const seen = moments.map((moment) => {
      Date.now = () => moment;
      const { stage, peak, tags, score, status } = stagetag.state();
      return { stage, peak, tags, score, status };
    });
    Date.now = clock;
    return seen;
  };
  return visitors.map(({ visitorId, events, fresh, answer, before }) => {
    const given = (acknowledged: object | undefined, waiting: object[]) => {
      localStorage.clear();
      // Nothing of the last one is left in the page either.
      keep('visitor', '00000000-0000-7000-8000-000000000000');
      dispatchEvent(new Event('pageshow'));
      keep('visitor', visitorId);
      if (acknowledged) keep('state', { ...acknowledged, visitorId, offset: 0 });
      for (const event of waiting) keep(`e:${(event as { id: string }).id}`, { visitorId, event });
      return look();
    };
    return { provisional: given(undefined, events), mixed: given(before, fresh), confirmed: given(answer, []) };
  });
};

const general = readTemplate('general')!.rules;
/** The tag's full build is for rules that hold stages and tags longer than their conditions. */
const LASTING: Rules = {
  ...general,
  currency: 'USD',
  stages: {
    ...general.stages,
    interest: { ...general.stages.interest!, keep: { signal: 'visit', count: { gte: 2 }, within: 45 } },
    consideration: {
      when: general.stages.consideration!.when,
      keep: { any: [{ signal: 'product_view', within: 60 }, { not: { signal: 'visit', within: 50 } }] },
    },
  },
  tags: Object.fromEntries(
    Object.entries(general.tags!).map(([name, tag], index) => [name, { ...tag, ttlDays: 3 + 9 * index }]),
  ),
};

/** Rules that ask what came together in a session; with traits and windows that they alone have. */
const SESSIONS: Rules = {
  ...general,
  // No amount of the invented ones is in it.
  currency: 'EUR',
  signals: { ...general.signals, any_page: { event: 'page_view', distinct: 'path' } },
  stages: {
    ...general.stages,
    interest: { when: { signal: 'any_page', perSession: { gte: 2 }, within: 20 } },
    consideration: { when: { signal: 'any_page', sessions: { gte: 2 }, within: 40 } },
  },
  tags: {
    settled: { when: { signal: 'visit', sessions: { gte: 2, lte: 4 }, within: 60 }, dimension: 'behaviour' },
    thorough: { when: { signal: 'any_page', perSession: { gte: 3 } }, dimension: 'intent', ttlDays: 12 },
  },
};

test.each<[string, string, Rules]>([
  ...templateNames().map((name): [string, string, Rules] => [`the template ${name}`, name, readTemplate(name)!.rules]),
  ['rules that keep stages and let tags last', 'general', LASTING],
  ['rules that ask what came together in a session', 'general', SESSIONS],
])(
  'browser, model and collector agree on random visitors of %s, now and later',
  { timeout: 3_600_000 },
  async (_, name, rules) => {
    let snippet = '';
    const world = await startWorld(() => {
      const app = new Hono();
      app.get('/', (c) =>
        c.html(`<!doctype html><html><head><link rel="icon" href="data:,">${snippet}</head><body></body></html>`),
      );
      return app;
    });
    const { url, store } = world.collector;
    const site = (await addSite(store, { name, origins: [world.pages], template: name }, Date.now())) as Site;
    if (rules === LASTING || rules === SESSIONS)
      await store.publishRules(site.siteKey, rules, { publishedAt: Date.now(), since: 0 });
    snippet = `<script src="${url}/t/${site.siteKey}.js" data-auto="off"></script>`;
    const { page, problems } = await openPage(await openChromium());
    // The second file would send what is kept here for the model alone.
    await page.setRequestInterception(true);
    page.on('request', (request) => void (request.url().includes('/t/late-') ? request.abort() : request.continue()));
    await page.goto(`${world.pages}/`);
    await page.waitForFunction('window.stagetag?.siteKey');
    await page.evaluate('stagetag.ready');

    const compiled = compileRules({ ...rules, version: 1 });
    const random = seeded(7 + name.length);
    const seen = { stages: new Set<string | null>(), tags: new Set<string>(), mixed: 0 };
    for (let done = 0; done < VISITORS; done += AT_A_TIME) {
      const now = Date.now();
      const visitors = await Promise.all(
        Array.from({ length: Math.min(AT_A_TIME, VISITORS - done) }, async () => {
          const visitorId = uuidV7(now);
          const events = eventsFor(rules, random, { days: 120, until: now });
          const send = async (some: typeof events) => {
            const body = { siteKey: site.siteKey, visitorId, sentAt: now, sdk: 'test', rules: 1, events: some };
            const response = await fetch(`${url}/v1/events`, {
              method: 'POST',
              headers: { Origin: world.pages },
              body: JSON.stringify(body),
            });
            const answer = (await response.json()) as { accepted: number; visitor: Inference & { asOf: number } };
            expect(answer.accepted).toBe(some.length);
            return answer.visitor;
          };
          // What a browser kept for a week is added to what the collector knew before it.
          const isFresh = ({ time }: (typeof events)[number]) => time > now - 7 * DAY_MS && random() < 0.8;
          const fresh = events.filter(isFresh);
          const old = events.filter((event) => !fresh.includes(event));
          const before = old.length ? await send(old) : undefined;
          const answer = fresh.length || !before ? await send(fresh) : before;
          return { visitorId, events, fresh: old.length ? fresh : events, answer, before };
        }),
      );
      const moments = LATER.map((days) => now + days * DAY_MS);
      const looks = await page.evaluate(ASK, visitors, moments);
      for (const [index, { visitorId, events, fresh, answer }] of visitors.entries()) {
        const facts = events
          .map((event) => eventFacts(compiled, event, placeOf(new URL(event.url!))))
          .reduce(mergeFacts, emptyFacts());
        const about = `${name} ${visitorId}: ${JSON.stringify(events)}`;
        expect(stateOf(answer), about).toEqual(stateOf(inferState(compiled, facts, answer.asOf)));
        for (const [at, moment] of moments.entries()) {
          const expected = stateOf(inferState(compiled, facts, moment));
          expect(looks[index]!.provisional[at], about).toEqual({ ...expected, status: 'provisional' });
          seen.mixed += +(fresh.length > 0 && fresh.length < events.length);
          const mixed = fresh.length ? 'provisional' : 'confirmed';
          expect(looks[index]!.mixed[at], about).toEqual({ ...expected, status: mixed });
          expect(looks[index]!.confirmed[at], about).toEqual({ ...expected, status: 'confirmed' });
          seen.stages.add(expected.stage);
          for (const tag of expected.tags) seen.tags.add(tag);
        }
      }
    }
    // They would agree easily on visitors who all stand at the same stage.
    expect(seen.stages.size).toBeGreaterThanOrEqual(5);
    expect(seen.mixed).toBeGreaterThan(VISITORS / 3);
    expect(seen.tags.size).toBeGreaterThanOrEqual(Object.keys(rules.tags!).length - 2);
    expect(problems.filter((problem) => !problem.includes('ERR_FAILED'))).toEqual([]);
  },
);
