import { seeded } from '../../collector/model/random.js';
import { uuidV7 } from '../../sdk/uuid.js';
import type { StagetagEvent } from '../../sdk/core/index.js';

export { seeded };

export function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}

const pick = <T>(items: readonly T[], random: () => number): T => items[Math.floor(random() * items.length)]!;

const PAGES = [
  '/',
  '/products/a',
  '/products/b',
  '/pricing',
  '/pricing/',
  '/blog/one',
  '/blog/two',
  '/docs/start',
  '/%E4%BA%A7%E5%93%81/x',
];

const KINDS: Array<(random: () => number) => Pick<StagetagEvent, 'name' | 'props'>> = [
  () => ({ name: 'page_view' }),
  () => ({ name: 'page_view' }),
  () => ({ name: 'page_view' }),
  (random) => ({ name: 'file_download', props: { file_name: `${pick(['a', 'b', 'c'], random)}.pdf` } }),
  () => ({ name: 'form_start' }),
  () => ({ name: 'form_submit' }),
  () => ({ name: 'sign_up' }),
  () => ({ name: 'add_to_cart' }),
  (random) => ({
    name: 'purchase',
    // Few ids, so that transactions repeat; amounts good and bad.
    props: {
      transaction_id: `t${Math.floor(random() * 4)}`,
      value: pick([19.9, 250, 0.1, -5, 'abc', '12.50', 100], random),
      currency: pick(['USD', 'usd', 'EUR', '', { toString: 1 }], random),
    },
  }),
  (random) => ({ name: 'nps', props: { score: Math.floor(random() * 11) } }),
  (random) => ({
    name: 'identify',
    props: { plan: pick(['free', 'pro', null], random), seats: Math.floor(random() * 9) },
  }),
];

/** Makes events of one visitor over some days before a moment. */
export function randomEvents(
  random: () => number,
  count: number,
  options: { days: number; until: number },
): StagetagEvent[] {
  return Array.from({ length: count }, (_, index) => {
    // Some share a millisecond, so that ids decide.
    const time = options.until - Math.floor((random() * options.days * 86_400_000) / 1000) * 1000;
    return {
      id: uuidV7(time),
      time,
      seq: index + 1,
      sessionId: `s${Math.floor(index / 5)}`,
      url: `https://www.example.com${pick(PAGES, random)}`,
      ...pick(KINDS, random)(random),
    };
  });
}
