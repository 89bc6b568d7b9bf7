/** What monitoring gets to see. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { prometheusText } from '../../agent/cli/prometheus.ts';
import { readExposition } from './exposition.ts';
import { HOSTILE, statusSample } from './status-sample.ts';

const HOME = 'hostname="home.example.org",id="home"';

function samplesOf(running = true): Map<string, number> {
  return readExposition(prometheusText(statusSample(), running)).samples;
}

describe('a status as metrics', () => {
  test('keeps to the format, whatever a name holds', () => {
    const { types, samples } = readExposition(prometheusText(statusSample(), true));

    expect([...types.keys()].every((name) => name.startsWith('holdfast_'))).toBe(true);
    expect(samples.get(`holdfast_hostname_blocked{hostname=${JSON.stringify(HOSTILE)},id="bad"}`)).toBe(1);
  });

  test.each([
    ['holdfast_up{}', 1],
    ['holdfast_build_info{runtime="node 20.20.2",version="1.2.3"}', 1],
    ['holdfast_start_time_seconds{}', Date.UTC(2024, 1, 29, 12) / 1000],
    ['holdfast_status_timestamp_seconds{}', Date.UTC(2026, 1, 28, 23, 59, 59, 999) / 1000],
    ['holdfast_resident_memory_bytes{}', 53_000 * 1024],
    ['holdfast_config_problems{severity="error"}', 1],
    ['holdfast_config_problems{severity="warning"}', 2],
    ['holdfast_wan_up{network="wan",source="network"}', 1],
    ['holdfast_wan_up{network="wanb",source="network"}', 0],
    ['holdfast_account_state{account="noip",provider="Example DNS",state="ok"}', 1],
    ['holdfast_account_state{account="noip",provider="Example DNS",state="blocked"}', 0],
    [`holdfast_hostname_info{account="noip",${HOME},provider="Example DNS"}`, 1],
    [`holdfast_hostname_state{${HOME},state="ok"}`, 1],
    [`holdfast_hostname_state{${HOME},state="failed"}`, 0],
    [`holdfast_hostname_works{${HOME}}`, 1],
    ['holdfast_hostname_works{hostname="lan.example.org",id="lan"}', 0],
    [`holdfast_axis_state{axis="authority",${HOME},state="failed"}`, 1],
    [`holdfast_axis_state{axis="authority",${HOME},state="ok"}`, 0],
    [`holdfast_axis_state{axis="publicView",${HOME},state="unknown"}`, 1],
    [
      `holdfast_axis_checked_timestamp_seconds{axis="delegation",${HOME}}`,
      Date.UTC(2026, 0, 2, 3, 4, 5, 678) / 1000,
    ],
    [
      `holdfast_confirmed_timestamp_seconds{family="ipv4",${HOME}}`,
      Date.UTC(2025, 11, 31, 23, 59, 59) / 1000,
    ],
    [
      'holdfast_next_update_timestamp_seconds{hostname="lan.example.org",id="lan"}',
      Date.UTC(2026, 2, 1) / 1000,
    ],
    [`holdfast_hostname_blocked{${HOME}}`, 0],
    ['holdfast_open_incidents{}', 3],
    ['holdfast_incident_open{code="delegation/CHANGED",must_act="false",subject="example.org"}', 1],
    ['holdfast_alias_state{hostname="www.example.org",id="www",state="ok"}', 1],
    ['holdfast_alias_target_info{hostname="www.example.org",id="www",target="home"}', 1],
    ['holdfast_notifications_waiting{}', 2],
  ])('%s is %s', (sample, value) => {
    expect(samplesOf().get(sample)).toBe(value);
  });

  test.each([
    ['what is not known of a name', 'holdfast_hostname_works{hostname="home.example.org",id="same"}'],
    ['a check that never was', `holdfast_axis_checked_timestamp_seconds{axis="update",${HOME}}`],
    ['an update that is not due', `holdfast_next_update_timestamp_seconds{${HOME}}`],
    ['an alias that points nowhere', 'holdfast_alias_target_info{hostname="mail.example.org",id="mail"'],
    [
      'an incident that is over',
      'holdfast_incident_open{code="delegation/CHANGED",must_act="false",subject="home.',
    ],
  ])('leaves out %s', (_, start) => {
    expect([...samplesOf().keys()].filter((key) => key.startsWith(start))).toEqual([]);
  });

  test('has the same sample once, where two incidents are the same', () => {
    const open = [...samplesOf().keys()].filter((key) => key.startsWith('holdfast_incident_open{'));

    expect(open).toHaveLength(2);
  });
});

describe('an agent that does not run', () => {
  test('and left nothing behind is down, and that is all', () => {
    expect(prometheusText(undefined, false)).toMatch(
      /^# HELP holdfast_up .+\n# TYPE holdfast_up gauge\nholdfast_up 0\n$/,
    );
  });

  test('shows what it wrote last, but no memory', () => {
    const samples = samplesOf(false);

    expect(samples.get('holdfast_up{}')).toBe(0);
    expect(samples.get(`holdfast_hostname_works{${HOME}}`)).toBe(1);
    expect(samples.has('holdfast_resident_memory_bytes{}')).toBe(false);
  });

  test('and was an older one: what it did not know is missing', () => {
    const { incidents: _, aliases: _a, notifications: _n, ...older } = statusSample();

    const { samples } = readExposition(prometheusText(older as ReturnType<typeof statusSample>, true));

    expect(samples.get('holdfast_open_incidents{}')).toBe(0);
    expect(samples.get('holdfast_notifications_waiting{}')).toBe(0);
  });
});

/** A part of Debian's large package prometheus. Where it stands in PATH it is asked; the reader above always is. */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (hasPromtool) {
  test('promtool finds nothing to complain about', () => {
    const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], {
      input: prometheusText(statusSample(), true),
      encoding: 'utf8',
    });

    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: '' });
  });
}
