import { closestOf, on, recordCaptured } from '../record.js';

const FIELDS = 'select,textarea,input:not([type=hidden],[type=submit],[type=button])';

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
  const tell = (name: string, form: HTMLElement, { startedAt, fields, last = '' }: Progress) => {
    const attribute = (key: string) => form.getAttribute(key) ?? '';
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    recordCaptured(name, {
      form_id: attribute('id'),
      form_name: attribute('name'),
      form_destination: new URL(attribute('action'), form.baseURI).href.split(/[?#]/)[0]!,
      fields_filled: fields.size,
      fields_total: form.querySelectorAll(FIELDS).length,
      ...(name !== 'form_start' && { last_field: last, seconds }),
    });
  };
  const progressOf = (form: HTMLElement) => begun.get(form) ?? { startedAt: Date.now(), fields: new Set() };
  const touch = (event: Event) => {
    const field = closestOf(event, FIELDS);
    const form = closestOf(event, 'form');
    if (!field || !form) return;
    const progress = progressOf(form);
    progress.fields.add(field);
    progress.last = field.getAttribute('name') || field.id;
    if (!begun.has(form)) tell('form_start', form, progress);
    begun.set(form, progress);
  };
  on('input', touch, true);
  on('change', touch, true);
  // Browsers fire it only once the form is valid. A script that sends the form itself prevents the default, so that is no sign.
  on('submit', (event) => {
    const form = closestOf(event, 'form');
    if (form) tell('form_submit', form, progressOf(form));
    begun.delete(form!);
  });
  on('pagehide', () => {
    begun.forEach((progress, form) => tell('form_abandon', form, progress));
    begun.clear();
  });
}
