import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatStamp } from "../../format/time";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { records, type Hold } from "../api/records";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePages } from "../pages";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { Link } from "../ui/Link";
import { More } from "../ui/More";
import { Body, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { PlaceHold } from "./PlaceHold";

/** Legal holds, those in force and those that were lifted, the newest first. */
export default function HoldsPage() {
  const say = useSay();
  const door = useDoor();
  const writes = useMay("hold.write");
  const list = usePages<Hold>(["holds"], (cursor) => records.holds(door, cursor));
  const [placing, setPlacing] = useState(false);
  return (
    <Page title={say("page.holds")} aside={writes && <Button tone="primary" data-testid="hold-new" onClick={() => setPlacing(true)}>{say("hold.new")}</Button>}>
      <Body className="max-w-180">
        <p className="text-sm text-ink-2">{say("holds.help")}</p>
        {list.error && <Trouble error={list.error} onRetry={list.reread} />}
        {list.waiting && <Wait />}
        {!list.waiting && !list.error && list.items.length === 0 && <Empty icon="lock" title={say("holds.none")} />}
        <ul className="space-y-2" data-testid="holds">
          {list.items.map((row) => <HoldRow key={row.id} row={row} writes={writes} />)}
        </ul>
        <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
      </Body>
      {placing && <PlaceHold onClose={() => setPlacing(false)} />}
    </Page>
  );
}

function HoldRow({ row, writes }: { row: Hold; writes: boolean }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const people = usePeople();
  const { language } = useSettings();
  const [lifting, setLifting] = useState(false);
  const category = word(say, "holdCategory", row.category);
  return (
    <li data-hold={row.id} data-lifted={row.lifted_us !== null} className="flex flex-wrap items-start gap-x-3 gap-y-1 rounded-lg border border-line bg-panel p-3 text-sm">
      <div className="min-w-0 flex-1 basis-52">
        <p className="font-medium">
          {category} · {row.subject === null ? say("hold.everybody") : <Link to={pathOf("subject", row.subject)} className="underline underline-offset-2">{people(row.subject)}</Link>}
        </p>
        <p className="break-words text-ink-2">{row.reason}</p>
        <p className="text-xs text-ink-3">
          {formatStamp(row.placed_us, language)} · {people(row.placed_by)}
          {row.lifted_us !== null && ` · ${say("hold.lifted", { time: formatStamp(row.lifted_us, language) })}`}
        </p>
      </div>
      <Tag tone={row.lifted_us === null ? "warn" : "plain"}>{say(row.lifted_us === null ? "hold.inForce" : "hold.over")}</Tag>
      {writes && row.lifted_us === null && <Button size="sm" className="h-9 wide:h-7" data-testid="hold-lift" onClick={() => setLifting(true)}>{say("hold.lift")}</Button>}
      {lifting && (
        <Ask
          title={say("hold.lift.title", { category })}
          help={say("hold.lift.help")}
          verb={say("hold.lift")}
          danger
          onDo={async () => {
            await records.lift(door, row.id);
            await cache.invalidateQueries({ queryKey: ["holds"] });
            toast("ok", say("hold.over"));
          }}
          onClose={() => setLifting(false)}
        />
      )}
    </li>
  );
}
