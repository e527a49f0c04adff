/** The chart library, loaded when a chart is shown and not before. */
import { BarChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

/** Named, since the library measures texts with it. */
const FONT = "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";

export interface Series {
  name: string;
  color: string;
  values: number[];
}

/** Draws stacked bars by day. @returns a function that takes them away */
export function drawDays(element: HTMLElement, days: string[], series: Series[]): () => void {
  const chart = init(element, undefined, { renderer: 'svg' });
  const ink = getComputedStyle(element).color;
  chart.setOption({
    aria: { enabled: true },
    animation: false,
    textStyle: { color: ink, fontFamily: FONT },
    legend: { type: 'scroll', textStyle: { color: ink, fontFamily: FONT }, bottom: 0 },
    // As drawn text: HTML in a tooltip would need inline styles, which the page's policy forbids.
    tooltip: { trigger: 'axis', renderMode: 'richText', order: 'seriesDesc' },
    grid: { left: 8, right: 8, top: 12, bottom: 40, containLabel: true },
    xAxis: { type: 'category', data: days, axisLabel: { hideOverlap: true, formatter: (day: string) => day.slice(5) } },
    yAxis: { type: 'value', minInterval: 1, splitLine: { lineStyle: { opacity: 0.25 } } },
    series: series.map(({ name, color, values }) => ({
      type: 'bar',
      stack: 'all',
      name,
      data: values,
      itemStyle: { color },
    })),
  });
  const watch = new ResizeObserver(() => chart.resize());
  watch.observe(element);
  return () => {
    watch.disconnect();
    chart.dispose();
  };
}
