import type { Ceremony } from "../api/identity";

/** Base64 as the web's ceremonies write it: without padding, with `-` and `_`. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}

export function toBase64Url(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

type Listed = { id: string; type: "public-key"; transports?: AuthenticatorTransport[] };
type Plain<T, K extends keyof T> = Omit<T, K> & { [name in K]?: unknown };

const listed = (all: unknown): PublicKeyCredentialDescriptor[] => (Array.isArray(all) ? (all as Listed[]).map((one) => ({ ...one, id: fromBase64Url(one.id) })) : []);

/** The server may wrap what the browser wants in `publicKey`, as the ceremony's own standard does. */
const inner = <T>(options: Ceremony): T => (options.publicKey ?? options) as unknown as T;

export function creationOptions(options: Ceremony): PublicKeyCredentialCreationOptions {
  const given = inner<Plain<PublicKeyCredentialCreationOptions, "challenge" | "excludeCredentials"> & { user: { id: unknown } }>(options);
  return {
    ...given,
    challenge: fromBase64Url(String(given.challenge)),
    user: { ...given.user, id: fromBase64Url(String(given.user.id)) },
    excludeCredentials: listed(given.excludeCredentials),
  };
}

export function requestOptions(options: Ceremony): PublicKeyCredentialRequestOptions {
  const given = inner<Plain<PublicKeyCredentialRequestOptions, "challenge" | "allowCredentials">>(options);
  return { ...given, challenge: fromBase64Url(String(given.challenge)), allowCredentials: listed(given.allowCredentials) };
}

/** Whether this browser can hold passkeys for this address. */
export const canPasskey = (): boolean => typeof PublicKeyCredential === "function" && isSecureContext;

/** Lets the person's device make a key; `null` when they turned it down. */
export async function makePasskey(options: Ceremony): Promise<Ceremony | null> {
  const made = await asked(() => navigator.credentials.create({ publicKey: creationOptions(options) }));
  if (!made) return null;
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    ...named(made),
    response: { attestationObject: toBase64Url(response.attestationObject), clientDataJSON: toBase64Url(response.clientDataJSON), transports: response.getTransports() },
  };
}

/** Lets the person's device prove that it has the key; `null` when they turned it down. */
export async function provePasskey(options: Ceremony): Promise<Ceremony | null> {
  const proof = await asked(() => navigator.credentials.get({ publicKey: requestOptions(options) }));
  if (!proof) return null;
  const response = proof.response as AuthenticatorAssertionResponse;
  return {
    ...named(proof),
    response: {
      authenticatorData: toBase64Url(response.authenticatorData),
      clientDataJSON: toBase64Url(response.clientDataJSON),
      signature: toBase64Url(response.signature),
      userHandle: response.userHandle ? toBase64Url(response.userHandle) : null,
    },
  };
}

const named = (credential: PublicKeyCredential): Ceremony => ({ id: credential.id, rawId: toBase64Url(credential.rawId), type: credential.type, extensions: credential.getClientExtensionResults() });

/** A person who closes the browser's question, or lets it wait too long, has said no. */
async function asked(question: () => Promise<Credential | null>): Promise<PublicKeyCredential | null> {
  try {
    return (await question()) as PublicKeyCredential | null;
  } catch (error) {
    if (error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError")) return null;
    throw error;
  }
}
