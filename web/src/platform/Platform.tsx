import { lazy, Suspense, useEffect, useRef, type ComponentType } from "react";
import type { Me } from "../api/types";
import { mayOpen } from "../app/pages";
import { useRoute, type PageId } from "../app/route";
import { Empty, Guard } from "../ui/Panel";
import { Announcement } from "./Announcement";
import { HereProvider } from "./context";
import { useSay } from "./i18n";
import { Menu } from "./Menu";
import { Body, Page, Wait } from "./ui/Page";

type PageView = ComponentType<{ id: string }>;

/** Each group of pages is a file of its own. */
const PAGES: Partial<Record<PageId, PageView>> = {
  board: lazy(() => import("./crm/BoardPage")),
  lead: lazy(() => import("./crm/LeadPage")),
  tasks: lazy(() => import("./crm/TasksPage")),
  dashboard: lazy(() => import("./crm/DashboardPage")),
  notices: lazy(() => import("./crm/NoticesPage")),
  agents: lazy(() => import("./crm/AgentsPage")),
  sources: lazy(() => import("./crm/SourcesPage")),
  verify: lazy(() => import("./kyc/VerifyPage")),
  reviews: lazy(() => import("./kyc/QueuePage")),
  review: lazy(() => import("./kyc/ReviewPage")),
  cases: lazy(() => import("./aml/CasesPage")),
  case: lazy(() => import("./aml/CasePage")),
  lists: lazy(() => import("./aml/ListsPage")),
  report: lazy(() => import("./aml/ReportPage")),
  cash: lazy(() => import("./cash/CashPage")),
  people: lazy(() => import("./identity/PeoplePage")),
  person: lazy(() => import("./identity/PersonPage")),
  security: lazy(() => import("./identity/SecurityPage")),
  sessions: lazy(() => import("./identity/SessionsPage")),
  subjects: lazy(() => import("./subjects/SubjectsPage")),
  subject: lazy(() => import("./subjects/SubjectPage")),
  mydata: lazy(() => import("./subjects/MyDataPage")),
  holds: lazy(() => import("./subjects/HoldsPage")),
  audit: lazy(() => import("./audit/AuditPage")),
  exceptions: lazy(() => import("./aml/ExceptionsPage")),
  profile: lazy(() => import("./identity/ProfilePage")),
  keys: lazy(() => import("./identity/KeysPage")),
};

interface Props {
  me: Me | null;
  trades: boolean;
  onMe: () => Promise<void>;
  onSignOut: () => void;
}

/** The platform's pages under their menu. */
export default function Platform({ me, trades, onMe, onSignOut }: Props) {
  const say = useSay();
  const route = useRoute();
  const View = mayOpen(me, route.page) ? PAGES[route.page] : undefined;
  const here = `${route.page}/${route.id ?? ""}`;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // A page that was opened is where the keyboard and the voice go on; the first one leaves them at the top.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [here]);
  return (
    <HereProvider me={me} reread={onMe}>
      <div className="flex h-dvh flex-col overflow-hidden bg-bg wide:flex-row">
        <a href="#page" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:bg-panel focus:p-2">{say("skip")}</a>
        <Menu me={me} trades={trades} onSignOut={onSignOut} />
        <main id="page" ref={main} tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
          <Announcement me={me} />
          <Guard key={here} name={say("page.broken")}>
            <Suspense fallback={<div className="p-5"><Wait /></div>}>
              {View ? (
                <View id={route.id ?? ""} />
              ) : (
                <Page title={say("page.none")}>
                  <Body><Empty icon="lock" title={say("page.none")} help={say("page.none.help")} /></Body>
                </Page>
              )}
            </Suspense>
          </Guard>
        </main>
      </div>
    </HereProvider>
  );
}
