/** Formatting of decimal strings. Digits are never recomputed: what the server said is what is shown. */

export type Language = "en" | "id";

interface Marks {
  group: string;
  point: string;
}

const MARKS: Record<Language, Marks> = { en: { group: ",", point: "." }, id: { group: ".", point: "," } };
const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/** A real minus sign: as wide as a digit, so columns stay aligned. */
export const MINUS = "\u2212";
export const ABSENT = "\u2013";

/** `1234567.50` as `1,234,567.50` or `1.234.567,50`; text that is no decimal is returned as it is. */
export function formatDecimal(value: string | null | undefined, language: Language, options: { sign?: boolean; group?: boolean } = {}): string {
  if (value === null || value === undefined || value === "") return ABSENT;
  const match = DECIMAL.exec(value);
  if (!match) return value;
  const [, sign, whole, fraction] = match as unknown as [string, string, string, string | undefined];
  const marks = MARKS[language];
  const grouped = options.group === false ? whole : whole.replace(/\B(?=(\d{3})+$)/g, marks.group);
  const zero = isZero(value);
  const lead = sign === "-" && !zero ? MINUS : options.sign && !zero ? "+" : "";
  return lead + grouped + (fraction === undefined ? "" : marks.point + fraction);
}

/** A decimal with its unit as the server says it, `1234.56 USD`: the number is written anew, the unit stays. */
export function formatFigure(value: string | null | undefined, language: Language): string {
  const match = /^([+-]?\d+(?:\.\d+)?)( .*)?$/.exec(value ?? "");
  return match ? formatDecimal(match[1], language) + (match[2] ?? "") : value || ABSENT;
}

/** A price split for display: the part everybody knows, the two digits that move, the fraction of a pip. */
export function splitPrice(price: string | null | undefined, digits: number, language: Language): [string, string, string] {
  const text = formatDecimal(price, language);
  if (text === ABSENT || digits < 2) return [text, "", ""];
  const pip = digits % 2 === 1 ? 1 : 0;
  const end = text.length - pip;
  const start = end - 2;
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}

/** `-1` below zero, `0` for zero or absent, `1` above, read from the text. */
export function signOf(value: string | null | undefined): -1 | 0 | 1 {
  if (!value || isZero(value)) return 0;
  return value.startsWith("-") ? -1 : 1;
}

/** Compares two decimal strings without a float. */
export function compareDecimal(a: string, b: string): number {
  const digits = Math.max(fractionDigits(a), fractionDigits(b));
  const left = scaled(a, digits);
  const right = scaled(b, digits);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** `value + step × count`, held between `min` and `max`: the arrows of an input, not a number of the page. */
export function stepDecimal(value: string, step: string, count: number, min?: string, max?: string): string {
  const digits = Math.max(fractionDigits(value), fractionDigits(step), fractionDigits(min ?? "0"));
  let result = scaled(DECIMAL.test(value) ? value : "0", digits) + scaled(step, digits) * BigInt(count);
  if (min !== undefined && result < scaled(min, digits)) result = scaled(min, digits);
  if (max !== undefined && result > scaled(max, digits)) result = scaled(max, digits);
  return unscaled(result, digits);
}

/** Half of a quantity, cut to the step; not below `min`, and the whole where less cannot be. */
export function halfOf(value: string, step: string, min: string): string {
  const digits = Math.max(fractionDigits(value), fractionDigits(step), fractionDigits(min));
  const [whole, unit] = [scaled(value, digits), scaled(step, digits)];
  if (unit <= 0n) return value;
  const half = (whole / 2n / unit) * unit;
  const least = scaled(min, digits);
  const wanted = half < least ? least : half;
  return unscaled(wanted > whole ? whole : wanted, digits);
}

/** The multiple of `step` nearest to `value`: where a dragged line comes to rest. */
export function snapDecimal(value: string, step: string): string {
  const digits = Math.max(fractionDigits(value), fractionDigits(step));
  const unit = scaled(step, digits);
  if (unit <= 0n) return value;
  const whole = scaled(value, digits);
  const half = whole < 0n ? -unit / 2n : unit / 2n;
  const snapped = unscaled(((whole + half) / unit) * unit, digits);
  return fractionDigits(step) < digits ? snapped.slice(0, snapped.length - (digits - fractionDigits(step))).replace(/\.$/, "") : snapped;
}

const TYPED: Record<Language, RegExp> = { en: typed(MARKS.en), id: typed(MARKS.id) };

/** What a number of a language looks like: groups are of three digits, set apart by its own mark or by spaces, and a grouped number does not begin with zero. */
function typed({ group, point }: Marks): RegExp {
  return new RegExp(`^([+-]?)(?:(\\d+|[1-9]\\d{0,2}(?:\\${group}\\d{3})+|[1-9]\\d{0,2}(?: \\d{3})+)(?:\\${point}(\\d*))?|\\${point}(\\d+))$`);
}

/** What a person typed in their language as the server wants it; `null` when it is no number there: another language's marks are no guess. */
export function parseTyped(text: string, language: Language): string | null {
  const match = TYPED[language].exec(text.trim().replace(/[\u00a0\u202f]/g, " ").replace(MINUS, "-"));
  if (!match) return null;
  const [, sign, whole = "0", fraction = match[4]] = match;
  return (sign === "-" ? "-" : "") + whole.replace(/\D/g, "") + (fraction ? `.${fraction}` : "");
}

/** A server's decimal as it stands in a field that a person goes on typing in. */
export function toTyped(value: string, language: Language): string {
  return formatDecimal(value, language, { group: false });
}

/** What was typed in one language as it is typed in another; what is no number stays as it is. */
export function retype(text: string, from: Language, to: Language): string {
  const value = parseTyped(text, from);
  return value === null ? text : toTyped(value, to);
}

/** `100.00` as `100`: for bounds that are named in a text, never for amounts. */
export function trimZeros(value: string): string {
  return value.includes(".") ? value.replace(/\.?0+$/, "") : value;
}

/** Cuts a percentage after two digits for the eye, without rounding up to a threshold it has not reached. */
export function cutPercent(value: string): string {
  return value.replace(/(\.\d{2})\d+$/, "$1");
}

function isZero(value: string): boolean {
  return !/[1-9]/.test(value);
}

/** Digits after the point. */
export function fractionDigits(value: string): number {
  const point = value.indexOf(".");
  return point < 0 ? 0 : value.length - point - 1;
}

function scaled(value: string, digits: number): bigint {
  const match = DECIMAL.exec(value);
  if (!match) return 0n;
  const magnitude = BigInt((match[2] ?? "0") + (match[3] ?? "").padEnd(digits, "0"));
  return match[1] === "-" ? -magnitude : magnitude;
}

function unscaled(value: bigint, digits: number): string {
  const text = (value < 0n ? -value : value).toString().padStart(digits + 1, "0");
  const body = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return value < 0n ? `-${body}` : body;
}
