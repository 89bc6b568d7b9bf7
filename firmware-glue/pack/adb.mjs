/**
 * The binary database of apk-tools v3, as its apk-v3(5) describes it: 32-bit little-endian values, four bits
 * of type and 28 of a small number or an offset. Equal values are stored once.
 */

const TYPE_INT = 0x10000000;
const TYPE_INT_32 = 0x20000000;
const TYPE_BLOB_8 = 0x80000000;
const TYPE_BLOB_16 = 0x90000000;
const TYPE_BLOB_32 = 0xa0000000;
const TYPE_ARRAY = 0xd0000000;
const TYPE_OBJECT = 0xe0000000;
const MAX_OFFSET = 0x0fffffff;
/** Nothing, an empty blob, an empty array. */
const NULL = 0;

const ROOT_OFFSET = 4;

export class AdbWriter {
  /** Two version bytes and two reserved ones, all zero, then the root value. */
  #bytes = Buffer.alloc(8);
  #known = new Map();

  /** Text is stored as UTF-8. */
  blob(content) {
    const bytes = Buffer.from(content);
    if (bytes.length === 0) {
      return NULL;
    }
    const [type, width] =
      bytes.length > 0xffff ? [TYPE_BLOB_32, 4] : bytes.length > 0xff ? [TYPE_BLOB_16, 2] : [TYPE_BLOB_8, 1];
    const prefix = Buffer.alloc(width);
    prefix.writeUIntLE(bytes.length, 0, width);
    return type + this.#store(Buffer.concat([prefix, bytes]), width);
  }

  int(value) {
    if (value <= MAX_OFFSET) {
      return TYPE_INT + value;
    }
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return TYPE_INT_32 + this.#store(bytes, 4);
  }

  /** Values by field number; field numbers begin at 1. */
  object(fields) {
    const last = Math.max(
      0,
      ...Object.keys(fields)
        .map(Number)
        .filter((number) => fields[number] !== NULL),
    );
    return this.#slots(
      TYPE_OBJECT,
      Array.from({ length: last }, (_, index) => fields[index + 1] ?? NULL),
    );
  }

  array(values) {
    return this.#slots(TYPE_ARRAY, values);
  }

  /** The finished database. */
  finish(root) {
    this.#bytes.writeUInt32LE(root, ROOT_OFFSET);
    return this.#bytes;
  }

  #slots(type, values) {
    if (values.length === 0) {
      return NULL;
    }
    const bytes = Buffer.alloc(4 * (values.length + 1));
    [values.length + 1, ...values].forEach((value, index) => {
      bytes.writeUInt32LE(value, 4 * index);
    });
    return type + this.#store(bytes, 4);
  }

  #store(bytes, alignment) {
    const key = `${alignment} ${bytes.toString('latin1')}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      return known;
    }
    const gap = (alignment - (this.#bytes.length % alignment)) % alignment;
    const offset = this.#bytes.length + gap;
    if (offset > MAX_OFFSET) {
      throw new Error('the database of the package is too large');
    }
    this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(gap), bytes]);
    this.#known.set(key, offset);
    return offset;
  }
}
