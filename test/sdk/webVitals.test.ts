/** Web vitals from entries that are made up; what real browsers give is in test/browser. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { general } from '../helpers/rules.js';

interface Entry {
  entryType: string;
  name?: string;
  startTime: number;
  duration?: number;
  value?: number;
  hadRecentInput?: boolean;
  interactionId?: number;
}

/** Runs the capture on these entries, and gives what it tells when the page is left. */
async function measure(
  entries: Entry[],
  activationStart = 0,
): Promise<Record<string, { value: number; rating: string }>> {
  vi.resetModules();
  vi.stubGlobal(
    'PerformanceObserver',
    class {
      static supportedEntryTypes = ['paint', 'largest-contentful-paint', 'layout-shift', 'event', 'first-input'];
      observe() {}
      disconnect() {}
      takeRecords = () => entries.map((entry) => ({ name: '', duration: 0, ...entry }));
    },
  );
  onTestFinished(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
  vi.spyOn(performance, 'getEntriesByType').mockReturnValue([{ activationStart }] as unknown as PerformanceEntryList);
  const { configure } = await import('../../sdk/settings.js');
  configure({ siteKey: 'st_test', endpoint: 'https://collector.example', rules: general });
  (await import('../../sdk/storage.js')).openStorage();
  (await import('../../sdk/consent.js')).openConsent();
  (await import('../../sdk/identity.js')).openIdentity();
  const { captureWebVitals } = await import('../../sdk/later/webVitals.js');
  const { farewells } = await import('../../sdk/record.js');
  const { queued } = await import('../../sdk/queue.js');
  localStorage.clear();
  captureWebVitals();
  for (const farewell of farewells) farewell(true);
  const told = queued().filter(({ event }) => event.name === 'web_vital');
  return Object.fromEntries(
    told.map(({ event: { props } }) => [
      props!.metric as string,
      { value: props!.value as number, rating: props!.rating as string },
    ]),
  );
}

const paint = (startTime: number) => ({ entryType: 'paint', name: 'first-contentful-paint', startTime });
const largest = (startTime: number) => ({ entryType: 'largest-contentful-paint', startTime });

test('paints count from when the page was opened, and from when it was shown where it was prerendered', async () => {
  expect(await measure([paint(900), largest(2600)])).toMatchObject({
    FCP: { value: 900, rating: 'good' },
    LCP: { value: 2600, rating: 'needs-improvement' },
  });
  expect(await measure([paint(900), largest(2600)], 800)).toMatchObject({ FCP: { value: 100 }, LCP: { value: 1800 } });
});

test('what was painted before a prerendered page was shown is there at once, and not before', async () => {
  expect(await measure([paint(900), largest(2600)], 3000)).toMatchObject({ FCP: { value: 0 }, LCP: { value: 0 } });
});

test('shifts within a second of each other count together, and those after an input do not', async () => {
  const shift = (startTime: number, value: number, hadRecentInput = false) => ({
    entryType: 'layout-shift',
    startTime,
    value,
    hadRecentInput,
  });
  const { CLS } = await measure([
    paint(1),
    shift(1000, 0.1),
    shift(1500, 0.1),
    shift(1600, 0.5, true),
    shift(4000, 0.15),
  ]);
  expect(CLS).toEqual({ value: 0.2, rating: 'needs-improvement' });
  expect((await measure([paint(1)])).CLS).toEqual({ value: 0, rating: 'good' });
});

test('the slowest interaction counts, by its longest event', async () => {
  const event = (interactionId: number, duration: number) => ({
    entryType: 'event',
    startTime: 1,
    interactionId,
    duration,
  });
  expect((await measure([event(1, 40), event(1, 250), event(2, 90)])).INP).toEqual({
    value: 250,
    rating: 'needs-improvement',
  });
  expect((await measure([paint(1)])).INP).toBeUndefined();
});
