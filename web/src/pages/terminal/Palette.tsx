import { useEffect, useId, useState } from "react";
import type { DeskHalt, DeskLink, Instrument } from "../../api/types";
import { goTo } from "../../app/place";
import { changeSettings, settings, useTranslate } from "../../app/settings";
import type { Translate } from "../../i18n";
import { Dialog } from "../../ui/Dialog";
import { Icon, type IconName } from "../../ui/Icon";
import type { LinkWish } from "./LinkDialog";
import { SCENARIOS, useScenario } from "./TopBar";
import { matches } from "./matches";

interface Props {
  open: boolean;
  onClose: () => void;
  instruments: Instrument[];
  demo: boolean;
  symbol: string | null;
  links: DeskLink[];
  onLink: (wish: LinkWish) => void;
  halts: DeskHalt[];
  onResume: (symbol: string) => void;
  onPages?: () => void;
  onSignOut: () => void;
}

interface Command {
  key: string;
  icon: IconName;
  text: string;
  hint?: string;
  run: () => void;
}

/** Everything the page can do, by typing a part of its name. */
export function Palette({ open, onClose, ...rest }: Props) {
  const t = useTranslate();
  return (
    <Dialog open={open} onClose={onClose} label={t("palette.title")} shape="palette">
      <PaletteBody onClose={onClose} {...rest} />
    </Dialog>
  );
}

function PaletteBody({ onClose, instruments, demo, symbol, links, onLink, halts, onResume, onPages, onSignOut }: Omit<Props, "open">) {
  const t = useTranslate();
  const runScenario = useScenario();
  const id = useId();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const all = [...haltCommands(halts, t, onResume), ...commands(demo, t, (scenario) => runScenario(scenario, symbol)), ...linkCommands(links, t, onLink), ...(onPages ? [{ key: "pages", icon: "menu" as const, text: t("top.pages"), run: onPages }] : []), { key: "sign-out", icon: "exit" as const, text: t("top.signout"), run: onSignOut }];
  const found = matches<Command>(all, instrumentCommands(instruments, t), text);
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => {
    document.getElementById(`${id}-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [chosen, id]);
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    // After the palette has left and given the focus back: a command may move it.
    requestAnimationFrame(() => requestAnimationFrame(command.run));
  };
  return (
    <div data-testid="palette">
      <div className="flex items-center gap-2 border-b border-line px-3">
        <Icon name="search" className="text-ink-3" />
        <input
          data-first-focus
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={`${id}-${chosen}`}
          aria-label={t("palette.title")}
          placeholder={t("palette.placeholder")}
          className="h-11 min-w-0 flex-1 bg-transparent text-md outline-none"
          value={text}
          onChange={(event) => (setText(event.target.value), setAt(0))}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") (event.preventDefault(), setAt(Math.min(found.length - 1, chosen + 1)));
            if (event.key === "ArrowUp") (event.preventDefault(), setAt(Math.max(0, chosen - 1)));
            if (event.key === "Enter") (event.preventDefault(), run(found[chosen]));
          }}
        />
      </div>
      <ul id={`${id}-list`} role="listbox" aria-label={t("palette.title")} className="scroll max-h-[50dvh] p-1">
        {found.length === 0 && <li role="option" aria-selected={false} className="p-3 text-sm text-ink-3">{t("palette.empty")}</li>}
        {found.map((command, index) => (
          <li key={command.key} id={`${id}-${index}`} role="option" aria-selected={index === chosen} onPointerMove={() => setAt(index)} onClick={() => run(command)} className={`flex h-11 cursor-pointer wide:h-8 items-center gap-2 rounded px-2 text-sm ${index === chosen ? "bg-hover" : ""}`}>
            <Icon name={command.icon} size={14} className="text-ink-3" />
            {command.text}
            {command.hint && <span className="ml-auto text-xs text-ink-3">{command.hint}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}

function instrumentCommands(instruments: Instrument[], t: Translate): Command[] {
  return instruments.map((one) => ({ key: one.symbol, icon: "chart" as const, text: t("palette.symbol", { symbol: one.symbol }), hint: one.name, run: () => goTo({ symbol: one.symbol, view: "chart" }) }));
}

function commands(demo: boolean, t: Translate, scenario: (name: (typeof SCENARIOS)[number]) => void): Command[] {
  const focus = (id: string) => () => document.getElementById(id)?.focus();
  return [
    { key: "ticket", icon: "swap", text: t("palette.ticket"), run: () => (goTo({ view: "trade" }), focus("ticket")()) },
    { key: "positions", icon: "layers", text: t("palette.positions"), run: () => (goTo({ view: "positions" }), focus("positions")()) },
    { key: "alerts", icon: "alert", text: t("palette.alerts"), run: () => (goTo({ view: "alerts" }), focus("alerts")()) },
    { key: "theme", icon: "moon", text: t("palette.theme"), run: () => changeSettings({ theme: settings().theme === "dark" ? "light" : "dark" }) },
    { key: "language", icon: "palette", text: t("palette.language"), run: () => changeSettings({ language: settings().language === "en" ? "id" : "en" }) },
    { key: "colours", icon: "drop", text: t("palette.colours"), hint: t(settings().colours === "safe" ? "top.colours.classic" : "top.colours.safe"), run: () => changeSettings({ colours: settings().colours === "safe" ? "classic" : "safe" }) },
    ...(demo ? SCENARIOS.map((name) => ({ key: name, icon: "clock" as const, text: t("palette.scenario", { name: t(`scenario.${name}`) }), run: () => scenario(name) })) : []),
  ];
}

/** Trading of what is halted is resumed by a person. */
function haltCommands(halts: DeskHalt[], t: Translate, onResume: (symbol: string) => void): Command[] {
  return halts.map(({ symbol }) => ({ key: `halt-${symbol}`, icon: "check", text: t("halt.resumeOf", { symbol }), run: () => onResume(symbol) }));
}

/** A broker is taken out of service while it is live, and given back by who took it: one that is down by itself comes back by itself. */
function linkCommands(links: DeskLink[], t: Translate, onLink: (wish: LinkWish) => void): Command[] {
  return links.flatMap((link): Command[] => {
    if (link.mode === "live") return [{ key: `link-${link.id}`, icon: "lock", text: t("link.take", { name: link.name }), run: () => onLink({ link, mode: "read_only" }) }];
    if (link.manual) return [{ key: `link-${link.id}`, icon: "swap", text: t("link.give", { name: link.name }), run: () => onLink({ link, mode: "live" }) }];
    return [];
  });
}
