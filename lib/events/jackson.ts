/** JSON as the Java parts of Knative write it again after reading it: no blanks, Java's numbers. */

const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|\s+/g;

/** Of valid JSON. Members keep their order, integers their digits; fractions and exponents become Java doubles. */
export function rewriteJson(json: string): string {
  return json.replace(token, (text) => {
    if (text.startsWith('"')) return text.includes("\\") ? rewriteString(text) : text;
    return text.trim() === "" ? "" : rewriteNumber(text);
  });
}

const escape = /\\(?:u[0-9a-f]{4}|.)/g;

/** Control characters are escaped with capital hex digits. */
const rewriteString = (literal: string): string =>
  JSON.stringify(JSON.parse(literal)).replace(escape, (text) =>
    text.startsWith("\\u") ? `\\u${text.slice(2).toUpperCase()}` : text,
  );

function rewriteNumber(literal: string): string {
  if (/^-?\d+$/.test(literal)) return literal === "-0" ? "0" : literal;
  return javaDouble(Number(literal));
}

/** `Double.toString`: always a fraction, an exponent from 10^7 and below 10^-3. */
function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '"Infinity"' : '"-Infinity"';
  const size = Math.abs(value);
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}
