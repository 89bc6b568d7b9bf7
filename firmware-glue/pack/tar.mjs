/**
 * Writes tar archives in the ustar format (POSIX.1-1988), which tar, BusyBox and opkg all read. Everything
 * belongs to root and has one time, so that equal contents are equal bytes.
 */

const BLOCK_BYTES = 512;
const TYPES = { file: '0', folder: '5' };

/**
 * @param {readonly { path: string, type: 'file' | 'folder', mode: number, content?: Uint8Array }[]} entries
 *   in the order of the archive
 * @param {number} timeSec seconds since 1970
 */
export function tarOf(entries, timeSec) {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    return [headerOf(entry, content.length, timeSec), content, Buffer.alloc(padding(content.length))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function headerOf({ path, type, mode }, sizeBytes, timeSec) {
  const header = Buffer.alloc(BLOCK_BYTES);
  if (Buffer.byteLength(path) > 100) {
    throw new Error(`${path} is too long for a tar header`);
  }
  header.write(path, 0);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(sizeBytes, 12), 124);
  header.write(octal(timeSec, 12), 136);
  // The checksum is taken with blanks in its own place.
  header.write(' '.repeat(8), 148);
  header.write(TYPES[type], 156);
  header.write('ustar\x0000', 257);
  header.write('root', 265);
  header.write('root', 297);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 7)}\0 `, 148);
  return header;
}

/** Octal digits with leading zeros; a NUL fills the last place. */
function octal(value, widthChars) {
  return value.toString(8).padStart(widthChars - 1, '0');
}

function padding(lengthBytes) {
  return (BLOCK_BYTES - (lengthBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}
