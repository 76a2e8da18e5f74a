/** What a language has: words for each event type that is notified, in Mustache. */

export interface Parts {
  readonly subject: string;
  readonly text: string;
  /** Between the headline and the footer of the layout. */
  readonly html: string;
  readonly sms: string;
}

export interface Template {
  /** ISO 639 code. */
  readonly language: string;
  readonly untitled: string;
  readonly messages: Readonly<Record<string, Parts>>;
  readonly layout: string;
}

/** Variables: language, headline, title, description, due, occurrence. `{{x}}` escapes, `{{>body}}` is the part's html. */
export const layoutWith = (footer: string): string => `<!doctype html>
<html lang="{{language}}">
  <head><meta charset="utf-8"><title>{{headline}}</title></head>
  <body style="font-family: sans-serif; line-height: 1.5">
    <h1 style="font-size: 1.25em">{{headline}}</h1>
    {{>body}}
    <p style="color: #666; font-size: 0.85em">${footer}</p>
  </body>
</html>
`;

const description = `
{{#description}}
    <p style="white-space: pre-line">{{description}}</p>
{{/description}}`;

/** `label` and the time after it where there is one, then the description. */
export const htmlWith = (
  sentence: string,
  time: "due" | "occurrence",
  label: string,
): string => `<p>${sentence}</p>
{{#${time}}}
    <p>${label} {{${time}}}</p>
{{/${time}}}${description}`;

export const textWith = (
  sentence: string,
  time: "due" | "occurrence",
  label: string,
  footer: string,
): string => `${sentence}
{{#${time}}}

${label} {{${time}}}
{{/${time}}}
{{#description}}

{{description}}
{{/description}}

--
${footer}`;
