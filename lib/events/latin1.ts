/** What is left of a text after the KafkaSource dispatcher sent it as an HTTP header. */

/**
 * Characters outside Latin-1 become `?` and surrounding blanks are lost. The gateway and `verify` see the true bytes
 * and apply this, so that all functions name an event alike.
 */
export function asHeaderValue(text: string): string {
  return text.replace(/[^\u0000-\u00ff]/gu, "?").replace(/^[ \t]+|[ \t]+$/g, "");
}

/** A `?` stands for one of its characters when it is sent as a header. */
export const isBeyondLatin1 = (text: string): boolean => /[^\u0000-\u00ff]/.test(text);

/** Control characters cannot be sent: Knative drops such a record and commits it, without a dead letter. */
export const isSendable = (value: string): boolean =>
  !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value);
