/** What the visitor does: kept for the second file; and what a form puts into an address is masked at once. */
import { maskFields } from './mask.js';
import { attributeOf, closestOf, deeds, later, ofForm, on, onCall, type Deed } from './record.js';
import type { Capture } from './start.js';

/** Sees to it that the values of fields into which anything can be written are masked, whatever is recorded. */
function hide(deed: Deed): void {
  const field = closestOf(deed, 'input,textarea') as HTMLInputElement | undefined;
  const form = field?.form ?? closestOf(deed, 'form');
  // At each key, since in a shadow tree nobody hears of the end, and a field may come while others are filled in.
  if (!form) return;
  const isFree = (each: Element) =>
    !/^(select|button)|checkbox|radio|range|hidden/.test((each as HTMLInputElement).type);
  // Of every form, since a button or a script may send one by GET whatever it says itself.
  maskFields(
    [...ofForm(form as HTMLFormElement, 'elements')].filter(isFree).map((each) => [attributeOf(each, 'name')]),
  );
}

const note = (deed: Deed) => {
  deed.stagetagPath ??= deed.composedPath();
  // Where the second file never comes, they must not pile up.
  if (later.take) later.take(deed);
  else if (!deeds[99]) deeds.push(deed);
  if (/input|submit/.test(deed.type)) hide(deed);
};

export const watchDeeds: Capture = () => {
  for (const type of ['click', 'auxclick', 'input', 'change', 'submit']) on(type, note);
  // A form that a script sends has no event: it is as if there were one.
  onCall(HTMLFormElement.prototype, 'submit', (form: HTMLFormElement) =>
    note({ type: 'submit', stagetagPath: [form as EventTarget] } as Deed),
  );
};
