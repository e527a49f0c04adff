/** The chart library, loaded when a chart is shown and not before. */
import { BarChart, SankeyChart } from 'echarts/charts';
import { GridComponent, LegendPlainComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, SankeyChart, GridComponent, LegendPlainComponent, TooltipComponent, SVGRenderer]);

/** Named, since the library measures texts with it. */
const FONT = "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";

export interface Series {
  name: string;
  color: string;
  values: number[];
}

type Option = Parameters<ReturnType<typeof init>['setOption']>[0];

/** The colour of the text around: on paper and after another choice of light and dark it is another. */
const INK = 'currentColor';

/** Draws a chart, and anew when its place changes. @returns a function that takes it away */
function draw(element: HTMLElement, make: () => Option): () => void {
  const chart = init(element, undefined, { renderer: 'svg' });
  chart.setOption({
    animation: false,
    textStyle: { color: INK, fontFamily: FONT },
    ...make(),
  });
  const watch = new ResizeObserver(() => chart.resize());
  watch.observe(element);
  return () => {
    watch.disconnect();
    chart.dispose();
  };
}

/** Pixels of a picture to one of the screen: sharp on paper and slides too. */
const SCALE = 2;

/** Makes a picture of the chart in a place, on the ground that it stands on. */
export async function toPng(element: HTMLElement): Promise<Blob> {
  const { width, height } = element.querySelector('svg')!.getBoundingClientRect();
  const svg = element.querySelector('svg')!.cloneNode(true) as SVGElement;
  // By itself it knows nothing of the text around.
  svg.style.color = getComputedStyle(element).color;
  const image = new Image(width * SCALE, height * SCALE);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: width * SCALE, height: height * SCALE });
  const context = canvas.getContext('2d')!;
  context.fillStyle = getComputedStyle(element.closest('.card') ?? document.body).backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture could be made')))),
  );
}

/** Pixels: below them a legend takes two lines. */
const NARROW = 480;

/** Draws stacked bars by day. @param marked days to which something is noted, numbered from 1 */
export function drawDays(element: HTMLElement, days: string[], series: Series[], marked: string[] = []): () => void {
  const marksOf = (day: string): string => {
    const numbers = marked.flatMap((each, at) => (each === day ? [at + 1] : []));
    return numbers.length ? `${numbers.join(' ')}\n▾` : '';
  };
  return draw(element, () => ({
    legend: { textStyle: { color: INK, fontFamily: FONT }, bottom: 0 },
    // As drawn text: HTML in a tooltip would need inline styles, which the page's policy forbids.
    tooltip: { trigger: 'axis', renderMode: 'richText', order: 'seriesDesc' },
    grid: {
      left: 8,
      right: 8,
      top: marked.length ? 32 : 12,
      bottom: element.clientWidth < NARROW ? 64 : 40,
      containLabel: true,
    },
    xAxis: {
      type: 'category',
      data: days,
      axisLabel: { color: INK, hideOverlap: true, formatter: (day: string) => day.slice(5) },
    },
    yAxis: { type: 'value', minInterval: 1, axisLabel: { color: INK }, splitLine: { lineStyle: { opacity: 0.25 } } },
    series: series.map(({ name, color, values }, index) => ({
      // Above what is on top.
      ...(index === series.length - 1 && {
        label: {
          show: true,
          position: 'top',
          color: INK,
          formatter: ({ dataIndex }: { dataIndex: number }) => marksOf(days[dataIndex]!),
        },
      }),
      type: 'bar',
      stack: 'all',
      name,
      data: values,
      itemStyle: { color },
    })),
  }));
}

export interface Link {
  from: string;
  to: string;
  value: number;
  fromColor: string;
  toColor: string;
}

/**
 * Draws how many went from where to where: what is left stands on the left, what is entered on the right.
 * @param order names from top to bottom, where they have one; else they stand where lines cross least
 */
export const drawFlow = (element: HTMLElement, links: Link[], order: string[] = []): (() => void) =>
  draw(element, () => {
    // A stage stands on both sides: a move back is no circle.
    const nodes = new Map<string, { name: string; itemStyle: { color: string } }>();
    for (const { from, to, fromColor, toColor } of links) {
      nodes.set(`${from} →`, { name: `${from} →`, itemStyle: { color: fromColor } });
      nodes.set(`→ ${to}`, { name: `→ ${to}`, itemStyle: { color: toColor } });
    }
    const placed = [...order.flatMap((name) => [`${name} →`, `→ ${name}`]), ...nodes.keys()];
    return {
      tooltip: { renderMode: 'richText' },
      series: [
        {
          type: 'sankey',
          ...(order.length && { layoutIterations: 0 }),
          nodeGap: 14,
          left: 8,
          right: 120,
          top: 8,
          bottom: 8,
          data: [...new Set(placed)].flatMap((name) => nodes.get(name) ?? []),
          links: links.map(({ from, to, value }) => ({ source: `${from} →`, target: `→ ${to}`, value })),
          label: { color: INK, fontFamily: FONT },
          lineStyle: { color: 'gradient', opacity: 0.35 },
          emphasis: { disabled: true },
        },
      ],
    };
  });
