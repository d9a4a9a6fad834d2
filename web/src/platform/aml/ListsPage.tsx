import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { aml, type AmlSource, type NameCheck } from "../api/aml";
import { useDoor, useMay } from "../context";
import { useSay } from "../i18n";
import { SelectField, TextField } from "../ui/Field";
import { Body, Card, Facts, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { HitTitle, Scores } from "./HitCard";
import { SourceEdit, Versions } from "./SourceEdit";

const KINDS = ["person", "entity", "vessel", "aircraft"] as const;
const LISTS_MS = 60_000;

/** The lists in use with their age and where they come from, and a name looked up in all of them. */
export default function ListsPage() {
  const say = useSay();
  return (
    <Page title={say("lists.title")}>
      <Body>
        <Check />
        <Sources />
      </Body>
    </Page>
  );
}

function Check() {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<(typeof KINDS)[number]>("person");
  const [birth, setBirth] = useState("");
  const [country, setCountry] = useState("");
  const [found, setFound] = useState<NameCheck | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      setFound(await aml.check(door, name.trim(), kind, birth.trim(), country.trim().toUpperCase()));
    } catch (caught) {
      setFound(null);
      setError(caught);
    }
    setBusy(false);
  };
  return (
    <Card title={say("check.title")}>
      <form
        data-testid="check"
        className="grid items-end gap-2 wide:grid-cols-[minmax(0,1fr)_9rem_9rem_6rem_auto]"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== "" && !busy) void run();
        }}
      >
        <TextField label={say("check.name")} maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
        <SelectField label={say("check.kind")} value={kind} onChange={(event) => setKind(event.target.value as typeof kind)}>
          {KINDS.map((one) => <option key={one} value={one}>{say(`entryKind.${one}`)}</option>)}
        </SelectField>
        <TextField label={say("check.birth")} placeholder="1970-01-31" maxLength={10} value={birth} onChange={(event) => setBirth(event.target.value)} />
        <TextField label={say("check.country")} placeholder="ID" maxLength={2} value={country} onChange={(event) => setCountry(event.target.value)} />
        <Button type="submit" tone="primary" disabled={busy || name.trim() === ""}>{say("check.do")}</Button>
      </form>
      {error !== null && <div className="mt-3"><Trouble error={error} /></div>}
      {found && (
        <div className="mt-3 space-y-3" role="status">
          <p className="text-xs text-ink-3">{say("check.found", { n: formatDecimal(String(found.hits.length), language), of: formatDecimal(String(found.searched), language) })}</p>
          {found.hits.map((hit) => (
            <div key={`${hit.source}/${hit.uid}`} data-testid="hit" className="space-y-2 border-t border-line pt-2">
              <HitTitle hit={hit} />
              <Scores grade={hit.grade} />
            </div>
          ))}
        </div>
      )}
    </Card>
  );
}

function Sources() {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["aml", "sources"], queryFn: () => aml.sources(door), refetchInterval: LISTS_MS });
  return (
    <Card title={say("sources.title")}>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={4} />}
      <div className="grid gap-3 wide:grid-cols-2">
        {query.data?.items.map((source) => <SourceCard key={source.name} source={source} />)}
      </div>
    </Card>
  );
}

function SourceCard({ source }: { source: AmlSource }) {
  const say = useSay();
  const { language } = useSettings();
  const configures = useMay("sanctions.configure");
  const [editing, setEditing] = useState(false);
  const [versions, setVersions] = useState(false);
  const moment = (us: number | null) => (us === null ? say("none") : formatMoment(us, language));
  return (
    <div data-source={source.name} className="rounded-md border border-line p-3">
      <p className="mb-2 flex flex-wrap items-center gap-1.5 text-sm font-semibold">
        {source.title}
        <Tag tone={source.state === "good" ? "ok" : source.state === "failing" ? "crit" : "warn"}>{say(`sourceState.${source.state}`)}</Tag>
        {!source.enabled && <Tag>{say("source.off")}</Tag>}
      </p>
      <Facts
        rows={[
          [say("source.entries"), formatDecimal(String(source.entries), language)],
          [say("source.published"), source.published ?? say("none")],
          [say("source.good"), moment(source.good_at_us)],
          [say("source.tried"), moment(source.tried_at_us)],
        ]}
      />
      {source.error && <p className="mt-2 text-xs break-words text-crit">{source.error}</p>}
      {source.state === "failing" && <p className="mt-1 text-xs text-ink-3">{say("source.failing.help")}</p>}
      <ul className="mt-2 space-y-0.5 text-2xs break-all text-ink-3" data-testid="urls">
        {source.urls.map((url) => <li key={url}>{url}</li>)}
      </ul>
      <div className="mt-2 flex flex-wrap gap-2">
        {configures && <Button size="sm" className="h-9 wide:h-7" data-testid="source-edit" aria-label={say("source.edit.title", { name: source.title })} onClick={() => setEditing(true)}>{say("source.edit")}</Button>}
        <Button size="sm" tone="quiet" className="h-9 wide:h-7" data-testid="source-versions" aria-expanded={versions} aria-label={say("versions.of", { name: source.title })} onClick={() => setVersions(!versions)}>{say("versions.title")}</Button>
      </div>
      {versions && <Versions source={source.name} />}
      {editing && <SourceEdit source={source} onClose={() => setEditing(false)} />}
    </div>
  );
}
