import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { Api, Problem } from "../api/client";
import type { Me, Mfa, SignedIn } from "../api/types";
import { Terminal } from "../pages/terminal/Terminal";
import { Guard } from "../ui/Panel";
import { Toasts } from "../ui/Toasts";
import { explainProblem } from "./explain";
import { Login } from "./Login";
import { isClient, landing, mayFollow, mayOpen, mayTrade } from "./pages";
import { deskPath } from "./place";
import { isAttended, isPresent } from "./presence";
import { open, openInstead, pathOf, useRoute } from "./route";
import { makeServices, ServicesProvider } from "./services";
import { translate } from "../i18n";
import { settings } from "./settings";
import type { Start } from "./start";
import { toast } from "./toasts";

/** The platform's pages are files of their own: the desk does not wait for them. */
const Platform = lazy(() => import("../platform/Platform"));
/** Staff do not wait for the clients' page. */
const Trading = lazy(() => import("../pages/trading/Trading"));

type Session = "asking" | "out" | "wrong" | "unreachable" | "in";

/** Of how long a challenge from a provider's sign-in is good for, the server says nothing in the address. */
const UNKNOWN_S = 0;

/** A browser may forbid it. */
function browserMemory(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

const pendingOf = (start: Start): Mfa | null => (start.kind === "mfa" ? { challenge: start.challenge, methods: start.methods, expires_in: UNKNOWN_S } : null);

export function App({ start }: { start: Start }) {
  const [session, setSession] = useState<Session>("asking");
  const [me, setMe] = useState<Me | null>(null);
  const [bySecret, setBySecret] = useState(false);
  const [ended, setEnded] = useState<Problem | string | null>(null);
  const [pending, setPending] = useState(() => pendingOf(start));
  const route = useRoute();
  const api = useMemo(
    () =>
      new Api({
        onSignedOut: (why) => {
          setSession("out");
          setMe(null);
          setEnded(why);
        },
        present: isPresent,
        attended: isAttended,
        memory: browserMemory(),
      }),
    [],
  );
  const services = useMemo(() => makeServices(api), [api]);
  const queries = useMemo(() => new QueryClient({ defaultOptions: { queries: { retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500), refetchOnWindowFocus: false } } }), []);

  /** Whoever has the secret is nobody by name: they have the desk, and no page that is about people. */
  const enter = (person: Me | null) => {
    setMe(person);
    setBySecret(person === null);
    setEnded(null);
    setSession("in");
  };
  const enterAsPerson = async (): Promise<Me | null> => {
    try {
      const person = await api.me();
      enter(person);
      return person;
    } catch (error) {
      setSession(error instanceof Problem && error.status !== 0 ? "out" : "unreachable");
      return null;
    }
  };

  const signIn = async (given: string) => {
    try {
      await api.signIn(given);
      enter(null);
    } catch (error) {
      // A secret that made the first administrator is right, and signs nobody in any more.
      if (error instanceof Problem && error.problemName === "secret_spent") {
        setEnded(error);
        setSession("out");
      } else setSession(error instanceof Problem && error.status !== 0 ? "wrong" : "unreachable");
    }
  };
  const hasAccount = async (): Promise<boolean> => {
    try {
      return (await api.ownAccounts()).length > 0;
    } catch {
      // The page says itself what is wrong.
      return true;
    }
  };
  const signedIn = (answer: Pick<SignedIn, "csrf">) => {
    setPending(null);
    api.signedIn(answer.csrf);
    void enterAsPerson().then(async (person) => {
      if (!person) return;
      if (isClient(person) && mayTrade(person, false)) {
        // Whoever has nothing to trade on yet begins where they get it.
        const home = (await hasAccount()) ? deskPath() : pathOf(landing(person));
        if (route.page === "desk" || !mayOpen(person, route.page)) openInstead(home);
        return;
      }
      // An address that somebody else left is no place to begin.
      if (route.page !== "desk" && !mayOpen(person, route.page)) openInstead(pathOf(landing(person)));
    });
  };
  const resume = async () => {
    const kept = await api.resumeSession();
    if (kept === null) setSession("out");
    else if (kept === "person") await enterAsPerson();
    else enter(null);
  };

  useEffect(() => {
    if (start.kind === "secret") return void signIn(start.secret);
    if (start.kind === "signed-in") api.signedIn(null);
    if (start.kind === "failed") setEnded(translate(settings().language, "login.providerFailed", { code: start.code ?? "" }));
    if (start.kind === "linked") toast("ok", translate(settings().language, "login.linked"));
    if (start.kind === "not-linked") toast("bad", translate(settings().language, "login.notLinked", { code: start.code ?? "" }));
    if (start.kind === "mfa" || start.kind === "failed") return setSession("out");
    resume().catch(() => setSession("unreachable"));
    // Once for each page: the session is asked for when the page opens.
  }, []);

  const trades = mayTrade(me, bySecret);
  const follows = mayFollow(me, bySecret);
  useEffect(() => {
    if (session !== "in" || !follows) return;
    services.stream.start();
    return () => services.stream.stop();
  }, [session, services, follows]);

  const onDesk = route.page === "desk" && trades;
  useEffect(() => {
    if (session === "in" && route.page === "desk" && !trades) openInstead(pathOf(landing(me)));
    if (session === "in" && onDesk) document.title = "Siaga";
  }, [session, route.page, trades, onDesk, me]);

  const signOut = async () => {
    // First nobody asks any more: an answer after the end of the session would be a refusal.
    setSession("out");
    services.stream.stop();
    await queries.cancelQueries();
    queries.clear();
    try {
      await api.signOut();
      setMe(null);
    } catch (error) {
      const language = settings().language;
      toast("bad", explainProblem(error, (key, values) => translate(language, key, values), language).text);
      setSession("in");
    }
  };

  const busy = <div aria-busy="true" className="h-full" />;
  return (
    <QueryClientProvider client={queries}>
      <ServicesProvider services={services}>
        <Guard name="Siaga">
          {session === "asking" ? (
            busy
          ) : session !== "in" ? (
            <Login api={api} state={session} ended={ended} mfa={pending} onSubmit={signIn} onSignedIn={signedIn} />
          ) : onDesk && me && isClient(me) ? (
            <Suspense fallback={busy}>
              <Trading user={me.user.id} onSignOut={() => void signOut()} onPages={() => open(pathOf(landing(me)))} />
            </Suspense>
          ) : onDesk ? (
            <Terminal onSignOut={() => void signOut()} onPages={me ? () => open(pathOf(landing(me))) : undefined} />
          ) : route.page === "desk" ? (
            busy
          ) : (
            <Suspense fallback={busy}>
              <Platform me={me} trades={trades} onMe={async () => void (await enterAsPerson())} onSignOut={() => void signOut()} />
            </Suspense>
          )}
        </Guard>
        <Toasts />
      </ServicesProvider>
    </QueryClientProvider>
  );
}
