import { expect, test } from 'vitest';
import type { Axis, AxisVerdict, DnsAxes } from '../../agent/core/health.ts';
import { type Works, worksOf } from '../../agent/core/works.ts';

function axis(verdict: AxisVerdict, code = 'authority/ANY'): Axis {
  return { verdict, code, sentence: '', evidence: [], mustAct: false, sinceWallMs: 0, checkedWallMs: 0 };
}

test.each<{ name: string; axes: DnsAxes; works: Works }>([
  { name: 'not checked', axes: {}, works: 'unknown' },
  { name: 'the servers are right', axes: { authority: axis('ok') }, works: 'yes' },
  { name: 'some of them are', axes: { authority: axis('warning') }, works: 'yes' },
  { name: 'none of them is', axes: { authority: axis('failed') }, works: 'no' },
  { name: 'still spreading', axes: { authority: axis('pending') }, works: 'unknown' },
  { name: 'cannot be checked', axes: { authority: axis('unknown') }, works: 'unknown' },
  {
    name: 'in other hands that are right',
    axes: { delegation: axis('failed'), authority: axis('ok') },
    works: 'yes',
  },
  {
    name: 'in other hands that cannot be asked',
    axes: { delegation: axis('failed'), authority: axis('unknown') },
    works: 'no',
  },
  {
    name: 'right, and nobody is told',
    axes: { authority: axis('ok'), publicView: axis('failed') },
    works: 'no',
  },
  {
    name: 'right, and a filter at home',
    axes: { authority: axis('ok'), publicView: axis('warning') },
    works: 'yes',
  },
  {
    name: 'intercepted here, seen over HTTPS',
    axes: { authority: axis('unknown', 'authority/INTERCEPTED'), publicView: axis('ok') },
    works: 'yes',
  },
  {
    name: 'silent here, and seen by others',
    axes: { authority: axis('unknown', 'authority/CANNOT_CHECK'), publicView: axis('ok') },
    works: 'yes',
  },
  {
    name: 'on its way, and seen by others already',
    axes: { authority: axis('pending'), publicView: axis('ok') },
    works: 'unknown',
  },
])('$name: $works', ({ axes, works }) => {
  expect(worksOf(axes)).toBe(works);
});
