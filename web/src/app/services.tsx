import { createContext, useContext, useSyncExternalStore, type ReactNode } from "react";
import { Api, Problem } from "../api/client";
import { QuoteBook } from "../live/quotes";
import { StreamClient } from "../stream/client";
import type { Status } from "../stream/protocol";

/** The console's two doors to the server, and the prices that came through one of them. */
export interface Services {
  api: Api;
  stream: StreamClient;
  quotes: QuoteBook;
}

const Context = createContext<Services | null>(null);

export function makeServices(api: Api): Services {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/v1`;
  const stream = new StreamClient({
    url,
    client: "siaga-console",
    ticket: async () => {
      try {
        return await api.streamTicket();
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
      }
    },
  });
  return { api, stream, quotes: new QuoteBook(stream) };
}

export function ServicesProvider({ services, children }: { services: Services; children: ReactNode }) {
  return <Context.Provider value={services}>{children}</Context.Provider>;
}

export function useServices(): Services {
  const services = useContext(Context);
  if (!services) throw new Error("a page stands outside ServicesProvider");
  return services;
}

export function useStreamStatus(): Status {
  const { stream } = useServices();
  return useSyncExternalStore(stream.watchStatus, stream.status);
}
