import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Alert, save } from './parts.js';
import { language, t } from './texts.js';
import { theme } from './theme.js';

type Charts = typeof import('./chart.js');

/**
 * A place for a chart, whose library comes when one is shown, and which can be taken along as a picture. What it shows stands in a table too.
 * @param label what it shows, for who does not see it @param of what is drawn: when it changes, it is drawn anew
 */
export function Chart({
  name,
  label,
  draw,
  of,
}: {
  name: string;
  label: string;
  draw: (charts: Charts, element: HTMLElement) => () => void;
  of: unknown;
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [isMissing, setMissing] = useState(false);
  const drawn = JSON.stringify([of, language.value, theme.value]);
  useEffect(() => {
    let takeAway = () => {};
    let isGone = false;
    import('./chart.js').then(
      (charts) => {
        if (!isGone && place.current) takeAway = draw(charts, place.current);
      },
      () => setMissing(true),
    );
    return () => {
      isGone = true;
      takeAway();
    };
  }, [drawn]);
  const take = async () => {
    const { toPng } = await import('./chart.js');
    save(`${name}.png`, await toPng(place.current!));
  };
  // A page keeps a script that it could not load for gone.
  if (isMissing) return <Alert>{t('noCharts')}</Alert>;
  return (
    <>
      <div class="chart" ref={place} role="img" aria-label={label} />
      <button type="button" class="plain small" onClick={take}>
        {t('png')}
      </button>
    </>
  );
}
