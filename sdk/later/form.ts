import { address, arrivals, attributeOf, closestOf, farewells, ofForm, recordCaptured } from '../record.js';
import { guard, isWanted } from '../settings.js';
import { afterwards, markedProps, onDeed, take } from './deeds.js';

const FIELDS = 'select,textarea,input:not([type=hidden]):not([type=submit]):not([type=button])';

/** What is known of a form that was begun: when, and which fields had an input or change event. Their values are never read. */
interface Progress {
  startedAt: number;
  fields: Set<Element>;
  last: string;
  /** Where it was begun: a script may have gone on to another address. */
  url?: string;
}

/** Where a form goes, without what is in a query; nothing where that is no page. */
const destination = guard((action: string) => {
  const { origin, pathname } = new URL(action);
  return origin.startsWith('http') ? origin + pathname : '';
});

/** Records when a form is begun, sent, and left without being sent; and the event that a form names, whatever else is wanted. */
export function captureForms(): void {
  const begun = new Map<HTMLFormElement, Progress>();
  const stopped = new WeakSet<HTMLFormElement>();
  const blank = (): Progress => ({ startedAt: Date.now(), fields: new Set(), last: '', url: address() });
  const fieldsOf = (form: HTMLFormElement, selector: string) =>
    [...ofForm(form, 'elements')].filter((field) => field.matches(selector));

  const tell = (name: string, form: HTMLFormElement, { startedAt, fields, last, url } = blank()) => {
    begun.delete(form);
    // What is searched for is told by the page that finds it, and who closes a dialog sends nothing.
    if (!isWanted('forms') || fieldsOf(form, '[type=search],[role=search] *,[method=dialog] *')[0]) return;
    recordCaptured(
      name,
      {
        form_id: attributeOf(form, 'id') ?? '',
        form_name: attributeOf(form, 'name') ?? '',
        form_destination: destination(ofForm(form, 'action'))!,
        fields_filled: fields.size,
        fields_total: fieldsOf(form, FIELDS).length,
        last_field: last,
        seconds: Math.round((Date.now() - startedAt) / 1000),
      },
      url,
    );
  };

  const touch = (event: Event) => {
    const field = closestOf(event, FIELDS) as HTMLInputElement | undefined;
    // Some are within an element that stands for a field of the form.
    const form = field && (field.form ?? (closestOf(event, 'form') as HTMLFormElement | undefined));
    if (!form) return;
    const known = begun.get(form);
    const progress = known ?? blank();
    progress.fields.add(field);
    progress.last = attributeOf(field, 'name') || field.id;
    if (known) return;
    // Neither event leaves a shadow tree; one that has this listener already does not call it twice.
    const root = ofForm(form, 'getRootNode').call(form);
    if (root !== document) for (const type of ['submit', 'change']) root.addEventListener(type, take, true);
    tell('form_start', form, progress);
    begun.set(form, progress);
  };
  const submit = (event: SubmitEvent) => {
    const form = closestOf(event, 'form') as HTMLFormElement;
    // A button that closes the dialog sends nothing, nor does a browser send a form that is not on the page.
    if ((event.submitter as HTMLButtonElement | null)?.formMethod === 'dialog' || !ofForm(form, 'isConnected')) return;
    // Looked at before the page's handlers: one that sends a form itself may clear it.
    const [invalid] = fieldsOf(form, ':invalid');
    afterwards(() => {
      // Browsers ask for a submission of valid forms alone. A script that stops it sends the form itself, or found it wanting.
      if (event.defaultPrevented && (invalid || fieldsOf(form, '[aria-invalid=true]')[0])) return;
      // A script that stopped a submission may send the form by itself later: that is the same one.
      if (event.defaultPrevented) stopped.add(form);
      else if (stopped.delete(form)) return;
      tell('form_submit', form, begun.get(form));
      const marked = attributeOf(form, 'data-st-event');
      if (marked) recordCaptured(marked, markedProps(form));
    });
  };
  onDeed(/input|change/, touch);
  onDeed(/submit/, submit);
  const giveUp = (isGone: boolean) =>
    begun.forEach((progress, form) => {
      if (isGone || !ofForm(form, 'isConnected')) tell('form_abandon', form, progress);
    });
  farewells.add(giveUp);
  // A route of a single-page app has taken its forms away.
  arrivals.add(() => afterwards(() => giveUp(false)));
}
