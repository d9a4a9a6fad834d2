/** Instruments of one answer: nobody scrolls further, a letter more is quicker. Commands are few and never cut. */
const INSTRUMENTS_MAX = 60;

interface Named {
  text: string;
  hint?: string;
}

const plain = (text: string): string => text.toLowerCase().replaceAll("/", "");

/** What a typed part of a name finds. Nothing typed asks what can be done, so commands stand first; a part of a name mostly means a symbol. */
export function matches<T extends Named>(commands: readonly T[], instruments: readonly T[], typed: string): T[] {
  const wanted = plain(typed.trim());
  const fits = (one: T) => plain(`${one.text} ${one.hint ?? ""}`).includes(wanted);
  const found = instruments.filter(fits).slice(0, INSTRUMENTS_MAX);
  return wanted === "" ? [...commands, ...found] : [...found, ...commands.filter(fits)];
}
