/** A value that survives JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a visitor did, as it travels and as it is stored. */
export interface StagetagEvent {
  /** UUID, made where the event happened (v7 by the browser); unique within its site, case-insensitive. */
  id: string;
  /** snake_case noun, GA4's where one exists; 1–128 characters. */
  name: string;
  /** Epoch ms by the clock of whoever made the event. */
  time: number;
  /** 1, 2, 3 … per visitor; a gap shows a loss. Absent before the first sending and on server-to-server events. */
  seq?: number;
  /** 1–64 characters; a session *is* one sessionId. Absent on server-to-server events. */
  sessionId?: string;
  /** Absolute address of the page. May be absent on server-to-server events. */
  url?: string;
  title?: string;
  referrer?: string;
  /** Campaign labels and click ids of a landing under their own names, such as `utm_source` or `gclid`. */
  source?: Record<string, string>;
  props?: Record<string, Json>;
}

/** Events the SDK records by itself. */
export const AUTOMATIC_EVENTS = [
  'session_start',
  'page_view',
  'file_download',
  'outbound_click',
  'form_start',
  'form_submit',
  'form_abandon',
  'scroll',
  'user_engagement',
  'search',
  'web_vital',
  'identify',
] as const;

/** Events known by name, after GA4's recommended events. Every other name is the site's own. */
export const KNOWN_EVENTS = [
  'sign_up',
  'login',
  'generate_lead',
  'start_trial',
  'book_demo',
  'contact',
  'view_item',
  'add_to_cart',
  'begin_checkout',
  'purchase',
  'refund',
  'share',
  'invite',
  'nps',
] as const;

/**
 * Campaign labels, and the click ids that advertising networks append to a landing address: `utm_source` …, gclid, dclid, fbclid,
 * ttclid, twclid, yclid …, msclkid, clickid, gbraid, wbraid, li_fat_id, bd_vid, gdt_vid, qz_gdt.
 */
const LABELS = /^utm_|cl(|k|ick)id$|braid$|^(li_fat_id|(bd|gdt)_vid|qz_gdt)$/;

/** Whether a query parameter is a campaign label or a click id. */
export const isLabel = (name: string): boolean => LABELS.test(name);

/**
 * Takes the campaign labels and click ids out of a landing address.
 * @param query its parameters by name; the platform's `URLSearchParams` fits
 * @returns the labels found under their own names
 */
export const readSource = (query: Iterable<[string, string]>): Record<string, string> =>
  Object.fromEntries([...query].filter(([name, value]) => value && isLabel(name)));

/** Why one event of a batch is refused; the batch's other events are not affected. */
export type EventReason = keyof typeof EVENT_REASONS;

/** Each reason with what was expected: the text of answers, dead letters and docs. */
export const EVENT_REASONS = {
  not_an_object: 'each event must be a JSON object',
  invalid_id: 'id: expected a UUID',
  invalid_name: 'name: expected a string of 1 to 128 characters',
  invalid_time: 'time: expected whole epoch milliseconds between 0 and the year 9999',
  invalid_seq: 'seq: expected a whole number from 1 (only server-to-server events may leave it out)',
  invalid_session_id:
    'sessionId: expected a string of 1 to 64 characters (only server-to-server events may leave it out)',
  invalid_url:
    'url: expected an absolute address of up to 8192 characters (only server-to-server events may leave it out)',
  invalid_title: 'title: expected a string',
  invalid_referrer: 'referrer: expected a string',
  invalid_source: 'source: expected an object of strings, such as {"utm_source": "newsletter"}',
  invalid_props: 'props: expected an object',
  too_deep: 'the event: expected at most 16 levels of nesting',
  expired: 'time: events as old as this are not kept on this site',
  forgotten: 'visitorId: this visitor was erased; begin a new one',
} as const;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** The last millisecond of the year 9999: later days would not fit `YYYY-MM-DD`. */
const MAX_TIME = 253402300799999;

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** Says whether a value is a UUID of version 7, as visitor ids are (RFC 9562). */
export function isUuidV7(value: unknown): value is string {
  return isUuid(value) && value[14] === '7';
}

/** A plain JSON object, not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown, min: number, max: number): value is string {
  return typeof value === 'string' && value.length >= min && value.length <= max;
}

/** Levels of objects and lists in an event. Deeper ones are nobody's data, and could exhaust the stack of whoever writes them. */
const MAX_DEPTH = 16;

/** Tells whether a value from JSON nests more levels than allowed. */
export function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeep(each, levels - 1));
}

const isOptional = (value: unknown, isValid: (value: unknown) => boolean) => value === undefined || isValid(value);

/**
 * Turns one element of a batch into an event, or says why it cannot be one.
 * @param input anything that came out of JSON.parse
 * @param options `fromServer`: sent with the secret key, so `seq`, `sessionId` and `url` may be absent
 */
export function parseEvent(
  input: unknown,
  options: { fromServer: boolean },
): { event: StagetagEvent } | { reason: EventReason } {
  // First of all: what is too deep could not even be written down as refused.
  if (isDeep(input, MAX_DEPTH)) return { reason: 'too_deep' };
  if (!isRecord(input)) return { reason: 'not_an_object' };
  const { id, name, time, seq, sessionId, url, title, referrer, source, props } = input;
  const isAbsent = (value: unknown) => options.fromServer && value === undefined;
  const isString = (value: unknown) => typeof value === 'string';
  if (!isUuid(id)) return { reason: 'invalid_id' };
  if (!isText(name, 1, 128)) return { reason: 'invalid_name' };
  if (!Number.isSafeInteger(time) || (time as number) < 0 || (time as number) > MAX_TIME) {
    return { reason: 'invalid_time' };
  }
  if (!isAbsent(seq) && !(Number.isSafeInteger(seq) && (seq as number) >= 1)) return { reason: 'invalid_seq' };
  if (!isAbsent(sessionId) && !isText(sessionId, 1, 64)) return { reason: 'invalid_session_id' };
  if (!isAbsent(url) && !(isText(url, 1, 8192) && /^[a-z][a-z0-9+.-]*:/i.test(url))) return { reason: 'invalid_url' };
  if (!isOptional(title, isString)) return { reason: 'invalid_title' };
  if (!isOptional(referrer, isString)) return { reason: 'invalid_referrer' };
  if (!isOptional(source, (value) => isRecord(value) && Object.values(value).every(isString))) {
    return { reason: 'invalid_source' };
  }
  if (!isOptional(props, isRecord)) return { reason: 'invalid_props' };
  return { event: input as unknown as StagetagEvent };
}
