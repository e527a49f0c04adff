/** What the visitor does, for the captures: each event comes in the capture phase, those from before this file was here too. */
import type { Json } from '../core/index.js';
import { attributeOf, deeds, farewells, later } from '../record.js';
import { guard } from '../settings.js';

type Handler = (event: never) => void;

const handlers: Array<[type: RegExp, handler: Handler]> = [];

/** Calls a handler for each deed of a type. */
export const onDeed = (type: RegExp, handler: Handler): void => void handlers.push([type, handler]);

/** Hands a deed out. */
export function take(deed: Event): void {
  for (const [type, handler] of handlers) if (type.test(deed.type)) guard(handler as (event: Event) => void)(deed);
}

/** Starts to hand deeds out, when every capture has said what it wants. */
export function takeDeeds(): void {
  deeds.splice(0).forEach(take);
  later.take = take;
}

/** The event that an element's `data-st-prop-KEY` attributes describe. */
export function markedProps(element: Element): Record<string, Json> {
  const props: Record<string, Json> = {};
  for (const name of Element.prototype.getAttributeNames.call(element)) {
    const key = name.split('data-st-prop-')[1];
    const value = attributeOf(element, name)!;
    // Attributes are texts; a number written in one is meant as a number, so that rules can add it up; not one that would lose digits.
    if (key) props[key] = value && !value[15] && isFinite(+value) ? +value : value;
  }
  return props;
}

/** Runs when the page's own handlers have had their say, or at the latest when the page is left. */
export function afterwards(run: () => void): void {
  const once = () => {
    if (farewells.delete(once)) guard(run)();
  };
  farewells.add(once);
  setTimeout(once);
}
