/** The opaque cursor of pages of entries: the place of the last entry told. */

export interface EntryCursor {
  readonly recordedAt: Date;
  readonly sequence: number;
}

export const formatCursor = ({ recordedAt, sequence }: EntryCursor): string =>
  Buffer.from(`${recordedAt.getTime()}.${sequence}`).toString("base64url");

/** Undefined for anything that is no cursor of ours. */
export function parseCursor(text: string): EntryCursor | undefined {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(Buffer.from(text, "base64url").toString("latin1"));
  if (match === null) return undefined;
  return { recordedAt: new Date(Number(match[1])), sequence: Number(match[2]) };
}
