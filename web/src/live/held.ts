import type { Held, OwnAccount, Stop, Traded } from "../api/types";

/** A client's account as the parts of a trading page show it. */
export function tradedOf({ pnl, ...held }: Held): Traded {
  return { ...held, unrealised: pnl };
}

/** What stands in the way of orders of a symbol: what is over everything, and over that instrument. */
export const stopsOn = (stops: readonly Stop[], symbol: string | null): Stop[] => stops.filter((stop) => stop.symbol === null || stop.symbol === symbol);

/** Whether an account is listed that somebody waits for; nobody waits for none. */
export const isListed = (accounts: readonly OwnAccount[] | undefined, awaited: number | null): boolean => awaited === null || (accounts?.some((one) => one.id === awaited) ?? false);
