import { useState } from "react";
import type { Traded } from "../../api/types";
import { useTranslate } from "../../app/settings";
import { Orders } from "./Orders";
import { Positions } from "./Positions";

/** Positions and working orders of the account, one tab each. */
export function Dock({ account, current }: { account: Traded | undefined; current: boolean }) {
  const t = useTranslate();
  const [tab, setTab] = useState<"positions" | "orders">("positions");
  const tabs = [
    { id: "positions", text: t("positions.title"), count: account?.positions.length },
    { id: "orders", text: t("orders.title"), count: account?.orders.length },
  ] as const;
  return (
    <>
      <div role="tablist" aria-label={t("positions.title")} className="flex h-9 shrink-0 items-stretch gap-4 border-b border-line px-3">
        {tabs.map((one) => (
          <button
            key={one.id}
            type="button"
            role="tab"
            id={`tab-${one.id}`}
            aria-selected={tab === one.id}
            aria-controls="dock-panel"
            tabIndex={tab === one.id ? 0 : -1}
            onClick={() => setTab(one.id)}
            onKeyDown={(event) => {
              if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
              const other = tab === "positions" ? "orders" : "positions";
              setTab(other);
              document.getElementById(`tab-${other}`)?.focus();
            }}
            className={`-mb-px flex items-center gap-1.5 border-b-2 text-xs font-semibold ${tab === one.id ? "border-ink text-ink" : "border-transparent text-ink-3 hover:text-ink"}`}
          >
            {one.text}
            {one.count ? <span className="rounded-full bg-raised px-1.5 text-2xs text-ink-2">{one.count}</span> : null}
          </button>
        ))}
      </div>
      <div id="dock-panel" role="tabpanel" tabIndex={0} aria-labelledby={`tab-${tab}`} data-current={current} className={`scroll flex min-h-0 flex-1 flex-col ${current ? "" : "old"}`}>
        {account && (tab === "positions" ? <Positions account={account} /> : <Orders account={account} />)}
      </div>
    </>
  );
}
