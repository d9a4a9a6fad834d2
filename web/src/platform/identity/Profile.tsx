import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatStamp } from "../../format/time";
import type { ProfileAccount, UserProfile } from "../api/identity";
import { useSay, word } from "../i18n";
import { Facts } from "../ui/Page";
import { Tag } from "../ui/Tag";

/** Who somebody is to the house, what they said of themselves, and what they did: read by them, and by whoever may see them. */
export function ProfileFacts({ profile }: { profile: UserProfile }) {
  const say = useSay();
  const { language } = useSettings();
  const { preferences, activity } = profile;
  const assets = preferences.preferred_assets.map((asset) => word(say, "asset", asset)).join(", ");
  return (
    <div data-testid="profile">
      <Facts
        rows={[
          [say("profile.verified"), say(profile.verified_status === "verified" ? "yes" : "no")],
          [say("profile.tier"), word(say, "tier", profile.tier_level)],
          [say("profile.accounts"), profile.accounts.length === 0 ? say("none") : <Accounts key="accounts" accounts={profile.accounts} />],
          [say("profile.risk"), preferences.risk_appetite === null ? say("profile.unsaid") : word(say, "risk", preferences.risk_appetite)],
          [say("profile.assets"), assets || say("profile.unsaid")],
          [say("profile.frequency"), say("profile.frequency.week", { days: formatDecimal(activity.login_frequency, language) })],
          [say("profile.last"), activity.last_login_at === null ? say("none") : formatStamp(activity.last_login_at, language)],
          [say("profile.score"), <strong key="score" data-testid="engagement">{say("profile.score.of", { score: String(activity.engagement_score) })}</strong>],
        ]}
      />
      <ul className="mt-2 text-xs text-ink-3">
        {activity.parts.map((part) => (
          <li key={part.reason} data-part={part.reason}>
            {word(say, "engagement", part.reason)} ({part.count ?? say("none")}): {say("profile.points", { points: String(part.points), of: String(part.of) })}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Accounts({ accounts }: { accounts: readonly ProfileAccount[] }) {
  const say = useSay();
  return (
    <ul className="space-y-1">
      {accounts.map((one) => (
        <li key={one.account} data-account={one.account} className="flex flex-wrap items-center gap-1.5">
          {say("cash.account", { id: one.account })}
          {one.account_type === "demo" && <Tag>{say("profile.demo")}</Tag>}
          {one.status !== null && <Tag tone={one.status === "suspended" ? "warn" : "ok"}>{word(say, "accountStatus", one.status)}</Tag>}
          {one.broker_connection !== null && <span className="text-xs text-ink-3">{one.broker_connection}</span>}
        </li>
      ))}
    </ul>
  );
}
