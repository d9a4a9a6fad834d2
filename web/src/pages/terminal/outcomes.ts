import type { Order, OrderKind, Preview } from "../../api/types";
import type { Key } from "../../i18n";

type Watcher = (order: Order) => void;

/** Order events of the watched account, for the ticket that waits for its own order. */
class Outcomes {
  private readonly watchers = new Set<Watcher>();

  publish(order: Order): void {
    for (const watcher of [...this.watchers]) watcher(order);
  }

  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
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
