/** `holdfast notify-test`: a message to everybody who is told of incidents, and what became of it. */
import { channelsOf } from '../config/notify.ts';
import { type CommandContext, EXIT } from './command.ts';
import { oneLine } from './log.ts';

/** A plain Linux has no ubus, and nobody misses the event there. */
const NOT_THERE = 'notify/NO_UBUS';

export async function notifyTest({
  host,
  version,
  json,
  readConfiguration,
}: CommandContext): Promise<number> {
  const configuration = await readConfiguration();
  if (!configuration.ok) {
    host.writeErr(`holdfast: ${configuration.sentence}\n`);
    return EXIT.usage;
  }
  const { deliverTo, notificationOf } = await import('../engine/notify.ts');
  const channels = channelsOf(configuration.config.agent, '');
  const parts = {
    ...{ http: host.http, processes: host, version },
    // A stranger's words are not shown here at all, and a program's own are its owner's.
    redact: (text: string) => text,
    routerName: () => host.readText('/proc/sys/kernel/hostname'),
  };
  const notification = await notificationOf(parts, {
    kind: 'test',
    hostnames: [],
    incident: {
      ...{ id: `test ${host.nowMs()}`, code: 'notify/TEST', subject: 'Holdfast', hosts: [], evidence: [] },
      sentence: 'This is a test message. Nothing has happened, and nothing needs to be done.',
      ...{ mustAct: false, openedWallMs: host.nowMs() },
    },
  });
  const results = await Promise.all(
    channels.map(async (channel) => ({
      channel: channel.title,
      failure: await deliverTo(parts, channel, notification),
    })),
  );
  if (json) {
    const list = results.map(({ channel, failure }) => ({
      ...{ channel, ok: failure === undefined },
      ...(failure && { code: failure.code, sentence: failure.sentence }),
    }));
    host.writeOut(`${JSON.stringify({ channels: list })}\n`);
  } else {
    for (const { channel, failure } of results) {
      host.writeOut(`${oneLine(`${channel}: ${failure?.sentence ?? 'delivered'}`)}\n`);
    }
    if (channels.length === 1) {
      host.writeOut('Nobody else is told of incidents: set option notify or notify_script.\n');
    }
  }
  return results.every(({ failure }) => !failure || failure.code === NOT_THERE) ? EXIT.ok : EXIT.failed;
}
