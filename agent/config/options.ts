/** What the schema says of each option, and the faults that its generated check finds. */

/** A value that breaks its rules, or a required option that is not there. */
export interface SchemaFault {
  /** `/OPTION` or `/OPTION/INDEX`; empty for what is missing. */
  instancePath: string;
  params?: { missingProperty: string };
}

/** Ajv's standalone code: fills in defaults; the faults stand in `errors` until the next call. */
export interface Validator<T> {
  (value: unknown): value is T;
  errors?: SchemaFault[] | null;
}

export interface OptionFacts {
  type: 'boolean' | 'integer' | 'string' | 'array';
  enum?: string[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
  unit?: string;
  allowed?: string;
  secret?: boolean;
  later?: boolean;
  planned?: string[];
}

export interface SectionFacts {
  later?: boolean;
  options: Record<string, OptionFacts>;
}

/** Adds a fault to a list that is null as long as there is none; the generated code calls it. */
export function noteFault(
  faults: SchemaFault[] | null,
  instancePath: string,
  params?: SchemaFault['params'],
): SchemaFault[] {
  return [...(faults ?? []), { instancePath, ...(params && { params }) }];
}
