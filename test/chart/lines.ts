/** A picture of lines, or of bars with their spread, as SVG text: what the README shows of a measurement. */

export interface Line {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  title: string;
  xTitle: string;
  yTitle: string;
  lines: readonly Line[];
  /** Powers of ten instead of equal steps. */
  logX?: true;
  logY?: true;
  /** A dashed level with its name, e.g. what a provider can bear. */
  level?: { y: number; name: string };
}

/** One value for each name, across the page, with the half of the measurements around it. */
export interface BarPanel {
  title: string;
  xTitle: string;
  logX?: true;
  bars: readonly Bar[];
}

export interface Bar {
  name: string;
  value: number;
  /** First and third quartile; absent where there is one value alone. */
  low?: number;
  high?: number;
  /** Beside the bar, e.g. the value in words. */
  note: string;
  /** Bars of one group have one colour. */
  group: number;
}

const WIDTH = 760;
const HEIGHT = 300;
const LEFT = 70;
const RIGHT = 130;
const TOP = 34;
const BOTTOM = 44;
const BAR_LEFT = 230;
const BAR_STEP = 22;
const BAR_HEIGHT = 13;
/** Told apart without colour too: each line has its own dashes (after the Okabe-Ito palette). */
const STYLES = [
  { colour: '#0072b2', dashes: 'none', width: 2.5 },
  { colour: '#d55e00', dashes: '6 3', width: 1.5 },
  { colour: '#009e73', dashes: '2 3', width: 1.5 },
  { colour: '#cc79a7', dashes: '8 3 2 3', width: 1.5 },
  { colour: '#7a7a7a', dashes: '1 2', width: 1.5 },
];

/** Panels one below the other; readable on a light and on a dark page. */
export function linesSvg(panels: readonly (Panel | BarPanel)[]): string {
  let height = 0;
  const body = panels.map((panel) => {
    const group = `<g transform="translate(0 ${height})">\n${'bars' in panel ? barsSvg(panel) : panelSvg(panel)}\n</g>`;
    height += heightOf(panel);
    return group;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(panels.map(({ title }) => title).join('; '))}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

function heightOf(panel: Panel | BarPanel): number {
  return 'bars' in panel ? TOP + BAR_STEP * panel.bars.length + BOTTOM : HEIGHT;
}

function barsSvg(panel: BarPanel): string {
  const bottom = heightOf(panel) - BOTTOM;
  const right = WIDTH - RIGHT;
  const values = panel.bars.flatMap(({ value, low = value, high = value }) => [value, low, high]);
  const xAxis = axisOf(values, panel.logX, BAR_LEFT, right);
  const grid = xAxis.ticks.map(
    (x) =>
      `<path d="M${fixed(xAxis.at(x))} ${TOP}V${bottom}" stroke="#dddddd"/>` +
      text(xAxis.at(x), bottom + 16, brief(x), 'middle'),
  );
  const bars = panel.bars.map(({ name, value, low, high, note, group }, index) => {
    const y = TOP + 6 + BAR_STEP * index;
    const middle = y + BAR_HEIGHT / 2;
    const { colour } = STYLES[group % STYLES.length] ?? STYLES[0] ?? fail();
    const width = Math.max(1, xAxis.at(value) - BAR_LEFT);
    const spread =
      low === undefined || high === undefined
        ? ''
        : `<path d="M${fixed(xAxis.at(low))} ${middle}H${fixed(xAxis.at(high))}M${fixed(xAxis.at(low))} ${middle - 4}v8M${fixed(xAxis.at(high))} ${middle - 4}v8" stroke="#222222" stroke-width="1.5"/>`;
    return [
      text(BAR_LEFT - 8, middle + 4, name, 'end'),
      `<rect x="${BAR_LEFT}" y="${y}" width="${fixed(width)}" height="${BAR_HEIGHT}" fill="${colour}" fill-opacity="0.75"/>`,
      spread,
      text(xAxis.at(Math.max(value, high ?? value)) + 8, middle + 4, note),
    ].join('');
  });
  return [
    `<text x="16" y="18" font-weight="bold" fill="#222222">${escaped(panel.title)}</text>`,
    ...grid,
    `<path d="M${BAR_LEFT} ${TOP}V${bottom}H${right}" fill="none" stroke="#333333"/>`,
    ...bars,
    text((BAR_LEFT + right) / 2, bottom + 34, panel.xTitle, 'middle'),
  ].join('\n');
}

function panelSvg(panel: Panel): string {
  const points = panel.lines.flatMap((line) => line.points);
  const xAxis = axisOf(
    points.map(([x]) => x),
    panel.logX,
    LEFT,
    WIDTH - RIGHT,
  );
  const yAxis = axisOf(
    [...points.map(([, y]) => y), ...(panel.level ? [panel.level.y] : [])],
    panel.logY,
    HEIGHT - BOTTOM,
    TOP,
  );
  const right = WIDTH - RIGHT;
  const grid = [
    ...yAxis.ticks.map(
      (y) =>
        `<path d="M${LEFT} ${fixed(yAxis.at(y))}H${right}" stroke="#dddddd"/>` +
        text(LEFT - 6, yAxis.at(y) + 4, brief(y), 'end'),
    ),
    ...xAxis.ticks.map((x) => text(xAxis.at(x), HEIGHT - BOTTOM + 16, brief(x), 'middle')),
  ];
  const lines = panel.lines.map((line, index) => {
    const { colour, dashes, width } = STYLES[index % STYLES.length] ?? STYLES[0] ?? fail();
    const path = line.points
      .filter(([x, y]) => (!panel.logX || x > 0) && (!panel.logY || y > 0))
      .map(([x, y], order) => `${order === 0 ? 'M' : 'L'}${fixed(xAxis.at(x))} ${fixed(yAxis.at(y))}`)
      .join('');
    const stroke = `stroke="${colour}" stroke-width="${width}" stroke-dasharray="${dashes}"`;
    const keyY = TOP + 10 + 18 * index;
    return (
      `<path d="${path}" fill="none" ${stroke}/>` +
      `<path d="M${right + 8} ${keyY}h22" fill="none" ${stroke}/>${text(right + 34, keyY + 4, line.name)}`
    );
  });
  const level = panel.level
    ? [
        `<path d="M${LEFT} ${fixed(yAxis.at(panel.level.y))}H${right}" stroke="#333333" stroke-dasharray="3 3"/>`,
        text(right - 4, yAxis.at(panel.level.y) - 5, panel.level.name, 'end'),
      ]
    : [];
  return [
    `<text x="${LEFT}" y="18" font-weight="bold" fill="#222222">${escaped(panel.title)}</text>`,
    ...grid,
    `<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${right}" fill="none" stroke="#333333"/>`,
    ...lines,
    ...level,
    text((LEFT + right) / 2, HEIGHT - 10, panel.xTitle, 'middle'),
    `<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle" fill="#222222">${escaped(panel.yTitle)}</text>`,
  ].join('\n');
}

interface AxisScale {
  ticks: number[];
  /** Where a value lies in the picture. */
  at(value: number): number;
}

function axisOf(values: readonly number[], log: true | undefined, from: number, to: number): AxisScale {
  if (log) {
    const positive = values.filter((value) => value > 0);
    const low = Math.floor(Math.log10(smallest(positive)));
    const high = Math.max(low + 1, Math.ceil(Math.log10(largest(positive))));
    return {
      ticks: Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)),
      at: (value) => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from),
    };
  }
  const top = largest(values) || 1;
  const unit = 10 ** Math.floor(Math.log10(top));
  const step = [0.1, 0.2, 0.5, 1, 2].map((part) => part * unit).find((one) => top / one <= 6) ?? unit;
  const steps = Math.ceil(top / step);
  return {
    ticks: Array.from({ length: steps + 1 }, (_, index) => index * step),
    at: (value) => from + (value / (steps * step)) * (to - from),
  };
}

function smallest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function brief(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return rounded >= 10_000 ? `${rounded / 1000}k` : `${rounded}`;
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" fill="#222222">${escaped(content)}</text>`;
}

function fixed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function fail(): never {
  throw new Error('there is no style');
}
