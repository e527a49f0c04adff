import { maskFields } from './mask.js';
import { attributeOf, closestOf, on } from './record.js';
import type { Capture } from './start.js';

/** Sees to it, whatever is recorded, that what a form puts into an address is masked: the values of fields into which anything can be written. */
export const maskForms: Capture = () => {
  const hide = (event: Event) => {
    const field = closestOf(event, 'input,textarea') as HTMLInputElement | undefined;
    const form = field?.form ?? closestOf(event, 'form');
    // By the browser's own getter: a field called "elements" hides the form's.
    const fields = form && (Reflect.get(HTMLFormElement.prototype, 'elements', form) as HTMLFormControlsCollection);
    if (!fields || /post|dialog/i.test(attributeOf(form, 'method')!)) return;
    const isFree = (each: Element) =>
      !/^(select|button)|checkbox|radio|range|hidden/.test((each as HTMLInputElement).type);
    maskFields([...fields].filter(isFree).map((each) => attributeOf(each, 'name')));
  };
  // A script may send a form with no event.
  on('change', hide);
  on('submit', hide);
};
