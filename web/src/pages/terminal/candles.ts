import { CandlestickSeries, ColorType, createChart, CrosshairMode, LineStyle, type IChartApi, type IPriceLine, type ISeriesApi, type UTCTimestamp } from "lightweight-charts";
import type { Bar } from "../../api/types";
import { formatDecimal, type Language } from "../../format/decimal";
import { locale } from "../../format/time";

export interface ChartLine {
  price: string;
  tone: "up" | "down" | "warn" | "crit" | "ink-2" | "ink-3";
  dashed: boolean;
  title: string;
}

interface Options {
  digits: number;
  language: Language;
  seconds: boolean;
  daily: boolean;
}

/** The drawn chart. It takes decimal strings and turns them into pixels; nothing comes back out of it. */
export class CandleChart {
  private readonly chart: IChartApi;
  private readonly series: ISeriesApi<"Candlestick">;
  private readonly observer: ResizeObserver;
  private lines: IPriceLine[] = [];
  private ask: IPriceLine | undefined;
  private lastTime = 0;

  constructor(private readonly box: HTMLElement, options: Options) {
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    this.chart = createChart(box, {
      autoSize: false,
      width: box.clientWidth,
      height: box.clientHeight,
      layout: {
        background: { type: ColorType.Solid, color: colour("panel") },
        textColor: colour("ink-3"),
        fontFamily: getComputedStyle(document.body).fontFamily,
        fontSize: 11,
        attributionLogo: true,
      },
      grid: { vertLines: { color: colour("line") }, horzLines: { color: colour("line") } },
      crosshair: { mode: CrosshairMode.Normal, vertLine: { color: colour("ink-3"), labelBackgroundColor: colour("line-strong") }, horzLine: { color: colour("ink-3"), labelBackgroundColor: colour("line-strong") } },
      rightPriceScale: { borderColor: colour("line"), scaleMargins: { top: 0.1, bottom: 0.1 } },
      timeScale: { borderColor: colour("line"), timeVisible: !options.daily, secondsVisible: options.seconds, rightOffset: 6, barSpacing: 7, minBarSpacing: 1.5 },
      localization: { locale: locale(options.language), priceFormatter: (price: number) => formatDecimal(price.toFixed(options.digits), options.language) },
    });
    this.series = this.chart.addSeries(CandlestickSeries, {
      upColor: colour("up"),
      wickUpColor: colour("up"),
      borderUpColor: colour("up"),
      // Hollow bodies fall, filled ones rise: the direction shows without colour too.
      downColor: colour("panel"),
      wickDownColor: colour("down"),
      borderDownColor: colour("down"),
      borderVisible: true,
      priceFormat: { type: "price", precision: options.digits, minMove: 10 ** -options.digits },
    });
    this.observer = new ResizeObserver(() => this.chart.resize(box.clientWidth, box.clientHeight));
    this.observer.observe(box);
  }

  setBars(bars: readonly Bar[]): void {
    const points = bars.map(toPoint);
    this.series.setData(points);
    this.lastTime = points.at(-1)?.time ?? 0;
    const shown = Math.max(40, Math.floor(this.box.clientWidth / 7) - 8);
    this.chart.timeScale().setVisibleLogicalRange({ from: points.length - shown, to: points.length + 5 });
  }

  update(bar: Bar): void {
    const point = toPoint(bar);
    // A late tick belongs to a bar that the history already has.
    if (point.time < this.lastTime) return;
    this.lastTime = point.time;
    this.series.update(point);
  }

  setLines(lines: readonly ChartLine[]): void {
    for (const line of this.lines) this.series.removePriceLine(line);
    const style = getComputedStyle(document.documentElement);
    this.lines = lines.map((line) =>
      this.series.createPriceLine({
        price: Number(line.price),
        color: style.getPropertyValue(`--${line.tone}`).trim(),
        lineWidth: 1,
        lineStyle: line.dashed ? LineStyle.Dashed : LineStyle.Solid,
        axisLabelVisible: true,
        title: line.title,
      }),
    );
  }

  setAsk(price: string, title: string): void {
    const color = getComputedStyle(document.documentElement).getPropertyValue("--line-strong").trim();
    if (this.ask) this.ask.applyOptions({ price: Number(price) });
    else this.ask = this.series.createPriceLine({ price: Number(price), color, lineWidth: 1, lineStyle: LineStyle.SparseDotted, axisLabelVisible: false, title });
  }

  remove(): void {
    this.observer.disconnect();
    this.chart.remove();
  }
}

function toPoint(bar: Bar): { time: UTCTimestamp; open: number; high: number; low: number; close: number } {
  return { time: Math.floor(bar.t / 1_000_000) as UTCTimestamp, open: Number(bar.o), high: Number(bar.h), low: Number(bar.l), close: Number(bar.c) };
}
