import { expect, it, vi } from "vitest";
import { Problem, type Api } from "../../api/client";
import { Door, part, withQuery } from "./door";

function door(...answers: unknown[]) {
  const keys: (string | undefined)[] = [];
  const call = vi.fn(async (_method: string, _path: string, _body?: unknown, extra: { headers?: Record<string, string> } = {}) => {
    keys.push(extra.headers?.["Idempotency-Key"]);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  let made = 0;
  return { keys, call, door: new Door({ call: call as unknown as Api["call"] }, () => `key-${(made += 1)}`) };
}

const lost = () => new Problem(0, "no answer in time", "");
const refused = () => new Problem(409, "no", "no");

it("sends a write again under the same key when its answer was lost, and under a new one otherwise", async () => {
  const { door: desk, keys } = door(lost(), {}, {}, refused(), {}, lost(), {});
  const post = (body: unknown) => desk.post("crm/tasks", body).catch(() => undefined);
  await post({ a: 1 });
  await post({ a: 1 });
  await post({ a: 1 });
  await post({ a: 1 });
  await post({ a: 1 });
  await post({ a: 1 });
  await post({ a: 2 });
  expect(keys).toEqual(["key-1", "key-1", "key-2", "key-3", "key-4", "key-5", "key-6"]);
});

it("keeps the key of an upload whose answer was lost on its way, for the same files alone", async () => {
  const { door: desk, keys } = door(new Problem(504, "gateway", "gateway"), {}, lost(), {});
  const upload = (text: string, lastModified: number) => {
    const form = new FormData();
    form.append("files[]", new File([text], "photo.jpg", { lastModified }), "ktp");
    return desk.upload("kyc/upload", form).catch(() => undefined);
  };
  await upload("a", 1);
  await upload("a", 1);
  await upload("a", 1);
  await upload("a", 2);
  expect(keys).toEqual(["key-1", "key-1", "key-2", "key-3"]);
});

it("leaves out of an address what was not chosen", () => {
  expect(withQuery("aml/cases", { status: "open", kind: "", cursor: null, limit: 25 })).toBe("aml/cases?status=open&limit=25");
  expect(withQuery("aml/cases", {})).toBe("aml/cases");
  expect(part("a/b")).toBe("a%2Fb");
});

it("reads without a key", async () => {
  const { door: desk, call } = door({ items: [] });
  await desk.get("aml/cases", { status: "open" });
  expect(call).toHaveBeenCalledWith("GET", "aml/cases?status=open", undefined, {});
});
