import { mayOpen } from "../../app/pages";
import { pathOf } from "../../app/route";
import { useHere } from "../context";
import { useSay } from "../i18n";
import { Link } from "../ui/Link";

/** The way to what is kept about a person: consents, requests, holds. Who is a lead alone has no account that names them: the lead does. */
export function DataLink({ subject, lead = null }: { subject: string | null | undefined; lead?: string | null }) {
  const say = useSay();
  const { me } = useHere();
  if (!subject || !mayOpen(me, "subject")) return null;
  return <Link to={`${pathOf("subject", subject)}${lead === null ? "" : `?lead=${encodeURIComponent(lead)}`}`} data-testid="data-link" className="text-sm text-ink-2 underline underline-offset-2">{say("subject.link")}</Link>;
}
