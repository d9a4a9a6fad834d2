/** The rail ends here: far above every threshold a longer bar says nothing more. */
const RAIL_MAX_PCT = 2_000;
const RAIL_MIN_PCT = 10;

/** Place on the rail in percent of its width: logarithmic, because 30 to 100 matters more than 1,000 to 1,070. */
export function railPlace(pct: number): number {
  const clamped = Math.min(RAIL_MAX_PCT, Math.max(RAIL_MIN_PCT, pct));
  return (Math.log(clamped / RAIL_MIN_PCT) / Math.log(RAIL_MAX_PCT / RAIL_MIN_PCT)) * 100;
}
