/** A resource and what the person may do with it, for the choice of what a key may do. */
export interface ScopeGroup {
  resource: string;
  scopes: { name: string; act: string }[];
}

/** The person's permissions by their resource, in the order in which the server names them. A key never may more than its owner. */
export function scopeGroups(permissions: readonly string[]): ScopeGroup[] {
  const groups = new Map<string, ScopeGroup>();
  for (const name of new Set(permissions)) {
    const dot = name.indexOf(".");
    const resource = dot < 0 ? name : name.slice(0, dot);
    const group = groups.get(resource) ?? { resource, scopes: [] };
    group.scopes.push({ name, act: dot < 0 ? name : name.slice(dot + 1) });
    groups.set(resource, group);
  }
  return [...groups.values()];
}

/** Scopes that one key takes, as the server says it. */
export const SCOPES_MAX = 50;

/** Terms that are offered, in days; the server takes 1 to 365. */
export const TERMS = [7, 30, 90, 180, 365] as const;
export const TERM_DEFAULT = 90;

/** A choice with one of its names put in or taken out, in the order of what there is. */
export const toggled = (chosen: readonly string[], name: string, all: readonly string[]): string[] => all.filter((one) => (one === name ? !chosen.includes(one) : chosen.includes(one)));
