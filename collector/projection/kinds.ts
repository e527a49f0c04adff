/** Kinds of events: what reports look at of an event beside whose it is and when it was. A site has far fewer of them than events. */
import { attempt, matchSignals, placeOf, type CompiledRules, type StagetagEvent } from '../../sdk/core/index.js';
import type { Timeline } from '../ingest/timeline.js';

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
const LONGEST = 200;
/** Events without more than a name and an address of which the kind is remembered: then that begins anew. */
const MAX_REMEMBERED = 50_000;

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

/** Tells kinds of events under rules apart, and gives each a number. */
export class Kinds {
  readonly all: Kind[] = [];
  readonly #byContent = new Map<string, number>();
  /** Of events that have nothing but a name and an address; of each of the rules. */
  readonly #plain = new Map<CompiledRules, Map<string, number>>();

  constructor(public timeline: Timeline) {}

  numberOf(event: StagetagEvent): number {
    if (event.props || (event.source && Object.keys(event.source).length)) return this.#add(this.of(event));
    const rules = this.timeline.at(event.time);
    let known = this.#plain.get(rules);
    if (!known) this.#plain.set(rules, (known = new Map<string, number>()));
    const key = `${event.name}\n${event.url}\n${event.name === 'page_view' ? event.title : ''}`;
    let number = known.get(key);
    if (number === undefined) {
      if (known.size >= MAX_REMEMBERED) known.clear();
      known.set(key, (number = this.#add(this.of(event))));
    }
    return number;
  }

  #add(kind: Kind): number {
    const content = JSON.stringify(Object.values(kind));
    let number = this.#byContent.get(content);
    if (number === undefined) {
      number = this.all.push(kind) - 1;
      this.#byContent.set(content, number);
    }
    return number;
  }

  of(event: StagetagEvent): Kind {
    const { name, props = {}, title } = event;
    const { current } = this.timeline;
    const rules = this.timeline.at(event.time);
    const url = event.url === undefined ? undefined : attempt(() => new URL(event.url!));
    const place = url && placeOf(url);
    const { subject, field } = propsOf(name);
    const signalsOf = (under: CompiledRules) => matchSignals(under, event, place).map(([signal]) => signal);
    const signals = signalsOf(rules);
    const inForce = rules === current ? signals : signalsOf(current);
    // That it is a page view tells no page from another.
    const isTold = inForce.some((signal) => {
      const { path, host, match } = current.signals[signal]!;
      return name !== 'page_view' || path || host || match;
    });
    return {
      name,
      path: place?.path ?? null,
      title: name === 'page_view' ? text(title) : null,
      signals,
      isTold,
      subject: subject?.(props) ?? null,
      field: (field && text(props[field])) || null,
      isMeasured: !Number.isNaN(valueOf(event)),
    };
  }
}
