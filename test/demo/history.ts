/**
 * 30 June to 3 July 2014: the zones of a large dynamic-DNS provider are handed over to another company by court
 * order, whose servers cannot carry them. Told as the provider and the press told it; no source gives the hour of
 * the hand-over, and the attack on the web site is as people remember it. Here the provider has four zones, and
 * their names are of this demo's own world.
 */
import type { Levers } from '../service/levers.ts';

const HOUR_MS = 3_600_000;
/** A router whose clock says 2014 knows that it is wrong, so it is played twelve years later and told as of then. */
const LATER_MS = Date.UTC(2026, 5, 30) - Date.UTC(2014, 5, 30);

/** The moment of the hand-over: a Monday morning in the west of America. */
export const HANDOVER_MS = Date.UTC(2014, 5, 30, 15) + LATER_MS;
export const BEGINS_MS = HANDOVER_MS - 3 * HOUR_MS;
export const ENDS_MS = HANDOVER_MS + 74 * HOUR_MS;

export const ZONES = ['ddns.example', 'hopto.example', 'zapto.example', 'sytes.example'] as const;
const [FIRST, SECOND, THIRD, LAST] = ZONES;

/** Of the questions that the new servers pass on to the old ones, few get there. */
const FORWARDED_SHARE = 0.1;

/** `Mon 30 Jun 15:00`, as it was in 2014, UTC. */
export function dateText(atMs: number): string {
  const [, day = '', month = '', , time = ''] = new Date(atMs - LATER_MS).toUTCString().split(' ');
  const weekday = new Date(atMs - LATER_MS).toUTCString().slice(0, 3);
  return `${weekday} ${day} ${month} ${time.slice(0, 5)}`;
}

export interface Moment {
  atMs: number;
  /** What the world is told. */
  told?: string;
  act?: (levers: Levers) => void;
  /** The ISP of this router gives it another address; that has nothing to do with the rest. */
  movesTo?: string;
}

export const FIRST_ADDRESS = '198.51.100.20';
export const SECOND_ADDRESS = '198.51.100.77';

function after(hours: number, moment: Omit<Moment, 'atMs'>): Moment {
  return { atMs: HANDOVER_MS + hours * HOUR_MS, ...moment };
}

function seizeAll(mode: 'copy' | 'drop' | 'partial' | 'stale'): (levers: Levers) => void {
  return (levers) => {
    for (const zone of ZONES) levers.seize(zone, mode, { forwardedShare: FORWARDED_SHARE });
  };
}

export const HISTORY: readonly Moment[] = [
  after(0, {
    told: 'Without a word the registries give the four zones to servers of another company.',
    act: seizeAll('copy'),
  }),
  after(5 / 60, { act: seizeAll('drop') }),
  after(1, { act: seizeAll('partial') }),
  after(3, { told: 'Provider: "We learned of it this morning. We are not able to say when it ends."' }),
  after(20, { movesTo: SECOND_ADDRESS }),
  after(22, {
    told: 'The other company: "A technical error is mended. All service is restored."',
    act: seizeAll('stale'),
  }),
  after(27, { told: 'Press: "1.8 million customers are still offline."' }),
  after(30, {
    told: "The provider's web site does not open: it is under attack.",
    act: (levers) => levers.drownWeb(),
  }),
  after(48, { told: 'The web site is back.', act: (levers) => levers.drownWeb(false) }),
  after(50, {
    told: 'Three of the four zones are handed back. Two large resolvers clear their caches.',
    act(levers) {
      for (const zone of [FIRST, SECOND, THIRD]) levers.handBack(zone);
      levers.flushResolver(0);
    },
  }),
  after(62, { told: 'The fourth zone is handed back.', act: (levers) => levers.handBack(LAST) }),
  after(70, { told: 'The last caches forget the other servers.', act: (levers) => levers.flushResolver() }),
];

/** The same days without the incident. */
export const CALM: readonly Moment[] = HISTORY.filter(({ movesTo }) => movesTo !== undefined);
