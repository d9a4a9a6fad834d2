/** What a test holds interfaces of the console and schemas of the server against each other with. Nothing of it is part of the console. */

export interface Schema {
  type?: string | string[];
  $ref?: string;
  enum?: unknown[];
  const?: unknown;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

export interface Field {
  name: string;
  optional: boolean;
  type: string;
}

/** The fields of an interface as it is written: one a line. */
export function fieldsOf(source: string, name: string): Field[] {
  const body = new RegExp(`export interface ${name}(?: extends \\w+)? \\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1];
  if (body === undefined) throw new Error(`there is no interface ${name}`);
  return [...body.matchAll(/^ {2}(\w+)(\?)?: (.+);$/gm)].map((match) => ({ name: match[1]!, optional: match[2] === "?", type: match[3]! }));
}

export function follow(all: Record<string, Schema>, schema: Schema): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : follow(all, all[name]!);
}

/** What a value may be: JSON types, `null` among them. */
export function kinds(all: Record<string, Schema>, schema: Schema): Set<string> {
  const found = follow(all, schema);
  const parts = found.oneOf ?? found.anyOf ?? found.allOf;
  if (parts) return new Set(parts.flatMap((part) => [...kinds(all, part)]));
  if (found.const !== undefined) return new Set([typeof found.const]);
  if (found.enum) return new Set(found.enum.map((value) => (value === null ? "null" : typeof value)));
  const listed = found.type === undefined ? [] : Array.isArray(found.type) ? found.type : [found.type];
  return new Set(listed.map((type) => (type === "integer" ? "number" : type)));
}

/** The JSON types of a type as it is written. Names that are not words of JSON are objects, lists or texts of a few values. */
export function written(type: string, enums: readonly string[]): Set<string> {
  const plain = type.replaceAll(/Record<[^>]*>|\{[^}]*\}/g, "object");
  return new Set(plain.split("|").map((part) => {
    const word = part.trim();
    if (word === "null" || word === "number" || word === "boolean" || word === "string" || word === "object") return word;
    if (word.endsWith("[]")) return "array";
    if (word.startsWith('"') || word === "Decimal" || enums.includes(word) || /^\w+\["/.test(word)) return "string";
    return "object";
  }));
}

/** The properties of a schema with those of all its parts, and which of them are always there. */
export function properties(all: Record<string, Schema>, schema: Schema): { of: Record<string, Schema>; required: string[] } {
  const found = solid(all, schema);
  const parts = (found.allOf ?? []).map((part) => properties(all, part));
  return {
    of: Object.assign({}, ...parts.map((part) => part.of), found.properties ?? {}) as Record<string, Schema>,
    required: [...parts.flatMap((part) => part.required), ...(found.required ?? [])],
  };
}

/** A schema without its "or null". */
export function solid(all: Record<string, Schema>, schema: Schema): Schema {
  const found = follow(all, schema);
  const choices = (found.oneOf ?? found.anyOf)?.filter((one) => one.type !== "null");
  return choices?.length === 1 ? solid(all, choices[0]!) : found;
}

/** A part of an answer: names of properties, and `[]` for what a list holds. */
export function partOf(all: Record<string, Schema>, schema: Schema, path: readonly string[]): Schema | undefined {
  let here: Schema | undefined = schema;
  for (const step of path) {
    if (!here) return undefined;
    here = step === "[]" ? solid(all, here).items : properties(all, here).of[step];
  }
  return here && solid(all, here);
}
