/** The two functions of the package `punycode` (RFC 3492) that we use; it brings no types of its own. */
declare module 'punycode/punycode.js' {
  const punycode: {
    /** Turns each label that is not ASCII into an A-label. Throws RangeError on overflow. */
    toASCII(name: string): string;
    /** Decodes what follows `xn--`. Throws RangeError when it is not valid. */
    decode(label: string): string;
  };
  // biome-ignore lint/style/noDefaultExport: a CommonJS package is one default export
  export default punycode;
}
