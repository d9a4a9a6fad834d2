import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatDecimal } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { crm, type Lead, type Stage, type Verdicts } from "../api/crm";
import { useDoor, useHere } from "../context";
import { explainFault, type Told } from "../fault";
import { useSay, word } from "../i18n";
import { Fault } from "../ui/Fault";
import { SelectField, TextArea } from "../ui/Field";
import { Trouble } from "../ui/Page";
import { AgentChoice, giveTo } from "./AgentChoice";
import { askAll, CHOSEN_MAX, outcome, targets, type Refused } from "./bulk";
import { columnOf } from "./columns";
import { distributes } from "./hand";
import { nameOf } from "./LeadCard";

interface Props {
  chosen: readonly Lead[];
  /** What was done to those of them to whom it was done. */
  onDid: (leads: readonly Lead[], how: (lead: Lead) => Lead) => Promise<void>;
  onChosen: (ids: readonly string[]) => void;
  /** There was no answer for each: nobody knows what was done. */
  onEnd: () => void;
}

/** What can be done with the cards that were chosen. */
export function Bulk(props: Props) {
  const { chosen, onChosen } = props;
  const say = useSay();
  const { me } = useHere();
  const { language } = useSettings();
  const [wish, setWish] = useState<"move" | "give" | null>(null);
  // What was chosen when the dialog opened; refused ones stay chosen behind it.
  const [held, setHeld] = useState<readonly Lead[]>([]);
  const number = (count: number) => formatDecimal(String(count), language);
  const begin = (what: "move" | "give") => (setHeld(chosen), setWish(what));
  return (
    <div role="group" aria-label={say("bulk.bar")} data-testid="bulk" className="mx-3 flex flex-wrap items-center gap-2 rounded-lg border border-line bg-panel p-2 wide:mx-5">
      <span role="status" className="text-sm font-semibold" data-testid="bulk-count">{say("bulk.chosen", { n: number(chosen.length) })}</span>
      {chosen.length >= CHOSEN_MAX && <span className="text-xs text-warn">{say("bulk.most", { n: number(CHOSEN_MAX) })}</span>}
      <Button className="h-9 wide:h-8" data-testid="bulk-move" disabled={chosen.length === 0} onClick={() => begin("move")}>{say("bulk.move")}</Button>
      {distributes(me) && <Button className="h-9 wide:h-8" data-testid="bulk-give" disabled={chosen.length === 0} onClick={() => begin("give")}>{say("bulk.give")}</Button>}
      <Button tone="quiet" className="h-9 wide:h-8" disabled={chosen.length === 0} onClick={() => onChosen([])}>{say("bulk.clear")}</Button>
      {wish === "move" && <MoveMany {...props} leads={held} onClose={() => setWish(null)} />}
      {wish === "give" && <GiveMany {...props} leads={held} onClose={() => setWish(null)} />}
    </div>
  );
}

type Inner = Props & { leads: readonly Lead[]; onClose: () => void };

function MoveMany(props: Inner) {
  const { leads } = props;
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const [stage, setStage] = useState<Stage | "">("");
  const moves = useQuery({
    queryKey: ["crm", "bulk", leads.map((lead) => `${lead.id}/${lead.revision}`)],
    queryFn: async () => new Map((await askAll(leads, (lead) => crm.moves(door, lead.id))).map(({ items }, at) => [leads[at]!.id, items])),
    retry: false,
  });
  const open = moves.data ? targets(moves.data) : [];
  const target = open.find((one) => one.stage === stage);
  const number = (count: number) => formatDecimal(String(count), language);
  const of = number(leads.length);
  return (
    <Many
      {...props}
      title={say("bulk.move.title", { n: of })}
      verb={say("board.move")}
      tried={target ? leads.filter((lead) => target.ids.includes(lead.id)) : []}
      needsReason={target?.needsReason ?? false}
      work={(tried, reason) => crm.moveAll(door, tried, stage as Stage, reason)}
      how={(lead) => ({ ...lead, stage: stage as Stage, column: columnOf(stage as Stage) })}
    >
      {moves.error && <Trouble error={moves.error} onRetry={() => void moves.refetch()} />}
      {moves.data && open.length === 0 && <p className="text-sm text-ink-2">{say("bulk.move.nowhere")}</p>}
      <SelectField label={say("lead.stage")} data-first-focus data-testid="bulk-stage" value={stage} help={moves.isPending ? say("wait") : undefined} onChange={(event) => setStage(event.target.value as Stage)}>
        <option value="">{say("choose")}</option>
        {open.map((one) => <option key={one.stage} value={one.stage}>{say("bulk.move.option", { stage: word(say, "stage", one.stage), n: number(one.ids.length), of })}</option>)}
      </SelectField>
      {target && target.ids.length < leads.length && <p className="text-sm text-warn">{say("bulk.move.some", { n: number(target.ids.length), of })}</p>}
      {target?.needsReason && <p className="text-sm text-ink-2">{say("board.ask.help")}</p>}
    </Many>
  );
}

function GiveMany(props: Inner) {
  const { leads } = props;
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const [to, setTo] = useState("");
  return (
    <Many
      {...props}
      title={say("bulk.give.title", { n: formatDecimal(String(leads.length), language) })}
      verb={say("assign.do")}
      tried={to === "" ? [] : leads}
      needsReason={false}
      work={(tried, reason) => crm.assignAll(door, tried, giveTo(to), reason)}
      how={(lead) => ({ ...lead, assigned_to: giveTo(to) })}
    >
      <AgentChoice value={to} onChange={setTo} />
    </Many>
  );
}

interface ManyProps extends Inner {
  title: string;
  verb: string;
  /** On which of them it is done. */
  tried: readonly Lead[];
  needsReason: boolean;
  work: (leads: readonly Lead[], reason: string) => Promise<Verdicts>;
  /** A lead to which it was done. */
  how: (lead: Lead) => Lead;
  children: ReactNode;
}

/** All in one request with a verdict for each; who is refused is named with the reason and stays chosen. */
function Many({ title, verb, tried, needsReason, work, how, chosen, onDid, onChosen, onEnd, onClose, children }: ManyProps) {
  const say = useSay();
  const { language } = useSettings();
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<Told | null>(null);
  const [refused, setRefused] = useState<readonly Refused<Lead>[] | null>(null);
  const number = (count: number) => formatDecimal(String(count), language);
  const blocked = busy || tried.length === 0 || (needsReason && reason.trim() === "");
  const run = async () => {
    setBusy(true);
    setFault(null);
    try {
      const result = outcome(tried, (await work(tried, reason.trim())).items);
      const done = new Set(result.done.map((lead) => lead.id));
      onChosen(chosen.filter((lead) => !done.has(lead.id)).map((lead) => lead.id));
      void onDid(result.done, how);
      if (done.size > 0) toast("ok", say("bulk.done", { n: number(done.size) }));
      if (result.refused.length === 0) return onClose();
      setRefused(result.refused);
    } catch (error) {
      // Sent again as it is, what was done is not done twice.
      setFault(explainFault(error, language));
      onEnd();
    }
    setBusy(false);
  };
  return (
    // While it runs nobody leaves: whoever is refused has to be seen.
    <Dialog open onClose={onClose} label={title} shape="palette" role={busy ? "alertdialog" : "dialog"}>
      <form
        data-testid="bulk-form"
        className="scroll max-h-[70dvh] space-y-3 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!blocked && refused === null) void run();
        }}
      >
        <h2 className="text-md font-semibold">{title}</h2>
        {refused === null ? (
          <>
            {children}
            <TextArea label={say("reason")} maxLength={500} data-testid="bulk-reason" value={reason} onChange={(event) => setReason(event.target.value)} />
          </>
        ) : (
          <div role="alert" className="space-y-2 text-sm" data-testid="bulk-refused">
            <p className="font-semibold">{say("bulk.refused", { n: number(refused.length), of: number(tried.length) })}</p>
            <ul className="space-y-1">
              {refused.map(({ item, error }) => {
                const { text, detail } = explainFault(error, language);
                return <li key={item.id} className="break-words"><span className="font-medium">{nameOf(item)}</span>: {text}{detail && <span className="block text-xs text-ink-2">{detail}</span>}</li>;
              })}
            </ul>
          </div>
        )}
        {fault && <Fault told={fault} />}
        {busy && <p role="status" className="text-sm text-ink-2">{say("bulk.going", { n: number(tried.length) })}</p>}
        <div className="flex justify-end gap-2">
          <Button tone="quiet" disabled={busy} onClick={onClose}>{say(refused === null ? "cancel" : "close")}</Button>
          {refused === null && <Button type="submit" tone="primary" data-testid="bulk-do" disabled={blocked}>{verb}</Button>}
        </div>
      </form>
    </Dialog>
  );
}
