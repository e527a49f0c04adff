/** The SDK for a page: starts the parts in their order, and gives out the page API. */
import { captureClicks } from './capture/click.js';
import { captureForms } from './capture/form.js';
import { capturePageViews } from './capture/pageView.js';
import { captureWebVitals } from './capture/webVitals.js';
import { consent, isOpen, openConsent, saidConsent, setConsent, type Consent } from './consent.js';
import type { Explanation, Stage } from './core/index.js';
import { publish, subscribe, type Handlers } from './expose/publish.js';
import { closeIdentity, linkUser, openIdentity } from './identity.js';
import { loadModel, setLoaded, state, why, type State } from './model.js';
import { toProps } from './props.js';
import { clearQueue, loadQueue, readJournal } from './queue.js';
import { on, record, releaseHeld, words } from './record.js';
import { leave, run, stop, wake } from './sender.js';
import { configure, guard, ourName, warn, type Settings } from './settings.js';
import { removeText, textNames, writeText } from './storage.js';

export type { CompiledRules, Explanation, Stage, StagetagEvent } from './core/index.js';
export type { StagetagError } from './expose/publish.js';
export type { State } from './model.js';
export type { Settings } from './settings.js';

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
  /** Resolves with the state when what earlier pages left has been read. */
  readonly ready: Promise<State>;
}

/** Finds out who this is, or begins a new visitor. */
function open(isNew?: boolean): void {
  openIdentity(isNew);
  loadModel();
  releaseHeld(true);
}

/** Reads what earlier pages left, and goes on from there. */
async function start(): Promise<State> {
  open();
  await loadQueue();
  setLoaded();
  arrive();
  return state();
}

function choose(choice: Consent): void {
  const isChange = choice !== consent;
  setConsent(choice);
  if (isChange && isOpen()) void start();
  if (!isOpen()) {
    // Everything of ours goes from the browser, except the word that it was denied.
    stop();
    closeIdentity();
    releaseHeld(false);
    void clearQueue();
    textNames('').forEach(removeText);
  }
  writeText('consent', choice);
  publish();
}

/** Looks at what other tabs left since: a choice, events, an answer of the collector. */
function look(): void {
  const said = saidConsent();
  if (said && said !== consent) choose(said);
  if (!isOpen()) return;
  openIdentity(); // Another tab may have begun a new visitor.
  readJournal();
  loadModel();
  publish();
  wake();
}

function arrive(): void {
  look();
  if (isOpen() && !document.hidden) wake(0, true);
}

/**
 * Starts Stagetag on a page. It is one to a page: a second call goes on with the settings of the first.
 * @example
 * const stagetag = init({ siteKey: 'st_…', endpoint: 'https://collector.example', rules });
 * stagetag.track('sign_up');
 */
export function init(settings: Settings): Stagetag {
  const { siteKey, auto } = settings;
  configure(settings);
  openConsent();
  const ready = isOpen() ? start().catch(state) : Promise.resolve(state());
  const has = (capture: string) => auto == null || words(auto).includes(capture);
  guard(() => {
    if (has('page')) capturePageViews();
    captureClicks(has('downloads'), has('outbound'));
    if (has('forms')) captureForms();
    if (has('vitals')) captureWebVitals();
    // After the captures, so that what they record on leaving is sent as well.
    on('pagehide', leave);
    on('pageshow', arrive);
    on('online', arrive);
    on('storage', ({ key }: StorageEvent) => key?.startsWith(ourName()) && look());
    on('visibilitychange', () => (document.hidden ? leave() : arrive()));
  })();

  const calls = {
    state,
    why,
    track: (name: string, props?: object) =>
      name && typeof name === 'string' ? record(name.slice(0, 128), toProps(props)) : warn('track', name),
    page: (props?: object) => record('page_view', toProps(props)),
    identify(userId: string, traits?: object, proof?: string) {
      if (!userId || !isOpen()) return warn('identify', userId);
      linkUser({ userId: `${userId}`.slice(0, 256), proof });
      return record('identify', toProps(traits));
    },
    consent: (choice: Consent) => (/^(granted|denied)$/.test(choice) ? choose(choice) : warn('consent', choice)),
    reset() {
      if (!isOpen()) return;
      removeText('session');
      removeText('stage');
      open(true);
      publish();
    },
    on: subscribe,
    async flush() {
      await ready;
      arrive();
      // Twice: what was recorded while a batch was under way goes with the next. Where another tab sends, it is stored for that one.
      await run();
      await run();
    },
  };
  const guarded = Object.entries(calls).map(([call, act]) => [call, guard(act as () => unknown)]);
  const api: Stagetag = {
    ...(Object.fromEntries(guarded) as Stagetag),
    siteKey,
    ready,
    get stage() {
      return api.state().stage;
    },
  };
  return api;
}
