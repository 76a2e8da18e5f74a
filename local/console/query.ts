/** Query parameters of the console's routes. */

/** Answered 400 with its message. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

const defaultLimit = 100;
const maxLimit = 1_000;

export function limitOf(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return defaultLimit;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > maxLimit) {
    throw new QueryError(`limit must be a whole number from 1 to ${maxLimit}`);
  }
  return limit;
}

/** Undefined where it is not given; empty is a mistake. */
export function textOf(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (text === "") throw new QueryError(`${name} must not be empty`);
  return text ?? undefined;
}

export function requiredTextOf(query: URLSearchParams, name: string): string {
  const text = textOf(query, name);
  if (text === undefined) throw new QueryError(`${name} is required, as in ?${name}=u1`);
  return text;
}
