import { useState } from "react";
import type { Me } from "../api/types";
import { ENTRIES, isClient, listOf, offered, type PageEntry } from "../app/pages";
import { deskPath } from "../app/place";
import { pathOf, useRoute, type PageId } from "../app/route";
import { changeSettings, useSettings, useTranslate } from "../app/settings";
import { IconButton } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon, type IconName } from "../ui/Icon";
import { useWide } from "../ui/media";
import { useSay, word } from "./i18n";
import { Link } from "./ui/Link";
import { Unread } from "./crm/Unread";

interface Props {
  me: Me | null;
  trades: boolean;
  onSignOut: () => void;
}

const GROUPS: readonly PageEntry["group"][] = [...new Set(ENTRIES.map((entry) => entry.group))];

/** The way around: at the left of a screen, behind a button on a phone. */
export function Menu(props: Props) {
  const say = useSay();
  const wide = useWide();
  const [shown, setShown] = useState(false);
  if (wide) {
    return (
      <nav aria-label={say("menu")} className="scroll flex w-52 shrink-0 flex-col border-r border-line bg-panel p-2">
        <Brand />
        <Entries {...props} onChosen={() => undefined} />
        <Own {...props} onChosen={() => undefined} />
      </nav>
    );
  }
  return (
    <>
      <header className="flex h-13 shrink-0 items-center gap-2 border-b border-line bg-panel px-2">
        <IconButton icon="menu" size={20} name={say("menu")} className="!size-11" data-testid="menu" aria-expanded={shown} onClick={() => setShown(true)} />
        <img src="/siaga.svg" alt="" width={24} height={24} />
        <span className="text-md font-semibold tracking-tight">Siaga</span>
        {offered(props.me).some((entry) => entry.page === "notices") && (
          <Link to={pathOf("notices")} className="ml-auto flex h-11 min-w-11 items-center justify-center gap-1.5 rounded-md px-2 text-ink-2 hover:bg-hover hover:text-ink">
            <Icon name="bell" size={20} />
            <span className="sr-only">{say("page.notices")}</span>
            <Unread />
          </Link>
        )}
      </header>
      <Dialog open={shown} onClose={() => setShown(false)} label={say("menu")}>
        <nav aria-label={say("menu")} className="scroll flex h-full flex-col p-2">
          <div className="flex items-center">
            <Brand />
            <IconButton icon="close" name={say("close")} className="!size-11 ml-auto" onClick={() => setShown(false)} />
          </div>
          <Entries {...props} onChosen={() => setShown(false)} />
          <Own {...props} onChosen={() => setShown(false)} />
        </nav>
      </Dialog>
    </>
  );
}

function Brand() {
  return (
    <p className="flex h-11 items-center gap-2 px-2 text-md font-semibold tracking-tight">
      <img src="/siaga.svg" alt="" width={24} height={24} />
      Siaga
    </p>
  );
}

function Entries({ me, trades, onChosen }: Props & { onChosen: () => void }) {
  const say = useSay();
  const entries = offered(me);
  return (
    <div className="space-y-3">
      {trades && <ul><Entry to={deskPath()} page="desk" icon="chart" text={isClient(me) ? say("page.trading") : undefined} onChosen={onChosen} /></ul>}
      {GROUPS.map((group) => {
        const pages = entries.filter((entry) => entry.group === group);
        if (pages.length === 0) return null;
        return (
          <section key={group} aria-label={say(`group.${group}`)}>
            <h2 className="label px-2 pb-1">{say(`group.${group}`)}</h2>
            <ul>
              {pages.map((entry) => <Entry key={entry.page} to={pathOf(entry.page)} page={entry.page} icon={entry.icon} onChosen={onChosen} />)}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

function Entry({ to, page, icon, text, onChosen }: { to: string; page: PageId; icon: IconName; text?: string; onChosen: () => void }) {
  const say = useSay();
  const route = useRoute();
  const here = listOf(route.page) === page;
  return (
    <li>
      <Link to={to} aria-current={here ? "page" : undefined} onClick={onChosen} className={`flex h-11 items-center gap-2 rounded-md px-2 text-sm wide:h-8 ${here ? "bg-hover font-semibold text-ink" : "text-ink-2 hover:bg-hover hover:text-ink"}`}>
        <Icon name={icon} />
        {text ?? word(say, "page", page)}
        {page === "notices" && <Unread />}
      </Link>
    </li>
  );
}

/** Who is signed in, their own pages, how the console looks, and the way out. */
function Own({ me, onSignOut, onChosen }: Props & { onChosen: () => void }) {
  const say = useSay();
  const t = useTranslate();
  const { language, theme } = useSettings();
  return (
    <div className="mt-auto pt-4">
      {me && (
        <>
          <p className="truncate px-2 text-sm font-semibold" data-testid="who">{me.user.name ?? me.user.email ?? me.user.id}</p>
          <p className="mb-1 px-2 text-xs text-ink-3">{word(say, "role", me.user.role)}</p>
          <ul>
            {!me.enrol && <Entry to={pathOf("profile")} page="profile" icon="people" onChosen={onChosen} />}
            <Entry to={pathOf("security")} page="security" icon="lock" onChosen={onChosen} />
            {!me.enrol && <Entry to={pathOf("sessions")} page="sessions" icon="clock" onChosen={onChosen} />}
            {!me.enrol && <Entry to={pathOf("keys")} page="keys" icon="key" onChosen={onChosen} />}
            {!me.enrol && <Entry to={pathOf("mydata")} page="mydata" icon="id" onChosen={onChosen} />}
          </ul>
        </>
      )}
      <div className="mt-2 flex items-center gap-1 border-t border-line pt-2">
        <button type="button" data-testid="language" aria-label={`${language.toUpperCase()}, ${t("top.language")}`} title={t("top.language")} onClick={() => changeSettings({ language: language === "en" ? "id" : "en" })} className="h-11 rounded-md px-2 text-xs font-semibold text-ink-2 hover:bg-hover hover:text-ink wide:h-7">
          {language.toUpperCase()}
        </button>
        <IconButton icon={theme === "dark" ? "sun" : "moon"} data-testid="theme" className="!size-11 wide:!size-7" name={t(theme === "dark" ? "top.theme.light" : "top.theme.dark")} onClick={() => changeSettings({ theme: theme === "dark" ? "light" : "dark" })} />
        <IconButton icon="exit" className="!size-11 ml-auto wide:!size-7" data-testid="sign-out" name={t("top.signout")} onClick={onSignOut} />
      </div>
    </div>
  );
}
