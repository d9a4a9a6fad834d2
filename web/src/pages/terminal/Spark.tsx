import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useServices } from "../../app/services";
import { useSettings } from "../../app/settings";

const POINTS = 90;
const WIDTH = 44;
const HEIGHT = 18;
/** One point a second: the line shows the last minute and a half. */
const SAMPLE_MS = 1_000;

/** The last minute and a half as a line; colour by where it ended against where it began. */
export function Spark({ symbol }: { symbol: string }) {
  const { api, quotes } = useServices();
  const { theme, colours } = useSettings();
  const canvas = useRef<HTMLCanvasElement>(null);
  const points = useRef<number[]>([]);
  const history = useQuery({ queryKey: ["spark", symbol], queryFn: () => api.bars(symbol, "1s", POINTS), staleTime: Infinity, retry: false });

  useEffect(() => {
    const past = (history.data ?? []).map((bar) => Number(bar.c)).slice(-POINTS);
    points.current = [...past, ...points.current].slice(-POINTS);
    draw(canvas.current, points.current);
  }, [history.data, theme, colours]);

  useEffect(() => {
    let seen = 0;
    let newest: number | undefined;
    const leave = quotes.watch(symbol, (quote) => {
      if (quote.data && quote.state === "live") newest = Number(quote.data.bid);
    });
    const timer = setInterval(() => {
      const quote = quotes.get(symbol);
      // A symbol without news keeps its line: a flat tail would look like a quiet market.
      if (newest === undefined || !quote || quote.seq === seen) return;
      seen = quote.seq;
      points.current = [...points.current, newest].slice(-POINTS);
      draw(canvas.current, points.current);
    }, SAMPLE_MS);
    return () => (leave(), clearInterval(timer));
  }, [quotes, symbol]);

  return <canvas ref={canvas} aria-hidden width={WIDTH * 2} height={HEIGHT * 2} className="block h-4.5 w-11" />;
}

function draw(canvas: HTMLCanvasElement | null, values: readonly number[]): void {
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (values.length < 2) return;
  const low = Math.min(...values);
  const height = Math.max(...values) - low || 1;
  const rising = values[values.length - 1]! >= values[0]!;
  const style = getComputedStyle(document.documentElement);
  context.strokeStyle = style.getPropertyValue(rising ? "--up" : "--down");
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  context.beginPath();
  values.forEach((value, index) => {
    const x = 2 + ((canvas.width - 4) * (index + POINTS - values.length)) / (POINTS - 1);
    const y = 4 + (canvas.height - 8) * (1 - (value - low) / height);
    if (index === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
  context.stroke();
}
