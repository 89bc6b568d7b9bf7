/** What the signals ask of an agent. */
import type { Host } from '../ports.ts';
import type { Agent } from './agent.ts';
import { takeRequest } from './request.ts';

/**
 * Call this before anything else: by default each of these signals is death. HUP reads the configuration
 * again, USR1 does what the request file asks for, USR2 looks again. Resolves with TERM or INT. `onAsked`:
 * there may be work again.
 */
export function obeySignals(
  host: Host,
  agent: () => Agent | undefined,
  onAsked: () => void = () => {},
): Promise<void> {
  function obey(ask: (agent: Agent) => Promise<void>): () => void {
    return () => {
      const asked = agent();
      if (asked) {
        void ask(asked).then(onAsked);
      }
    };
  }
  host.onSignal(
    'HUP',
    obey((asked) => asked.reload()),
  );
  host.onSignal(
    'USR1',
    obey((asked) => obeyRequest(host, asked)),
  );
  host.onSignal('USR2', obey(lookAgain));
  return new Promise((resolve) => {
    host.onSignal('TERM', resolve);
    host.onSignal('INT', resolve);
  });
}

/** What the request file asks for; without one, update everything now. */
async function obeyRequest(host: Host, { loop, config }: Agent): Promise<void> {
  const request = await takeRequest(host, config().agent.stateDir);
  loop.dispatch({ type: 'requested', ...request });
}

/** Something around the agent has changed (hotplug: an interface, or NTP has set the clock). */
async function lookAgain({ loop }: Agent): Promise<void> {
  for (const source of Object.keys(loop.state().reads)) {
    loop.dispatch({ type: 'hinted', source });
  }
  loop.dispatch({ type: 'clock-set' });
}
