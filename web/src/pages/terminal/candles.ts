import { CandlestickSeries, ColorType, createChart, CrosshairMode, LineStyle, type AutoscaleInfo, type IChartApi, type IPriceLine, type ISeriesApi, type UTCTimestamp } from "lightweight-charts";
import type { Bar } from "../../api/types";
import { formatDecimal, snapDecimal, type Language } from "../../format/decimal";
import { locale } from "../../format/time";

export interface ChartLine {
  price: string;
  tone: "up" | "down" | "warn" | "crit" | "ink-2" | "ink-3";
  dashed: boolean;
  title: string;
  /** A protective price of this position, which may be moved by hand. */
  drag?: { position: number; kind: "stop_loss" | "take_profit" };
}

export type Dragged = (drag: NonNullable<ChartLine["drag"]>, price: string) => void;

interface Options {
  digits: number;
  tick: string;
  language: Language;
  seconds: boolean;
  daily: boolean;
  onDragged: Dragged;
}

/** A finger is wider than a line. */
const GRAB_PX = 7;

/** The drawn chart. It takes decimal strings and turns them into pixels; nothing comes back out of it. */
export class CandleChart {
  private readonly chart: IChartApi;
  private readonly series: ISeriesApi<"Candlestick">;
  private readonly observer: ResizeObserver;
  private lines: { line: IPriceLine; wanted: ChartLine }[] = [];
  private dragging: { line: IPriceLine; wanted: ChartLine } | undefined;
  private ask: IPriceLine | undefined;
  private bid: IPriceLine | undefined;
  private points: Point[] = [];
  private placed = false;

  constructor(private readonly box: HTMLElement, private readonly options: Options) {
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
      rightPriceScale: { entireTextOnly: true, borderColor: colour("line"), scaleMargins: { top: 0.1, bottom: 0.1 } },
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
      // The library colours its own label like the body, which is hollow when falling: see `setBid`.
      lastValueVisible: false,
      priceLineVisible: false,
      autoscaleInfoProvider: (original: () => AutoscaleInfo | null) => this.withLines(original()),
      priceFormat: { type: "price", precision: options.digits, minMove: 10 ** -options.digits },
    });
    this.observer = new ResizeObserver(() => this.chart.resize(box.clientWidth, box.clientHeight));
    this.observer.observe(box);
    // Captured before the chart sees them: a grabbed line moves, and the chart does not scroll under it.
    box.addEventListener("pointerdown", this.onGrab, true);
    box.addEventListener("pointermove", this.onMove, true);
    box.addEventListener("pointerup", this.onDrop, true);
    box.addEventListener("pointercancel", this.onCancel, true);
  }

  setBars(bars: readonly Bar[]): void {
    this.points = bars.map(toPoint);
    this.series.setData(this.points);
    const last = this.points.at(-1);
    if (last) this.setBid(last.close, last.close >= last.open);
    // Where the reader has scrolled to is left alone when the history comes again.
    if (this.placed || !last) return;
    this.placed = true;
    const { points } = this;
    const shown = Math.max(40, Math.floor(this.box.clientWidth / 7) - 8);
    this.chart.timeScale().setVisibleLogicalRange({ from: points.length - shown, to: points.length + 5 });
  }

  update(bar: Bar): void {
    const point = toPoint(bar);
    const last = this.points.at(-1);
    if (last && point.time < last.time) return this.correct(point);
    if (last?.time === point.time) this.points[this.points.length - 1] = point;
    else this.points.push(point);
    this.series.update(point);
    this.setBid(point.close, point.close >= point.open);
  }

  /** A bar closes some seconds after its end: its last word comes behind the first ticks of the next ones. */
  private correct(point: Point): void {
    const at = this.points.findLastIndex((one) => one.time <= point.time);
    const known = this.points[at];
    if (known?.time === point.time) {
      if (known.open === point.open && known.high === point.high && known.low === point.low && known.close === point.close) return;
      this.points[at] = point;
    } else {
      this.points.splice(at + 1, 0, point);
    }
    this.series.setData(this.points);
  }

  setLines(lines: readonly ChartLine[]): void {
    if (this.dragging) return;
    for (const { line } of this.lines) this.series.removePriceLine(line);
    const style = getComputedStyle(document.documentElement);
    this.lines = lines.map((line) => ({
      wanted: line,
      line: this.series.createPriceLine({
        price: Number(line.price),
        color: style.getPropertyValue(`--${line.tone}`).trim(),
        lineWidth: 1,
        lineStyle: line.dashed ? LineStyle.Dashed : LineStyle.Solid,
        axisLabelVisible: true,
        title: line.title,
      }),
    }));
  }

  private setBid(price: number, rising: boolean): void {
    const color = getComputedStyle(document.documentElement).getPropertyValue(rising ? "--up" : "--down").trim();
    if (this.bid) this.bid.applyOptions({ price, color });
    else this.bid = this.series.createPriceLine({ price, color, lineWidth: 1, lineStyle: LineStyle.Dotted, axisLabelVisible: true, title: "" });
  }

  setAsk(price: string, title: string): void {
    const color = getComputedStyle(document.documentElement).getPropertyValue("--line-strong").trim();
    if (this.ask) this.ask.applyOptions({ price: Number(price) });
    else this.ask = this.series.createPriceLine({ price: Number(price), color, lineWidth: 1, lineStyle: LineStyle.SparseDotted, axisLabelVisible: false, title });
  }

  remove(): void {
    this.observer.disconnect();
    this.box.removeEventListener("pointerdown", this.onGrab, true);
    this.box.removeEventListener("pointermove", this.onMove, true);
    this.box.removeEventListener("pointerup", this.onDrop, true);
    this.box.removeEventListener("pointercancel", this.onCancel, true);
    this.chart.remove();
  }

  /** Lines near the bars are kept in sight; far ones would press the bars flat. */
  private withLines(info: AutoscaleInfo | null): AutoscaleInfo | null {
    if (!info?.priceRange) return info;
    let { minValue, maxValue } = info.priceRange;
    const reach = maxValue - minValue;
    for (const { wanted } of this.lines) {
      const price = Number(wanted.price);
      if (price > maxValue && price <= info.priceRange.maxValue + reach) maxValue = price;
      if (price < minValue && price >= info.priceRange.minValue - reach) minValue = price;
    }
    return { ...info, priceRange: { minValue, maxValue } };
  }

  private at(event: PointerEvent): { line: IPriceLine; wanted: ChartLine } | undefined {
    const y = event.clientY - this.box.getBoundingClientRect().top;
    return this.lines.find(({ wanted }) => {
      const place = wanted.drag ? this.series.priceToCoordinate(Number(wanted.price)) : null;
      return place !== null && Math.abs(place - y) <= GRAB_PX;
    });
  }

  private priceAt(event: PointerEvent): string | null {
    const price = this.series.coordinateToPrice(event.clientY - this.box.getBoundingClientRect().top);
    return price === null ? null : snapDecimal((price as number).toFixed(this.options.digits), this.options.tick);
  }

  private readonly onGrab = (event: PointerEvent): void => {
    const found = this.at(event);
    if (!found) return;
    this.dragging = found;
    this.box.dataset.held = found.wanted.drag?.kind;
    this.box.setPointerCapture(event.pointerId);
    this.chart.applyOptions({ handleScroll: false, handleScale: false });
  };

  private readonly onMove = (event: PointerEvent): void => {
    if (!this.dragging) {
      this.box.style.cursor = this.at(event) ? "ns-resize" : "";
      return;
    }
    const price = this.priceAt(event);
    if (price !== null) this.dragging.line.applyOptions({ price: Number(price) });
  };

  private readonly onDrop = (event: PointerEvent): void => {
    const { dragging } = this;
    const price = this.priceAt(event);
    this.onCancel();
    if (!dragging?.wanted.drag || price === null || price === dragging.wanted.price) return;
    dragging.line.applyOptions({ price: Number(price) });
    this.options.onDragged(dragging.wanted.drag, price);
  };

  private readonly onCancel = (): void => {
    if (!this.dragging) return;
    this.dragging.line.applyOptions({ price: Number(this.dragging.wanted.price) });
    this.dragging = undefined;
    delete this.box.dataset.held;
    this.chart.applyOptions({ handleScroll: true, handleScale: true });
  };
}

interface Point {
  time: UTCTimestamp;
  open: number;
  high: number;
  low: number;
  close: number;
}

function toPoint(bar: Bar): Point {
  return { time: Math.floor(bar.t / 1_000_000) as UTCTimestamp, open: Number(bar.o), high: Number(bar.h), low: Number(bar.l), close: Number(bar.c) };
}
