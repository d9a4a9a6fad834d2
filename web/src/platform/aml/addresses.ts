/** What is wrong with typed addresses of a list, before they are sent. */
export type AddressFault = "none" | "scheme" | "twice";

/** Addresses, one a line, in the order of the list's files. */
export const readAddresses = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

/** `null` when they may be sent; the server fetches and judges what stands there. */
export function addressFault(urls: readonly string[]): AddressFault | null {
  if (urls.length === 0) return "none";
  if (urls.some((url) => !/^https:\/\/[^\s/]+/.test(url) || /\s/.test(url))) return "scheme";
  return new Set(urls).size < urls.length ? "twice" : null;
}
