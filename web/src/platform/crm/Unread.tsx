import { useQuery } from "@tanstack/react-query";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { NOTICES, sales } from "../api/sales";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { useNews } from "./useNews";

/** The server counts no notices; from here on it is "and more". */
const COUNTED_MAX = 99;
/** The stream tells of new ones; this is for whoever it does not reach. */
const UNREAD_MS = 60_000;

/** How many notices were not read, beside the page's name in the menu. */
export function Unread() {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const query = useQuery({ queryKey: [...NOTICES, "count"], queryFn: () => sales.notices(door, true, null, COUNTED_MAX), refetchInterval: UNREAD_MS, retry: false });
  useNews(() => void query.refetch());
  const count = query.data?.items.length ?? 0;
  if (count === 0) return null;
  const number = formatDecimal(String(count), language);
  const shown = query.data?.next ? say("notices.many", { n: number }) : number;
  return (
    <span data-testid="unread" data-count={count} className="ml-auto rounded-full bg-ink px-1.5 text-2xs font-semibold text-bg">
      <span aria-hidden>{shown}</span>
      <span className="sr-only">{say("notices.badge", { n: shown })}</span>
    </span>
  );
}
