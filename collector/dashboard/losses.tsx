import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { get, SignedOut, type FlowReport, type Site } from './api.js';
import { StageName } from './parts.js';
import { isSignedIn } from './state.js';
import { showNumber, showShare, t } from './texts.js';

/** Where most are lost, and how people move. It goes over everybody, so it is made when it is asked for. */
export function Losses({ site }: { site: Site }): JSX.Element {
  const [{ report, problem, isLoading }, set] = useState<{
    report?: FlowReport;
    problem?: string;
    isLoading?: boolean;
  }>({});
  const load = async () => {
    set({ ...(report && { report }), isLoading: true });
    try {
      set({ report: await get<FlowReport>(`sites/${site.siteKey}/reports/flow`) });
    } catch (error) {
      if (error instanceof SignedOut) isSignedIn.value = false;
      else set({ problem: (error as Error).message });
    }
  };
  return (
    <section class="card losses">
      <h2>{t('losses')}</h2>
      <p class="soft">{t('lossesHint')}</p>
      {problem && (
        <p class="problem" role="alert">
          {t('failed', { message: problem })}
        </p>
      )}
      {report && <Steps report={report} />}
      {report && <Moves report={report} />}
      <button type="button" class="plain" onClick={load} disabled={isLoading}>
        {isLoading ? t('loading') : problem ? t('retry') : report ? t('again') : t('show')}
      </button>
    </section>
  );
}

function Steps({ report: { steps, leak, stays, from, to } }: { report: FlowReport }): JSX.Element {
  if (!leak) return <p>{t('nobodyReached', { from, to })}</p>;
  return (
    <>
      <p class="leak" role="status">
        {t('leak', {
          count: showNumber(leak.lost),
          share: showShare(leak.share),
          from: t(`stages.${leak.from}`),
          to: t(`stages.${leak.to}`),
        })}
      </p>
      <div class="scroll">
        <table class="steps">
          <thead>
            <tr>
              <th>{t('stage')}</th>
              <th>{t('gotThere')}</th>
              <th>{t('wentOn')}</th>
              <th>{t('ofThem')}</th>
              <th>{t('lost')}</th>
              <th>{t('medianStay')}</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step) => {
              const days = stays.find(({ stage }) => stage === step.from)?.medianDays;
              return (
                <tr key={step.from} class={step.from === leak.from ? 'worst' : ''}>
                  <td>
                    <StageName stage={step.from} />
                  </td>
                  <td>{showNumber(step.reached)}</td>
                  <td>{showNumber(step.wentOn)}</td>
                  <td>
                    {step.share === null ? '–' : showShare(step.share)}
                    {step.interval && (
                      <span class="soft">
                        {' '}
                        ({showShare(step.interval[0])}–{showShare(step.interval[1])})
                      </span>
                    )}
                  </td>
                  <td>{showNumber(step.lost)}</td>
                  <td>{days === null || days === undefined ? '–' : t('inDays', { count: showNumber(days) })}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Moves({ report: { moves } }: { report: FlowReport }): JSX.Element | null {
  if (!moves.length) return null;
  return (
    <details>
      <summary>{t('moves')}</summary>
      <div class="scroll">
        <table class="moves">
          <thead>
            <tr>
              <th>{t('fromStage')}</th>
              <th>{t('toStage')}</th>
              <th>{t('times')}</th>
              <th>{t('ofLeaving')}</th>
            </tr>
          </thead>
          <tbody>
            {moves.map(({ from, to, visitors, share }) => (
              <tr key={`${from} ${to}`}>
                <td>
                  <StageName stage={from} />
                </td>
                <td>
                  <StageName stage={to} />
                </td>
                <td>{showNumber(visitors)}</td>
                <td>{showShare(share)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
