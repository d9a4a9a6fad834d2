import { useQuery } from "@tanstack/react-query";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { NOTICES, sales } from "../api/sales";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { useNews } from "./useNews";

/** The stream tells of new ones; this is for whoever it does not reach. */
const UNREAD_MS = 60_000;

/** So many are counted; there may be more. */
const UNREAD_MAX = 10_000;

/** How many notices were not read, beside the page's name in the menu. */
export function Unread() {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const query = useQuery({ queryKey: [...NOTICES, "count"], queryFn: () => sales.unread(door), refetchInterval: UNREAD_MS, retry: false });
  useNews(() => void query.refetch());
  const count = query.data?.unread ?? 0;
  if (count === 0) return null;
  const shown = formatDecimal(String(count), language) + (count < UNREAD_MAX ? "" : "+");
  return (
    <span data-testid="unread" data-count={count} className="ml-auto rounded-full bg-ink px-1.5 text-2xs font-semibold text-bg">
      <span aria-hidden>{shown}</span>
      <span className="sr-only">{say("notices.badge", { n: shown })}</span>
    </span>
  );
}
