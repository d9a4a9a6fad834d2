import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatStamp } from "../../format/time";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { aml, type Exception } from "../api/aml";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { Link } from "../ui/Link";
import { Body, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";

/** Entries of lists that a client was seen not to be: each holds for the entry as it stood, until it changes or is revoked. */
export default function ExceptionsPage({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["aml", "exceptions", id], queryFn: () => aml.exceptions(door, id), retry: false });
  return (
    <Page title={say("exceptions.title")} back={<Link to={pathOf("cases")} className="text-sm text-ink-2 underline underline-offset-2">{say("cases.title")}</Link>}>
      <Body className="max-w-180">
        <p className="text-sm text-ink-2">{say("exceptions.help")}</p>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait />}
        {query.data?.items.length === 0 && <Empty icon="check" title={say("exceptions.none")} />}
        <ul className="space-y-2" data-testid="exceptions">
          {query.data?.items.map((row) => <ExceptionRow key={row.id} row={row} client={id} />)}
        </ul>
      </Body>
    </Page>
  );
}

function ExceptionRow({ row, client }: { row: Exception; client: string }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const people = usePeople();
  const works = useMay("aml.work");
  const { language } = useSettings();
  const [ending, setEnding] = useState(false);
  const holds = row.ended_at_us === null;
  const entry = `${word(say, "list", row.source)} ${row.uid}`;
  return (
    <li data-exception={row.id} data-holds={holds} className="flex flex-wrap items-start gap-x-3 gap-y-1 rounded-lg border border-line bg-panel p-3 text-sm">
      <div className="min-w-0 flex-1 basis-52">
        <p className="font-medium break-words">{entry}</p>
        <p className="break-words text-ink-2">{row.reason}</p>
        <p className="text-xs text-ink-3">
          {formatStamp(row.created_at_us, language)} · {people(row.by)}
          {row.ended_at_us !== null && ` · ${say("exception.ended", { time: formatStamp(row.ended_at_us, language), why: word(say, "exceptionEnd", row.ended_because ?? "revoked") })}`}
        </p>
      </div>
      <Tag tone={holds ? "ok" : "plain"}>{say(holds ? "exception.holds" : "exception.over")}</Tag>
      {works && holds && <Button size="sm" className="h-9 wide:h-7" data-testid="exception-revoke" onClick={() => setEnding(true)}>{say("exception.revoke")}</Button>}
      {ending && (
        <Ask
          title={say("exception.revoke.title", { entry })}
          help={say("exception.revoke.help")}
          reason={say("reason")}
          verb={say("exception.revoke")}
          danger
          onDo={async (reason) => {
            await aml.revoke(door, row.id, reason);
            await cache.invalidateQueries({ queryKey: ["aml", "exceptions", client] });
            toast("ok", say("exception.over"));
          }}
          onClose={() => setEnding(false)}
        />
      )}
    </li>
  );
}
