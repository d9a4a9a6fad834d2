import type { Order } from "../../api/types";

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

export const orderOutcomes = new Outcomes();
