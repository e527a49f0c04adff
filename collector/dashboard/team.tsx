import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { change, type AuditEntry, type Share, type Site, type User } from './api.js';
import { useAttempt, useOnce, useOnceEach, useRead } from './live.js';
import { Alert, Copy, Loaded, Table } from './parts.js';
import type { View } from './state.js';
import { showTime, t } from './texts.js';

const ROLES = ['viewer', 'editor', 'owner'] as const;

/** Who may do what, which links show this site's reports, and who changed what. */
export function Team({ site }: { site: Site }): JSX.Element {
  const [changes, setChanges] = useState(0);
  const changed = () => setChanges(changes + 1);
  return (
    <>
      <Users changed={changed} zone={site.timeZone} />
      <Shares site={site} changed={changed} />
      <Audit key={changes} zone={site.timeZone} />
    </>
  );
}

function Users({ changed, zone }: { changed: () => void; zone: string }): JSX.Element {
  const read = useRead<{ users: User[] }>('users');
  const [added, setAdded] = useState<{ name: string; token: string }>();
  const once = useOnceEach();
  const [problem, attempt] = useAttempt(() => {
    read.again();
    changed();
  });
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const { name, role } = Object.fromEntries(new FormData(form));
    void once({ name, role }, () =>
      attempt(async () => {
        setAdded(await change('POST', 'users', { name, role }));
        form.reset();
      }),
    );
  };
  const remove = (name: string) =>
    confirm(t('confirmUserGone', { name })) &&
    void attempt(async () => {
      await change('DELETE', `users/${encodeURIComponent(name)}`);
      if (added?.name === name) setAdded(undefined);
    });
  return (
    <section class="card users">
      <h2>{t('users')}</h2>
      <p class="soft">{t('usersHint')}</p>
      <Loaded read={read}>
        {({ users }) =>
          users.length ? (
            <Table
              name="users"
              rows={users}
              columns={[
                { title: t('userName'), of: ({ name }) => name },
                { title: t('role'), of: ({ role }) => t(`roles.${role}`) },
                {
                  title: t('since'),
                  of: ({ createdAt }) => showTime(createdAt, zone),
                  by: ({ createdAt }) => createdAt,
                },
                {
                  title: t('action'),
                  of: () => '',
                  show: ({ name }) => (
                    <button type="button" class="plain small" onClick={() => remove(name)}>
                      {t('remove')}
                    </button>
                  ),
                },
              ]}
            />
          ) : (
            <p>{t('noUsers')}</p>
          )
        }
      </Loaded>
      <form class="filters" onSubmit={add}>
        <input name="name" aria-label={t('userName')} placeholder={t('userName')} maxLength={200} required />
        <select name="role" aria-label={t('role')}>
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {t(`roles.${role}`)}
            </option>
          ))}
        </select>
        <button>{t('addUser')}</button>
      </form>
      {added && (
        <p role="status">
          {t('userAdded', { name: added.name, address: location.href.split('#')[0]! })} <code>{added.token}</code>{' '}
          <Copy text={added.token} />
        </p>
      )}
      {problem && <Alert>{problem}</Alert>}
    </section>
  );
}

function Shares({ site, changed }: { site: Site; changed: () => void }): JSX.Element {
  const path = `sites/${site.siteKey}/shares`;
  const read = useRead<{ shares: Share[] }>(path);
  const [problem, attempt] = useAttempt(() => {
    read.again();
    changed();
  });
  const end = ({ id }: Share) =>
    confirm(t('confirmShareGone')) && void attempt(() => change('DELETE', `${path}/${id}`));
  return (
    <section class="card">
      <h2>{t('shares')}</h2>
      <p class="soft">{t('sharesHint')}</p>
      <Loaded read={read}>
        {({ shares }) =>
          shares.length ? (
            <Table
              name="shares"
              rows={shares}
              columns={[
                { title: t('view'), of: ({ address }) => sayAddress(address) },
                { title: t('madeBy'), of: ({ author }) => author },
                {
                  title: t('ends'),
                  of: ({ expiresAt }) => showTime(expiresAt, site.timeZone),
                  by: ({ expiresAt }) => expiresAt,
                },
                {
                  title: t('action'),
                  of: () => '',
                  show: (share) => (
                    <button type="button" class="plain small" onClick={() => end(share)}>
                      {t('endShare')}
                    </button>
                  ),
                },
              ]}
            />
          ) : (
            <p>{t('noShares')}</p>
          )
        }
      </Loaded>
      {problem && <Alert>{problem}</Alert>}
    </section>
  );
}

/** A view by its name, and what was chosen in it. */
function sayAddress(address: string): string {
  const [view = '', query] = address.split('?');
  const choices = [...new URLSearchParams(query)].map(([name, value]) => `${name}=${value}`);
  return [t(`views.${view as View}`), ...choices].join(' · ');
}

/** A user stands with the role. */
const sayTarget = (target: string): string =>
  target.replace(/\((viewer|editor|owner)\)$/, (_, role: (typeof ROLES)[number]) => `(${t(`roles.${role}`)})`);

function Audit({ zone }: { zone: string }): JSX.Element {
  const read = useRead<{ entries: AuditEntry[] }>('audit?limit=200', true);
  const sites = useOnce<{ sites: Site[] }>('sites')?.sites ?? [];
  const nameOf = (key: string | null) => sites.find(({ siteKey }) => siteKey === key)?.name ?? key;
  return (
    <section class="card">
      <h2>{t('audit')}</h2>
      <p class="soft">{t('auditHint')}</p>
      <Loaded read={read}>
        {({ entries }) =>
          entries.length ? (
            <Table
              name="audit"
              rows={entries}
              most={200}
              columns={[
                { title: t('changedAt'), of: ({ at }) => showTime(at, zone), by: ({ at }) => at },
                { title: t('who'), of: ({ who }) => (who === 'command line' ? t('commandLine') : who) },
                { title: t('operation'), of: ({ action }) => t(`operations.${action as 'addSite'}`) },
                { title: t('target'), of: ({ target }) => target && sayTarget(target) },
                { title: t('site'), of: ({ siteKey }) => nameOf(siteKey) },
              ]}
            />
          ) : (
            <p>{t('noAudit')}</p>
          )
        }
      </Loaded>
    </section>
  );
}
