import { Problem } from "../api/client";
import type { Status, TopicState } from "../stream/protocol";
import { useStreamStatus } from "./services";

/** Prices and accounts come: what is shown is of now. */
export const isOnline = (status: Pick<Status, "phase">): boolean => status.phase === "open";

/** Only a stream that goes on keeps numbers of now: one that waits, broke, fails or was refused has left them where they were. */
export const isCurrent = (topic: TopicState): boolean => topic === "live";

/** A failure that the connection's own banner tells already. */
export const isTold = (error: unknown, online: boolean): boolean => !online && error instanceof Problem && error.status === 0;

export function useOnline(): boolean {
  return isOnline(useStreamStatus());
}
