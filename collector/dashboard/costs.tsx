import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { change, type Cost, type CostsTaken, type Site } from './api.js';
import { useAttempt, useRead } from './live.js';
import { Alert, CsvButton, Loaded, rangeOf, Table, todayOf, type Column } from './parts.js';
import { may } from './state.js';
import { joinNames, showChannel, showMoney, showNumber, t } from './texts.js';

/** What was spent on one thing in the range. */
interface Spent extends Omit<Cost, 'day'> {
  key: string;
  days: number;
}

/** What a cost was for. */
const keyOf = ({ channel, source, medium, campaign }: Omit<Cost, 'day' | 'cost'>) =>
  JSON.stringify([channel, source, medium, campaign]);

/** As they can be taken in again. */
const DAILY = (['day', 'channel', 'source', 'medium', 'campaign', 'cost'] as const).map((name): Column<Cost> => ({
  title: name,
  of: (cost) => cost[name] ?? null,
}));

/** Chinese spreadsheets write files of their own encoding. */
function textOf(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('gb18030').decode(bytes);
  }
}

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
  const [taken, setTaken] = useState<CostsTaken>();
  const [problem, attempt] = useAttempt(() => {
    read.again();
    changed();
  });
  const take = ({ currentTarget: input }: { currentTarget: HTMLInputElement }) => {
    const file = input.files?.[0];
    const send = async () => {
      setTaken(undefined);
      const table = new Blob([textOf(await file!.arrayBuffer())], { type: 'text/csv' });
      const { replaced, unknownChannels } = await change<CostsTaken>('PUT', `${path}?dry=true`, table);
      const names = joinNames(unknownChannels);
      if (names && !confirm(`${t('unknownChannels', { names })} ${t('confirmUnknown')}`)) return;
      if (!replaced || confirm(t('confirmCosts', { count: replaced })))
        setTaken(await change<CostsTaken>('PUT', path, table));
    };
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
      {taken && (
        <p role="status">
          {taken.costs
            ? t('costsTaken', { count: showNumber(taken.costs), from: taken.from, to: taken.to })
            : t('costsNone')}
          {taken.to !== null && taken.to > todayOf(site) && ` ${t('costsAhead', { day: taken.to })}`}
          {!!taken.unknownChannels.length && ` ${t('unknownChannels', { names: joinNames(taken.unknownChannels) })}`}
        </p>
      )}
      <Loaded read={read}>
        {({ costs }) =>
          costs.length ? (
            <>
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
              />{' '}
              <CsvButton name="costs-by-day" text={t('costsByDay')} rows={costs} columns={DAILY} />
            </>
          ) : (
            <p>{t('noCosts', { from, to })}</p>
          )
        }
      </Loaded>
    </section>
  );
}
