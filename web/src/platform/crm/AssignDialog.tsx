import { useState } from "react";
import { crm, type Lead } from "../api/crm";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { AgentChoice, giveTo } from "./AgentChoice";
import { nameOf } from "./LeadCard";

/** Gives one lead to an agent or back to the pool. */
export function AssignDialog({ lead, onGiven, onClose }: { lead: Lead; onGiven: (lead: Lead) => void; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const [to, setTo] = useState("");
  return (
    <Ask
      title={say("assign.title", { name: nameOf(lead) })}
      reason={say("reason")}
      optional
      blocked={to === ""}
      verb={say("assign.do")}
      onDo={async (reason) => onGiven(await crm.assign(door, lead.id, giveTo(to), reason))}
      onClose={onClose}
    >
      <AgentChoice value={to} except={lead.assigned_to} onChange={setTo} />
    </Ask>
  );
}
