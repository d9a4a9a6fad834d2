import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { Api, Problem } from "../api/client";
import { Terminal } from "../pages/terminal/Terminal";
import { Guard } from "../ui/Panel";
import { Toasts } from "../ui/Toasts";
import { Login } from "./Login";
import { makeServices, ServicesProvider } from "./services";
import { toast } from "./toasts";

type Session = "asking" | "out" | "wrong" | "unreachable" | "in";

/** The secret of a printed address is used once and leaves the address bar at once. */
function takeSecret(): string | null {
  const found = /^#secret=(.+)$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return decodeURIComponent(found[1]!);
}

/** A browser may forbid it. */
function browserMemory(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

export function App({ secret }: { secret: string | null }) {
  const [session, setSession] = useState<Session>("asking");
  const api = useMemo(() => new Api({ onSignedOut: () => setSession("out"), memory: browserMemory() }), []);
  const services = useMemo(() => makeServices(api), [api]);
  const queries = useMemo(() => new QueryClient({ defaultOptions: { queries: { retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500), refetchOnWindowFocus: false } } }), []);

  const signIn = async (given: string) => {
    try {
      await api.signIn(given);
      setSession("in");
    } catch (error) {
      setSession(error instanceof Problem && error.status !== 0 ? "wrong" : "unreachable");
    }
  };

  useEffect(() => {
    if (secret) return void signIn(secret);
    api.resumeSession().then((kept) => setSession(kept ? "in" : "out"), () => setSession("unreachable"));
    // Once for each page: the session is asked for when the page opens.
  }, []);

  useEffect(() => {
    if (session !== "in") return;
    services.stream.start();
    return () => services.stream.stop();
  }, [session, services]);

  const signOut = async () => {
    // First nobody asks any more: an answer after the end of the session would be a refusal.
    setSession("out");
    services.stream.stop();
    await queries.cancelQueries();
    queries.clear();
    try {
      await api.signOut();
    } catch (error) {
      toast("bad", String(error));
      setSession("in");
    }
  };

  return (
    <QueryClientProvider client={queries}>
      <ServicesProvider services={services}>
        <Guard name="Siaga">
          {session === "in" ? <Terminal onSignOut={() => void signOut()} /> : session === "asking" ? <div aria-busy="true" className="h-full" /> : <Login state={session} onSubmit={signIn} />}
        </Guard>
        <Toasts />
      </ServicesProvider>
    </QueryClientProvider>
  );
}

export { takeSecret };
