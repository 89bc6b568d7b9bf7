/** An expression for the browser: texts of the app whose contrast to what is behind them is too small. */

/** Coloured by the theme alone, or not to be read. */
const NOT_OURS =
  'script, option, :disabled, .btn, .cbi-button, .alert-message, .cbi-map-descr, .cbi-value-description, .cbi-value-title';

/** WCAG 2.2, 1.4.3: 4.5 for text, 3 for large text. */
export const FAINT = `(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((one, index) => one * a + below[index] * (1 - a));
  const behind = (node) => {
    const layers = [];
    for (let one = node; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.backgroundImage !== 'none') return undefined;
      layers.push(parse(style.backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((one) => one / 255).map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const root = document.querySelector('.hf-page') || document.querySelector('#view');
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.getClientRects().length || element.closest('${NOT_OURS}')) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    if (!ground) continue;
    let opacity = 1;
    for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
    const [r, g, b, a = 1] = parse(style.color);
    const [one, other] = [light(over([r, g, b, a * opacity], ground)), light(ground)].sort((x, y) => y - x);
    const ratio = (one + 0.05) / (other + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(ratio.toFixed(1) + ' ' + element.tagName + '.' + element.className + ' ' + node.data.trim().slice(0, 30));
  }
  return [...new Set(found)];
})()`;
