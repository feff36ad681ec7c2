/** What a record says of a name that users chose: "constructor" may be a key of metadata, and every object inherits one. */
export function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
