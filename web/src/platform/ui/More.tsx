import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { Button } from "../../ui/Button";
import { useSay } from "../i18n";

/** Nothing is hidden silently: how many more there are, and the way to them. `total` is the server's; unknown totals are not guessed. */
export function More({ shown, total, more, busy, onMore }: { shown: number; total?: number | null; more: boolean; busy: boolean; onMore: () => void }) {
  const say = useSay();
  const { language } = useSettings();
  if (!more) return null;
  const number = (value: number) => formatDecimal(String(value), language);
  return (
    <Button size="sm" className="w-full" data-testid="more" disabled={busy} onClick={onMore}>
      {total === undefined || total === null ? say("more") : say("moreOf", { shown: number(shown), total: number(total) })}
    </Button>
  );
}
