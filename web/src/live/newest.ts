interface Placed {
  seq: number;
  epoch?: number | string;
}

/** An answer by REST may be overtaken by the stream while it is on its way; in a quiet market nothing would put it right again. */
export function newest<T extends Placed>(answer: T, known: () => T | undefined): T {
  const held = known();
  return held && held.epoch === answer.epoch && held.seq > answer.seq ? held : answer;
}
