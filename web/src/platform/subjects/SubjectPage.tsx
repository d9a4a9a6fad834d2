import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { mayOpen } from "../../app/pages";
import { pathOf } from "../../app/route";
import { Button } from "../../ui/Button";
import { crm } from "../api/crm";
import { identity } from "../api/identity";
import { useDoor, useHere, useMay } from "../context";
import { useSay } from "../i18n";
import { Link } from "../ui/Link";
import { Body, Card, Facts, Page } from "../ui/Page";
import { Consents } from "./Consents";
import { PlaceHold } from "./PlaceHold";
import { Requests } from "./Requests";

/** What is kept about one person, as far as the reader's role reaches: each part asks for its own permission. */
export default function SubjectPage({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const { me } = useHere();
  const sees = useMay("user.read");
  const consents = useMay("consent.read");
  const requests = useMay("subject.read");
  const holds = useMay("hold.write");
  const logs = useMay("audit.read");
  const [holding, setHolding] = useState(false);
  // A lead has a subject of its own before it is a person: no account names it, but the lead that led here does.
  const leads = useMay("lead.read");
  const from = new URLSearchParams(location.search).get("lead");
  const person = useQuery({ queryKey: ["users", id], queryFn: () => identity.user(door, id), enabled: sees && from === null, retry: false });
  const lead = useQuery({ queryKey: ["crm", "lead", from], queryFn: () => crm.lead(door, from ?? ""), enabled: leads && from !== null, retry: false });
  const known = lead.data?.subject_id === id ? lead.data : person.data;
  const name = known?.name ?? known?.email;
  return (
    <Page
      title={name ?? say("subject.title")}
      back={mayOpen(me, "subjects") && <Link to={pathOf("subjects")} className="text-sm text-ink-2 underline underline-offset-2">{say("page.subjects")}</Link>}
      aside={
        <>
          {logs && <Link to={`${pathOf("audit")}?subject=${encodeURIComponent(id)}`} className="text-sm text-ink-2 underline underline-offset-2">{say("subject.log")}</Link>}
          {holds && <Button data-testid="hold-new" onClick={() => setHolding(true)}>{say("hold.new")}</Button>}
        </>
      }
    >
      <Body className="max-w-180">
        <Card title={say("subject.who")}>
          <Facts rows={[[say("subject.key"), <code key="key" className="text-xs break-all select-all">{id}</code>], ...(known ? [[say("signin.email"), known.email ?? say("none")] as const] : []), ...(lead.data?.subject_id === id ? [[say("lead.title"), <Link key="lead" to={pathOf("lead", lead.data.id)} className="underline underline-offset-2">{say("notice.lead")}</Link>] as const] : [])]} />
        </Card>
        {consents && <Consents subject={id} />}
        {requests && <Requests subject={id} />}
        {!consents && !requests && <p className="text-sm text-ink-3">{say("subject.nothing")}</p>}
      </Body>
      {holding && <PlaceHold subject={id} onClose={() => setHolding(false)} />}
    </Page>
  );
}
