import { maskFields } from './mask.js';
import { attributeOf, closestOf, ofForm, on } from './record.js';
import type { Capture } from './start.js';

/** Sees to it, whatever is recorded, that what a form puts into an address is masked: the values of fields into which anything can be written. */
export const maskForms: Capture = () => {
  const known = new WeakSet<Element>();
  const hide = (event: Event) => {
    const field = closestOf(event, 'input,textarea') as HTMLInputElement | undefined;
    const form = field?.form ?? closestOf(event, 'form');
    if (!form || (known.has(form) && event.type === 'input')) return;
    known.add(form);
    const isFree = (each: Element) =>
      !/^(select|button)|checkbox|radio|range|hidden/.test((each as HTMLInputElement).type);
    // Of every form, since a button or a script may send one by GET whatever it says itself.
    maskFields(
      [...ofForm(form as HTMLFormElement, 'elements')].filter(isFree).map((each) => attributeOf(each, 'name')),
    );
  };
  // At the first key, since in a shadow tree nobody hears of the others; a form that a script sends has the last alone.
  on('input', hide);
  on('submit', hide);
  on('formdata', hide);
};
