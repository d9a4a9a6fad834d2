import { useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { open, pathOf } from "../../app/route";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { identity } from "../api/identity";
import { records } from "../api/records";
import { useDoor, useMay } from "../context";
import { useSay } from "../i18n";
import { TextField } from "../ui/Field";
import { Link } from "../ui/Link";
import { Body, Card, Page, Trouble, Wait } from "../ui/Page";
import { readKey } from "./consents";

/** People that a search shows: their names are asked for one by one. */
const SHOWN_MAX = 10;

/** The way to a person's data: by name, as a search finds it, or by the key that stands on other pages. */
export default function SubjectsPage() {
  const say = useSay();
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState("");
  return (
    <Page title={say("page.subjects")}>
      <Body className="max-w-180">
        <Card title={say("subjects.find")}>
          <form
            data-testid="subject-search"
            className="flex items-end gap-2"
            onSubmit={(event) => {
              event.preventDefault();
              const key = readKey(typed);
              if (key !== null) open(pathOf("subject", key));
              else setAsked(typed.trim());
            }}
          >
            <div className="min-w-0 flex-1"><TextField label={say("subjects.what")} maxLength={100} value={typed} onChange={(event) => setTyped(event.target.value)} /></div>
            <Button type="submit" tone="primary" className="h-10 wide:h-8" disabled={typed.trim() === ""}>{say("subjects.do")}</Button>
          </form>
          <p className="mt-2 text-xs text-ink-3">{say("subjects.help")}</p>
        </Card>
        {asked !== "" && <Results q={asked} />}
      </Body>
    </Page>
  );
}

function Results({ q }: { q: string }) {
  const say = useSay();
  const door = useDoor();
  const names = useMay("user.read");
  const query = useQuery({ queryKey: ["search", q], queryFn: () => records.find(door, q), retry: false });
  const found = (query.data?.items ?? []).filter((hit) => hit.entity === "user").slice(0, SHOWN_MAX);
  const people = useQueries({ queries: found.map((hit) => ({ queryKey: ["users", hit.id], queryFn: () => identity.user(door, hit.id), enabled: names, retry: false })) });
  if (query.error) return <Trouble error={query.error} onRetry={() => void query.refetch()} />;
  if (query.isPending) return <Wait />;
  if (found.length === 0) return <Empty icon="search" title={say("subjects.none")} />;
  return (
    <ul className="space-y-2" data-testid="subjects">
      {found.map((hit, at) => (
        <li key={hit.id} data-subject={hit.id} className="rounded-lg border border-line bg-panel p-3 text-sm">
          <Link to={pathOf("subject", hit.id)} className="font-semibold hover:underline">{people[at]?.data?.name ?? people[at]?.data?.email ?? hit.id}</Link>
        </li>
      ))}
    </ul>
  );
}
