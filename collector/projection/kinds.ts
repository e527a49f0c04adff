/** Kinds of events: what reports look at of an event beside whose it is and when it was. A site has far fewer of them than events. */
import {
  attempt,
  matchSignals,
  placeOf,
  type CompiledRules,
  type Match,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { remembered } from '../ingest/remembered.js';
import type { Timeline } from '../ingest/timeline.js';
import { regardless } from './regardless.js';
import { Texts } from './table.js';

export interface Kind {
  name: string;
  /** Of its page. */
  path: string | null;
  /** Of a page view: the page's title. */
  title: string | null;
  /** Signals it carries under the rules of its time. */
  signals: string[];
  /** Whether a signal in force now tells it apart from others of its name. */
  isTold: boolean;
  /** What it is one of: the file of a download, the term of a search, the form, the metric of a web vital. */
  subject: string | null;
  /** Of a form that was given up: the field in which that was. */
  field: string | null;
  /** Whether it comes with a number: a web vital's value, the seconds until a form was given up, the answer of a survey. */
  isMeasured: boolean;
}

/** Characters of a name. */
export const LONGEST = 200;

/** Places that are remembered. */
const MAX_PLACES = 20_000;

const text = (value: unknown): string | null =>
  typeof value === 'string' && value ? value.slice(0, LONGEST) : typeof value === 'number' ? String(value) : null;

type Props = NonNullable<StagetagEvent['props']>;

const formOf = (props: Props) => text(props.form_id) ?? text(props.form_name) ?? text(props.form_destination) ?? '';
const termOf = (props: Props) => text(props.search_term)?.trim().toLowerCase() ?? null;

/** What is looked at of the props of an event, by its name. */
const PROPS: Record<string, { subject?: (props: Props) => string | null; field?: string; value?: string }> = {
  file_download: { subject: (props) => text(props.file_name) ?? text(props.link_url) },
  search: { subject: termOf },
  form_start: { subject: formOf },
  form_submit: { subject: formOf },
  form_abandon: { subject: formOf, field: 'last_field', value: 'seconds' },
  web_vital: { subject: (props) => text(props.metric), value: 'value' },
  nps: { value: 'score' },
};

const propsOf = (name: string) => (Object.hasOwn(PROPS, name) ? PROPS[name]! : {});

/** The number that an event comes with; NaN where it has none. */
export function valueOf({ name, props }: StagetagEvent): number {
  const { value: key } = propsOf(name);
  const value = key && props?.[key];
  return typeof value === 'number' ? value : NaN;
}

/** What signals and reports look at of an event's name and address. */
type Place = Pick<Kind, 'name' | 'path' | 'signals' | 'isTold'>;

type Details = Pick<Kind, 'title' | 'subject' | 'field' | 'isMeasured'>;

const nameOf = ({ name, path, signals, isTold }: Place) => JSON.stringify([name, path, signals, isTold]);
const keyOf = (place: number, { title, subject, field, isMeasured }: Details) =>
  `${place} ${isMeasured} ${JSON.stringify([title, subject, field])}`;

/** In the place of a kind of which no event is left. */
const GONE: Kind = {
  name: '',
  path: null,
  title: null,
  signals: [],
  isTold: false,
  subject: null,
  field: null,
  isMeasured: false,
};

/** Tells kinds of events apart, and gives each a number. */
export class Kinds {
  readonly all: Kind[];
  #numbers = new Map<string, number>();
  /** Numbers of places, by what they are. */
  #places = new Texts();
  /** Of each of the rules, by name and address. */
  readonly #known = new Map<CompiledRules, Map<string, [place: Place, number: number]>>();

  #timeline: Timeline;

  /** @param all of before, by number */
  constructor(timeline: Timeline, all: Kind[] = []) {
    this.#timeline = timeline;
    this.all = all;
    this.#index();
  }

  /** How many there are of which there may be an event. */
  get size(): number {
    return this.#numbers.size;
  }

  /** Goes on under other rules, whose signals are the same. */
  follow(timeline: Timeline): void {
    if (timeline === this.#timeline) return;
    this.#timeline = timeline;
    this.#known.clear();
  }

  numberOf(event: StagetagEvent): number {
    const [place, placeNumber] = this.#placeOf(event);
    const details = detailsOf(event);
    const key = keyOf(placeNumber, details);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.all.push({ ...place, ...details }) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  of(event: StagetagEvent): Kind {
    return { ...this.#placeOf(event)[0], ...detailsOf(event) };
  }

  /** Forgets those of which no event is left, and all texts of theirs. */
  forget(isUsed: (number: number) => boolean): void {
    for (const number of this.all.keys()) if (!isUsed(number)) this.all[number] = GONE;
    this.#known.clear();
    this.#index();
  }

  #index(): void {
    this.#numbers = new Map();
    this.#places = new Texts();
    for (const [number, kind] of this.all.entries())
      if (kind !== GONE) this.#numbers.set(keyOf(this.#places.numberOf(nameOf(kind)), kind), number);
  }

  /** What the name and address say, as long as no signal looks at more of the event: with its number. */
  #placeOf(event: StagetagEvent): [place: Place, number: number] {
    const rules = this.#timeline.at(event.time);
    const make = (): [Place, number] => {
      const place = this.#makePlace(event, rules);
      return [place, this.#places.numberOf(nameOf(place))];
    };
    if (looksDeeper(rules, event.name) || looksDeeper(this.#timeline.current, event.name)) return make();
    let known = this.#known.get(rules);
    if (!known) this.#known.set(rules, (known = new Map<string, [Place, number]>()));
    return remembered(known, `${event.name.length} ${event.name}${event.url}`, make, MAX_PLACES);
  }

  #makePlace(event: StagetagEvent, rules: CompiledRules): Place {
    const { name } = event;
    const { current } = this.#timeline;
    const url = event.url === undefined ? undefined : attempt(() => new URL(event.url!));
    const place = url && placeOf(url);
    const matched = matchSignals(rules, event, place);
    // That it is a page view tells no page from another; and what is refused for its amount is known for what it is.
    const tells = ([signal]: Match) => {
      const { path, host, match } = current.signals[signal]!;
      return name !== 'page_view' || !!path || !!host || !!match;
    };
    const isTold =
      (rules === current && matched.some(tells)) || matchSignals(regardless(current).amount, event, place).some(tells);
    return { name, path: place?.path ?? null, signals: matched.map(([signal]) => signal), isTold };
  }
}

/** What is looked at of an event beside that. */
function detailsOf(event: StagetagEvent): Details {
  const { name, props = {}, title } = event;
  const { subject, field } = propsOf(name);
  return {
    title: name === 'page_view' ? text(title) : null,
    subject: subject?.(props) ?? null,
    field: (field && text(props[field])) || null,
    isMeasured: !Number.isNaN(valueOf(event)),
  };
}

const deeper = new WeakMap<CompiledRules, Map<string, boolean>>();

/** Whether a signal that events of a name may carry looks at their props or labels: an amount below zero carries none. */
function looksDeeper(rules: CompiledRules, name: string): boolean {
  let known = deeper.get(rules);
  if (!known) deeper.set(rules, (known = new Map<string, boolean>()));
  return remembered(known, name, () =>
    Object.values(rules.signals).some(
      ({ event: names, match, value }) => (!names || names.includes(name)) && (match || value),
    ),
  );
}
