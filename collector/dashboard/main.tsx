/** The dashboard: one page for people, fed by the documented API alone. */
import { render, type ComponentChildren, type JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { signIn, signOut, type Site } from './api.js';
import { Board } from './board.js';
import { Flow } from './flow.js';
import { useLive } from './live.js';
import { keepFocus } from './focus.js';
import { keepPlaces } from './places.js';
import { Alert, Problem } from './parts.js';
import { later } from './later.js';
import {
  chosen,
  forgetWriting,
  hasShareEnded,
  hereOf,
  isSessionOver,
  isSignedIn,
  isUnsaved,
  linkTo,
  lookWhoIsIn,
  may,
  route,
  settingsChanged,
  VIEWS,
  type View,
} from './state.js';
import { language, switchLanguage, t } from './texts.js';
import { chooseTheme, theme, THEMES, type Theme } from './theme.js';
import { GUEST_VIEWS, ViewMenu } from './viewMenu.js';
import { Visitors } from './visitors.js';

function App(): JSX.Element {
  // Read here, so that another language draws everything anew.
  void language.value;
  const { problem } = route.value;
  if (isSignedIn.value === undefined) return <p class="soft">{t('loading')}</p>;
  return isSignedIn.value ? <Signed linkProblem={problem} /> : <SignIn problem={problem} />;
}

function Header({ children }: { children?: ComponentChildren }): JSX.Element {
  return (
    <header>
      <h1>Stagetag</h1>
      {children}
      <select
        aria-label={t('theme')}
        value={theme.value}
        onChange={({ currentTarget }) => chooseTheme(currentTarget.value as Theme)}
      >
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {t(`themes.${each}`)}
          </option>
        ))}
      </select>
      <button type="button" class="plain" onClick={switchLanguage}>
        {t('language')}
      </button>
    </header>
  );
}

/** Why a link did not open what it was for. */
const sayLinkProblem = (problem = ''): string | undefined =>
  ({ 'link-expired': t('linkExpired'), 'share-ended': t('shareEnded'), 'too-often': t('tooOften') })[problem];

function SignIn({ problem }: { problem: string | undefined }): JSX.Element {
  const [failure, setFailure] = useState<string>();
  const error = failure ?? sayLinkProblem(hasShareEnded.value ? 'share-ended' : problem);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget as HTMLFormElement).get('token')).trim();
    try {
      await signIn(token);
      // Where it was a link to a view, that is shown.
      if (location.hash.startsWith('#/sign-in')) location.hash = '';
      await lookWhoIsIn();
    } catch (refused) {
      setFailure((refused as Error).message);
    }
  };
  return (
    <>
      <Header />
      <main>
        <form class="card sign-in" onSubmit={submit}>
          <h2>{t('signIn')}</h2>
          <p class="soft">{t('signInHint')}</p>
          {error && (
            <p class="problem" role="alert">
              {error}
            </p>
          )}
          <input name="username" value="admin" autocomplete="username" hidden readOnly />
          <label>
            {t('token')} <input name="token" type="password" autocomplete="current-password" required />
          </label>
          <button>{t('signIn')}</button>
        </form>
      </main>
    </>
  );
}

/** What most mornings begin with is there at once. */
const PAGES: Record<View, (props: { site: Site }) => JSX.Element> = {
  board: Board,
  review: later(async () => (await import('./review.js')).Review),
  flow: Flow,
  funnel: later(async () => (await import('./funnel.js')).Funnel),
  channels: later(async () => (await import('./channels.js')).Channels),
  content: later(async () => (await import('./content.js')).Content),
  customers: later(async () => (await import('./customers.js')).Customers),
  audiences: later(async () => (await import('./audiences.js')).Audiences),
  visitors: Visitors,
  rules: later(async () => (await import('./rules.js')).Rules),
  setup: later(async () => (await import('./setup.js')).Setup),
};

const AddSite = later(async () => (await import('./setup.js')).AddSite);

/** With the words of reasons. */
const VisitorPage = later(async () => (await import('./visitor.js')).VisitorPage);

/** What stands behind `#` is the view. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')!.focus();
}

/** What holds for another site too. */
const keptRange = (): Record<string, string> =>
  Object.fromEntries(['days', 'from', 'to'].map((name) => [name, chosen(name)]).filter(([, value]) => value));

function Signed({ linkProblem }: { linkProblem: string | undefined }): JSX.Element {
  const live = useLive<{ sites: Site[] }>('sites');
  const { siteKey, view, visitorId, isOtherView } = route.value;
  // Who began with no site stays with the first steps until they go on by themselves.
  const isBeginning = useRef(false);
  if (live.data && !live.data.sites.length) isBeginning.current = true;
  if (siteKey) isBeginning.current = false;
  const site = isBeginning.current
    ? undefined
    : (live.data?.sites.find((each) => each.siteKey === siteKey) ?? live.data?.sites[0]);
  /** What the address names and nobody may see, or nobody has. */
  const isUnknown = !!siteKey && !!site && site.siteKey !== siteKey;
  useEffect(() => {
    document.title = [...(site ? [t(`views.${view}`), site.name] : []), 'Stagetag'].join(' · ');
  }, [site?.name, view, language.value]);
  useEffect(() => {
    if (settingsChanged.value) live.again();
  }, [settingsChanged.value]);
  // A site that has just been added is not among those that were read before.
  useEffect(() => {
    if (isUnknown) live.again();
  }, [siteKey, isUnknown]);
  // On a narrow screen the menu is longer than what is seen of it.
  useEffect(() => {
    document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [view, !!site]);
  const Page = PAGES[view];
  const [problem, setProblem] = useState('');
  const leave = async () => {
    if (isUnsaved() && !confirm(t('confirmDrop'))) return;
    try {
      await signOut();
      forgetWriting();
      isSignedIn.value = false;
    } catch (error) {
      setProblem(t('notDone', { message: (error as Error).message }));
    }
  };
  // It can be read again: somebody has signed in elsewhere.
  useEffect(() => {
    isSessionOver.value = false;
  }, [live.asOf]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        {t('skip')}
      </a>
      <Header>
        {site && (
          <label class="site">
            <span class="soft">{t('site')}</span>{' '}
            <select
              value={site?.siteKey}
              onChange={({ currentTarget }) => (location.hash = linkTo(currentTarget.value, view, keptRange()))}
            >
              {live.data?.sites.map((each) => (
                <option key={each.siteKey} value={each.siteKey}>
                  {each.name}
                </option>
              ))}
            </select>
          </label>
        )}
        <button type="button" class="plain" onClick={leave}>
          {t('signOut')}
        </button>
      </Header>
      {site && (
        <nav aria-label={t('menu')}>
          {VIEWS.filter((each) => may('viewer') || GUEST_VIEWS.includes(each)).map((each) => (
            <a key={each} href={linkTo(site.siteKey, each)} aria-current={each === view ? 'page' : undefined}>
              {t(`views.${each}`)}
            </a>
          ))}
        </nav>
      )}
      <main id="main" tabIndex={-1}>
        {problem && <Alert>{problem}</Alert>}
        {/* Who is signed in stays it, whatever became of a link. */}
        {sayLinkProblem(linkProblem) && <Alert>{sayLinkProblem(linkProblem)}</Alert>}
        {isSessionOver.value && (
          <Alert>
            {t('sessionEnded')}{' '}
            <a href={location.pathname} target="_blank" rel="noreferrer">
              {t('signIn')}
            </a>
          </Alert>
        )}
        {isOtherView && (
          <p class="card" role="alert">
            {t('noSuchView')}
          </p>
        )}
        {site && !isUnknown && may('viewer') && !visitorId && (
          <ViewMenu key={site.siteKey + hereOf(route.value)} site={site} />
        )}
        {!live.data ? (
          <Problem live={live} />
        ) : !site ? (
          may('owner') ? (
            <AddSite isFirst />
          ) : (
            <p class="card">{t('noSites')}</p>
          )
        ) : isUnknown ? (
          <p class="card" role="alert">
            {t('noSuchSite')} <a href={linkTo(site.siteKey)}>{site.name} →</a>
          </p>
        ) : !may('viewer') && !GUEST_VIEWS.includes(view) ? (
          <p class="card">{t('notForGuests')}</p>
        ) : visitorId ? (
          <VisitorPage key={visitorId} site={site} visitorId={visitorId} />
        ) : (
          <Page key={site.siteKey + view} site={site} />
        )}
      </main>
    </>
  );
}

// The form says what is wrong when it is used.
lookWhoIsIn().catch(() => (isSignedIn.value = false));

keepFocus();
keepPlaces();
render(<App />, document.getElementById('app')!);
