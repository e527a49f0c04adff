import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { language } from './texts.js';

type Charts = typeof import('./chart.js');

/** A place for a chart, whose library comes when one is shown. @param of what is drawn: when it changes, it is drawn anew */
export function Chart({
  draw,
  of,
}: {
  draw: (charts: Charts, element: HTMLElement) => () => void;
  of: unknown;
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const drawn = JSON.stringify([of, language.value]);
  useEffect(() => {
    let takeAway = () => {};
    let isGone = false;
    void import('./chart.js').then((charts) => {
      if (!isGone && place.current) takeAway = draw(charts, place.current);
    });
    return () => {
      isGone = true;
      takeAway();
    };
  }, [drawn]);
  return <div class="chart" ref={place} />;
}
