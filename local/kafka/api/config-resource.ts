/** The kinds of things that have configs. */
export const TOPIC = 2;
export const BROKER = 4;
