import { attributeOf, recordCaptured } from '../record.js';
import { guard } from '../settings.js';
import { markedProps } from './deeds.js';

/** Records the event that an element's `data-st-view` names when half of it was in view for a second, once; elements added later too. */
export function captureImpressions(): void {
  /** Of those that came into view, once they were seen too. */
  const timers = new WeakMap<Element, ReturnType<typeof setTimeout>>();
  const observer = new IntersectionObserver(
    guard((entries: IntersectionObserverEntry[]) => {
      for (const { target, isIntersecting } of entries) {
        clearTimeout(timers.get(target));
        if (!isIntersecting) continue;
        const see = () => {
          observer.unobserve(target);
          recordCaptured(attributeOf(target, 'data-st-view')!, markedProps(target));
        };
        timers.set(target, setTimeout(guard(see), 1000));
      }
    }),
    { threshold: 0.5 },
  );
  const find = (root: Document | Element) =>
    root.querySelectorAll('[data-st-view]').forEach((element) => timers.has(element) || observer.observe(element));
  find(document);
  new MutationObserver(
    guard((records: MutationRecord[]) => {
      // The parent, since what was added may itself be meant.
      new Set(records.map(({ target }) => target as Element)).forEach(find);
    }),
  ).observe(document, { childList: true, subtree: true });
}
