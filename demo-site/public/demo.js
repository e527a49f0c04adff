// The panel that shows what the page knows of its visitor, and the mock checkout. Everything here is what any site could write.
const zh = document.documentElement.lang === 'zh';
const TEXTS = zh
  ? {
      title: 'Stagetag：这位访客',
      tags: '标签',
      score: '得分',
      why: '原因',
      next: '下一步',
      until: '有效至',
      of: '/',
      none: '无',
      kept: '永久保留',
      status: { provisional: '暂定', confirmed: '已确认' },
    }
  : {
      title: 'Stagetag: this visitor',
      tags: 'tags',
      score: 'score',
      why: 'why',
      next: 'next',
      until: 'until',
      of: 'of',
      none: 'none',
      kept: 'kept for good',
      status: { provisional: 'provisional', confirmed: 'confirmed' },
    };
const STAGES = { awareness: '认知', interest: '兴趣', consideration: '意向', action: '行动', loyalty: '忠诚' };
const nameOf = (stage) => (zh ? STAGES[stage] : stage);

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

const leaves = (reason) => (reason ? ((reason.all ?? reason.any ?? reason.not)?.flatMap(leaves) ?? [reason]) : []);
const describe = (reason) => {
  if (reason.trait) return `${reason.trait} = ${JSON.stringify(reason.have)}`;
  const parts = Object.entries(reason.need).map(
    ([measure, range]) => `${reason.have[measure]} ${TEXTS.of} ${range.gte ?? `≤ ${range.lte}`} ${measure}`,
  );
  return `${reason.signal}: ${parts.join(', ')}${reason.expires ? ` · ${TEXTS.until} ${reason.expires}` : ''}`;
};

function show() {
  const { stage, tags, score, status } = stagetag.state();
  const why = stagetag.why();
  const steps = Object.keys(STAGES).map((name) =>
    element('li', { 'aria-current': name === stage ? 'step' : undefined }, nameOf(name)),
  );
  const met = leaves(why.because).filter((reason) => reason.met);
  const missing = why.next?.missing ?? [];
  document
    .getElementById('panel')
    .replaceChildren(
      element('span', { class: `status ${status}` }, TEXTS.status[status]),
      element('h2', {}, TEXTS.title),
      element('ol', { class: 'steps' }, ...steps),
      element(
        'div',
        {},
        `${TEXTS.tags}: ${tags.join(', ') || TEXTS.none} · ${TEXTS.score}: ${Math.round(score * 10) / 10}`,
      ),
      element('div', {}, `${TEXTS.why}${why.sticky ? ` (${TEXTS.kept})` : ''}:`),
      element('ul', { class: 'why' }, ...met.map((reason) => element('li', { class: 'met' }, describe(reason)))),
      ...(why.next
        ? [
            element('div', {}, `${TEXTS.next}: ${nameOf(why.next.stage)}`),
            element(
              'ul',
              { class: 'why' },
              ...missing.map((reason) => element('li', { class: 'missing' }, describe(reason))),
            ),
          ]
        : []),
    );
}

if (window.stagetag?.on) stagetag.on('state', show);

const PRICES = { solo: 9, studio: 19 };
const checkout = document.getElementById('checkout');
if (checkout) {
  const plan = new URLSearchParams(location.search).get('plan') ?? 'studio';
  const value = PRICES[plan] ?? PRICES.studio;
  document.getElementById('amount').textContent = `€ ${value}`;
  stagetag.track('begin_checkout', { value, currency: 'EUR', items: [{ item_id: plan, price: value, quantity: 1 }] });
  checkout.addEventListener('submit', () => {
    const order = `K-${Date.now().toString(36)}`;
    stagetag.track('purchase', {
      transaction_id: order,
      value,
      currency: 'EUR',
      items: [{ item_id: plan, price: value, quantity: 1 }],
    });
  });
}
