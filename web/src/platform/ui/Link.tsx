import type { AnchorHTMLAttributes } from "react";
import { open } from "../../app/route";

/** A link within the console: a plain press stays on the page, and a new tab opens as with any link. */
export function Link({ to, onClick, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  return (
    <a
      href={to}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        open(to);
      }}
      {...rest}
    />
  );
}
