import { useState } from "react";
import { mayOpen } from "../../app/pages";
import { openInstead, pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatStamp } from "../../format/time";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { records, type AuditFilter, type AuditRow } from "../api/records";
import { useDoor, useHere } from "../context";
import { useSay, word } from "../i18n";
import { usePages } from "../pages";
import { usePeople } from "../people";
import { readKey } from "../subjects/consents";
import { TextField } from "../ui/Field";
import { Link } from "../ui/Link";
import { More } from "../ui/More";
import { Body, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { MonthChain } from "./MonthChain";
import { changesOf, endsBefore, ENTITIES, filterQuery, instantOf, localOf, NO_FILTER, readFilter, SEALED } from "./changes";

/** Who did what, newest first. That somebody looks is a row too, so the log is read when it is asked for and not by itself. */
export default function AuditPage() {
  const say = useSay();
  const door = useDoor();
  const [filter, setFilter] = useState(() => readFilter(location.search));
  const list = usePages<AuditRow>(["audit", filter], (cursor) => records.audit(door, filter, cursor));
  const look = (wanted: AuditFilter) => {
    setFilter(wanted);
    openInstead(pathOf("audit") + filterQuery(wanted));
  };
  return (
    <Page title={say("page.audit")} wide>
      <Body>
        <Filters key={filterQuery(filter)} filter={filter} onLook={look} onAgain={list.reread} />
        {list.error && <Trouble error={list.error} onRetry={list.reread} />}
        {list.waiting && <Wait lines={6} />}
        {!list.waiting && !list.error && list.items.length === 0 && <Empty icon="list" title={say("audit.none")} />}
        <ul className="space-y-2" data-testid="audit">
          {list.items.map((row) => <Row key={row.id} row={row} />)}
        </ul>
        <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
        <MonthChain />
      </Body>
    </Page>
  );
}

function Filters({ filter, onLook, onAgain }: { filter: AuditFilter; onLook: (filter: AuditFilter) => void; onAgain: () => void }) {
  const say = useSay();
  const [typed, setTyped] = useState(filter);
  const nobody = typed.subject.trim() !== "" && readKey(typed.subject) === null;
  const never = endsBefore(typed);
  const wrong = nobody || never;
  const field = (name: keyof AuditFilter) => ({ maxLength: 100, "data-filter": name, value: typed[name], onChange: (event: { target: { value: string } }) => setTyped({ ...typed, [name]: event.target.value }) });
  const time = (name: "from" | "to") => ({ type: "datetime-local", "data-filter": name, value: localOf(typed[name]), onChange: (event: { target: { value: string } }) => setTyped({ ...typed, [name]: instantOf(event.target.value) }) });
  return (
    <form
      data-testid="audit-filter"
      className="grid items-start gap-2 rounded-lg border border-line bg-panel p-3 wide:grid-cols-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong) return;
        // The same question again is an answer of now.
        if (filterQuery(typed) === filterQuery(filter)) onAgain();
        else onLook(readFilter(filterQuery(typed)));
      }}
    >
      <TextField label={say("audit.entity")} list="audit-entities" {...field("entity")} />
      <datalist id="audit-entities">{ENTITIES.map((one) => <option key={one} value={one}>{word(say, "entity", one)}</option>)}</datalist>
      <TextField label={say("audit.id")} {...field("entity_id")} />
      <TextField label={say("audit.actor")} help={say("audit.actor.help")} {...field("actor")} />
      <TextField label={say("audit.subject")} wrong={nobody ? say("hold.subject.wrong") : null} {...field("subject")} />
      <TextField label={say("audit.from")} {...time("from")} />
      <TextField label={say("audit.to")} wrong={never ? say("audit.to.wrong") : null} {...time("to")} />
      <div className="flex gap-2 wide:col-span-3 wide:justify-end">
        <Button type="submit" tone="primary" className="h-10 wide:h-8" data-testid="audit-look" disabled={wrong}>{say("audit.look")}</Button>
        <Button tone="quiet" className="h-10 wide:h-8" data-testid="audit-all" disabled={filterQuery(filter) === "" && filterQuery(typed) === ""} onClick={() => (setTyped(NO_FILTER), onLook(NO_FILTER))}>{say("audit.all")}</Button>
      </div>
    </form>
  );
}

function Row({ row }: { row: AuditRow }) {
  const say = useSay();
  const people = usePeople();
  const { me } = useHere();
  const { language } = useSettings();
  const changes = changesOf(row, language);
  const shown = (value: string) => (value === SEALED ? say("audit.sealed") : value);
  return (
    <li data-audit={row.id} data-entity={row.entity} data-action={row.action} className="rounded-lg border border-line bg-panel p-3 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Tag tone={row.action === "delete" ? "crit" : row.action === "access" ? "plain" : "lead"}>{word(say, "auditAction", row.action)}</Tag>
        <span className="font-medium">{word(say, "entity", row.entity)}</span>
        <code className="text-2xs break-all text-ink-3">{row.entity_id}</code>
        <span className="text-xs text-ink-3 wide:ml-auto">{formatStamp(row.time_us, language)} · {people(row.actor)}</span>
      </div>
      {changes.length > 0 && (
        <dl className="mt-2 grid gap-x-4 gap-y-0.5 text-xs wide:grid-cols-[minmax(8rem,auto)_minmax(0,1fr)]">
          {changes.map((change) => (
            <div key={change.field} className="contents">
              <dt className="text-ink-3">{change.field}</dt>
              <dd className="break-words">
                {change.before !== null && <><del className="text-ink-3">{shown(change.before)}</del> <span aria-hidden>→</span> </>}
                <ins className="no-underline">{change.after === null ? say("none") : shown(change.after)}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p className="mt-1 flex flex-wrap gap-x-3 text-2xs text-ink-3">
        <span>{say("audit.number", { n: formatDecimal(String(row.id), language) })}</span>
        {row.link !== null && <span>{say("audit.link", { n: formatDecimal(String(row.link), language) })}</span>}
        {row.subject !== null && (mayOpen(me, "subject") ? <Link to={pathOf("subject", row.subject)} className="underline underline-offset-2">{say("audit.about", { who: people(row.subject) })}</Link> : <span>{say("audit.about", { who: people(row.subject) })}</span>)}
      </p>
    </li>
  );
}
