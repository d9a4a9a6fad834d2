import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { formatStamp } from "../../format/time";
import { Button } from "../../ui/Button";
import { CONSENT_SOURCES, records, type ConsentSource, type SaidConsent } from "../api/records";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePages } from "../pages";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { SelectField, TextField } from "../ui/Field";
import { More } from "../ui/More";
import { Card, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { OWN_TEXT_VERSION, standingOf, TEXT_VERSION_CHARS_MAX, type Standing } from "./consents";

interface Wish {
  row: Standing;
  granted: boolean;
}

/** What a person agrees to now, purpose by purpose; every word on it stays in the history. */
export function Consents({ subject, own = false }: { subject: string; own?: boolean }) {
  const say = useSay();
  const door = useDoor();
  const people = usePeople();
  const { language } = useSettings();
  const writes = useMay("consent.write") || own;
  const query = useQuery({ queryKey: ["subject", subject, "consents"], queryFn: () => records.consents(door, subject), retry: false });
  const [wish, setWish] = useState<Wish | null>(null);
  const [past, setPast] = useState(false);
  return (
    <Card title={say("consents.title")}>
      <p className="mb-2 text-xs text-ink-3">{say(own ? "consents.own.help" : "consents.help")}</p>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={4} />}
      <ul className="divide-y divide-line text-sm" data-testid="consents">
        {query.data && standingOf(query.data).map((row) => {
          const name = word(say, "purpose", row.purpose);
          const granted = row.said?.granted ?? false;
          return (
            <li key={row.purpose} data-purpose={row.purpose} data-granted={granted} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2">
              <span className="min-w-0 flex-1 basis-52">
                <span className="block font-medium">{name}</span>
                <span className="text-xs text-ink-3">
                  {row.said === null ? say("consent.unsaid") : `${formatStamp(row.said.time_us, language)} · ${word(say, "consentSource", row.said.source)} · ${row.said.text_version} · ${people(row.said.recorded_by)}`}
                </span>
              </span>
              <Tag tone={granted ? "ok" : "plain"}>{say(granted ? "consent.yes" : "consent.no")}</Tag>
              {writes && query.data.purposes.includes(row.purpose) && (
                <Button size="sm" className="h-9 wide:h-7" aria-label={say(granted ? "consent.take.of" : "consent.give.of", { purpose: name })} data-testid="consent-change" onClick={() => setWish({ row, granted: !granted })}>
                  {say(granted ? "consent.take" : "consent.give")}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {past ? <History subject={subject} /> : <Button size="sm" tone="quiet" className="mt-2" data-testid="consents-past" onClick={() => setPast(true)}>{say("consents.past")}</Button>}
      {wish && <Record subject={subject} own={own} wish={wish} onClose={() => setWish(null)} />}
    </Card>
  );
}

/** A yes or no. Of oneself it is said here; of somebody else it is written down with where it was said and which text was read. */
function Record({ subject, own, wish: { row, granted }, onClose }: { subject: string; own: boolean; wish: Wish; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const [source, setSource] = useState<ConsentSource>("telephone");
  const [version, setVersion] = useState("");
  const given = own ? { source: "web" as const, text_version: OWN_TEXT_VERSION } : { source, text_version: version.trim() };
  return (
    <Ask
      title={say(granted ? "consent.give.of" : "consent.take.of", { purpose: word(say, "purpose", row.purpose) })}
      help={say(own ? (granted ? "consent.give.own" : "consent.take.own") : "consent.write.help")}
      verb={say(granted ? "consent.give" : "consent.take")}
      blocked={given.text_version === ""}
      onDo={async () => {
        await records.say(door, subject, { purpose: row.purpose, granted, ...given });
        await cache.invalidateQueries({ queryKey: ["subject", subject] });
      }}
      onClose={onClose}
    >
      {!own && (
        <>
          <SelectField label={say("consent.source")} data-testid="consent-source" value={source} onChange={(event) => setSource(event.target.value as ConsentSource)}>
            {CONSENT_SOURCES.map((one) => <option key={one} value={one}>{say(`consentSource.${one}`)}</option>)}
          </SelectField>
          <TextField label={say("consent.version")} help={say("consent.version.help")} data-testid="consent-version" maxLength={TEXT_VERSION_CHARS_MAX} value={version} onChange={(event) => setVersion(event.target.value)} />
        </>
      )}
    </Ask>
  );
}

function History({ subject }: { subject: string }) {
  const say = useSay();
  const door = useDoor();
  const people = usePeople();
  const { language } = useSettings();
  const list = usePages<SaidConsent>(["subject", subject, "said"], (cursor) => records.said(door, subject, cursor));
  return (
    <section aria-label={say("consents.past")} className="mt-3 border-t border-line pt-2">
      <h3 className="mb-1 text-xs font-semibold text-ink-2">{say("consents.past")}</h3>
      {list.error && <Trouble error={list.error} onRetry={list.reread} />}
      {list.waiting && <Wait />}
      {!list.waiting && !list.error && list.items.length === 0 && <p className="text-sm text-ink-3">{say("consents.past.none")}</p>}
      <ul className="space-y-1 text-sm" data-testid="consent-history">
        {list.items.map((one) => (
          <li key={one.id} data-said={one.purpose} data-granted={one.granted}>
            {word(say, "purpose", one.purpose)}: <span className="font-medium">{say(one.granted ? "consent.yes" : "consent.no")}</span>{" "}
            <span className="text-xs text-ink-3">{formatStamp(one.time_us, language)} · {word(say, "consentSource", one.source)} · {one.text_version} · {people(one.recorded_by)}</span>
          </li>
        ))}
      </ul>
      <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
    </section>
  );
}
