/** A name that the server takes for a source or a channel; its length the field holds. */
export const isWord = (text: string): boolean => /^[a-z0-9._-]+$/.test(text);
