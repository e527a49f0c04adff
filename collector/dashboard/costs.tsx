import type { JSX } from 'preact';
import { change, type Cost, type Site } from './api.js';
import { useAttempt, useRead } from './live.js';
import { Alert, Loaded, rangeOf, Table } from './parts.js';
import { may } from './state.js';
import { showChannel, showMoney, t } from './texts.js';

/** What was spent on one thing in the range. */
interface Spent extends Omit<Cost, 'day'> {
  key: string;
  days: number;
}

/** What a cost was for. */
const keyOf = ({ channel, source, medium, campaign }: Omit<Cost, 'day' | 'cost'>) =>
  JSON.stringify([channel, source, medium, campaign]);

function addUp(costs: Cost[]): Spent[] {
  const sums = new Map<string, Spent>();
  for (const { day: _, cost, ...of } of costs) {
    const key = keyOf(of);
    const sum = sums.get(key) ?? { ...of, key, days: 0, cost: 0 };
    sums.set(key, { ...sum, days: sum.days + 1, cost: sum.cost + cost });
  }
  return [...sums.values()].sort((a, b) => b.cost - a.cost);
}

/** What channels cost: taken from a table, shown, and taken back. @param changed called when something was */
export function Costs({ site, changed }: { site: Site; changed: () => void }): JSX.Element {
  const path = `sites/${site.siteKey}/costs`;
  const { from, to } = rangeOf(site);
  const read = useRead<{ costs: Cost[] }>(`${path}?from=${from}&to=${to}`);
  const [problem, attempt] = useAttempt(() => {
    read.again();
    changed();
  });
  const take = ({ currentTarget: input }: { currentTarget: HTMLInputElement }) => {
    const file = input.files?.[0];
    const send = async () => change('PUT', path, new Blob([await file!.text()], { type: 'text/csv' }));
    if (file) void attempt(send).then(() => (input.value = ''));
  };
  const takeBack = ({ channel, source, medium, campaign }: Spent) => {
    const name = [showChannel(channel), source, medium, campaign].filter(Boolean).join(' · ');
    if (!confirm(t('confirmCostGone', { name, from, to }))) return;
    const named = Object.entries({ source, medium, campaign, from, to }).filter(([, value]) => value) as string[][];
    const query = new URLSearchParams(named).toString();
    void attempt(() => change('DELETE', `${path}/${encodeURIComponent(channel)}?${query}`));
  };
  return (
    <section class="card">
      <h2>{t('costs')}</h2>
      <p class="soft">{t('costsHint')}</p>
      {may('editor') && (
        <p>
          <label>
            {t('costsFile')} <input type="file" accept=".csv,text/csv" onChange={take} />
          </label>
        </p>
      )}
      {problem && <Alert>{problem}</Alert>}
      <Loaded read={read}>
        {({ costs }) =>
          costs.length ? (
            <Table
              name="costs"
              rows={addUp(costs)}
              columns={[
                { title: t('channel'), of: ({ channel }) => showChannel(channel) },
                { title: t('breakdowns.source'), of: ({ source }) => source ?? null },
                { title: t('breakdowns.medium'), of: ({ medium }) => medium ?? null },
                { title: t('breakdowns.campaign'), of: ({ campaign }) => campaign ?? null },
                { title: t('costDays'), of: ({ days }) => days },
                {
                  title: t('cost'),
                  of: ({ cost }) => Math.round(cost * 100) / 100,
                  show: ({ cost }) => showMoney(cost, site.currency),
                },
                ...(may('editor')
                  ? [
                      {
                        title: t('action'),
                        of: () => '',
                        show: (row: Spent) => (
                          <button type="button" class="plain small" onClick={() => takeBack(row)}>
                            {t('remove')}
                          </button>
                        ),
                      },
                    ]
                  : []),
              ]}
            />
          ) : (
            <p>{t('noCosts', { from, to })}</p>
          )
        }
      </Loaded>
    </section>
  );
}
