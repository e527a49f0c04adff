import { closestOf, on, recordCaptured } from '../record.js';

const FIELDS = 'select,textarea,input:not([type=hidden]):not([type=submit]):not([type=button])';

/** What is known of a form that was begun: when, and which fields had an input or change event. Their values are never read. */
interface Progress {
  startedAt: number;
  fields: Set<HTMLElement>;
  last?: string;
}

/** Records when a form is begun, sent, and left without being sent. */
export function captureForms(): void {
  const begun = new Map<HTMLElement, Progress>();

  /** By attributes: a field called "id", "name" or "action" hides the form's own property of that name. */
  const tell = (name: string, form: HTMLElement, { startedAt, fields, last = '' } = blank()) => {
    const attribute = (key: string) => form.getAttribute(key) ?? '';
    const end = { last_field: last, seconds: Math.round((Date.now() - startedAt) / 1000) };
    recordCaptured(name, {
      form_id: attribute('id'),
      form_name: attribute('name'),
      form_destination: new URL(attribute('action'), form.baseURI).href.split(/[?#]/)[0]!,
      fields_filled: fields.size,
      fields_total: form.querySelectorAll(FIELDS).length,
      ...(name !== 'form_start' && end),
    });
    if (name !== 'form_start') begun.delete(form);
  };
  const blank = (): Progress => ({ startedAt: Date.now(), fields: new Set() });
  const touch = (event: Event) => {
    const field = closestOf(event, FIELDS);
    const form = closestOf(event, 'form');
    if (!field || !form) return;
    const known = begun.get(form);
    const progress = known ?? blank();
    begun.set(form, progress);
    progress.fields.add(field);
    progress.last = field.getAttribute('name') || field.id;
    if (!known) tell('form_start', form, progress);
  };
  on('input', touch, true);
  on('change', touch, true);
  // Browsers fire it only once the form is valid. A script that sends the form itself prevents the default, so that is no sign.
  on('submit', (event) => {
    const form = closestOf(event, 'form')!;
    tell('form_submit', form, begun.get(form));
  });
  on('pagehide', () => begun.forEach((progress, form) => tell('form_abandon', form, progress)));
}
