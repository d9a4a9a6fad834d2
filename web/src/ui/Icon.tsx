const PATHS = {
  alert: "M12 4 3 19h18L12 4Zm0 6v4m0 2.5v.5",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6 6 18",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
  sun: "M12 7.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm5 11.5L20 20",
  phone: "M6 4h3l1.5 4.5L8.5 10a11 11 0 0 0 5.5 5.5l1.5-2L20 15v3a2 2 0 0 1-2 2A14 14 0 0 1 4 6a2 2 0 0 1 2-2Z",
  edit: "M4 20h4L19 9l-4-4L4 16v4Z",
  chevron: "m9 6 6 6-6 6",
  up: "m6 14 6-6 6 6",
  down: "m6 10 6 6 6-6",
  list: "M4 6h16M4 12h16M4 18h16",
  chart: "M5 4v5m0 6v5M5 9h0v6M12 3v3m0 9v6M12 6v9M19 6v4m0 6v3M19 10v6M3.5 9h3v6h-3zM10.5 6h3v9h-3zM17.5 10h3v6h-3z",
  swap: "M7 4v15m0 0-3.5-3.5M7 19l3.5-3.5M17 20V5m0 0-3.5 3.5M17 5l3.5 3.5",
  layers: "m12 4 9 4.5-9 4.5-9-4.5L12 4Zm-9 9 9 4.5 9-4.5",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  clock: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16Zm0 3.5V12l3 2",
  exit: "M14 4h5v16h-5M4 12h10m0 0-3.5-3.5M14 12l-3.5 3.5",
  palette: "M4 5h16v14H4zM8 10l2.5 2L8 14m5 0h3",
  drop: "M12 3.5s6 6.5 6 11a6 6 0 0 1-12 0c0-4.500 6-11 6-11Z",
  board: "M4 5h4.5v14H4zM9.75 5h4.5v9h-4.500zM15.500 5H20v11.500h-4.500z",
  upload: "M12 16V5m0 0L8 9m4-4 4 4M5 16v3h14v-3",
  id: "M3 6h18v12H3zM7 15c.4-1.500 3.600-1.500 4 0M9 9a1.500 1.500 0 1 1 0 3 1.500 1.500 0 0 1 0-3Zm5.500 1h3.500m-3.500 3.500h3.500",
  people: "M9 5.500a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM3.500 19c.5-5.500 10.500-5.500 11 0M15.500 6a2.500 2.500 0 1 1 0 5m1.500 2.500c2 .5 3.200 2.500 3.500 5",
  key: "M8 9a4 4 0 1 1 0 8 4 4 0 0 1 0-8Zm3 1.500L20 4m-4 3 2.500 2.500",
  menu: "M4 7h16M4 12h16M4 17h16",
  grip: "M9 6v.01M9 12v.01M9 18v.01M15 6v.01M15 12v.01M15 18v.01",
  bell: "M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 1.500h-15L6 16.500Zm4 4h4",
  link: "M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1m2 3.700a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  back: "m14 6-6 6 6 6",
} as const;

export type IconName = keyof typeof PATHS;

/** A drawn sign beside or instead of a word; the word is always there for those who do not see it. */
export function Icon({ name, size = 16, className = "" }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg aria-hidden="true" viewBox="0 0 24 24" width={size} height={size} fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" className={`shrink-0 ${className}`}>
      <path d={PATHS[name]} />
    </svg>
  );
}
