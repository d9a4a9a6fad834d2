import type { Order, OrderKind, Preview } from "../api/types";
import type { Key } from "../i18n";

type Watcher = (order: Order) => unknown;

/** How long the end of an order is waited for: a market order ends at once, or its link is down and says so. */
export const TOLD_MS = 60_000;
const ENDED: ReadonlySet<Order["state"]> = new Set(["filled", "rejected", "cancelled", "expired", "returned"]);

/** The order has ended, or will wait for long. */
export const hasEnded = (order: Pick<Order, "state">): boolean => ENDED.has(order.state);

/** Order events of the watched account, for whoever waits for its own order. */
export class Outcomes {
  private readonly watchers = new Set<Watcher>();

  publish(order: Order): void {
    for (const watcher of [...this.watchers]) watcher(order);
  }

  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** The order with this client id once it has ended; nothing when that takes too long. Ask before it is sent. */
  ended(clientId: string): Promise<Order | null> {
    return new Promise((resolve) => {
      const end = (order: Order | null) => {
        clearTimeout(timer);
        leave();
        resolve(order);
      };
      const leave = this.watch((order) => isOwn(order, clientId) && hasEnded(order) && end(order));
      const timer = setTimeout(() => end(null), TOLD_MS);
    });
  }
}

/** Whether an order is the one that was sent: the orders that the house makes have no client id, and nothing sent has none either. */
export function isOwn(order: Pick<Order, "client_id">, sent: string | null): boolean {
  return sent !== null && order.client_id === sent;
}

/** What to say of an order whose price is reached already; nothing when it waits, or is refused anyway. */
export function atOnce(preview: Pick<Preview, "at_once" | "reasons">, kind: OrderKind): Key | null {
  if (!preview.at_once || preview.reasons.length > 0 || kind === "market") return null;
  return kind === "limit" ? "ticket.atOnce.limit" : "ticket.atOnce.stop";
}

export const orderOutcomes = new Outcomes();
