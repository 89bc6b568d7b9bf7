// Loaded into the agent by the soak alone (node --require). On SIGWINCH, which the agent does not use, it writes
// what keeps the event loop alive, timers among it, and how full the heap is.
const { writeFileSync, renameSync } = require('node:fs');
const { join } = require('node:path');

const file = join(process.env.HOLDFAST_UBUS_DIR, 'probe.json');

process.on('SIGWINCH', () => {
  const text = JSON.stringify({
    resources: process.getActiveResourcesInfo(),
    heapUsed: process.memoryUsage().heapUsed,
  });
  writeFileSync(`${file}.new`, `${text}\n`);
  renameSync(`${file}.new`, file);
});
