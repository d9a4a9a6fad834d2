import type { Me } from "../../api/types";
import { may } from "../../app/pages";
import type { Agent } from "../api/sales";

/** What a lead may be interested in, and an agent know. */
export const INTERESTS = ["forex", "metals", "energy", "indices", "crypto", "stocks", "education", "copy_trading", "partnership"] as const;

/** Who distributes leads. An agent has the permission for leads of their own, and the server still asks for one of these. */
const MANAGERS: readonly string[] = ["sales_manager", "super_admin"];

export const distributes = (me: Me | null): boolean => me !== null && MANAGERS.includes(me.user.role) && may(me, "lead.assign");
export const seats = (me: Me | null): boolean => me !== null && MANAGERS.includes(me.user.role) && may(me, "agent.write");

/** What is said of an agent first: on leave, not at work at all, or whether they take leads. */
export function standing({ on_leave, available, accepting }: Pick<Agent, "on_leave" | "available" | "accepting">) {
  if (on_leave) return { text: "agent.onLeave", tone: "warn" } as const;
  if (!available) return { text: "agent.away", tone: "warn" } as const;
  return accepting ? ({ text: "agent.takes", tone: "ok" } as const) : ({ text: "agent.takes.not", tone: "plain" } as const);
}

/** Why somebody gets no lead now, or that they may have one. */
export function room(agent: Pick<Agent, "available" | "accepting" | "active_leads" | "cap">): "free" | "full" | "away" {
  if (!agent.available || !agent.accepting) return "away";
  return agent.active_leads < agent.cap ? "free" : "full";
}
