/** Which names a topic may have. */
const LEGAL = /^[a-zA-Z0-9._-]{1,249}$/;

export function isValidTopicName(name: string): boolean {
  return LEGAL.test(name) && name !== "." && name !== "..";
}
