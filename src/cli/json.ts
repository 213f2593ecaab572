/** Data as JSON for programs, two spaces deep. An error is its message; what has no number in JSON, such as `Infinity`, is null. */
export function asJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => (part instanceof Error ? part.message : part), 2);
}
