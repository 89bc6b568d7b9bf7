/** What the schema says of each option, and the check of one section against it. */

/** A rule of JSON Schema that a value broke, named by its keyword. */
export interface SchemaFault {
  /** `/OPTION` or `/OPTION/INDEX`; empty for the keyword "required". */
  instancePath: string;
  keyword: 'required' | 'type' | 'enum' | 'pattern' | 'minimum' | 'maximum' | 'minItems';
  /** Present for the keyword "required". */
  params?: { missingProperty: string };
}

/** Fills in defaults; the faults, at most one for each value, stand in `errors` until the next call. */
export interface Validator<T> {
  (value: unknown): value is T;
  errors: SchemaFault[];
}

/** `pattern` holds for the text itself or for each item of an array. */
export interface OptionFacts {
  type: 'boolean' | 'integer' | 'string' | 'array';
  required?: boolean;
  enum?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
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

/** Unknown options are not looked at: the loader only warns of them. */
export function validatorOf<T>({ options }: SectionFacts): Validator<T> {
  function validate(value: unknown): value is T {
    validate.errors = isRecord(value)
      ? Object.entries(options).flatMap(([name, facts]) => faultsOf(name, facts, value))
      : [{ instancePath: '', keyword: 'type' }];
    return validate.errors.length === 0;
  }
  validate.errors = [] as SchemaFault[];
  return validate;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function faultsOf(name: string, facts: OptionFacts, values: Record<string, unknown>): SchemaFault[] {
  if (values[name] === undefined && facts.default !== undefined) {
    values[name] = Array.isArray(facts.default) ? [...facts.default] : facts.default;
  }
  const value = values[name];
  if (value === undefined) {
    return facts.required
      ? [{ instancePath: '', keyword: 'required', params: { missingProperty: name } }]
      : [];
  }
  const keyword = brokenRule(facts, value);
  if (keyword !== undefined) {
    return [{ instancePath: `/${name}`, keyword }];
  }
  return !Array.isArray(value)
    ? []
    : value.flatMap((item, index) => {
        const broken = brokenRule({ ...facts, type: 'string' }, item);
        return broken === undefined ? [] : [{ instancePath: `/${name}/${index}`, keyword: broken }];
      });
}

function brokenRule(facts: OptionFacts, value: unknown): SchemaFault['keyword'] | undefined {
  switch (facts.type) {
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'type';
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) ? outOfRange(facts, value) : 'type';
    case 'string':
      return typeof value === 'string' ? otherText(facts, value) : 'type';
    case 'array':
      return Array.isArray(value) ? (value.length < (facts.minItems ?? 0) ? 'minItems' : undefined) : 'type';
  }
}

function outOfRange({ minimum, maximum }: OptionFacts, value: number): 'minimum' | 'maximum' | undefined {
  if (value < (minimum ?? value)) {
    return 'minimum';
  }
  return value > (maximum ?? value) ? 'maximum' : undefined;
}

function otherText(facts: OptionFacts, value: string): 'enum' | 'pattern' | undefined {
  if (facts.enum?.includes(value) === false) {
    return 'enum';
  }
  const fits = facts.pattern === undefined || new RegExp(facts.pattern, 'u').test(value);
  return fits ? undefined : 'pattern';
}
