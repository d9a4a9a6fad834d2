import { Problem } from "../api/client";
import type { Status } from "../stream/protocol";
import { useStreamStatus } from "./services";

/** Prices and accounts come: what is shown is of now. */
export const isOnline = (status: Pick<Status, "phase">): boolean => status.phase === "open";

/** A failure that the connection's own banner tells already. */
export const isTold = (error: unknown, online: boolean): boolean => !online && error instanceof Problem && error.status === 0;

export function useOnline(): boolean {
  return isOnline(useStreamStatus());
}
