/** Starts the parts in their order, and gives out the page API. */
import { consent, isOpen, openConsent, saidConsent, setConsent, type Consent } from './consent.js';
import { isPlain, type CompiledRules, type Explanation, type Stage } from './core/index.js';
import { publish, subscribe, together, type Handlers } from './expose/publish.js';
import { closeIdentity, openIdentity } from './identity.js';
import { farewells, forgetUsers, later, on, onCall, record, releaseHeld } from './record.js';
import { maskFields } from './mask.js';
import { loadModel, state, why, type State } from './model.js';
import { toProps } from './props.js';
import { giveLink, goOn, takeLink, type Linked } from './takeLink.js';
import { referrerHost } from './returns.js';
import { configure, guard, ofDocument, words, type Settings } from './settings.js';
import { keyOf, openStorage, readText, removeText, textNames, writeText } from './storage.js';

/** One thing that is recorded by itself. */
export type Capture = () => void;

/** The page API, `window.stagetag`. No call ever throws. */
export interface Stagetag {
  readonly siteKey: string;
  /** Current stage; null where the visitor stands at none yet, and before consent. */
  readonly stage: Stage | null;
  /** Where the visitor stands; before consent with `stage: null`. */
  state(): State;
  /** Why a stage holds or not, the current one by default. */
  why(stage?: Stage): Explanation;
  /** Records an event and returns its id. What is not JSON in the props is left out. */
  track(name: string, props?: object): string;
  /** Records a page view by hand. */
  page(props?: object): string;
  /** Links this visitor to a user. `proof`: hex HMAC-SHA256 of the user id under the site's secret key, made by the site's server. */
  identify(userId: string, traits?: object, proof?: string): void;
  /** Starts or stops. `denied` erases what the browser stored, but one key that remembers the denial. */
  consent(choice: 'granted' | 'denied'): void;
  /** Forgets user and visitor: a new visitor begins. What was queued is still sent for the old one. */
  reset(): void;
  /** Subscribes, and returns a function that unsubscribes. `state` also fires once at once. */
  on<K extends keyof Handlers>(name: K, handler: Handlers[K]): () => void;
  /** Resolves when everything queued is acknowledged or stored for later. */
  flush(): Promise<void>;
  /** Resolves with the state when the SDK has started. */
  readonly ready: Promise<State>;
}

/** Settings with rules to begin with. */
export type Started = Settings & { rules: CompiledRules };

/** The visitor that another of the site's domains handed over to this page, with the session and the last number there. */
let linked: Linked | undefined;

/** Finds out who this is, or begins a new visitor, and goes on from what earlier pages left. */
function open(isNew?: boolean): void {
  openIdentity(isNew, isPlain ? undefined : linked?.id);
  if (!isPlain) {
    if (linked) goOn(linked);
    linked = undefined;
  }
  maskFields([]);
  loadModel();
  releaseHeld();
}

/** Forgets user and visitor: a new visitor begins. */
export function reset(): void {
  forgetUsers();
  if (!isOpen()) return;
  open(true);
  publish();
}

function choose(choice: Consent): void {
  const wasOpen = isOpen();
  setConsent(choice);
  if (isOpen()) {
    if (!wasOpen) open();
  } else {
    // Everything of ours goes from the browser, except the word that it was denied.
    closeIdentity();
    releaseHeld();
    openStorage();
    textNames('').forEach(removeText);
    loadModel();
  }
  // After the visitor's id: another tab that hears of the yes must not make its own. A handler of the page may have said no meanwhile.
  writeText('consent', consent);
  arrive();
}

/** Looks at what other tabs left since: a choice, events, an answer of the collector. */
function look(): void {
  together(() => {
    const said = saidConsent();
    if (said && said !== consent) choose(said);
    if (!isOpen()) return;
    openIdentity(); // Another tab may have begun a new visitor.
    loadModel();
    later.wake?.();
  });
}

/** Whether the page is left for good, as far as it knows: it may come back by the back button. */
let isGone = false;

function arrive(): void {
  isGone = false;
  look();
  if (isOpen() && !ofDocument('hidden')) later.wake?.(0, true);
}

/** Lets the captures say their last words, and sends them. A handler of the page that says yes meanwhile changes nothing of it. */
function depart(gone = isGone): void {
  // The latest first: what waits for the page's handlers decides whether a form was sent or left.
  together(() => {
    [...farewells].reverse().forEach((farewell) => guard(farewell)(gone));
    if (isOpen()) later.leave?.();
  }, gone);
}

/**
 * Starts Stagetag on a page, with these captures. It is one to a page.
 * @param heard takes every call with its arguments
 * @example
 * const stagetag = init({ siteKey: 'st_…', endpoint: 'https://collector.example', rules }, [capturePageViews]);
 * stagetag.track('sign_up');
 */
export function init(settings: Started, captures: Capture[], heard?: unknown[][] | false): Stagetag {
  configure(settings);
  let started: (state: State) => void;
  let begin = () => {
    begin = () => {};
    openStorage();
    openConsent();
    if (!isPlain) {
      linked = guard(takeLink)();
      later.giveLink = giveLink;
    }
    // Where this visitor is not known, no earlier page could tell which of the address's values were typed into a form.
    const from = referrerHost();
    if (
      from === location.hostname ? !(isOpen() && readText('session')) : !isPlain && words(settings.hosts).includes(from)
    )
      maskFields(
        location.search
          .slice(1)
          .split('&')
          .map((parameter) => [parameter.split('=')[0]!, parameter]),
      );
    together(() => {
      if (isOpen()) guard(open)();
      captures.forEach((capture) => guard(capture)());
    });
    on('pageshow', arrive);
    on('online', arrive);
    let looking: unknown;
    on('storage', ({ key }: StorageEvent) => {
      // Once for all that another tab writes at a time.
      if (key?.startsWith(keyOf(''))) looking ??= setTimeout(guard(() => ((looking = undefined), look())));
    });
    on('visibilitychange', () => (ofDocument('hidden') ? depart() : arrive()));
    started(state());
  };
  // The script may be holding up the page's first paint: what it has to do is done in the next task, or as soon as it is asked for.
  setTimeout(guard(() => begin()));
  // Before an app changes the address by which the visitor came.
  for (const method of ['pushState', 'replaceState'] as const)
    onCall(history, method, () => {
      begin();
      return later.move;
    });
  on('pagehide', () => {
    begin();
    isGone = true;
    depart();
  });

  const calls = {
    state,
    why,
    track: (name: string, props?: object) => name && typeof name === 'string' && record(name, toProps(props)),
    page: (props?: object) => record('page_view', toProps(props)),
    identify: (userId: string, traits?: object, proof?: string) =>
      userId && record('identify', toProps(traits), undefined, { userId: `${userId}`.slice(0, 256), proof }),
    consent: (choice: Consent) => {
      if (/^(granted|denied)$/.test(choice)) choose(choice);
    },
    reset,
    on: subscribe,
    async flush() {
      await later.isHere;
      guard(arrive)();
      await later.run?.();
    },
  };
  const api = {
    siteKey: settings.siteKey,
    ready: new Promise((resolve) => (started = resolve)),
    get stage() {
      return api.state()?.stage ?? null;
    },
  } as Stagetag;
  for (const [name, act] of Object.entries(calls) as Array<[string, (...args: unknown[]) => unknown]>)
    (api as unknown as Record<string, unknown>)[name] = guard((...args: unknown[]) => {
      if (heard) heard.push([name, ...args]);
      // Whoever subscribes before anything happened hears of it.
      if (name !== 'on' || args[0] === 'state') begin();
      return act(...args);
    });
  return api;
}
