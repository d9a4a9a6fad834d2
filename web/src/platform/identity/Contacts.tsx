import { useState, type FormEvent } from "react";
import { Problem } from "../../api/client";
import { Button } from "../../ui/Button";
import { useAct } from "../act";
import { identity } from "../api/identity";
import { useDoor, useHere } from "../context";
import { useSay } from "../i18n";
import { TextField } from "../ui/Field";
import { Card } from "../ui/Page";
import { Tag } from "../ui/Tag";

type Contact = "email" | "phone";

/** Address and number: confirmed by a code, and asked for at every sign-in where their owner wants that. */
export function Contacts() {
  const say = useSay();
  const act = useAct();
  const door = useDoor();
  const { me, reread } = useHere();
  const [open, setOpen] = useState<Contact | null>(null);
  const [code, setCode] = useState("");
  const user = me?.user;
  if (!user) return null;
  const send = (what: Contact) =>
    void act(async () => {
      setCode("");
      try {
        await identity.confirmSend(door, what);
      } catch (error) {
        // A code that was just sent is still good: it is typed here.
        if (error instanceof Problem && error.problemName === "too_often") setOpen(what);
        throw error;
      }
      setOpen(what);
    }, say("signin.sent"));
  const use = (what: Contact, on: boolean) =>
    void act(async () => {
      await identity.useContact(door, what, on);
      await reread();
    }, say(on ? "contact.factor.on" : "contact.factor.off"));
  const confirm = (event: FormEvent) => {
    event.preventDefault();
    if (open === null) return;
    void act(async () => {
      await identity.confirm(door, open, code.trim());
      setOpen(null);
      await reread();
    }, say("contact.confirmed"));
  };
  const rows = ([["email", user.email], ["phone", user.phone]] as const).filter(([, value]) => value !== null);
  return (
    <Card title={say("contact.title")} aside={user.verified && <Tag tone="ok">{say("contact.verified")}</Tag>}>
      <ul className="-my-2 divide-y divide-line text-sm">
        {rows.map(([what, value]) => {
          const asked = me.factors.includes(what);
          return (
            <li key={what} data-contact={what} data-factor={asked} className="flex flex-wrap items-center gap-2 py-2">
              <span className="min-w-0 flex-1 basis-52">
                <span className="block text-xs text-ink-3">{say(`signin.${what}`)}</span>
                <span className="break-words">{value}</span>
              </span>
              {asked && <Tag tone="ok">{say("contact.factor")}</Tag>}
              <Button size="sm" className="h-9 wide:h-7" onClick={() => send(what)}>{say(`contact.${what}`)}</Button>
              {!user.staff && <Button size="sm" className="h-9 wide:h-7" data-testid={`factor-${what}`} onClick={() => use(what, !asked)}>{say(asked ? `contact.factor.${what}.drop` : `contact.factor.${what}.take`)}</Button>}
            </li>
          );
        })}
      </ul>
      <p className="mt-3 text-xs text-ink-3">{say(user.staff ? "contact.factor.staff" : "contact.factor.help")}</p>
      {open && (
        <form className="mt-3 flex items-end gap-2" onSubmit={confirm}>
          <TextField label={say("signin.code")} inputMode="numeric" autoComplete="one-time-code" autoFocus value={code} onChange={(event) => setCode(event.target.value)} />
          <Button type="submit" disabled={code.trim() === ""}>{say("contact.do")}</Button>
        </form>
      )}
    </Card>
  );
}
