/** Every template that ships, by its file alone. */
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readTemplate, templateNames, type DemoStep } from '../../collector/templates.js';
import {
  compileExclusions,
  compileRules,
  DAY_MS,
  emptyFacts,
  eventFacts,
  holds,
  inferState,
  lintRules,
  matchSignals,
  mergeFacts,
  placeOf,
  STAGES,
  viewFacts,
  type Rules,
  type StagetagEvent,
} from '../../sdk/core/index.js';

const NOW = Date.UTC(2026, 10, 22, 12);

const NAMES = [
  'general',
  'b2b-manufacturing',
  'education',
  'healthcare',
  'media',
  'regulated-retail',
  'retail',
  'saas',
  'travel',
];
/** Customer groups, and the four that a beginner starts with. */
const GROUPS = {
  prospect: '潜在用户',
  engaged: '活跃兴趣用户',
  high_intent: '高意向用户',
  converted: '转化用户',
  loyal: '忠诚用户',
  new: '新客',
  active: '活跃',
  to_activate: '待激活',
  high_value: '高价值',
};

test('there are nine, and each file is one', () => {
  expect(templateNames()).toEqual(NAMES);
  expect(fs.readdirSync('sdk/core/templates').length).toBe(NAMES.length);
  expect(readTemplate('../package')).toBeUndefined();
});

describe.each(NAMES)('the template %s', (name) => {
  const template = readTemplate(name)!;

  test('whoever is converted is no prospect', () => {
    const rules = compileRules(template.rules);
    for (const steps of template.demo.action) {
      const facts = steps
        .map(({ event = 'page_view', path, props }, index) => {
          const own = { transaction_id: `t${index}`, value: 20 };
          const url = `https://www.example.com${path}`;
          const id = `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`;
          const made = { id, name: event, time: NOW, seq: index + 1, sessionId: 's', url, props: { ...props, ...own } };
          return eventFacts(rules, made as StagetagEvent, placeOf(new URL(url)));
        })
        .reduce(mergeFacts, emptyFacts());
      for (const later of [0, 60, 400]) {
        const { tags } = inferState(rules, facts, NOW + later * DAY_MS);
        if (tags.includes('converted')) expect(tags).not.toContain('prospect');
      }
    }
  });
  const { rules } = template;
  const isBilingual = (label: unknown) =>
    expect(label).toEqual({ en: expect.stringMatching(/\w/), zh: expect.stringMatching(/\p{Script=Han}/u) });

  test('has rules without a warning, for all five stages', () => {
    expect(Object.keys(rules.stages)).toEqual([...STAGES]);
    expect(lintRules(compileRules(rules), compileExclusions(rules))).toEqual([]);
  });

  test('says everything in both languages', () => {
    const { signals, tags, exclude = {} } = rules as Required<Omit<Rules, 'exclude'>> & Rules;
    for (const { label } of [signals, tags, exclude].flatMap((each) => Object.values(each))) isBilingual(label);
    for (const { label } of rules.score?.fit ?? []) isBilingual(label);
    isBilingual(template.title);
    isBilingual(template.about);
    for (const { label } of Object.values(template.kpis)) isBilingual(label);
  });

  test('measures each stage by a signal of its own', () => {
    expect(Object.keys(template.kpis)).toEqual([...STAGES]);
    for (const { signal, measure } of Object.values(template.kpis)) {
      expect(rules.signals).toHaveProperty(signal);
      if (measure === 'value') expect(rules.signals[signal]).toHaveProperty('value');
    }
    for (const signal of Object.keys(rules.score!.weights)) expect(rules.signals).toHaveProperty(signal);
  });

  test('invents sessions that each bring a visitor to their stage, and no further', () => {
    const compiled = compileRules({ ...rules, version: 1 });
    const NOW = Date.UTC(2026, 10, 22, 12);
    let id = 0;
    const factsOf = (steps: DemoStep[]) =>
      steps
        .flatMap((step) => (step.event ? [{ path: step.path }, step] : [step]))
        .map(({ event = 'page_view', path, props }: DemoStep) => {
          const url = `https://demo.example${path}`;
          const told = props && {
            ...props,
            ...(props.value && { value: 20 }),
            ...(props.transaction_id && { transaction_id: `${id}` }),
          };
          return eventFacts(
            compiled,
            { id: String(id++).padStart(9, '0'), name: event, time: NOW, url, ...(told && { props: told }) },
            placeOf(new URL(url)),
          );
        })
        .reduce(mergeFacts, emptyFacts());
    const before = emptyFacts();
    for (const stage of STAGES) {
      for (const [index, session] of template.demo[stage].entries()) {
        const { stage: reached } = inferState(compiled, [before, factsOf(session)], NOW);
        expect([stage, index, reached]).toEqual([stage, index, stage]);
      }
      mergeFacts(before, factsOf(template.demo[stage][0]!));
    }
  });

  test('has the customer groups as tags', () => {
    for (const [tag, zh] of Object.entries(GROUPS)) expect(rules.tags![tag]!.label).toMatchObject({ zh });
  });
});

/** Addresses of ordinary sites: what a signal must take, and what only looks like it. */
test.each([
  [
    'general',
    'order_view',
    'page_view',
    '/checkout/order-received/7/ /order-confirmation /orders/1/confirmation /checkouts/1a2b/thank_you /en/checkout/success /checkout/onepage/success/',
    '/order-history /thank-you /orders/7 /blog/success',
  ],
  [
    'retail',
    'order_page',
    'page_view',
    '/checkout/thank-you /checkouts/1a2b/thank_you /checkout/order-received/77/ /order/success /order-complete /checkout/onepage/success/ /order/confirmation /orders/7/confirmed',
    '/collections/thank-you-cards /thank-your-teacher-gifts /blog/thank-you-note-ideas /checkout/success-stories /contact/thank-you',
  ],
  [
    'retail',
    'cart_page',
    'page_view',
    '/cart /en/cart/ /cart.html /shopping-cart /basket',
    '/brands/cartier /ink/cartridges /collections/cartoon-tees /sport/basketball',
  ],
  ['retail', 'product_view', 'page_view', '/products/running-shoes /de/product/12 /p/a', '/productivity /products'],
  [
    'saas',
    'demo_form',
    'form_submit',
    '/demo /request-demo /book-a-demo /contact-us',
    '/demographics /salesforce-guide /blog/how-to',
  ],
  [
    'saas',
    'trial_form',
    'form_submit',
    '/signup /free-trial /register',
    '/blog/clinical-trials /registered-trademarks',
  ],
  ['saas', 'app_use', 'page_view', '/app /app/projects /dashboard', '/apple-integration /approach /appointment'],
  [
    'b2b-manufacturing',
    'quote_request',
    'form_submit',
    '/quote /request-quote /request-a-quote /get-quote/ /rfq /zh/询价',
    '/blog/quote-of-the-day /newsletter',
  ],
  ['b2b-manufacturing', 'case_view', 'page_view', '/cases/steel /projects', '/projector'],
  ['education', 'fee_view', 'page_view', '/fees /tuition /学费', '/feedback /feed'],
  [
    'education',
    'enrolment_page',
    'page_view',
    '/enroll/success /enrolment/success /enroll/x/thank-you /enrollment-success /enrollment/confirmation',
    '/enrollment/success-stories',
  ],
  [
    'healthcare',
    'booking_form',
    'form_submit',
    '/appointments /make-an-appointment /online-booking /book /预约',
    '/books/on-sleep /blog/booklet-download /bookkeeping',
  ],
  ['media', 'order_page', 'page_view', '/subscription/success /checkout/thank-you', '/subscribe/thank-you /subscribe'],
  [
    'saas',
    'order_page',
    'page_view',
    '/billing/success /checkout/success /payment/success',
    '/success-stories /checkout',
  ],
  ['saas', 'careers_view', 'page_view', '/careers /jobs /jobs/dev /about/jobs', '/docs/jobs/queues /jobs-scheduler'],
  [
    'retail',
    'order_page',
    'page_view',
    '/payment/success /pay/success /order/thanks',
    '/payment /payments/success-fees',
  ],
  ['regulated-retail', 'order_page', 'page_view', '/支付成功 /checkout/order-received/12', '/支付 /checkout'],
  [
    'education',
    'enrolment_page',
    'page_view',
    '/enroll/complete /checkout/success /order-received/12',
    '/enroll /checkout',
  ],
  ['travel', 'order_page', 'page_view', '/checkout/order-received/12 /payment/success', '/checkout /payment'],
  [
    'travel',
    'order_page',
    'page_view',
    '/booking/confirmation /booking/success /bookings/12/confirmation /booking-confirmation /reservation/confirmation',
    '/booking/confirm /blog/booking-tips-thanksgiving',
  ],
  ['travel', 'offer_view', 'page_view', '/hotels/garden-inn /rooms /tours/old-town', '/tripod /roommates /hotelier'],
])('%s: what is a %s (%s), and what is not', (name, signal, event, good, bad) => {
  const compiled = compileRules({ ...readTemplate(name)!.rules, version: 1 });
  const isCarried = (path: string) => {
    const place = placeOf(new URL(path, 'https://a.example'));
    return matchSignals(compiled, { id: 'a', name: event, time: 1 }, place).some(([carried]) => carried === signal);
  };
  for (const path of good.split(' ')) expect([path, isCarried(path)]).toEqual([path, true]);
  for (const path of bad.split(' ')) expect([path, isCarried(path)]).toEqual([path, false]);
});

/** What a visitor did, by days ago: an address is a page view there. */
function whereIs(name: string, deeds: Array<[daysAgo: number, path: string, event?: string]>) {
  const { rules } = readTemplate(name)!;
  const compiled = compileRules({ ...rules, version: 1 });
  const facts = deeds
    .map(([daysAgo, path, event = 'page_view'], index): StagetagEvent => ({
      id: `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`,
      name: event,
      time: NOW - daysAgo * DAY_MS + index,
      url: `https://a.example${path}`,
    }))
    .map((event) => eventFacts(compiled, event, placeOf(new URL(event.url!))))
    .reduce(mergeFacts, emptyFacts());
  const view = viewFacts(compiled, facts, NOW);
  const excluded = compileExclusions(rules).conditions.filter(([, when]) => holds(view, when, view.today));
  const { stage, tags } = inferState(compiled, facts, NOW);
  return { stage, tags, excluded: excluded.map(([each]) => each) };
}

test('who buys looks for no work, whatever was looked at', () => {
  const looked: Array<[number, string]> = [
    [3, '/careers'],
    [3, '/careers/sales'],
  ];
  expect(whereIs('saas', looked).excluded).toEqual(['job_seeker']);
  const payer = whereIs('saas', [...looked, [2, '/signup', 'form_submit'], [1, '/billing/success']]);
  expect(payer).toMatchObject({ stage: 'action', excluded: [] });
  for (const last of ['request_sample', 'qualify_lead'])
    expect(whereIs('b2b-manufacturing', [...looked, [1, '/', last]])).toMatchObject({ stage: 'action', excluded: [] });
});

test('pages and forms alone say what events say', () => {
  const again = whereIs('travel', [
    [3, '/booking/confirmed'],
    [2, '/booking/confirmed'],
  ]);
  expect(again).toMatchObject({ stage: 'action' });
  expect(again.tags).not.toContain('loyal');
  expect(
    whereIs('travel', [
      [90, '/reservations/1/confirmed'],
      [2, '/reservations/2/confirmed'],
    ]),
  ).toMatchObject({ stage: 'loyalty' });
  expect(whereIs('saas', [[2, '/free-trial', 'form_submit']]).tags).toContain('evaluating');
  expect(
    whereIs('saas', [
      [2, '/free-trial', 'form_submit'],
      [1, '/checkout/success'],
    ]).tags,
  ).not.toContain('evaluating');
  expect(whereIs('retail', [[2, '/cart']]).tags).toContain('cart_left');
  for (const name of NAMES) expect(whereIs(name, [[0, '/', 'purchase']]).tags).not.toContain('to_activate');
});

test('healthcare tells nobody by what they read: no signal counts different pages', () => {
  const { signals } = readTemplate('healthcare')!.rules;
  expect(Object.values(signals).filter(({ distinct }) => distinct)).toEqual([]);
});
